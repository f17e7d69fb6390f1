"""Scalar functions in C, those that give NumPy's bits."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lowering.loops import COPY

if TYPE_CHECKING:
    from ..lowering.loops import Map

TYPES = {
    "b1": "bool", "i1": "int8_t", "i2": "int16_t", "i4": "int32_t", "i8": "int64_t",
    "u1": "uint8_t", "u2": "uint16_t", "u4": "uint32_t", "u8": "uint64_t", "f4": "float",
    "f8": "double",
}  # fmt: skip

_ARITHMETIC = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "negative": "-{0}",
    "positive": "{0}", "square": "{0} * {0}", COPY: "{0}",
}  # fmt: skip
_COMPARISONS = {
    "less": "{0} < {1}", "less_equal": "{0} <= {1}", "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}", "equal": "{0} == {1}", "not_equal": "{0} != {1}",
    "logical_and": "{0} && {1}", "logical_or": "{0} || {1}", "logical_not": "!{0}",
    "logical_xor": "!{0} != !{1}",
}  # fmt: skip
# Of two equal numbers, such as 0.0 and -0.0, NumPy takes the second one; nan comes first.
_LARGER = "({0} > {1} || {0} != {0} ? {0} : {1})"
_SMALLER = "({0} < {1} || {0} != {0} ? {0} : {1})"
_FLOATS = {
    "divide": "{0} / {1}", "reciprocal": "1 / {0}", "absolute": "fabs{f}({0})",
    "fabs": "fabs{f}({0})", "sqrt": "sqrt{f}({0})", "floor": "floor{f}({0})",
    "ceil": "ceil{f}({0})", "trunc": "trunc{f}({0})", "rint": "rint{f}({0})",
    "copysign": "copysign{f}({0}, {1})",
    "maximum": _LARGER, "minimum": _SMALLER,
    "isnan": "{0} != {0}", "isfinite": "isfinite({0})", "isinf": "isinf({0})",
    "signbit": "signbit({0})",
}  # fmt: skip
_INTEGERS = {
    "bitwise_and": "{0} & {1}", "bitwise_or": "{0} | {1}", "bitwise_xor": "{0} ^ {1}",
    "invert": "~{0}", "maximum": "{0} > {1} ? {0} : {1}", "minimum": "{0} < {1} ? {0} : {1}",
}  # fmt: skip
_TRUTHS = {
    "bitwise_and": "{0} & {1}", "bitwise_or": "{0} | {1}", "bitwise_xor": "{0} ^ {1}",
    "maximum": "{0} | {1}", "minimum": "{0} & {1}", "add": "{0} | {1}", "multiply": "{0} & {1}",
    "invert": "!{0}", COPY: "{0}",
}  # fmt: skip
# Functions of libm, whose last digits are not those of NumPy.
_LIBM = {
    name: f"{other}{{f}}({{0}})"
    for name, other in {
        "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log2": "log2",
        "log10": "log10", "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan",
        "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh",
        "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "cbrt": "cbrt",
    }.items()
} | {
    "power": "pow{f}({0}, {1})", "float_power": "pow{f}({0}, {1})", "fmod": "fmod{f}({0}, {1})",
    "arctan2": "atan2{f}({0}, {1})", "hypot": "hypot{f}({0}, {1})",
    "floor_divide": "floor{f}({0} / {1})", "remainder": "{0} - floor{f}({0} / {1}) * {1}",
}  # fmt: skip
_DOWN = "({0} % {1} != 0 && ({0} < 0) != ({1} < 0))"  # C rounds quotients towards zero
_QUOTIENTS = {
    "floor_divide": "{0} / {1} - " + _DOWN, "remainder": "{0} % {1} + " + _DOWN + " * {1}",
}  # fmt: skip
_SELECT = {"where": "{0} ? {1} : {2}"}
_OF = {
    "f": {**_ARITHMETIC, **_COMPARISONS, **_FLOATS, **_SELECT},
    "i": {**_ARITHMETIC, **_COMPARISONS, **_INTEGERS, **_SELECT},
    "u": {**_ARITHMETIC, **_COMPARISONS, **_INTEGERS, **_SELECT},
    "b": {**_COMPARISONS, **_TRUTHS, **_SELECT},
}
_CALLED = re.findall(r"(\w+)(?:\{f\})?\(", " ".join([*_FLOATS.values(), *_LIBM.values()]))
FUNCTIONS = {name + letter for name in _CALLED for letter in ("", "f")}  # that a text may call


def ctype(dtype: np.dtype) -> str:
    """Return C's name of a dtype."""
    return TYPES[dtype.str[1:]]


def formula(function: str, dtype: np.dtype, *, libm: bool = False) -> str | None:
    """Return a function of values of a dtype as text with places for operands; None if unknown.

    With `libm`, so are those whose last digits are not NumPy's, and those that may fail.
    """
    text = _OF[dtype.kind].get(function)
    if libm and text is None:
        text = {"f": _LIBM, "i": _QUOTIENTS}.get(dtype.kind, {}).get(function)
    return text and text.replace("{f}", "f" if dtype.itemsize == 4 else "")


def is_exact(loop: Map) -> bool:
    """Say whether C computes an elementwise loop with NumPy's bits."""
    if formula(loop.function, loop.dtype) is None:
        return False
    sources = [view.dtype for view in loop.operands]
    if loop.function == "where":
        sources = sources[1:]
    if loop.function not in _COMPARISONS:  # what C leaves open: floats beyond the integers
        sources.append(loop.dtype)
        if loop.out.dtype.kind in "iu" and any(dtype.kind == "f" for dtype in sources):
            return False
    return True


def literal(value: Any, dtype: np.dtype) -> str:
    """Return the text of a number of a dtype."""
    number = np.asarray(value).astype(dtype).item()
    if dtype.kind == "b":
        return "true" if number else "false"
    if dtype.kind in "iu":
        if abs(number) < 2**31:
            return str(number)
        return f"{number}u" if dtype.kind == "u" else f"INT64_C({number + 1}) - 1"
    if not math.isfinite(number):
        sign = "-" if number < 0 else ""
        return f"{sign}{'NAN' if math.isnan(number) else 'INFINITY'}"
    return f"{number!r}f" if dtype.itemsize == 4 else repr(number)
