"""The text of values in a formula: symbols, numbers, tuples, slices."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

ATOM = 9  # how strongly a name binds, or a call
LONGEST_LITERAL = 12  # elements of an array that has no name
_CONSTANTS = {
    math.pi: "pi",
    math.log(2): "log(2)",
    math.log(10): "log(10)",
    2 / math.sqrt(math.pi): "2 / sqrt(pi)",
    1 / math.sqrt(2 * math.pi): "1 / sqrt(2 · pi)",
}


class InexpressibleError(Exception):
    """Raised where a computation is no formula, or depends on values that are not known."""


def written(value: Any, least: float = 0) -> str:
    """Return the text of a value; in parentheses if it binds less than `least`.

    Raises:
        InexpressibleError: a large array without a name.
    """
    if hasattr(value, "binds"):
        text, binds = value.text, value.binds
    elif isinstance(value, (np.ndarray, np.generic)):
        if np.size(value) > LONGEST_LITERAL:
            raise InexpressibleError("an array without a name")
        return written(value.tolist(), least)
    elif isinstance(value, (tuple, list)):
        return _sequence(value)
    elif isinstance(value, slice):
        return _slice(value)
    elif isinstance(value, float):
        text = _number(value).replace("-", "−")
        binds = 3 if text.startswith("−") else ATOM
        if " / " in text:
            binds = 2
    else:
        text = _word(value)
        binds = 3 if text.startswith("−") else ATOM
    return f"({text})" if binds < least else text


def _number(value: float) -> str:
    """Return a float as a constant, a fraction, or eight digits, whatever says most."""
    text = _CONSTANTS.get(abs(value))
    if text is not None:
        return text if value > 0 else f"-{text}"
    digits = f"{value:.8g}"
    if math.isfinite(value) and float(digits) != value:
        fraction = Fraction(value).limit_denominator(10**6)
        if abs(fraction.numerator) < 10 and float(fraction) == value:
            return f"{fraction.numerator} / {fraction.denominator}"
    return digits


def _word(value: Any) -> str:
    if value is Ellipsis:
        return "..."
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, (np.dtype, str)):
        return repr(str(value))
    if not isinstance(value, (int, complex, type(None))):
        raise InexpressibleError(f"a {type(value).__name__}")
    return repr(value).replace("-", "−")


def _sequence(values: Any) -> str:
    inside = ", ".join(map(written, values))
    if isinstance(values, list) or any(isinstance(v, (slice, type(...))) for v in values):
        return f"[{inside}]"
    comma = "," if len(values) == 1 else ""
    return f"({inside}{comma})"


def _slice(value: slice) -> str:
    bounds = [value.start, value.stop]
    if value.step is not None:
        bounds.append(value.step)
    return ":".join("" if bound is None else written(bound) for bound in bounds)


def arguments(args: Any, named: Any) -> str:
    """Return the text of the arguments of a call."""
    texts = [f"[{written(v)}]" if isinstance(v, slice) else written(v) for v in args]
    keywords = [f"{name}={written(v)}" for name, v in named.items() if v is not None]
    return ", ".join([*texts, *keywords])


# --- the same in Python ---------------------------------------------------------------------------

_PYTHON = {
    "−": "-",
    "·": "*",
    "^": "**",
    " = ": " == ",
    "≠": "!=",
    "≥": ">=",
    "≤": "<=",
    " and ": " & ",
    " or ": " | ",
}
_DIGITS = str.maketrans("₂₃₄₅₆₇₈₉", "23456789")
# An argument in brackets with a slice or dots in it: `scatter(g, [:, 2], (3, 4))`.
_INSIDE = r"(?:[^\[\]]|\[[^\[\]]*\])*"
_INDEX = re.compile(rf"(?<=[(,= ])\[({_INSIDE}(?::|\.\.\.){_INSIDE})\]")
_WORD = re.compile(r"(?<![\w.])(linalg\.\w+|[a-z]\w*)(?=\()|(?<![\w.])(?:inf|nan|pi)(?!\w)")


def as_python(text: str, library: Collection[str] = (), *, stacked: bool = True) -> str:
    """Return a formula as lines of NumPy.

    Args:
        library: the functions in it that are not NumPy's.
        stacked: whether a transposed array may have more than two axes.
    """
    text = text.replace("ᵀ", ".mT" if stacked else ".T")
    *before, result = text.split("\n")
    lines = []
    for line in before:
        name, _, expression = line.partition(" = ")
        lines.append(f"{name.translate(_DIGITS)} = {_expression(expression, library)}")
    return "\n".join([*lines, _expression(result, library)])


def _expression(text: str, library: Collection[str]) -> str:
    def word(match: re.Match[str]) -> str:
        name = match[0]
        known = name.startswith("linalg.") or hasattr(np, name)
        return f"np.{name}" if known and name not in library else name

    for sign, plain in _PYTHON.items():
        text = text.replace(sign, plain)
    return _WORD.sub(word, _INDEX.sub(r"np.s_[\1]", text)).translate(_DIGITS)
