"""Forms of reductions, of what is computed with them, and of sorting."""

from __future__ import annotations

import math

import numpy as np

from .graph import FLOAT, INTEGER, TRUTH, NoFormError, Value
from .registry import NO_FORM, form


def axes_of(axis, ndim):
    """Return axes as a list of numbers from 0; all of them for None."""
    if axis is None:
        return list(range(ndim))
    several = axis if isinstance(axis, (tuple, list)) else [axis]
    return [int(a) % ndim for a in several]


def reduced(g, kind, x, axis, keepdims=False):
    """Add a node that reduces axes; over none of them it would reduce all, so x is the result."""
    if not x.ndim or axis == ():
        return x
    out = g.add(kind, x, axes_of(axis, x.ndim), keepdims=int(keepdims))
    kept = axes_of(axis, x.ndim)
    lengths = [(1 if k in kept else n) for k, n in enumerate(x.shape) if keepdims or k not in kept]
    out.shape = tuple(lengths)
    return out


def _reduction(kind):
    def add(g, x, axis=None, keepdims=False):
        if x.dtype == TRUTH:
            x = g.cast(x, INTEGER)
        return reduced(g, kind, x, axis, keepdims)

    return add


form("max")(_reduction("ReduceMax"))
form("min")(_reduction("ReduceMin"))
form("sum", "np.count_nonzero")(_reduction("ReduceSum"))
form("prod")(_reduction("ReduceProd"))
form("mean")(_reduction("ReduceMean"))
form("logsumexp")(_reduction("ReduceLogSumExp"))


@form("np.all")
def _all(g, x, axis=None, keepdims=False):
    return _reduction("ReduceMin")(g, g.cast(x, TRUTH), axis, keepdims)


@form("np.any")
def _any(g, x, axis=None, keepdims=False):
    return _reduction("ReduceMax")(g, g.cast(x, TRUTH), axis, keepdims)


# --- variances and norms --------------------------------------------------------------------------


def _deviations(g, x, axis):
    mean = reduced(g, "ReduceMean", x, axis, keepdims=True)
    out = g.Sub(x, mean)
    out.shape = x.shape
    return out


@form("var")
def _var(g, x, axis=None, ddof=0, keepdims=False):
    x = g.cast(x, FLOAT)
    deviations = _deviations(g, x, axis)
    squares = g.Mul(deviations, deviations)
    squares.shape = x.shape
    if not ddof:
        return reduced(g, "ReduceMean", squares, axis, keepdims)
    count = math.prod(x.shape[a] for a in axes_of(axis, x.ndim))
    return g.Div(reduced(g, "ReduceSum", squares, axis, keepdims), count - ddof)


@form("std")
def _std(g, x, axis=None, ddof=0, keepdims=False):
    return g.Sqrt(_var(g, x, axis, ddof, keepdims))


@form("standardize")
def _standardize(g, x, axis=None, eps=1e-5):
    deviations = _deviations(g, x, axis)
    squares = g.Mul(deviations, deviations)
    squares.shape = x.shape
    variance = reduced(g, "ReduceMean", squares, axis, keepdims=True)
    return g.Div(deviations, g.Sqrt(g.Add(variance, eps)))


@form("layer_norm")
def _layer_norm(g, x, weight, bias, axis=-1, eps=1e-5):
    axes = axes_of(axis, x.ndim)
    if weight is None:
        weight = np.ones([x.shape[a] for a in axes], np.float32)
    return g.LayerNormalization(x, weight, bias, axis=min(axes), epsilon=float(eps))


@form("norm")
def _norm(g, x, ord=None, axis=None, keepdims=False):
    axes = axes_of(axis, x.ndim)
    if (ord is None) or (ord == 2 and len(axes) == 1) or ord in ("fro", "f"):
        return reduced(g, "ReduceL2", x, tuple(axes), keepdims)
    size = g.Abs(x)
    size.shape = x.shape
    if len(axes) == 1:
        return _vector_norm(g, x, size, ord, tuple(axes), keepdims)
    rows, columns = axes if ord in (1, -1) else axes[::-1]
    sums = reduced(g, "ReduceSum", size, rows, keepdims=True)
    best = reduced(g, "ReduceMax" if ord > 0 else "ReduceMin", sums, columns, keepdims=True)
    return best if keepdims else g.Squeeze(best, axes)


def _vector_norm(g, x, size, ord, axes, keepdims):
    if ord == 1:
        return reduced(g, "ReduceL1", x, axes, keepdims)
    if abs(ord) == np.inf:
        return reduced(g, "ReduceMax" if ord > 0 else "ReduceMin", size, axes, keepdims)
    if ord == 0:
        terms = g.cast(g.Greater(size, 0), FLOAT)
    else:
        terms = g.Pow(size, float(ord))
    terms.shape = x.shape
    total = reduced(g, "ReduceSum", terms, axes, keepdims)
    return total if ord == 0 else g.Pow(total, 1 / ord)


# --- along one axis -------------------------------------------------------------------------------


def flat(g, x):
    """Return all elements in one axis."""
    out = g.Reshape(x, [math.prod(x.shape)])
    out.shape = (math.prod(x.shape),)
    return out


def flat_if_none(g, x, axis):
    """Return x and the axis, of the flattened x if the axis is None."""
    if axis is None or not x.ndim:
        return flat(g, x), 0
    return x, int(axis) % x.ndim


def _normalized(kind):
    return lambda g, x, axis=-1: g.add(kind, x, axis=int(axis))


form("softmax")(_normalized("Softmax"))
form("log_softmax")(_normalized("LogSoftmax"))


@form("cumsum")
def _cumsum(g, x, axis=None):
    x, axis = flat_if_none(g, x, axis)
    return g.CumSum(x, np.int64(axis))


def _position(kind):
    def add(g, x, axis=None, keepdims=False):
        whole = axis is None
        if whole and keepdims:
            raise NoFormError(f"{kind} of all axes with keepdims=True")
        x, axis = flat_if_none(g, x, axis)
        x = g.cast(x, INTEGER) if x.dtype == TRUTH else x
        return g.add(kind, x, axis=axis, keepdims=int(keepdims))

    return add


form("np.argmax")(_position("ArgMax"))
form("np.argmin")(_position("ArgMin"))


def _sorted(g, x, axis, descending=False):
    """Return the elements in order, and their positions; equal ones in order of these."""
    x, axis = flat_if_none(g, x, axis)
    count = [x.shape[axis]]
    values, positions = g.add_several("TopK", 2, x, count, axis=axis, largest=int(descending))
    positions.dtype = INTEGER
    return values, positions


@form("argsort")
def _argsort(g, x, axis=-1, kind=None, descending=False):
    return _sorted(g, x, axis, descending)[1]


@form("argpartition")
def _argpartition(g, x, kth, axis=-1):
    return _sorted(g, x, axis)[1]


@form("np.sort")
def _sort(g, x, axis=-1, kind=None):
    return _sorted(g, x, axis)[0]


@form("searchsorted")
def _searchsorted(g, a, v, side="left", sorter=None):
    if sorter is not None:
        raise NoFormError("searchsorted with a sorter")
    return _count_below(g, v, a, "Less" if side == "left" else "LessOrEqual")


@form("digitize")
def _digitize(g, x, bins, right=False):
    if not isinstance(bins, Value) and np.any(np.diff(bins) < 0):
        raise NoFormError("bins that go down")
    return _count_below(g, x, bins, "Less" if right else "LessOrEqual")


def _count_below(g, x, edges, comparison):
    """Count for each element of x the edges that are less."""
    x, edges = g.value(x, FLOAT), g.value(edges, FLOAT)
    column = g.Unsqueeze(g.cast(x, FLOAT), [x.ndim])
    below = g.cast(g.add(comparison, g.cast(edges, FLOAT), column), INTEGER)
    below.shape = (*x.shape, *(edges.shape or ()))
    return reduced(g, "ReduceSum", below, x.ndim)


for _name in ("cummax", "cummin", "cumprod", "logcumsumexp"):
    NO_FORM[_name] = "ONNX has no running product or maximum: compute it outside of the model"
for _name in ("cholesky", "cofactors", "inv", "logabsdet", "solve"):
    NO_FORM[_name] = "ONNX factors no matrices: where the matrix is a constant, factor it before"
for _name in ("digamma", "gammaln", "polygamma"):
    NO_FORM[_name] = "its series loses digits in float32: compute it outside of the model"
