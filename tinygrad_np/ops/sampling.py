"""Random picks of classes, by their weights or by their logits; no gradient flows to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.doors import draw
from ..core.tensor import Tensor
from .axes import checked_axis, checked_integers
from .mistakes import describe_call
from .operands import array_of, check_float
from .random import generator_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

__all__ = ["categorical", "multinomial"]


def multinomial(
    weights: Any, num_samples: int, replacement: bool = False, *, rng: Generator | None = None
) -> Tensor:
    """Positions along the last axis, picked with probabilities in proportion to the weights.

    As in PyTorch; NumPy's function of this name counts how often each was picked.

    Args:
        weights: not negative, shape (..., classes); they need not sum to 1.
        num_samples: how many to pick.
        replacement: True if one may be picked again.
        rng: where the random numbers come from; by default `default_generator()`.

    Returns:
        int64 of shape (..., num_samples), in the order in which they were picked.

    Raises:
        ValueError: weights that are negative, not finite or all 0, or, without replacement, fewer
            positive ones than samples.
    """
    w = array_of(weights).astype(np.float64)
    (count,) = checked_integers("multinomial", "num_samples", num_samples)
    call = describe_call("multinomial", weights=weights)
    if not w.ndim or count < 0:
        raise ValueError(f"{call}: weights need an axis of classes, and num_samples must be >= 0")
    if not (np.isfinite(w) & (w >= 0)).all():
        raise ValueError(f"{call}: weights must be finite and not negative")
    least = 1 if replacement else count
    if w[..., 0].size and (w > 0).sum(axis=-1).min() < least:
        raise ValueError(f"{call}: {least} positive weights are needed, and there are fewer")
    generator = generator_of("multinomial", rng)
    if replacement:
        u = draw(generator, "random", (*w.shape[:-1], count))
        ends = np.cumsum(w, axis=-1)
        ends = ends / ends[..., -1:]  # the last is 1, and all u are less
        passed = u[..., None] >= ends[..., None, :]
        return Tensor(passed.sum(axis=-1))
    # The first to arrive of processes with these rates (Efraimidis and Spirakis, 2006).
    times = draw(generator, "standard_exponential", w.shape)
    times = np.where(w > 0, times / np.where(w > 0, w, 1), np.inf)
    return Tensor(np.argsort(times, axis=-1)[..., :count])


def categorical(
    logits: Any,
    axis: int = -1,
    size: int | Sequence[int] | None = None,
    *,
    rng: Generator | None = None,
) -> Tensor:
    """Classes picked with the probabilities softmax(logits), by Gumbel noise, as in JAX.

    Args:
        logits: floats, with classes along `axis`.
        axis: where the classes are.
        size: shape of the result, which must end in that of the logits without `axis`; by default
            that shape.
        rng: where the random numbers come from; by default `default_generator()`.

    Raises:
        TypeError: logits that are not floats.
        ValueError: a size that does not fit, or no classes.
    """
    array = array_of(logits)
    check_float("categorical", array)
    call = describe_call("categorical", logits=logits)
    rows = np.moveaxis(array, checked_axis("categorical", axis, array.ndim), -1)
    *batch, classes = rows.shape
    shape = tuple(batch) if size is None else checked_integers("categorical", "size", size)
    if not classes or (batch and shape[-len(batch) :] != tuple(batch)):
        raise ValueError(f"{call}: {classes} classes, and a size {shape} to end in {tuple(batch)}")
    noise = draw(generator_of("categorical", rng), "gumbel", size=(*shape, classes))
    return Tensor(np.argmax(rows + noise, axis=-1))
