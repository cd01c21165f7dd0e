"""Claims about the straight way: idempotent, complete, and nothing lost on the way."""

import itertools
import shutil

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lc_pipeline.errors import LightcurveError, SurveyConfigError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.ingest import add_objects, epoch_storage, ingest, object_storage, publish
from lc_pipeline.survey import SurveyConfig

SURVEY = """
[survey]
name = "made"
[files]
folder = "landing"
pattern = '(?P<epoch>\\w+)[.]ecsv'
[matching]
radius_arcsec = 1.0
footprint = "field"
[reference]
min_epochs = {min_epochs}
"""
N_STARS = 12


class Field:
    """A folder with a survey whose true magnitudes are known."""

    def __init__(self, folder, min_epochs=1):
        (folder / "landing").mkdir(parents=True)
        (folder / "survey.toml").write_text(SURVEY.format(min_epochs=min_epochs))
        self.folder = folder
        self.survey = SurveyConfig.read(folder)
        self.ra = 359.995 + np.arange(N_STARS) * 0.001  # across RA 0
        self.dec = np.tile([40.0, 40.002, 40.004], N_STARS // 3)

    def write(self, name, night, *, stars=None, order=None, bands=("g",)):
        """Write one epoch's catalogue; stars in the given order."""
        stars = np.arange(N_STARS) if stars is None else np.array(stars)
        stars = stars if order is None else stars[np.array(order)]
        jitter = np.random.default_rng(night).normal(0, 0.02 / 3600, (2, N_STARS))
        columns = {
            "ra": ((self.ra + jitter[0]) % 360)[stars],
            "dec": (self.dec + jitter[1])[stars],
        }
        for number, band in enumerate(bands):
            columns[f"mag_{band}"] = self.magnitude(night)[stars] + number
            columns[f"magerr_{band}"] = np.full(len(stars), 0.01)
        Table(columns, meta={"MJD-OBS": 60000.0 + night}).write(
            self.folder / "landing" / f"{name}.ecsv", overwrite=True
        )

    def magnitude(self, night):
        return 15 + np.arange(N_STARS) * 0.1 + night * 0.01

    def published(self):
        """The object store's contents, stars in the order of the truth."""
        dataset = object_storage(self.survey).dataset.load()
        place = [
            int(np.argmin(np.abs((dataset.ra.values - ra + 180) % 360 - 180))) for ra in self.ra
        ]
        assert len(set(place)) == N_STARS
        return dataset.isel(object=place)


@pytest.fixture
def field(tmp_path):
    return Field(tmp_path)


def assert_true(field, nights):
    dataset = field.published()
    assert dataset.epoch.values.tolist() == [f"n{night}" for night in nights]
    for night in nights:
        one = dataset.lightcurves.sel(epoch=f"n{night}", measurement="g", value="mag")
        np.testing.assert_array_equal(one.values, np.float32(field.magnitude(night)))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    epochs=st.permutations(range(4)),
    rows=st.lists(st.permutations(range(N_STARS)), min_size=4, max_size=4),
)
def test_any_order_of_epochs_and_rows_gives_the_same_object_store(tmp_path_factory, epochs, rows):
    reference, shuffled = (Field(tmp_path_factory.mktemp("field")) for _ in range(2))
    for night in range(4):
        reference.write(f"n{night}", night)
        shuffled.write(f"n{night}", night, order=rows[night])
    ingest(reference.survey)
    # One epoch at a time: all files are there (they make the reference), in any order of ingest.
    for night in epochs:
        ingest(shuffled.survey, [f"n{night}"])
    for field in (reference, shuffled):
        publish(field.survey)
    first, second = (
        object_storage(field.survey).dataset.drop_vars(["ingested_at", "source_sha256"]).load()
        for field in (reference, shuffled)
    )
    assert first.equals(second)
    for field in (reference, shuffled):
        assert_true(field, range(4))
        shutil.rmtree(field.folder)


def test_ingesting_again_does_only_what_is_left(field):
    field.write("n0", 0)
    field.write("n1", 1)
    assert len(ingest(field.survey).with_status("stored")) == 2
    assert publish(field.survey) is not None
    field.write("n2", 2)
    field.write("n1", 1, order=range(N_STARS)[::-1])  # corrected: another file content
    report = ingest(field.survey)
    assert {outcome.epoch: outcome.status for outcome in report.outcomes} == {
        "n0": "unchanged",
        "n1": "stored",
        "n2": "stored",
    }
    assert publish(field.survey) is not None
    assert publish(field.survey) is None
    assert_true(field, range(3))
    assert epoch_storage(field.survey).get_storage_info()["n_ingests"] == 4


def test_changed_settings_take_every_epoch_again(field):
    field.write("n0", 0)
    ingest(field.survey)
    path = field.folder / "survey.toml"
    path.write_text(path.read_text().replace("radius_arcsec = 1.0", "radius_arcsec = 2.0"))
    assert len(ingest(SurveyConfig.read(path)).with_status("stored")) == 1


def test_a_bad_epoch_is_refused_and_holds_up_none_of_the_others(field):
    for night in range(3):
        field.write(f"n{night}", night)
    bad = field.folder / "landing" / "n1.ecsv"
    bad.write_text("\n".join(bad.read_text().splitlines()[:-3]) + "\n1.0 nonsense")
    report = ingest(field.survey)
    assert [outcome.epoch for outcome in report.with_status("refused")] == ["n1"]
    assert "n1.ecsv" in report.with_status("refused")[0].error
    publish(field.survey)
    assert_true(field, [0, 2])


def test_an_epoch_that_does_not_fit_holds_up_none_of_its_neighbours(field):
    for night in range(5):
        field.write(f"n{night}", night)
    path = field.folder / "landing" / "n2.ecsv"
    path.write_text(
        path.read_text().replace("# meta: !!omap", "# meta: !!omap\n# - {TIMESYS: TDB}")
    )
    report = ingest(field.survey)
    assert [outcome.epoch for outcome in report.with_status("refused")] == ["n2"]
    assert "n2.ecsv" in report.with_status("refused")[0].error
    publish(field.survey)
    assert_true(field, [0, 1, 3, 4])


def test_exchanged_files_are_taken_again(field):
    field.write("n0", 0)
    field.write("n1", 1)
    ingest(field.survey)
    landing = field.folder / "landing"
    (landing / "n0.ecsv").rename(landing / "n2.ecsv")
    report = ingest(field.survey)
    assert {outcome.epoch: outcome.status for outcome in report.outcomes} == {
        "n1": "unchanged",
        "n2": "stored",
    }


def test_another_survey_does_not_get_into_the_same_store(field):
    field.write("n0", 0)
    ingest(field.survey)
    path = field.folder / "survey.toml"
    path.write_text(path.read_text().replace('name = "made"', 'name = "other"'))
    with pytest.raises(SurveyConfigError, match="holds the survey 'made', not 'other'"):
        ingest(SurveyConfig.read(path))


def test_a_refused_epoch_that_was_in_the_store_stays_as_it_was(field):
    field.write("n0", 0)
    field.write("n1", 1)
    ingest(field.survey)
    (field.folder / "landing" / "n1.ecsv").write_bytes(b"")
    assert [outcome.status for outcome in ingest(field.survey).outcomes] == ["unchanged", "refused"]
    publish(field.survey)
    assert_true(field, [0, 1])


def test_files_that_went_away_are_reported_and_kept(field):
    field.write("n0", 0)
    field.write("n1", 1)
    ingest(field.survey)
    (field.folder / "landing" / "n1.ecsv").unlink()
    assert ingest(field.survey).missing_epochs == ("n1",)
    publish(field.survey)
    assert_true(field, [0, 1])


def test_no_readable_epoch_makes_no_store_and_says_why(field):
    (field.folder / "landing" / "n0.ecsv").write_bytes(b"")
    with pytest.raises(SurveyConfigError, match=r"none of the 1 epochs can be read.*\n.*n0\.ecsv"):
        ingest(field.survey)
    assert not (field.folder / "store" / "epochs").exists()


def test_objects_that_appear_later_join_without_moving_the_others(tmp_path):
    field = Field(tmp_path, min_epochs=2)
    early = [0, 1, 2, 3, 5, 7]
    for night in range(2):
        field.write(f"n{night}", night, stars=early)
    ingest(field.survey)
    before = epoch_storage(field.survey)
    keys = before.reference.key.tolist()
    old = before.lightcurves.values
    for night in range(2, 4):
        field.write(f"n{night}", night)
    ingest(field.survey)
    assert len(epoch_storage(field.survey).reference) == len(early)
    added = add_objects(field.survey)
    assert len(added) == N_STARS - len(early)
    assert add_objects(field.survey) == ()
    after = epoch_storage(field.survey)
    assert after.reference.key.tolist() == [*keys, *added]
    np.testing.assert_array_equal(after.lightcurves.values[: len(early), ..., :2], old)
    ingest(field.survey)
    publish(field.survey)
    dataset = field.published()
    for night in range(4):
        one = dataset.sel(epoch=f"n{night}", measurement="g")
        seen = np.isin(np.arange(N_STARS), early) | (night >= 2)
        magnitude = one.lightcurves.sel(value="mag").values
        np.testing.assert_array_equal(magnitude[seen], np.float32(field.magnitude(night))[seen])
        assert (one.flags.values[~seen] == MeasurementFlag.NOT_DETECTED).all()


def test_a_band_that_appears_in_mid_survey_is_taken_in(field):
    field.write("n0", 0)
    ingest(field.survey)
    field.write("n1", 1, bands=("g", "r"))
    ingest(field.survey)
    publish(field.survey)
    dataset = field.published()
    assert dataset.measurement.values.tolist() == ["g", "r"]
    r = dataset.sel(measurement="r")
    np.testing.assert_array_equal(
        r.lightcurves.sel(epoch="n1", value="mag").values, np.float32(field.magnitude(1) + 1)
    )
    assert (r.flags.sel(epoch="n0") == MeasurementFlag.NOT_INGESTED).all()


def test_an_interrupted_ingest_keeps_what_it_has_matched(field):
    for night in range(4):
        field.write(f"n{night}", night)
    ingest(field.survey, ["n0"])
    calls = itertools.count()

    def stop(*_):
        if next(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(field.survey, progress=stop)
    assert epoch_storage(field.survey).epoch_keys == ["n0", "n1", "n2"]
    ingest(field.survey)
    publish(field.survey)
    assert_true(field, range(4))


def test_a_given_reference_decides_which_objects_there_are(field):
    Table(
        {"name": ["zeta", "alpha"], "ra": field.ra[[4, 1]] % 360, "dec": field.dec[[4, 1]]}
    ).write(field.folder / "stars.csv")
    path = field.folder / "survey.toml"
    path.write_text(path.read_text().replace("min_epochs = 1", 'file = "stars.csv"\nkey = "name"'))
    field.write("n0", 0)
    survey = SurveyConfig.read(path)
    report = ingest(survey)
    assert report.outcomes[0].n_unmatched == N_STARS - 2
    storage = epoch_storage(survey)
    for name, star in (("zeta", 4), ("alpha", 1)):
        curve = storage.get_object_lightcurve(name).sel(measurement="g", value="mag")
        assert curve.values == np.float32(field.magnitude(0)[star])
    # Stars added to the table are said to be new, and join under their own names.
    with (field.folder / "stars.csv").open("a") as stream:
        stream.write(f"beta,{field.ra[0] % 360},{field.dec[0]}\n")
    assert ingest(survey).new_in_reference == 1
    assert add_objects(survey) == ("beta",)
    ingest(survey)
    curve = epoch_storage(survey).get_object_lightcurve("beta").sel(measurement="g", value="mag")
    assert curve.values == np.float32(field.magnitude(0)[0])


def test_epochs_ingested_by_workers_are_the_same(tmp_path):
    fields = [Field(tmp_path / name) for name in ("alone", "workers")]
    for number, field in enumerate(fields):
        for night in range(5):
            field.write(f"n{night}", night, bands=("g", "r") if night == 3 else ("g",))
        (field.folder / "landing" / "n1.ecsv").write_bytes(b"")
        report = ingest(field.survey, n_workers=1 + number)
        assert [outcome.epoch for outcome in report.with_status("refused")] == ["n1"]
        assert len(report.with_status("stored")) == 4
        publish(field.survey)
        assert_true(field, [0, 2, 3, 4])
    one, other = (
        object_storage(field.survey).dataset.drop_vars(["ingested_at", "source_sha256"]).load()
        for field in fields
    )
    assert one.equals(other)


def test_errors_on_purpose_are_one_family():
    assert issubclass(SurveyConfigError, LightcurveError)
