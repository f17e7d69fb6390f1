"""Products, running sums and products, differences, and reductions composed of others.

Products are right with any number of zeros, in every order of derivative: no rule divides by x.
"""

from __future__ import annotations

import operator

import numpy as np

from ..core.doors import as_target
from ..core.tensor import unwrap
from .axes import narrow, normal_axes, wide
from .define import answers, define_op
from .elementwise import where
from .mistakes import describe_call
from .operands import operand, wrap_like
from .reduce import count, max, mean, min, restore, sum

__all__ = [
    "average",
    "cumprod",
    "cumsum",
    "diff",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nansum",
    "prod",
    "ptp",
]


def _scan_samples(r):
    holes = np.arange(12).reshape(3, 4) % 5 != 1  # zeros, two of them in one column
    return [
        ((r(2, 3, 4),), {}),
        ((r(2, 3, 4), 0), {}),
        ((r(2, 3, 4), -1), {}),
        ((r(3, 4) * holes, 0), {}),
        ((r(3, 4) * holes,), {}),
        ((r(),), {}),
        ((r(5), 0), {}),
        ((r(1, 0), 1), {}),
    ]


def _one_axis(x, axis):
    """Return the axis as a non-negative integer; NumPy takes axis 0 of a single number."""
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise TypeError(f"axis must be None or an integer, not {axis!r}")
    return normal_axes(operator.index(axis), np.ndim(x) or 1)[0]


def _to_front(x, axis):
    """Move the axis to the front; None flattens."""
    return x.reshape(-1) if axis is None or not x.ndim else np.moveaxis(x, axis, 0)


def _from_front(x, axis, shape):
    """Undo `_to_front` for an x that had the given shape."""
    return x.reshape(shape) if axis is None or not shape else np.moveaxis(x, 0, axis)


def _row(x, value):
    """Make one more row for a Tensor or array x, filled with a number."""
    return np.full_like(x, value, shape=(1, *x.shape[1:]))


def _row_before(value, rows):
    """Move all rows on by one, the last one out, with a number in the first."""
    return np.concatenate([_row(rows, value), rows])[: rows.shape[0]]


# --- running sums and products -------------------------------------------------------------------


def _cumsum(x, axis=None):
    """Sums of the elements up to each one along the axis; None flattens x."""
    return np.cumsum(x, axis if axis is None else _one_axis(x, axis))


def _cumsum_rule(g, x_shape, axis):
    backwards = np.cumsum(_to_front(wide(g), axis)[::-1], axis=0)
    return _from_front(backwards[::-1], axis, x_shape)


cumsum = define_op(
    _cumsum,
    x=_cumsum_rule,
    numpy=(np.cumsum,),
    samples=_scan_samples,
)


def _recurrence(a, b):
    """Compute the rows s[0] = b[0], s[i] = a[i] * s[i-1] + b[i], of two arrays of one shape."""
    s = as_target(b, a)
    s = s.astype(np.result_type(a, b))
    for i in range(1, len(s)):
        s[i] += a[i] * s[i - 1]
    return s


def _recurrence_b(g, a):
    """Run the adjoint, which is a recurrence too, from the last row to the first."""
    steps = np.concatenate([a[1:], _row(a, 0)])[: a.shape[0]]
    return recurrence(steps[::-1], g[::-1])[::-1]


def _recurrence_a(g, a, out):
    return _recurrence_b(g, a) * _row_before(0, out)


recurrence = define_op(
    _recurrence,
    a=_recurrence_a,
    b=_recurrence_b,
)


def _cumprod(x, axis=None):
    """Products of the elements up to each one along the axis; None flattens x."""
    return np.cumprod(x, axis if axis is None else _one_axis(x, axis))


def _cumprod_rule(g, out, x, axis):
    # An element's gradient: the product before it, times a weighted sum of the products behind.
    before = _row_before(1, _to_front(out, axis))
    behind = _recurrence_b(_to_front(g, axis), _to_front(x, axis))
    return _from_front(before * behind, axis, x.shape)


cumprod = define_op(
    _cumprod,
    x=_cumprod_rule,
    numpy=(np.cumprod,),
    samples=_scan_samples,
)


# --- products ------------------------------------------------------------------------------------


def _product_samples(r):
    holes = np.arange(12).reshape(3, 4) % 5 != 1  # no, one and two zeros in a column
    axis_forms = [{}, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": 1, "keepdims": True}]
    return [
        *(((r(2, 3, 4),), params) for params in axis_forms),
        ((r(3, 4) * holes,), {"axis": 0}),
        ((r(3, 4) * holes,), {"axis": 1}),
        ((r(3, 4) * holes,), {}),
        ((r(),), {}),
        ((r(2, 0),), {"axis": 1}),
    ]


def _prod(x, axis=None, *, keepdims=False):
    """Product over the given axes; 1 of no elements."""
    return np.prod(x, axis, keepdims=keepdims)


def _prod_rule(g, x, axis, keepdims):
    ndim, shape = x.ndim, x.shape
    front = normal_axes(axis, ndim) if ndim else ()
    order = front + tuple(a for a in range(ndim) if a not in front)
    x = x.transpose(order)
    rows = x.reshape(count(axis, shape), *x.shape[len(front) :])
    before = _row_before(1, np.cumprod(rows, axis=0))
    behind = _row_before(1, np.cumprod(rows[::-1], axis=0))
    others = (before * behind[::-1]).reshape(x.shape)
    others = others.transpose(tuple(order.index(a) for a in range(ndim)))
    return restore(g, axis, keepdims, ndim) * others


prod = define_op(
    _prod,
    x=_prod_rule,
    numpy=(np.prod, (np.multiply, "reduce")),
    samples=_product_samples,
)

# --- composed of others --------------------------------------------------------------------------


def _end(value, line):
    """Return the values to put before or behind an array; a number in the shape of one line."""
    value = operand(value)
    return value if value.ndim else np.broadcast_to(value, line)


@answers(np.diff)
def diff(x, n=1, axis=-1, prepend=None, append=None):
    """Differences of neighbours along the axis, n times over.

    `prepend` and `append` are values put before and behind x first: numbers, or arrays with the
    shape of x but for that axis.
    """
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise ValueError(f"diff: n must be an integer and not negative, not {n!r}")
    x = operand(x)
    if not x.ndim:
        raise ValueError("diff needs an array of at least one axis, not a number")
    axis = _one_axis(x, axis)
    if n and (prepend is not None or append is not None):
        line = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        parts = [x]
        if prepend is not None:
            parts.insert(0, _end(prepend, line))
        if append is not None:
            parts.append(_end(append, line))
        x = np.concatenate(parts, axis)
    for _ in range(n):
        x = np.moveaxis(x, axis, 0)
        upper = x[1:]
        lower = x[:-1]
        x = upper != lower if x.dtype.kind == "b" else upper - lower
        x = np.moveaxis(x, 0, axis)
    return x


@answers(np.ptp)
def ptp(x, axis=None, *, keepdims=False):
    """Largest minus smallest value over the given axes."""
    largest = max(x, axis, keepdims=keepdims)
    smallest = min(x, axis, keepdims=keepdims)
    return largest - smallest


@answers(np.average)
def average(x, axis=None, weights=None, returned=False, *, keepdims=False):
    """Mean of x over the given axes, weighted: sum(weights * x) / sum(weights).

    Args:
        x: an array or Tensor.
        axis: None, an integer or a tuple of integers.
        weights: None (equal ones), an array or Tensor in the shape of x, or with one axis for
            each in `axis`, in their order.
        returned: give the pair (average, sum of the weights).
        keepdims: keep the reduced axes with length 1.

    Raises:
        ValueError: weights of another shape.
        ZeroDivisionError: weights that sum to zero.
    """
    x = operand(x)
    if weights is None:
        out = mean(x, axis, keepdims=keepdims)
        if not returned:
            return out
        total = np.full(out.shape, count(axis, x.shape), out.dtype)
        return out, wrap_like(total, out)
    weights = _stretch_weights(x, axis, operand(weights))
    total = sum(wide(weights), axis, keepdims=keepdims)
    if np.any(unwrap(total) == 0):
        raise ZeroDivisionError("average: the weights sum to zero")
    terms = x * weights
    out = narrow(sum(wide(terms), axis, keepdims=keepdims) / total, terms)
    return (out, narrow(total, weights)) if returned else out


def _stretch_weights(x, axis, weights):
    """Return the weights of an average in the shape of x."""
    if weights.shape == x.shape:
        return weights
    along = normal_axes(axis, x.ndim)
    if axis is None or weights.shape != tuple(x.shape[a] for a in along):
        call = describe_call("average", x=x, weights=weights)
        raise ValueError(f"{call}: the weights fit neither x nor its axis {axis}")
    weights = weights.transpose(tuple(map(along.index, sorted(along))))
    others = tuple(a for a in range(x.ndim) if a not in along)
    return np.broadcast_to(np.expand_dims(weights, others), x.shape)


# --- without regard to nan -----------------------------------------------------------------------


def _known(x, instead):
    """Return x with a number in place of nan, and a mask of the others."""
    x = operand(x)
    known = ~np.isnan(unwrap(x))
    return where(known, x, instead), known


@answers(np.nansum)
def nansum(x, axis=None, *, keepdims=False):
    """Sum over the given axes, nan counting as 0 (and getting no gradient)."""
    values, _ = _known(x, 0)
    return sum(values, axis, keepdims=keepdims)


@answers(np.nanprod)
def nanprod(x, axis=None, *, keepdims=False):
    """Product over the given axes, nan counting as 1 (and getting no gradient)."""
    values, _ = _known(x, 1)
    return prod(values, axis, keepdims=keepdims)


@answers(np.nanmean)
def nanmean(x, axis=None, *, keepdims=False):
    """Mean of the elements that are not nan; nan, with NumPy's warning, where there are none."""
    values, known = _known(x, 0)
    total = sum(wide(values), axis, keepdims=keepdims)
    number = np.sum(known, axis=axis, keepdims=keepdims, dtype=np.intp)
    return narrow(total / number.astype(total.dtype), values)


def _nan_extremum(function, x, axis, keepdims, worst):
    values, known = _known(x, worst)
    out = function(values, axis, keepdims=keepdims)
    some = np.any(known, axis=axis, keepdims=keepdims)
    return where(some, out, np.nan)


@answers(np.nanmax)
def nanmax(x, axis=None, *, keepdims=False):
    """Largest element that is not nan, over the given axes; nan where there is none."""
    return _nan_extremum(max, x, axis, keepdims, -np.inf)


@answers(np.nanmin)
def nanmin(x, axis=None, *, keepdims=False):
    """Smallest element that is not nan, over the given axes; nan where there is none."""
    return _nan_extremum(min, x, axis, keepdims, np.inf)
