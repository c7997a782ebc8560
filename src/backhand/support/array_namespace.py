"""The functions that go with an array: NumPy's, or another library's under the same standard."""

from __future__ import annotations

from typing import Any

import numpy as np


def array_namespace(*arrays: Any) -> Any:
    """The array API's functions for arrays of one library.

    NumPy is its own namespace. array-api-compat gives that of others; for NumPy, it would take a
    tenth of a second to load.

    Raises
    ------
    TypeError
        If the arrays are of different libraries, or no arrays.
    """
    if all(isinstance(array, np.ndarray) for array in arrays):
        return np
    import array_api_compat

    return array_api_compat.array_namespace(*arrays)
