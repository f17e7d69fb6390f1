"""Distributions of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from ..module import as_tensor
from .base import Distribution, Shape, inside_of, set_parameters

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["Bernoulli", "Categorical"]


class Bernoulli(Distribution):
    """1 with probability `probs`, else 0.

    Args:
        probs: the probability; or
        logits: its log odds, log(p / (1 - p)), right to the last digits at both ends.
    """

    probs: Tensor
    logits: Any

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        if (probs is None) == (logits is None):
            raise TypeError("Bernoulli takes either probs or logits")
        self.logits = None
        if logits is not None:
            set_parameters(self, "", logits=logits)
            self.probs = tg.sigmoid(self.logits)
            return
        set_parameters(self, "", probs=probs)
        inside = (self.probs >= 0) & (self.probs <= 1)
        if not inside.all():
            raise ValueError(f"Bernoulli: probs must lie between 0 and 1, not {probs!r}")

    def log_prob(self, value: Any) -> Tensor:
        x = as_tensor(value).astype(self.probs.dtype)
        inside = (x == 0) | (x == 1)
        if self.logits is None:
            one = tg.xlogy(x, self.probs)
            zero = tg.xlogy(1 - x, 1 - self.probs)
            return inside_of(inside, one + zero)
        logs = x * self.logits - tg.softplus(self.logits)
        return inside_of(inside, logs)

    def sample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        u = tg.rand(*self._shape(shape), dtype=self.probs.dtype, rng=rng)
        return (u < self.probs.detach()).astype(self.probs.dtype)

    def entropy(self) -> Tensor:
        p, rest = self.probs, 1 - self.probs
        return -tg.xlogy(p, p) - tg.xlogy(rest, rest)

    def _divergence(self, other: Bernoulli) -> Tensor:
        p, q = self.probs, other.probs
        one = tg.xlogy(p, q)
        zero = tg.xlogy(1 - p, 1 - q)
        return -self.entropy() - one - zero


class Categorical(Distribution):
    """A class from 0 to n - 1.

    Args:
        probs: (..., n) numbers in proportion to the probabilities; or
        logits: their logarithms.
    """

    probs: Tensor
    logits: Any

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        if (probs is None) == (logits is None):
            raise TypeError("Categorical takes either probs or logits")
        if logits is not None:
            set_parameters(self, "", logits=logits)
            self.logits = tg.log_softmax(self.logits)
            self.probs = tg.exp(self.logits)
        else:
            set_parameters(self, "", probs=probs)
            if not (self.probs >= 0).all():
                raise ValueError("Categorical: probs must not be negative")
            total = self.probs.sum(axis=-1, keepdims=True)
            self.probs = self.probs / total
            with np.errstate(divide="ignore"):  # a class that never comes has -inf
                self.logits = tg.log(self.probs)
        self.batch_shape = self.batch_shape[:-1]

    def log_prob(self, value: Any) -> Tensor:
        classes = as_tensor(value)
        shape = np.broadcast_shapes(classes.shape, self.batch_shape)
        classes = tg.broadcast_to(classes, shape)
        index = tg.expand_dims(classes, -1)
        count = self.logits.shape[-1]
        logits = tg.broadcast_to(self.logits, (*shape, count))
        return tg.take_along_axis(logits, index, -1)[..., 0]

    def sample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        u = tg.rand(*self._shape(shape), dtype=self.probs.dtype, rng=rng)
        ends = tg.cumsum(self.probs.detach(), -1)
        # The last end may be a rounding below 1.
        column = tg.expand_dims(u, -1)
        passed = column >= ends[..., :-1]
        return passed.sum(axis=-1)

    def entropy(self) -> Tensor:
        return -tg.xlogy(self.probs, self.probs).sum(axis=-1)

    def _divergence(self, other: Categorical) -> Tensor:
        cross = tg.xlogy(self.probs, other.probs).sum(axis=-1)
        return -self.entropy() - cross
