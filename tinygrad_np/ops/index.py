"""Indexing: reading, scattering back, and writing a part of an array.

`getitem` and `scatter` are each other's adjoint. Indices are anything that NumPy takes: integers,
slices, `...`, `None`, integer and boolean arrays, and tuples of these.
"""

from __future__ import annotations

import numpy as np

from ..tensor import Tensor
from .define import define_op

__all__ = ["getitem", "scatter", "setitem"]


def plain_index(index):
    """The index with Tensors and lists replaced by arrays."""
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if isinstance(index, Tensor):
        if index.dtype.kind not in "iub":
            raise IndexError(
                f"a Tensor used as an index must hold integers or booleans, not {index.dtype}"
            )
        return index.data
    if isinstance(index, list):
        return np.array(index, dtype=None if index else int)
    return index


def _may_repeat(index):
    """Whether the same element can be picked twice: only arrays of integers can do that."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = (np.asarray(p) for p in parts if isinstance(p, (np.ndarray, list)))
    return any(a.dtype.kind != "b" and a.ndim for a in arrays)


def _scatter(values, index, shape):
    """Zeros of the given shape, with the values added at the index (repeated ones add up)."""
    out = np.zeros(shape, values.dtype)
    if _may_repeat(index):
        np.add.at(out, index, values)
    else:
        out[index] = values
    return out


scatter = define_op(
    _scatter,
    name="scatter",
    values=lambda g, index: g[index],
    text="scatter({values}, {index}, {shape})",
    samples=lambda r: [
        ((r(2, 4), slice(0, 2), (3, 4)), {}),
        ((r(3), np.array([1, 1, 0]), (4,)), {}),
    ],
)


def _getitem(x, index):
    """The elements that the index picks."""
    return x[index]


getitem = define_op(
    _getitem,
    name="getitem",
    x=lambda g, index, x_shape: scatter(g, index, x_shape),
    text="{x}[{index}]",
    samples=lambda r: [
        ((r(3, 4), 1), {}),
        ((r(3, 4), (slice(None, None, -1), 2)), {}),
        ((r(3, 4), (..., None, slice(1, 3))), {}),
        ((r(3, 4), np.array([0, 2, 0])), {}),
        ((r(3, 4), (np.array([[0], [2]]), np.array([1, 1]))), {}),
        ((r(3, 4), np.eye(3, 4, dtype=bool)), {}),
    ],
)


def _setitem(x, value, index):
    """A copy of x with the value written at the index."""
    out = np.array(x, copy=True)
    out[index] = value
    return out


def _kept(g, index):
    """The gradient of the elements that were not overwritten."""
    g = g.copy()
    g[index] = 0
    return g


def _value_rule(g, index):
    """The gradient of the written value; where a position is written twice, the last one stays."""
    if not _may_repeat(index):
        return g[index]
    places = np.arange(g.size).reshape(g.shape)[index]
    last = np.zeros(g.size, dtype=np.intp)
    last[places.ravel()] = np.arange(places.size)
    stays = last[places.ravel()] == np.arange(places.size)
    return g[index] * stays.reshape(places.shape)


setitem = define_op(
    _setitem,
    name="setitem",
    x=_kept,
    value=_value_rule,
    text="{x} with [{index}] = {value}",
    samples=lambda r: [
        ((r(3, 4), r(4), 1), {}),
        ((r(3, 4), r(), (slice(None), 2)), {}),
        ((r(3, 4), r(2, 1), np.array([0, 2])), {}),
        ((r(3, 4), r(3), np.eye(3, 4, dtype=bool)), {}),
    ],
)
