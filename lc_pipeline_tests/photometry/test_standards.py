"""Absolute calibration: tables of standards, and what they do."""

import numpy as np
import pytest
from pydantic import ValidationError

from lc_pipeline.errors import CatalogError, LightcurveError
from lc_pipeline.photometry.standards import read_standards, robust_offset
from lc_pipeline.photometry.zero_points import solve_calibration
from lc_pipeline.survey import PhotometrySection, StandardsSection


def settings(path, **changes):
    section = {"file": str(path), "values": {"g": "gmag"}, "errors": {"g": "e_gmag"}}
    return PhotometrySection(standards=section | changes)


def write_standards(path, dataset, magnitude, rows=slice(0, 10)):
    """Standards 0.5 arcsec to the north of their stars."""
    stars = zip(dataset.ra.values[rows], dataset.dec.values[rows], magnitude[rows], strict=True)
    lines = [f"{ra},{dec + 0.5 / 3600},{mag},0.01" for ra, dec, mag in stars]
    path.write_text("\n".join(["ra,dec,gmag,e_gmag", *lines]) + "\n")
    return path


@pytest.mark.parametrize("mode", ["on", "off"])
def test_calibrated_magnitudes_are_on_the_standards_system(field, tmp_path, mode):
    simulated = field(40, 20, sigma_zero_point=0.2 if mode == "on" else 0)
    dataset = simulated.dataset
    standards = simulated.mean + 20.75
    standards[4] += 1.0  # one of them is wrong
    path = write_standards(tmp_path / "standards.csv", dataset, standards)
    section = settings(path).model_copy(update={"zero_points": mode})
    calibration = solve_calibration(dataset, section)
    calibrated = calibration.attach(dataset).lightcurves.values[:, 0, 0]
    difference = np.median(calibrated, axis=1) - (simulated.mean + 20.75)
    assert abs(np.median(difference)) < 0.02
    table = calibration.zero_points
    assert table["n_standards"][0] == 10
    np.testing.assert_allclose(table["standards_offset"], 20.75, atol=0.03)
    assert 0.001 < table["standards_offset_err"][0] < 0.02
    applied = table["relative_zero_point"] if mode == "on" else 0
    np.testing.assert_allclose(table["zero_point"], applied - table["standards_offset"])


def test_newer_epochs_get_the_constant_where_it_is_all_there_is(field, tmp_path):
    simulated = field(40, 20, sigma_zero_point=0)
    dataset = simulated.dataset
    path = write_standards(tmp_path / "standards.csv", dataset, simulated.mean + 20.75)
    calibration = solve_calibration(dataset.isel(epoch=slice(0, 15)), settings(path))
    shift = (calibration.attach(dataset).lightcurves - dataset.lightcurves).values[:, 0, 0]
    np.testing.assert_allclose(shift, 20.75, atol=0.02)


def test_a_component_without_standards_is_not_on_their_system(field, dataset_of, tmp_path):
    first, second = field(30, 15, seed=1), field(30, 15, seed=2)
    value = np.full((60, 30), np.nan)
    value[:30, :15], value[30:, 15:] = first.value, second.value
    dataset = dataset_of(value[:, None], np.full((60, 1, 30), 0.01))
    mean = np.append(first.mean, second.mean)
    path = write_standards(tmp_path / "standards.csv", dataset, mean)
    table = solve_calibration(dataset, settings(path)).zero_points
    assert np.isfinite(table["zero_point"][:15]).all()
    assert np.isnan(table["zero_point"][15:]).all()
    assert set(table["note"][15:]) == {"no standard star in these epochs"}


def test_standards_that_match_nothing_are_an_error(field, tmp_path):
    dataset = field(20, 10).dataset
    elsewhere = dataset.assign_coords(ra=dataset.ra + 50)
    path = write_standards(tmp_path / "standards.csv", elsewhere, np.zeros(20))
    with pytest.raises(LightcurveError, match=r"standards.csv: none of 10 standards.*0 match one"):
        solve_calibration(dataset, settings(path))


def test_fluxes_are_brought_to_standard_fluxes(field, dataset_of, tmp_path):
    simulated = field(40, 20)
    flux = 10 ** (-0.4 * (simulated.value - 25))
    error = flux * simulated.error
    dataset = dataset_of(flux[:, None], error[:, None], quantities=("flux",))
    true = 3.0 * 10 ** (-0.4 * (simulated.mean - 25))
    path = write_standards(tmp_path / "standards.csv", dataset, true)
    calibrated = solve_calibration(dataset, settings(path, errors={})).attach(dataset)
    ratio = np.median(calibrated.lightcurves.values[:, 0, 0], axis=1) / true
    assert np.median(ratio) == pytest.approx(1, abs=0.02)


def test_a_file_of_one_row_is_read_in_blocks(tmp_path):
    path = tmp_path / "standards.csv"
    path.write_text("10.0,11.0,12.0,-5,-6,-7,15.1,15.2,15.3\n")
    section = StandardsSection(file="standards.csv", layout="one row",
                               column_names=("ra", "dec", "V"), values={"V": "V"})  # fmt: skip
    standards = read_standards(section, tmp_path)
    assert standards.ra.tolist() == [10, 11, 12]
    assert standards.dec.tolist() == [-5, -6, -7]
    assert standards.values["V"].tolist() == [15.1, 15.2, 15.3]
    assert standards.errors["V"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [("1,2,3,4", "4 numbers"), ("ra,dec,V", "something else than numbers"), ("", "else")],
)
def test_a_file_of_one_row_that_is_none_is_refused(tmp_path, text, message):
    path = tmp_path / "standards.csv"
    path.write_text(text)
    section = StandardsSection(file=str(path), layout="one row",
                               column_names=("ra", "dec", "V"), values={"V": "V"})  # fmt: skip
    with pytest.raises(CatalogError, match=message):
        read_standards(section)


def test_a_column_that_is_not_there_is_named(field, tmp_path):
    path = write_standards(tmp_path / "standards.csv", field(20, 5).dataset, np.zeros(20))
    with pytest.raises(CatalogError, match=r"no column 'Vmag' .*gmag"):
        read_standards(StandardsSection(file=str(path), values={"g": "Vmag"}))


def test_settings_of_standards_are_checked():
    with pytest.raises(ValidationError, match="column_names"):
        StandardsSection(file="a.csv", layout="one row", values={"V": "V"})
    with pytest.raises(ValidationError, match="'R'"):
        StandardsSection(file="a.csv", values={"V": "V"}, errors={"R": "e"})


def test_the_error_of_the_offset_is_the_scatter_of_many_trials():
    random = np.random.default_rng(0)
    trials = [robust_offset(random.normal(0, 0.05, 12), np.full(12, 0.02**2)) for _ in range(400)]
    scatter = np.std([trial.value for trial in trials])
    assert np.median([trial.error for trial in trials]) == pytest.approx(scatter, rel=0.2)
