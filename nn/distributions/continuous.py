"""Distributions of numbers with a density."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from ..module import as_tensor
from .base import Distribution, Shape, gamma_draws, inside_of, set_parameters

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["Beta", "Gamma", "Laplace", "Normal", "StudentT", "Uniform"]

LOG_TAU = math.log(2 * math.pi)


def _randn(shape: Shape, like: Tensor, rng: Generator | None) -> Tensor:
    return tg.randn(*shape, dtype=like.dtype, rng=rng)


class _LocationScale(Distribution):
    """Base of the distributions of loc + scale·z, with z of a standard distribution."""

    loc: Tensor
    scale: Tensor

    def _standard(self, value: Any) -> Tensor:
        return (as_tensor(value) - self.loc) / self.scale


class Normal(_LocationScale):
    """The normal distribution of mean `loc` and standard deviation `scale`."""

    def __init__(self, loc: Any, scale: Any) -> None:
        set_parameters(self, "scale", loc=loc, scale=scale)

    def log_prob(self, value: Any) -> Tensor:
        z = self._standard(value)
        norm = tg.log(self.scale) + 0.5 * LOG_TAU
        return -0.5 * (z * z) - norm

    def rsample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        z = _randn(self._shape(shape), self.loc, rng)
        return self.loc + self.scale * z

    def entropy(self) -> Tensor:
        norm = 0.5 + 0.5 * LOG_TAU
        return self._spread(tg.log(self.scale) + norm)

    def _divergence(self, other: Normal) -> Tensor:
        ratio = self.scale / other.scale
        distance = (self.loc - other.loc) / other.scale
        squares = ratio * ratio + distance * distance
        return 0.5 * (squares - 1) - tg.log(ratio)


class Laplace(_LocationScale):
    """The distribution of density exp(-|x - loc| / scale) / (2·scale)."""

    def __init__(self, loc: Any, scale: Any) -> None:
        set_parameters(self, "scale", loc=loc, scale=scale)

    def log_prob(self, value: Any) -> Tensor:
        return -abs(self._standard(value)) - tg.log(2 * self.scale)

    def rsample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        dtype = self.loc.dtype
        u = tg.rand(*self._shape(shape), dtype=dtype, rng=rng) - 0.5
        # rand() may be 0, which the logarithm below can't take.
        largest = 0.5 - np.finfo(dtype).epsneg
        distance = tg.minimum(abs(u), largest)
        z = -tg.sign(u) * tg.log1p(-2 * distance)
        return self.loc + self.scale * z

    def entropy(self) -> Tensor:
        return self._spread(1 + tg.log(2 * self.scale))

    def _divergence(self, other: Laplace) -> Tensor:
        distance = abs(self.loc - other.loc)
        near = self.scale * tg.exp(-distance / self.scale)
        mean = (near + distance) / other.scale
        ratio = other.scale / self.scale
        return tg.log(ratio) + mean - 1


class StudentT(_LocationScale):
    """Student's distribution with `df` degrees of freedom, moved by `loc` and stretched by `scale`.

    Gradients of `rsample` flow to loc and scale alone.
    """

    df: Tensor

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> None:
        set_parameters(self, "df scale", df=df, loc=loc, scale=scale)

    def log_prob(self, value: Any) -> Tensor:
        z = self._standard(value)
        df = self.df
        half = 0.5 * df
        more = half + 0.5
        norm = tg.gammaln(half) - tg.gammaln(more)
        norm = norm + 0.5 * tg.log(math.pi * df)
        norm = norm + tg.log(self.scale)
        return -more * tg.log1p(z * z / df) - norm

    def rsample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        lengths = self._shape(shape)
        normal = _randn(lengths, self.loc, rng)
        chi_squared = 2 * gamma_draws(0.5 * self.df, lengths, rng)
        width = np.sqrt(self.df.numpy() / chi_squared)
        return self.loc + self.scale * (normal * width)

    def entropy(self) -> Tensor:
        half = 0.5 * self.df
        more = half + 0.5
        norm = tg.gammaln(half) - tg.gammaln(more)
        norm = norm + 0.5 * math.log(math.pi)
        norm = norm + 0.5 * tg.log(self.df)
        norm = norm + tg.log(self.scale)
        spread = more * (tg.digamma(more) - tg.digamma(half))
        return self._spread(norm + spread)


class Uniform(Distribution):
    """The distribution of equal density from `low` up to `high`."""

    low: Tensor
    high: Tensor

    def __init__(self, low: Any, high: Any) -> None:
        set_parameters(self, "", low=low, high=high)
        if not (self.low < self.high).all():
            raise ValueError(f"Uniform: low ({low!r}) must be less than high ({high!r})")

    def log_prob(self, value: Any) -> Tensor:
        value = as_tensor(value)
        above = value >= self.low
        below = value < self.high
        return inside_of(above & below, -self.entropy())

    def rsample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        u = tg.rand(*self._shape(shape), dtype=self.low.dtype, rng=rng)
        width = self.high - self.low
        return self.low + width * u

    def entropy(self) -> Tensor:
        return tg.log(self.high - self.low)

    def _divergence(self, other: Uniform) -> Tensor:
        above = other.low <= self.low
        below = self.high <= other.high
        difference = other.entropy() - self.entropy()
        return tg.where(above & below, difference, np.inf)


class Gamma(Distribution):
    """The distribution of density rate^a·x^(a - 1)·exp(-rate·x) / Γ(a), a the concentration."""

    concentration: Tensor
    rate: Tensor

    def __init__(self, concentration: Any, rate: Any = 1.0) -> None:
        set_parameters(self, "concentration rate", concentration=concentration, rate=rate)

    def log_prob(self, value: Any) -> Tensor:
        value = as_tensor(value)
        inside = value >= 0
        x = tg.where(inside, value, 1)
        a, b = self.concentration, self.rate
        norm = tg.gammaln(a) - a * tg.log(b)
        density = tg.xlogy(a - 1, x) - b * x
        return inside_of(inside, density - norm)

    def sample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        draws = gamma_draws(self.concentration, self._shape(shape), rng)
        return Tensor(draws) / self.rate.detach()

    def entropy(self) -> Tensor:
        a = self.concentration
        norm = tg.gammaln(a) - tg.log(self.rate)
        return a + norm + (1 - a) * tg.digamma(a)

    def _divergence(self, other: Gamma) -> Tensor:
        a, b = self.concentration, other.concentration
        norms = tg.gammaln(b) - tg.gammaln(a)
        shape = norms + (a - b) * tg.digamma(a)
        ratio = other.rate / self.rate
        return shape - b * tg.log(ratio) + a * (ratio - 1)


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return tg.gammaln(a) + tg.gammaln(b) - tg.gammaln(a + b)


class Beta(Distribution):
    """The distribution of density x^(a - 1)·(1 - x)^(b - 1) / B(a, b) on 0 … 1.

    Args:
        concentration1, concentration0: a and b.
    """

    concentration1: Tensor
    concentration0: Tensor

    def __init__(self, concentration1: Any, concentration0: Any) -> None:
        names = "concentration1 concentration0"
        values = {"concentration1": concentration1, "concentration0": concentration0}
        set_parameters(self, names, **values)

    def log_prob(self, value: Any) -> Tensor:
        value = as_tensor(value)
        inside = abs(value - 0.5) <= 0.5
        x = tg.where(inside, value, 0.5)
        a, b = self.concentration1, self.concentration0
        density = tg.xlogy(a - 1, x) + tg.xlogy(b - 1, 1 - x)
        return inside_of(inside, density - _log_beta(a, b))

    def sample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        lengths = self._shape(shape)
        a = gamma_draws(self.concentration1, lengths, rng)
        b = gamma_draws(self.concentration0, lengths, rng)
        return Tensor(a / (a + b))

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        first = (a - 1) * tg.digamma(a)
        second = (b - 1) * tg.digamma(b)
        both = (a + b - 2) * tg.digamma(a + b)
        return _log_beta(a, b) + both - first - second

    def _divergence(self, other: Beta) -> Tensor:
        a, b = self.concentration1, self.concentration0
        c, d = other.concentration1, other.concentration0
        first = (a - c) * tg.digamma(a)
        second = (b - d) * tg.digamma(b)
        both = (c - a + d - b) * tg.digamma(a + b)
        norms = _log_beta(c, d) - _log_beta(a, b)
        return norms + first + second + both
