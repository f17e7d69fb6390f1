"""Short formulas that have names: the reciprocal root, mixtures, and sums with a product."""

from __future__ import annotations

from typing import Any

import numpy as np

from .define import define_op
from .elementwise import add, divide, multiply, where
from .operands import operand, operands

__all__ = ["addcdiv", "addcmul", "lerp", "rsqrt"]


def _rsqrt(x):
    """1 / sqrt(x)."""
    return 1 / np.sqrt(x)


rsqrt = define_op(
    _rsqrt,
    x=lambda g, out: g * out * out * out * -0.5,
    text="1 / sqrt({x})",
    domain=(0.3, np.inf),
    kinks="-inf at x = 0; of second order inf",
    elementwise=True,
)


def lerp(x: Any, y: Any, weight: Any) -> Any:
    """The mixture x + weight * (y - x); exactly x for the weight 0, and y for 1."""
    x, y = operands(x, y)
    if not isinstance(weight, (int, float)):  # which have no dtype of their own
        weight = operand(weight)
    way = y - x
    return where(weight < 0.5, x + weight * way, y - (1 - weight) * way)


def addcmul(x: Any, y: Any, z: Any, value: Any = 1) -> Any:
    """x + value * y * z."""
    product = multiply(y, z)
    return add(x, product if isinstance(value, int) and value == 1 else multiply(product, value))


def addcdiv(x: Any, y: Any, z: Any, value: Any = 1) -> Any:
    """x + value * y / z."""
    quotient = divide(y, z)
    return add(x, quotient if isinstance(value, int) and value == 1 else multiply(quotient, value))
