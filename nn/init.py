"""Initial values of parameters.

Layers take functions of (shape, fan_in, fan_out, generator), such as `he_normal`, which return
float64 arrays. `fan_in` and `fan_out` are the number of inputs and outputs of a unit of the layer.
The functions whose names end in `_`, such as `kaiming_normal_`, give new values to a parameter
that is there; they are PyTorch's, but for the layout of dense weights: (in, out).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor, no_grad

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import ndarray
    from numpy.random import Generator

    Shape = tuple[int, ...]
    Initializer = Callable[[Shape, int, int, Generator], ndarray]

__all__ = [
    "calculate_gain",
    "constant_",
    "fan_in_uniform",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros",
    "zeros_",
]


def normal(scale: float = 0.01) -> Initializer:
    """Normal numbers times `scale`: the book's initial weights are `normal(0.01)`."""

    def draw(shape: Shape, fan_in: int, fan_out: int, rng: Generator) -> ndarray:
        return scale * rng.standard_normal(shape)

    return draw


def zeros(shape: Shape, fan_in: int, fan_out: int, rng: Generator) -> ndarray:
    """Zeros: the book's initial biases."""
    return np.zeros(shape, dtype=np.float64)


def fan_in_uniform(shape: Shape, fan_in: int, fan_out: int, rng: Generator) -> ndarray:
    """Uniform within ±1/√fan_in: PyTorch's default for weights and biases of a linear layer."""
    return _uniform(1 / np.sqrt(fan_in), shape, rng)


def glorot_uniform(shape: Shape, fan_in: int, fan_out: int, rng: Generator) -> ndarray:
    """Uniform within ±√(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010), for tanh."""
    bound = np.sqrt(6 / (fan_in + fan_out))
    return _uniform(bound, shape, rng)


def glorot_normal(shape: Shape, fan_in: int, fan_out: int, rng: Generator) -> ndarray:
    """Normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""
    scale = np.sqrt(2 / (fan_in + fan_out))
    return scale * rng.standard_normal(shape)


def he_uniform(shape: Shape, fan_in: int, fan_out: int, rng: Generator) -> ndarray:
    """Uniform within ±√(6 / fan_in) (He et al., 2015), for ReLU."""
    return _uniform(np.sqrt(6 / fan_in), shape, rng)


def he_normal(shape: Shape, fan_in: int, fan_out: int, rng: Generator) -> ndarray:
    """Normal with variance 2 / fan_in (He et al., 2015), for ReLU."""
    return np.sqrt(2 / fan_in) * rng.standard_normal(shape)


def _uniform(bound: float, shape: Shape, rng: Generator) -> ndarray:
    """Draw numbers within ±bound."""
    return rng.uniform(-bound, bound, shape)


# --- new values for parameters that are there -----------------------------------------------------


def _assign(parameter: Tensor, values: ndarray) -> Tensor:
    if not isinstance(parameter, Tensor) or not parameter.is_leaf:
        raise TypeError(f"only parameters and buffers get initial values, not {parameter!r}")
    with no_grad():
        parameter.assign(values.astype(parameter.dtype))
    return parameter


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Set all elements to a number, and return the parameter."""
    return _assign(tensor, np.full(tensor.shape, val, np.float64))


def zeros_(tensor: Tensor) -> Tensor:
    """Set all elements to 0, and return the parameter."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Set all elements to 1, and return the parameter."""
    return constant_(tensor, 1.0)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, rng: Generator | None = None
) -> Tensor:
    """Draw the elements from a normal distribution, and return the parameter."""
    rng = rng or tg.default_generator()
    return _assign(tensor, rng.normal(mean, std, tensor.shape))


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, *, rng: Generator | None = None
) -> Tensor:
    """Draw the elements from the numbers between a and b, and return the parameter."""
    rng = rng or tg.default_generator()
    return _assign(tensor, rng.uniform(a, b, tensor.shape))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    rng: Generator | None = None,
) -> Tensor:
    """Draw from a normal distribution, again whatever lies outside of a … b, and return it.

    Raises:
        ValueError: hardly any number of the distribution lies there.
    """
    width = std * math.sqrt(2)
    share = math.erf((b - mean) / width) - math.erf((a - mean) / width)
    if share < 0.01:
        raise ValueError(f"trunc_normal_: hardly any of N({mean}, {std}) lies in {a} … {b}")
    rng = rng or tg.default_generator()
    values = rng.normal(mean, std, tensor.shape)
    while (outside := (values < a) | (values > b)).any():
        values[outside] = rng.normal(mean, std, np.count_nonzero(outside))
    return _assign(tensor, values)


def orthogonal_(tensor: Tensor, gain: float = 1.0, *, rng: Generator | None = None) -> Tensor:
    """Set a matrix to one with orthonormal rows or columns times `gain` (Saxe et al., 2014).

    Axes beyond the second are taken as one.
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_ needs at least two axes, not {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    rng = rng or tg.default_generator()
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))  # so that every such matrix is as likely
    return _assign(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return the number of inputs and outputs of a unit, of a dense weight or a convolution's."""
    if tensor.ndim < 2:
        raise ValueError(f"a weight of shape {tensor.shape} has no inputs and outputs to count")
    if tensor.ndim == 2:
        return tensor.shape[0], tensor.shape[1]
    kernel = math.prod(tensor.shape[2:])
    return tensor.shape[1] * kernel, tensor.shape[0] * kernel


_GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which PyTorch spreads weights in front of an activation.

    Args:
        nonlinearity: "linear", "sigmoid", "tanh", "relu", "leaky_relu" or "selu".
        param: the slope of leaky_relu, 0.01 by default.
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        known = ", ".join(["leaky_relu", *_GAINS])
        raise ValueError(f"nonlinearity must be one of {known}, not {nonlinearity!r}")
    return _GAINS[nonlinearity]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, *, rng: Generator | None = None) -> Tensor:
    """Draw as `glorot_uniform`, times `gain`, and return the parameter."""
    rng = rng or tg.default_generator()
    return _assign(tensor, gain * glorot_uniform(tensor.shape, *_fans(tensor), rng))


def xavier_normal_(tensor: Tensor, gain: float = 1.0, *, rng: Generator | None = None) -> Tensor:
    """Draw as `glorot_normal`, times `gain`, and return the parameter."""
    rng = rng or tg.default_generator()
    return _assign(tensor, gain * glorot_normal(tensor.shape, *_fans(tensor), rng))


def _kaiming(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """Return the standard deviation gain / √fan."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', not {mode!r}")
    fan_in, fan_out = _fans(tensor)
    fan = fan_in if mode == "fan_in" else fan_out
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: Generator | None = None,
) -> Tensor:
    """Draw within ±√3·gain/√fan (He et al., 2015), and return the parameter.

    Args:
        tensor: a weight.
        a: the slope of the leaky_relu behind it.
        mode: "fan_in" or "fan_out", which of the two to count.
        nonlinearity: see `calculate_gain`.
        rng: generator; by default `tinygrad_np.default_generator()`.
    """
    bound = math.sqrt(3) * _kaiming(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, rng=rng)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: Generator | None = None,
) -> Tensor:
    """Draw from a normal distribution of deviation gain/√fan; arguments of `kaiming_uniform_`."""
    return normal_(tensor, 0.0, _kaiming(tensor, a, mode, nonlinearity), rng=rng)
