"""Errors of ops, retold: what each operand is and where it comes from, and a fix if one fits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..frames import assigned_name
from ..tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .op import Op

__all__ = ["described", "suggestion"]

_MOST = 10**7  # elements to try a fix with


def _name(value: Any) -> str | None:
    """What the user calls a Tensor: its name, or the variable that it was assigned to at once."""
    if not isinstance(value, Tensor):
        return None
    node = value._node
    if value.name or node is None or node.code is None:
        return value.name
    return assigned_name(node.code, node.lasti)


def described(value: Any) -> str:
    """An operand as messages show it: kind, name, shape, dtype, and the line that made it."""
    if isinstance(value, Tensor):
        name = _name(value)
        text = f"Tensor{f' {name!r}' if name else ''} {value.shape} {value.dtype}"
        place = value._node.place if value._node is not None else None
        return text + (f" made at {os.path.basename(place[0])}:{place[1]}" if place else "")
    if isinstance(value, (np.ndarray, np.generic)):
        return f"array {value.shape} {value.dtype}"
    return repr(value) if isinstance(value, (int, float, complex, type(None))) else str(type(value))


def suggestion(op: Op, operands: Sequence[Any]) -> str:
    """The one transpose with which the op would work, as a question; nothing if none does.

    It is tried on zeros of these shapes, so what is suggested does fit.
    """
    if op.variadic or len(operands) != 2 or op.params:
        return ""
    arrays = []
    for value in operands:
        if not isinstance(value, (Tensor, np.ndarray)) or value.size > _MOST:
            return ""
        arrays.append(np.broadcast_to(np.zeros((), value.dtype), value.shape))
    fits = []
    for k, array in enumerate(arrays):
        if array.ndim != 2 or array.shape[0] == array.shape[1]:
            continue
        try:
            op.forward(*arrays[:k], array.T, *arrays[k + 1 :])
        except (ValueError, TypeError):
            continue
        fits.append(f"{_name(operands[k]) or op.input_name(k)}.T")
    return f". Did you mean {fits[0]}?" if len(fits) == 1 else ""
