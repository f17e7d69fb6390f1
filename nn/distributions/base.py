"""Base of the distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from ..module import as_tensor

if TYPE_CHECKING:
    from numpy.random import Generator

Shape = tuple[int, ...]

__all__ = ["Distribution", "Shape", "gamma_draws", "inside_of", "kl_divergence", "set_parameters"]


class Distribution:
    """Base of the distributions.

    Attributes:
        batch_shape: the shape of the parameters, one distribution for each element.
        event_shape: the shape of one draw: () for numbers, (n,) for vectors.
    """

    batch_shape: Shape = ()
    event_shape: Shape = ()

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density, or of the probability, at `value`.

        It is -inf where the density is 0.
        """
        raise NotImplementedError

    def sample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        """Return draws (*shape, *batch_shape, *event_shape), without a gradient.

        Args:
            shape: how many draws.
            rng: generator; by default `tinygrad_np.default_generator()`.
        """
        with tg.no_grad():
            return self.rsample(shape, rng=rng).detach()

    def rsample(self, shape: Shape = (), *, rng: Generator | None = None) -> Tensor:
        """Return draws as `sample`, computed from the parameters, so that gradients flow there.

        Raises:
            NotImplementedError: there is no such way for this distribution.
        """
        raise NotImplementedError(f"{type(self).__name__} has sample(), but no rsample()")

    def entropy(self) -> Tensor:
        """Return the mean of -log_prob of the draws."""
        raise NotImplementedError

    def _divergence(self, other: Any) -> Tensor:
        raise NotImplementedError

    def _shape(self, shape: Any) -> Shape:
        """Return the shape of so many draws."""
        is_number = isinstance(shape, (int, np.integer))
        lengths = (int(shape),) if is_number else tuple(shape)
        return (*lengths, *self.batch_shape, *self.event_shape)

    def _spread(self, value: Any) -> Tensor:
        """Return a value in the shape of the batch."""
        return tg.broadcast_to(value, self.batch_shape)


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """Return the mean over draws of p of `p.log_prob - q.log_prob`, for two of one kind.

    Raises:
        TypeError: distributions of two kinds.
    """
    if type(p) is not type(q):
        kinds = f"{type(p).__name__} and {type(q).__name__}"
        raise TypeError(f"kl_divergence takes two distributions of one kind, not {kinds}")
    return p._divergence(q)


def set_parameters(distribution: Distribution, positive: str, **values: Any) -> None:
    """Set parameters as attributes, and their common shape; check that some are positive.

    Numbers take the dtype of the Tensors and arrays beside them.
    """
    dtypes = [value.dtype for value in values.values() if hasattr(value, "dtype")]
    floats = [dtype for dtype in dtypes if dtype.kind == "f"]
    dtype = np.result_type(*floats) if floats else np.dtype(np.float64)
    tensors = {}
    for name, value in values.items():
        tensor = as_tensor(value)
        if tensor.dtype != dtype:
            tensor = tensor.astype(dtype)
        tensors[name] = tensor
    for name in positive.split():
        if not (tensors[name] > 0).all():
            kind = type(distribution).__name__
            raise ValueError(f"{kind}: {name} must be positive, it is {tensors[name]!r}")
    vars(distribution).update(tensors)
    distribution.batch_shape = np.broadcast_shapes(*(t.shape for t in tensors.values()))


def inside_of(inside: Any, log_density: Tensor) -> Tensor:
    return tg.where(inside, log_density, -np.inf)


def gamma_draws(concentration: Tensor, shape: Shape, rng: Generator | None) -> np.ndarray:
    """Draw from gamma distributions of rate 1; never 0, of which the logarithm is infinite."""
    rng = rng or tg.default_generator()
    draws = rng.standard_gamma(concentration.numpy(), shape)
    dtype = concentration.dtype
    smallest = np.finfo(dtype).tiny
    return np.maximum(draws, smallest).astype(dtype)
