"""Initial values of parameters: functions of (shape, fan_in, fan_out, generator).

`fan_in` and `fan_out` are the number of inputs and outputs of a unit of the layer. They return
float64 arrays; the layer casts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import ndarray
    from numpy.random import Generator

    Shape = tuple[int, ...]
    Initializer = Callable[[Shape, int, int, Generator], ndarray]

__all__ = [
    "fan_in_uniform",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "normal",
    "zeros",
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
