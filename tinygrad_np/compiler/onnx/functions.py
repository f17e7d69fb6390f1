"""Forms of the elementwise functions of analysis: exponentials, powers, angles, activations."""

from __future__ import annotations

import math

import numpy as np

from .elementwise import both, signbit
from .graph import FLOAT
from .registry import form

# --- exponentials and logarithms -----------------------------------------------------------------


@form("exp2")
def _exp2(g, x):
    return g.Pow(g.value(2.0), x)


@form("expm1")
def _expm1(g, x):
    """Return tanh(x / 2) · (exp(x) + 1), which is exp(x) - 1 and exact near 0."""
    tanh = g.Tanh(g.Mul(x, 0.5))
    return g.Mul(tanh, g.Add(g.Exp(x), 1))


@form("log1p")
def _log1p(g, x):
    """Return log(u) · x / (u - 1) with u = 1 + x rounded: Kahan's way, exact near 0."""
    u = g.Add(x, 1)
    ratio = g.Div(x, g.Sub(u, 1))
    product = g.Mul(g.Log(u), ratio)
    is_one = g.Equal(u, 1)
    is_infinite = g.Equal(x, np.inf)
    return g.Where(g.Or(is_one, is_infinite), x, product)


@form("log2")
def _log2(g, x):
    return g.Div(g.Log(x), math.log(2))


@form("log10")
def _log10(g, x):
    return g.Div(g.Log(x), math.log(10))


@form("logaddexp")
def _logaddexp(g, x, y):
    """Return max + log(1 + exp(-|x - y|)); of equal ones, infinite ones too, max + log(2)."""
    gap = g.Abs(g.Sub(x, y))
    equal = g.Equal(x, y)
    gap = g.Where(equal, 0, gap)
    rest = _log1p(g, g.Exp(g.Neg(gap)))
    return g.Add(g.Max(x, y), rest)


@form("logaddexp2")
def _logaddexp2(g, x, y):
    scaled = (g.Mul(v, math.log(2)) for v in both(g, x, y))
    return g.Div(_logaddexp(g, *scaled), math.log(2))


@form("xlogy")
def _xlogy(g, x, y):
    x, y = both(g, x, y)
    product = g.Mul(x, g.Log(y))
    is_zero = g.Equal(x, 0)
    known = g.And(is_zero, g.Not(g.IsNaN(y)))
    return g.Where(known, 0, product)


# --- powers and angles ----------------------------------------------------------------------------


@form("square")
def _square(g, x):
    return g.Mul(x, x)


@form("rsqrt")
def _rsqrt(g, x):
    return g.Reciprocal(g.Sqrt(x))


@form("cbrt")
def _cbrt(g, x):
    return g.Mul(g.Sign(x), g.Pow(g.Abs(x), 1 / 3))


@form("ldexp")
def _ldexp(g, x, n):
    power = g.Pow(g.value(2.0), g.cast(n, FLOAT))
    return g.Mul(x, power)


@form("hypot")
def _hypot(g, x, y):
    """Return the larger size times sqrt(1 + ratio²), whose squares do not overflow."""
    x, y = (g.Abs(v) for v in both(g, x, y))
    large = g.Max(x, y)
    is_zero = g.Equal(large, 0)
    divisor = g.Where(is_zero, 1, large)
    ratio = g.Div(g.Min(x, y), divisor)
    root = g.Sqrt(g.Add(_square(g, ratio), 1))
    infinite = (g.Equal(v, np.inf) for v in (x, y))
    return g.Where(g.Or(*infinite), np.inf, g.Mul(large, root))


@form("deg2rad", "radians")
def _radians(g, x):
    return g.Mul(x, math.pi / 180)


@form("rad2deg", "degrees")
def _degrees(g, x):
    return g.Mul(x, 180 / math.pi)


@form("arctan2")
def _arctan2(g, y, x):
    """Return arctan(y / x), half a turn further where x is negative."""
    y, x = both(g, y, x)
    # Where both are 0, or infinite, the ratio is 0, or 1 with a sign.
    signs = g.Mul(g.Sign(y), g.Sign(x))
    equal = g.Equal(g.Abs(y), g.Abs(x))
    angle = g.Atan(g.Where(equal, signs, g.Div(y, x)))
    half = g.Where(signbit(g, y), -math.pi, math.pi)
    return g.Where(signbit(g, x), g.Add(angle, half), angle)


@form("sinc")
def _sinc(g, x):
    angle = g.Mul(x, math.pi)
    is_zero = g.Equal(x, 0)
    ratio = g.Div(g.Sin(angle), angle)
    return g.Where(is_zero, 1, ratio)


@form("erfc")
def _erfc(g, x):
    return g.Sub(g.value(1.0), g.Erf(x))


# --- activations ----------------------------------------------------------------------------------


@form("elu")
def _elu(g, x, alpha=1.0):
    return g.Elu(x, alpha=float(alpha))


@form("leaky_relu")
def _leaky_relu(g, x, negative_slope=0.01):
    return g.LeakyRelu(x, alpha=float(negative_slope))


@form("gelu")
def _gelu(g, x, approximate="none"):
    return g.Gelu(x, approximate=approximate)


@form("silu")
def _silu(g, x):
    return g.Mul(x, g.Sigmoid(x))


@form("softplus")
def _softplus(g, x, beta=1.0, threshold=None):
    scaled = x if beta == 1 else g.Mul(x, beta)
    out = g.Softplus(scaled)
    out = out if beta == 1 else g.Div(out, beta)
    if threshold is None:
        return out
    above = g.Greater(scaled, threshold)
    return g.Where(above, x, out)
