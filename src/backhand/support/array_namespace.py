"""The array API's functions for arrays of NumPy or of another library."""

from __future__ import annotations

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

    return array_api_compat.array_namespace(*arrays)
