"""Claims about the error model."""

import numpy as np
import pytest

from lc_pipeline.photometry.error_model import fit_error_model
from lc_pipeline.photometry.noise import NoiseModel, fit_noise
from lc_pipeline.tables import read_table, write_table


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("floor", [0.002, 0.02])
def test_floor_and_scale_are_found_among_thirty_percent_of_variables(scale, floor):
    random = np.random.default_rng(4)
    error = random.uniform(-3, -1, 400)
    error = 10**error
    rms = np.hypot(scale * error, floor) * random.normal(1, 0.1, 400)
    rms[:120] = np.hypot(rms[:120], random.uniform(0.05, 0.5, 120))
    found = fit_noise(rms, error)
    assert found.scale == pytest.approx(scale, rel=0.1)
    assert found.floor == pytest.approx(floor, rel=0.15)


def test_without_errors_there_is_a_floor():
    found = fit_noise(np.full(20, 0.03), np.zeros(20))
    assert found.floor == pytest.approx(0.03, rel=1e-3)


def test_nothing_to_fit_changes_no_errors():
    assert fit_noise(np.array([np.nan]), np.array([0.1])) == NoiseModel(1.0, 0.0)


def test_the_table_has_the_curve_and_the_model(field, tmp_path):
    simulated = field(200, 100, sigma_zero_point=0, variables=0.2)
    table = read_table(write_table(fit_error_model(simulated.dataset), tmp_path / "model.parquet"))
    scale, floor = table.meta["error_model"]["g"]
    assert scale == pytest.approx(1, rel=0.1)
    assert floor == pytest.approx(0.008, rel=0.2)
    assert np.all(np.diff(table["magnitude"]) > 0)
    assert table["n_stars"].sum() == 200
    np.testing.assert_allclose(table["model"], np.hypot(scale * table["error"], floor))
    assert np.median(np.abs(table["rms"] / table["model"] - 1)) < 0.15
    assert str(table["floor"].unit) == "mag"


def test_fluxes_have_the_error_model_of_the_magnitudes(field, dataset_of):
    simulated = field(150, 80, sigma_zero_point=0)
    flux = 10 ** (-0.4 * (simulated.value - 25))
    error = flux * simulated.error * np.log(10) / 2.5
    in_flux = fit_error_model(dataset_of(flux[:, None], error[:, None], quantities=("flux",)))
    in_mag = fit_error_model(simulated.dataset)
    for one, other in zip(in_flux.meta["error_model"]["g"], in_mag.meta["error_model"]["g"],
                          strict=True):  # fmt: skip
        assert one == pytest.approx(other, rel=0.05)


def test_few_values_and_faint_fluxes_are_left_out(dataset_of):
    value = np.random.default_rng(0).normal(0, 1, (10, 1, 30))
    faint = fit_error_model(dataset_of(value, np.ones_like(value), quantities=("flux",)))
    short = fit_error_model(dataset_of(15 + value[..., :4], np.ones((10, 1, 4))))
    assert len(faint) == len(short) == 0
    assert faint.meta["error_model"] == {"g": [1.0, 0.0]}
