import datetime as dt
import re
import shutil
import tomllib

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable, Table
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline import SourceCatalog, SurveyConfig
from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.catalogs.source_catalog import read_epoch
from lc_pipeline.cli import main
from lc_pipeline.draft import draft_survey
from lc_pipeline.draft.alike_names import similar_names
from lc_pipeline.draft.file_names import infer_pattern
from lc_pipeline.errors import CatalogError, LightcurveError
from lc_pipeline.ingest import ingest, object_storage, publish

# ---------------------------------------------------------------------- names to patterns


def keys_of(pattern, names):
    """Epoch and measurement of every name; the pattern must match all of them."""
    matches = [re.fullmatch(pattern, name) for name in names]
    assert all(matches), (pattern, names)
    return [(match["epoch"], match.groupdict().get("measurement")) for match in matches]


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["ey-uma-001R.fits", "ey-uma-094R.fits"], r"ey-uma-(?P<epoch>\d+)R\.fits"),
        (["001R.cat", "001V.cat", "002R.cat"], r"(?P<epoch>\d+)(?P<measurement>[A-Za-z]+)\.cat"),
        (
            ["IDF_gr123_ch1_sci_clean.ecsv", "IDF_gr7_ch2_sci_clean.ecsv"],
            r"IDF_(?P<epoch>gr\d+)_(?P<measurement>ch\d+)_sci_clean\.ecsv",
        ),
        (
            ["IDF_gr123_ch1_sci_clean.ecsv"],
            r"IDF_(?P<epoch>gr\d+)_(?P<measurement>ch\d+)_sci_clean\.ecsv",
        ),
        (
            [
                "a_V_2458571d6649809661_2019d03d29T03d50d58d296_1a0722172_kb95.psx",
                "a_V_2458572d5044731260_2019d03d29T23d59d49d887_1a310077_kb84.psx",
            ],
            r"a_V_(?P<epoch>\d{7}d\d+)_\d{4}d\d{2}d\d{2}T\d{2}d\d{2}d\d{2}d\d+_\d+a\d+_kb\d+\.psx",
        ),
        (["s82_51075.fits", "s82_51081.fits"], r"s82_(?P<epoch>\d+)\.fits"),
        (
            ["night_2024-01-05.cat", "night_2024-02-05.cat"],
            r"night_(?P<epoch>\d{4}-\d{2}-\d{2})\.cat",
        ),
        (
            ["20240105/g.csv", "20240105/r.csv", "20240106/g.csv"],
            r"(?P<epoch>\d{8})/(?P<measurement>[A-Za-z]+)\.csv",
        ),
        (["blue_1.cat", "red_1.cat", "blue_2.cat", "red_2.cat"],
         r"(?P<measurement>[A-Za-z]+)_(?P<epoch>\d+)\.cat"),
        (
            ["F814W_v1.fits", "F606W_v1.fits", "F814W_v2.fits"],
            r"(?P<measurement>F\d+W)_(?P<epoch>v\d+)\.fits",
        ),
        (["run1_01.cat", "run1_02.cat", "run2_01.cat"], r"(?P<epoch>run\d+_\d+)\.cat"),
        # The day will change as well, and the number begins anew then.
        (
            ["a_20240105_000001.cat", "a_20240105_000002.cat"],
            r"a_(?P<epoch>(?P<time>\d{8})_\d+)\.cat",
        ),
        (
            ["n1_g_e1.cat", "n1_r_e1.cat", "n1_g_e2.cat", "n2_g_e1.cat"],
            r"(?P<epoch>n\d+_(?P<measurement>[A-Za-z]+)_e\d+)\.cat",
        ),
        # Two parts tell the epoch, each alone, on either side of the band.
        (
            ["1_g_101.cat", "1_r_101.cat", "2_g_102.cat"],
            r"(?P<epoch>\d+)_(?P<measurement>[A-Za-z]+)_\d+\.cat",
        ),
        # The band stands in the folder and again in the name.
        (
            ["g/s_51075_g.fits", "r/s_51075_r.fits", "g/s_51081_g.fits"],
            r"(?P<measurement>[A-Za-z]+)/s_(?P<epoch>\d+)_[A-Za-z]+\.fits",
        ),
        (["a.fits", "b.fits.gz"], r"(?P<epoch>[A-Za-z]+)\.fits(?:\.gz)?"),
    ],
)  # fmt: skip
def test_patterns_of_names_from_practice(names, pattern):
    found = infer_pattern(names)
    assert found.pattern == pattern
    keys_of(found.pattern, names)


_WORDS = st.text("abcdefglmnoprstu", min_size=2, max_size=6)
_SIGNS = st.sampled_from("_-.")
_DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2040, 1, 1))
_EPOCHS = st.one_of(
    st.lists(st.integers(0, 99999), min_size=2, max_size=8, unique=True).map(
        lambda numbers: [f"{number:05d}" for number in numbers]
    ),
    st.lists(st.integers(0, 999), min_size=2, max_size=8, unique=True).map(
        lambda numbers: [f"night{number}" for number in numbers]
    ),
    st.lists(_DAYS, min_size=2, max_size=8, unique=True).map(
        lambda days: [day.isoformat() for day in days]
    ),
    st.lists(_DAYS, min_size=2, max_size=8, unique=True).map(
        lambda days: [f"{day:%Y%m%d}T{day.day % 24:02d}3000" for day in days]
    ),
)
_BANDS = st.sampled_from([["g", "r", "i"], ["B", "V"], ["ch1", "ch2"], ["F606W", "F814W"]])


@given(_WORDS, _SIGNS, _EPOCHS, st.none() | _BANDS, st.booleans(), st.data())
def test_epochs_and_bands_of_regular_names_are_found(word, sign, epochs, bands, band_first, data):
    def name(epoch, band):
        parts = [word, *([band, epoch] if band_first else [epoch, band])]
        return sign.join(part for part in parts if part) + ".cat"

    named = {name(epoch, band): (epoch, band) for epoch in epochs for band in bands or [None]}
    # Some files may be absent, but not so many that nothing differs any more.
    absent = data.draw(st.sets(st.sampled_from(sorted(named)), max_size=len(epochs) - 2))
    names = [one for one in named if one not in absent]
    pattern = infer_pattern(names).pattern
    for (epoch, band), one in zip(keys_of(pattern, names), names, strict=True):
        if bands is None or len({named[other][1] for other in names}) > 1:
            assert (epoch, band) == named[one]
        else:
            assert epoch == named[one][0]


@given(
    st.lists(
        st.text(st.sampled_from("ab1.2_-/ é'[\\"), min_size=1, max_size=8).filter(
            lambda name: name.strip("/") == name and "//" not in name
        ),
        min_size=1,
        max_size=6,
        unique=True,
    )
)
def test_any_names_are_matched_and_told_apart(names):
    found = infer_pattern(names)
    keys = keys_of(found.pattern, names)
    assert all(epoch for epoch, _ in keys)
    if found.names_epoch:
        assert len(set(keys)) == len(names)


@pytest.mark.parametrize(
    ("name", "form", "replace"),
    [
        ("a_2458571.6649.csv", "jd", {}),
        ("a_2458571d6649.csv", "jd", {"d": "."}),
        ("a_58571p1649.csv", "mjd", {"p": "."}),
        ("a_20240105T030405.csv", "%Y%m%dT%H%M%S", {}),
        ("a_2024-01-05T03-04-05.5.csv", "%Y-%m-%dT%H-%M-%S.%f", {}),
        ("a_20240105_030405.csv", "%Y%m%d_%H%M%S", {}),
    ],
)
def test_times_in_names(name, form, replace):
    found = infer_pattern([name])
    assert (found.time.group, found.time.format, found.time.replace) == ("epoch", form, replace)


def test_siblings_differ_in_numbers_dates_and_bands_only():
    others = ["M31_r_20240106_12.cat", "M31_g_20240105_3.log", "M33_g_20240105_3.cat", "M31_g.cat"]
    given_names = ["M31_g_20240105_001.cat"]
    assert similar_names(given_names, others) == ["M31_r_20240106_12.cat", "M33_g_20240105_3.cat"]
    assert similar_names(["star_1.cat"], ["starlet_1.cat", "star_x.cat"]) == []


# ---------------------------------------------------------------------- drafts of made files

N_STARS = 12
RANDOM = np.random.default_rng(5)
RA = 265.0 + RANDOM.uniform(-0.2, 0.2, N_STARS)
DEC = 69.0 + np.arange(N_STARS) * 0.01
MAG = RANDOM.uniform(14, 19, N_STARS).round(3)


def shuffled(seed):
    """Stars in the order of one file."""
    return np.random.default_rng(seed).permutation(N_STARS)


def settings_of(draft):
    SurveyConfig.from_toml(draft.text)
    return tomllib.loads(draft.text)


def run(folder, draft):
    """What the draft says is ingested and published, without a change."""
    survey = folder / "survey.toml"
    survey.write_text(draft.text, encoding="utf-8")
    config = SurveyConfig.read(survey)
    report = ingest(config)
    assert not report.with_status("refused"), report.with_status("refused")
    publish(config)
    return object_storage(config)


def make_sextractor(folder):
    header = (
        "#   1 NUMBER\n#   2 ALPHA_J2000 [deg]\n#   3 DELTA_J2000 [deg]\n#   4 MAG_AUTO [mag]\n"
        "#   5 MAGERR_AUTO [mag]\n#   6 MAG_APER [mag]\n#   8 MAGERR_APER [mag]\n#  10 FLAGS\n"
    )
    for seed, epoch in enumerate(("20240105T030405", "20240106T030405", "20240107T030405")):
        rows = [
            f"{number} {RA[star]:.7f} {DEC[star]:.7f} {99 if star == 3 else MAG[star]} 0.01 "
            f"{MAG[star]} {MAG[star]} 0.01 0.01 {star % 4}\n"
            for number, star in enumerate(shuffled(seed), 1)
        ]
        (folder / f"field_{epoch}.cat").write_text(header + "".join(rows))


def make_ldac(folder):
    for night in range(3):
        for band in "gr":
            header = fits.Header()
            header["OBJECT"], header["FILTER"] = "M31", band
            header["DATE-OBS"], header["EXPTIME"] = f"2024-01-0{night + 5}T03:04:05.5", 60.0
            cards = fits.Column("Field Header Card", "2880A", array=np.array([header.tostring()]))
            order = shuffled(night)
            columns = [
                fits.Column("NUMBER", "J", array=np.arange(1, N_STARS + 1)),
                fits.Column("ALPHA_J2000", "D", unit="deg", array=RA[order]),
                fits.Column("DELTA_J2000", "D", unit="deg", array=DEC[order] + 2 * night / 3600),
                fits.Column("MAG_AUTO", "E", unit="mag", array=MAG[order]),
                fits.Column("MAGERR_AUTO", "E", unit="mag", array=np.full(N_STARS, 0.01)),
                fits.Column("FLAGS", "I", array=np.zeros(N_STARS, int)),
            ]
            hdus = [
                fits.PrimaryHDU(),
                fits.BinTableHDU.from_columns([cards], name="LDAC_IMHEAD"),
                fits.BinTableHDU.from_columns(columns, name="LDAC_OBJECTS"),
            ]
            fits.HDUList(hdus).writeto(folder / f"M31_{band}_202401{night + 5:02d}.cat")


def make_ztf(folder):
    for night in range(3):
        columns = {"oid": np.arange(N_STARS) + 10**9, "ra": RA, "dec": DEC, "mag": MAG}
        columns |= {"hmjd": np.full(N_STARS, 59000.3 + night), "magerr": np.full(N_STARS, 0.02)}
        columns |= {"catflags": np.zeros(N_STARS, int), "filtercode": ["zg"] * N_STARS}
        Table(columns).write(folder / f"ztf_{night:04d}.csv", format="ascii.csv")


def make_asas(folder):
    positions = SkyCoord(RA, DEC, unit="deg").to_string("hmsdms", sep=":", precision=3)
    for night in range(3):
        mags = np.where(np.arange(N_STARS) == 4, 29.999, MAG)
        rows = [f"S{k:03d} {positions[k]} {mags[k]:.3f} 0.020 A\n" for k in range(N_STARS)]
        text = "# ID RA DEC MAG_0 MER_0 GRADE\n" + "".join(rows)
        (folder / f"{2451000 + night}.5012.dat").write_text(text)


def make_photutils(folder):
    flux = 10 ** (-0.4 * (MAG - 25))
    flux[[3, 7]] = -99.0
    for night in range(3):
        order = shuffled(night)
        table = QTable(
            {
                "label": np.arange(1, N_STARS + 1),
                "sky_centroid": SkyCoord(RA[order], DEC[order], unit="deg"),
                "kron_flux": flux[order],
                "kron_fluxerr": np.full(N_STARS, 3.0),
            },
            meta={"MJD-AVG": 59000.1 + night},
        )
        table["kron_flux"].unit = table["kron_fluxerr"].unit = "uJy"
        table.write(folder / f"img{night:04d}.ecsv")


def make_wide(folder):
    for night in range(2):
        columns = {"ra": RA, "dec": DEC}
        for band, delay in (("g", 0.0), ("r", 0.01)):
            columns |= {f"mag_{band}": MAG, f"magerr_{band}": np.full(N_STARS, 0.01)}
            columns |= {f"flags_{band}": np.zeros(N_STARS, int)}
            columns |= {f"mjd_{band}": 59000.1 + night + delay + np.arange(N_STARS) * 1e-4}
        Table(columns).write(folder / f"night{night}.csv", format="ascii.csv")


def make_two_tables(folder):
    """Every band has columns of its own names."""
    for night in ("2451000.50", "2451001.50"):
        for band in "gr":
            columns = {"ra": RA, "dec": DEC, f"mag_{band}": MAG, f"magerr_{band}": MAG / 1000}
            (folder / night).mkdir(exist_ok=True)
            Table(columns).write(folder / night / f"{band}.csv", format="ascii.csv")


def make_alternating_filters(folder):
    for night, band in enumerate("grgr"):
        table = Table({"ra": RA, "dec": DEC, "mag": MAG, "magerr": np.full(N_STARS, 0.01)})
        table.meta |= {"FILTER": band, "MJD-OBS": 59000.1 + night, "EXPTIME": 30.0}
        table.write(folder / f"e{night}.fits")


MAKERS = {
    "sextractor": make_sextractor,
    "ldac": make_ldac,
    "ztf": make_ztf,
    "asas": make_asas,
    "photutils": make_photutils,
    "wide": make_wide,
    "two_tables": make_two_tables,
    "alternating_filters": make_alternating_filters,
}
EXPECTED = {
    "sextractor": (
        {"flags": "FLAGS", "bad_flags": 252, "ra": "ALPHA_J2000"},
        {"from": "filename", "name": "epoch", "format": "%Y%m%dT%H%M%S"},
        {"mode": "position", "astrometric_offset": False, "radius_arcsec": 1.0},
        ["mag_auto", "mag_aper", "mag_aper_1"],
    ),
    "ldac": (
        {"flags": "FLAGS", "bad_flags": 252},
        {"from": "header", "name": "DATE-OBS", "at": "start", "exposure": "EXPTIME"},
        {"mode": "position", "astrometric_offset": True},
        ["{measurement}"],
    ),
    "ztf": (
        {"key": "oid", "flags": "catflags", "bad_flags": "any"},
        {"from": "column", "name": "hmjd", "refposition": "HELIOCENTER"},
        {"mode": "key"},
        ["{filtercode}"],
    ),
    "asas": (
        {"key": "ID", "ra_unit": "hourangle", "dec_unit": "deg"},
        {"from": "filename", "format": "jd"},
        {"mode": "key"},
        ["mag_0"],
    ),
    "photutils": (
        {"ra": "sky_centroid.ra"},
        {"from": "header", "name": "MJD-AVG", "at": "mid"},
        {"mode": "position"},
        ["kron_flux"],
    ),
    "wide": ({}, {"from": "column", "name": "mjd_g"}, {"mode": "position"}, ["g", "r"]),
    "two_tables": ({}, {"from": "filename", "format": "jd"}, {"mode": "position"}, ["g", "r"]),
    "alternating_filters": ({}, {"name": "MJD-OBS"}, {"mode": "position"}, ["{FILTER}"]),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_recognised_is_written_out_and_runs_unchanged(kind, tmp_path):
    MAKERS[kind](tmp_path)
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    draft = draft_survey(files, folder=tmp_path)
    columns, time, matching, measurements = EXPECTED[kind]
    found = settings_of(draft)
    assert found["files"]["folder"] == "."
    assert found["columns"].items() >= columns.items()
    assert found["time"].items() >= time.items()
    assert found["matching"].items() >= matching.items()
    assert [one["key"] for one in found.get("measurements", [])] == measurements
    storage = run(tmp_path, draft)
    assert len(storage.reference) == N_STARS
    good = (storage.flags == 0) & np.isfinite(storage.lightcurves[:, :, 0])
    assert (good.sum(["object", "epoch"]) >= N_STARS).all()


@pytest.mark.parametrize("kind", ["ldac", "ztf", "photutils", "wide", "alternating_filters"])
def test_the_draft_reads_what_recognition_reads(kind, tmp_path):
    MAKERS[kind](tmp_path)
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    text = draft_survey(files, folder=tmp_path).text
    survey = SurveyConfig.from_toml(text, tmp_path / "survey.toml")
    for epoch in find_epochs(survey).epochs:
        drafted = read_epoch(epoch, survey)
        recognised = [SourceCatalog.read(file.path) for file in epoch.files]
        assert drafted.time_scale == recognised[0].time_scale
        assert drafted.time_refposition == recognised[0].time_refposition
        assert drafted.ra.tolist() == np.concatenate([one.ra for one in recognised]).tolist()
        assert [file.time for file in drafted.files] == pytest.approx(
            [one.time for one in recognised], abs=0.006, rel=0
        )
        if kind != "wide":  # its epoch's time is that of the first band
            assert [file.time for file in drafted.files] == [one.time for one in recognised]


def test_bands_have_their_own_flags_and_times(tmp_path):
    make_wide(tmp_path)
    found = settings_of(draft_survey(tmp_path.iterdir(), folder=tmp_path))
    assert [(one["flags"], one["time"]) for one in found["measurements"]] == [
        ("flags_g", "mjd_g"),
        ("flags_r", "mjd_r"),
    ]


@pytest.mark.parametrize(("kind", "values"), [("photutils", [-99.0]), ("asas", [29.999])])
def test_sentinels_that_no_range_leaves_out_are_listed(kind, values, tmp_path):
    MAKERS[kind](tmp_path)
    assert settings_of(draft_survey(tmp_path.iterdir()))["missing"]["values"] == values


def test_sentinels_that_are_seen_are_told(tmp_path):
    make_sextractor(tmp_path)
    draft = draft_survey(tmp_path.iterdir())
    assert "# Seen: MAG_AUTO: 99 (3 rows)" in draft.text
    assert settings_of(draft)["missing"]["values"] == []


IS_FAINT = np.arange(N_STARS) % 4 == 0
WITH_99 = {"mag": np.where(IS_FAINT, 99.99, MAG), "magerr": np.where(IS_FAINT, 99.99, 0.02)}
WITH_CELLS = {
    "mag": [">19.5" if faint else f"{mag:.3f}" for faint, mag in zip(IS_FAINT, MAG, strict=True)],
    "magerr": np.full(N_STARS, 0.02),
}
FLUXES = {"flux": 10 ** (0.4 * (25 - MAG)), "fluxerr": np.full(N_STARS, 1.0)}
BANDS = {f"{name}_{band}": np.full(N_STARS, x) for band in "gr" for name, x in (("magerr", 0.02),)}
BANDS |= {"mag_g": MAG, "mag_r": MAG - 0.5}
DEPTH = np.full(N_STARS, 20.5)


@pytest.mark.parametrize(
    ("columns", "meta", "limits"),
    [
        (WITH_99 | {"diffmaglim": DEPTH}, {}, ["diffmaglim"]),
        (WITH_99 | {"limit": DEPTH}, {}, ["limit"]),
        (WITH_99 | {"Limiting_Mag": DEPTH}, {}, ["Limiting_Mag"]),
        (WITH_99, {"MAGLIM": 20.5}, ["MAGLIM"]),
        (WITH_CELLS, {}, ["mag"]),
        (FLUXES | {"fluxlim": np.full(N_STARS, 5.0)}, {}, ["fluxlim"]),
        (BANDS | {"maglim_g": DEPTH, "r_limitmag": DEPTH}, {}, ["maglim_g", "r_limitmag"]),
        # Not sure: no numbers of limits, brighter than what was seen, of another kind or no band.
        (WITH_99 | {"limit": np.full(N_STARS, -99.0)}, {}, [None]),
        (WITH_99 | {"limit": np.arange(N_STARS) % 2}, {}, [None]),
        (WITH_99 | {"maglim": np.full(N_STARS, MAG.min())}, {}, [None]),
        (WITH_99 | {"uplim": DEPTH}, {}, [None]),
        (WITH_99, {"MAGLIM": -1.0}, [None]),
        (FLUXES | {"limit": DEPTH}, {}, [None]),
        (FLUXES | {"mag5sig": DEPTH}, {}, [None]),
        (BANDS | {"maglim": DEPTH}, {}, [None, None]),
    ],
)
def test_limits_are_recognised_where_it_is_sure(columns, meta, limits, tmp_path):
    for night in range(3):
        table = Table({"ra": RA, "dec": DEC} | columns, meta=meta | {"MJD-OBS": 59000.0 + night})
        table.write(tmp_path / f"n{night:03d}.ecsv")
    draft = draft_survey(tmp_path.iterdir(), folder=tmp_path)
    found = settings_of(draft)["measurements"]
    assert [one.get("limit") for one in found] == limits
    told = [line for line in draft.text.splitlines() if line.startswith("limit = ")]
    assert all("upper limits where nothing was measured" in line for line in told)
    assert len(told) == len(limits) - limits.count(None)
    if told:
        stated = run(tmp_path, draft).lightcurves.sel(value="limit")
        assert np.isfinite(stated).any(["object", "epoch"]).all()


def test_numbers_of_rows_are_no_keys(tmp_path):
    make_sextractor(tmp_path)
    draft = draft_survey(tmp_path.iterdir())
    assert any("equal NUMBER stand at different positions" in note for note in draft.notes)
    assert "key" not in settings_of(draft)["columns"]


def test_one_detection_image_makes_number_a_key(tmp_path):
    for night in range(2):
        columns = {"NUMBER": np.arange(1, N_STARS + 1), "ra": RA, "dec": DEC, "mag": MAG}
        Table(columns | {"mjd": 59000.5 + night + 0 * RA}).write(tmp_path / f"n{night}.fits")
    found = settings_of(draft_survey(tmp_path.iterdir()))
    assert (found["columns"]["key"], found["matching"]["mode"]) == ("NUMBER", "key")


def test_what_may_be_flags_is_asked_about(tmp_path):
    for night in range(2):
        columns = {"TICID": 7000 + np.arange(N_STARS), "ra": RA, "dec": DEC, "SAP_FLUX": 1e3 * MAG}
        more = {"TIME": 59000.5 + night + 0 * RA, "QUALITY": np.zeros(N_STARS, dtype=int)}
        Table(columns | more).write(tmp_path / f"cadence{night}.fits")
    draft = draft_survey(tmp_path.iterdir())
    assert any("QUALITY may be flags" in to_do for to_do in draft.to_do)
    assert "flags" not in settings_of(draft)["columns"]


def test_stars_listed_twice_are_no_neighbours_that_bound_the_radius(tmp_path):
    for night in range(4):
        random = np.random.default_rng(night)
        rows = np.concatenate([np.arange(N_STARS), random.choice(N_STARS, N_STARS // 10)])
        scatter = random.normal(0, 0.1 / 3600, (2, len(rows)))
        columns = {"ra": RA[rows] + scatter[0], "dec": DEC[rows] + scatter[1], "mag": MAG[rows]}
        Table(columns | {"mjd": 59000.5 + night + 0 * rows}).write(tmp_path / f"n{night}.fits")
    found = draft_survey(tmp_path.iterdir())
    matching = settings_of(found)["matching"]
    assert (matching["radius_arcsec"], matching["astrometric_offset"]) == (1.0, False)
    assert "some stars are listed twice" in found.text


def test_files_beside_the_given_one_tell_the_pattern(tmp_path):
    make_ztf(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    draft = draft_survey([tmp_path / "ztf_0001.csv"], folder=tmp_path)
    assert settings_of(draft)["files"]["pattern"] == r"ztf_(?P<epoch>\d+)\.csv"
    assert not any("guessed" in note for note in draft.notes)


def test_one_file_alone_is_said_to_be_a_guess(tmp_path):
    make_ztf(tmp_path)
    for number in (0, 2):
        (tmp_path / f"ztf_000{number}.csv").unlink()
    draft = draft_survey([tmp_path / "ztf_0001.csv"], folder=tmp_path)
    assert any("guessed from one file only" in note for note in draft.notes)
    assert settings_of(draft)["matching"]["mode"] == "position"
    assert len(run(tmp_path, draft).reference) == N_STARS


def test_the_folder_tells_the_epoch_if_names_tell_only_bands(tmp_path):
    night = tmp_path / "night7"
    night.mkdir()
    for band in "gr":
        Table({"ra": RA, "dec": DEC, "mag": MAG}).write(night / f"{band}.fits")
    found = settings_of(draft_survey(night.iterdir(), folder=night))
    assert found["files"]["folder"] == ".."
    match = re.fullmatch(found["files"]["pattern"], "night8/r.fits")
    assert match.groupdict() == {"epoch": "night8", "measurement": "r"}


def test_columns_without_names_get_some_and_a_word_about_it(tmp_path):
    for night in range(2):
        rows = [f"{17 * k}.25,{RA[k]:.7f},{DEC[k]:.7f},{MAG[k]},0.01\n" for k in range(N_STARS)]
        (tmp_path / f"245857{night}.5.csv").write_text("".join(rows))
    draft = draft_survey(tmp_path.iterdir(), folder=tmp_path)
    found = settings_of(draft)
    assert found["files"]["column_names"] == ["col1", "ra", "dec", "col4", "col5"]
    assert "measurements" not in found
    assert any("line of column names" in note for note in draft.to_do)
    assert any("magnitude or a flux" in note for note in draft.to_do)
    # What is asked for is enough.
    filled = draft.text.replace('"col4", "col5"', '"mag", "magerr"')
    (tmp_path / "survey.toml").write_text(filled)
    report = ingest(SurveyConfig.read(tmp_path))
    assert len(report.with_status("stored")) == 2


def test_without_a_time_every_epoch_is_refused_with_a_reason(tmp_path):
    for night in range(2):
        table = Table({"ra": RA, "dec": DEC, "mag": MAG})
        table.write(tmp_path / f"2024-01-0{night + 1}.fits")
    draft = draft_survey(tmp_path.iterdir(), folder=tmp_path)
    assert any("only the day was found" in note for note in draft.to_do)
    (tmp_path / "survey.toml").write_text(draft.text)
    with pytest.raises(LightcurveError, match="no time is recognised"):
        ingest(SurveyConfig.read(tmp_path))
    # The proposal that stands there as a comment works.
    text = re.sub(r"(?m)^# (?=\[time\]|from|name|format)", "", draft.text)
    (tmp_path / "survey.toml").write_text(text)
    assert len(ingest(SurveyConfig.read(tmp_path)).with_status("stored")) == 2


def test_positions_that_are_not_recognised_are_asked_for(tmp_path):
    Table({"a": RA, "b": DEC, "mag": MAG, "mjd": RA * 0 + 59000}).write(tmp_path / "x1.fits")
    draft = draft_survey(tmp_path.iterdir())
    assert any("RA and Dec" in note for note in draft.to_do)
    assert "ra" not in settings_of(draft)["columns"]


def test_a_table_of_light_curves_is_told_from_a_catalogue(tmp_path):
    times = np.tile(59000.0 + np.arange(4) * 7, N_STARS)
    columns = {"ra": np.repeat(RA, 4), "dec": np.repeat(DEC, 4), "mag": np.repeat(MAG, 4)}
    Table(columns | {"mjd": times}).write(tmp_path / "all.csv", format="ascii.csv")
    draft = draft_survey(tmp_path.iterdir())
    assert any("light curves" in note for note in draft.to_do)


def test_a_start_without_an_exposure_must_be_looked_at(tmp_path):
    table = Table({"ra": RA, "dec": DEC, "mag": MAG}, meta={"MJD-OBS": 59000.0})
    table.write(tmp_path / "x1.fits")
    assert any("time.exposure" in note for note in draft_survey(tmp_path.iterdir()).to_do)


def test_scale_and_place_of_the_header_are_written_out(tmp_path):
    meta = {"MJD-AVG": 59000.0, "TIMESYS": "TDB", "TREFPOS": "BARYCENTER"}
    Table({"ra": RA, "dec": DEC, "mag": MAG}, meta=meta).write(tmp_path / "x1.fits")
    time = settings_of(draft_survey(tmp_path.iterdir()))["time"]
    assert (time["scale"], time["refposition"]) == ("tdb", "BARYCENTER")


def test_unreadable_files_are_named_and_passed_over(tmp_path):
    make_ztf(tmp_path)
    (tmp_path / "ztf_0003.csv").write_text("")
    draft = draft_survey(tmp_path.iterdir())
    assert any("ztf_0003.csv" in note and "empty" in note for note in draft.to_do)
    with pytest.raises(CatalogError, match=r"ztf_0003\.csv.*empty"):
        draft_survey([tmp_path / "ztf_0003.csv"])


@pytest.mark.parametrize("awkward", ["o'neill [x] 1.csv", 'quo"te-1.csv', "grün 1.csv"])
def test_awkward_names_make_valid_toml(awkward, tmp_path):
    for name in (awkward, awkward.replace("1", "2")):
        columns = {"ra": RA, "dec": DEC, "mag": MAG, "mjd": RA * 0 + 59000.5 + ord(name[-5])}
        Table(columns).write(tmp_path / name, format="ascii.csv")
    draft = draft_survey(tmp_path.iterdir(), folder=tmp_path, name='a "name"')
    assert settings_of(draft)["survey"]["name"] == 'a "name"'
    assert len(run(tmp_path, draft).epoch_keys) == 2


# ---------------------------------------------------------------------- real files


def test_draft_of_ey_uma_runs_unchanged(project, tmp_path):
    files = sorted((project / "data" / "ey_uma" / "epochs").iterdir())
    draft = draft_survey(files, folder=tmp_path)
    found = settings_of(draft)
    assert found["survey"]["name"] == "ey_uma"
    assert [one["key"] for one in found["measurements"]] == ["{filter}"]
    assert not draft.to_do
    storage = run(tmp_path, draft)
    assert (len(storage.epoch_keys), len(storage.reference)) == (94, 41)


def test_draft_of_af_vel_runs_unchanged(shared_data, tmp_path):
    files = sorted((shared_data / "af_vel" / "ecsv").iterdir())
    draft = draft_survey(files, folder=tmp_path)
    found = settings_of(draft)
    assert found["survey"]["name"] == "AF Vel"
    assert found["matching"]["astrometric_offset"]
    assert found["matching"]["radius_arcsec"] == 1.0
    assert not draft.to_do
    storage = run(tmp_path, draft)
    assert len(storage.epoch_keys) == 29
    here = SkyCoord(storage.reference.ra, storage.reference.dec, unit="deg")
    star, separation, _ = SkyCoord(163.260417, -49.906389, unit="deg").match_to_catalog_sky(here)
    assert separation.arcsec < 2
    assert np.isfinite(storage.lightcurves[int(star), 0, 0].values).sum() > 20


def test_draft_of_af_vel_raw_asks_for_columns(shared_data, tmp_path):
    files = sorted((shared_data / "af_vel" / "raw").glob("*.psx"))
    draft = draft_survey(files, folder=tmp_path)
    found = settings_of(draft)
    assert found["files"]["column_names"][:3] == ["ra", "dec", "col3"]
    assert found["time"]["format"] == "jd"
    assert found["time"]["replace"] == {"d": "."}


def test_draft_of_stripe_82_runs_unchanged(shared_data, tmp_path):
    nights = tmp_path / "epochs_wide"
    nights.mkdir()
    for path in sorted((shared_data / "s82_rrlyrae" / "epochs_wide").iterdir())[::10]:
        shutil.copy(path, nights)
    draft = draft_survey(nights.iterdir(), folder=tmp_path)
    found = settings_of(draft)
    assert found["columns"]["key"] == "num"
    assert [one["time"] for one in found["measurements"]] == [f"mjd_{band}" for band in "ugriz"]
    assert "-99.99" in draft.text
    assert not draft.to_do
    assert len(run(tmp_path, draft).epoch_keys) == 20


# ---------------------------------------------------------------------- the command


def init(*arguments):
    return CliRunner().invoke(main, ["init", *map(str, arguments)])


@pytest.fixture
def ztf_files(tmp_path, monkeypatch):
    nights = tmp_path / "nights"
    nights.mkdir()
    make_ztf(nights)
    monkeypatch.chdir(tmp_path)
    return sorted(path.relative_to(tmp_path) for path in nights.iterdir())


def test_init_prints_the_survey_and_says_what_it_found(ztf_files):
    result = init("--from", *ztf_files)
    assert result.exit_code == 0, result.stderr
    assert SurveyConfig.from_toml(result.stdout).files.folder == "nights"
    assert "hmjd" in result.stderr


def test_files_can_be_given_in_every_way(ztf_files):
    first, *others = ztf_files
    texts = {
        init("--from", *ztf_files).stdout,
        init(*ztf_files).stdout,
        init("--from", first, "--name", "nights", *others).stdout,
        init(*others, f"--from={first}").stdout,
    }
    assert len(texts) == 1


def test_folder_is_relative_to_where_the_file_is_written(ztf_files, tmp_path):
    (tmp_path / "surveys").mkdir()
    result = init(*ztf_files, "-o", "surveys/ztf.toml", "--name", "ZTF")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    survey = SurveyConfig.read(tmp_path / "surveys" / "ztf.toml")
    assert (survey.files.folder, survey.survey.name) == ("../nights", "ZTF")
    assert len(find_epochs(survey).epochs) == 3


def test_init_replaces_nothing_unasked(ztf_files, tmp_path):
    mine = tmp_path / "survey.toml"
    mine.write_text("mine")
    result = init(*ztf_files, "-o", mine)
    assert result.exit_code == 1
    assert "--force" in result.stderr
    assert mine.read_text() == "mine"
    assert init(*ztf_files, "-o", mine, "--force").exit_code == 0
    assert SurveyConfig.read(mine)


def test_wrong_usage_of_init(ztf_files):
    assert init().exit_code == 2
    assert init("--from", "absent.fits").exit_code == 2
    assert init(*ztf_files, "-o", "nowhere/survey.toml").exit_code == 1


def test_init_fails_if_nothing_can_be_read(tmp_path):
    (tmp_path / "empty.cat").write_text("")
    result = init(tmp_path / "empty.cat")
    assert result.exit_code == 1
    assert "empty" in result.stderr
