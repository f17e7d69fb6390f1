"""Values as the checks compare them: arrays behind Tensors, copies in float64, element places."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import Tensor, as_array


def is_float(value: Any) -> bool:
    """Tell a Tensor, array or number of floats from everything else."""
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return isinstance(value, float)
    return dtype.kind == "f"


def is_float_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def as_double(value: Any) -> np.ndarray:
    """Return a copy in float64."""
    array = value.data if isinstance(value, Tensor) else value
    return as_array(array, np.float64, copy=True)


def same(a: Any, b: Any) -> bool:
    """Compare two values for equal shapes and elements; nan equals nan."""
    a = np.asarray(a)
    b = np.asarray(b)
    equal_nan = a.dtype.kind in "fc"
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=equal_nan)


def index_text(index: tuple[int, ...]) -> str:
    """Write the index of an element: `3`, `(0, 3)`."""
    if len(index) == 1:
        return str(index[0])
    return str(index)
