"""Class numbers: checked, and as rows of zeros and ones."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.doors import NoArrayError
from ..core.node import flat
from ..core.tensor import Tensor
from .operands import array_of, wrap_like

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

__all__ = ["check_range", "first_place", "one_hot"]


def one_hot(labels: Any, classes: int, dtype: DTypeLike = "float32") -> Any:
    """Rows of zeros with a 1 at each label: shape (*labels.shape, classes). No gradient flows.

    Raises:
        TypeError: labels that are not integers.
        ValueError: a label that is negative, or not less than `classes`.
    """
    try:
        numbers = array_of(labels)
    except NoArrayError as error:
        return error.stand_in.answer(one_hot, (labels, classes))
    classes = operator.index(classes)
    check_range("one_hot", "label", numbers, classes, "classes")
    hit = np.expand_dims(numbers, -1) == np.arange(classes)
    rows = wrap_like(hit.astype(dtype), labels)
    if isinstance(labels, Tensor):  # maybe those of an argmax
        rows._node = flat("one_hot", (labels._node,), rows) or rows._node
    return rows


def check_range(op: str, noun: str, numbers: np.ndarray, count: int, nouns: str) -> None:
    """Raise unless all numbers are integers from 0 to count - 1.

    Args:
        op: the function that is called.
        noun: the name of one number, such as "label".
        nouns: the name of that which is counted, such as "classes".
    """
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"{op}: each {noun} must be an integer, not {numbers.dtype}")
    wrong = (numbers < 0) | (numbers >= count)
    if wrong.any():
        place = first_place(wrong)
        problem = f"{noun} {numbers[place]} at {place}, but there are {count} {nouns}"
        raise ValueError(f"{op}: {problem}")


def first_place(mask):
    """Return the index of the first true element, as a tuple of numbers."""
    first = int(np.argmax(mask))
    return tuple(map(int, np.unravel_index(first, mask.shape)))
