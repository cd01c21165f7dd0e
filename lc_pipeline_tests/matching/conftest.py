"""Small catalogues for the tests of matching."""

import numpy as np
import pytest

from lc_pipeline.catalogs.source_catalog import MeasurementColumns, SourceCatalog, SourceFile


def _measured(n, **columns):
    defaults = {
        "value": np.full(n, 15.0),
        "error": np.full(n, 0.01),
        "flags": np.zeros(n, dtype=np.uint16),
    }
    return MeasurementColumns(**(defaults | columns), quantity="mag", unit="mag")


def _catalog(ra, dec, epoch="e1", *, file_index=None, measurements=None, **fields):
    ra, dec = np.asarray(ra, dtype=float) % 360.0, np.asarray(dec, dtype=float)
    n = len(ra)
    file_index = np.zeros(n, np.intp) if file_index is None else np.asarray(file_index, np.intp)
    n_files = int(file_index.max(initial=0)) + 1
    defaults = {
        "key": None,
        "measurements": {"g": _measured(n)} if measurements is None else measurements,
        "time": 58000.0,
        "time_scale": "utc",
        "time_refposition": "TOPOCENTER",
        "exposure": 30.0,
        "files": tuple(
            SourceFile(f"{epoch}_{number}.cat", "0" * 64, n, fields.get("time", 58000.0))
            for number in range(n_files)
        ),
    }
    if "key" in fields and fields["key"] is not None:
        fields["key"] = np.asarray(fields["key"], dtype=np.str_)
    return SourceCatalog(epoch, ra, dec, file_index, **(defaults | fields))


def _permuted(catalog, rows):
    """Exchange the rows of a catalogue, keeping the order of its files."""
    rows = rows[np.argsort(catalog.file_index[rows], kind="stable")]

    def chosen(array):
        return None if array is None else array[rows]

    measurements = {
        key: MeasurementColumns(
            chosen(m.value),
            chosen(m.error),
            chosen(m.flags),
            m.quantity,
            m.unit,
            chosen(m.catalog_flags),
            chosen(m.time),
            {name: chosen(extra) for name, extra in m.extra.items()},
        )
        for key, m in catalog.measurements.items()
    }
    changed = {
        "ra": chosen(catalog.ra),
        "dec": chosen(catalog.dec),
        "key": chosen(catalog.key),
        "file_index": chosen(catalog.file_index),
        "measurements": measurements,
    }
    return SourceCatalog(**(vars(catalog) | changed)), rows


@pytest.fixture(scope="session")
def make_measured():
    return _measured


@pytest.fixture(scope="session")
def make_catalog():
    return _catalog


@pytest.fixture(scope="session")
def permuted():
    return _permuted
