"""The smooth functions among NumPy's ufuncs: trigonometric, hyperbolic, powers, logarithms, angles.

Read the declarations as those in `elementwise`. The rules are written so that they neither
overflow nor cancel where the derivative itself is an ordinary number.
"""

from __future__ import annotations

import math

import numpy as np

from .define import define_op
from .elementwise import POWER_KINKS, corner, power_log, power_slope, sigmoid

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cbrt",
    "cos",
    "cosh",
    "deg2rad",
    "degrees",
    "exp2",
    "expm1",
    "float_power",
    "hypot",
    "ldexp",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "positive",
    "rad2deg",
    "radians",
    "reciprocal",
    "sin",
    "sinh",
    "square",
    "tan",
]

LN2 = math.log(2)
LN10 = math.log(10)

BINARY_SHAPES = [((), ()), ((3, 4), (3, 4)), ((3, 1), (4,)), ((), (2, 3)), ((0, 3), (3,))]


def away_from_0(x):
    """Move samples out by 0.3, for functions with a kink at 0."""
    return np.asarray(x + 0.3 * np.sign(x))


# --- trigonometric -----------------------------------------------------------------------------

sin = define_op(np.sin, x=lambda g, x: g * np.cos(x), doc="Sine of x in radians.")

cos = define_op(np.cos, x=lambda g, x: -g * np.sin(x), doc="Cosine of x in radians.")

tan = define_op(
    np.tan,
    x=lambda g, out: g * (1 + out * out),
    doc="Tangent of x in radians.",
    domain=(-1.2, 1.2),
)

arcsin = define_op(
    np.arcsin,
    x=lambda g, x: g / np.sqrt((1 - x) * (1 + x)),
    doc="The angle in [-pi/2, pi/2] whose sine is x.",
    kinks="inf at x = -1 and x = 1; of second order nan",
    domain=(-1, 1),
)

arccos = define_op(
    np.arccos,
    x=lambda g, x: -g / np.sqrt((1 - x) * (1 + x)),
    doc="The angle in [0, pi] whose cosine is x.",
    kinks="-inf at x = -1 and x = 1; of second order nan",
    domain=(-1, 1),
)

arctan = define_op(
    np.arctan,
    x=lambda g, x: g / (1 + x * x),
    doc="The angle in [-pi/2, pi/2] whose tangent is x.",
)


def _per_square(part, y, x):
    """Compute part / (y**2 + x**2) without overflow; 0 where y = x = 0."""
    radius = np.hypot(y, x)
    origin = radius == 0
    part = corner(part, radius, origin)
    radius = np.where(origin, 1, radius)
    return part / radius / radius


arctan2 = define_op(
    np.arctan2,
    y=lambda g, y, x: g * _per_square(x, y, x),
    x=lambda g, y, x: -g * _per_square(y, y, x),
    doc="The angle in [-pi, pi] of the point with coordinates x and y: y comes first.",
    kinks="0 for both at the origin; of second order nan",
)


def _leg(leg, out):
    """Compute leg / out, the derivative of the length by one leg; 0 where both legs are 0."""
    origin = out == 0
    return corner(leg / np.where(origin, 1, out), out, origin)


hypot = define_op(
    np.hypot,
    x=lambda g, out, x: g * _leg(x, out),
    y=lambda g, out, y: g * _leg(y, out),
    text="sqrt({x}**2 + {y}**2)",
    doc="Length of the vector (x, y), without overflow.",
    kinks="0 for both at the origin; of second order nan",
    samples=lambda r: [
        (tuple(away_from_0(r(*shape)) for shape in both), {}) for both in BINARY_SHAPES
    ],
)


def _angle(ufunc, factor, unit, other):
    """Declare the conversion of an angle from another unit."""
    return define_op(
        ufunc,
        x=lambda g: g * factor,
        text=ufunc.__name__ + "({x})",
        doc=f"The angle x, given in {other}, in {unit}.",
    )


deg2rad = _angle(np.deg2rad, math.pi / 180, "radians", "degrees")
radians = _angle(np.radians, math.pi / 180, "radians", "degrees")
rad2deg = _angle(np.rad2deg, 180 / math.pi, "degrees", "radians")
degrees = _angle(np.degrees, 180 / math.pi, "degrees", "radians")

# --- hyperbolic --------------------------------------------------------------------------------

sinh = define_op(np.sinh, x=lambda g, x: g * np.cosh(x), doc="Hyperbolic sine of x.")

cosh = define_op(np.cosh, x=lambda g, x: g * np.sinh(x), doc="Hyperbolic cosine of x.")

arcsinh = define_op(
    np.arcsinh,
    x=lambda g, x: g / np.hypot(x, 1),
    doc="The number whose hyperbolic sine is x.",
)

arccosh = define_op(
    np.arccosh,
    x=lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    doc="The number, not negative, whose hyperbolic cosine is x.",
    kinks="inf at x = 1; of second order nan",
    domain=(1.3, np.inf),
)

arctanh = define_op(
    np.arctanh,
    x=lambda g, x: g / ((1 - x) * (1 + x)),
    doc="The number whose hyperbolic tangent is x.",
    kinks="inf at x = -1 and x = 1; of second order nan",
    domain=(-1, 1),
)

# --- powers and logarithms -----------------------------------------------------------------------

positive = define_op(np.positive, x=lambda g: g, text="+{x}", doc="x as it is.")

square = define_op(
    np.square, x=lambda g, x: g * (2 * x), text="{x}**2", doc="x multiplied by itself."
)

reciprocal = define_op(
    np.reciprocal,
    x=lambda g, out: -g * out * out,
    text="1 / {x}",
    doc="1 divided by x.",
    domain=(0.3, np.inf),
)

cbrt = define_op(
    np.cbrt,
    x=lambda g, out: g / (3 * out * out),
    doc="Cube root of x, negative where x is.",
    kinks="inf at x = 0; of second order nan",
    domain=(0.3, np.inf),
)

float_power = define_op(
    np.float_power,
    x=lambda g, x, y: g * power_slope(x, y),
    y=lambda g, out, x, y: g * out * power_log(x, y),
    text="{x} ** {y}",
    doc="x raised to the power y, computed in float64.",
    kinks=POWER_KINKS,
    domain=(0.3, 3),
)

ldexp = define_op(
    np.ldexp,
    x=lambda g, n: np.ldexp(g, n),
    n=None,
    text="{x} * 2**{n}",
    doc="x times 2 to the power n, an integer.",
    samples=lambda r: [
        ((r(3, 4), np.array([1, -2, 0, 3])), {}),
        ((r(), 2), {}),
        ((r(2, 3), np.array([[1], [-1]], np.int8)), {}),
        ((r(0, 3), 1), {}),
    ],
)

exp2 = define_op(
    np.exp2, x=lambda g, out: g * (out * LN2), text="2**{x}", doc="2 raised to the power x."
)

expm1 = define_op(
    np.expm1,
    x=lambda g, x: g * np.exp(x),  # out + 1 would be 0 long before exp(x) is
    text="exp({x}) - 1",
    doc="exp(x) - 1, exact near x = 0.",
)

log1p = define_op(
    np.log1p,
    x=lambda g, x: g / (1 + x),
    text="log(1 + {x})",
    doc="log(1 + x), exact near x = 0.",
    domain=(-0.7, np.inf),
)

log2 = define_op(
    np.log2,
    x=lambda g, x: g / (x * LN2),
    doc="Logarithm of x to the base 2.",
    domain=(0.3, np.inf),
)

log10 = define_op(
    np.log10,
    x=lambda g, x: g / (x * LN10),
    doc="Logarithm of x to the base 10.",
    domain=(0.3, np.inf),
)


def _share(x, y, base_log=1.0):
    """Compute the share of x in the sum of two powers of a base with exponents x and y."""
    with np.errstate(invalid="ignore"):
        difference = x - y
    same = np.logical_and(np.isinf(x), x == y)  # and inf - inf is nan
    share = sigmoid(np.where(same, 0, difference) * base_log)
    return np.where(np.logical_and(same, x < 0), 0, share)


_SHARES = "half to each where both are inf; 0 where both are -inf; of second order 0"

logaddexp = define_op(
    np.logaddexp,
    x=lambda g, x, y: g * _share(x, y),
    y=lambda g, x, y: g * _share(y, x),
    text="log(exp({x}) + exp({y}))",
    doc="log(exp(x) + exp(y)), without overflow.",
    kinks=_SHARES,
)

logaddexp2 = define_op(
    np.logaddexp2,
    x=lambda g, x, y: g * _share(x, y, LN2),
    y=lambda g, x, y: g * _share(y, x, LN2),
    text="log2(2**{x} + 2**{y})",
    doc="log2(2**x + 2**y), without overflow.",
    kinks=_SHARES,
)
