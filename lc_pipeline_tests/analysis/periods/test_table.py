"""`period_search`: one row for every object of a dataset."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from light_curves import nights

from lc_pipeline import LightcurveStorage
from lc_pipeline.analysis.periods import period_search
from lc_pipeline.errors import SurveyConfigError
from lc_pipeline.survey import PeriodsSection, SurveyConfig
from lc_pipeline.tables import read_table, write_table

SURVEYS = Path(__file__).parents[2] / "surveys"
SETTINGS = PeriodsSection(min_period=0.15)


def dataset(n_objects=11, *, own_times=False, quantity="mag", n_epochs=90):
    """RRab stars in g and r, the last one without values."""
    random = np.random.default_rng(5)
    time = nights(random, n_epochs, years=0.5)
    period = random.uniform(0.45, 0.75, n_objects)
    offset = random.uniform(0, 0.2, (n_objects, 2, n_epochs)) * own_times
    phase = (time + offset) / period[:, np.newaxis, np.newaxis]
    value = 16 - 0.4 * np.cos(2 * np.pi * phase) + random.normal(0, 0.02, phase.shape)
    if quantity == "flux":
        value = 10 ** (0.4 * (16 - value)) - 1.0  # some are negative
    value[random.random(value.shape) < 0.1] = np.nan
    value[-1] = np.nan
    flags = np.where(np.isnan(value), 1, 0).astype("uint16")
    curves = np.stack([value, np.where(np.isnan(value), np.nan, 0.02)], axis=2).astype("float32")
    dims = ("object", "measurement", "value", "epoch")
    variables = {
        "lightcurves": (dims, curves),
        "flags": (("object", "measurement", "epoch"), flags),
    }
    if own_times:
        variables["time_offset"] = (("object", "measurement", "epoch"), offset.astype("float32"))
    made = xr.Dataset(
        variables,
        {
            "object": [f"s{number}" for number in range(n_objects)],
            "measurement": ["g", "r"],
            "quantity": ("measurement", [quantity] * 2),
            "unit": ("measurement", ["mag" if quantity == "mag" else "Jy"] * 2),
            "time": ("epoch", time),
        },
    )
    return made, period


@pytest.mark.parametrize("own_times", [False, True])
@pytest.mark.parametrize("quantity", ["mag", "flux"])
def test_every_object_has_its_row_and_its_period(own_times, quantity, tmp_path):
    made, period = dataset(5, own_times=own_times, quantity=quantity)
    told = []
    table = period_search(made, SETTINGS, workers=1, progress=lambda *done: told.append(done))
    assert table["object"].tolist() == made.object.values.tolist()
    np.testing.assert_allclose(table["period"][:-1], period[:-1], atol=1e-4)
    assert np.isnan(table["period"][-1])
    assert table["fap_method"][-1] == ""
    assert (table["fap"][:-1] < 1e-10).all()
    assert told[-1] == (5, 5)
    amplitude = {"mag": 0.8, "flux": 10**0.16 - 10**-0.16}[quantity]
    np.testing.assert_allclose(table["amplitude_g"][:-1], amplitude, atol=0.1)
    # Maximum light is at phase 0.
    cycles = table["epoch_of_maximum"][:-1] / period[:-1]
    assert (np.abs(cycles - np.round(cycles)) < 0.05).all()
    assert all(table[name].description for name in table.colnames)
    assert table["amplitude_g"].unit == ("mag" if quantity == "mag" else "Jy")
    again = read_table(write_table(table, tmp_path / "periods.parquet"))
    np.testing.assert_array_equal(again["period"], table["period"])


def test_only_the_objects_asked_for_are_searched_and_give_the_same():
    made, _ = dataset()
    everything = period_search(made, SETTINGS, workers=2)
    some = period_search(made, SETTINGS, objects=[7, 2], workers=1)
    searched = np.isfinite(some["period"])
    assert np.flatnonzero(searched).tolist() == [2, 7]
    np.testing.assert_allclose(some["period"][[2, 7]], everything["period"][[2, 7]], rtol=1e-7)
    assert np.isnan(period_search(made, SETTINGS, objects=[])["period"]).all()


def test_measurements_are_chosen_by_the_settings():
    made, period = dataset(4)
    one = SETTINGS.model_copy(update={"measurements": ("r",)})
    table = period_search(made, one, workers=1)
    assert "amplitude_r" in table.colnames
    assert "amplitude_g" not in table.colnames
    np.testing.assert_allclose(table["period"][:-1], period[:-1], atol=1e-4)
    assert json.loads(table.meta["settings"])["measurements"] == ["r"]
    with pytest.raises(ValueError, match=r"no measurement 'x' \(there are: g, r\)"):
        period_search(made, SETTINGS.model_copy(update={"measurements": ("x",)}))
    with pytest.raises(ValueError, match="positions from 0 to 3"):
        period_search(made, SETTINGS, objects=[4])


def test_settings_are_read_and_do_not_decide_what_is_ingested():
    text = '[survey]\nname = "a"\n[files]\npattern = "(?P<epoch>.+)"\n'
    plain = SurveyConfig.from_toml(text)
    survey = SurveyConfig.from_toml(text + "[periods]\nmin_period = 0.2\nobjects = 'all'\n")
    assert survey.periods.min_period == 0.2
    assert survey.fingerprint == plain.fingerprint
    with pytest.raises(SurveyConfigError, match="Did you mean min_period"):
        SurveyConfig.from_toml(text + "[periods]\nmin_perod = 0.2\n")
    with pytest.raises(SurveyConfigError, match="min_period < max_period"):
        SurveyConfig.from_toml(text + "[periods]\nmin_period = 2.0\nmax_period = 1.0\n")


def run_survey(shared_data, tmp_path, name, folder):
    text = (shared_data / folder).resolve()
    toml = (SURVEYS / f"{name}.toml").read_text(encoding="utf-8")
    (tmp_path / "survey.toml").write_text(toml.replace("@FOLDER@", str(text)), encoding="utf-8")
    command = [sys.executable, "-m", "lc_pipeline", "run", str(tmp_path), "--no-analysis"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return LightcurveStorage(tmp_path / "store" / "objects").load_storage().dataset


def test_rr_lyrae_stars_of_stripe_82_have_their_published_periods(shared_data, tmp_path):
    """Every 24th star; docs/periods.md has the result for all 483."""
    stars = run_survey(shared_data, tmp_path, "s82_rrlyrae", "s82_rrlyrae/epochs_wide")
    with (shared_data / "s82_rrlyrae" / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["num"]: float(row["period_d"]) for row in csv.DictReader(file)}
    places = np.arange(0, stars.sizes["object"], 24)
    table = period_search(stars, objects=places, workers=2)[places]
    published = np.array([1 / truth[key] for key in table["object"]])
    n_right = int((np.abs(table["frequency"] - published) < 1e-3).sum())
    assert len(places) == 21
    assert n_right >= 18
