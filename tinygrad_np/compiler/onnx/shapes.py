"""Forms of what puts elements into other places: shapes, joining, splitting, repeating."""

from __future__ import annotations

import numpy as np

from .graph import NoFormError, Value
from .reductions import axes_of, flat, flat_if_none
from .registry import form


def reshaped(g, x, shape):
    """Return the same elements in another shape."""
    has_zero = {"allowzero": 1} if 0 in shape else {}
    out = g.Reshape(x, shape, **has_zero)
    out.shape = tuple(shape)
    return out


def expanded(g, x, shape):
    """Return x broadcast to a shape."""
    if x.shape == tuple(shape):
        return x
    out = g.Expand(x, shape)
    out.shape = tuple(shape)
    return out


@form("reshape", "np.ravel", "np.flatten")
def _reshape(g, x, *_, **named):
    return reshaped(g, x, g.shape)


@form("np.zeros_like", "np.empty_like")
def _zeros_like(g, x, *_, **__):
    """Return zeros, into which something is written later: else they are a constant."""
    return g.value(np.zeros(g.shape))


@form("squeeze")
def _squeeze(g, x, axis=None):
    ones = [k for k, n in enumerate(x.shape) if n == 1]
    axes = ones if axis is None else axes_of(axis, x.ndim)
    return g.Squeeze(x, axes) if axes else x


@form("expand_dims")
def _expand_dims(g, x, axis):
    axes = axes_of(axis, len(g.shape))
    return g.Unsqueeze(x, axes)


@form("broadcast_to")
def _broadcast_to(g, x, shape):
    return expanded(g, x, g.shape)


@form("transpose")
def _transpose(g, x, axes=None):
    order = range(x.ndim)[::-1] if axes is None else axes_of(axes, x.ndim)
    return g.Transpose(x, perm=list(order))


@form("np.swapaxes")
def _swapaxes(g, x, axis1, axis2):
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return g.Transpose(x, perm=order)


# --- joining and splitting ------------------------------------------------------------------------


@form("concatenate")
def _concatenate(g, arrays, axis=0):
    values = _alike(g, arrays)
    if axis is None:
        values = [flat(g, x) for x in values]
        axis = 0
    return g.Concat(*values, axis=int(axis))


@form("stack")
def _stack(g, arrays, axis=0):
    axis = axis % len(g.shape)
    rows = [g.Unsqueeze(x, [axis]) for x in _alike(g, arrays)]
    return g.Concat(*rows, axis=axis)


def _alike(g, arrays):
    """Return arrays as values of one dtype, that of those that are computed."""
    dtype = next(x.dtype for x in arrays if isinstance(x, Value))
    return [g.cast(x, dtype) for x in arrays]


@form("split")
def _split(g, x, indices_or_sections, axis=0):
    axis = int(axis) % x.ndim
    pieces = np.split(np.arange(x.shape[axis]), indices_or_sections)
    lengths = list(map(len, pieces))
    if sum(lengths) != x.shape[axis]:
        raise NoFormError("split into parts that overlap")
    return g.add_several("Split", len(lengths), x, lengths, axis=axis)


@form("repeat")
def _repeat(g, x, repeats, axis=None):
    x, axis = flat_if_none(g, x, axis)
    places = np.arange(x.shape[axis])
    return g.Gather(x, np.repeat(places, repeats), axis=axis)


@form("roll")
def _roll(g, x, shift, axis=None):
    shape = x.shape
    if axis is None:
        x = flat(g, x)
        shift, axis = np.sum(shift), 0
    lengths = x.shape
    for by, k in np.broadcast(shift, axis):
        k = int(k) % x.ndim
        places = np.roll(np.arange(lengths[k]), by)
        x = g.Gather(x, places, axis=k)
        x.shape = lengths
    return x if lengths == shape else reshaped(g, x, shape)
