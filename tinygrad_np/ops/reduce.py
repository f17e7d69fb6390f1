"""Operations that reduce axes: sum, mean, max, min, var, std.

`axis` is None (all axes), an integer, or a tuple of integers; `keepdims=True` keeps the reduced
axes with length 1. Both as NumPy has them.
"""

from __future__ import annotations

import numpy as np

from .axes import each, narrow, normal_axes, wide
from .define import define_op
from .elementwise import corner

__all__ = ["max", "mean", "min", "std", "sum", "var"]


def count(axis, shape):
    """Count the elements that are reduced into one; NumPy takes axis 0 of a single number."""
    if not shape:
        return 1
    n = 1
    for a in normal_axes(axis, len(shape)):
        n *= shape[a]
    return n


def restore(value, axis, keepdims, ndim):
    """A reduced value with its reduced axes back, of length 1, so that it broadcasts."""
    if keepdims or not ndim:
        return value
    return np.expand_dims(value, normal_axes(axis, ndim))


def reduced(ufunc, x, axis, keepdims=False):
    """Return `ufunc.reduce(x, axis)`, by columns where rows are short: much faster, same bits.

    NumPy adds, and compares, fewer than eight numbers of a row from left to right; it does that
    row by row, which for short rows costs several times the arithmetic.
    """
    by_columns = type(x) is np.ndarray and x.ndim == 2 and type(axis) is int and axis in (-1, 1)
    # Other dtypes are not summed in their own: small integers and halves get a wider one.
    if by_columns and 2 <= x.shape[1] < 8 and x.dtype.char in "fd":
        columns = x.T
        out = ufunc(columns[0], columns[1])
        for column in columns[2:]:
            out = ufunc(out, column)
        return out.reshape(-1, 1) if keepdims else out
    return ufunc.reduce(x, axis=axis, keepdims=keepdims)


def _reduction_samples(r):
    x = r(2, 3, 4)
    axis_forms = [{}, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": 1, "keepdims": True}]
    return [((x,), params) for params in axis_forms] + [((r(),), {}), ((r(5),), {"axis": 0})]


def _sum(x, axis=None, *, keepdims=False):
    """Sum over the given axes."""
    return reduced(np.add, x, axis, keepdims)


sum = define_op(
    _sum,
    flops=each(1),
    x=lambda g, x_shape, axis, keepdims: restore(g, axis, keepdims, len(x_shape)),
    numpy=(np.sum, (np.add, "reduce")),
    samples=_reduction_samples,
)


def _mean(x, axis=None, *, keepdims=False):
    """Arithmetic mean over the given axes.

    Of no elements it is nan, with NumPy's warning.
    """
    return np.mean(x, axis, keepdims=keepdims)


def _mean_rule(g, x_shape, axis, keepdims):
    n = count(axis, x_shape) or 1
    return wide(restore(g, axis, keepdims, len(x_shape)), n) / n


mean = define_op(
    _mean,
    flops=each(1),
    x=_mean_rule,
    numpy=(np.mean,),
    samples=_reduction_samples,
)


def _extremum_rule(g, x, out, axis, keepdims):
    best = (x == restore(out, axis, keepdims, x.ndim)).astype(x.dtype)
    best = wide(best, count(axis, x.shape))
    return restore(g, axis, keepdims, x.ndim) * best / best.sum(axis=axis, keepdims=True)


def _max(x, axis=None, *, keepdims=False):
    """Largest value along the given axes."""
    return reduced(np.maximum, x, axis, keepdims)


max = define_op(
    _max,
    flops=each(1),
    x=_extremum_rule,
    kinks="shared evenly among equal largest elements; of second order 0",
    numpy=(np.max, (np.maximum, "reduce")),
    samples=_reduction_samples,
)


def _min(x, axis=None, *, keepdims=False):
    """Smallest value along the given axes."""
    return reduced(np.minimum, x, axis, keepdims)


min = define_op(
    _min,
    flops=each(1),
    x=_extremum_rule,
    kinks="shared evenly among equal smallest elements; of second order 0",
    numpy=(np.min, (np.minimum, "reduce")),
    samples=_reduction_samples,
)


def _var(x, axis=None, *, ddof=0, keepdims=False):
    """Variance over the given axes: the mean of the squared deviations (n - ddof in the mean).

    Of too few elements it is nan, with NumPy's warning.
    """
    return narrow(np.var(wide(x), axis, ddof=ddof, keepdims=keepdims), x)


def _deviation(x, axis):
    """Return x minus its mean over the given axes."""
    return x - np.mean(x, axis=axis, keepdims=True) if x.size else x


def _one_of(n):
    """Return the share of one in n; nan where there is none."""
    return 1 / n if n > 0 else np.nan


def _var_rule(g, x, x_shape, axis, ddof, keepdims):
    deviation = _deviation(x, axis)
    share = _one_of(count(axis, x_shape) - ddof)
    return wide(restore(g, axis, keepdims, len(x_shape))) * deviation * (2 * share)


var = define_op(
    _var,
    flops=each(4),
    x=_var_rule,
    numpy=(np.var,),
    samples=lambda r: [*_reduction_samples(r), ((r(3, 4),), {"axis": 1, "ddof": 1})],
)


def _std(x, axis=None, *, ddof=0, keepdims=False):
    """Standard deviation over the given axes: the square root of `var`."""
    return np.sqrt(_var(x, axis, ddof=ddof, keepdims=keepdims))


def _std_rule(g, x, out, x_shape, axis, ddof, keepdims):
    deviation = _deviation(x, axis)
    share = _one_of(count(axis, x_shape) - ddof)
    out = restore(out, axis, keepdims, len(x_shape))
    equal = out == 0  # all elements: every deviation is 0, and so is this
    deviation = corner(deviation, out, equal)
    out = np.where(equal, 1, out)
    return wide(restore(g, axis, keepdims, len(x_shape))) * deviation / out * share


std = define_op(
    _std,
    flops=each(4),
    x=_std_rule,
    kinks="0 where all elements are equal; of second order nan",
    numpy=(np.std,),
    samples=lambda r: [
        *((args, p) for args, p in _reduction_samples(r) if np.ndim(args[0])),
        ((r(3, 4),), {"axis": 1, "ddof": 1}),
    ],
)
