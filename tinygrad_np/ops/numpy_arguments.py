"""The further arguments of NumPy's reductions: `dtype`, `initial` and `where`.

The ops of the table reduce whole axes in the dtype of x. What else `np.sum(t, where=mask)` and its
like can do is composed of them here: conversion first, then the elements that take part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.protocols import UFUNCS
from ..core.tensor import Tensor, as_array
from .axes import narrow, normal_axes, wide
from .define import answers
from .elementwise import add, astype, maximum, minimum, multiply
from .elementwise import where as select
from .mistakes import describe
from .operands import array_of, operand
from .reduce import count, max, mean, min, std, sum, var
from .scans import cumprod, cumsum, nanmax, nanmean, nanmin, nanprod, nansum, prod

if TYPE_CHECKING:
    from collections.abc import Callable


def _input(name: str, x: Any, dtype: Any, out: Any) -> Any:
    """Return the operand of a reduction in the dtype that was asked for."""
    if out is not None:
        raise TypeError(
            f"np.{name} of a Tensor takes no out=: Tensors are never written through, and a "
            "recorded result can't go into an array; assign the result instead"
        )
    return x if dtype is None else astype(x, dtype)


def _chosen(name: str, mask: Any, x: Any) -> np.ndarray:
    """Return the mask of the elements that take part, in the shape of x."""
    mask = array_of(mask)
    if mask.dtype.kind != "b":
        raise TypeError(f"np.{name}: where must be of booleans, not {mask.dtype}")
    return np.broadcast_to(mask, np.shape(x))


def _number(name: str, initial: Any, x: Any) -> Any:
    """Return the number that a reduction begins with, in the dtype of x.

    Raises:
        OverflowError: infinity or nan for integers.
        ValueError: not one number.
    """
    if isinstance(initial, Tensor):
        return initial
    value = as_array(initial)
    if value.ndim:
        raise ValueError(f"np.{name}: initial must be one number, not {describe(initial)}")
    dtype = operand(x).dtype
    return as_array(value if dtype.kind in "fc" else value.item(), dtype)


def _fold(op: Callable, join: Callable, neutral: float | None, name: str = "") -> Callable:
    """Make NumPy's form of an op that joins numbers.

    Args:
        join: the op of two numbers, by which `initial` is added to the others.
        neutral: the number that changes nothing; None if there is none.
    """
    name = name or op.__name__

    def reduction(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        x = a if dtype is None and out is None else _input(name, a, dtype, out)
        if where is not True:
            if neutral is None and initial is None:
                raise ValueError(f"np.{name}: with where= it needs initial=, for an empty choice")
            instead = _number(name, initial, x) if neutral is None else neutral
            x = select(_chosen(name, where, x), x, instead)
        if initial is None:
            return op(x, axis, keepdims=True) if keepdims else op(x, axis)
        nothing = count(axis, np.shape(x)) == 0
        result = (sum if nothing else op)(x, axis, keepdims=keepdims)
        number = _number(name, initial, result)
        return result + number if nothing else join(result, number)  # of nothing: zeros, recorded

    return reduction


def _without_dtype(reduction: Callable) -> Callable:
    """Make the form of a reduction that NumPy gives no dtype."""

    def extremum(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        return reduction(a, axis, None, out, keepdims, initial, where)

    return extremum


_sum = _fold(sum, add, 0)
_prod = _fold(prod, multiply, 1)
_max = _fold(max, maximum, None)
_min = _fold(min, minimum, None)

answers(np.sum)(_sum)
answers(np.prod)(_prod)
answers(np.max, np.amax)(_without_dtype(_max))
answers(np.min, np.amin)(_without_dtype(_min))
answers(np.nansum)(_fold(nansum, add, 0))
answers(np.nanprod)(_fold(nanprod, multiply, 1))
answers(np.nanmax)(_without_dtype(_fold(nanmax, maximum, None)))
answers(np.nanmin)(_without_dtype(_fold(nanmin, minimum, None)))

UFUNCS[np.add, "reduce"] = _sum
UFUNCS[np.multiply, "reduce"] = _prod
UFUNCS[np.maximum, "reduce"] = _max
UFUNCS[np.minimum, "reduce"] = _min

# --- means and deviations ------------------------------------------------------------------------


@answers(np.mean)
def _mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    x = _input("mean", a, dtype, out)
    if where is True:
        return mean(x, axis, keepdims=True) if keepdims else mean(x, axis)
    mask = _chosen("mean", where, x)
    total = sum(wide(select(mask, x, 0)), axis, keepdims=keepdims)
    number = np.sum(mask, axis=axis, keepdims=keepdims)
    return narrow(total / number.astype(total.dtype), x)


@answers(np.nanmean)
def _nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    x = _input("nanmean", a, dtype, out)
    if where is not True:
        x = select(_chosen("nanmean", where, x), x, np.nan)
    return nanmean(x, axis, keepdims=keepdims)


def _spread(op: Callable, power: float) -> Callable:
    """Make NumPy's form of `var` or `std`; `power` is that of the squared deviation in it."""
    name = op.__name__

    def reduction(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: Any = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        correction: Any = None,
    ) -> Any:
        x = _input(name, a, dtype, out)
        ddof = ddof if correction is None else correction
        if where is True:
            options = {"ddof": ddof, "keepdims": keepdims}
            return op(x, axis, **options) if ddof or keepdims else op(x, axis)
        # With the mean of the others in their place, the elements left out deviate by 0.
        mask = _chosen(name, where, x)
        x = select(mask, x, _mean(x, axis, keepdims=True, where=mask))
        number = np.sum(mask, axis=axis, keepdims=keepdims) - ddof
        ratio = count(axis, x.shape) / number
        spread = wide(op(x, axis, keepdims=keepdims))
        return narrow(spread * (ratio**power).astype(spread.dtype), x)

    return reduction


answers(np.var)(_spread(var, 1))
answers(np.std)(_spread(std, 0.5))

# --- running sums and products -------------------------------------------------------------------


def _scan(op: Callable) -> Callable:
    """Make NumPy's form of a running sum or product."""

    def scan(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        return op(_input(op.__name__, a, dtype, out), axis)

    return scan


def _along_first(scan: Callable) -> Callable:
    """Make the form of the ufunc's `accumulate`, along axis 0 unless another is given."""

    def accumulate(a: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        return scan(a, axis, dtype, out)

    return accumulate


def _cumulative(scan: Callable, first: float) -> Callable:
    """Make the array API's form of a running sum or product, which may start before x."""

    def cumulative(
        x: Any,
        /,
        *,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        if axis is None and x.ndim > 1:
            raise ValueError(f"x has {x.ndim} axes: axis says along which one")
        (along,) = normal_axes(0 if axis is None else axis, x.ndim or 1)
        result = scan(x, along, dtype, out)
        if not include_initial:
            return result
        shape = (*x.shape[:along], 1, *x.shape[along + 1 :])
        start = np.full(shape, first, result.dtype)
        return np.concatenate([start, result], axis=along)

    return cumulative


_cumsum, _cumprod = _scan(cumsum), _scan(cumprod)
answers(np.cumsum)(_cumsum)
answers(np.cumprod)(_cumprod)
UFUNCS[np.add, "accumulate"] = _along_first(_cumsum)
UFUNCS[np.multiply, "accumulate"] = _along_first(_cumprod)
if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    answers(np.cumulative_sum)(_cumulative(_cumsum, 0))
    answers(np.cumulative_prod)(_cumulative(_cumprod, 1))
