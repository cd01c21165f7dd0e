"""The reference catalogue: the objects whose light curves are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from astropy import units as u
from astropy.table import Column, Table
from numpy.typing import NDArray

from lc_pipeline.catalogs.names import KEY_NAMES
from lc_pipeline.catalogs.reading import read_table
from lc_pipeline.errors import MatchingError, SurveyConfigError
from lc_pipeline.matching.keys import key_texts, listed_keys, repeated_keys
from lc_pipeline.matching.pairs import sky_tree
from lc_pipeline.matching.reference_table import reference_columns
from lc_pipeline.sky.geometry import (
    FULL_CIRCLE,
    mean_direction,
    sky_coordinates,
    tangent_basis,
    unit_vectors,
)
from lc_pipeline.sky.ordering import healpix_order
from lc_pipeline.survey import FilesSection, ReferenceSection, SurveyConfig

_J2000_MJD = 51544.5
_DAYS_PER_JULIAN_YEAR = 365.25
_RADIAN_PER_MAS = np.pi / (180 * 3600 * 1000)


@dataclass(frozen=True, eq=False)
class ReferenceCatalog:
    """The objects, one per row, in the order of the store's object axis.

    Parameters
    ----------
    key : (n,) array of str
        Names, all different. Written as :func:`~lc_pipeline.matching.keys.key_texts` does.
    ra, dec : (n,) arrays of float, deg
        ICRS positions.
    pm_ra_cosdec, pm_dec : (n,) arrays of float, mas/yr, optional
        Proper motions; NaN for objects that have none, which stay where they are.
    ref_epoch : float or (n,) array of float, Julian year, optional
        When the objects are at `ra`, `dec`. Required with proper motions.
    n_epochs : (n,) array of int, optional
        In how many epochs the object was seen when the reference was built; 0 if it was not built.

    Raises
    ------
    MatchingError
        If keys repeat or are empty, a position is not finite or out of range,
        arrays differ in length, or proper motions come without `ref_epoch`.

    Examples
    --------
    >>> reference = ReferenceCatalog(key=["a", "b"], ra=[359.9, 0.1], dec=[0.0, 0.0])
    >>> len(reference)
    2
    >>> ReferenceCatalog(key=["a", "a"], ra=[1.0, 2.0], dec=[0.0, 0.0])
    Traceback (most recent call last):
    ...
    lc_pipeline.errors.MatchingError: the reference catalogue has the key 'a' more than once
    """

    key: NDArray[np.str_]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    pm_ra_cosdec: NDArray[np.float64] | None = None
    pm_dec: NDArray[np.float64] | None = None
    ref_epoch: NDArray[np.float64] | float | None = None
    n_epochs: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", key_texts(self.key))
        for name in ("ra", "dec", "pm_ra_cosdec", "pm_dec"):
            if (values := getattr(self, name)) is not None:
                object.__setattr__(self, name, np.asarray(values, dtype=np.float64))
        if self.ref_epoch is not None:
            year = np.asarray(self.ref_epoch, dtype=np.float64)
            object.__setattr__(self, "ref_epoch", year if year.ndim else float(year))
        if self.n_epochs is not None:
            object.__setattr__(self, "n_epochs", np.asarray(self.n_epochs, dtype=np.int64))
        self._check()

    @classmethod
    def checked_before(cls, key: NDArray[Any], **columns: NDArray[np.float64]) -> ReferenceCatalog:
        """Make the catalogue again of columns that it gave, without checking them again.

        Examples
        --------
        >>> ReferenceCatalog.checked_before(np.array(["a"]), ra=np.zeros(1), dec=np.zeros(1)).key
        array(['a'], dtype='<U1')
        """
        self = object.__new__(cls)
        for name, column in {"key": key.astype(np.str_), **columns}.items():
            object.__setattr__(self, name, column)
        return self

    def _check(self) -> None:
        n = len(self.key)
        for name in ("ra", "dec", "pm_ra_cosdec", "pm_dec", "n_epochs", "ref_epoch"):
            values = getattr(self, name)
            if values is not None and np.ndim(values) and np.shape(values) != (n,):
                raise MatchingError(
                    f"the reference catalogue has {n} keys and {name} of shape {np.shape(values)}"
                )
        if repeated := repeated_keys(self.key):
            raise MatchingError(
                f"the reference catalogue has the key {listed_keys(repeated)} more than once"
            )
        if not np.all(self.key != ""):
            raise MatchingError(f"object {int(np.argmax(self.key == '')) + 1} has an empty key")
        self._refuse("ra", ~((self.ra >= 0) & (self.ra < FULL_CIRCLE)), "0 <= ra < 360")
        self._refuse("dec", ~(np.abs(self.dec) <= 90), "-90 <= dec <= 90")  # noqa: PLR2004
        if (self.pm_ra_cosdec is None) != (self.pm_dec is None):
            raise MatchingError("proper motions need both pm_ra_cosdec and pm_dec")
        if self.pm_ra_cosdec is not None and self.pm_dec is not None:
            if self.ref_epoch is None:
                raise MatchingError(
                    "proper motions need reference.ref_epoch, the Julian year of the positions "
                    "(2016.0 for Gaia DR3)"
                )
            moving = np.isfinite(self.pm_ra_cosdec) & np.isfinite(self.pm_dec)
            timeless = moving & ~np.isfinite(np.broadcast_to(self.ref_epoch, n))
            self._refuse("ref_epoch", timeless, "a Julian year where there is a proper motion")

    def _refuse(self, name: str, wrong: NDArray[np.bool_], expected: str) -> None:
        if wrong.any():
            row = int(np.argmax(wrong))
            values = np.broadcast_to(getattr(self, name), len(self.key))
            raise MatchingError(
                f"{np.count_nonzero(wrong)} of {len(self)} objects have a wrong {name}, the first "
                f"is {str(self.key[row])!r} with {values[row]}; expected {expected}"
            )

    def __len__(self) -> int:
        return len(self.key)

    @cached_property
    def center(self) -> tuple[float, float]:
        """Mean direction of the objects: RA and Dec in degrees; the first object's if none."""
        mean = mean_direction(self.unit_vectors_at())
        if mean is None:
            return float(self.ra[0]), float(self.dec[0])
        ra, dec = sky_coordinates(mean[np.newaxis])
        return float(ra[0]), float(dec[0])

    def unit_vectors_at(self, mjd: float | None = None) -> NDArray[np.float64]:
        """Find where the objects are at a time.

        Parameters
        ----------
        mjd : float, optional
            Modified Julian date; its scale (a minute at most) does not matter. Without it, the
            positions as they stand.

        Returns
        -------
        (n, 3) array of float
            Unit vectors. Objects move along great circles, as
            :meth:`astropy.coordinates.SkyCoord.apply_space_motion` moves them; parallax and
            radial velocity are left out.

        Raises
        ------
        MatchingError
            If `mjd` is NaN and there are proper motions.

        Examples
        --------
        >>> reference = ReferenceCatalog(key=["a"], ra=[0.0], dec=[0.0], pm_ra_cosdec=[1000.0],
        ...                              pm_dec=[0.0], ref_epoch=2000.0)
        >>> (reference.unit_vectors_at(51544.5 + 3652.5)[:, 1] * 206265).round(3).tolist()
        [10.0]
        """
        vectors = self._unit_vectors
        if mjd is None or self.pm_ra_cosdec is None or self.pm_dec is None:
            return vectors
        if not np.isfinite(mjd):
            raise MatchingError("the objects have proper motions, and the epoch has no time")
        year = 2000.0 + (mjd - _J2000_MJD) / _DAYS_PER_JULIAN_YEAR
        moving = np.isfinite(self.pm_ra_cosdec) & np.isfinite(self.pm_dec)
        years = np.where(moving, year - np.asarray(self.ref_epoch), 0.0) * _RADIAN_PER_MAS
        east, north = tangent_basis(vectors)
        to_east = np.where(moving, self.pm_ra_cosdec, 0.0) * years
        to_north = np.where(moving, self.pm_dec, 0.0) * years
        moved = vectors + to_east[:, np.newaxis] * east + to_north[:, np.newaxis] * north
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True))

    def tree_at(self, mjd: float | None = None) -> scipy.spatial.KDTree:
        """Make the tree in which :meth:`unit_vectors_at` are looked up; once, if none moves."""
        if mjd is None or self.pm_ra_cosdec is None or self.pm_dec is None:
            return self._tree
        return sky_tree(self.unit_vectors_at(mjd))

    @cached_property
    def _unit_vectors(self) -> NDArray[np.float64]:
        vectors = unit_vectors(self.ra, self.dec)
        vectors.flags.writeable = False
        return vectors

    @cached_property
    def _tree(self) -> scipy.spatial.KDTree:
        return sky_tree(self._unit_vectors)

    def taken(self, rows: NDArray[np.intp]) -> ReferenceCatalog:
        """Keep the objects `rows`, in that order."""

        def chosen(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            return None if values is None else values[rows]

        year = self.ref_epoch
        return replace(
            self,
            key=self.key[rows],
            ra=self.ra[rows],
            dec=self.dec[rows],
            pm_ra_cosdec=chosen(self.pm_ra_cosdec),
            pm_dec=chosen(self.pm_dec),
            ref_epoch=year[rows] if isinstance(year, np.ndarray) else year,
            n_epochs=None if self.n_epochs is None else self.n_epochs[rows],
        )

    def ordered(self) -> ReferenceCatalog:
        """Put the objects in HEALPix order, so that neighbours on the sky are stored together.

        Examples
        --------
        >>> reference = ReferenceCatalog(key=["a", "b"], ra=[0.0, 0.0], dec=[-80.0, 80.0])
        >>> reference.ordered().key.tolist()
        ['b', 'a']
        """
        by_key = np.argsort(self.key, kind="stable")
        return self.taken(by_key[healpix_order(self.ra[by_key], self.dec[by_key])])

    def extended(self, new: ReferenceCatalog) -> ReferenceCatalog:
        """Append new objects, in HEALPix order; the objects that exist keep their rows.

        Where only one of the two has proper motions, the others' are NaN; likewise `n_epochs` is 0.

        Parameters
        ----------
        new : ReferenceCatalog

        Raises
        ------
        MatchingError
            If a key of `new` exists.

        Examples
        --------
        >>> old = ReferenceCatalog(key=["z"], ra=[10.0], dec=[0.0])
        >>> old.extended(ReferenceCatalog(key=["a"], ra=[9.0], dec=[0.0])).key.tolist()
        ['z', 'a']
        """
        if both := np.intersect1d(self.key, new.key).tolist():
            raise MatchingError(f"the reference catalogue has the key {listed_keys(both)} already")
        new = new.ordered()
        pm_ra_cosdec = _joined(self, new, "pm_ra_cosdec", np.nan)
        n_epochs = _joined(self, new, "n_epochs", 0)
        return ReferenceCatalog(
            key=np.concatenate([self.key, new.key]),
            ra=np.concatenate([self.ra, new.ra]),
            dec=np.concatenate([self.dec, new.dec]),
            pm_ra_cosdec=pm_ra_cosdec,
            pm_dec=_joined(self, new, "pm_dec", np.nan),
            ref_epoch=_joined_epochs(self, new),
            n_epochs=None if n_epochs is None else n_epochs.astype(np.int64),
        )

    @classmethod
    def empty(cls) -> ReferenceCatalog:
        """Make a catalogue of no objects: what a search for new ones may find.

        Examples
        --------
        >>> len(ReferenceCatalog.empty())
        0
        """
        return cls(key=np.empty(0, dtype=np.str_), ra=np.empty(0), dec=np.empty(0))

    def to_table(self) -> Table:
        """Write the objects as a table with units, one row per object.

        Examples
        --------
        >>> ReferenceCatalog(key=["a"], ra=[10.0], dec=[0.0]).to_table().colnames
        ['key', 'ra', 'dec']
        """
        units = {"ra": u.deg, "dec": u.deg, "ref_epoch": u.yr}
        units |= dict.fromkeys(("pm_ra_cosdec", "pm_dec"), u.mas / u.yr)
        about = {"ra": "right ascension (ICRS)", "dec": "declination (ICRS)"}
        about["n_epochs"] = "epochs that it was seen in when the reference was built"
        table = Table([Column(self.key, "key", description="object key")])
        for name in ("ra", "dec", "pm_ra_cosdec", "pm_dec", "ref_epoch", "n_epochs"):
            values = getattr(self, name)
            if values is not None:
                table[name] = Column(
                    np.broadcast_to(values, len(self)),
                    unit=units.get(name),
                    description=about.get(name),
                )
        return table

    @classmethod
    def from_table(
        cls,
        table: Table,
        section: ReferenceSection | None = None,
        path: str | Path = "reference catalogue",
    ) -> ReferenceCatalog:
        """Take the objects from a table, in its order.

        Parameters
        ----------
        table : Table
        section : ReferenceSection, optional
            Names and units of columns; what is left out is recognised by well-known names. Without
            a column of keys the objects get names made from their positions.
        path : str or Path, optional
            For messages.

        Raises
        ------
        CatalogError
            If columns are not found or cannot be read.
        MatchingError
            If the table has no rows, or as the class says; the message begins with `path`.

        Examples
        --------
        >>> table = Table({"source_id": [4711], "ra": [10.0], "dec": [-1.0]})
        >>> ReferenceCatalog.from_table(table).key.tolist()
        ['4711']
        """
        if not len(table):
            raise MatchingError(f"{path}: the reference catalogue has no objects")
        columns = reference_columns(path, table, section or ReferenceSection())
        try:
            return cls(**columns)
        except MatchingError as error:
            raise MatchingError(f"{path}: {error}") from None


def read_reference(survey: SurveyConfig) -> ReferenceCatalog:
    """Read the survey's table of objects (``reference.file``), and put it in HEALPix order.

    Raises
    ------
    SurveyConfigError
        If the survey names none.
    CatalogError
        If the file cannot be read or its columns are not recognised.
    MatchingError
        If the objects are not as :class:`ReferenceCatalog` asks.
    """
    section = survey.reference
    if section.file is None:
        raise SurveyConfigError(f"{survey.path or 'survey.toml'}: reference.file is not set")
    path = survey.folder / section.file
    # What [files] says of the epochs' catalogues does not hold for this one.
    files = FilesSection(pattern=survey.files.pattern, format=section.format)
    names = [section.key] if section.key else ["key", *KEY_NAMES]
    if not path.is_file():
        raise SurveyConfigError(
            f"{survey.path or 'survey.toml'}: reference.file: there is no file {path}. It is taken "
            f"relative to the folder of survey.toml"
        )
    table = read_table(path, files, names)
    return ReferenceCatalog.from_table(table, section, path).ordered()


def _joined(
    old: ReferenceCatalog, new: ReferenceCatalog, name: str, missing: float
) -> NDArray[np.float64] | None:
    parts = [getattr(catalog, name) for catalog in (old, new)]
    if all(part is None for part in parts):
        return None
    return np.concatenate(
        [
            np.full(len(catalog), missing) if part is None else part
            for catalog, part in zip((old, new), parts, strict=True)
        ]
    )


def _joined_epochs(
    old: ReferenceCatalog, new: ReferenceCatalog
) -> NDArray[np.float64] | float | None:
    first, second = old.ref_epoch, new.ref_epoch
    if first is None and second is None:
        return None
    if isinstance(first, float) and (second is None or first == second):
        return first
    return np.concatenate(
        [
            np.broadcast_to(np.nan if year is None else year, len(catalog))
            for catalog, year in ((old, first), (new, second))
        ]
    )
