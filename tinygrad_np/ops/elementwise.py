"""Operations that act on each element on its own.

Read a declaration as: the NumPy function, then for each input how the gradient `g` of the result
becomes the gradient of that input. Broadcasting is undone by the engine.
"""

from __future__ import annotations

import numpy as np

from ..core.tensor import Tensor
from .axes import floats
from .define import answers, define_op
from .powers import power_of

__all__ = [
    "abs",
    "add",
    "astype",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "clip",
    "copy",
    "divide",
    "equal",
    "exp",
    "greater",
    "greater_equal",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "left_shift",
    "less",
    "less_equal",
    "log",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "not_equal",
    "power",
    "right_shift",
    "sigmoid",
    "sign",
    "sqrt",
    "subtract",
    "tanh",
    "where",
]

# --- corners -----------------------------------------------------------------------------------


def _corner(value, of, mask):
    """The value; its derivative by `of` is nan where the mask holds, as there is none."""
    return value


_recorded_corner = define_op(
    _corner,
    value=lambda g: g,
    of=lambda g, mask: np.where(mask, g * np.nan, 0),
    mask=None,
    text="{value}",
)


def corner(value, of, mask):
    """Mark part of a derivative as one that a convention chose, and that has no derivative itself.

    Such a rule hands its number through here: a derivative by `of` is nan where the mask holds.
    """
    return _recorded_corner(value, of, mask) if isinstance(value, Tensor) else value


# --- arithmetic --------------------------------------------------------------------------------

add = define_op(
    np.add,
    x=lambda g: g,
    y=lambda g: g,
    text="{x} + {y}",
    doc="Sum of x and y.",
)

subtract = define_op(
    np.subtract,
    x=lambda g: g,
    y=lambda g: -g,
    text="{x} - {y}",
    doc="Difference of x and y.",
)

multiply = define_op(
    np.multiply,
    x=lambda g, y: g * y,
    y=lambda g, x: g * x,
    text="{x} * {y}",
    doc="Elementwise product of x and y.",
)

divide = define_op(
    np.divide,
    x=lambda g, y: g / y,
    y=lambda g, out, y: -g * out / y,
    text="{x} / {y}",
    doc="Quotient of x and y.",
    domain=(0.3, np.inf),
)

negative = define_op(np.negative, x=lambda g: -g, text="-{x}", doc="x with the opposite sign.")


def power_slope(x, y):
    """Compute y * x**(y - 1), the derivative of x**y by x: 0 for y = 0, whatever x is."""
    constant = (y == 0) & ~(np.isfinite(x) & (x != 0))
    slope = y * np.where(constant, 1, x) ** (y - 1)
    if not isinstance(slope, Tensor):
        return slope
    return corner(slope, y, constant | ((x == 0) & (y == 1)))


def power_log(x, y):
    """Compute log(x) as x**y * log(x) needs it: at x = 0 -inf for y < 0, and 0 for other y."""
    zero = x == 0
    log = np.where(zero & (y < 0), -np.inf, np.log(np.where(zero, 1, x)))
    if not isinstance(log, Tensor):
        return log
    log = corner(log, x, zero & (y <= 1))
    return corner(log, y, zero & (y == 0))


def _power_x(g, x, y):
    if isinstance(y, (int, float)):  # x ** 2 and the like: Python numbers keep float32 as it is
        return g * (y * power_of(x, y - 1)) if y else g * 0
    return g * power_slope(x, y)


def _power_formula(g, x, y):
    return g * (y * x ** (y - 1)) if isinstance(y, (int, float)) and y else None


POWER_KINKS = (
    "x ** 0 has gradient 0; for x < 0 the gradient of y is nan, at x = 0 it is -inf for y < 0, "
    "else 0; of second order nan at x = 0 for y <= 1 wherever y has a part in it"
)

power = define_op(
    np.power,
    x=_power_x,
    y=lambda g, out, x, y: g * out * power_log(x, y),
    formulas={"x": _power_formula},
    text="{x} ** {y}",
    doc="""x raised to the power y.

    A whole number y from -4 to 4 makes it a product of floats, right to within 5 ulps.""",
    kinks=POWER_KINKS,
    domain=(0.3, 3),
)

# --- functions ---------------------------------------------------------------------------------

exp = define_op(np.exp, x=lambda g, out: g * out, doc="e raised to the power x.")

log = define_op(
    np.log,
    x=lambda g, x: g / x,
    doc="Natural logarithm of x.",
    domain=(0.3, np.inf),
)

sqrt = define_op(
    np.sqrt,
    x=lambda g, out: g / (2 * out),
    doc="Square root of x.",
    kinks="inf at x = 0; of second order -inf",
    domain=(0.3, np.inf),
)

tanh = define_op(
    np.tanh,
    x=lambda g, out: g * (1 - out * out),
    doc="Hyperbolic tangent of x.",
)

abs = define_op(
    np.absolute,
    name="abs",
    x=lambda g, x: g * np.sign(x),
    text="|{x}|",
    doc="Absolute value of x.",
    kinks="0 at x = 0; of second order 0",
)

sign = define_op(
    np.sign,
    x=None,
    doc="-1, 0 or 1, the sign of x. Its gradient is zero everywhere.",
)


def _sigmoid(x):
    """The logistic function 1 / (1 + exp(-x)), without overflow."""
    x = floats(x)
    # From these limits on the result is 1, and a little further exp(x) would overflow.
    limit = 11 if getattr(x, "dtype", float) == np.float16 else 80
    e = np.exp(np.clip(x, -np.inf, limit))
    return e / (e + 1)


sigmoid = define_op(
    _sigmoid,
    x=lambda g, out: g * out * (1 - out),
    elementwise=True,
)


# --- choices -----------------------------------------------------------------------------------


def _if_larger(g, x, y):
    """Return g where x > y, half of it where they tie, else 0."""
    return g * (x > y) + 0.5 * g * (x == y)


maximum = define_op(
    np.maximum,
    x=lambda g, x, y: _if_larger(g, x, y),
    y=lambda g, x, y: _if_larger(g, y, x),
    text="max({x}, {y})",
    doc="The larger of x and y.",
    kinks="half to each where x = y; of second order 0",
)

minimum = define_op(
    np.minimum,
    x=lambda g, x, y: _if_larger(g, y, x),
    y=lambda g, x, y: _if_larger(g, x, y),
    text="min({x}, {y})",
    doc="The smaller of x and y.",
    kinks="half to each where x = y; of second order 0",
)


def _clip(x, min=None, max=None):
    """x limited to the interval from min to max; None for no limit on that side."""
    return np.clip(x, min, max)


def _inside(x, min, max):
    """Return the mask of the elements within the limits; none if these are the same number."""
    if min is None:
        return x == x if max is None else x <= max
    if max is None:
        return x >= min
    inside = (x >= min) & (x <= max)
    proper = min < max
    return inside if proper is True else inside & proper


clip = define_op(
    _clip,
    x=lambda g, x, min, max: g * _inside(x, min, max),
    min=lambda g, x, min, max: g * ((x < min) if max is None else (x < min) & (min <= max)),
    max=lambda g, x, min, max: g * ((x > max) if min is None else (x > max) | (min > max)),
    kinks="at a limit the gradient goes to x, not to the limit; of second order 0",
    numpy=(np.clip,),
    samples=lambda r: [
        ((r(3, 4), -0.5, 0.5), {}),
        ((r(3, 4), r(4) - 2, None), {}),
        ((r(3, 4), None, r(3, 1) + 2), {}),
    ],
)


@answers(np.clip)  # whose limits have two names each
def _numpy_clip(a, a_min=None, a_max=None, *, min=None, max=None):
    return clip(a, a_min if min is None else min, a_max if max is None else max)


def _where(condition, x, y):
    """x where the condition holds, else y."""
    return np.where(condition, x, y)


where = define_op(
    _where,
    condition=None,
    x=lambda g, condition: np.where(condition, g, 0),
    y=lambda g, condition: np.where(condition, 0, g),
    text="{x} where {condition} else {y}",
    numpy=(np.where,),
    samples=lambda r: [
        ((r(3, 4) > 0, r(3, 4), r(4)), {}),
        ((r(3, 1) > 0, r(), r(3, 4)), {}),
    ],
)

# --- the same values, in another dtype or of their own --------------------------------------------


def _astype(x, dtype):
    """x in another dtype. Integers and booleans carry no gradient."""
    if np.dtype(dtype).kind not in "biufc":
        raise TypeError(f"Tensors hold numbers, not {np.dtype(dtype)}")
    return x.astype(dtype)


astype = define_op(
    _astype,
    x=lambda g: g,
    text="{x} as {dtype}",
    numpy=(np.astype,) if hasattr(np, "astype") else (),
    samples=lambda r: [((r(3, 4), np.float64), {})],
)


def _copy(x):
    """The same values in an array of their own."""
    return np.copy(x)


copy = define_op(
    _copy,
    x=lambda g: g,
    text="{x}",
    numpy=(np.copy,),
    samples=lambda r: [((r(3, 4),), {})],
)

# --- comparisons and logic: booleans, no gradient -------------------------------------------------


def _boolean(ufunc, symbol, doc):
    """Declare an op whose result is of booleans."""
    if ufunc.nin == 1:
        return define_op(ufunc, x=None, text=symbol + "{x}", doc=doc)
    return define_op(ufunc, x=None, y=None, text="{x} " + symbol + " {y}", doc=doc)


equal = _boolean(np.equal, "==", "True where x equals y.")
not_equal = _boolean(np.not_equal, "!=", "True where x differs from y.")
less = _boolean(np.less, "<", "True where x is less than y.")
less_equal = _boolean(np.less_equal, "<=", "True where x is at most y.")
greater = _boolean(np.greater, ">", "True where x is greater than y.")
greater_equal = _boolean(np.greater_equal, ">=", "True where x is at least y.")
logical_and = _boolean(np.logical_and, "and", "True where x and y hold.")
logical_or = _boolean(np.logical_or, "or", "True where x or y holds.")
logical_xor = _boolean(np.logical_xor, "xor", "True where exactly one of x and y holds.")
logical_not = _boolean(np.logical_not, "not ", "True where x does not hold.")
isfinite = _boolean(np.isfinite, "is finite: ", "True where x is neither infinite nor nan.")
isinf = _boolean(np.isinf, "is infinite: ", "True where x is inf or -inf.")
isnan = _boolean(np.isnan, "is nan: ", "True where x is nan.")

# --- bits of integers; of booleans, the same as logic: no gradient -------------------------------


def _bits(r):
    x = np.array([[5, -3, 0], [12, 7, 1]])
    return [((x, np.array([3, 1, 2])), {}), ((x > 0, x < 5), {}), ((x.astype(np.uint8), 2), {})]


def _bitwise(ufunc, symbol, doc):
    return define_op(ufunc, x=None, y=None, text=f"{{x}} {symbol} {{y}}", doc=doc, samples=_bits)


bitwise_and = _bitwise(np.bitwise_and, "&", "The bits that x and y have both.")
bitwise_or = _bitwise(np.bitwise_or, "|", "The bits that x or y has.")
bitwise_xor = _bitwise(np.bitwise_xor, "^", "The bits that exactly one of x and y has.")
left_shift = _bitwise(np.left_shift, "<<", "The bits of x moved to the left by y places.")
right_shift = _bitwise(np.right_shift, ">>", "The bits of x moved to the right by y places.")
invert = define_op(
    np.invert,
    x=None,
    text="~{x}",
    doc="Every bit of x the other way round.",
    samples=lambda r: [((np.array([[5, -3], [0, 1]]),), {}), ((np.array([True, False]),), {})],
)
