"""Reading catalogue files of every format, whole or damaged."""

import contextlib
import gzip

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from lc_pipeline.catalogs import read_table
from lc_pipeline.catalogs.reading import read_catalog_file
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import FilesSection


def files(**settings):
    return FilesSection(pattern="(?P<epoch>.+)", **settings)


@pytest.fixture
def stars():
    table = Table(
        {
            "ra": [10.0, 10.125, 10.25],
            "dec": [-5.0, -5.5, 5.25],
            "mag": np.array([17.25, 99.0, 16.5], "float32"),
            "flags": np.array([0, 4, 1], "int16"),
            "name": ["a1", "b2", "c3"],
        }
    )
    table["ra"].unit = table["dec"].unit = "deg"
    return table


SEXTRACTOR = """\
#   1 NUMBER                 Running object number
#   2 ALPHA_J2000            Right ascension of barycenter (J2000)       [deg]
#   3 DELTA_J2000            Declination of barycenter (J2000)           [deg]
#   4 MAG_APER               Fixed aperture magnitude vector             [mag]
#   7 MAGERR_APER            RMS error vector for fixed aperture mag.    [mag]
#  10 FLAGS                  Extraction flags
         1  10.0000000  -5.0000000  17.25  17.00  16.75  0.010  0.020  0.030   0
         2  10.1250000  +5.5000000  99.00  18.50  18.25 99.000  0.050  0.060  27
"""


def write(stars, path, **options):
    stars.write(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("n1.ecsv", {}),
        ("n1.fits", {}),
        ("n1.fits.gz", {}),
        ("n1.cat", {"format": "fits"}),
        ("n1.vot", {"format": "votable"}),
        ("n1.xml", {"format": "votable", "tabledata_format": "binary2"}),
        ("n1.csv", {}),
        ("n1.psx", {"format": "ascii.csv"}),
        ("n1.dat", {"format": "ascii.commented_header"}),
        ("n1.txt", {"format": "ascii.basic"}),
        ("n1.tsv", {"format": "ascii.tab"}),
        ("n1.tbl", {"format": "ascii.ipac"}),
        ("n1.parquet", {}),
    ],
)
def test_every_format_gives_the_same_numbers_whatever_the_name_ends_in(
    tmp_path, stars, name, options
):
    table = read_table(write(stars, tmp_path / name, **options))
    assert table.colnames == stars.colnames
    for column in ("ra", "dec", "mag", "flags"):
        np.testing.assert_array_equal(np.asarray(table[column], float), stars[column].astype(float))
    assert [str(text) for text in table["name"]] == ["a1", "b2", "c3"]


@pytest.mark.parametrize("name", ["n1.ecsv", "n1.fits", "n1.vot", "n1.parquet"])
def test_units_are_kept_where_the_format_has_them(tmp_path, stars, name):
    stars.write(tmp_path / name, format="votable" if name.endswith("vot") else None)
    assert str(read_table(tmp_path / name)["ra"].unit) == "deg"


def test_parquet_of_other_writers_is_read_with_nulls_as_missing(tmp_path):
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    arrow = pa.table(
        {"ra": [1.0, None], "flag": pa.array([None, 3], pa.int32()), "band": ["g", None]}
    )
    pq.write_table(arrow, tmp_path / "n1.parquet")
    table = read_table(tmp_path / "n1.parquet")
    assert np.isnan(table["ra"][1])
    assert table["flag"].mask.tolist() == [True, False]
    assert table["band"].mask.tolist() == [False, True]


def test_sextractor_vectors_that_the_header_leaves_out_are_named(tmp_path):
    (tmp_path / "n1.sexcat").write_text(SEXTRACTOR)
    table = read_table(tmp_path / "n1.sexcat")
    assert table.colnames == [
        *("NUMBER", "ALPHA_J2000", "DELTA_J2000", "MAG_APER", "MAG_APER_1", "MAG_APER_2"),
        *("MAGERR_APER", "MAGERR_APER_1", "MAGERR_APER_2", "FLAGS"),
    ]
    assert table["MAG_APER_2"].tolist() == [16.75, 18.25]
    assert str(table["MAG_APER_1"].unit) == "mag"


def test_a_vector_in_the_last_columns_of_sextractor_is_named_as_well(tmp_path):
    lines = [*SEXTRACTOR.splitlines()[:4], "1 10.0 -5.0 17.25 17.0 16.75"]
    (tmp_path / "n1.cat").write_text("\n".join(lines) + "\n")
    assert read_table(tmp_path / "n1.cat").colnames[3:] == ["MAG_APER", "MAG_APER_1", "MAG_APER_2"]


def image_header():
    header = fits.Header()
    header["SIMPLE"] = True
    header["MJD-OBS"] = 57000.25
    header["EXPTIME"] = 60.0
    header["FILTER"] = "r"
    return header


def ldac_hdus(first=1.0):
    cards = image_header().tostring(sep="", endcard=True, padding=False)
    column = fits.Column(
        "Field Header Card", f"{len(cards)}A", dim=f"(80, {len(cards) // 80})",
        array=np.array([[cards[i : i + 80] for i in range(0, len(cards), 80)]]),
    )  # fmt: skip
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("NUMBER", "J", array=[1, 2]),
            fits.Column("ALPHA_J2000", "D", unit="deg", array=[first, first + 0.5]),
            fits.Column("DELTA_J2000", "D", unit="deg", array=[3.0, 4.0]),
            fits.Column("MAG_APER", "3E", unit="mag", array=[[17, 18, 19], [20, 21, 22]]),
        ],
        name="LDAC_OBJECTS",
    )
    return [fits.BinTableHDU.from_columns([column], name="LDAC_IMHEAD"), table]


def test_fits_ldac_gives_the_objects_and_the_header_of_their_image(tmp_path):
    fits.HDUList([fits.PrimaryHDU(), *ldac_hdus()]).writeto(tmp_path / "n1.cat")
    table = read_table(tmp_path / "n1.cat")
    assert table.colnames[-3:] == ["MAG_APER", "MAG_APER_1", "MAG_APER_2"]
    assert table["MAG_APER_2"].tolist() == [19.0, 22.0]
    assert table.meta["MJD-OBS"] == 57000.25
    assert table.meta["FILTER"] == "r"


def test_fits_ldac_of_several_detectors_gives_the_objects_of_all(tmp_path):
    hdus = fits.HDUList([fits.PrimaryHDU(), *ldac_hdus(1.0), *ldac_hdus(7.0)])
    hdus.writeto(tmp_path / "n1.cat")
    assert read_table(tmp_path / "n1.cat")["ALPHA_J2000"].tolist() == [1.0, 1.5, 7.0, 7.5]


def test_the_first_table_with_rows_is_read_and_the_choice_is_said(tmp_path, stars):
    hdus = [
        fits.PrimaryHDU(),
        fits.ImageHDU(np.zeros((2, 2))),
        fits.table_to_hdu(stars[:0]),
        fits.table_to_hdu(stars),
        fits.table_to_hdu(stars[stars.colnames[::-1]][:1]),
    ]
    hdus[3].header["MJD-OBS"] = 57000.5
    hdus[0].header["TELESCOP"] = "P48"
    fits.HDUList(hdus).writeto(tmp_path / "n1.fits")
    read = read_catalog_file(tmp_path / "n1.fits")
    assert len(read.table) == 3
    assert read.table.meta["MJD-OBS"] == 57000.5
    assert read.table.meta["TELESCOP"] == "P48"
    assert "files.hdu" in read.notes[0]
    assert len(read_table(tmp_path / "n1.fits", files(hdu=4))) == 1
    with pytest.raises(CatalogError, match=r"n1.fits: files.hdu: there is no table 1; .*0 PRIMARY"):
        read_table(tmp_path / "n1.fits", files(hdu=1))


def test_an_image_is_refused_as_no_catalogue(tmp_path):
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "n1.fits")
    with pytest.raises(CatalogError, match=r"n1.fits: has no table extension"):
        read_table(tmp_path / "n1.fits")


def test_sky_coordinates_times_and_quantities_become_plain_columns(tmp_path):
    table = QTable(
        {
            "sky_centroid": SkyCoord([1.5, 2.5], [3.5, 4.5], unit="deg"),
            "bjd": Time([2458353.5, 2458354.5], format="jd", scale="tdb"),
            "flux": [1.0, -2.0] * u.uJy,
        }
    )
    table.write(tmp_path / "n1.ecsv")
    plain = read_table(tmp_path / "n1.ecsv")
    assert plain["sky_centroid.dec"].tolist() == [3.5, 4.5]
    assert plain["bjd"].tolist() == [58353.0, 58354.0]
    assert plain["bjd"].meta["time_scale"] == "tdb"
    assert plain["flux"].tolist() == [1.0, -2.0]
    assert str(plain["flux"].unit) == "uJy"


def test_masked_cells_stay_masked(tmp_path, stars):
    stars["mag"] = MaskedColumn(stars["mag"], mask=[False, True, False])
    for name in ("n1.ecsv", "n1.fits", "n1.csv"):
        stars.write(tmp_path / name)
        column = read_table(tmp_path / name)["mag"]
        missing = np.ma.getmaskarray(column) | np.isnan(np.ma.getdata(column))
        assert missing.tolist() == [False, True, False], name


def test_keywords_in_comments_are_the_header(tmp_path):
    (tmp_path / "n1.cat").write_text("# MJD-OBS = 57000.5 / start\n# FILTER: V\nra,dec\n1,2\n")
    table = read_table(tmp_path / "n1.cat")
    assert table.meta == {"MJD-OBS": "57000.5", "FILTER": "V"}


def test_text_of_any_origin_is_read(tmp_path):
    windows = b"\xef\xbb\xbfra, dec, mag\r\n10.5, -3, INDEF\r\n11.5, 4, 17.5\r\n\r\n"
    (tmp_path / "n1.csv").write_bytes(windows)
    table = read_table(tmp_path / "n1.csv")
    assert table.colnames == ["ra", "dec", "mag"]
    assert table["dec"].tolist() == [-3, 4]
    assert np.isnan(table["mag"][0])


def test_sexagesimal_cells_are_not_taken_for_times_of_day(tmp_path):
    (tmp_path / "n1.csv").write_text("ra,dec\n12:30:00,-05:00:00\n")
    assert read_table(tmp_path / "n1.csv")["ra"][0] == "12:30:00"


def test_repeated_column_names_are_told_apart(tmp_path):
    (tmp_path / "n1.csv").write_text("ra,dec,mag,mag\n1,2,3,4\n")
    assert read_table(tmp_path / "n1.csv").colnames == ["ra", "dec", "mag", "mag (2)"]


def test_configured_names_are_those_of_a_file_without_header(tmp_path):
    (tmp_path / "n1.psx").write_text("163.0,-49.9,3469.4\n163.1,-49.8,1259.9\n")
    table = read_table(tmp_path / "n1.psx", files(column_names=("ra", "dec", "counts")))
    assert table["counts"].tolist() == [3469.4, 1259.9]


def test_a_file_without_header_asks_for_names(tmp_path):
    (tmp_path / "n1.psx").write_text("163.0,-49.9,3469.4\n")
    with pytest.raises(CatalogError, match=r"n1.psx: has no line .* all 3 names as files.column_n"):
        read_table(tmp_path / "n1.psx")


def test_a_catalogue_without_rows_is_read_as_empty(tmp_path, stars):
    for name in ("n1.ecsv", "n1.fits", "n1.csv", "n1.parquet"):
        stars[:0].write(tmp_path / name)
        table = read_table(tmp_path / name)
        assert (len(table), table.colnames) == (0, stars.colnames)


# --- Damage -----------------------------------------------------------------------------------


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "n1.psx").touch()
    with pytest.raises(CatalogError, match=r"n1.psx: is empty \(0 bytes\).*files.exclude"):
        read_table(tmp_path / "n1.psx")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CatalogError, match=r"gone.fits: cannot be read: No such file"):
        read_table(tmp_path / "gone.fits")


@pytest.fixture
def many_stars():
    number = np.arange(500)
    return Table({"ra": number / 7, "dec": number / 9, "mag": 10 + number / 100})


@pytest.mark.parametrize("kept", [0.03, 0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", ["n1.fits", "n1.fits.gz", "n1.vot", "n1.parquet"])
def test_a_file_that_was_cut_off_is_refused(tmp_path, many_stars, name, kept):
    path = tmp_path / name
    many_stars.write(path, format="votable" if name == "n1.vot" else None)
    whole = path.read_bytes()
    # The padding at the end of a FITS file holds nothing that could be missing.
    path.write_bytes(whole[: int(len(whole.rstrip(b"\0")) * kept)])
    with pytest.raises(
        CatalogError, match=rf"{name}: .*(cut off|complete|readable).*fetch it agai"
    ):
        read_table(path)


@pytest.mark.parametrize("name", ["n1.ecsv", "n1.csv", "n1.dat"])
def test_text_that_was_cut_within_a_row_is_refused(tmp_path, many_stars, name):
    path = tmp_path / name
    many_stars.write(path, format="ascii.commented_header" if name == "n1.dat" else None)
    lines = path.read_text().splitlines()
    separator = "," if name == "n1.csv" else " "
    path.write_text("\n".join(lines[:-1]) + "\n" + lines[-1].split(separator)[0])
    with pytest.raises(CatalogError, match=rf"{name}: .*(1 cells|got 1).*fetch it again"):
        read_table(path)


def test_text_that_does_not_end_with_a_line_end_is_doubted(tmp_path):
    (tmp_path / "n1.csv").write_text("ra,dec\n1,2\n3,4")
    assert "cut off?" in read_catalog_file(tmp_path / "n1.csv").notes[0]


def test_a_row_with_too_many_cells_is_named(tmp_path):
    (tmp_path / "n1.csv").write_text("ra,dec\n1,2\n3,4,5\n6,7\n")
    with pytest.raises(CatalogError, match=r"n1.csv: row 2 \(line 3\) has 3 cells .* 2 columns"):
        read_table(tmp_path / "n1.csv")


def test_wrong_column_names_say_how_many_there_are(tmp_path):
    (tmp_path / "n1.psx").write_text("163.0,-49.9,3469.4\n163.1,-49.8,1259.9\n")
    with pytest.raises(CatalogError, match=r"has 3 cells and there are 2 columns; name all 3"):
        read_table(tmp_path / "n1.psx", files(column_names=("ra", "dec")))


def test_a_changed_byte_is_found_where_the_file_has_a_checksum(tmp_path, many_stars):
    hdu = fits.table_to_hdu(many_stars)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "n1.fits", checksum=True)
    contents = bytearray((tmp_path / "n1.fits").read_bytes())
    read_table(tmp_path / "n1.fits")
    contents[8000] ^= 0x10
    (tmp_path / "n1.fits").write_bytes(contents)
    with pytest.raises(CatalogError, match=r"n1.fits: .*damaged: (Checksum|Datasum)"):
        read_table(tmp_path / "n1.fits")


@pytest.mark.parametrize("kind", ["fits", "ecsv", "parquet", "votable", "ascii.csv", "ascii.ipac"])
def test_whatever_damage_a_file_has_it_is_read_or_refused_by_name(tmp_path, stars, kind):
    path = write(stars, tmp_path / "n1.cat", format=kind)
    whole = path.read_bytes()
    # Headers decide how all else is read, and what lies between data is padding.
    places = np.flatnonzero(np.frombuffer(whole, np.uint8) > 32)
    random = np.random.default_rng(5)
    refused = 0
    for number in range(150):
        damaged = bytearray(whole)
        place = int(random.choice(places))
        if number % 3 == 0:
            damaged[place] = int(random.integers(256))
        elif number % 3 == 1:
            damaged[place : place + 40] = b"\0" * len(damaged[place : place + 40])
        else:
            del damaged[place : place + int(random.integers(1, 100))]
        path.write_bytes(damaged)
        with contextlib.suppress(CatalogError):
            read_table(path)
            refused -= 1
        refused += 1
    assert refused


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "is HDF5; write it as one of ECSV, FITS"),
        (bytes(range(256)), "is binary of an unknown kind; what can be read: ECSV, FITS"),
        (b"<!DOCTYPE html><html>404 Not Found</html>", "is XML or HTML, and no VOTable"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_can(tmp_path, contents, words):
    (tmp_path / "n1.fits").write_bytes(contents)
    with pytest.raises(CatalogError, match=f"n1.fits: {words}"):
        read_table(tmp_path / "n1.fits")


def test_unknown_objects_in_the_metadata_of_ecsv_do_not_hide_the_data(tmp_path):
    (tmp_path / "n1.ecsv").write_text(
        "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: ra, datatype: float64}\n"
        "# meta: !!omap\n# - {FILTER: SR}\n# - {camera: !Camera {gain: 1.5}}\n"
        "# schema: astropy-2.0\nra\n10.5\n"
    )
    table = read_table(tmp_path / "n1.ecsv")
    assert table["ra"].tolist() == [10.5]
    assert table.meta["FILTER"] == "SR"


def test_the_checksum_is_that_of_the_file(tmp_path):
    import hashlib  # noqa: PLC0415

    path = tmp_path / "n1.csv.gz"
    path.write_bytes(gzip.compress(b"ra,dec\n1,2\n"))
    assert read_catalog_file(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
