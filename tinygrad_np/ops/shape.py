"""Operations that rearrange elements without changing them."""

from __future__ import annotations

import numpy as np

from .axes import checked_axes, checked_axis, checked_integers, normal_axes
from .define import answers, define_op

__all__ = [
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "moveaxis",
    "reshape",
    "squeeze",
    "stack",
    "swapaxes",
    "transpose",
]

answers(np.shape)(lambda a: a.shape)
answers(np.ndim)(lambda a: a.ndim)
answers(np.size)(lambda a, axis=None: a.size if axis is None else a.shape[axis])


def _reshape(x, shape):
    """The same elements in another shape; one length may be -1, and follows from the others."""
    out = np.reshape(x, shape)
    if out.shape != shape and min(checked_integers("reshape", "shape", shape), default=0) < -1:
        raise ValueError(f"the shape {shape!r} has a negative length")  # NumPy takes it for -1
    return out


reshape = define_op(
    _reshape,
    x=lambda g, x_shape: g.reshape(x_shape),
    text="reshape({x}, {shape})",
    numpy=(np.reshape,),
    samples=lambda r: [((r(3, 4), (2, 6)), {}), ((r(3, 4), -1), {}), ((r(), (1, 1)), {})],
)


def _transpose(x, axes=None):
    """The axes in another order: reversed, or as the permutation `axes` says."""
    return np.transpose(x, axes)


def _transpose_back(g, axes):
    if axes is None:
        return g.transpose()
    axes = checked_integers("transpose", "axes", axes)
    order = [a % len(axes) for a in axes]
    return g.transpose(tuple(order.index(a) for a in range(len(order))))


transpose = define_op(
    _transpose,
    x=_transpose_back,
    numpy=(np.transpose,),
    samples=lambda r: [((r(2, 3, 4),), {}), ((r(2, 3, 4), (1, -1, 0)), {}), ((r(),), {})],
)


@answers(np.swapaxes)
def swapaxes(x, axis1, axis2):
    """x with two axes exchanged."""
    order = list(range(np.ndim(x)))
    first, second = (checked_axis("swapaxes", a, len(order)) for a in (axis1, axis2))
    order[first], order[second] = order[second], order[first]
    return transpose(x, order)


@answers(np.moveaxis)
def moveaxis(x, source, destination):
    """x with the axes at `source` moved to `destination`; the others keep their order."""
    ndim = np.ndim(x)
    starts, ends = (checked_axes("moveaxis", a, ndim) for a in (source, destination))
    if len(starts) != len(ends):
        raise ValueError(
            f"moveaxis: source {source} and destination {destination} differ in length"
        )
    order = [a for a in range(ndim) if a not in starts]
    for end, start in sorted(zip(ends, starts)):
        order.insert(end, start)
    return transpose(x, order)


def _expand_dims(x, axis):
    """New axes of length 1 at the given positions of the result."""
    return np.expand_dims(x, axis)


expand_dims = define_op(
    _expand_dims,
    x=lambda g, x_shape: g.reshape(x_shape),
    text="expand_dims({x}, {axis})",
    numpy=(np.expand_dims,),
    samples=lambda r: [((r(3, 4), 1), {}), ((r(3, 4), (0, -1)), {}), ((r(), 0), {})],
)


def _squeeze(x, axis=None):
    """Without its axes of length 1: all of them, or the given ones."""
    out = np.squeeze(x, axis)
    return out[...] if out is x else out  # a view, also where there is nothing to leave out


squeeze = define_op(
    _squeeze,
    x=lambda g, x_shape: g.reshape(x_shape),
    numpy=(np.squeeze,),
    samples=lambda r: [((r(1, 3, 1),), {}), ((r(1, 3, 1), -1), {}), ((r(),), {})],
)


def _broadcast_to(x, shape):
    """x repeated along new axes and axes of length 1 until it has the given shape."""
    return np.broadcast_to(x, shape)


broadcast_to = define_op(
    _broadcast_to,
    x=lambda g: g,
    text="broadcast({x}, {shape})",
    numpy=(np.broadcast_to,),
    samples=lambda r: [((r(3, 1), (2, 3, 4)), {}), ((r(4), (3, 4)), {}), ((r(), (2,)), {})],
)


def _concatenate(arrays, axis=0):
    """The arrays one behind the other along an axis they have; axis=None flattens them first."""
    return np.concatenate(arrays, axis)


def _own_part(g, arrays_shape, axis, i):
    """Pick the part of the joined gradient that belongs to input i."""
    if axis is None:
        sizes = [int(np.prod(shape, dtype=int)) for shape in arrays_shape]
        start = int(np.sum(sizes[:i], dtype=int))
        return g[start : start + sizes[i]].reshape(arrays_shape[i])
    axis = normal_axes(axis, g.ndim)[0]
    lengths = [shape[axis] for shape in arrays_shape]
    start = int(np.sum(lengths[:i], dtype=int))
    return g[(slice(None),) * axis + (slice(start, start + lengths[i]),)]


concatenate = define_op(
    _concatenate,
    variadic=True,
    arrays=_own_part,
    numpy=(np.concatenate,),
    samples=lambda r: [
        (((r(2, 3), r(4, 3), r(0, 3)),), {}),
        (((r(2, 3), r(2, 1)), -1), {}),
        (((r(2, 3), r(4)), None), {}),
    ],
)


def _stack(arrays, axis=0):
    """Arrays of one shape side by side along a new axis."""
    return np.stack(arrays, axis)


def _own_slice(g, axis, i):
    axis = normal_axes(axis, g.ndim)[0]
    return g[(slice(None),) * axis + (i,)]


stack = define_op(
    _stack,
    variadic=True,
    arrays=_own_slice,
    numpy=(np.stack,),
    samples=lambda r: [
        (((r(2, 3), r(2, 3)),), {}),
        (((r(2, 3), r(2, 3)), -1), {}),
        (((r(), r(), r()),), {}),
    ],
)
