"""Claims about names made from positions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.matching.names import iau_names
from lc_pipeline.sky.geometry import shift_field, sky_coordinates, unit_vectors


@given(st.floats(0, 360, exclude_max=True), st.floats(-90, 90), st.floats(0, 2 * np.pi))
def test_objects_a_tenth_of_an_arcsecond_apart_differ_without_a_suffix(ra, dec, angle):
    vector = unit_vectors(ra, dec)
    other = sky_coordinates(shift_field(vector, vector, 0.1 * np.cos(angle), 0.1 * np.sin(angle)))
    first, second = iau_names([ra, float(other[0])], [dec, float(other[1])])
    assert first != second
    assert not first[-1].isalpha()


@given(st.permutations(range(30)))
def test_names_do_not_depend_on_the_order(order):
    ra = np.repeat([10.0, 10.0, 350.0], 10)
    dec = np.concatenate([np.zeros(10), np.arange(10) * 1e-9, np.arange(10)])
    names = np.array(iau_names(ra, dec))
    again = np.array(iau_names(ra[order], dec[order]))
    assert len(set(names.tolist())) == 30
    assert sorted(zip(ra, dec, names, strict=True)) == sorted(
        zip(ra[order], dec[order], again, strict=True)
    )


def test_digits_are_cut_off_and_not_rounded_nor_lost():
    assert iau_names([15 * 10.999999 / 3600], [-59.99999 / 3600])[0] == "J000010.999-000059.99"
    assert iau_names([360 - 1e-12], [0])[0] == "J000000.000+000000.00"
    assert iau_names([163.260416666666666], [-49.9063888888888])[0] == "J105302.500-495423.00"


def test_taken_names_get_the_next_letter():
    first = iau_names([10.0], [0.0])
    second = iau_names([10.0], [0.0], taken=first)
    third = iau_names([10.0] * 27, [0.0] * 27, taken=first + second)
    assert second == [first[0] + "a"]
    assert third[0] == first[0] + "b"
    assert third[25] == first[0] + "aa"


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 90.0), (0.0, -90.0)])
def test_the_poles_have_names(ra, dec):
    assert iau_names([ra], [dec])[0][-9:-3] == "900000"
