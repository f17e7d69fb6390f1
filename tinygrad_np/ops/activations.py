"""Activation functions beyond sigmoid and tanh. Names and defaults are PyTorch's."""

from __future__ import annotations

import math

import numpy as np

from ..core.kernels import by_blocks, zeros_beside
from .axes import floats
from .define import define_op
from .elementwise import clip, negative, sigmoid
from .operands import operand
from .special import erfc, normal

__all__ = [
    "elu",
    "gelu",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "mish",
    "relu",
    "selu",
    "silu",
    "softplus",
    "softsign",
]


def _activation_samples(**params):
    """Make the samples of an activation, one of them with these parameters."""

    def samples(r):
        shapes = [(), (3, 4), (2, 1, 3), (0, 3)]
        return [((r(*shape),), {}) for shape in shapes] + [((r(3, 4),), params)]

    return samples


# --- straight on the right, bent on the left -----------------------------------------------------


def _relu(x):
    """x where it is positive, else 0."""
    return np.maximum(x, zeros_beside(x))


relu = define_op(
    _relu,
    x=lambda g, out: g * (out > 0),
    text="max({x}, 0)",
    kinks="0 at x = 0; of second order 0",
    elementwise=True,
)


def _leaky_relu(x, negative_slope=0.01):
    """x where it is positive, else negative_slope * x."""
    return np.maximum(x, 0) + negative_slope * np.minimum(x, 0)


leaky_relu = define_op(
    _leaky_relu,
    x=lambda g, x, negative_slope: g * (x > 0) + (negative_slope * g) * (x <= 0),
    kinks="negative_slope at x = 0; of second order 0",
    samples=_activation_samples(negative_slope=0.2),
)


def _elu(x, alpha=1.0):
    """x where it is positive, else alpha * (exp(x) - 1)."""
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


def _elu_slope(x, alpha):
    return (x > 0) + (x <= 0) * (alpha * np.exp(np.minimum(x, 0)))


elu = define_op(
    _elu,
    x=lambda g, x, alpha: g * _elu_slope(x, alpha),
    kinks="alpha at x = 0; of second order half of it",
    samples=_activation_samples(alpha=0.7),
)

# The fixed point of mean 0 and variance 1: Klambauer, Unterthiner, Mayr and Hochreiter,
# "Self-Normalizing Neural Networks" (2017), equation 14.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _selu(x):
    """SCALE * elu(x, ALPHA), with the two constants that keep mean 0 and variance 1."""
    return SELU_SCALE * _elu(x, SELU_ALPHA)


selu = define_op(
    _selu,
    x=lambda g, x: g * (SELU_SCALE * _elu_slope(x, SELU_ALPHA)),
    kinks="SCALE * ALPHA = 1.7581 at x = 0; of second order half of it",
    elementwise=True,
)

# --- x times a smooth step -----------------------------------------------------------------------


def _silu(x):
    """x * sigmoid(x), also called swish."""
    return x * sigmoid(x)


def _silu_rule(g, x):
    step = sigmoid(x)
    return g * (step + x * step * (1 - step))


silu = define_op(_silu, x=_silu_rule, text="{x} * sigmoid({x})", elementwise=True)


# Twice sqrt(2 / pi) * (x + 0.044715 x^3), for 0.5 * (1 + tanh(u)) is sigmoid(2 u).
_GELU_LINEAR = 2 * math.sqrt(2 / math.pi)
_GELU_CUBIC = 0.044715 * _GELU_LINEAR
_GELU_RANGE = 40  # beyond it the step is 0 or 1 in every float, and x**3 might overflow


def _gelu(x, approximate="none"):
    """x * P(N <= x) for a standard normal N; approximate="tanh" for the older, cheaper form.

    Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), equations 1 and 2. The exact
    form is right to within 7 ulps in float32 for x > -2; from there on its relative error is below
    x^2 * 2e-7.
    """
    if approximate == "none":
        return by_blocks(_exact_gelu, floats(x))
    if approximate == "tanh":
        return by_blocks(_tanh_gelu, floats(x))
    raise ValueError(f"approximate must be 'none' or 'tanh', not {approximate!r}")


def _exact_gelu(x):
    """Compute gelu, and its derivative."""
    inside = np.clip(x, -_GELU_RANGE, _GELU_RANGE)
    step, rise = normal(inside)
    return x * step, step + inside * rise


def _tanh_gelu(x):
    inside = np.clip(x, -_GELU_RANGE, _GELU_RANGE)
    square = inside * inside
    step = sigmoid(inside * (_GELU_LINEAR + _GELU_CUBIC * square))
    rise = step * (1 - step) * (_GELU_LINEAR + 3 * _GELU_CUBIC * square)
    return x * step, step + inside * rise


def _gelu_formula(g, x, approximate):
    square = x * x
    if approximate == "none":
        step = 0.5 * erfc(x * -math.sqrt(0.5))
        return g * (step + x * np.exp(-0.5 * square) * (1 / math.sqrt(2 * math.pi)))
    step = sigmoid(x * (_GELU_LINEAR + _GELU_CUBIC * square))
    return g * (step + x * step * (1 - step) * (_GELU_LINEAR + 3 * _GELU_CUBIC * square))


gelu = define_op(
    _gelu,
    x=lambda g, slope: g * slope,
    keeps={"slope": "the derivative at x"},
    formulas={"x": _gelu_formula},
    samples=_activation_samples(approximate="tanh"),
)


def _softplus(x, beta=1.0, threshold=None):
    """log(1 + exp(beta * x)) / beta, without overflow: a smooth relu.

    Where beta * x is above the threshold, if there is one, the result is x, as in PyTorch.
    """
    bx = _scaled(x, beta)
    out = np.maximum(bx, 0) + np.log1p(np.exp(-np.abs(floats(bx))))
    out = out if beta == 1 else out / beta
    return out if threshold is None else np.where(bx > threshold, x, out)


def _scaled(x, beta):
    return x if beta == 1 else x * beta


def _softplus_rule(g, x, beta, threshold):
    bx = _scaled(x, beta)
    slope = sigmoid(bx)
    return g * (slope if threshold is None else np.where(bx > threshold, 1, slope))


softplus = define_op(
    _softplus,
    x=_softplus_rule,
    text="log(1 + exp({x}))",
    samples=_activation_samples(beta=2.5),
)


def logsigmoid(x):
    """log(sigmoid(x)), without overflow: -softplus(-x)."""
    return negative(softplus(negative(floats(operand(x)))))


def _mish(x):
    """x * tanh(softplus(x)): Misra, "Mish" (2019)."""
    return x * np.tanh(softplus(x))


def _mish_rule(g, x):
    step = np.tanh(softplus(x))
    return g * (step + x * (1 - step * step) * sigmoid(x))


mish = define_op(_mish, x=_mish_rule, text="{x} * tanh(softplus({x}))", elementwise=True)

# --- between two limits ---------------------------------------------------------------------------


def _softsign(x):
    """x / (1 + |x|), between -1 and 1."""
    x = floats(x)
    return x / (1 + np.abs(x))


def _softsign_rule(g, x):
    size = 1 + np.abs(x)
    return g / size / size


softsign = define_op(
    _softsign,
    x=_softsign_rule,
    text="{x} / (1 + |{x}|)",
    kinks="of second order 0 at x = 0, between the 2 and -2 of its sides",
    elementwise=True,
)


def hardtanh(x, min_val=-1.0, max_val=1.0):
    """x limited to the interval from min_val to max_val; slope 1 at the limits."""
    if not min_val <= max_val:
        raise ValueError(f"hardtanh: min_val ({min_val}) must be at most max_val ({max_val})")
    return clip(x, min_val, max_val)
