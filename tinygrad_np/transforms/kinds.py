"""Values as a transform hands them back: arrays or Tensors, as the caller passed in."""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tensor import Tensor, wrap
from .calls import OfBatch

if TYPE_CHECKING:
    from collections.abc import Sequence


def hand_back(value: Any, as_tensor: bool) -> Any:
    """Convert a value to what the caller passed in: a Tensor or an array.

    A Tensor stays one in any case: something outside needs its gradient, which an array would
    silently lose.
    """
    if isinstance(value, Tensor):
        return value
    if as_tensor:
        return wrap(value, None)
    return value.copy() if value.ndim else value[()]


def take_over(values: list[Any], as_tensors: Sequence[bool]) -> list[Any]:
    """Do as `hand_back` for each value, without a copy of an array that only the list holds."""
    results = []
    for k, as_tensor in enumerate(as_tensors):
        if not as_tensor and _references(values, k) == _ALONE and _owns_memory(values[k]):
            values[k].setflags(write=True)
            results.append(values[k])
        else:
            results.append(hand_back(values[k], as_tensor))
    return results


def _references(values: list[Any], k: int) -> int:
    return getrefcount(values[k])


_ALONE = _references([np.empty(1)], 0)


def _owns_memory(value: Any) -> bool:
    """Say whether an array is no view; of a Row, whether it alone has the array of all rows."""
    while issubclass(type(value), OfBatch):
        if _references([value.values], 0) != _ALONE + 1:
            return False
        value = value.values
    return type(value) is np.ndarray and value.ndim > 0 and value.base is None
