"""Light curves as a store shows them, made of plain arrays."""

import numpy as np
import pytest
import xarray as xr


def make_dataset(value, error, time, *, quantities="mag", offset=None, flags=None, keys=None):
    """Value and error: (object, measurement, epoch), or (object, epoch) of one measurement g."""
    value, error = (np.asarray(a, dtype="float32") for a in (value, error))
    if value.ndim == 2:
        value, error = value[:, np.newaxis], error[:, np.newaxis]
    n_objects, n_measurements, n_epochs = value.shape
    keys = list(keys or "griz"[:n_measurements])
    quantities = [quantities] * n_measurements if isinstance(quantities, str) else list(quantities)
    if flags is None:
        flags = np.where(np.isfinite(value), 0, 4)
    dims = ("object", "measurement", "epoch")
    arrays = {
        "lightcurves": (
            ("object", "measurement", "value", "epoch"),
            np.stack([value, error], axis=2),
        ),
        "flags": (dims, np.asarray(flags, dtype="uint16").reshape(value.shape)),
    }
    if offset is not None:
        arrays["time_offset"] = (dims, np.asarray(offset, dtype="float32").reshape(value.shape))
    coordinates = {
        "object": [f"star{number}" for number in range(n_objects)],
        "ra": ("object", np.linspace(10, 11, n_objects), {"units": "deg"}),
        "dec": ("object", np.zeros(n_objects), {"units": "deg"}),
        "measurement": keys,
        "quantity": ("measurement", quantities),
        "unit": ("measurement", ["mag" if q == "mag" else "uJy" for q in quantities]),
        "value": ["mag", "mag_err"],
        "epoch": [f"e{number}" for number in range(n_epochs)],
        "time": ("epoch", np.asarray(time, dtype=float)),
    }
    return xr.Dataset(arrays, coordinates)


@pytest.fixture(name="make_dataset", scope="session")
def _make_dataset():
    return make_dataset
