"""Colours that everybody tells apart (Okabe & Ito 2008, Color Universal Design)."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

MARKERS = ("o", "s", "^", "D", "v")
"""With more measurements than colours, the next shape starts the colours again."""

ORDINARY = "#7f7f7f"
"""Objects that are there for comparison."""

REMARKABLE = "#D55E00"
"""Objects or lines that the eye should find."""

SEQUENTIAL = "cividis"
"""Map of colours that reads the same to everybody (doi:10.1371/journal.pone.0199239)."""
