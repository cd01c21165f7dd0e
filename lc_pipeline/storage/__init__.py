"""Two Zarr stores of one model: an append-only log of epochs, published versions by object.

:mod:`~lc_pipeline.storage.layout` plans shapes (no I/O), :mod:`~lc_pipeline.storage.location` is
the only module that knows about file systems, :mod:`~lc_pipeline.storage.new_store` makes empty
stores, :mod:`~lc_pipeline.storage.epoch_log` appends and commits epochs,
:mod:`~lc_pipeline.storage.versions` publishes object stores,
:mod:`~lc_pipeline.storage.rechunk` copies one into the other,
:mod:`~lc_pipeline.storage.open_store` is what a commit shows, and
:class:`~lc_pipeline.storage.lightcurve_storage.LightcurveStorage` is what people use.
"""

from lc_pipeline.storage.lightcurve_storage import LightcurveStorage

__all__ = ["LightcurveStorage"]
