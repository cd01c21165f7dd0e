"""Catalogues in text as people write them: names, bands, limits, comments."""

import numpy as np
import pytest
from astropy.table import Table

from lc_pipeline.catalogs import SourceCatalog, find_epochs
from lc_pipeline.catalogs.reading import read_catalog_file
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.matching.reference import read_reference

NAMES = ["0012", "12", "4.1", "4.10", "1e3", "1000", "12345678901234567890", "x 1"]
BY_KEY = "[matching]\nmode = 'key'\n"
LONG = (
    "ra,dec,mag,magerr,{},mjd\n10,1,17,0.1,{},59000\n10,1,16,0.2,{},59000\n11,1,15,0.3,{},59000\n"
)


@pytest.fixture
def read(tmp_path, make_survey):
    def read_text(text, rest="", name="n1.csv", **more):
        (tmp_path / name).write_text(text)
        return SourceCatalog.read(tmp_path / name, make_survey(rest, **more))

    return read_text


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("rest", ["", "[columns]\nkey = 'star'\n"])
def test_names_of_objects_are_as_written(read, delimiter, rest):
    rows = [["star", "ra", "dec", "mag", "err", "mjd"]]
    rows += [[f" {name} ", "10", "1", "17", "0.1", "59000"] for name in NAMES]
    catalog = read("".join(delimiter.join(row) + "\n" for row in rows), rest + BY_KEY)
    assert catalog.key.tolist() == NAMES


def test_names_are_as_written_between_white_space_and_in_references(tmp_path, make_survey):
    text = "".join(f"{name} 10 1\n" for name in NAMES[:-1])
    (tmp_path / "stars.txt").write_text("star ra dec\n" + text)
    for rest in ("", "key = 'star'\n"):
        survey = make_survey(f"[reference]\nfile = 'stars.txt'\n{rest}")
        assert set(read_reference(survey).key.tolist()) == set(NAMES[:-1])


def test_names_in_ecsv_and_fits_are_digits_where_columns_are_integers(tmp_path, make_survey):
    columns = {"ra": [1.0, 2.0], "dec": [1.0, 2.0], "mag": [9.0, 9.0], "mjd": [59000.0, 59000.0]}
    for ending in ("ecsv", "fits"):
        for names in (["0012", "4.10"], [12, 13]):
            path = tmp_path / f"n1.{ending}"
            Table({"star": names} | columns).write(path, overwrite=True)
            catalog = SourceCatalog.read(path, make_survey(BY_KEY))
            assert catalog.key.tolist() == [str(name) for name in names]


def test_rows_with_a_name_and_no_position_are_kept_by_key_alone(read):
    text = "star,ra,dec,mag,err,mjd\na,10,1,17,0.1,59000\nb,,1,16,0.1,59000\n,,,15,0.1,59000\n"
    catalog = read(text, BY_KEY)
    assert catalog.key.tolist() == ["a", "b"]
    assert np.isnan(catalog.ra[1])
    assert np.isnan(catalog.dec[1])
    assert "1 row without a position matched by key, unchecked (row 2)" in catalog.notes
    assert "1 row without a position left out (row 3)" in catalog.notes
    assert len(read(text)) == 1


def test_forced_photometry_without_positions_needs_a_reference_file(read):
    text = "star,mag,err,mjd\na,17,0.1,59000\nb,16,0.1,59000\n"
    catalog = read(text, BY_KEY + "[reference]\nfile = 'stars.csv'\n")
    assert np.isnan(catalog.ra).all()
    assert np.isnan(catalog.dec).all()
    assert any("their positions are not checked" in note for note in catalog.notes)
    with pytest.raises(CatalogError, match=r"set columns.ra .*give the objects as reference.file"):
        read(text, BY_KEY)


def bands_of(column, g, r):
    block = "[[measurements]]\nkey = '{}'\nvalue = 'mag'\nerror = 'magerr'\nwhere = {{ {} = {} }}\n"
    return block.format("g", column, g) + block.format("r", column, r)


@pytest.mark.parametrize(
    ("column", "g", "r"),
    [("filtercode", "zg", "zr"), ("fid", "1", "2"), ("band", "01", "02"), ("filter", "g", "r")],
)
def test_rows_of_several_bands_are_told_apart_by_where(read, column, g, r):
    text = LONG.format(column, g, r, g)
    one = "[[measurements]]\nkey = 'auto'\nvalue = 'mag'\n"
    bands = f"{g.lstrip('0')}, {r.lstrip('0')}"
    with pytest.raises(CatalogError, match=rf"'auto': column '{column}' .*\({bands}\).*where = "):
        read(text, one)
    assert np.array_equal(read(text, one + "where = {}").measurements["auto"].value, [17, 16, 15])
    catalog = read(text, bands_of(column, repr(g), repr(r)))
    g_band, r_band = catalog.measurements["g"], catalog.measurements["r"]
    assert np.array_equal(g_band.value, [17, np.nan, 15], equal_nan=True)
    assert np.array_equal(r_band.value, [np.nan, 16, np.nan], equal_nan=True)
    assert r_band.flags.tolist() == [MeasurementFlag.NOT_OBSERVED, 0, MeasurementFlag.NOT_OBSERVED]
    assert catalog.part_index.tolist() == [1, 0, 1] or catalog.part_index.tolist() == [0, 1, 0]


def test_a_band_that_no_row_has_is_said(read):
    catalog = read(LONG.format("band", "g", "g", "g"), bands_of("band", "'g'", "'r'"))
    assert any("r: no row has band = 'r'" in note for note in catalog.notes)


@pytest.mark.parametrize(("key", "is_said"), [("auto", True), ("g", False), ("mag_g", False)])
def test_a_filter_in_the_header_that_no_key_tells_is_said(read, key, is_said):
    text = "# FILTER = g\nra,dec,mag,magerr,mjd\n10,1,17,0.1,59000\n"
    catalog = read(text, f"[[measurements]]\nkey = '{key}'\nvalue = 'mag'\n")
    told = [note for note in catalog.notes if "the file's FILTER is g" in note]
    assert bool(told) == is_said


def test_upper_limits_are_missing_values(read):
    text = "ra,dec,mag,magerr,mjd\n10,1,>18.5,,59000\n11,1,17.5,0.1,59000\n12,1,> 19,,59000\n"
    catalog = read(text)
    (measured,) = catalog.measurements.values()
    assert np.array_equal(measured.value, [np.nan, 17.5, np.nan], equal_nan=True)
    assert measured.flags[0] & MeasurementFlag.BAD_VALUE
    said = "mag: 2 values are upper limits ('>18.5'), taken as missing"
    assert f"{said} (limit = 'mag' keeps the limit)" in catalog.notes


def test_decimal_commas_are_named(read):
    with pytest.raises(CatalogError, match=r"column 'mag', row 1: .* '15,25' \(decimal comma"):
        read("ra;dec;mag;magerr;mjd\n10;1;15,25;0,1;59000\n11;1;15,5;0,1;59000\n")


@pytest.mark.parametrize("last", ["mjd", "extra"])
def test_a_comment_after_a_row_is_refused_with_its_row(read, last):
    rest = "[[measurements]]\nkey = 'm'\nvalue = 'mag'\nextra = { x = 'extra' }\n"
    text = f"ra,dec,mag,magerr,{'extra' if last == 'mjd' else 'mjd'},{last}\n"
    rows = [f"10,1,15,0.1,{a},{a}" for a in (59000, "59000 # ok")]
    rows[1] = "10,1,15,0.1,59000,59000 # ok"
    with pytest.raises(CatalogError, match=rf"column '{last}', row 2: '59000 # ok'"):
        read(text + "\n".join(rows) + "\n", rest)


def test_an_indented_comment_is_one(read):
    catalog = read("ra,dec,mag,magerr,mjd\n10,1,15,0.1,59000\n  # cloudy\n11,1,15,0.1,59000\n")
    assert catalog.ra.tolist() == [10, 11]


def test_a_file_without_a_last_line_end_is_named(read):
    catalog = read("ra,dec,mag,magerr,mjd\n10,1,15,0.1,59000")
    assert "n1.csv does not end with a line end: was it cut off?" in catalog.notes


def test_sextractor_is_told_behind_other_comments(tmp_path):
    path = tmp_path / "n1.cat"
    path.write_text(
        "# Made by our pipeline\n# 2024 January\n#\n#   1 NUMBER  Running number\n"
        "#   2 MAG_AUTO  Magnitude [mag]\n 1 15.5\n 2 16.5\n"
    )
    read = read_catalog_file(path)
    assert read.format == "sextractor"
    assert read.table.colnames == ["NUMBER", "MAG_AUTO"]
    assert read.table["MAG_AUTO"].tolist() == [15.5, 16.5]


def test_symbolic_links_to_nowhere_are_listed(tmp_path, make_survey):
    (tmp_path / "n1.csv").write_text("")
    (tmp_path / "n2.csv").symlink_to(tmp_path / "gone.csv")
    (tmp_path / "n3.csv").symlink_to(tmp_path / "n1.csv")
    found = find_epochs(make_survey())
    assert [epoch.epoch for epoch in found.epochs] == ["n1", "n3"]
    assert found.unmatched == ("n2.csv",)
