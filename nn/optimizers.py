"""Optimizers: each update rule written once, as a formula on all parameters laid end to end.

Gradients and state are flat arrays, so a step is about ten NumPy calls whatever the number of
layers. The rules follow the book's order of operations; the names and defaults are PyTorch's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import check_fraction, check_not_negative
from .optimizer_base import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinygrad_np import Tensor

__all__ = ["SGD", "AdaGrad", "Adam", "AdamW", "RMSprop"]


class SGD(Optimizer):
    """Gradient descent: w -= lr·g; with momentum μ, v = μ·v - lr·g and w += v.

    `nesterov=True` looks ahead: w += μ·v - lr·g with the new v.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-3,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        momentum = check_not_negative("momentum", momentum)
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum above 0")
        self.momentum = momentum
        self.nesterov = nesterov
        if momentum:
            self.state_names = ("velocity",)
        super().__init__(params, lr, weight_decay=weight_decay)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        if not state:
            return (lr * g,)
        velocity = self.momentum * state[0] - lr * g
        if self.nesterov:
            return lr * g - self.momentum * velocity, velocity
        return -velocity, velocity


class AdaGrad(Optimizer):
    """AdaGrad (Duchi et al., 2011): w -= lr·g / (√c + eps), c the sum of all g² so far."""

    state_names = ("cache",)

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-2,
        *,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
    ) -> None:
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        cache = state[0] + g * g
        return lr * g / (np.sqrt(cache) + self.eps), cache


class RMSprop(Optimizer):
    """RMSprop (Hinton, 2012): w -= lr·g / (√c + eps), c = α·c + (1 - α)·g².

    The book calls α rho.
    """

    state_names = ("cache",)

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-2,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.alpha = check_fraction("alpha", alpha)
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        cache = self.alpha * state[0] + (1 - self.alpha) * (g * g)
        return lr * g / (np.sqrt(cache) + self.eps), cache


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015): w -= lr·(m/c₁) / (√(v/c₂) + eps).

    m = β₁·m + (1 - β₁)·g and v = β₂·v + (1 - β₂)·g² are running means of the gradient and its
    square; c₁ = 1 - β₁ᵗ and c₂ = 1 - β₂ᵗ make up for their start at zero.
    """

    state_names = ("m", "v")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if np.shape(betas) != (2,):
            raise TypeError(f"betas must be a pair of numbers, not {betas!r}")
        self.betas = check_fraction("beta1", betas[0]), check_fraction("beta2", betas[1])
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        beta1, beta2 = self.betas
        m = beta1 * state[0] + (1 - beta1) * g
        v = beta2 * state[1] + (1 - beta2) * (g * g)
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        return lr * m_hat / (np.sqrt(v_hat) + self.eps), m, v


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019): also w -= lr·λ·w."""

    decoupled = True

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay)
