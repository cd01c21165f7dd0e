import numpy as np
import pytest
import xarray as xr

from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.photometry.least_squares import Points


def points_of(value, error=0.01):
    """Points of a matrix of stars and epochs, NaN where there is none."""
    star, epoch = np.nonzero(np.isfinite(value))
    errors = np.broadcast_to(error, value.shape)
    return Points(star, epoch, value[star, epoch], errors[star, epoch], *value.shape)


def make_dataset(value, error, *, quantities=("mag",), **coordinates):
    """A dataset as a store gives it, of arrays (n_objects, n_measurements, n_epochs)."""
    n_objects, n_measurements, n_epochs = value.shape
    flags = np.where(np.isfinite(value), 0, MeasurementFlag.NOT_DETECTED).astype("uint16")
    axes = ("object", "measurement", "epoch")
    number = np.arange(n_objects)
    defaults = {
        "object": ("object", np.array([f"star{n}" for n in number], dtype=object)),
        "ra": ("object", 10 + 0.01 * (number % 7) + 0.0013 * number),
        "dec": ("object", -5 + 0.01 * (number % 5)),
        "measurement": ("measurement", np.array(["g", "r", "i"][:n_measurements], dtype=object)),
        "quantity": ("measurement", np.array(quantities * n_measurements)[:n_measurements]),
        "unit": ("measurement", np.array(["mag"] * n_measurements, dtype=object)),
        "value": ("value", np.array(["value", "error"], dtype=object)),
        "epoch": ("epoch", np.array([f"e{n:03d}" for n in range(n_epochs)], dtype=object)),
        "time": ("epoch", 60000.0 + np.arange(n_epochs)),
        "ingested_at": ("epoch", np.array(["2026-01-01"] * n_epochs, dtype=object)),
    }
    lightcurves = np.stack([value, error], axis=2).astype("float32")
    arrays = {
        "lightcurves": (("object", "measurement", "value", "epoch"), lightcurves),
        "flags": (axes, flags),
    }
    return xr.Dataset(arrays, defaults | coordinates, {"version": "v000001"})


class Field:
    """A simulated field: what it was made from, and what was measured."""

    def __init__(self, n_stars, n_epochs, seed=0, *, sigma_zero_point=0.3, variables=0.0,
                 outliers=0.0, missing=0.0, floor=0.008):  # fmt: skip
        random = np.random.default_rng(seed)
        self.mean = random.uniform(12, 17, n_stars)
        self.zero_point = random.normal(0, sigma_zero_point, n_epochs)
        self.zero_point -= np.median(self.zero_point)
        shape = (n_stars, n_epochs)
        self.error = np.broadcast_to(0.003 * 10 ** (0.2 * (self.mean[:, None] - 12)), shape).copy()
        noise = random.normal(size=shape) * np.hypot(self.error, floor)
        self.value = self.mean[:, None] + self.zero_point + noise
        n_variables = int(variables * n_stars)
        frequency = random.uniform(0.1, 3, (n_variables, 1))
        phase = random.uniform(0, 6, (n_variables, 1)) + frequency * np.arange(n_epochs)
        self.value[:n_variables] += 0.4 * np.sin(phase)
        is_outlier = random.random(shape) < outliers
        self.value[is_outlier] += random.normal(0, 2, int(is_outlier.sum()))
        self.value[random.random(shape) < missing] = np.nan

    @property
    def points(self):
        return points_of(self.value, self.error)

    @property
    def dataset(self):
        return make_dataset(self.value[:, None], self.error[:, None])


@pytest.fixture(scope="session")
def field():
    return Field


@pytest.fixture(scope="session")
def dataset_of():
    return make_dataset


@pytest.fixture(scope="session")
def as_points():
    return points_of
