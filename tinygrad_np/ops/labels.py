"""Class numbers: looked at, checked, and as rows of zeros and ones."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tensor import Tensor, as_array

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

__all__ = ["check_range", "first_place", "one_hot", "plain"]


def plain(value: Any) -> np.ndarray:
    """The array of class numbers, masks and the like, which carry no gradient."""
    return value.data if isinstance(value, Tensor) else as_array(value, None)


def one_hot(labels: Any, classes: int, dtype: DTypeLike = "float32") -> Any:
    """Rows of zeros with a 1 at each label: shape (*labels.shape, classes). No gradient flows.

    Raises:
        TypeError: labels that are not integers.
        ValueError: a label that is negative, or not less than `classes`.
    """
    numbers = plain(labels)
    classes = operator.index(classes)
    check_range("one_hot", "label", numbers, classes, "classes")
    rows = (np.expand_dims(numbers, -1) == np.arange(classes)).astype(dtype)
    return Tensor(rows) if isinstance(labels, Tensor) else rows


def check_range(op: str, what: str, numbers: np.ndarray, count: int, of: str) -> None:
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"{op}: each {what} must be an integer, not {numbers.dtype}")
    wrong = (numbers < 0) | (numbers >= count)
    if wrong.any():
        place = first_place(wrong)
        raise ValueError(f"{op}: {what} {numbers[place]} at {place}, but there are {count} {of}")


def first_place(mask):
    """Where the first true element is, as a tuple of numbers."""
    return tuple(map(int, np.unravel_index(int(np.argmax(mask)), mask.shape)))
