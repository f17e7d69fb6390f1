"""Distributions of vectors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tinygrad_np as tg
from tinygrad_np import Tensor

from ..module import as_tensor
from .base import Distribution, Shape, gamma_draws, inside_of, set_parameters

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["Dirichlet", "MultivariateNormal"]

LOG_TAU = math.log(2 * math.pi)


class MultivariateNormal(Distribution):
    """The normal distribution of vectors (n,).

    Args:
        loc: the mean, (..., n).
        covariance_matrix: (..., n, n), symmetric and positive definite; or
        scale_tril: its lower triangular factor L, with L·Lᵀ the covariance.

    Raises:
        LinAlgError: a matrix that is not positive definite.
    """

    loc: Tensor
    scale_tril: Tensor

    def __init__(self, loc: Any, covariance_matrix: Any = None, scale_tril: Any = None) -> None:
        if (covariance_matrix is None) == (scale_tril is None):
            raise TypeError("MultivariateNormal takes covariance_matrix or scale_tril")
        loc = as_tensor(loc)
        if scale_tril is None:
            scale_tril = tg.cholesky(covariance_matrix)
        scale_tril = as_tensor(scale_tril)
        size = loc.shape[-1:]
        fits = size and scale_tril.shape[-2:] == 2 * size
        if not fits:
            raise ValueError(
                f"MultivariateNormal: a mean {loc.shape} needs a matrix (..., n, n), not "
                f"{scale_tril.shape}"
            )
        set_parameters(self, "", loc=tg.expand_dims(loc, -1), scale_tril=scale_tril)
        self.loc = self.loc[..., 0]
        self.batch_shape = self.batch_shape[:-2]
        self.event_shape = size

    def _half_log_det(self) -> Tensor:
        diagonal = tg.diagonal(self.scale_tril, 0, -2, -1)
        return tg.log(diagonal).sum(axis=-1)

    def _standard(self, difference: Tensor) -> Tensor:
        column = tg.expand_dims(difference, -1)
        return tg.solve(self.scale_tril, column)[..., 0]

    def log_prob(self, value: Any) -> Tensor:
        z = self._standard(as_tensor(value) - self.loc)
        size = self.event_shape[0]
        norm = self._half_log_det() + 0.5 * size * LOG_TAU
        return -0.5 * (z * z).sum(axis=-1) - norm

    def rsample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        z = tg.randn(*self._shape(shape), dtype=self.loc.dtype, rng=rng)
        column = self.scale_tril @ tg.expand_dims(z, -1)
        return self.loc + column[..., 0]

    def entropy(self) -> Tensor:
        size = self.event_shape[0]
        norm = 0.5 * size * (1 + LOG_TAU)
        return self._spread(self._half_log_det() + norm)

    def _divergence(self, other: MultivariateNormal) -> Tensor:
        distance = other._standard(self.loc - other.loc)
        ratio = tg.solve(other.scale_tril, self.scale_tril)
        trace = (ratio * ratio).sum(axis=(-2, -1))
        square = (distance * distance).sum(axis=-1)
        logs = other._half_log_det() - self._half_log_det()
        size = self.event_shape[0]
        return logs + 0.5 * (trace + square - size)


class Dirichlet(Distribution):
    """The distribution of shares that sum to 1, of density ∏ xᵢ^(aᵢ - 1) / B(a).

    Args:
        concentration: a, (..., n).
    """

    concentration: Tensor

    def __init__(self, concentration: Any) -> None:
        set_parameters(self, "concentration", concentration=concentration)
        if not self.batch_shape:
            raise ValueError("Dirichlet: concentration needs an axis of shares")
        self.event_shape = self.batch_shape[-1:]
        self.batch_shape = self.batch_shape[:-1]

    def _log_norm(self) -> Tensor:
        a = self.concentration
        parts = tg.gammaln(a).sum(axis=-1)
        return parts - tg.gammaln(a.sum(axis=-1))

    def log_prob(self, value: Any) -> Tensor:
        value = as_tensor(value)
        inside = (value >= 0).all(axis=-1)
        x = tg.where(value >= 0, value, 1)
        powers = self.concentration - 1
        density = tg.xlogy(powers, x).sum(axis=-1)
        return inside_of(inside, density - self._log_norm())

    def sample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        draws = gamma_draws(self.concentration, self._shape(shape), rng)
        total = draws.sum(axis=-1, keepdims=True)
        return Tensor(draws / total)

    def entropy(self) -> Tensor:
        a = self.concentration
        total = a.sum(axis=-1)
        spread = (a - 1) * tg.digamma(a)
        degrees = total - a.shape[-1]
        norm = self._log_norm() + degrees * tg.digamma(total)
        return norm - spread.sum(axis=-1)

    def _divergence(self, other: Dirichlet) -> Tensor:
        a, b = self.concentration, other.concentration
        total = a.sum(axis=-1, keepdims=True)
        logs = tg.digamma(a) - tg.digamma(total)
        means = ((a - b) * logs).sum(axis=-1)
        return other._log_norm() - self._log_norm() + means
