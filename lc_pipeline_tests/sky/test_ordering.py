"""Claims about the order of objects along the sky."""

import numpy as np
from astropy import units as u
from astropy_healpix import lonlat_to_healpix
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.sky.geometry import unit_vectors
from lc_pipeline.sky.ordering import healpix_order, healpix_pixel


def test_order_does_not_depend_on_the_order_given():
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, 500), np.degrees(np.arcsin(rng.uniform(-1, 1, 500)))
    ra[:3], dec[:3] = [0.0, 123.0, 77.0], [90.0, 90.0, -90.0]
    shuffled = rng.permutation(500)
    first = healpix_order(ra, dec)
    second = shuffled[healpix_order(ra[shuffled], dec[shuffled])]
    assert np.array_equal(ra[first], ra[second])
    assert np.array_equal(dec[first], dec[second])


def test_coarse_pixels_stay_together():
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 2000), np.degrees(np.arcsin(rng.uniform(-1, 1, 2000)))
    order = healpix_order(ra, dec)
    coarse = lonlat_to_healpix(ra * u.deg, dec * u.deg, 8, order="nested")[order]
    assert np.all(np.diff(coarse) >= 0)


def test_neighbours_across_ra_zero_stay_together_where_an_order_by_ra_parts_them():
    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(-0.5, 0.5, 4000) % 360, rng.uniform(-0.5, 0.5, 4000)
    center = unit_vectors(359.99, 0.0)
    near = np.linalg.norm(unit_vectors(ra, dec) - center, axis=1) < np.radians(0.05)

    def n_runs(order):
        return np.count_nonzero(np.diff(near[order].astype(int)) == 1)

    assert near.sum() > 20
    assert 2 * n_runs(healpix_order(ra, dec)) < n_runs(np.argsort(ra))


@given(st.floats(-720, 720), st.floats(-90, 90))
def test_every_position_has_a_pixel(ra, dec):
    assert 0 <= healpix_pixel([ra], [dec])[0] < 12 * 4**29
