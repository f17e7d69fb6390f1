"""Functions that pick along one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import flat
from .loops import dense_strides
from .memory import Unsupported
from .picks import gather
from .rules import rule

if TYPE_CHECKING:
    from .builder import Builder
    from .loops import View


@rule("take")
def _take(builder, a, indices, axis=None, *, mode="raise"):
    base = builder.operand(a)
    picks = builder.operand(indices, np.int64)
    if axis is None:
        base, axis = flat(builder, base), 0
    axis %= len(base.shape)
    if mode != "raise":
        picks = _inside(builder, picks, base.shape[axis], mode)
    gather(builder, "get", builder.out, base, (*[slice(None)] * axis, picks))


def _inside(builder: Builder, picks: View, size: int, mode: str) -> View:
    """Bring indices into the range of an axis."""
    inside = builder.memory.scratch(picks.shape, np.int64)
    constant = builder.memory.constant
    if mode == "wrap":
        builder.map("remainder", inside, picks, constant(np.int64(size)))
    else:
        bounds = constant(np.int64(0)), constant(np.int64(size - 1))
        builder.map("clip", inside, picks, *bounds)
    return inside


@rule("take_along_axis")
def _take_along_axis(builder, arr, indices, axis=-1):
    gather(builder, "get", builder.out, builder.operand(arr), _along(indices, axis))


@rule("put_along_axis")
def _put_along_axis(builder, arr, indices, values, axis):
    base = builder.operand(arr)
    gather(builder, "set", builder.operand(values, base.dtype), base, _along(indices, axis))


@rule("put")
def _put(builder, a, ind, v, mode="raise"):
    base = builder.operand(a)
    if mode != "raise" or base.strides != dense_strides(base.shape):
        raise Unsupported("an array that lies in memory with gaps, or a mode")
    indices = builder.operand(ind, np.int64)
    values = builder.operand(v, base.dtype)
    gather(builder, "set", values, base.reshaped((base.size,)), (indices,))


def _along(indices: Any, axis: Any) -> tuple:
    """Return the index that picks along one axis, each element by itself."""
    if axis is None:
        raise Unsupported("the argument axis=None")
    shape = indices.shape
    grid: list[Any] = []
    for k, n in enumerate(shape):
        beside = [1] * len(shape)
        beside[k] = n
        grid.append(np.arange(n).reshape(beside))
    grid[axis] = indices
    return tuple(grid)
