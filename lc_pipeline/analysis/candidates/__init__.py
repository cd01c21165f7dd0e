"""Which objects vary: judged, doubted, ranked, and said in words.

:func:`variable_candidates` makes the table. It asks :func:`variability_scores` how improbable a
constant object is to look like each object, and :func:`lightcurve_evidence` what in the light
curves carries the signal.
"""

from lc_pipeline.analysis.candidates.evidence import LightcurveEvidence, lightcurve_evidence
from lc_pipeline.analysis.candidates.scoring import Scores, Voice, variability_scores
from lc_pipeline.analysis.candidates.table import variable_candidates
from lc_pipeline.analysis.candidates.tails import NullDistribution, fit_null

__all__ = [
    "LightcurveEvidence",
    "NullDistribution",
    "Scores",
    "Voice",
    "fit_null",
    "lightcurve_evidence",
    "variability_scores",
    "variable_candidates",
]
