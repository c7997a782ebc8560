"""Digests of arrays."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRETCH_BYTES = 2**22
"""Bytes that are read at a time."""


def digest(*arrays: NDArray[Any]) -> str:
    """BLAKE2 digest of all numbers of the arrays, read a stretch of rows at a time."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode())
        step = max(1, STRETCH_BYTES * len(array) // max(1, array.nbytes))
        for start in range(0, len(array), step):
            found.update(np.ascontiguousarray(array[start : start + step]).data)
    return found.hexdigest()
