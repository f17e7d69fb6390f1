"""The gamma function's logarithm and its derivatives, and x log(y), in NumPy alone.

The asymptotic series in powers of 1/x are Abramowitz and Stegun, "Handbook of Mathematical
Functions" (1964), 6.1.41, 6.3.18 and 6.4.11; small x are moved up first by the recurrences 6.1.16,
6.3.6 and 6.4.7, negative ones by the reflections 6.1.17, 6.3.7 and 6.4.7. Everything is computed in
float64: the errors are some 1e-15 of the largest term (near the zeros of log Γ at 1 and 2 of 1).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .define import define_op
from .elementwise import corner

__all__ = ["digamma", "gammaln", "polygamma", "xlogy"]

# B(2), B(4), …
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_FAR = 10  # where the series is right to the last digits


def _double(function):
    """Make a forward that computes in float64, without warnings at poles, and casts back."""

    def forward(x, *args):
        x = x if hasattr(x, "dtype") else np.asarray(x)
        with np.errstate(all="ignore"):
            out = function(x.astype(np.float64), *args)
        return out.astype(x.dtype if x.dtype.kind == "f" else np.float64)

    return forward


def _moved(x, reach):
    """Return |x| or, for negative x, 1 - x; the same moved to where the series is right."""
    near = np.where(x > 0, x, 1 - x)
    small = near < reach
    return near, small, np.where(small, near + reach, near)


def _is_pole(x):
    return (x <= 0) & (x == np.floor(x))


def _angle(x):
    """Return pi x less a multiple of pi, without its rounding."""
    return math.pi * (x - np.round(x))


def _gammaln_forward(x):
    near, small, z = _moved(x, _FAR)
    product = np.ones_like(near)
    for k in range(_FAR):
        product = product * np.where(small, near + k, 1)
    series: Any = 0
    for k, number in enumerate(_BERNOULLI, 1):
        power = 2 * k - 1
        series = series + number / (2 * k * power * z**power)
    stirling = (z - 0.5) * np.log(z) - z + 0.5 * math.log(2 * math.pi)
    out = stirling + series - np.log(product)
    out = np.where(np.isposinf(z), z, out)
    sine = np.sin(_angle(x))
    reflected = np.log(math.pi / np.abs(sine)) - out
    out = np.where(x > 0, out, reflected)
    return np.where(_is_pole(x), np.inf, out)


def _digamma_forward(x):
    near, small, z = _moved(x, _FAR)
    steps: Any = 0
    series: Any = 0
    for k in range(_FAR):
        steps = steps + np.where(small, 1 / (near + k), 0)
    for k, number in enumerate(_BERNOULLI, 1):
        power = 2 * k
        series = series + number / (power * z**power)
    out = np.log(z) - 1 / (2 * z) - series - steps
    reflected = out - math.pi / np.tan(_angle(x))
    out = np.where(x > 0, out, reflected)
    return np.where(_is_pole(x), np.nan, out)


def _polygamma_forward(x, order):
    reach = _FAR + order
    near, small, z = _moved(x, reach)
    steps: Any = 0
    series: Any = 0
    for k in range(reach):
        term = 1 / (near + k) ** (order + 1)
        steps = steps + np.where(small, term, 0)
    for k, number in enumerate(_BERNOULLI, 1):
        factor = math.factorial(2 * k + order - 1) / math.factorial(2 * k)
        series = series + number * factor / z ** (2 * k + order)
    whole = math.factorial(order)
    first = math.factorial(order - 1) / z**order
    second = whole / (2 * z ** (order + 1))
    sign = -1 if order % 2 == 0 else 1
    out = sign * (first + second + series + whole * steps)
    # By reflection for order 1 alone: the others need every derivative of the cotangent.
    sine = np.sin(_angle(x))
    reflected = (math.pi / sine) ** 2 - out if order == 1 else np.nan
    out = np.where(x > 0, out, reflected)
    at_pole = np.inf if order == 1 else np.nan
    return np.where(_is_pole(x), at_pole, out)


def _gammaln(x):
    """log |Γ(x)|, the logarithm of the gamma function: log((n - 1)!) at positive integers n."""
    return _double(_gammaln_forward)(x)


def _digamma(x):
    """The derivative of log Γ(x)."""
    return _double(_digamma_forward)(x)


def _polygamma(x, order):
    """The derivative of digamma of an order from 1 on; nan for negative x above order 1."""
    if order < 1:
        raise ValueError(f"polygamma: the order must be at least 1, not {order}")
    return _double(_polygamma_forward)(x, int(order))


def _polygamma_rule(g, x, order):
    return g * polygamma(x, order + 1)


polygamma = define_op(
    _polygamma,
    x=_polygamma_rule,
    text="ψ^({order})({x})",
    samples=lambda r: [((np.abs(r(2, 3)) + 0.3, 1), {}), ((np.asarray(np.abs(r()) + 0.5), 2), {})],
)

digamma = define_op(
    _digamma,
    x=lambda g, x: g * polygamma(x, 1),
    text="ψ({x})",
    domain=(0, np.inf),
    elementwise=True,
)

gammaln = define_op(
    _gammaln,
    x=lambda g, x: g * digamma(x),
    text="log Γ({x})",
    domain=(0, np.inf),
    elementwise=True,
)


def _xlogy(x, y):
    """x * log(y), and 0 where x is 0, whatever y is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        product = x * np.log(y)
    nothing = np.where(np.isnan(y), y, 0)
    return np.where(x == 0, nothing, product)


def _xlogy_x(g, x, y):
    nothing = (x == 0) & (y == 0)
    logarithm = np.log(np.where(nothing, 1, y))
    return g * corner(corner(logarithm, x, nothing), y, nothing)


def _xlogy_y(g, x, y):
    nothing = (x == 0) & (y == 0)
    quotient = x / np.where(nothing, 1, y)
    return g * corner(corner(quotient, x, nothing), y, nothing)


xlogy = define_op(
    _xlogy,
    x=_xlogy_x,
    y=_xlogy_y,
    text="{x} * log({y})",
    kinks="0 for both at x = y = 0; of second order nan",
    domain=(0, np.inf),
    elementwise=True,
)
