"""Ufuncs, and the few functions that work element by element like them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..statements import Var, vars_in
from .loops import COPY, Guard
from .memory import Unsupported, element_type
from .picks import accumulate_at
from .reductions import reduction
from .rules import apply_rule, rule

if TYPE_CHECKING:
    from ..statements import Statement
    from .builder import Builder

# The scalar functions that a backend has to know, by the names of NumPy's ufuncs.
FUNCTIONS = frozenset({
    COPY, "where", "clip",
    "absolute", "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "bitwise_and", "bitwise_or", "bitwise_xor", "cbrt", "ceil", "copysign", "cos", "cosh",
    "deg2rad", "divide", "equal", "exp", "exp2", "expm1", "fabs", "float_power", "floor",
    "floor_divide", "fmax", "fmin", "fmod", "greater", "greater_equal", "heaviside", "hypot",
    "invert", "isfinite", "isinf", "isnan", "ldexp", "left_shift", "less", "less_equal", "log",
    "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logical_and", "logical_not",
    "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative", "not_equal",
    "positive", "power", "rad2deg", "reciprocal", "remainder", "right_shift", "rint", "sign",
    "signbit", "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc",
})  # fmt: skip
_OTHER_NAMES = {"degrees": "rad2deg", "radians": "deg2rad", "conjugate": "positive"}
_OPERATORS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "**": "power",
    "//": "floor_divide", "%": "remainder", "<": "less", "<=": "less_equal", ">": "greater",
    ">=": "greater_equal", "==": "equal", "!=": "not_equal",
}  # fmt: skip
_REDUCTIONS = {
    "add": "add", "multiply": "multiply", "maximum": "maximum", "minimum": "minimum",
    "logical_or": "any", "logical_and": "all",
}  # fmt: skip
_OF_TRUTHS = {"add": "logical_or", "multiply": "logical_and"}  # what they are for booleans
_BOOL = np.dtype(bool)


def lower_ufunc(builder: Builder, statement: Statement) -> None:
    """Write the loop of a ufunc, or of its method."""
    ufunc, args = statement.target, statement.args
    kwargs = without_out(statement.kwargs)
    if statement.several:
        raise Unsupported("several results")
    name, method = ufunc.__name__, statement.method
    if method == "reduce":
        apply_rule(_reduce, builder, (name, *args), kwargs)
    elif method == "accumulate":
        apply_rule(_accumulate, builder, (name, *args), kwargs)
    elif method == "at":
        accumulate_at(builder, name, *args)
    elif method == "outer":
        apply_rule(_ufunc, builder, (ufunc, _column(builder, *args), args[1]), kwargs)
    elif ufunc is np.matmul:
        apply_rule(_matmul, builder, args, kwargs)
    else:
        apply_rule(_ufunc, builder, (ufunc, *args), kwargs)


def without_out(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Leave out the argument `out`: what is written to is `builder.out` in any case."""
    return {name: value for name, value in kwargs.items() if name != "out"}


def _column(builder: Builder, left: Any, right: Any) -> Any:
    """Return the left operand with axes for those of the right one behind its own."""
    view = builder.operand(left)
    more = len(builder.operand(right).shape)
    return view.placed((*view.shape, *[1] * more), (*view.strides, *[0] * more))


def _ufunc(
    builder,
    ufunc,
    *args,
    dtype=None,
    casting="",
    where=True,
):
    args = tuple(map(_as_operand, args))
    name = _OTHER_NAMES.get(ufunc.__name__, ufunc.__name__)
    if name not in FUNCTIONS:
        raise Unsupported("no backend has this function")
    *dtypes, result = ufunc.resolve_dtypes((*map(_promotes_as, args), None))
    if dtype is not None:
        if result == _BOOL:
            raise Unsupported("the argument dtype")
        result = np.dtype(dtype)
        dtypes = [result] * len(dtypes)
    if dtypes[0] == _BOOL:
        name = _OF_TRUTHS.get(name, name)
    operands = [builder.operand(a, kind) for a, kind in zip(args, dtypes)]
    out = builder.out
    both_floats = result.kind == out.dtype.kind == "f"
    direct = where is True and (both_floats or np.can_cast(result, out.dtype, "safe"))
    target = out if direct else builder.memory.scratch(out.shape, result)
    builder.map(name, target, *operands, dtype=element_type(dtypes[0]))
    if where is not True:
        value = builder.converted(target, out.dtype)
        builder.map("where", out, builder.operand(where), value, out, dtype=out.dtype)
    elif not direct:
        builder.map(COPY, out, target)


def _as_operand(value: Any) -> Any:
    """Return a list of numbers as the array that NumPy makes of it."""
    if not isinstance(value, (list, tuple)):
        return value
    if vars_in(value):
        raise Unsupported("a list of computed numbers")
    return np.asarray(value)


def _promotes_as(value: Any) -> Any:
    """Return what counts for the result's dtype: a dtype, or a Python type, which gives way."""
    kind = value.dtype if hasattr(value, "dtype") else type(value)
    return _BOOL if kind is bool else kind


@rule("dot")
def _dot(builder, a, b):
    shapes = [builder.operand(x).shape for x in (a, b)]
    if max(map(len, shapes)) > 2 or min(map(len, shapes)) == 0:
        raise Unsupported("a product of other arrays than vectors and matrices")
    _matmul(builder, a, b)


def _matmul(builder, left, right, casting=""):
    dtype = builder.out.dtype
    if dtype == _BOOL:
        raise Unsupported("a product of booleans")
    builder.matmul(builder.out, builder.operand(left, dtype), builder.operand(right, dtype))


def _reduce(
    builder,
    name,
    array,
    axis=0,
    dtype=None,
    keepdims=False,
    initial=None,
):
    if name not in _REDUCTIONS:
        raise Unsupported("no backend has this reduction")
    reduction(builder, _REDUCTIONS[name], array, axis, keepdims, initial)


def has_scan(ufunc: np.ufunc) -> bool:
    """Say whether backends have a loop for the running values of a function."""
    return ufunc in (np.add, np.multiply, np.maximum, np.minimum)


def _accumulate(builder, name, array, axis=0, dtype=None):
    out = builder.out
    builder.scan(name, out, builder.operand(array, out.dtype), axis)


def lower_operator(builder: Builder, statement: Statement) -> None:
    """Write arithmetic of Python numbers."""
    kinds = {a.dtype if isinstance(a, Var) else type(a) for a in statement.args}
    if not kinds <= {bool, int, float}:
        raise Unsupported("arithmetic of other objects than numbers")
    out = builder.out
    floats = float in kinds or out.dtype.kind == "f"
    dtype = np.dtype(np.float64 if floats else np.int64)
    operands = [builder.operand(a, dtype) for a in statement.args]
    if statement.target in ("/", "//", "%"):  # an error in Python
        zero = builder.memory.scratch((), _BOOL)
        builder.map("equal", zero, operands[1], builder.operand(0, dtype))
        builder.append(Guard(view=zero, expected=0))
    builder.map(_OPERATORS[statement.target], out, *operands, dtype=dtype)


@rule("where")
def _where(builder, condition, x, y):
    out = builder.out
    truth = builder.converted(builder.operand(condition), _BOOL)
    values = (builder.operand(a, out.dtype) for a in (x, y))
    builder.map("where", out, truth, *values, dtype=out.dtype)


@rule("clip")
def _clip(
    builder,
    a,
    a_min=None,
    a_max=None,
    *,
    min=None,
    max=None,
):
    out = builder.out
    low = a_min if a_min is not None else min
    high = a_max if a_max is not None else max
    bounds = [builder.operand(b, out.dtype) for b in (low, high) if b is not None]
    names = {2: "clip", 1: "maximum" if high is None else "minimum", 0: COPY}
    builder.map(names[len(bounds)], out, builder.operand(a, out.dtype), *bounds)
