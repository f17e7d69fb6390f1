"""`t.at[index]`: a changed copy of a Tensor, as a value.

    t.at[rows].add(v)    # where an index comes twice, both are added

`t[index] = v` rebinds the Tensor itself; these leave it alone, so they also work on leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import Tensor, as_array, as_operand
from ..core.tracebacks import shorten_tracebacks
from .elementwise import add, astype
from .index import getitem, plain_index, scatter, scatter_max, scatter_min, setitem

__all__ = ["At", "Place"]


class At:
    """The value of `t.at`: `t.at[index]` is a `Place` in t."""

    __slots__ = ("_tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def __getitem__(self, index: Any) -> Place:
        return Place(self._tensor, plain_index(index))


class Place:
    """A part of a Tensor, and the changed copies that can be made of it.

    The values broadcast to the part's shape and take the Tensor's dtype. Gradients flow to the
    Tensor and to the values; where an index comes twice, each of its values has its share.

    Raises:
        IndexError: an index out of range.
        TypeError: values that the Tensor's dtype can't hold, such as floats in integers.
        ValueError: values whose shape does not fit.
    """

    __slots__ = ("_index", "_tensor")

    def __init__(self, tensor: Tensor, index: Any) -> None:
        self._tensor = tensor
        self._index = index

    def __repr__(self) -> str:
        return f"<{self._tensor._title()} at [{self._index!r}]>"

    def get(self) -> Tensor:
        """Return the part itself: t[index]."""
        return getitem(self._tensor, self._index)

    def set(self, value: Any) -> Tensor:
        """Return a copy with the value written here; of an index twice, the last one stays."""
        return setitem(self._tensor, self._cast("set", value), self._index)

    def add(self, value: Any) -> Tensor:
        """Return a copy with the value added here, as often as an index comes."""
        value = self._cast("add", value)
        return add(self._tensor, scatter(value, self._index, self._tensor.shape))

    def max(self, value: Any) -> Tensor:
        """Return a copy with the larger of what is here and the value."""
        return scatter_max(self._tensor, self._cast("max", value), self._index)

    def min(self, value: Any) -> Tensor:
        """Return a copy with the smaller of what is here and the value."""
        return scatter_min(self._tensor, self._cast("min", value), self._index)

    def _cast(self, method: str, value: Any) -> Any:
        """Return the value in the Tensor's dtype."""
        dtype = self._tensor.dtype
        operand = as_operand(value)
        if not np.can_cast(np.result_type(dtype, operand), dtype, "same_kind"):
            kind = getattr(operand, "dtype", type(operand).__name__)
            raise TypeError(
                f"at[...].{method}: {self._tensor._title()} can't hold {kind} values; convert "
                "one of them with astype"
            )
        if not isinstance(value, Tensor):
            return as_array(operand, dtype)
        return value if value.dtype == dtype else astype(value, dtype)


shorten_tracebacks(globals(), __all__)
