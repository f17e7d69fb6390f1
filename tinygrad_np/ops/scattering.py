"""Reduction of values that are brought to the same places."""

from __future__ import annotations

from typing import Any

import numpy as np

from .axes import checked_axis, narrow, wide
from .elementwise import where
from .index import getitem, scatter, scatter_max, scatter_min
from .labels import check_range
from .mistakes import describe_call
from .operands import array_of, operand
from .scans import recurrence
from .shape import reshape

__all__ = ["scatter_reduce"]

_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def scatter_reduce(
    x: Any, axis: int, index: Any, src: Any, reduce: str, include_self: bool = True
) -> Any:
    """A copy of x, with the values that an index brings to each place reduced to one.

    The value at position p of src goes to position p of x, but along the axis to index[p].

    Args:
        x: what is there before.
        axis: the axis along which the index counts.
        index: integers with as many axes as x, along the others at most as long.
        src: the values: at least as long as the index, along each axis.
        reduce: "sum", "prod", "mean", "amax" or "amin".
        include_self: False to leave out what was there before; where no value comes to, it stays.

    Raises:
        TypeError: an index that is not of integers.
        ValueError: an index out of range, shapes that do not fit, or an unknown reduction.
    """
    x, src, index = operand(x), operand(src), array_of(index)
    if reduce not in _REDUCTIONS:
        raise ValueError(f"reduce must be one of {', '.join(_REDUCTIONS)}, not {reduce!r}")
    axis = checked_axis("scatter_reduce", axis, x.ndim)
    _check_shapes(x, axis, index, src)
    n = x.shape[axis]
    check_range("scatter_reduce", "index", index, n, f"elements along axis {axis}")
    places = _places(index, axis, x.shape)
    part = tuple(map(slice, index.shape))
    values = reshape(getitem(src, part), -1)
    result = _reduced(reshape(x, -1), places, values, reduce, include_self)
    return reshape(result, x.shape)


def _check_shapes(x: Any, axis: int, index: Any, src: Any) -> None:
    """Raise unless the index fits into src, and but for its axis into x."""
    call = describe_call("scatter_reduce", x=x, index=index, src=src)
    if not x.ndim == index.ndim == src.ndim:
        raise ValueError(f"{call}: x, index and src need the same number of axes")
    for k, length in enumerate(index.shape):
        room = src.shape[k]
        if k != axis:
            room = min(room, x.shape[k])
        if length > room:
            raise ValueError(f"{call}: the index is too long along axis {k}")


def _places(index: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """Return the positions in the flattened x to which the elements go, flattened too."""
    step = 1
    places: Any = 0
    for k in reversed(range(len(shape))):
        positions = index
        if k != axis:
            others = [1] * len(shape)
            others[k] = -1
            positions = np.arange(index.shape[k]).reshape(others)
        places = places + positions * step
        step *= shape[k]
    return np.reshape(places, -1)


def _reduced(x: Any, places: Any, values: Any, reduce: str, include_self: bool) -> Any:
    """Do the work, in one axis."""
    counts = scatter(np.ones(values.shape), places, x.shape)
    unused = counts == 0
    if reduce == "prod":
        product = _products(x.shape, places, values)
        if include_self:
            product = product * x
        return where(unused, x, product)
    if reduce in ("amax", "amin"):
        scatter_extremum = scatter_max if reduce == "amax" else scatter_min
        kept = x if include_self else where(unused, x, _worst(x.dtype, reduce))
        return scatter_extremum(kept, values, places)
    kept = x if include_self else where(unused, x, 0)
    if reduce == "sum":
        return scatter(values, places, x.shape) + kept
    total = scatter(wide(values), places, x.shape) + kept
    share = 1 / np.maximum(counts + include_self, 1)
    dtype = total.dtype if total.dtype.kind == "f" else np.float64
    return narrow(total * share.astype(dtype), x)


def _worst(dtype: Any, reduce: str) -> Any:
    """Return what any number of this dtype wins against."""
    sign = -1 if reduce == "amax" else 1
    if dtype.kind == "f":
        return sign * np.inf
    limits = np.iinfo(dtype)
    return limits.min if reduce == "amax" else limits.max


def _products(shape: tuple[int, ...], places: Any, values: Any) -> Any:
    """Return the product of the values at each place, 0 where there are none.

    It runs along the values sorted by place, and begins anew with each place. Nothing is divided,
    so that zeros are right in every order of derivative.
    """
    order = np.argsort(places, kind="stable")
    places = places[order]
    values = getitem(values, order)
    changes = places[1:] != places[:-1]
    edge = np.ones(min(len(places), 1), bool)
    begins = np.concatenate([edge, changes])
    ends = np.concatenate([changes, edge])
    factors = where(begins, 0, values)
    starts = where(begins, values, 0)
    running = recurrence(factors, starts)
    products = where(ends, running, 0)
    return scatter(products, places, shape)
