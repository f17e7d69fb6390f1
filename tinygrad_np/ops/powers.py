"""Whole powers as products: NumPy's `**` takes up to a hundred times as long."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor

# Every factor rounds once more; and for -1, 0, 1 and 2 NumPy has a short way itself.
_EXPONENTS = frozenset({-4, -3, -2, 3, 4})


def power_of(x: Any, y: Any) -> Any:
    """Return x ** y: for floats and a small whole number y as a product.

    A negative power is one of 1 / x, which overflows where the result does, and only there.
    """
    if isinstance(x, Tensor) or type(y) not in (int, float):
        return x**y
    is_product = y in _EXPONENTS and x.dtype.char in "fd"
    if not is_product:
        return x**y
    base = x if y > 0 else 1 / x
    n = abs(y)
    square = base * base
    if n == 2:
        return square
    return square * base if n == 3 else square * square
