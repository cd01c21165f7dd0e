"""What the pages for users show works as it is printed there.

For every page catalogues of its kind are made with a known truth, the page's ``survey.toml`` is put
beside them, and the light curves that come out are compared with the truth.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.io.votable import from_table
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.time import Time

from lc_pipeline import LightcurveStorage
from lc_pipeline.flags import MeasurementFlag

PROJECT = Path(__file__).parents[2]
GOOD = MeasurementFlag(0)
N_STARS = 15
EPOCHS = 3

#: In the middle of the field, so that its absence is a non-detection.
LOST_STAR, SENTINEL_STAR, FLAGGED_STAR, OTHER_STAR = 5, 2, 3, 4


def blocks_of(page, language):
    text = (PROJECT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@dataclass
class Sky:
    """Stars on a grid, half an arcminute apart, and what was written of them in each epoch."""

    ra: np.ndarray
    dec: np.ndarray
    random: np.random.Generator
    key: list = field(default_factory=list)
    truth: list = field(default_factory=list)

    @classmethod
    def at(cls, ra, dec):
        place = np.arange(N_STARS)
        north = dec + (place // 4) * 30 / 3600
        east = ra + (place % 4) * 30 / 3600 / np.cos(np.radians(dec))
        return cls(east, north, np.random.default_rng(20240105))

    def magnitudes(self):
        mags = self.random.uniform(14, 20, N_STARS).round(4)
        return mags, self.random.uniform(0.003, 0.2, N_STARS).round(4)

    def scattered(self, arcsec=0.05):
        """Positions as one epoch measures them."""
        north = self.random.normal(0, arcsec / 3600, N_STARS)
        east = self.random.normal(0, arcsec / 3600, N_STARS) / np.cos(np.radians(self.dec))
        return self.ra + east, self.dec + north

    def rows(self, *, lost=()):
        """Stars in the order of one file; the lost ones are not in it."""
        order = self.random.permutation(N_STARS)
        return [int(star) for star in order if star not in lost]

    def expect(self, epoch, measurement, star, time, value=np.nan, error=np.nan, flags=GOOD):
        self.truth.append((epoch, measurement, star, time, value, error, flags))


def check(sky, survey, tolerance=0.0):
    """Every value of the store is that of the truth, and there is nothing else in it."""
    data = LightcurveStorage(survey.parent / "store" / "objects").dataset
    here = SkyCoord(data["ra"].values, data["dec"].values, unit="deg")
    there = SkyCoord(sky.ra, sky.dec, unit="deg")
    place, separation, _ = there.match_to_catalog_sky(here)
    assert len(here) == N_STARS
    assert separation.arcsec.max() < 1.0
    assert len(sky.truth) == data["flags"].size
    times = data["time"].values
    offset = data["time_offset"].values if "time_offset" in data else np.zeros(data["flags"].shape)
    for epoch, measurement, star, time, value, error, flags in sky.truth:
        where = f"star {star}, epoch {epoch}, {measurement}"
        one = data.isel(object=place[star]).sel(epoch=epoch, measurement=measurement)
        found_flags = MeasurementFlag(int(one["flags"]))
        assert found_flags == flags, where
        expected = np.array([value, error], dtype="float32")
        np.testing.assert_allclose(one["lightcurves"].values, expected, rtol=tolerance, atol=0)
        if np.isfinite(time):
            shift = offset[
                place[star],
                list(data["measurement"].values).index(measurement),
                list(data["epoch"].values).index(epoch),
            ]
            found = times[list(data["epoch"].values).index(epoch)] + np.nan_to_num(shift)
            # A shift is stored as float32: 0.1 d to a millisecond.
            assert abs(found - time) < (1e-9 if np.isnan(shift) or shift == 0 else 1e-8), where


def run(survey, *, code=0):
    command = [sys.executable, "-m", "lc_pipeline", "run", str(survey), "--no-analysis"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == code, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


def put_survey(folder, page, number=0):
    """The page's survey.toml, and the landing folder that it names."""
    text = blocks_of(page, "toml")[number]
    survey = folder / "survey.toml"
    survey.write_text(text, encoding="utf-8")
    landing = folder / re.search(r'folder = "(.*?)"', text)[1]
    landing.mkdir()
    return survey, landing


SEXTRACTOR_HEADER = """\
#   1 NUMBER          Running object number
#   2 ALPHA_J2000     Right ascension of barycenter (J2000)    [deg]
#   3 DELTA_J2000     Declination of barycenter (J2000)        [deg]
#   4 MAG_AUTO        Kron-like elliptical aperture magnitude  [mag]
#   5 MAGERR_AUTO     RMS error for AUTO magnitude             [mag]
#   6 MAG_APER        Fixed aperture magnitude vector          [mag]
#   8 MAGERR_APER     RMS error vector for fixed aperture mag. [mag]
#  10 FLAGS           Extraction flags
"""


def test_sextractor(tmp_path):
    survey, landing = put_survey(tmp_path, "docs/catalogs/sextractor.md")
    sky = Sky.at(265.0, 69.0)
    for epoch in ("20240105T030405", "20240106T030512", "20240107T235950"):
        clock = f"{epoch[:4]}-{epoch[4:6]}-{epoch[6:11]}:{epoch[11:13]}:{epoch[13:]}"
        time = Time(clock, scale="utc").mjd + 30 / 86400
        auto, auto_error = sky.magnitudes()
        aper, aper_error = sky.magnitudes()
        ra, dec = sky.scattered()
        lost = {LOST_STAR} if epoch == "20240106T030512" else set()
        lines = []
        for number, star in enumerate(sky.rows(lost=lost), 1):
            mag, error = auto[star], auto_error[star]
            flags, flag = {FLAGGED_STAR: (4, MeasurementFlag.CATALOG_FLAGGED), 0: (3, GOOD)}.get(
                star, (0, GOOD)
            )
            sky.expect(epoch, "aper2", star, time, aper[star], aper_error[star], flag)
            if star == SENTINEL_STAR:
                mag = error = 99.0
                sky.expect(epoch, "auto", star, time, flags=MeasurementFlag.BAD_VALUE)
            else:
                sky.expect(epoch, "auto", star, time, mag, error, flag)
            lines.append(
                f"{number:10d} {ra[star]:.7f} {dec[star]:+.7f} {mag:.4f} {error:.4f} "
                f"{aper[star] + 0.3:.4f} {aper[star]:.4f} {aper_error[star]:.4f} "
                f"{aper_error[star]:.4f} {flags:3d}\n"
            )
        for star in lost:
            for key in ("auto", "aper2"):
                sky.expect(epoch, key, star, time, flags=MeasurementFlag.NOT_DETECTED)
        (landing / f"field_{epoch}.cat").write_text(SEXTRACTOR_HEADER + "".join(lines))
    run(survey)
    check(sky, survey)


def write_ldac(path, header, columns):
    text = header.tostring()
    cards = fits.Column("Field Header Card", f"{len(text)}A", array=np.array([text]))
    fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.BinTableHDU.from_columns([cards], name="LDAC_IMHEAD"),
            fits.BinTableHDU.from_columns(columns, name="LDAC_OBJECTS"),
        ]
    ).writeto(path)


def test_fits_ldac(tmp_path):
    survey, landing = put_survey(tmp_path, "docs/catalogs/fits_ldac.md")
    sky = Sky.at(10.68, 41.27)
    # The frame of the reference is that of the median epoch, which is not shifted here.
    for epoch, east, north in (("0001", 0.0, 0.0), ("0002", 4.0, -3.0), ("0003", -2.0, 2.5)):
        header = fits.Header()
        header["OBJECT"] = "M31"
        header["DATE-OBS"] = f"2024-01-{epoch[2:]}T03:04:05.5"
        header["EXPTIME"] = 120.0
        time = Time(header["DATE-OBS"], scale="utc").mjd + 60 / 86400
        auto, auto_error = sky.magnitudes()
        aper, aper_error = sky.magnitudes()
        ra, dec = sky.scattered()
        dec = dec + north / 3600
        ra = ra + east / 3600 / np.cos(np.radians(dec))
        rows = sky.rows()
        written = auto.copy()
        written[SENTINEL_STAR] = 99.0
        flags = np.zeros(N_STARS, dtype="int16")
        flags[FLAGGED_STAR], flags[OTHER_STAR] = 16, 2
        for star in rows:
            flag = MeasurementFlag.CATALOG_FLAGGED if star == FLAGGED_STAR else GOOD
            sky.expect(epoch, "aper3", star, time, aper[star], aper_error[star], flag)
            if star == SENTINEL_STAR:
                sky.expect(epoch, "auto", star, time, flags=MeasurementFlag.BAD_VALUE)
            else:
                sky.expect(epoch, "auto", star, time, auto[star], auto_error[star], flag)
        vector = np.stack([aper + 0.5, aper + 0.2, aper], axis=1)[rows]
        errors = np.repeat(aper_error[rows][:, np.newaxis], 3, axis=1)
        columns = [
            fits.Column("NUMBER", "J", array=np.arange(1, len(rows) + 1)),
            fits.Column("ALPHAWIN_J2000", "D", unit="deg", array=ra[rows]),
            fits.Column("DELTAWIN_J2000", "D", unit="deg", array=dec[rows]),
            fits.Column("MAG_AUTO", "E", unit="mag", array=written[rows]),
            fits.Column("MAGERR_AUTO", "E", unit="mag", array=auto_error[rows]),
            fits.Column("MAG_APER", "3E", unit="mag", array=vector),
            fits.Column("MAGERR_APER", "3E", unit="mag", array=errors),
            fits.Column("FLAGS", "I", array=flags[rows]),
        ]
        write_ldac(landing / f"M31_{epoch}.ldac", header, columns)
    said = run(survey)
    assert re.search(r'0002: 15 detections, 15 matched.*offset \+[34]\.\d+" -[23]\.\d+"', said)
    check(sky, survey)


def test_ecsv_of_photutils(tmp_path):
    survey, landing = put_survey(tmp_path, "docs/catalogs/ecsv_votable.md", 0)
    sky = Sky.at(80.0, -20.0)
    for number in range(EPOCHS):
        epoch, time = f"{number:04d}", 60314.1281 + number
        flux = sky.random.normal(20, 40, N_STARS)  # faint: many are negative
        error = sky.random.uniform(5, 10, N_STARS)
        assert (flux < 0).any()
        ra, dec = sky.scattered()
        rows = sky.rows()
        written = flux.copy()
        written[SENTINEL_STAR] = -999.0
        for star in rows:
            if star == SENTINEL_STAR:
                sky.expect(epoch, "kron", star, time, flags=MeasurementFlag.BAD_VALUE)
            else:
                sky.expect(epoch, "kron", star, time, flux[star], error[star])
        table = QTable(
            {
                "label": np.arange(1, len(rows) + 1),
                "sky_centroid": SkyCoord(ra[rows], dec[rows], unit="deg"),
                "kron_flux": written[rows] * u.uJy,
                "kron_fluxerr": error[rows] * u.uJy,
            },
            meta={"MJD-AVG": time},
        )
        table.write(landing / f"img{epoch}.ecsv")
    run(survey)
    check(sky, survey)


def test_votable_of_an_archive(tmp_path):
    survey, landing = put_survey(tmp_path, "docs/catalogs/ecsv_votable.md", 1)
    sky = Sky.at(359.995, 5.0)
    ucds = {
        "source_id": "meta.id;meta.main",
        "ra": "pos.eq.ra;meta.main",
        "dec": "pos.eq.dec;meta.main",
        "g_mag": "phot.mag;em.opt",
        "g_mag_error": "stat.error;phot.mag;em.opt",
    }
    for number in range(EPOCHS):
        epoch, day = f"{number:02d}", 1700.5 + 20 * number
        time = day + 2455197.5 - 2400000.5
        mag, error = sky.magnitudes()
        rows = sky.rows(lost={LOST_STAR} if number == 1 else ())
        for star in rows:
            if star == SENTINEL_STAR:
                sky.expect(epoch, "G", star, time, flags=MeasurementFlag.BAD_VALUE)
            else:
                sky.expect(epoch, "G", star, time, mag[star], error[star])
        if number == 1:
            sky.expect(epoch, "G", LOST_STAR, np.nan, flags=MeasurementFlag.NOT_OBSERVED)
        stars = np.array(rows)
        table = Table(
            {
                "source_id": stars + 4_000_000_000_000_000_000,
                "ra": Column(sky.ra[stars] % 360, unit="deg"),
                "dec": Column(sky.dec[stars], unit="deg"),
                "g_mag": MaskedColumn(mag[stars], mask=stars == SENTINEL_STAR, unit="mag"),
                "g_mag_error": Column(error[stars], unit="mag"),
                "obs_time": Column(np.full(len(stars), day), unit="d"),
            }
        )
        document = from_table(table)
        for one in document.get_first_table().fields:
            one.ucd = ucds.get(one.name)
        document.to_xml(str(landing / f"visit_{epoch}.vot"))
    run(survey)
    check(sky, survey)
    storage = LightcurveStorage(tmp_path / "store" / "objects")
    assert set(storage.reference.key) == {str(4 * 10**18 + star) for star in range(N_STARS)}
    assert storage.dataset["time"].attrs["scale"] == "tcb"


def test_headerless_csv(tmp_path):
    survey, landing = put_survey(tmp_path, "docs/catalogs/headerless_csv.md")
    sky = Sky.at(163.0, -49.9)
    for epoch, exposure, shift in (
        ("2458571d6649809661", "30d276", 0.0),
        ("2458572d5044731260", "10d284", 3.0),
        ("2458573d2489594691", "30d28", -2.0),
    ):
        # Half the exposure later; the Julian date to its last digit.
        seconds = float(exposure.replace("d", "."))
        whole, fraction = epoch.split("d")
        time = int(whole) - 2400001 + (float(f"0.{fraction}") + 0.5) + seconds / 2 / 86400
        counts = sky.random.uniform(500, 90000, N_STARS).round(2)
        error = np.sqrt(counts).round(3)
        counts[SENTINEL_STAR] = -12.5
        ra, dec = sky.scattered()
        lines = []
        for star in sky.rows():
            lines.append(
                f"{ra[star]:.7f},{dec[star] + shift / 3600:.7f},{100 * star}.5,17.25,"
                f"{counts[star]},{error[star]}\n"
            )
            if star == SENTINEL_STAR:
                sky.expect(epoch, "V", star, time, flags=MeasurementFlag.NON_POSITIVE_FLUX)
            else:
                mag = 25 - 2.5 * np.log10(counts[star])
                relative = 2.5 / np.log(10) * error[star] / counts[star]
                sky.expect(epoch, "V", star, time, mag, relative)
        (landing / f"afvel_V_{epoch}_{exposure}_kb84.psx").write_text("".join(lines))
    empty = landing / "afvel_V_2458574d1_30d276_kb84.psx"
    empty.write_text("")
    assert empty.name in run(survey, code=1)
    check(sky, survey, tolerance=1e-6)


def test_observing_log(tmp_path):
    survey, landing = put_survey(tmp_path, "docs/catalogs/observing_log.md")
    sky = Sky.at(10.68, 41.27)
    log = ["image,date_obs,exptime,seeing,observer"]
    for epoch in range(EPOCHS):
        start = Time("2024-10-05T21:14:03.2", scale="utc") + epoch * 277.7 * u.s
        time = start.mjd + 60 / 86400
        mags, errors = sky.magnitudes()
        ra, dec = sky.scattered()
        lines = ["# id ra dec mag merr"]
        for row, star in enumerate(sky.rows()):
            lines.append(f"{row} {ra[star]:.7f} {dec[star]:.7f} {mags[star]} {errors[star]}")
            sky.expect(f"{epoch:03d}", "V", star, time, mags[star], errors[star])
        (landing / f"m31_{epoch:03d}.phot").write_text("\n".join(lines) + "\n")
        log.append(f"m31_{epoch:03d}.fits,{start.isot},120.0,1.4,E. Hubble")
    (survey.parent / "observing_log.csv").write_text("\n".join(log) + "\n")
    run(survey)
    check(sky, survey)


def test_several_bands(tmp_path):
    survey, landing = put_survey(tmp_path, "docs/catalogs/several_bands.md")
    sky = Sky.at(-0.01, 1.0)
    bad = MeasurementFlag.BAD_VALUE
    for number in range(EPOCHS):
        epoch = str(51075 + number)
        rows = sky.rows(lost={LOST_STAR} if number == 2 else ())
        columns = {"num": np.array(rows) + 1000, "ra": sky.ra[rows], "dec": sky.dec[rows]}
        first = 51075.3 + number + 1e-4 * sky.random.random(N_STARS)
        for band, delay in (("g", 0.0), ("r", 0.002)):
            mag, error = sky.magnitudes()
            time = first + delay
            for star in rows:
                if star == SENTINEL_STAR:
                    sky.expect(epoch, band, star, np.nan, flags=bad)
                elif star == OTHER_STAR:
                    known = time[star] if band == "g" else np.nan
                    flag = GOOD if band == "g" else MeasurementFlag.BAD_TIME
                    sky.expect(epoch, band, star, known, mag[star], error[star], flag)
                else:
                    sky.expect(epoch, band, star, time[star], mag[star], error[star])
            if len(rows) < N_STARS:
                flag = MeasurementFlag.NOT_OBSERVED
                sky.expect(epoch, band, LOST_STAR, np.nan, flags=flag)
            mag[SENTINEL_STAR], error[SENTINEL_STAR] = (
                (-99.99, 99.999) if band == "g" else (100.21, 99.999)
            )
            time[SENTINEL_STAR] = 0.0
            if band == "r":
                time[OTHER_STAR] = 0.0
            columns |= {f"mjd_{band}": time[rows], f"mag_{band}": mag[rows]}
            columns[f"magerr_{band}"] = error[rows]
        Table(columns).write(landing / f"s82_{epoch}.fits")
    run(survey)
    check(sky, survey)


def test_one_file_per_channel(tmp_path):
    survey, landing = put_survey(tmp_path, "docs/catalogs/one_file_per_channel.md")
    sky = Sky.at(265.0, 69.0)
    late = tmp_path / "late"
    late.mkdir()
    for number in range(EPOCHS):
        epoch = f"gr{123 + number}"
        for channel, delay in (("ch1", 0.0), ("ch2", 0.01)):
            start = 55000.25 + 14 * number + delay
            time = start + 100 / 2 / 86400
            auto, auto_error = sky.magnitudes()
            aper, aper_error = sky.magnitudes()
            ra, dec = sky.scattered()
            rows = sky.rows()
            for star in rows:
                sky.expect(epoch, f"{channel}-auto", star, time, auto[star], auto_error[star])
                sky.expect(epoch, f"{channel}-aper", star, time, aper[star], aper_error[star])
            table = Table(
                {
                    "NUMBER": np.arange(1, len(rows) + 1),
                    "ALPHA_J2000": Column(ra[rows], unit="deg"),
                    "DELTA_J2000": Column(dec[rows], unit="deg"),
                    "MAG_AUTO": Column(auto[rows], unit="mag"),
                    "MAGERR_AUTO": Column(auto_error[rows], unit="mag"),
                    "MAG_APER": Column(aper[rows], unit="mag"),
                    "MAGERR_APER": Column(aper_error[rows], unit="mag"),
                    "FLAGS": np.zeros(len(rows), dtype=int),
                },
                meta={"MJD_OBS": start, "EXPTIME": 100.0},
            )
            table.write(landing / f"IDF_{epoch}_{channel}_sci_clean.ecsv")
    last = landing / "IDF_gr125_ch2_sci_clean.ecsv"
    shutil.move(last, late / last.name)
    run(survey)
    flags = LightcurveStorage(tmp_path / "store" / "objects").flags
    assert (flags.sel(epoch="gr125", measurement="ch2-auto") == MeasurementFlag.NOT_OBSERVED).all()
    shutil.move(late / last.name, last)
    assert "1 epochs stored, 2 unchanged" in run(survey)
    check(sky, survey)


def in_copy(block, survey):
    """A page's block with its paths led to a copy of data/ey_uma."""
    return block.replace("data/ey_uma", survey.parent.as_posix())


def test_the_format_page_reads_both_stores_without_this_package(ey_uma_survey):
    blocks = [in_copy(block, ey_uma_survey) for block in blocks_of("docs/format.md", "python")]
    epoch_store, object_store, as_xarray = (compile(block, "format.md", "exec") for block in blocks)
    assert sum(len(block.splitlines()) for block in blocks) <= 40
    assert not any("import lc_pipeline" in b or "from lc_pipeline" in b for b in blocks)
    store = LightcurveStorage(ey_uma_survey.parent / "store" / "objects")
    values = store.dataset.sel(measurement="R")

    names = {}
    exec(epoch_store, names)  # noqa: S102
    one = values.sel(epoch="001")
    np.testing.assert_array_equal(names["magnitudes"], one.lightcurves.sel(value="mag"))
    np.testing.assert_array_equal(names["flags"], one.flags)
    assert names["times"] == dict(zip(store.epoch_keys, values.time.values, strict=True))

    names = {}
    exec(object_store, names)  # noqa: S102
    one = values.sel(object="J090220.767+494908.82")
    np.testing.assert_array_equal(names["magnitudes"], one.lightcurves.sel(value="mag"))
    np.testing.assert_array_equal(names["flags"], one.flags)
    np.testing.assert_array_equal(names["times"], values.time)
    exec(as_xarray, names)  # noqa: S102
    same = names["lightcurves"].sel(measurement="R", object="J090220.767+494908.82")
    np.testing.assert_array_equal(same.lightcurves, one.lightcurves)


def test_block_of_the_readme(ey_uma_survey):
    pytest.importorskip("matplotlib").use("agg")
    [block] = blocks_of("README.md", "python")
    names = {}
    exec(compile(in_copy(block, ey_uma_survey), "README.md", "exec"), names)  # noqa: S102
    assert len(names["star"]) > N_STARS
    import matplotlib.pyplot as plt  # noqa: PLC0415

    plt.close("all")


def test_first_light_example(tmp_path):
    script = PROJECT / "examples" / "first_light.py"
    finished = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "star.png").stat().st_size > 0
    assert len(LightcurveStorage(tmp_path / "objects").epoch_keys) == 94


def test_rechunking_workflow_example(tmp_path):
    script = PROJECT / "examples" / "rechunking_workflow.py"
    finished = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    said = finished.stdout
    assert finished.stderr == ""
    for step in ("CREATE", "POPULATE", "CORRECT", "RECHUNK", "ANALYSE", "VERIFY"):
        assert step in said
    assert "41 rows for 40 nights; 40 after compaction" in said
    assert "the most variable star is star123, scatter 0.34 mag" in said
    assert "over 40 files of the epoch store" in said
    assert "0 problems" in said
    star = LightcurveStorage(tmp_path / "objects").to_timeseries("star123")
    night = star["time"].mjd - 60000
    wave = 0.5 * np.sin(2 * np.pi * night / 7)
    assert len(night) == 40
    assert np.std(star["mag"].value - wave) < 0.04
