"""What users give as axes, lengths and counts, checked; the errors name the function."""

from __future__ import annotations

import math
import operator

import numpy as np

__all__ = ["checked_axes", "checked_axis", "checked_integers", "each"]


def each(count):
    """The `flops` of an op that takes `count` operations for each element of its first input."""
    return lambda out, x, *others: count * math.prod(x)


def checked_integers(name, what, value):
    """`value`, an integer or a sequence of integers, as a tuple of Python's."""
    several = value if isinstance(value, (tuple, list)) else np.ravel(value)
    try:
        return tuple(operator.index(v) for v in several)
    except TypeError:
        raise TypeError(
            f"{name}: {what} must be an integer or a sequence of integers, not {value!r}"
        ) from None


def checked_axes(name, axis, ndim):
    """Axes as a tuple of different non-negative integers; None means all.

    Raises:
        TypeError: not integers.
        AxisError: an axis that an array of `ndim` axes does not have.
        ValueError: the same axis twice.
    """
    if axis is None:
        return tuple(range(ndim))
    given = checked_integers(name, "axis", axis)
    for a in given:
        if not -ndim <= a < ndim:
            raise np.exceptions.AxisError(f"{name}: axis {a} of an array that has {ndim} axes")
    if len({a % ndim for a in given}) < len(given):
        raise ValueError(f"{name}: axis={axis!r} names the same axis twice")
    return tuple(a % ndim for a in given)


def checked_axis(name, axis, ndim):
    """One axis as a non-negative integer."""
    found = checked_axes(name, axis, ndim)
    if axis is None or len(found) != 1:
        raise TypeError(f"{name}: axis must be one integer, not {axis!r}")
    return found[0]
