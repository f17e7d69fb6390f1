"""Activations as layers; the functions are those of `tinygrad_np`."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from ..module import Module, Parameter, as_floats, as_tensor

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]


class Identity(Module):
    """x itself, in the place of a layer."""

    def forward(self, x: Any) -> Tensor:
        return as_tensor(x)


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Any) -> Tensor:
        return tg.relu(x)


class ReLU6(Module):
    """x limited to 0 … 6."""

    def forward(self, x: Any) -> Tensor:
        return tg.hardtanh(as_floats(x), 0.0, 6.0)


class LeakyReLU(Module):
    """x where it is positive, else negative_slope·x."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Tensor:
        return tg.leaky_relu(as_floats(x), self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """x where it is positive, else weight·x, with a learned weight (He et al., 2015).

    Args:
        num_parameters: 1, or the number of channels, along the second axis of x.
        init: the initial weight.
        dtype: of the weight.
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = np.float32
    ) -> None:
        values = np.full(num_parameters, init, np.float64)
        self.weight = Parameter(values, dtype=dtype, name="weight")

    def forward(self, x: Any) -> Tensor:
        x = as_floats(x, self.weight.dtype)
        weight: Tensor = self.weight
        if weight.size > 1:
            channels = x.shape[1] if x.ndim > 1 else x.shape[0]
            if weight.size != channels:
                raise ValueError(f"{self!r} has {weight.size} weights, x {channels} channels")
            weight = weight.reshape(-1, *(1,) * (x.ndim - 2))
        return tg.relu(x) - weight * tg.relu(-x)

    def extra_repr(self) -> str:
        return f"num_parameters={self.weight.size}"


class ELU(Module):
    """x where it is positive, else alpha·(exp(x) - 1) (Clevert et al., 2015)."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Tensor:
        return tg.elu(as_floats(x), self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class CELU(ELU):
    """x where it is positive, else alpha·(exp(x/alpha) - 1) (Barron, 2017)."""

    def forward(self, x: Any) -> Tensor:
        return tg.elu(as_floats(x) / self.alpha) * self.alpha


class SELU(Module):
    """An ELU with constants that keep mean 0 and variance 1 (Klambauer et al., 2017)."""

    def forward(self, x: Any) -> Tensor:
        return tg.selu(as_floats(x))


class GELU(Module):
    """x·P(N ≤ x) for a standard normal N (Hendrycks and Gimpel, 2016).

    Args:
        approximate: "none", or "tanh" for the older, cheaper form.
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Tensor:
        return tg.gelu(as_floats(x), self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x·sigmoid(x), also known as swish."""

    def forward(self, x: Any) -> Tensor:
        return tg.silu(as_floats(x))


class Mish(Module):
    """x·tanh(softplus(x)) (Misra, 2019)."""

    def forward(self, x: Any) -> Tensor:
        return tg.mish(as_floats(x))


class Hardswish(Module):
    """x·relu6(x + 3)/6 (Howard et al., 2019)."""

    def forward(self, x: Any) -> Tensor:
        x = as_floats(x)
        return x * (tg.hardtanh(x + 3.0, 0.0, 6.0) / 6.0)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Any) -> Tensor:
        return tg.sigmoid(as_floats(x))


class Hardsigmoid(Module):
    """relu6(x + 3)/6."""

    def forward(self, x: Any) -> Tensor:
        return tg.hardtanh(as_floats(x) + 3.0, 0.0, 6.0) / 6.0


class LogSigmoid(Module):
    """log(sigmoid(x)), without overflow."""

    def forward(self, x: Any) -> Tensor:
        return tg.logsigmoid(as_floats(x))


class Tanh(Module):
    """tanh(x)."""

    def forward(self, x: Any) -> Tensor:
        return tg.tanh(as_floats(x))


class Hardtanh(Module):
    """x limited to min_val … max_val."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, x: Any) -> Tensor:
        return tg.hardtanh(as_floats(x), self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"{self.min_val}, {self.max_val}"


class Softplus(Module):
    """log(1 + exp(beta·x))/beta, a smooth ReLU; x where beta·x is above the threshold."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        if not beta > 0:
            raise ValueError(f"beta must be positive, it is {beta}")
        self.beta = beta
        self.threshold = threshold

    def forward(self, x: Any) -> Tensor:
        return tg.softplus(as_floats(x), self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, x: Any) -> Tensor:
        return tg.softsign(as_floats(x))


class Softmax(Module):
    """exp(x) / sum(exp(x)) along an axis. Not in front of `cross_entropy`, which takes logits."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Tensor:
        return tg.softmax(as_floats(x), self.axis)


class LogSoftmax(Module):
    """log(softmax(x)) along an axis."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Tensor:
        return tg.log_softmax(as_floats(x), self.axis)


class GLU(Module):
    """a·sigmoid(b) of the two halves of x along an axis (Dauphin et al., 2017)."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Tensor:
        a, b = tg.split(as_floats(x), 2, axis=self.axis)
        return a * tg.sigmoid(b)
