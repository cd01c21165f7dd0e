"""The known variable is the first candidate of its field."""

import subprocess
import sys

import pytest

from lc_pipeline import LightcurveStorage
from lc_pipeline.analysis.candidates import lightcurve_evidence, variable_candidates
from lc_pipeline.analysis.statistics import variability_statistics
from lc_pipeline.photometry.zero_points import solve_calibration
from lc_pipeline.sky.geometry import separation_arcsec


def candidates_of(dataset):
    dataset = solve_calibration(dataset).attach(dataset)
    statistics = variability_statistics(dataset)
    return variable_candidates(statistics, evidence=lightcurve_evidence(dataset))


def assert_first_and_undoubted(table, ra, dec):
    assert separation_arcsec(table["ra"][0], table["dec"][0], ra, dec) < 1.5
    assert table["vetoes"][0] == ""
    assert "times what objects of this brightness show" in table["reason"][0]
    # One known variable in the field: others are chance, and few.
    assert len(table) <= 2


def test_ey_uma_comes_first(ey_uma):
    assert_first_and_undoubted(candidates_of(ey_uma.dataset), 135.58650, 49.81926)


@pytest.mark.parametrize("form", ["ecsv", "raw"])
def test_af_vel_comes_first(shared_data, project, tmp_path, form):
    survey = project / "lc_pipeline_tests" / "surveys" / f"af_vel_{form}.toml"
    text = survey.read_text().replace("@FOLDER@", str(shared_data / "af_vel" / form))
    (tmp_path / "survey.toml").write_text(text)
    command = [sys.executable, "-m", "lc_pipeline", "run", str(tmp_path), "--no-analysis"]
    # One of the raw files is empty, is refused, and does no harm.
    subprocess.run(command, check=False, capture_output=True)
    dataset = LightcurveStorage(tmp_path / "store" / "objects").dataset
    assert_first_and_undoubted(candidates_of(dataset), 163.260417, -49.906389)
