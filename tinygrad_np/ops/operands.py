"""Operands of functions composed of ops: Tensors as they are, everything else as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import Tensor, as_array
from .mistakes import composition, describe_call


def operand(value: Any) -> Any:
    """Return a Tensor as it is, everything else as an array."""
    if isinstance(value, Tensor):
        return value
    try:
        return as_array(value)
    except (TypeError, ValueError) as error:
        name = composition()
        raise type(error)(f"{name}: {error}" if name else str(error)) from None


def operands(*values: Any) -> tuple[Any, ...]:
    """Return Tensors as they are, everything else as arrays."""
    return tuple(map(operand, values))


def array_of(value: Any) -> np.ndarray:
    """Return the array alone, of a Tensor, an array or a list: no gradient flows to it."""
    return value.data if isinstance(value, Tensor) else as_array(value)


def wrap_like(value: Any, x: Any) -> Any:
    """Return an array as a Tensor if `x` is one, else as it is."""
    return Tensor(value) if isinstance(x, Tensor) else value


def check_float(op: str, x: Any) -> None:
    """Raise unless x holds floats."""
    if x.dtype.kind != "f":
        raise TypeError(
            f"{describe_call(op, x=x)}: {op} needs floats, not {x.dtype}: use .astype(float)"
        )
