"""Relative photometry: zero points, errors, fluxes and magnitudes.

:mod:`~lc_pipeline.photometry.calibration` (reading calibrated),
:mod:`~lc_pipeline.photometry.magnitudes` and :mod:`~lc_pipeline.photometry.terms` stand below the
stores; what solves (:mod:`~lc_pipeline.photometry.zero_points`,
:mod:`~lc_pipeline.photometry.error_model`) stands above them, beside ``analysis``. So import the
module that you mean.
"""
