"""Tables on disk, as others read them."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.table import Column, Table

from lc_pipeline.errors import LightcurveError
from lc_pipeline.tables import read_table, write_table


@pytest.fixture
def table():
    table = Table(meta={"made by": "a test"})
    table["object"] = ["a", "bb"]
    table["median_g"] = Column([1.5, np.nan], unit="mag", description="median of the good values")
    table["n_g"] = Column([3, 0], description="good values")
    return table


def test_units_and_descriptions_are_where_each_reader_looks(table, tmp_path):
    path = write_table(table, tmp_path / "tables" / "some.parquet")
    field = pq.read_schema(path).field("median_g")
    assert field.metadata == {b"unit": b"mag", b"description": b"median of the good values"}
    back = read_table(path)
    assert str(back["median_g"].unit) == "mag"
    assert back["n_g"].description == "good values"
    assert back.meta["made by"] == "a test"
    frame = pd.read_parquet(path)
    assert frame["object"].tolist() == ["a", "bb"]
    assert np.isnan(frame["median_g"][1])


def test_duckdb_reads_the_same(table, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    path = write_table(table, tmp_path / "some.parquet")
    found = duckdb.read_parquet(str(path)).filter("n_g > 0").fetchall()
    assert found == [("a", 1.5, 3)]


def test_a_failed_write_leaves_the_old_table(table, tmp_path, monkeypatch):
    path = write_table(table, tmp_path / "some.parquet")
    before = path.read_bytes()

    def fail(*_args, **_kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="no space"):
        write_table(table[:1], path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["some.parquet"]


def test_what_is_no_table_is_refused_by_name(tmp_path):
    with pytest.raises(LightcurveError, match="there is no such table"):
        read_table(tmp_path / "none.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(LightcurveError, match=r"broken.parquet: cannot be read"):
        read_table(tmp_path / "broken.parquet")
