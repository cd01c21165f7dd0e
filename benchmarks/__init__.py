"""Speed and memory against other ways of doing the same, in one run, as ratios."""
