"""Indexing: reading, scattering back, and writing a part of an array.

`getitem` and `scatter` are each other's adjoint. Indices are anything that NumPy takes: integers,
slices, `...`, `None`, integer and boolean arrays, and tuples of these.
"""

from __future__ import annotations

import numpy as np

from ..core.doors import NoArrayError, as_target
from ..core.tensor import Tensor, as_array
from .axes import checked_axis, narrow, wide
from .define import define_op

__all__ = [
    "getitem",
    "scatter",
    "scatter_max",
    "scatter_min",
    "setitem",
    "take",
    "take_along_axis",
]


def plain_index(index):
    """Replace Tensors and lists in an index by arrays."""
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if isinstance(index, Tensor):
        if index.dtype.kind not in "iub":
            raise IndexError(
                f"a Tensor used as an index must hold integers or booleans, not {index.dtype}"
            )
        return index.data
    if isinstance(index, list):
        return as_array(index) if index else np.array(index, int)
    if isinstance(index, np.ndarray) and type(index) is not np.ndarray:
        return as_array(index)
    return index


def _may_repeat(index):
    """Say whether an index can pick an element twice: only arrays of integers can do that."""
    for part in index if isinstance(index, tuple) else (index,):
        array = np.asarray(part) if isinstance(part, list) else part
        if getattr(array, "ndim", 0) and array.dtype.kind != "b":
            return True
    return False


def _places(x):
    """Return the position of each element in the flattened array."""
    return as_array(np.arange(x.size).reshape(x.shape))


def _scatter(values, index, shape):
    """Zeros of the given shape, with the values added at the index (repeated ones add up)."""
    values = as_target(values, index)
    out = np.zeros_like(wide(values), shape=shape, order="C")
    if not _may_repeat(index):
        out[index] = values
    elif out.ndim == 1 or np.size(values) < 500 or 4 * np.size(values) < out.size:
        np.add.at(out, index, values)
    else:  # NumPy adds at 1-D positions several times faster, which pays for finding them
        places = getitem(_places(out), index)
        values = np.broadcast_to(values, places.shape)
        np.add.at(out.reshape(-1), places.reshape(-1), values.reshape(-1))
    return narrow(out, values)


def _scatter_back(g, index):
    return getitem(g, index)


scatter = define_op(
    _scatter,
    values=_scatter_back,
    text="scatter({values}, {index}, {shape})",
    samples=lambda r: [
        ((r(2, 4), slice(0, 2), (3, 4)), {}),
        ((r(3), np.array([1, 1, 0]), (4,)), {}),
    ],
)


def _getitem(x, index):
    """The elements that the index picks."""
    return as_target(x, index)[index]


getitem = define_op(
    _getitem,
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
    out = np.copy(as_target(x, value, index))
    out[index] = value
    return out


def _setitem_x(g, index):
    """Set the gradient of the elements that were overwritten to 0."""
    return setitem(g, 0, index)


def _setitem_value(g, index):
    """Pick the gradient of the written value; of a position written twice, the last one stays."""
    written = getitem(g, index)
    if not _may_repeat(index):
        return written
    places = getitem(_places(g), index)
    flat, order = places.ravel(), np.arange(places.size)
    last = np.zeros_like(places, shape=g.size)
    last[flat] = order
    stays = last[flat] == order
    return written * stays.reshape(places.shape)


setitem = define_op(
    _setitem,
    x=_setitem_x,
    value=_setitem_value,
    text="{x} with [{index}] = {value}",
    samples=lambda r: [
        ((r(3, 4), r(4), 1), {}),
        ((r(3, 4), r(), (slice(None), 2)), {}),
        ((r(3, 4), r(2, 1), np.array([0, 2])), {}),
        ((r(3, 4), r(3), np.eye(3, 4, dtype=bool)), {}),
    ],
)


# --- along one axis -----------------------------------------------------------------------------


def _positions(indices):
    """Return indices as an array, which must hold integers."""
    try:
        indices = as_array(plain_index(indices))
    except NoArrayError as error:
        indices = error.stand_in
    if indices.dtype.kind not in "iu":
        raise TypeError(f"indices must be integers, not {indices.dtype}")
    return indices


def _flat_shape(shape):
    """Return the shape of an array flattened."""
    return (int(np.prod(shape, dtype=int)),)


def _take(x, indices, axis=None, *, mode="raise"):
    """The elements (or slices) at integer positions along an axis; of the flattened array if None.

    Positions outside raise an IndexError, or with `mode="wrap"` start again from the other end,
    or with `mode="clip"` mean the nearest end.
    """
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"mode must be 'raise', 'wrap' or 'clip', not {mode!r}")
    positions = _positions(indices)
    return np.take(as_target(x, positions), positions, axis, mode=mode)


def _take_back(g, x_shape, indices, axis, mode):
    indices = _positions(indices)
    shape = _flat_shape(x_shape) if axis is None or not x_shape else x_shape
    axis = checked_axis("take", 0 if axis is None else axis, len(shape))
    if mode == "wrap":
        indices = indices % shape[axis]
    elif mode == "clip":
        indices = np.clip(indices, 0, shape[axis] - 1)
    return scatter(g, (slice(None),) * axis + (indices,), shape).reshape(x_shape)


take = define_op(
    _take,
    x=_take_back,
    text="take({x}, {indices})",
    numpy=(np.take,),
    samples=lambda r: [
        ((r(4), np.array([[0, 2], [2, -1]])), {}),
        ((r(3, 4), [1, 1, 11]), {}),
        ((r(3, 4), 2), {"axis": 1}),
        ((r(2, 3, 2), np.array([2, 0, 2]), -2), {}),
        ((r(4), np.array([5, -1])), {"mode": "wrap"}),
        ((r(3, 4), np.array([5, -1]), 0), {"mode": "clip"}),
    ],
)


def _flat_places(indices, axis, shape):
    """Return the positions, in the flattened array, that `take_along_axis` picks from."""
    indices = _positions(indices)
    if axis is None:
        axis, shape = 0, _flat_shape(shape)
    axis = checked_axis("take_along_axis", axis, len(shape))
    if indices.ndim != len(shape):
        raise ValueError(f"indices {indices.shape} need as many axes as {shape} has")
    n = shape[axis]
    if indices.size:
        low, high = indices.min(), indices.max()
        if low < -n or high >= n:
            wrong = high if high >= n else low
            raise IndexError(f"index {wrong} is out of bounds for axis {axis} with size {n}")
        if type(indices) is not np.ndarray or low < 0:  # a recording takes one way for all values
            indices = np.where(indices < 0, indices + n, indices)
    (size,) = _flat_shape(shape)
    (step,) = _flat_shape(shape[axis + 1 :])
    first = np.arange(size).reshape(shape)
    first = first[(slice(None),) * axis + (slice(0, 1),)]
    return first + indices * step


def _take_along_axis(x, indices, axis=-1):
    """Elements at positions along an axis, given for each row apart, as `argsort` gives them."""
    places = _flat_places(indices, axis, np.shape(x))
    return as_target(np.reshape(x, -1), places)[places]


def _take_along_axis_back(g, x_shape, indices, axis):
    # In one axis, because that is where NumPy adds fastest.
    places = _flat_places(indices, axis, x_shape)
    flat = scatter(g.reshape(-1), places.reshape(-1), _flat_shape(x_shape))
    return flat.reshape(x_shape)


take_along_axis = define_op(
    _take_along_axis,
    x=_take_along_axis_back,
    text="take_along({x}, {indices})",
    numpy=(np.take_along_axis,),
    samples=lambda r: [
        ((r(3, 4), np.array([[0], [3], [-1]]), 1), {}),
        ((r(3, 2), np.array([[0, 2], [2, 2], [1, 1], [0, 0]]), 0), {}),
        ((r(2, 3), np.array([5, 5, 0]), None), {}),
        ((r(2, 3), np.array([[2, 2]]), -1), {}),
    ],
)


# --- the largest of what is there and what is written -------------------------------------------


def _scatter_max(x, value, index):
    """A copy of x, each indexed element raised to the value where that is larger."""
    out = np.copy(as_target(x, value, index))
    np.maximum.at(out, index, value)
    return out


def _scatter_min(x, value, index):
    """A copy of x, each indexed element lowered to the value where that is smaller."""
    out = np.copy(as_target(x, value, index))
    np.minimum.at(out, index, value)
    return out


def _wins(g, value, out, index):
    """Return 1 for the written values that are the result, else 0."""
    return (value == getitem(out, index)).astype(g.dtype)


def _part_of_each(g, x, value, out, index):
    """Divide the gradient by the number of values that equal the result."""
    g = wide(g)
    count = (x == out).astype(g.dtype) + scatter(_wins(g, value, out, index), index, x.shape)
    return g / count


def _scatter_extremum_x(g, x, value, out, index):
    return _part_of_each(g, x, value, out, index) * (x == out)


def _scatter_extremum_value(g, x, value, out, index):
    return getitem(_part_of_each(g, x, value, out, index), index) * _wins(g, value, out, index)


def _extremum_samples(r):
    return [
        ((r(4), r(3), np.array([1, 1, 0])), {}),
        ((r(3, 4), r(), (slice(None), 2)), {}),
        ((r(3, 4), r(2, 1), np.array([0, 2])), {}),
        ((r(3, 4), r(3), np.eye(3, 4, dtype=bool)), {}),
    ]


scatter_max = define_op(
    _scatter_max,
    x=_scatter_extremum_x,
    value=_scatter_extremum_value,
    text="{x} with [{index}] = max({x}[{index}], {value})",
    kinks="shared evenly among equal largest elements; of second order 0",
    samples=_extremum_samples,
)

scatter_min = define_op(
    _scatter_min,
    x=_scatter_extremum_x,
    value=_scatter_extremum_value,
    text="{x} with [{index}] = min({x}[{index}], {value})",
    kinks="shared evenly among equal smallest elements; of second order 0",
    samples=_extremum_samples,
)
