"""From measured brightness to comparable brightness: zero points, errors, fluxes and magnitudes."""
