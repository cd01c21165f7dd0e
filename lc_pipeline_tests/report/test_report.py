"""Claims about the report: it needs nothing beside it, links hold, nothing slips in as HTML."""

import re
import tomllib
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy.table import Column, Table

from lc_pipeline.analysis.plots import Periodogram
from lc_pipeline.analysis.quality import Finding, odd_epochs
from lc_pipeline.analysis.summary import epoch_coverage
from lc_pipeline.report import write_report
from lc_pipeline.report.models import fourier_models
from lc_pipeline.survey import ReportSection, SurveyConfig

WICKED = '<script>alert("x")</script> & "co" \'s'
TABLES = (
    "coverage", "zero_points", "variability_statistics", "periods", "variable_candidates",
)  # fmt: skip


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.words, self.inside = [], [], []
        self.feed(text)
        self.close()
        assert not self.inside, f"never closed: {self.inside}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        assert self.inside.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.inside):
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(n_objects=12, n_epochs=15, keys=("g", "r"))


@pytest.fixture
def tables(dataset):
    return tables_of(dataset)


def tables_of(dataset):
    objects = dataset.object.values.astype(str)
    keys, n = dataset.measurement.values.tolist(), len(objects)
    statistics = Table({"object": objects, "ra": dataset.ra.values, "dec": dataset.dec.values})
    for key in keys:
        statistics[f"median_{key}"] = Column(17.0 + np.arange(n), unit="mag", description="median")
        for index in ("std", "iqr"):
            statistics[f"{index}_{key}"] = Column(np.linspace(0.1, 0.5, n), unit="mag")
    n_rows = len(keys) * dataset.sizes["epoch"]
    zero_points = Table(
        {
            "epoch": np.repeat(dataset.epoch.values.astype(str), len(keys)),
            "measurement": np.tile(keys, dataset.sizes["epoch"]),
            "time": np.repeat(dataset.time.values, len(keys)),
            "zero_point": Column(np.linspace(0, 0.2, n_rows), unit="mag"),
            "zero_point_err": Column(np.full(n_rows, 0.01), unit="mag"),
        }
    )
    periods = Table(
        {
            "object": objects,
            "period": Column(np.where(np.arange(n) % 2, np.nan, 0.547), unit="d"),
            "period_2": Column(np.full(n, 1.094), unit="d"),
            "fap": np.full(n, 1.3e-9),
            "fap_method": ["Baluev"] * n,
            "alias": ["one day"] * n,
            "epoch_of_maximum": Column(np.full(n, 60000.1), unit="d"),
        }
    )
    candidates = statistics["object", "ra", "dec"][::-1][: min(n, 4)]
    candidates.add_column(np.arange(len(candidates)) + 1, name="rank", index=0)
    candidates["score"] = np.linspace(9, 5, len(candidates))
    candidates["reason"] = ["scatters nine times more than others"] * len(candidates)
    candidates["vetoes"] = [""] * (len(candidates) - 1) + ["a neighbour varies alike"]
    return {
        "coverage": epoch_coverage(dataset),
        "zero_points": zero_points,
        "variability_statistics": statistics,
        "periods": periods,
        "variable_candidates": candidates,
    }


def read(path):
    return path.read_text(encoding="utf-8")


def report(tmp_path, dataset, tables, **more):
    said = {"survey": "demo", "provenance": {"settings": "0123abcd"}} | more
    return Page(read(write_report(tmp_path / "report.html", dataset, tables, **said)))


def test_it_loads_nothing_and_the_browser_is_told_so(tmp_path, dataset, tables):
    path = write_report(tmp_path / "report.html", dataset, tables, survey="demo", provenance={})
    page = Page(read(path))
    assert not {tag for tag, _ in page.elements} & {"link", "iframe", "object", "embed", "base"}
    loaded = [
        attributes[name]
        for tag, attributes in page.elements
        for name in ("src", "srcset", "poster", "data", "background", "href")
        if name in attributes and tag != "a"
    ]
    assert loaded
    assert all(address.startswith("data:image/png;base64,") for address in loaded)
    assert not re.search(r"url\(|@import", read(path))
    assert "default-src 'none'" in page.all("meta")[1]["content"]


def test_every_candidate_is_linked_to_its_section(tmp_path, dataset, tables):
    page = report(tmp_path, dataset, tables)
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(names)) == len(names)
    inner = [each["href"][1:] for each in page.all("a") if each["href"].startswith("#")]
    assert set(inner) <= set(names)
    expected = {f"object-star%20{number}" for number in (11, 10, 9, 8)}
    assert expected <= set(inner)


def test_a_candidate_is_told_with_its_numbers_words_and_pictures(tmp_path, dataset, tables):
    power = np.linspace(0, 1, 50)
    searched = {"star 10": Periodogram(power + 1, power)}
    page = report(tmp_path, dataset, tables, periodogram=searched.get)
    for said in (
        "Scatters nine times more than others.",
        "Doubts: a neighbour varies alike",
        "Period 0.547 d, false-alarm probability 1.3e-09 (Baluev). Other peaks: 1.094 d.",
        "It may be an alias: one day.",
        "150.110000",
    ):
        assert said in page.text
    pictures = [each["alt"] for each in page.all("img")]
    assert [each for each in pictures if "star 10" in each] == [
        "Light curve of star 10.",
        "star 10 folded with 0.547 d, twice over.",
        "Periodogram of star 10.",
    ]
    # No period was found for this one.
    assert [each for each in pictures if "star 11" in each] == ["Light curve of star 11."]
    # Six small ones: every light curve, and those that have a period folded.
    assert len(page.all("svg")) == 6
    outside = [each["href"] for each in page.all("a") if each["href"].startswith("http")]
    assert len(outside) == 4 * 4
    assert any("150.110000+%2B2.0" in address for address in outside)


def test_a_period_that_noise_would_have_is_not_folded_with(tmp_path, dataset, tables):
    tables["periods"]["fap"] = 0.4
    page = report(tmp_path, dataset, tables)
    words = "No significant period: the highest peak is at 0.547 d, false-alarm probability 0.4"
    assert words in page.text
    assert not [each for each in page.all("img") if "folded" in each["alt"]]


def test_a_model_runs_through_the_maximum_as_its_coefficients_say():
    frequency, start = 1.7, 60123.4
    time = start + np.linspace(0, 1, 200) / frequency
    turn = 2 * np.pi * frequency * time
    expected = 17 + 0.3 * np.cos(turn) - 0.2 * np.sin(turn) + 0.1 * np.sin(2 * turn)
    row = Table(
        {
            "frequency": [frequency],
            "mean_g": [17.0],
            "a1_g": [0.3],
            "b1_g": [-0.2],
            "a2_g": [0.0],
            "b2_g": [0.1],
            "a3_g": [np.nan],
            "b3_g": [np.nan],
            "mean_r": [np.nan],
            "a1_r": [np.nan],
        }
    )[0]
    models = fourier_models(row, ["g", "r", "i"], start)
    assert list(models) == ["g"]
    np.testing.assert_allclose(models["g"][1], expected, atol=1e-6)


def test_names_and_texts_are_escaped_wherever_they_stand(tmp_path, make_dataset):
    keys = np.array([WICKED, "</title>", "star"], dtype=object)
    dataset = make_dataset(n_objects=3, keys=(WICKED,), object=keys)
    epochs = dataset.epoch.values.copy()
    epochs[0] = WICKED
    dataset = dataset.assign_coords(epoch=epochs)
    tables = tables_of(dataset)
    for table, name in (
        ("variable_candidates", "reason"),
        ("variable_candidates", "vetoes"),
        ("periods", "alias"),
    ):
        tables[table].replace_column(name, [WICKED] * 3)
    page = report(
        tmp_path,
        dataset,
        tables,
        survey=WICKED,
        provenance={WICKED: WICKED},
        findings=[Finding(WICKED, WICKED)],
        refused={WICKED: WICKED},
    )
    assert len(page.all("script")) == 1
    assert page.text.count(re.sub(r"\s+", " ", WICKED)) > 15
    assert {"href": "#object-%3C%2Ftitle%3E"} in page.all("a")


@pytest.mark.parametrize("absent", [*TABLES, None])
def test_what_is_absent_is_said_in_words(tmp_path, dataset, tables, absent):
    given = {name: table for name, table in tables.items() if absent and name != absent}
    page = report(tmp_path, dataset, given, settings=ReportSection(candidates=2))
    words = {
        "coverage": "no table of the coverage",
        "zero_points": "no table of zero points",
        "variability_statistics": "no table of variability statistics",
        "variable_candidates": "no table of candidates",
    }
    for name, said in words.items():
        assert (said in page.text) == (name not in given)
    assert ("Period 0.547 d" in page.text) == ({"periods", "variable_candidates"} <= set(given))


def test_tables_without_rows_and_stores_without_epochs(tmp_path, make_dataset, tables):
    dataset = make_dataset(n_epochs=0)
    empty = {name: table[:0] for name, table in tables.items()}
    empty["variable_candidates"].meta["notes"] = ["five objects cannot be compared"]
    page = report(tmp_path, dataset, empty)
    assert "There are no epochs yet." in page.text
    assert "No object stands out" in page.text
    assert "five objects cannot be compared" in page.text
    dataset = make_dataset(n_objects=12, n_epochs=1, quantity="flux")
    assert "Light curve of star 11." in report(tmp_path, dataset, tables).text


def test_a_candidate_that_the_store_does_not_have_is_said_to_be_missing(tmp_path, dataset, tables):
    tables["variable_candidates"]["object"][0] = "other"
    assert "no object of this name" in report(tmp_path, dataset, tables).text


def test_what_is_odd_or_refused_is_listed(tmp_path, ey_uma):
    findings = [Finding("003", "shifted"), Finding("007", "has no time")]
    page = report(tmp_path, ey_uma.dataset, {}, findings=findings, refused={"099": "not a table"})
    assert "1 epoch refused, 2 that look odd" in page.text
    assert "099 : refused: not a table" in page.text
    assert "2 epochs of 94 with remarks." in page.text
    assert "Observed 2014-12-30 (MJD 57021.18" in page.text


def test_the_findings_are_those_of_all_checks_in_order_of_time(ey_uma):
    records, keys = ey_uma.epoch_records, ey_uma.measurement_keys
    assert odd_epochs(records, keys, radius_arcsec=1.0) == []
    assert [each.epoch for each in odd_epochs(records[2:4] * 2, keys, 1.0)][:2] == ["003", "003"]


def test_settings_limit_candidates_epochs_and_measurements(tmp_path, dataset, tables):
    settings = ReportSection(candidates=2, epochs=5, measurements=("r",), indices=("iqr",))
    dataset["n_matched"][7] = 1
    page = report(tmp_path, dataset, tables, settings=settings)
    assert len(page.all("section")) == 6 + 2
    assert "The first 2 are shown" in page.text
    assert "n007" in page.text
    assert "n014" not in page.text
    pictures = [each["alt"] for each in page.all("img") if "brightness" in each["alt"]]
    assert [each.split(",")[0] for each in pictures] == ["Iqr of each object in r"]
    assert "1 measurement is not drawn" in page.text


def test_the_section_of_the_survey_does_not_ingest_again():
    text = '[survey]\nname = "demo"\n[files]\npattern = "(?P<epoch>.+)[.]fits"\n'
    one, other = (SurveyConfig.from_toml(text + more) for more in ("", "[report]\ncandidates = 7"))
    assert other.report.candidates == 7
    assert one.fingerprint == other.fingerprint


def test_a_report_that_fails_leaves_the_old_one(tmp_path, dataset, tables):
    path = write_report(tmp_path / "report.html", dataset, tables, survey="one", provenance={})
    before = read(path)
    del tables["zero_points"]["zero_point"]
    with pytest.raises(KeyError):
        write_report(path, dataset, tables, survey="two", provenance={})
    assert read(path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_it_stays_small(tmp_path, make_dataset):
    dataset = make_dataset(n_objects=6, n_epochs=1200, keys=("g", "r", "i"))
    tables = tables_of(dataset)
    power = np.random.default_rng(1).random(50_000)
    path = write_report(
        tmp_path / "report.html",
        dataset,
        {name: tables[name] for name in ("periods", "variable_candidates")},
        settings=ReportSection(epochs=0),
        survey="demo",
        provenance={},
        periodogram=lambda _: Periodogram(np.linspace(0, 9, 50_000), power),
    )
    # Noise is what takes most bytes: 50 such candidates are 6 MB.
    assert path.stat().st_size / 4 < 6e6 / 50


@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_a_desk_and_a_phone(tmp_path, dataset, browser, width):
    dataset = dataset.assign_coords(object=[f"J0902{'58.698' * 8}{n}" for n in range(12)])
    path = write_report(
        tmp_path / "report.html",
        dataset,
        tables_of(dataset),
        survey="a survey of a-name-that-goes-on-and-on-and-on-without-an-end",
        provenance={"store": "/data/" + "folder" * 20, "file": "x" * 90},
        findings=[Finding("n003", "shifted by a lot " * 10)],
    )
    page = browser.new_page(viewport={"width": width, "height": 900})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("img").evaluate_all("all => all.every(one => one.naturalWidth > 300)")
    link = page.locator("#candidates table a").nth(2)
    link.click()
    name = link.get_attribute("href")[1:]
    assert page.locator(f'[id="{name}"]').bounding_box()["y"] < 900
    scores = page.locator("#candidates table td:nth-child(5)")
    assert scores.all_inner_texts() == ["9", "7.667", "6.333", "5"]
    page.locator("#candidates table th", has_text="score").click()
    assert scores.all_inner_texts() == ["5", "6.333", "7.667", "9"]
    assert said == []
    assert [address for address in asked if not address.startswith("data:")] == [path.as_uri()]


def test_the_pages_own_files_are_packaged(project):
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["lc_pipeline"]
    packaged = {path.name for each in patterns for path in (project / "lc_pipeline").glob(each)}
    own = {path.name for path in (project / "lc_pipeline" / "report").iterdir() if path.is_file()}
    assert {name for name in own if not name.endswith(".py")} <= packaged
