"""The formats of catalogue files, each to an astropy table; see ``catalogs/reading.py``.

Files are read from their bytes. What is cut off or damaged is refused; what a reader has to say
besides is left in ``meta["_notes"]``.
"""
