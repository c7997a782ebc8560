"""The mask of inverted dropout (Srivastava et al. 2014): which hidden units a row goes without.

Each entry is a pure function of the seed, the number of the update, the row's place in its batch
and the hidden unit's number, by an integer hash; there is no generator whose state somebody would
have to keep. So every engine drops the same units, to the bit, with any number of threads and any
width of its vectors, and so does a training that is replayed from the middle.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.support.array_namespace import array_namespace

SHIFTS, FACTORS = (16, 15, 16), (0x7FEB352D, 0x846CA68B)
"""Of the hash `lowbias32`, the least biased of its form that Chris Wellons' search found (2018,
https://nullprogram.com/blog/2018/07/31/): each bit of what goes in changes each bit of what comes
out with a probability of almost exactly one half."""

START = 0x9E3779B9
"""What the chain of hashes begins with, for the hash of 0 is 0: 2³² over the golden ratio."""

WORD = 2**32
"""Hashes are 0..WORD - 1."""


def dropout_mask(seed: int, t: int, N: int, H: int, p: float, dtype: Any) -> NDArray[Any]:
    """Draw M (N, H) of update t: 0 with probability p, else 1/(1-p), so that its mean is 1.

    Parameters
    ----------
    seed, t : int
        Any seed, of which 64 bits count, and the number of the update, counted from 1.
    N, H : int
        Rows of the batch, and hidden units.
    p : float
        Share of the units that is dropped, in [0, 1); 2⁻³² is the step in which it counts.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray of shape (N, H)
        0 where a unit is dropped, and 1/(1-p) elsewhere.

    Raises
    ------
    InputError
        If p is not in [0, 1).

    Examples
    --------
    >>> import backhand, numpy as np
    >>> mask = backhand.dropout_mask(seed=0, t=1, N=1000, H=50, p=0.2, dtype=np.float64)
    >>> np.unique(mask).tolist()
    [0.0, 1.25]
    """
    key = update_keys(seed, np.array([t]))
    M: NDArray[Any] = mask_of(key, N, H, threshold(p), scale(p), dtype)
    return M


def mask_of(
    key: Any, N: int, H: int, threshold: Any, scale: Any, dtype: Any, first: int = 0
) -> Any:
    """M (N, H) of an update's key, in the key's library and on its device.

    Parameters
    ----------
    key : array
        One of `update_keys`, as uint32 or int64; where it is of one dimension, of one number.
    N, H : int
    threshold, scale
        Those of p, as numbers or as arrays of one.
    dtype : dtype
        float32 or float64 of the key's library.
    first : int
        The first row's place in its batch.
    """
    xp = array_namespace(key)
    rows = mixed(key ^ xp.arange(first, first + N, dtype=key.dtype, device=key.device))
    hashes = mixed(rows[:, None] ^ xp.arange(H, dtype=key.dtype, device=key.device))
    return xp.astype(hashes >= threshold, dtype) * scale


def update_keys(seed: int, t: NDArray[Any]) -> NDArray[np.uint32]:
    """What the hashes of each update start from: the seed and its number t, hashed."""
    key = np.full(t.shape, START, np.uint32)
    for number in (np.full(t.shape, seed % WORD**2, np.uint64), t.astype(np.uint64)):
        for word in (number % WORD, number // WORD):
            key = mixed(key ^ word.astype(np.uint32))
    return key


def mixed(x: Any) -> Any:
    """The hash of each number of an array of uint32, or of int64 with numbers below `WORD`."""
    for shift, factor in zip(SHIFTS, FACTORS, strict=False):
        x = ((x ^ (x >> shift)) * factor) & (WORD - 1)
    return x ^ (x >> SHIFTS[-1])


def threshold(p: float) -> int:
    """A unit is dropped where its hash is smaller than this; 0 drops none."""
    if not 0 <= p < 1:
        raise InputError(f"dropout is {p!r}; expected a number of 0 or more and below 1.")
    return int(p * WORD)


def scale(p: float) -> float:
    """1/(1-p), which makes up for the units that are dropped; 1 where none is."""
    return 1 / (1 - p) if threshold(p) else 1.0
