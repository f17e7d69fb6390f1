"""Running extremes, and running logarithms of sums of exponentials.

NumPy has them as a ufunc's `accumulate`, which takes Tensors too: `np.maximum.accumulate(t)`.
"""

from __future__ import annotations

import numpy as np

from ..core.tensor import unwrap
from .axes import narrow, normal_axes, wide
from .define import define_op
from .scans import recurrence

__all__ = ["cummax", "cummin", "logcumsumexp"]


def _samples(r):
    return [((r(5),), {}), ((r(3, 4),), {}), ((r(2, 3, 4), -1), {}), ((r(0, 2), 1), {})]


def _behind_a_first(value, rows, like):
    """Put a row of one number before rows that belong to the places between those of an array."""
    first = np.full((1, *rows.shape[1:]), value, rows.dtype)
    every = np.concatenate([first, rows])
    return every[: like.shape[0]]


def _sums_behind(g, passes):
    """Return s[j] = g[j] + passes[j + 1] * s[j + 1], from the last row to the first."""
    backwards = _behind_a_first(0, passes[1:][::-1], g)
    sums = recurrence(backwards, g[::-1])
    return sums[::-1]


# --- extremes -----------------------------------------------------------------------------------


def _checked(x, axis):
    if not np.ndim(x):
        raise TypeError("a single number has no axis to run along")
    return normal_axes(axis, np.ndim(x))[0]


def _cummax(x, axis=0):
    """The largest of the elements up to each one along the axis; nan from the first nan on."""
    return np.maximum.accumulate(x, _checked(x, axis))


def _cummin(x, axis=0):
    """The smallest of the elements up to each one along the axis; nan from the first nan on."""
    return np.minimum.accumulate(x, _checked(x, axis))


def _extremum_rule(g, out, x, axis):
    g = wide(np.moveaxis(g, axis, 0))
    x = np.moveaxis(unwrap(x), axis, 0)
    out = np.moveaxis(unwrap(out), axis, 0)
    ties = (x == out) | np.isnan(x)
    same = out[1:] == out[:-1]
    both_nan = np.isnan(out[1:]) & np.isnan(out[:-1])
    stays = _behind_a_first(0, same | both_nan, ties).astype(g.dtype)
    count = recurrence(stays, ties.astype(g.dtype))  # of the elements that share each extreme
    shares = ties * _sums_behind(g / count, stays)
    return np.moveaxis(shares, 0, axis)


cummax = define_op(
    _cummax,
    x=_extremum_rule,
    kinks="shared evenly among equal largest elements; of second order 0",
    numpy=((np.maximum, "accumulate"),),
    samples=_samples,
)

cummin = define_op(
    _cummin,
    x=_extremum_rule,
    kinks="shared evenly among equal smallest elements; of second order 0",
    numpy=((np.minimum, "accumulate"),),
    samples=_samples,
)

# --- logarithms of sums -------------------------------------------------------------------------


def _logcumsumexp(x, axis=0):
    """log(sum(exp(x))) over the elements up to each one along the axis, without overflow."""
    sums = np.logaddexp.accumulate(wide(x), _checked(x, axis))
    return narrow(sums, x)


def _logcumsumexp_rule(g, out, x, axis):
    g = wide(np.moveaxis(g, axis, 0))
    x = np.moveaxis(x, axis, 0)
    out = np.moveaxis(out, axis, 0)
    out = np.where(out == -np.inf, 0, out)  # all x are -inf: weights 0, not nan
    steps = out[:-1] - out[1:]
    parts = np.exp(np.where(steps > 0, 0, steps))  # of each sum in the next one
    sums = _sums_behind(g, _behind_a_first(0, parts, x))
    return np.moveaxis(np.exp(x - out) * sums, 0, axis)


logcumsumexp = define_op(
    _logcumsumexp,
    x=_logcumsumexp_rule,
    kinks="0 where all x up to an element are -inf; nan from an x that is inf on; of second "
    "order the same",
    numpy=((np.logaddexp, "accumulate"),),
    samples=_samples,
)
