"""The array API's functions for arrays of NumPy or of another library."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


def array_namespace(*arrays: Any) -> Any:
    """Return the array API's functions for arrays of one library.

    NumPy is its own namespace. array-api-compat returns that of other libraries; it is not imported
    for NumPy, which would take a tenth of a second.

    Raises
    ------
    TypeError
        If the arrays are of different libraries, or are not arrays.
    """
    if all(isinstance(array, np.ndarray) for array in arrays):
        return np
    import array_api_compat

    found = array_api_compat.array_namespace(*arrays)
    return _of_torch(found) if array_api_compat.is_torch_array(arrays[0]) else found


class TorchFunctions:
    """Those of array-api-compat, of which two are replaced: they copy a number to the device.

    The copy would make the host wait for a GPU, and a CUDA graph cannot contain it.
    """

    def __init__(self, functions: Any) -> None:
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._functions, name)

    def maximum(self, a: Any, b: Any) -> Any:
        """The larger of each two numbers, or of each and one; nan stays nan."""
        return a.clamp(min=b) if isinstance(b, int | float) else self._functions.maximum(a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        """The smaller of each two numbers, or of each and one; nan stays nan."""
        return a.clamp(max=b) if isinstance(b, int | float) else self._functions.minimum(a, b)


@cache
def _of_torch(functions: Any) -> TorchFunctions:
    return TorchFunctions(functions)
