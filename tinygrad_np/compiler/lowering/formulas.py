"""NumPy's functions as formulas of simpler calls, in the order in which NumPy computes them.

A formula has the function's own signature, and runs on stand-ins for arrays: what it calls are the
statements that stand for the call.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..standins import StandIn
from .memory import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

FORMULAS: dict[str, Callable] = {}

_LONGEST = 64  # steps of a running value that is written out


def formula(function: Callable) -> Callable:
    """Make a function the formula of the NumPy function of the same name."""
    FORMULAS[function.__name__.strip("_")] = function
    return function


def _axes(a: Any, axis: Any) -> tuple[int, ...]:
    return tuple(range(a.ndim)) if axis is None else normalize_axis_tuple(axis, a.ndim)


# --- statistics -----------------------------------------------------------------------------------


@formula
def var(a, axis=None, dtype=None, ddof=0, keepdims=False, *, correction=None):
    """The mean of the squares of what is left when the mean is taken away."""
    if dtype is None and a.dtype.kind in "biu":
        dtype = float
    count = math.prod(a.shape[k] for k in _axes(a, axis))
    mean = np.add.reduce(a, axis=axis, dtype=dtype, keepdims=True) / count
    squares = np.square(a - mean)
    degrees = max(count - (ddof if correction is None else correction), 0)
    return np.add.reduce(squares, axis=axis, dtype=dtype, keepdims=keepdims) / np.float64(degrees)


@formula
def std(a, axis=None, dtype=None, ddof=0, keepdims=False, *, correction=None):
    """The root of the variance."""
    return np.sqrt(var(a, axis, dtype, ddof, keepdims, correction=correction))


@formula
def norm(x, ord=None, axis=None, keepdims=False):
    """Norms of vectors, and those of matrices that need no singular values."""
    if x.dtype.kind != "f":
        x = x.astype(float)
    whole = (ord is None) or (ord in ("f", "fro") and x.ndim == 2) or (ord == 2 and x.ndim == 1)
    axes = _axes(x, axis)
    vector, matrix = len(axes) == 1, len(axes) == 2
    squares = (vector and ord in (None, 2)) or (matrix and ord in (None, "fro", "f"))
    if (axis is None and whole) or squares:
        return np.sqrt(np.add.reduce(x * x, axis=axes, keepdims=keepdims))
    if vector:
        return _vector_norm(abs(x), ord, axes, keepdims)
    if matrix and abs(ord) in (1, math.inf):
        added, other = axes if abs(ord) == 1 else axes[::-1]
        sums = np.add.reduce(abs(x), axis=added, keepdims=True)
        pick = np.maximum if ord > 0 else np.minimum
        largest = pick.reduce(sums, axis=other, keepdims=True)
        return largest if keepdims else largest.reshape(_without(x.shape, axes))
    raise Unsupported("a norm by singular values")


def _without(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for k, n in enumerate(shape) if k not in axes)


def _vector_norm(sizes, ord, axes, keepdims):
    if abs(ord) == math.inf:
        pick = np.maximum if ord > 0 else np.minimum
        return pick.reduce(sizes, axis=axes, keepdims=keepdims)
    if ord == 0:
        nonzero = (sizes != 0).astype(sizes.dtype)
        return np.add.reduce(nonzero, axis=axes, keepdims=keepdims)
    powers = sizes if ord == 1 else np.power(sizes, ord)
    total = np.add.reduce(powers, axis=axes, keepdims=keepdims)
    return total if ord == 1 else np.power(total, np.reciprocal(ord, dtype=sizes.dtype))


@formula
def searchsorted(a, v, side="left", sorter=None):
    """The number of elements that come before; nan comes last."""
    if sorter is not None:
        raise Unsupported("the argument sorter")
    v = np.expand_dims(v, -1)
    if side == "left":
        before = np.logical_not(np.logical_or(a >= v, np.isnan(a)))
    else:
        before = np.logical_or(a <= v, np.isnan(v))
    return np.add.reduce(before, axis=-1)


@formula
def digitize(x, bins, right=False):
    """The number of bins that begin before; bins that fall count from the other end."""
    bins = np.asarray(_known(bins))
    side = "left" if right else "right"
    if len(bins) < 2 or bins[0] <= bins[-1]:
        return searchsorted(bins, x, side)
    return len(bins) - searchsorted(bins[::-1], x, side)


@formula
def array_equal(a1, a2, equal_nan=False):
    """Say whether two arrays are the same everywhere."""
    if np.shape(a1) != np.shape(a2):
        return np.False_
    same = np.equal(a1, a2)
    if equal_nan:
        same = np.logical_or(same, np.logical_and(np.isnan(a1), np.isnan(a2)))
    return np.all(same)


# --- element by element ---------------------------------------------------------------------------


@formula
def pow(x, y):
    """The operator of NumPy's scalars."""
    return np.power(x, y)


@formula
def sinc(x):
    """sin(pi x) / (pi x), with a small number in the place of 0."""
    x = np.pi * x
    y = np.where(x, x, np.finfo(x.dtype).eps)
    return np.sin(y) / y


@formula
def round(a, decimals=0):
    """Round to so many decimals, halves to even."""
    if a.dtype.kind in "iu" and decimals >= 0:
        return np.positive(a)
    if a.dtype.kind != "f":
        raise Unsupported("integers that are rounded to tens")
    ten = 10.0 ** abs(decimals)
    if decimals == 0:
        return np.rint(a)
    return np.rint(a * ten) / ten if decimals > 0 else np.rint(a / ten) * ten


@formula
def isposinf(x):
    """Say of each element whether it is infinity."""
    return np.equal(x, math.inf)


@formula
def isneginf(x):
    """Say of each element whether it is minus infinity."""
    return np.equal(x, -math.inf)


@formula
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """Put numbers in the place of nan and infinities."""
    if x.dtype.kind != "f":
        return np.positive(x)
    limits = np.finfo(x.dtype)
    for value, number in (
        (math.inf, limits.max if posinf is None else posinf),
        (-math.inf, limits.min if neginf is None else neginf),
    ):
        x = np.where(np.equal(x, value), x.dtype.type(number), x)
    return np.where(np.isnan(x), x.dtype.type(nan), x)


def running(function: np.ufunc, a: Any, axis: int = 0) -> Any:
    """Write out ufunc.accumulate, where no backend has a loop for it."""
    axis %= a.ndim
    length = a.shape[axis]
    if length > _LONGEST:
        raise Unsupported(f"running values of more than {_LONGEST} elements")
    parts = np.split(a, length, axis)
    return np.concatenate([*itertools.accumulate(parts, function)], axis)


@formula
def outer(a, b):
    """Every element of one times every element of the other."""
    return a.reshape(-1, 1) * b.reshape(1, -1)


# --- moving elements ------------------------------------------------------------------------------


@formula
def roll(a, shift, axis=None):
    """Move elements along axes, those behind the end to the beginning."""
    if axis is None:
        return roll(a.reshape(-1), shift, 0).reshape(a.shape)
    axes = normalize_axis_tuple(axis, a.ndim, allow_duplicate=True)
    for step, k in np.broadcast(_known(shift), axes):
        cut = -int(step) % (a.shape[k] or 1)
        first, second = np.split(a, [cut], int(k))
        a = np.concatenate([second, first], int(k))
    return np.positive(a)


@formula
def repeat(a, repeats, axis=None):
    """Repeat each element, all as often or each as it is said."""
    if axis is None:
        a, axis = a.reshape(-1), 0
    axis %= a.ndim
    counts = np.atleast_1d(_known(repeats))
    if len(counts) > 1:
        return np.take(a, np.repeat(np.arange(len(counts)), counts), axis)
    count = int(counts[0])
    shape = list(a.shape)
    shape.insert(axis + 1, count)
    whole = np.broadcast_to(np.expand_dims(a, axis + 1), shape)
    shape[axis : axis + 2] = [count * a.shape[axis]]
    return whole.reshape(shape)


def _known(value: Any) -> Any:
    if isinstance(value, StandIn):
        raise Unsupported("numbers that are computed in each step, and decide on a shape")
    return value


@formula
def tile(A, reps):
    """Repeat an array along axes."""
    counts = np.atleast_1d(_known(reps)).tolist()
    for _ in range(len(counts) - A.ndim):
        A = np.expand_dims(A, 0)
    first = A.ndim - len(counts)
    for k, count in enumerate(counts):
        A = np.concatenate([A] * count, first + k)
    return np.positive(A)


@formula
def pad(array, pad_width, mode="constant", constant_values=0):
    """Put elements around an array: a number, or some of its own."""
    widths = np.broadcast_to(_known(pad_width), (array.ndim, 2)).tolist()
    for k, (before, after) in enumerate(widths):
        if mode != "constant":
            positions = np.pad(np.arange(array.shape[k]), (before, after), mode)
            array = np.take(array, positions, k)
            continue
        if np.ndim(constant_values):
            raise Unsupported("a number for each side")
        shape = list(array.shape)
        parts = []
        for width in (before, after):
            shape[k] = width
            parts.append(np.full(shape, constant_values, array.dtype))
        array = np.concatenate([parts[0], array, parts[1]], k)
    return array
