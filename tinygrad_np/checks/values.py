"""Values as the checks compare them: arrays behind Tensors, copies in float64, element places."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import Tensor

__all__ = ["as_double", "first_index", "index_text", "is_float", "same"]


def is_float(value: Any) -> bool:
    """Tell a Tensor, array or number of floats from everything else."""
    dtype = getattr(value, "dtype", None)
    return isinstance(value, float) if dtype is None else dtype.kind == "f"


def as_double(value: Any) -> np.ndarray:
    """Return a copy in float64."""
    return np.array(value.data if isinstance(value, Tensor) else value, np.float64)


def same(a: Any, b: Any) -> bool:
    """Compare two values for equal shapes and elements; nan equals nan."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def first_index(mask: Any) -> tuple[int, ...]:
    """Return the index of the first True."""
    return tuple(map(int, np.argwhere(mask)[0]))


def index_text(index: tuple[int, ...]) -> str:
    """Write the index of an element: `3`, `(0, 3)`."""
    return str(index[0] if len(index) == 1 else index)
