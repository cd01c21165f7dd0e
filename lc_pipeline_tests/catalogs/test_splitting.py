"""Claims about a table of all detections that is cut into a catalogue for each epoch."""

import numpy as np
import pytest
from astropy.table import Table
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from lc_pipeline import LightcurveStorage
from lc_pipeline.catalogs.reading import read_table
from lc_pipeline.catalogs.splitting import split_by_epoch
from lc_pipeline.cli import main
from lc_pipeline.errors import CatalogError

N_STARS, N_EPOCHS = 12, 6
RA = 150.0 + 0.01 * np.arange(N_STARS) ** 1.1
DEC = -0.3 + 0.013 * np.sqrt(np.arange(N_STARS))
MAG = 15 + 0.3 * np.arange(N_STARS) + 0.01 * np.arange(N_EPOCHS)[:, None]


def detections(seed=0):
    """Light curves of an archive: epochs of two bands in turn, an id for each star and band."""
    star, epoch = np.meshgrid(np.arange(N_STARS), np.arange(N_EPOCHS))
    table = Table(
        {
            "oid": 600 + 2 * star.ravel() + epoch.ravel() % 2,
            "filtercode": np.array(["zg", "zr"])[epoch.ravel() % 2],
            "ra": RA[star.ravel()],
            "dec": DEC[star.ravel()],
            "mjd": 58300.1234567 + 3.0123 * epoch.ravel(),
            "mag": MAG.ravel(),
            "magerr": np.full(star.size, 0.01),
        }
    )
    return table[np.random.default_rng(seed).permutation(len(table))]


@given(
    epochs=st.lists(st.sampled_from(["a", "b", "7", "08"]), min_size=8, max_size=60),
    n_files=st.integers(1, 3),
)
@settings(max_examples=25, deadline=None)
def test_every_row_is_in_the_catalogue_of_its_epoch_and_in_no_other(
    tmp_path_factory, epochs, n_files
):
    folder = tmp_path_factory.mktemp("split")
    table = Table({"visit": epochs, "row": np.arange(len(epochs)), "flux": np.ones(len(epochs))})
    paths = []
    for number, rows in enumerate(np.array_split(np.arange(len(epochs)), n_files)):
        paths.append(folder / f"part{number}.fits")
        table[rows].write(paths[-1])
    report = split_by_epoch(paths, "visit", folder / "epochs")
    found = {path.stem.removeprefix("part0_"): read_table(path) for path in report.written}
    assert set(found) == set(epochs)
    for key, one in found.items():
        assert one["row"].tolist() == [n for n, epoch in enumerate(epochs) if epoch == key]


def test_light_curves_of_an_archive_become_light_curves(tmp_path):
    detections().write(tmp_path / "lightcurves.csv")

    def invoke(*arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result.output

    epochs = tmp_path / "epochs"
    said = invoke("split", tmp_path / "lightcurves.csv", "--by", "mjd", "-o", epochs)
    assert f"72 rows in 6 epochs: 6 catalogues written to {epochs}" in said.replace("\n", " ")
    survey = tmp_path / "survey.toml"
    invoke("init", *sorted(epochs.iterdir()), "-o", survey)
    # The name is one for each band: stars are told by their position.
    assert 'mode = "position"' in survey.read_text()
    said = invoke("run", survey, "--no-analysis")
    assert "no values of a measurement" not in said
    storage = LightcurveStorage(tmp_path / "store" / "objects")
    assert storage.dataset.sizes["object"] == N_STARS
    assert np.isfinite(storage.lightcurves.sel(value="mag")).sum() == MAG.size
    np.testing.assert_allclose(
        storage.dataset["time"], 58300.1234567 + 3.0123 * np.arange(N_EPOCHS), atol=1e-9
    )


def test_a_table_that_grew_is_split_again_and_what_is_the_same_stays(tmp_path):
    table = detections()
    last = table["mjd"] == table["mjd"].max()
    table[~last].write(tmp_path / "t.parquet")
    split_by_epoch([tmp_path / "t.parquet"], "mjd", tmp_path / "epochs")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "epochs").iterdir()}
    table.write(tmp_path / "t.parquet", overwrite=True)
    report = split_by_epoch([tmp_path / "t.parquet"], "mjd", tmp_path / "epochs")
    assert (len(report.written), len(report.unchanged)) == (1, N_EPOCHS - 1)
    assert {path: path.stat().st_mtime_ns for path in report.unchanged} == before


def test_rows_with_their_own_times_are_told_by_the_pause_between_epochs(tmp_path):
    table = detections()
    table["mjd"] += np.random.default_rng(1).uniform(0, 0.01, len(table))
    table.write(tmp_path / "t.fits")
    with pytest.raises(CatalogError, match=r"72 epochs of 72 rows.*--gap-minutes"):
        split_by_epoch([tmp_path / "t.fits"], "mjd", tmp_path / "epochs")
    report = split_by_epoch([tmp_path / "t.fits"], "mjd", tmp_path / "epochs", gap_minutes=60)
    assert len(report.written) == N_EPOCHS
    for path in report.written:
        times = read_table(path)["mjd"]
        assert len(times) == N_STARS
        assert np.ptp(times) < 0.01


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["visit,ra", "1,10.0", ",10.1", "1,10.2"], "'visit', row 2: there is nothing that tells"),
        (["night,ra", "1,10.0"], "there is no column 'visit'. Columns are: night, ra"),
        (["visit,ra", "a b,1.0", "a/b,2.0", "a b,1.0", "a/b,2.0"], "two epochs would be 'a-b'"),
    ],
)
def test_a_table_that_does_not_tell_its_epochs_is_refused(tmp_path, lines, message):
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(CatalogError, match=r"t\.csv") as caught:
        split_by_epoch([tmp_path / "t.csv"], "visit", tmp_path / "epochs")
    assert message in str(caught.value)
    assert not (tmp_path / "epochs").exists()


def test_files_with_other_columns_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("visit,ra\n1,10.0\n1,10.5\n")
    (tmp_path / "b.csv").write_text("visit,ra,fwhm\n1,10.0,2.0\n1,10.5,2.0\n")
    with pytest.raises(CatalogError, match=r"b\.csv: has other columns than a\.csv \(fwhm\)"):
        split_by_epoch([tmp_path / "a.csv", tmp_path / "b.csv"], "visit", tmp_path / "epochs")
