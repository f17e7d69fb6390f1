"""Forms of elementwise ops. Their operands come in one dtype, the one that NumPy computes in."""

from __future__ import annotations

import math

import numpy as np

from .graph import FLOAT, INTEGER, TRUTH, NoFormError, Value, kind_of
from .registry import FORMS, form

_SAME = {  # one node, of the operands as they are
    "abs": "Abs", "arccos": "Acos", "arccosh": "Acosh", "arcsin": "Asin",
    "arcsinh": "Asinh", "arctan": "Atan", "arctanh": "Atanh", "cos": "Cos", "cosh": "Cosh",
    "divide": "Div", "equal": "Equal", "erf": "Erf", "exp": "Exp", "fabs": "Abs",
    "float_power": "Pow", "greater": "Greater", "greater_equal": "GreaterOrEqual", "isnan": "IsNaN",
    "less": "Less", "less_equal": "LessOrEqual", "log": "Log", "matmul": "MatMul", "mish": "Mish",
    "negative": "Neg", "power": "Pow",
    "reciprocal": "Reciprocal", "relu": "Relu", "selu": "Selu", "sigmoid": "Sigmoid",
    "sign": "Sign", "sin": "Sin", "sinh": "Sinh", "softsign": "Softsign", "sqrt": "Sqrt",
    "subtract": "Sub", "tan": "Tan", "tanh": "Tanh",
}  # fmt: skip
_OF_TRUTHS = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}


def _node(kind):
    return lambda g, *operands, **named: g.add(kind, *operands, *named.values())


def _node_of_truths(kind):
    return lambda g, x, y: g.add(kind, g.cast(x, TRUTH), g.cast(y, TRUTH))


FORMS.update({name: _node(kind) for name, kind in _SAME.items()})
FORMS.update({name: _node_of_truths(kind) for name, kind in _OF_TRUTHS.items()})


# --- comparisons and bits -------------------------------------------------------------------------


@form("not_equal")
def _not_equal(g, x, y):
    return g.Not(g.Equal(x, y))


@form("logical_not")
def _logical_not(g, x):
    return g.Not(g.cast(x, TRUTH))


@form("isinf")
def _isinf(g, x):
    return g.IsInf(g.cast(x, FLOAT))


@form("isfinite")
def _isfinite(g, x):
    floats = g.cast(x, FLOAT)
    size = g.Abs(floats)
    return g.Less(size, np.inf)


@form("signbit")
def signbit(g, x):
    """Look at 1 / x where x is 0: it is -inf for -0."""
    x = g.cast(x, FLOAT)
    is_zero = g.Equal(x, 0)
    sign = g.Where(is_zero, g.Reciprocal(x), x)
    return g.Less(sign, 0)


@form("invert")
def _invert(g, x):
    return g.add("Not" if x.dtype == TRUTH else "BitwiseNot", x)


def _bitwise(truths, numbers):
    def add(g, x, y):
        dtypes = [v.dtype for v in (x, y) if isinstance(v, Value)]
        return g.add(truths if dtypes[0] == TRUTH else numbers, x, y)

    return add


for name, truths, numbers in (
    ("bitwise_and", "And", "BitwiseAnd"),
    ("bitwise_or", "Or", "BitwiseOr"),
    ("bitwise_xor", "Xor", "BitwiseXor"),
    ("add", "Or", "Add"),
    ("multiply", "And", "Mul"),
    ("maximum", "Or", "Max"),
    ("minimum", "And", "Min"),
):
    form(name)(_bitwise(truths, numbers))


@form("left_shift")
def _left_shift(g, x, y):
    return g.Mul(x, _power_of_two(g, y))


@form("right_shift")
def _right_shift(g, x, y):
    return _floor_divide(g, x, _power_of_two(g, y))


def _power_of_two(g, n):
    return g.cast(g.Pow(g.value(2.0), g.cast(n, FLOAT)), INTEGER)


# --- division -------------------------------------------------------------------------------------


@form("remainder")
def _remainder(g, x, y):
    x, y = both(g, x, y)
    if x.dtype != FLOAT:
        return g.Mod(x, y)
    rest, differs = _rest(g, x, y)
    return g.Where(differs, g.Add(rest, y), rest)


def _rest(g, x, y):
    """Return what C's division of floats leaves, and where its sign is not that of y."""
    rest = g.Mod(x, y, fmod=1)
    negative = (g.Less(v, 0) for v in (rest, y))
    return rest, g.And(g.Xor(*negative), _not_equal(g, rest, 0))


@form("floor_divide")
def _floor_divide(g, x, y):
    x, y = both(g, x, y)
    if x.dtype != FLOAT:
        return g.Div(g.Sub(x, g.Mod(x, y)), y)
    rest, differs = _rest(g, x, y)
    whole = g.Round(g.Div(g.Sub(x, rest), y))
    floor = g.Where(differs, g.Sub(whole, 1), whole)
    return g.Where(g.Equal(y, 0), g.Div(x, y), floor)


@form("fmod")
def _fmod(g, x, y):
    return g.Mod(*both(g, x, y), fmod=1)


def both(g, x, y):
    """Return two operands as values."""
    dtype = (x if isinstance(x, Value) else y).dtype
    return g.value(x, dtype), g.value(y, dtype)


# --- rounding -------------------------------------------------------------------------------------


def _of_floats(kind):
    """Make the form of a rounding, which leaves integers as they are."""
    return lambda g, x: g.add(kind, x) if x.dtype == FLOAT else x


form("ceil")(_of_floats("Ceil"))
form("floor")(_of_floats("Floor"))
form("rint")(_of_floats("Round"))


@form("trunc")
def _trunc(g, x):
    if x.dtype != FLOAT:
        return x
    return g.Mul(g.Sign(x), g.Floor(g.Abs(x)))


@form("round")
def _round(g, x, decimals=0):
    if x.dtype != FLOAT:
        raise NoFormError("round of integers")
    if not decimals:
        return g.Round(x)
    scale = 10.0 ** abs(decimals)
    there, back = ("Mul", "Div") if decimals > 0 else ("Div", "Mul")
    return g.add(back, g.Round(g.add(there, x, scale)), scale)


@form("clip")
def _clip(g, x, min=None, max=None):
    if min is not None:
        x = g.Max(x, min)
    return x if max is None else g.Min(x, max)


# --- pieces ---------------------------------------------------------------------------------------


@form("where")
def _where(g, condition, x, y):
    dtypes = [v.dtype for v in (x, y) if isinstance(v, Value)]
    dtype = dtypes[0] if dtypes else kind_of(np.result_type(x, y))
    x, y = (g.value(v, dtype) for v in (x, y))
    condition = g.cast(condition, TRUTH)
    if dtype == TRUTH:  # for which onnxruntime has no Where
        return g.Or(g.And(condition, x), g.And(g.Not(condition), y))
    return g.Where(condition, x, y)


@form("copysign")
def _copysign(g, x, y):
    size = g.Abs(g.value(x, FLOAT))
    negative = signbit(g, g.value(y, FLOAT))
    return g.Where(negative, g.Neg(size), size)


def _unless_nan(kind):
    def add(g, x, y):
        x, y = both(g, x, y)
        best = g.add(kind, x, y)
        if x.dtype != FLOAT:
            return best
        best = g.Where(g.IsNaN(x), y, best)
        return g.Where(g.IsNaN(y), x, best)

    return add


form("fmax")(_unless_nan("Max"))
form("fmin")(_unless_nan("Min"))


@form("heaviside")
def _heaviside(g, x, y):
    x, y = g.value(x, FLOAT), g.value(y, FLOAT)
    step = g.Where(g.Less(x, 0), 0, x)
    step = g.Where(g.Greater(x, 0), 1, step)
    return g.Where(g.Equal(x, 0), y, step)


@form("nan_to_num")
def _nan_to_num(g, x, nan=0.0, posinf=None, neginf=None):
    if x.dtype != FLOAT:
        return x
    most = np.finfo(np.float32).max
    x = g.Where(g.IsNaN(x), nan, x)
    for infinite, number in ((np.inf, posinf), (-np.inf, neginf)):
        number = math.copysign(most, infinite) if number is None else number
        found = g.Equal(x, infinite)
        x = g.Where(found, number, x)
    return x


@form("astype", "copy", "positive", "np.asarray")
def _itself(g, x, *_, **__):
    """Return x: a result is cast to its dtype in any case."""
    return x
