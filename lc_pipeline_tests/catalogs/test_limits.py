"""Claims about how a catalogue states how faint could be seen, and what is made of it."""

import numpy as np
import pytest

from lc_pipeline.catalogs import SourceCatalog
from lc_pipeline.errors import CatalogError, SurveyConfigError

ROWS = "ra,dec,{value},err,{limit},mjd\n" + "".join(
    f"{10 + n},1,{{v[{n}]}},0.1,{{l[{n}]}},59000\n" for n in range(3)
)


@pytest.fixture
def limits(tmp_path, make_survey):
    """Limits of a small catalogue: three values, what is stated beside them, and the settings."""

    def read(values, stated, rest, *, value="mag", limit="maglim", top="", name="n1.csv"):
        text = ROWS.format(value=value, limit=limit, v=values, l=stated)
        (tmp_path / name).write_text(top + text)
        section = f"[[measurements]]\nkey = 'g'\nvalue = '{value}'\nerror = 'err'\n{rest}\n"
        catalog = SourceCatalog.read(tmp_path / name, make_survey(section))
        read.notes = catalog.notes
        return catalog.measurements["g"].extra.get("limit")

    return read


def test_a_column_of_limits_is_kept_row_by_row_and_sentinels_are_none(limits):
    found = limits(["17", "99", "16"], ["20.5", "19.5", "99"], "limit = 'maglim'")
    np.testing.assert_array_equal(found, [20.5, 19.5, np.nan])
    found = limits(["17", "99", "16"], ["0", "-999", ""], "limit = 'maglim'")
    assert np.isnan(found).all()


def test_without_the_setting_nothing_is_kept(limits):
    assert limits(["17", ">18", "16"], ["20.5"] * 3, "") is None


@pytest.mark.parametrize("cell", [">18.5", "<18.5", "> 18.5"])
def test_cells_of_the_values_that_are_limits_are_kept(limits, cell):
    found = limits(["17", cell, "16"], [0, 0, 0], "limit = 'mag'", limit="x")
    np.testing.assert_array_equal(found, [np.nan, 18.5, np.nan])
    # Where a column states one as well, the column counts.
    found = limits(["17", cell, cell], ["20", "19", ""], "limit = 'maglim'")
    np.testing.assert_array_equal(found, [20, 19, 18.5])


def test_a_flux_above_what_could_be_measured_is_no_upper_limit(limits):
    found = limits(["<3.5", ">9000", "12"], [1, 1, 1], "limit = 'flux'", value="flux", limit="x")
    np.testing.assert_array_equal(found, [3.5, np.nan, np.nan])


@pytest.mark.parametrize(
    ("rest", "said"),
    [("", "taken as missing (limit = 'flux' keeps the limit)"), ("limit = 'flux'", "kept as such")],
)
def test_what_becomes_of_cells_that_are_limits_is_said(limits, rest, said):
    limits(["<3.5", ">9000", "<4"], [1, 1, 1], rest, value="flux", limit="x")
    assert f"g: 2 values are upper limits ('<3.5'), {said}" in limits.notes
    assert "g: 1 value is a lower limit ('>9000'), taken as missing" in limits.notes


def test_cells_of_the_limits_may_have_the_sign_as_well(limits):
    found = limits(["99", "17", "16"], [">20.5", "", "> 21"], "limit = 'maglim'")
    np.testing.assert_array_equal(found, [20.5, np.nan, 21])


@pytest.mark.parametrize("name", ["DEPTH", "depth"])
def test_the_header_may_state_the_limit_of_all_rows(limits, name):
    found = limits(["17", "99", "16"], [0] * 3, f"limit = '{name}'", top="# DEPTH = 20.25\n")
    np.testing.assert_array_equal(found, [20.25] * 3)
    found = limits(["17", "99", "16"], [0] * 3, f"limit = '{name}'", top="# DEPTH = none\n")
    assert np.isnan(found).all()
    said = f"measurements (g).limit: {name} is 'none', so this file states no limit"
    assert said in limits.notes


def test_what_is_done_to_the_value_is_done_to_its_limit(limits):
    found = limits(["-7", "99", "-8"], ["-4.5"] * 3, "limit = 'maglim'\nzero_point = 25.0")
    np.testing.assert_allclose(found, 20.5)
    milli = "limit = 'limit'\nunit = 'mmag'\nquantity = 'mag'"
    found = limits(["17000", "99000", "16000"], ["20500"] * 3, milli, limit="limit")
    np.testing.assert_allclose(found, 20.5)
    # Of fluxes that become magnitudes a limiting flux does so too; a limiting magnitude is one.
    for column, stated in (("fluxlim", "10"), ("mag5sig", "22.5")):
        settings = f"limit = '{column}'\nto_magnitude = true\nzero_point = 25.0"
        found = limits(["100", "-1", "50"], [stated] * 3, settings, value="flux", limit=column)
        np.testing.assert_allclose(found, 22.5)


def test_limits_of_fluxes_are_positive_and_in_the_unit_of_the_value(limits):
    settings = "limit = 'fluxlim'\nquantity = 'flux'\nunit = 'uJy'"
    found = limits(["9", "-2", "5"], ["0.5", "-1", "0"], settings, value="flux", limit="fluxlim")
    np.testing.assert_array_equal(found, [0.5, np.nan, np.nan])
    found = limits(["9", "-2", "5"], [500] * 3, settings.replace("fluxlim", "fluxlim [nJy]"),
                   value="flux", limit="fluxlim [nJy]")  # fmt: skip
    np.testing.assert_allclose(found, 0.5)


def test_a_limit_that_is_nowhere_is_refused_with_what_there_is(limits):
    with pytest.raises(
        CatalogError, match=r"measurements \(g\).limit: there is no column 'magli'."
    ) as no:
        limits(["17"] * 3, [20] * 3, "limit = 'magli'")
    for said in ("Did you mean maglim", "Columns are: ra, dec", "keyword", "files.pattern (epoch)"):
        assert said in str(no.value)


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [("flux", "mag5sig", "is a mag, and the value 'flux' is a flux"),
     ("mag", "fluxlim", "is a flux, and the value 'mag' is a mag")],
)  # fmt: skip
def test_magnitudes_and_fluxes_are_not_mixed(limits, value, limit, said):
    with pytest.raises(CatalogError, match=said):
        limits(["17"] * 3, [20] * 3, f"limit = '{limit}'", value=value, limit=limit)


def test_a_limit_among_the_extra_values_is_told_its_place(limits):
    with pytest.raises(SurveyConfigError, match=r"\(g\).extra: .*: write limit = 'maglim'"):
        limits(["17"] * 3, [20] * 3, "extra = { limit = 'maglim' }")


def test_rows_of_another_band_state_no_limit(limits):
    settings = "limit = 'maglim'\nwhere = { ra = '11' }"
    np.testing.assert_array_equal(limits(["17"] * 3, [20] * 3, settings), [np.nan, 20, np.nan])
