"""Operations that repeat, reverse, shift, pad or pick elements by their position.

Most are composed of reshape, getitem and scatter, and take their gradients from these.
"""

from __future__ import annotations

import operator

import numpy as np

from .axes import checked_axes, checked_axis, checked_integers, wide
from .define import answers, define_op
from .elementwise import where
from .index import getitem, scatter, setitem, take
from .operands import operand
from .reduce import sum
from .shape import broadcast_to, concatenate, expand_dims, moveaxis, reshape, swapaxes

__all__ = [
    "diag",
    "diag_embed",
    "diagonal",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "pad",
    "ravel",
    "repeat",
    "roll",
    "rot90",
    "tile",
    "trace",
    "tril",
    "triu",
]


@answers(np.ravel)
def ravel(x):
    """The elements along one axis, those of the last axis next to each other."""
    return reshape(x, -1)


def flatten(x, order: str = "C"):
    """The same as `ravel`; the only order is "C".

    Raises:
        ValueError: another order, such as the number of the first axis to join.
    """
    if order != "C":
        fix = "t.reshape(len(t), -1) keeps the first axis"
        raise ValueError(f"flatten(x) joins all axes in the order 'C', not {order!r}: {fix}")
    return reshape(x, -1)


# --- reversed and shifted -----------------------------------------------------------------------


@answers(np.flip)
def flip(x, axis=None):
    """The elements in reverse order along the given axes, or all."""
    steps = [slice(None)] * np.ndim(x)
    for a in checked_axes("flip", axis, len(steps)):
        steps[a] = slice(None, None, -1)
    return getitem(x, tuple(steps))


@answers(np.fliplr)
def fliplr(x):
    """Each row reversed: flip along axis 1."""
    return flip(x, checked_axis("fliplr", 1, np.ndim(x)))


@answers(np.flipud)
def flipud(x):
    """The rows in reverse order: flip along axis 0."""
    return flip(x, checked_axis("flipud", 0, np.ndim(x)))


def _roll(x, shift, axis=None):
    """Elements moved on by `shift` places along an axis, the last ones to the front."""
    checked_integers("roll", "shift", shift)  # np.roll would cut off what follows the point
    return np.roll(x, shift, axis)


roll = define_op(
    _roll,
    x=lambda g, shift, axis: np.roll(g, np.negative(shift), axis),
    text="roll({x}, {shift})",
    numpy=(np.roll,),
    samples=lambda r: [
        ((r(5), 2), {}),
        ((r(3, 4), -1), {}),
        ((r(3, 4), 1, -1), {}),
        ((r(2, 3, 4), (1, -2), (0, 2)), {}),
        ((r(0, 3), 1, 0), {}),
    ],
)


@answers(np.rot90)
def rot90(x, k=1, axes=(0, 1)):
    """Turned k times by 90 degrees in the plane of two axes, from the first to the second."""
    plane = checked_axes("rot90", axes, np.ndim(x))
    if axes is None or len(plane) != 2:
        raise ValueError(f"rot90: axes must be two axes, not {axes!r}")
    turns = operator.index(k) % 4
    if turns == 0:
        return getitem(x, ...)
    if turns == 2:
        return flip(x, plane)
    if turns == 1:
        return swapaxes(flip(x, plane[1]), *plane)
    return flip(swapaxes(x, *plane), plane[1])


# --- repeated -----------------------------------------------------------------------------------


def _counts(name, argument, value):
    """Return one or several counts as a tuple, none of them negative."""
    counts = checked_integers(name, argument, value)
    if any(c < 0 for c in counts):
        raise ValueError(f"{name}: {argument} must not be negative, it is {value!r}")
    return counts


@answers(np.tile)
def tile(x, reps):
    """Copies of the whole array side by side, `reps` of them along each axis."""
    counts = _counts("tile", "reps", reps)
    shape = np.shape(x)
    shape = (1,) * (len(counts) - len(shape)) + shape
    counts = (1,) * (len(shape) - len(counts)) + counts
    once, repeated, joined = [], [], []
    for c, n in zip(counts, shape):
        once += [1, n]
        repeated += [c, n]
        joined.append(c * n)
    copies = broadcast_to(reshape(x, tuple(once)), tuple(repeated))
    return reshape(copies, tuple(joined))


def _repetition(x_shape, repeats, axis):
    """Return the shape and axis of what is repeated, and one count, or one for each element."""
    if axis is None or not x_shape:
        x_shape = (int(np.prod(x_shape, dtype=int)),)
    axis = checked_axis("repeat", 0 if axis is None else axis, len(x_shape))
    counts = _counts("repeat", "repeats", repeats)
    if len(counts) not in (1, x_shape[axis]):
        raise ValueError(
            f"{len(counts)} repeats for the {x_shape[axis]} elements along axis {axis} of {x_shape}"
        )
    return x_shape, axis, counts


def _repeat(x, repeats, axis=None):
    """Each element repeated along an axis (of the flattened array if None).

    `repeats` is one number for all elements, or one for each.
    """
    _repetition(np.shape(x), repeats, axis)  # which checks them
    return np.repeat(x, repeats, axis)


def _repeat_back(g, x_shape, repeats, axis):
    g = wide(g)
    shape, axis, counts = _repetition(x_shape, repeats, axis)
    before, n, count = (slice(None),) * axis, shape[axis], counts[0]
    if len(counts) > 1:
        places = np.repeat(np.arange(n), counts)
        total = scatter(g, (*before, places), shape)
    elif 0 < count < 8:  # much faster than a sum over a short axis
        total = g[before + (slice(None, None, count),)]
        for k in range(1, count):
            total = total + g[before + (slice(k, None, count),)]
    else:
        copies = g.reshape((*shape[:axis], n, count, *shape[axis + 1 :]))
        total = copies.sum(axis=axis + 1)
    return total.reshape(x_shape)


repeat = define_op(
    _repeat,
    x=_repeat_back,
    text="repeat({x}, {repeats})",
    numpy=(np.repeat,),
    samples=lambda r: [
        ((r(2, 3), 2), {}),
        ((r(2, 3), 3, 1), {}),
        ((r(2, 3), 9, 0), {}),
        ((r(2, 2), 0), {}),
        ((r(3, 2), [2, 0, 1]), {"axis": 0}),
        ((r(2, 3), np.array([1, 0, 3])), {"axis": -1}),
        ((r(), 2), {}),
    ],
)


# --- padded -------------------------------------------------------------------------------------

_PAD_MODES = ("edge", "reflect", "symmetric", "wrap")


@answers(np.pad)
def pad(x, pad_width, mode="constant", *, constant_values=0):
    """New elements before and after each axis.

    Args:
        x: the array.
        pad_width: how many: a number, a pair (before, after) for every axis, or one for each.
        mode: `"constant"`; `"edge"` (the outermost element), `"reflect"` and `"symmetric"`
            (mirrored, the edge once or twice), `"wrap"` (from the other side).
        constant_values: the new elements of mode `"constant"`, in the forms of `pad_width`.

    Raises:
        TypeError: widths that are not integers.
        ValueError: negative widths, or of a form that does not fit; an unknown mode; any mode
            but `"constant"` along an axis without elements.
    """
    shape = np.shape(x)
    if not shape:
        raise ValueError("pad: a 0-d array has no axis to pad")
    try:
        widths = np.broadcast_to(np.asarray(pad_width), (len(shape), 2))
    except ValueError:
        raise ValueError(f"pad: pad_width {pad_width!r} does not fit the shape {shape}") from None
    _counts("pad", "pad_width", widths)
    if mode == "constant":
        x = operand(x)
        frame = np.pad(np.zeros(shape, x.dtype), widths, constant_values=constant_values)
        inside = tuple(slice(before, before + n) for (before, _), n in zip(widths, shape))
        return setitem(frame, x, inside)
    if mode not in _PAD_MODES:
        known = ", ".join(map(repr, ("constant", *_PAD_MODES)))
        raise ValueError(f"pad: mode must be one of {known}, not {mode!r}")
    if constant_values != 0:
        raise ValueError(f"pad: constant_values have no meaning in mode {mode!r}")
    x = getitem(x, ...)
    for axis, n in enumerate(shape):
        if widths[axis].any():
            if n == 0:
                raise ValueError(f"pad: mode {mode!r} has nothing to repeat along axis {axis}")
            places = np.pad(np.arange(n), widths[axis], mode=mode)
            before = widths[axis, 0]
            # The ends alone are picked: adding their few gradients back costs little.
            first = take(x, places[:before], axis)
            last = take(x, places[before + n :], axis)
            x = concatenate((first, x, last), axis)
    return x


# --- diagonals and triangles --------------------------------------------------------------------


def _triangle(x, mask):
    """Return x with zeros where the mask is false."""
    zero = np.zeros((), operand(x).dtype)
    return where(mask, x, zero)


def _below(name, x, k):
    """Return the mask of the elements of each matrix that are on or below diagonal k."""
    shape = np.shape(x)
    if not shape:
        raise ValueError(f"{name} needs at least one axis, not a 0-d array")
    rows, columns = shape[-2:] if len(shape) > 1 else shape * 2
    return np.tri(rows, columns, operator.index(k), dtype=bool)


@answers(np.tril)
def tril(x, k=0):
    """Each matrix with zeros above diagonal k (0: the main one, 1: the one above it)."""
    return _triangle(x, _below("tril", x, k))


@answers(np.triu)
def triu(x, k=0):
    """Each matrix with zeros below diagonal k (0: the main one, 1: the one above it)."""
    return _triangle(x, ~_below("triu", x, k - 1))


@answers(np.diagonal)
def diagonal(x, offset=0, axis1=0, axis2=1):
    """The elements on a diagonal of the plane of two axes, along a new last axis."""
    plane = checked_axes("diagonal", (axis1, axis2), np.ndim(x))
    offset = operator.index(offset)
    x = moveaxis(x, plane, (-2, -1))
    *before, rows, columns = np.shape(x)
    length = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    start = offset if offset >= 0 else -offset * columns
    step = columns + 1
    flat = reshape(x, (*before, rows * columns))
    return getitem(flat, (..., slice(start, start + length * step, step)))


@answers(np.diag)
def diag(x, k=0):
    """A matrix with x on diagonal k if x is 1-D; diagonal k of x if it is a matrix."""
    shape = np.shape(x)
    if len(shape) == 2:
        return diagonal(x, k)
    if len(shape) != 1:
        raise ValueError(f"diag: x must have one axis or two, not the shape {shape}")
    k = operator.index(k)
    n = shape[0] + abs(k)
    start = k if k >= 0 else -k * n
    flat = scatter(x, slice(start, start + shape[0] * (n + 1), n + 1), (n * n,))
    return reshape(flat, (n, n))


def diag_embed(x, offset=0, axis1=-2, axis2=-1):
    """Matrices of zeros with the rows of x on a diagonal, in the plane of two axes of the result.

    The inverse of `diagonal`: x of shape (..., n) gives matrices of n + |offset| rows.
    """
    x, offset = operand(x), operator.index(offset)
    if not x.ndim:
        raise ValueError("diag_embed needs an axis of elements, not a 0-d array")
    plane = checked_axes("diag_embed", (axis1, axis2), x.ndim + 1)
    n = x.shape[-1] + abs(offset)
    padded = pad(x, [(0, 0)] * (x.ndim - 1) + [(0, abs(offset))])
    lines = expand_dims(padded, -1 if offset >= 0 else -2)
    columns = np.arange(n)
    on_diagonal = columns - columns[:, None] == offset
    return moveaxis(_triangle(lines, on_diagonal), (-2, -1), plane)


@answers(np.trace)
def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of the elements on a diagonal of the plane of two axes."""
    return sum(diagonal(x, offset, axis1, axis2), axis=(-1,))
