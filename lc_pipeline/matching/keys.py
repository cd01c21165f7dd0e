"""Keys of objects: written so that they can be compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: So many keys are named in a message.
_N_NAMED = 5


def key_texts(keys: ArrayLike) -> NDArray[np.str_]:
    """Write keys as texts that can be compared.

    White space around them does not count. Integers, and floating-point columns that hold only
    integers (as tables with missing values do), become their decimal digits. Texts stay texts:
    ``"007"`` and ``7`` are different keys.

    Parameters
    ----------
    keys : (n,) array_like of str, bytes, int or float

    Returns
    -------
    (n,) array of str

    Examples
    --------
    >>> key_texts([7.0, 12.0]).tolist(), key_texts([" a ", "007"]).tolist()
    (['7', '12'], ['a', '007'])
    """
    raw = np.asarray(keys)
    if not raw.size:
        return np.empty(0, dtype=np.str_)
    if raw.dtype.kind == "f" and np.all(np.isfinite(raw)) and np.all(raw == np.round(raw)):
        raw = raw.astype(np.int64)
    if raw.dtype.kind == "S":
        raw = np.char.decode(raw, "utf-8")
    if raw.dtype.kind == "O":
        raw = np.array([k.decode() if isinstance(k, bytes) else str(k) for k in raw.tolist()])
    return np.char.strip(raw.astype(np.str_))


def repeated_keys(keys: NDArray[np.str_]) -> list[str]:
    """Name the keys that stand more than once, sorted.

    Examples
    --------
    >>> repeated_keys(np.array(["b", "a", "b"]))
    ['b']
    """
    unique, count = np.unique(keys, return_counts=True)
    return [str(key) for key in unique[count > 1]]


def listed_keys(keys: list[str]) -> str:
    """Name the first of some keys, for a message.

    Examples
    --------
    >>> listed_keys(list("abcdefg"))
    "'a', 'b', 'c', 'd', 'e' and 2 more"
    """
    text = ", ".join(repr(key) for key in keys[:_N_NAMED])
    return text if len(keys) <= _N_NAMED else f"{text} and {len(keys) - _N_NAMED} more"
