"""Light curves from catalogues: every object, all epochs, in stores that cannot be torn."""

from lc_pipeline._version import __version__

__all__ = ["__version__"]
