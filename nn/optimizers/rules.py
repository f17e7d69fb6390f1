"""Optimizers: each update rule written once, as a formula on all parameters laid end to end.

Gradients and state are flat arrays, so a step is about ten NumPy calls whatever the number of
layers. The rules follow the book's order of operations; the names and defaults are PyTorch's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import check_betas, check_fraction, check_not_negative
from .base import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinygrad_np import Tensor

    from .flat_parameters import Reduce

__all__ = [
    "SGD",
    "AdaGrad",
    "Adadelta",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "NAdam",
    "RAdam",
    "RMSprop",
]


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
        reduce: Reduce | None = None,
    ) -> None:
        momentum = check_not_negative("momentum", momentum)
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum above 0")
        self.momentum = momentum
        self.nesterov = nesterov
        if momentum:
            self.state_names = ("velocity",)
        super().__init__(params, lr, weight_decay=weight_decay, reduce=reduce)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        if not state:
            if self.momentum:
                raise ValueError("SGD was made without momentum, and has no velocity: make another")
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
        reduce: Reduce | None = None,
    ) -> None:
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay, reduce=reduce)

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
        reduce: Reduce | None = None,
    ) -> None:
        self.alpha = check_fraction("alpha", alpha)
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay, reduce=reduce)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        cache = self.alpha * state[0] + (1 - self.alpha) * (g * g)
        return lr * g / (np.sqrt(cache) + self.eps), cache


class Adadelta(Optimizer):
    """Adadelta (Zeiler, 2012): w -= lr·Δ with Δ = √(d + eps) / √(c + eps) · g.

    c = ρ·c + (1 - ρ)·g² and d = ρ·d + (1 - ρ)·Δ² are running means of the squares.
    """

    state_names = ("cache", "moved")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1.0,
        *,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        reduce: Reduce | None = None,
    ) -> None:
        self.rho = check_fraction("rho", rho)
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay, reduce=reduce)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        cache = self.rho * state[0] + (1 - self.rho) * (g * g)
        change = np.sqrt(state[1] + self.eps) / np.sqrt(cache + self.eps) * g
        moved = self.rho * state[1] + (1 - self.rho) * (change * change)
        return lr * change, cache, moved


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015): w -= lr·(m/c₁) / (√(v/c₂) + eps).

    m = β₁·m + (1 - β₁)·g and v = β₂·v + (1 - β₂)·g² are running means of the gradient and its
    square; c₁ = 1 - β₁ᵗ and c₂ = 1 - β₂ᵗ make up for their start at zero. `amsgrad=True` (Reddi,
    Kale and Kumar, 2018) divides by the largest v so far.
    """

    state_names: tuple[str, ...] = ("m", "v")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        reduce: Reduce | None = None,
    ) -> None:
        self.betas = check_betas(betas)
        self.eps = check_not_negative("eps", eps)
        if amsgrad:
            self.state_names = ("m", "v", "v_max")
        super().__init__(params, lr, weight_decay=weight_decay, reduce=reduce)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        beta1, beta2 = self.betas
        m = beta1 * state[0] + (1 - beta1) * g
        v = beta2 * state[1] + (1 - beta2) * (g * g)
        m_hat = m / (1 - beta1**t)
        if len(state) == 2:
            v_hat = v / (1 - beta2**t)
            return lr * m_hat / (np.sqrt(v_hat) + self.eps), m, v
        v_max = np.maximum(state[2], v)
        v_hat = v_max / (1 - beta2**t)
        return lr * m_hat / (np.sqrt(v_hat) + self.eps), m, v, v_max


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
        amsgrad: bool = False,
        reduce: Reduce | None = None,
    ) -> None:
        options: Any = {"betas": betas, "eps": eps, "amsgrad": amsgrad, "reduce": reduce}
        super().__init__(params, lr, weight_decay=weight_decay, **options)


class Adamax(Optimizer):
    """Adamax (Kingma and Ba, 2015), Adam by the largest gradient: w -= lr·(m/c₁) / u.

    m = β₁·m + (1 - β₁)·g as in Adam, u = max(β₂·u, |g| + eps), and c₁ = 1 - β₁ᵗ.
    """

    state_names = ("m", "u")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 2e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        reduce: Reduce | None = None,
    ) -> None:
        self.betas = check_betas(betas)
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay, reduce=reduce)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        beta1, beta2 = self.betas
        m = beta1 * state[0] + (1 - beta1) * g
        u = np.maximum(beta2 * state[1], np.abs(g) + self.eps)
        m_hat = m / (1 - beta1**t)
        return lr * m_hat / u, m, u


class NAdam(Optimizer):
    """NAdam (Dozat, 2016), Adam with Nesterov's momentum.

    w -= lr·((1 - μₜ)·g / c + μₜ₊₁·m / d) / (√(v/c₂) + eps), with m, v and c₂ of Adam. The momentum
    grows: μₜ = β₁·(1 - 0.96^(t·ψ) / 2), ψ being `momentum_decay`; c = 1 - μ₁·…·μₜ and
    d = 1 - μ₁·…·μₜ₊₁.
    """

    state_names = ("m", "v", "c")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 2e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        reduce: Reduce | None = None,
    ) -> None:
        self.betas = check_betas(betas)
        self.eps = check_not_negative("eps", eps)
        self.momentum_decay = check_not_negative("momentum_decay", momentum_decay)
        super().__init__(params, lr, weight_decay=weight_decay, reduce=reduce)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        beta1, beta2 = self.betas
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * self.momentum_decay))
        m = beta1 * state[0] + (1 - beta1) * g
        v = beta2 * state[1] + (1 - beta2) * (g * g)
        c = 1 - (1 - state[2]) * mu
        d = 1 - (1 - c) * mu_next
        ahead = (1 - mu) * g / c + mu_next * m / d
        v_hat = v / (1 - beta2**t)
        return lr * ahead / (np.sqrt(v_hat) + self.eps), m, v, c


class RAdam(Optimizer):
    """RAdam (Liu et al., 2020), Adam that waits until its v is worth something.

    w -= lr·(m/c₁)·r·√c₂ / (√v + eps), with m, v, c₁ and c₂ of Adam. ρ = ρ∞ - 2·t·β₂ᵗ / c₂ is the
    length of the mean v, in the end ρ∞ = 2 / (1 - β₂) - 1. As long as it is at most 5,
    w -= lr·(m/c₁); later r² = (ρ - 4)·(ρ - 2)·ρ∞ / ((ρ∞ - 4)·(ρ∞ - 2)·ρ).
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
        reduce: Reduce | None = None,
    ) -> None:
        self.betas = check_betas(betas)
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay, reduce=reduce)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        beta1, beta2 = self.betas
        m = beta1 * state[0] + (1 - beta1) * g
        v = beta2 * state[1] + (1 - beta2) * (g * g)
        m_hat = m / (1 - beta1**t)
        c2 = 1 - beta2**t
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / c2
        long = (length > 5) * 1.0  # 1 or 0, not a branch: t may be an array
        most = max(longest, 5.0)  # a shorter one is never long
        square = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
        r = abs(square) ** 0.5
        scale = long * r * c2**0.5 / (np.sqrt(v) + self.eps) + (1 - long)
        return lr * m_hat * scale, m, v


class Lion(Optimizer):
    """Lion (Chen et al., 2023), steps of one size: w -= lr·sign(β₁·m + (1 - β₁)·g) + lr·λ·w.

    m = β₂·m + (1 - β₂)·g; λ is the weight decay. Rates are three to ten times smaller than Adam's.
    """

    state_names = ("m",)
    decoupled = True

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-4,
        *,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        reduce: Reduce | None = None,
    ) -> None:
        self.betas = check_betas(betas)
        super().__init__(params, lr, weight_decay=weight_decay, reduce=reduce)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        beta1, beta2 = self.betas
        direction = np.sign(beta1 * state[0] + (1 - beta1) * g)
        m = beta2 * state[0] + (1 - beta2) * g
        return lr * direction, m
