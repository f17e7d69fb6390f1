"""Elementwise functions made of pieces: rounding, division with remainder, choices, steps.

At the borders between two pieces there is no derivative; `kinks` says what is taken for it.
"""

from __future__ import annotations

import functools

import numpy as np

from ..core.protocols import UFUNCS
from ..core.tensor import Tensor, as_operand, needs_grad, unwrap
from .define import answers, define_op
from .elementwise import where
from .index import getitem, setitem
from .mistakes import describe_call
from .ufuncs import BINARY_SHAPES, away_from_0

__all__ = [
    "ceil",
    "copysign",
    "divmod",
    "fabs",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "heaviside",
    "nan_to_num",
    "piecewise",
    "remainder",
    "rint",
    "round",
    "select",
    "signbit",
    "trunc",
]

# --- rounding: whole numbers, no gradient --------------------------------------------------------


def _rounding(ufunc, doc, numpy=()):
    doc += " Its gradient is zero everywhere."
    return define_op(ufunc, x=None, text=ufunc.__name__ + "({x})", doc=doc, numpy=numpy)


ceil = _rounding(np.ceil, "The smallest whole number that is at least x.")
floor = _rounding(np.floor, "The largest whole number that is at most x.")
rint = _rounding(np.rint, "The whole number nearest to x, the even one of two.")
trunc = _rounding(np.trunc, "x without its fraction.")


def _round(x, decimals=0):
    """x rounded to some decimals, halves to even. Its gradient is zero everywhere."""
    return np.round(x, decimals)


round = define_op(
    _round,
    x=None,
    text="round({x}, {decimals})",
    numpy=(np.round, np.around),
    samples=lambda r: [((r(3, 4),), {}), ((r(3, 4) * 100, -1), {}), ((r(), 2), {})],
)

# --- division with remainder ---------------------------------------------------------------------


def _quotient_samples(r):
    """Draw pairs whose quotients are far from whole numbers, where the pieces meet."""

    def pair(x_shape, y_shape):
        quotient = np.round(3 * r(*x_shape)) + 0.5 + 0.2 * np.tanh(r(*x_shape))
        y = np.sign(r(*y_shape)) * (1 + np.abs(r(*y_shape)))
        return np.asarray(quotient * y), np.asarray(y)

    shapes = [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 3), ()), ((), ()), ((0, 3), (3,))]
    return [(pair(*both), {}) for both in shapes] + [((5.25, np.array([[2.0, -1.5]])), {})]


floor_divide = define_op(
    np.floor_divide,
    x=None,
    y=None,
    text="{x} // {y}",
    doc="The largest whole number that is at most x / y. Its gradient is zero everywhere.",
    samples=_quotient_samples,
)

remainder = define_op(
    np.remainder,
    x=lambda g: g,
    y=lambda g, x, y: -g * np.floor_divide(x, y),
    text="{x} % {y}",
    doc="x - floor(x / y) * y, which has the sign of y.",
    kinks="where x is a multiple of y: as for a slightly larger x / y; of second order 0",
    samples=_quotient_samples,
)

fmod = define_op(
    np.fmod,
    x=lambda g: g,
    y=lambda g, out, x, y: -g * np.rint((x - out) / y),
    doc="x - trunc(x / y) * y, which has the sign of x.",
    kinks="where x is a multiple of y: as for an x / y slightly farther from 0; of second order 0",
    samples=_quotient_samples,
)


def divmod(x, y):
    """The pair x // y, x % y."""
    return floor_divide(x, y), remainder(x, y)


UFUNCS[np.divmod, "__call__"] = divmod

# --- signs and choices ---------------------------------------------------------------------------

fabs = define_op(
    np.fabs,
    x=lambda g, x: g * np.sign(x),
    text="|{x}|",
    doc="Absolute value of x, as a float.",
    kinks="0 at x = 0; of second order 0",
    samples=lambda r: [((away_from_0(r(*shape)),), {}) for shape in ((), (3, 4), (0, 3))],
)


def _copysign(x, y):
    """The size of x with the sign of y; no gradient flows to y."""
    return np.copysign(x, y)


copysign = define_op(
    _copysign,
    x=lambda g, x, y: g * (np.sign(x) * np.copysign(1, y)),
    y=None,
    kinks="0 at x = 0; of second order 0",
    numpy=(np.copysign,),
    samples=lambda r: [
        ((away_from_0(r(*x_shape)), r(*y_shape)), {}) for x_shape, y_shape in BINARY_SHAPES
    ],
)

signbit = define_op(np.signbit, x=None, doc="True where x is negative, or -0.0.")


def _if_better(g, better, x, y):
    """Return g where x is the better one or y is nan, half of it where they tie, else 0."""
    alone = np.logical_and(np.isnan(y), x == x)
    return g * np.logical_or(better, alone) + 0.5 * g * (x == y)


fmax = define_op(
    np.fmax,
    x=lambda g, x, y: _if_better(g, x > y, x, y),
    y=lambda g, x, y: _if_better(g, y > x, y, x),
    doc="The larger of x and y; the other one where one is nan.",
    kinks="half to each where x = y; 0 where both are nan; of second order 0",
)

fmin = define_op(
    np.fmin,
    x=lambda g, x, y: _if_better(g, x < y, x, y),
    y=lambda g, x, y: _if_better(g, y < x, y, x),
    doc="The smaller of x and y; the other one where one is nan.",
    kinks="half to each where x = y; 0 where both are nan; of second order 0",
)


def _step_samples(r):
    x = np.array([[-1, 0, 2], [0, 0, 1]])  # integers, which no test of slopes moves off the step
    return [((x, r(2, 3)), {}), ((x, r(3)), {}), ((r(), r()), {}), ((r(0, 3), r(3)), {})]


def _heaviside(x, y):
    """0 where x < 0, y where x = 0, 1 where x > 0; no gradient flows to x."""
    return np.heaviside(x, y)


heaviside = define_op(
    _heaviside,
    x=None,
    y=lambda g, x: g * (x == 0),
    numpy=(np.heaviside,),
    samples=_step_samples,
)


def _nan_to_num(x, *, nan=0.0, posinf=None, neginf=None):
    """x with numbers for nan, inf and -inf; by default 0 and the largest numbers of its dtype."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


nan_to_num = define_op(
    _nan_to_num,
    x=lambda g, x: np.where(np.isfinite(x), g, 0),
    kinks="0 where x was replaced, of second order too",
    numpy=(np.nan_to_num,),
    samples=lambda r: [((r(3, 4),), {}), ((r(),), {"nan": 1.0, "posinf": 2.0, "neginf": -2.0})],
)

# --- one of many -------------------------------------------------------------------------------


def _conditions(name, condlist):
    """Return conditions as arrays or Tensors of booleans."""
    conditions = [c if hasattr(c, "dtype") else np.asarray(c) for c in condlist]
    for k, condition in enumerate(conditions):
        if condition.dtype.kind != "b":
            raise TypeError(f"{name}: condlist[{k}] must be booleans, not {condition.dtype}")
    return conditions


@answers(np.select)
def select(condlist, choicelist, default=0):
    """From each position's first condition that holds its choice, else the default.

    Args:
        condlist: arrays or Tensors of booleans.
        choicelist: as many arrays or Tensors to choose from; all broadcast together.
        default: taken where no condition holds.
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            f"select needs as many choices as conditions, and at least one: given "
            f"{len(condlist)} conditions and {len(choicelist)} choices"
        )
    out = default
    pairs = list(zip(_conditions("select", condlist), choicelist))
    for condition, choice in reversed(pairs):
        out = where(condition, choice, out)
    return out


@answers(np.piecewise)
def piecewise(x, condlist, funclist, *args, **kwargs):
    """Each function evaluated where its condition holds; the result has the dtype of x.

    Args:
        x: an array or Tensor.
        condlist: arrays or Tensors of booleans in the shape of x, or a single one. Where several
            hold the last one counts.
        funclist: a function of 1-D values, or a number, for each condition; one more, if given,
            is for where none holds (by default 0).
        *args, **kwargs: handed to the functions.
    """
    x = x if isinstance(x, Tensor) else Tensor(as_operand(x))
    masks = _masks(x, condlist)
    if len(funclist) == len(masks) + 1:
        masks.append(~functools.reduce(np.logical_or, masks))
    elif len(funclist) != len(masks):
        raise ValueError(
            f"piecewise needs {len(masks)} or {len(masks) + 1} functions for {len(masks)} "
            f"conditions, not {len(funclist)}"
        )
    out = Tensor(np.zeros(x.shape, x.dtype))
    for mask, value in zip(masks, funclist):
        if callable(value):
            if not mask.any():
                continue
            value = value(getitem(x, mask), *args, **kwargs)
        if needs_grad(value) and x.dtype.kind != "f":
            raise TypeError(
                f"piecewise gives the dtype of x, {x.dtype}, which can't carry the gradient of "
                f"{value._title()}: use x.astype(float)"
            )
        out = setitem(out, value, mask)
    return out


def _masks(x, condlist):
    """Return the conditions of `piecewise` as arrays in the shape of x."""
    is_list = isinstance(condlist, (list, tuple))
    if is_list and not condlist:
        raise ValueError("piecewise needs at least one condition")
    if is_list and x.ndim:
        is_list = isinstance(condlist[0], (list, tuple, Tensor, np.ndarray))
    elif isinstance(condlist, (Tensor, np.ndarray)):
        is_list = condlist.ndim > x.ndim
    condlist = list(condlist) if is_list else [condlist]
    masks = list(map(unwrap, _conditions("piecewise", condlist)))
    for k, mask in enumerate(masks):
        if mask.shape != x.shape:
            call = describe_call("piecewise", x=x)
            raise ValueError(f"{call}: condlist[{k}] has shape {mask.shape}")
    return masks
