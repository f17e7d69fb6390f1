"""Forms of indexing: reading at an index, and writing there."""

from __future__ import annotations

import math

import numpy as np

from .graph import TRUTH, NoFormError, Value
from .reductions import axes_of, flat, flat_if_none
from .registry import form
from .shapes import expanded, reshaped

_LAST = np.iinfo(np.int64).max  # behind every end


def _parts(index, ndim):
    """Return an index as a list with a part for each axis, and None for each axis that is added.

    A part is a slice, an integer, or an array of integers; a mask is those at which it is true.
    """
    given = []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, (list, bool)):
            part = np.asarray(part)
        if getattr(part, "dtype", None) != TRUTH:
            given.append(part)
        elif isinstance(part, Value):
            raise NoFormError("a mask that is computed: use tinygrad_np.where")
        else:
            given += part.nonzero()
    used = sum(part is not None and part is not ... for part in given)
    rest = [slice(None)] * (ndim - used)
    dots = [k for k, part in enumerate(given) if part is ...]
    at = dots[0] if dots else len(given)
    return [*given[:at], *rest, *given[at + len(dots) :]]


# --- reading --------------------------------------------------------------------------------------


@form("getitem")
def _getitem(g, x, index):
    """Add axes, take slices, and then what is at integers."""
    parts = _parts(index, x.ndim)
    new = [k for k, part in enumerate(parts) if part is None]
    if new:
        shape = list(x.shape)
        for k in new:
            parts[k] = slice(None)
            shape.insert(k, 1)
        x = g.Unsqueeze(x, new)
        x.shape = tuple(shape)
    x = _sliced(g, x, parts)
    places = {k: part for k, part in enumerate(parts) if not isinstance(part, slice)}
    if len(places) > 1 and any(_shape(part) for part in places.values()):
        return _gathered(g, x, places)
    for axis in reversed(places):
        x = g.Gather(x, _integers(g, places[axis]), axis=axis)
    return x


@form("np.flip")
def _flip(g, x, axis=None):
    axes = axes_of(axis, x.ndim)
    backwards = slice(None, None, -1)
    return _sliced(g, x, [backwards if k in axes else slice(None) for k in range(x.ndim)])


def _sliced(g, x, parts):
    """Return x at the slices among the parts of an index."""
    slices = []
    shape = list(x.shape)
    for axis, part in enumerate(parts):
        if not isinstance(part, slice) or part == slice(None):
            continue
        step = 1 if part.step is None else int(part.step)
        first, behind = (0, _LAST) if step > 0 else (_LAST, -_LAST)
        start = first if part.start is None else part.start
        stop = behind if part.stop is None else part.stop
        slices.append((start, stop, axis, step))
        shape[axis] = len(range(*part.indices(shape[axis])))
    if not slices:
        return x
    out = g.Slice(x, *zip(*slices))
    out.shape = tuple(shape)
    return out


def _gathered(g, x, places):
    """Return x at places along several axes: move these to the front, and the result's back.

    It stands where the axes were if they are side by side, else in front.
    """
    axes = list(places)
    rest = [k for k in range(x.ndim) if k not in axes]
    moved = g.Transpose(x, perm=[*axes, *rest])
    shape = np.broadcast_shapes(*map(_shape, places.values()))
    out = g.GatherND(moved, _columns(g, places.values(), shape))
    if axes != list(range(axes[0], axes[0] + len(axes))) or not axes[0]:
        return out
    order = [len(shape) + k for k in range(len(rest))]
    order[axes[0] : axes[0]] = range(len(shape))
    return g.Transpose(out, perm=order)


def _columns(g, places, shape):
    """Return places as one array, with a last axis for the axes that they are in."""
    if not any(isinstance(part, Value) for part in places):
        return np.stack(np.broadcast_arrays(*places), -1)
    columns = []
    for part in places:
        wide = g.Expand(_integers(g, part), shape)
        columns.append(g.Unsqueeze(wide, [len(shape)]))
    return g.Concat(*columns, axis=-1)


def _integers(g, part):
    return part if isinstance(part, Value) else g.value(np.asarray(part))


def _shape(part):
    return part.shape if isinstance(part, Value) else np.shape(part)


# --- along one axis -------------------------------------------------------------------------------


@form("take")
def _take(g, x, indices, axis=None, mode="raise"):
    x, axis = flat_if_none(g, x, axis)
    length = x.shape[axis]
    places = _integers(g, indices)
    if mode == "wrap":
        places = g.Mod(places, length)
    elif mode == "clip":
        places = g.Min(g.Max(places, 0), length - 1)
    return g.Gather(x, places, axis=axis)


@form("take_along_axis")
def _take_along_axis(g, x, indices, axis=-1):
    """Broadcast both first, but along the axis: ONNX does not."""
    x, axis = flat_if_none(g, x, axis)
    places = _integers(g, indices)
    shapes = [list(value.shape) for value in (x, places)]
    lengths = [shape.pop(axis) for shape in shapes]
    operands = []
    for value, length in zip((x, places), lengths):
        wide = list(np.broadcast_shapes(*shapes))
        wide.insert(axis, length)
        operands.append(expanded(g, value, wide))
    return g.GatherElements(*operands, axis=axis)


# --- writing --------------------------------------------------------------------------------------


def _written(g, x, value, index, reduction):
    """Return x, with values combined with its elements at an index, in one axis of all elements."""
    if isinstance(index, Value):
        return _written_rows(g, x, value, index, reduction)
    if any(isinstance(part, Value) for part in _parts(index, x.ndim)):
        raise NoFormError("writing at an index that is computed, unless it is one of rows")
    places = np.arange(math.prod(x.shape)).reshape(x.shape)[index]
    values = flat(g, expanded(g, g.value(value, x.dtype), places.shape))
    places = places.reshape(-1)
    if reduction == "none" and len(np.unique(places)) < len(places):
        last = np.zeros(math.prod(x.shape), np.int64)
        last[places] = np.arange(len(places))  # of several writes to one place the last one counts
        order = np.unique(last[places])
        places = places[order]
        values = g.Gather(values, order, axis=0)
    out = g.ScatterND(flat(g, x), places[:, None], values, reduction=reduction)
    return reshaped(g, out, x.shape)


def _written_rows(g, x, value, index, reduction):
    """Do the same at rows of x that are computed, or where a computed mask is true."""
    if index.dtype == TRUTH:
        if reduction != "none" or _shape(value):
            raise NoFormError("a mask that is computed: use tinygrad_np.where")
        new_axes = list(range(index.ndim, x.ndim))
        mask = g.Unsqueeze(index, new_axes) if new_axes else index
        return g.Where(mask, g.value(value, x.dtype), x)
    if reduction == "none" and index.ndim:
        raise NoFormError("writing at positions that are computed and may come twice")
    values = expanded(g, g.value(value, x.dtype), (*index.shape, *x.shape[1:]))
    places = g.Unsqueeze(index, [index.ndim])
    return g.ScatterND(x, places, values, reduction=reduction)


def _writing(reduction):
    """Make the form of an op that writes with a reduction."""

    def add(g, x, value, index):
        dtype = (x if isinstance(x, Value) else value).dtype
        return _written(g, g.value(x, dtype), value, index, reduction)

    return add


form("setitem")(_writing("none"))
form("scatter_max")(_writing("max"))
form("scatter_min")(_writing("min"))


@form("scatter")
def _scatter(g, values, index, shape):
    zeros = g.value(np.zeros(g.shape, values.dtype))
    return _written(g, zeros, values, index, "add")
