"""Upper limits end to end: from catalogues to tables, plots and the report, as a user has them."""

import io
import json
import shutil

import numpy as np
import pytest
from astropy.table import Table
from astropy.timeseries import TimeSeries
from click.testing import CliRunner
from matplotlib.image import imread

from lc_pipeline import LightcurveStorage
from lc_pipeline.analyse import analyse, read_result, report_path
from lc_pipeline.analysis import plots
from lc_pipeline.cli import main
from lc_pipeline.draft import draft_survey
from lc_pipeline.flags import MeasurementFlag as F
from lc_pipeline.ingest import ingest, publish
from lc_pipeline.survey import SurveyConfig

N_STARS, N_NIGHTS = 24, 20
#: Variable, and not detected on some nights: no row · a row of 99 then · outside some fields.
DIPPER, FORCED, OUTSIDE, CONSTANT = 4, 5, 6, 7
CORNERS = ((149.8, 19.8), (150.2, 19.8), (150.2, 20.2), (149.8, 20.2))
LIMITS = 19.5 + 0.05 * np.arange(N_NIGHTS)


def is_faint(star, night):
    return (night + star) % 5 == 0


PLACE = np.random.default_rng(1).uniform((149.9, 19.9), (150.1, 20.1), (N_STARS, 2))
PLACE[:4], PLACE[OUTSIDE] = CORNERS, (150.3, 20.0)


def is_outside(star, night):
    return star == OUTSIDE and night % 3 == 0


def rows_of(night, *, limits=True):
    """One night's catalogue: a row for each star that was seen, and 99 for one that was not."""
    random = np.random.default_rng(night)
    zero_point = 0.2 * np.sin(night)
    lines = ["ra,dec,mag,magerr,maglim,mjd"]
    for star, (ra, dec) in enumerate(PLACE.tolist()):
        mag = 16 + 0.1 * star + zero_point + random.normal(0, 0.01)
        mag += 0.5 * np.sin(2 * np.pi * night / 7.3) * (star == DIPPER)
        error, limit = 0.01, LIMITS[night] + zero_point
        if star in (DIPPER, FORCED) and is_faint(star, night):
            if star == DIPPER:
                continue
            mag, error, limit = 99.0, 99.0, limit - 1
        if is_outside(star, night):
            continue
        limit = f"{limit:.4f}" if limits else ""
        lines.append(f"{ra:.7f},{dec:.7f},{mag:.4f},{error},{limit},{60000.1 + night}")
    return "\n".join(lines) + "\n"


def make_survey(folder, *, limits=True):
    (folder / "nights").mkdir(parents=True)
    for night in range(N_NIGHTS):
        (folder / "nights" / f"n{night:02d}.csv").write_text(rows_of(night, limits=limits))
    draft = draft_survey((folder / "nights").iterdir(), name="demo", folder=folder)
    (folder / "survey.toml").write_text(draft.text)
    return SurveyConfig.read(folder)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """A survey as `init` drafts it, run to its report."""
    survey = make_survey(tmp_path_factory.mktemp("limits") / "survey")
    assert ingest(survey).with_status("refused") == []
    publish(survey)
    assert [outcome.status for outcome in analyse(survey)] == ["made"] * 5
    return survey


@pytest.fixture(scope="module")
def storage(survey):
    return LightcurveStorage(f"{survey.store}/objects")


@pytest.fixture(scope="module")
def keys(storage):
    """Keys of the stars, in order of their number."""
    reference = storage.reference
    apart = np.abs(reference.ra - PLACE[:, :1]) + np.abs(reference.dec - PLACE[:, 1:])
    assert apart.min(axis=1).max() < 1e-6
    return reference.key[apart.argmin(axis=1)].tolist()


def zero_points():
    return 0.2 * np.sin(np.arange(N_NIGHTS))


@pytest.mark.parametrize(("star", "shift"), [(DIPPER, 0.0), (FORCED, -1.0)])
def test_where_nothing_was_measured_the_limit_is_the_epochs_or_the_rows_own(
    storage, keys, star, shift
):
    rows = storage.to_timeseries(keys[star])
    faint = np.array([is_faint(star, night) for night in range(N_NIGHTS)])
    expected = np.where(faint, LIMITS + zero_points() + shift, np.nan)
    np.testing.assert_allclose(rows["limit"].filled(np.nan).value, expected, atol=1e-3)
    np.testing.assert_array_equal(rows["mag"].mask, faint)
    flag = F.NOT_DETECTED if star == DIPPER else F.BAD_VALUE
    assert set(rows["flags"][faint].tolist()) == {flag}


@pytest.mark.parametrize("star", [CONSTANT, OUTSIDE])
def test_nothing_is_claimed_of_what_was_seen_or_not_in_the_field(storage, keys, star):
    rows = storage.to_timeseries(keys[star], with_unobserved=True)
    assert len(rows) == N_NIGHTS
    assert rows["limit"].mask.all()
    assert (rows["flags"] == F.NOT_OBSERVED).any() == (star == OUTSIDE)


def test_calibrated_limits_lose_the_zero_point_of_their_epoch(storage, keys):
    rows = storage.to_timeseries(keys[DIPPER], calibrated=True)
    found = rows["limit"].value.unmasked[~rows["limit"].mask]
    expected = LIMITS[[night for night in range(N_NIGHTS) if is_faint(DIPPER, night)]]
    assert np.ptp(found - expected) < 0.03
    assert np.ptp(found - expected - zero_points()[::5][: len(found)]) > 0.1


def invoke(*arguments):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("form", ["ecsv", "csv", "parquet", "json"])
def test_every_format_has_the_limits_and_their_unit_and_meaning(
    survey, storage, keys, tmp_path, form
):
    file = tmp_path / f"star.{form}"
    invoke("lightcurve", survey.path, keys[DIPPER], "-o", file)
    stored = storage.to_timeseries(keys[DIPPER])["limit"].filled(np.nan).value
    if form == "json":
        rows = json.loads(file.read_text())["rows"]
        found = [np.nan if row["limit"] is None else row["limit"] for row in rows]
    elif form == "csv":
        found = Table.read(file)["limit"].filled(np.nan)
    else:
        rows = TimeSeries.read(file, **({"format": "ascii.ecsv"} if form == "ecsv" else {}))
        found = rows["limit"].filled(np.nan).value
        assert rows["limit"].unit == "mag"
        assert "upper limit where nothing was measured" in rows["limit"].info.description
    np.testing.assert_array_equal(np.float32(found), stored)


@pytest.mark.parametrize("is_folded", [False, True])
@pytest.mark.parametrize("is_calibrated", [False, True])
def test_plots_show_them(survey, storage, keys, tmp_path, is_folded, is_calibrated):
    file = tmp_path / "star.png"
    options = ["--calibrated"] * is_calibrated + ["--fold", 7.3] * is_folded
    invoke("lightcurve", survey.path, keys[DIPPER], *options, "-o", file)
    rows = storage.to_timeseries(keys[DIPPER], calibrated=is_calibrated)
    without = rows.copy()
    without.remove_column("limit")
    picture, same, other = (
        imread(io.BytesIO(png))
        for png in (file.read_bytes(), drawn(rows, is_folded), drawn(without, is_folded))
    )
    np.testing.assert_array_equal(picture, same)
    assert (np.abs(picture - other).max(axis=-1) > 0.3).sum() > 100


def drawn(rows, is_folded):
    figure = plots.plot_folded(rows, 7.3) if is_folded else plots.plot_lightcurve(rows)
    png = io.BytesIO()
    figure.savefig(png, dpi=120, format="png")
    return png.getvalue()


def test_the_report_shows_the_limits_of_candidates(survey, keys):
    page = report_path(survey).read_text()
    assert keys[DIPPER] in read_result(survey, "variable_candidates")["object"].tolist()
    said = f"Light curve of {keys[DIPPER]}, with 4 upper limits where nothing was measured."
    assert page.count(f'alt="{said}"') == 1


def test_limits_have_no_part_in_statistics_periods_and_candidates(survey, tmp_path):
    """The same survey without a limit gives the same tables."""
    other = make_survey(tmp_path / "survey", limits=False)
    assert not any(section.limit for section in other.measurements)
    ingest(other)
    publish(other)
    names = ("zero_points", "variability_statistics", "periods", "variable_candidates", "coverage")
    for _ in analyse(other, names):
        pass
    for name in names:
        one, same = (read_result(each, name) for each in (survey, other))
        one, same = (getattr(each, "zero_points", each) for each in (one, same))
        assert one.colnames == same.colnames
        for column in set(one.colnames) - {"ingested_at"}:
            np.testing.assert_array_equal(np.asarray(one[column]), np.asarray(same[column]))


def test_a_store_that_was_made_without_limits_says_so(survey, tmp_path):
    folder = tmp_path / "survey"
    shutil.copytree(survey.path.parent / "nights", folder / "nights")
    text = survey.path.read_text()
    without = "\n".join(line for line in text.splitlines() if not line.startswith("limit ="))
    (folder / "survey.toml").write_text(without)
    assert ingest(SurveyConfig.read(folder)).with_status("refused") == []
    (folder / "survey.toml").write_text(text)
    result = CliRunner().invoke(main, ["ingest", str(folder)])
    assert result.exit_code == 1
    said = " ".join(result.stderr.split())
    assert "limit: the store" in said
    assert "keeps mag, mag_err. Remove the folder" in said
    before, after = (SurveyConfig.from_toml(each).fingerprint for each in (without, text))
    assert before != after
