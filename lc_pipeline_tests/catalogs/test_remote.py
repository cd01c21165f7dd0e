"""Claims about landing folders on object storage; fsspec's memory stands in for it."""

import fsspec
import numpy as np
import pytest

from lc_pipeline import SurveyConfig
from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.errors import SurveyConfigError
from lc_pipeline.ingest import epoch_storage, ingest
from lc_pipeline.ingest.arrivals import find_arrivals


@pytest.fixture
def bucket(project):
    """Six epochs of data/ey_uma, as objects."""
    system = fsspec.filesystem("memory")
    for path in sorted((project / "data" / "ey_uma" / "epochs").iterdir())[:6]:
        system.pipe(f"/bucket/nights/{path.name}", path.read_bytes())
    yield system
    system.rm("/bucket", recursive=True)


def survey_at(project, folder, url):
    text = (project / "data" / "ey_uma" / "survey.toml").read_text()
    text = text.replace('folder = "epochs"', f'folder = "{url}"')
    folder.mkdir()
    (folder / "survey.toml").write_text(text.replace("min_epochs = 10", "min_epochs = 2"))
    return SurveyConfig.read(folder)


def test_catalogues_in_a_bucket_give_the_light_curves_of_local_ones(bucket, project, tmp_path):
    del bucket
    remote = survey_at(project, tmp_path / "remote", "memory://bucket/nights")
    local = survey_at(project, tmp_path / "local", str(project / "data" / "ey_uma" / "epochs"))
    keys = [f"00{n}" for n in range(1, 7)]
    assert len(ingest(remote).with_status("stored")) == 6
    reference = epoch_storage(remote).reference
    epoch_storage(local).create_storage(reference, ["R"], survey=local.survey.name)
    ingest(local, keys)
    one, other = (epoch_storage(survey).dataset.load() for survey in (remote, local))
    np.testing.assert_array_equal(one.lightcurves.values, other.lightcurves.values)
    assert one.source_sha256.values.tolist() == other.source_sha256.values.tolist()
    assert len(ingest(remote).with_status("unchanged")) == 6


def test_a_bad_object_is_refused_by_its_url(bucket, project, tmp_path):
    bucket.pipe("/bucket/nights/ey-uma-003R.fits", b"")
    survey = survey_at(project, tmp_path / "survey", "memory://bucket/nights")
    (refused,) = ingest(survey).with_status("refused")
    assert refused.error.startswith("memory://")
    assert "bucket/nights/ey-uma-003R.fits: is empty" in refused.error


def test_a_new_and_a_replaced_object_are_seen(bucket, project, tmp_path):
    survey = survey_at(project, tmp_path / "survey", "memory://bucket/nights")

    def look(seen):
        return find_arrivals(find_epochs(survey).epochs, seen, waiting={}, now=4e9)

    first = look({})
    assert first.new == tuple(f"00{n}" for n in range(1, 7))
    contents = bucket.cat("/bucket/nights/ey-uma-002R.fits")
    bucket.pipe("/bucket/nights/ey-uma-002R.fits", contents)
    bucket.pipe("/bucket/nights/ey-uma-009R.fits", contents)
    bucket.pipe("/bucket/nights/.ey-uma-010R.fits", contents)
    second = look(first.fingerprints)
    assert (second.changed, second.new) == (("002",), ("009",))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory://nowhere", "no file in memory://nowhere matches"),
        ("nonsense://bucket", "nonsense://bucket cannot be reached"),
    ],
)
def test_a_place_that_is_not_there_is_named(project, tmp_path, url, said):
    with pytest.raises(SurveyConfigError, match=said):
        find_epochs(survey_at(project, tmp_path / "survey", url))
