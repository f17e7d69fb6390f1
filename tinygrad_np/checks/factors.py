"""Numbers that a gradient is too large by, as a learner would write them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CLOSE = 1e-6  # part of a number by which another may differ and still be called by its name

# Written with n for a count. 1 and 2 are too common to say what they might be.
_OF_A_COUNT: dict[str, Callable[[int], float]] = {
    "n": lambda n: n,
    "1 / n": lambda n: 1 / n,
    "(n - 1)/n": lambda n: (n - 1) / n,
    "n/(n - 1)": lambda n: n / (n - 1),
    "1/(n - 1)": lambda n: 1 / (n - 1),
    "1/(2 n)": lambda n: 1 / (2 * n),
    "2/n": lambda n: 2 / n,
    "the root of n": math.sqrt,
    "1 / the root of n": lambda n: 1 / math.sqrt(n),
    "n²": lambda n: n * n,
    "1/n²": lambda n: 1 / (n * n),
}
_CONSTANTS = {
    "ln 2": math.log(2),
    "ln 10": math.log(10),
    "π": math.pi,
    "2 π": 2 * math.pi,
    "√2": math.sqrt(2),
    "√3": math.sqrt(3),
    "√π": math.sqrt(math.pi),
    "√(2 π)": math.sqrt(2 * math.pi),
    "π/180": math.pi / 180,
    "e": math.e,
}


class _Name(NamedTuple):
    text: str
    why: str


def counts_of(*arrays: Any) -> dict[str, int]:
    """Count what a rule forgets or doubles easily: lengths of axes, and numbers of elements."""
    counts: dict[str, int] = {}
    for array in arrays:
        if isinstance(array, np.ndarray):
            for axis, n in enumerate(array.shape):
                title = "the number of rows" if axis == 0 else f"the length of axis {axis}"
                counts.setdefault(title, n)
            counts.setdefault("the number of elements", array.size)
    return counts


def _near(a: float, b: float, close: float) -> bool:
    return abs(a - b) <= close * abs(b)


def _short_fraction(size: float, close: float) -> str | None:
    fraction = Fraction(size).limit_denominator(64)
    if not 0 < fraction.numerator <= 1000 or not _near(size, float(fraction), close):
        return None
    return str(fraction)


def named(factor: float, counts: Mapping[str, int], close: float = CLOSE) -> _Name:
    """Write a factor as a number or a fraction, and name what has that size, if anything has."""
    sign, size = "-" if factor < 0 else "", abs(factor)
    text = _short_fraction(size, close)
    for n_text, of_n in _OF_A_COUNT.items():
        if text in ("1", "2", "1/2", "3/2"):
            break
        for title, n in counts.items():
            if n <= 2 or not _near(size, of_n(n), close):
                continue
            shown = text or (f"1/{n}" if n_text == "1 / n" else f"{size:.6g}")
            if n_text in ("n", "1 / n"):
                return _Name(sign + shown, f": {n_text.replace('n', title)}")
            return _Name(sign + shown, f": {n_text} for n = {n}, {title}")
    if text is None:
        for title, value in _CONSTANTS.items():
            if _near(size, value, close):
                return _Name(sign + f"{size:.6g}", f": {title}")
            if _near(size, 1 / value, close):
                return _Name(sign + f"{size:.6g}", f": 1 / ({title})")
    return _Name(sign + (text or f"{size:.6g}"), "")


def times(factor: float, title: str, close: float = CLOSE) -> str:
    """Write a multiple of something: `out`, `-out`, `1/2 times out`."""
    text = named(factor, {}, close).text
    if text in ("1", "-1"):
        return text[:-1] + title
    return f"{text} times {title}"
