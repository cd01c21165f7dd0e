"""Surveys with a known truth, as catalogue files, to check what the pipeline makes of them."""

from lc_pipeline.simulate.settings import Simulation, SimulationError
from lc_pipeline.simulate.simulation import simulate_survey
from lc_pipeline.simulate.truth import Truth

__all__ = ["Simulation", "SimulationError", "Truth", "simulate_survey"]
