"""Quantiles, covariances, integrals and slopes, composed of other ops."""

from __future__ import annotations

import math

import numpy as np

from ..core.callsite import warn
from ..core.tensor import unwrap
from .axes import checked_axes, checked_axis
from .define import answers
from .elementwise import where
from .index import take
from .linalg import matmul, swap
from .mistakes import describe_call
from .operands import array_of, operand
from .order import sort
from .reduce import mean, sum
from .shape import concatenate, expand_dims, moveaxis, reshape, transpose

__all__ = ["corrcoef", "cov", "gradient", "median", "percentile", "quantile", "trapezoid"]

# --- order statistics -----------------------------------------------------------------------------


def _in_order(name, x, axis):
    """Return the axes, and the elements over them in increasing order, along a last axis."""
    x = operand(x)
    axes = checked_axes(name, axis, x.ndim)
    others = tuple(a for a in range(x.ndim) if a not in axes)
    count = math.prod(x.shape[a] for a in axes)
    kept = [x.shape[a] for a in others]
    rows = reshape(transpose(x, others + axes), (*kept, count))
    return axes, sort(rows)


def _kept(out, axes, ndim, keepdims):
    """Put the axes that were reduced back, with length 1, behind `ndim` of them in front."""
    return expand_dims(out, tuple(a + ndim for a in axes)) if keepdims else out


@answers(np.median)
def median(x, axis=None, *, keepdims=False):
    """The middle element over the given axes, the mean of the two middle ones if n is even.

    The gradient goes to these. Where an element is nan, so is the median; of no elements it is nan,
    with NumPy's warning.
    """
    axes, rows = _in_order("median", x, axis)
    n = rows.shape[-1]
    if not n:
        return _kept(mean(rows, -1), axes, 0, keepdims)
    if rows.dtype.kind in "biu":  # whose sums may wrap around
        rows = rows.astype(np.float64)
    upper = rows[..., n // 2]
    lower = rows[..., (n - 1) // 2]
    middle = upper / 1 if n % 2 else (lower + upper) / 2
    if rows.dtype.kind == "f":
        largest = rows[..., -1]  # nan come last
        middle = where(np.isnan(unwrap(largest)), largest, middle)
    return _kept(middle, axes, 0, keepdims)


@answers(np.quantile)
def quantile(x, q, axis=None, *, keepdims=False):
    """The value below which a share q of the elements lies, over the given axes.

    Between two elements it is a linear mixture of them. Where an element is nan, so is the result.

    Args:
        x: an array or Tensor.
        q: a share from 0 to 1, or an array of them, whose axes come first in the result.
        axis: None, an integer or a tuple of integers.
        keepdims: keep the reduced axes with length 1.

    Raises:
        ValueError: a share that is none, or no elements.
    """
    axes, rows = _in_order("quantile", x, axis)
    if not rows.shape[-1]:
        raise ValueError(f"{describe_call('quantile', x=x)}: no elements along axis {axis}")
    shares = _shares(q, rows.dtype)
    last_place = rows.shape[-1] - 1
    places = shares.ravel() * last_place
    below = np.floor(places).astype(np.intp)
    above = np.minimum(below + 1, last_place)
    part = places - below
    lower = take(rows, below, -1)
    upper = take(rows, above, -1)
    step = upper - lower
    # From the nearer one, as NumPy does it, so that equal elements give themselves.
    from_lower = lower + step * part
    from_upper = upper - step * (1 - part)
    out = where(part < 0.5, from_lower, from_upper)
    if rows.dtype.kind == "f":
        largest = rows[..., -1:]  # nan come last
        out = where(np.isnan(unwrap(largest)), largest, out)
    shape = (*shares.shape, *rows.shape[:-1])
    out = reshape(moveaxis(out, -1, 0), shape)
    return _kept(out, axes, shares.ndim, keepdims)


def _shares(q, dtype):
    """Return the shares as an array; a number of Python's has the dtype of the elements."""
    is_number = isinstance(q, (int, float)) and dtype.kind == "f"
    shares = np.asarray(q, dtype) if is_number else array_of(q)
    inside = (shares >= 0) & (shares <= 1)
    if not np.all(inside):
        raise ValueError(f"quantile: q must lie between 0 and 1, not {q!r}")
    return shares if shares.dtype.kind == "f" else shares.astype(np.float64)


@answers(np.percentile)
def percentile(x, q, axis=None, *, keepdims=False):
    """`quantile` of q / 100."""
    x = operand(x)
    hundred = x.dtype.type(100) if x.dtype.kind == "f" else 100
    return quantile(x, np.true_divide(array_of(q), hundred), axis, keepdims=keepdims)


# --- covariances ----------------------------------------------------------------------------------


@answers(np.cov)
def cov(x, *, rowvar=True, bias=False, ddof: int | None = None):
    """The covariances of variables, one for each row of x: a matrix; a number for a single row.

    Args:
        x: (variables, observations), or the observations of a single variable.
        rowvar: False if the variables are the columns.
        bias: divide by the number n of observations rather than by n - 1.
        ddof: divide by n - ddof, whatever `bias` says.

    Raises:
        ValueError: x has more than two axes.
    """
    x = operand(x)
    if x.ndim > 2:
        raise ValueError(f"{describe_call('cov', x=x)}: x must have one or two axes, not {x.ndim}")
    rows = x if x.ndim == 2 else reshape(x, (1, -1))
    if x.ndim == 2 and not rowvar:
        rows = swap(rows)
    count = rows.shape[1]
    centred = rows - mean(rows, 1, keepdims=True)
    if ddof is None:
        ddof = 0 if bias else 1
    degrees = count - ddof
    if degrees <= 0:
        warn("Degrees of freedom <= 0 for slice", RuntimeWarning)
        degrees = np.nan
    out = matmul(centred, swap(centred)) / degrees
    return reshape(out, ()) if out.shape == (1, 1) else out


@answers(np.corrcoef)
def corrcoef(x, *, rowvar=True):
    """The correlations of variables, one for each row of x: covariances of variance 1.

    Arguments and errors as of `cov`.
    """
    out = operand(cov(x, rowvar=rowvar))
    if not out.ndim:
        return out / out
    spread = np.sqrt(np.diagonal(out))
    columns = expand_dims(spread, 0)
    rows = expand_dims(spread, 1)
    return out / rows / columns


# --- integrals and slopes -------------------------------------------------------------------------


@answers(*[np.trapezoid] if hasattr(np, "trapezoid") else [])
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral of y along an axis by the trapezoidal rule.

    Args:
        y: the values.
        x: their places, one for each along the axis, or in the shape of y; None if they lie `dx`
            apart.
        dx: the distance between two places.
        axis: along which one.

    Raises:
        AxisError: there is no such axis.
    """
    y = operand(y)
    axis = checked_axis("trapezoid", axis, y.ndim)
    y = moveaxis(y, axis, -1)
    steps = dx
    if x is not None:
        places = operand(x)
        if places.ndim > 1:
            places = moveaxis(places, axis, -1)
        steps = np.diff(places)
    heights = y[..., 1:] + y[..., :-1]
    return sum(steps * heights / 2, -1)


@answers(np.gradient)
def gradient(f, *spacing, axis=None):
    """Slopes along each axis from the differences of neighbours; one-sided ones at the ends.

    Args:
        f: values on a grid, at least two along each axis.
        *spacing: nothing (1), one distance for all axes, or for each axis a distance or the places
            of the values.
        axis: None for all axes, an integer or a tuple of integers.

    Returns:
        The slopes in the shape of f; for several axes a tuple of them.

    Raises:
        TypeError: neither one distance nor one for each axis.
        ValueError: fewer than two values along an axis, or places of another number.
    """
    f = operand(f)
    if f.dtype.kind in "iu":  # whose differences may wrap around
        f = f.astype(np.float64)
    axes = checked_axes("gradient", axis, f.ndim)
    if len(spacing) not in (0, 1, len(axes)):
        raise TypeError(f"gradient: {len(spacing)} spacings for {len(axes)} axes")
    distances = spacing or (1.0,)
    if len(distances) == 1 < len(axes):
        distances = distances * len(axes)
    slopes = tuple(_slope(f, h, a) for a, h in zip(axes, distances))
    return slopes[0] if len(axes) == 1 else slopes


def _slope(f, h, axis):
    f = moveaxis(f, axis, -1)
    n = f.shape[-1]
    if n < 2:
        raise ValueError(f"{describe_call('gradient', f=f)}: an axis of {n} values has no slope")
    h = array_of(h)
    if h.ndim and h.shape != (n,):
        raise ValueError(f"gradient: {h.shape} places for {n} values along axis {axis}")
    run = np.diff(h) if h.ndim else h
    steps = np.diff(f) / run
    first, last = steps[..., :1], steps[..., -1:]
    if h.ndim:
        # The slope of the parabola through three neighbours.
        before, behind = run[:-1], run[1:]
        width = before + behind
        share = behind / width
        left = steps[..., :-1] * share
        right = steps[..., 1:] * (before / width)
        inner = left + right
    else:
        inner = (f[..., 2:] - f[..., :-2]) / (2 * h)
    slopes = concatenate([first, inner, last], -1)
    return moveaxis(slopes, -1, axis)
