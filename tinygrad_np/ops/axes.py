"""Axes, lengths and counts: normalized, and checked with errors that name the function.

Sums and counts of many numbers need a dtype that can hold them: see `wide`.
"""

from __future__ import annotations

import math
import operator

import numpy as np

from .mistakes import argument_text

_SINGLE_COUNTS = 2**24  # as far as float32 has every whole number; float16 ends at 65504


def each(count):
    """Make the `flops` of an op with `count` operations for each element of its first input."""
    return lambda out, x, *others: count * math.prod(x)


def normal_axes(axis, ndim):
    """Return axes as a tuple of non-negative integers; None means all."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(map(operator.index, axis if isinstance(axis, (tuple, list)) else (axis,)))
    for a in axes:
        if not -ndim <= a < ndim:
            raise np.exceptions.AxisError(a, ndim)
    return tuple(a % ndim for a in axes)


def floats(x):
    """Return integers and booleans as floats, in the dtype that NumPy's exp has for them.

    Where x is negated or subtracted: unsigned integers would wrap around, and the smallest signed
    one has no opposite.
    """
    dtype = getattr(x, "dtype", None)
    if dtype is None or dtype.kind in "fc":
        return x
    return x.astype(np.exp(dtype.type()).dtype)


def wide(x, count=0):
    """Return x in a dtype that can hold its sums, and numbers up to `count`.

    That is its own, but float32 for float16, and float64 for what float32 can't count.
    """
    char = x.dtype.char
    if count > _SINGLE_COUNTS and char in "ef":
        return x.astype(np.float64)
    return x.astype(np.float32) if char == "e" else x


def narrow(value, x):
    """Return what was computed of `wide(x)` in the dtype of x."""
    dtype = x.dtype
    if value.dtype is dtype or dtype.kind != "f":
        return value
    return value.astype(dtype)


def checked_integers(name, argument, value):
    """Return `value`, an integer or a sequence of integers, as a tuple of Python's."""
    integers = value if isinstance(value, (tuple, list)) else np.ravel(value)
    try:
        return tuple(map(operator.index, integers))
    except TypeError:
        raise TypeError(
            f"{name}: {argument} must be an integer or a sequence of integers, "
            f"not {argument_text(value)}"
        ) from None


def checked_axes(name, axis, ndim):
    """Return axes as a tuple of different non-negative integers; None means all.

    Raises:
        TypeError: not integers.
        AxisError: an axis that an array of `ndim` axes does not have.
        ValueError: the same axis twice.
    """
    if axis is None:
        return tuple(range(ndim))
    integers = checked_integers(name, "axis", axis)
    for a in integers:
        if not -ndim <= a < ndim:
            raise np.exceptions.AxisError(f"{name}: axis {a} of an array that has {ndim} axes")
    axes = tuple(a % ndim for a in integers)
    if len(set(axes)) < len(axes):
        raise ValueError(f"{name}: axis={axis!r} names the same axis twice")
    return axes


def checked_axis(name, axis, ndim):
    """Return one axis as a non-negative integer."""
    axes = checked_axes(name, axis, ndim)
    if axis is None or len(axes) != 1:
        raise TypeError(f"{name}: axis must be one integer, not {axis!r}")
    return axes[0]
