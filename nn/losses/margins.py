"""Losses of pairs and triples: rankings, distances and angles, with margins."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from ..module import Module, as_floats, as_tensor
from .pointwise import reduced

__all__ = [
    "CosineSimilarity",
    "cosine_embedding_loss",
    "cosine_similarity",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "triplet_margin_loss",
]


def cosine_similarity(x1: Any, x2: Any, axis: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along an axis: x1·x2 / (|x1|·|x2|).

    Lengths below eps count as eps.
    """
    x1, x2 = as_floats(x1, np.float64), as_floats(x2, np.float64)
    lengths = [tg.maximum(tg.norm(x, axis=axis, keepdims=True), eps) for x in (x1, x2)]
    return ((x1 / lengths[0]) * (x2 / lengths[1])).sum(axis=axis)


class CosineSimilarity(Module):
    """`cosine_similarity` as a layer of two inputs."""

    def __init__(self, axis: int = 1, eps: float = 1e-8) -> None:
        self.axis = axis
        self.eps = eps

    def forward(self, x1: Any, x2: Any) -> Tensor:
        return cosine_similarity(x1, x2, self.axis, self.eps)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


def _signs(loss: str, target: Any) -> Tensor:
    signs = as_tensor(target)
    if not (abs(signs) == 1).all():
        raise ValueError(f"{loss}: targets are 1 and -1")
    return signs


def cosine_embedding_loss(
    x1: Any, x2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """1 - cos for pairs that belong together, max(0, cos - margin) for others.

    Args:
        x1, x2: vectors (n, features), or (features,).
        target: 1 for pairs that belong together, -1 for others; (n,), or a number.
        margin: cosines up to it cost nothing.
        reduction: "mean", "sum" or "none".
    """
    cosine = cosine_similarity(x1, x2, axis=-1)
    together = _signs("cosine_embedding_loss", target) == 1
    return reduced(tg.where(together, 1 - cosine, tg.relu(cosine - margin)), reduction)


def hinge_embedding_loss(
    x: Any, target: Any, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """x where the target is 1, max(0, margin - x) where it is -1; x is a distance.

    Args:
        x: distances.
        target: 1 and -1, of the same shape.
        margin: distances from it on cost nothing where the target is -1.
        reduction: "mean", "sum" or "none".
    """
    x = as_floats(x, np.float64)
    near = _signs("hinge_embedding_loss", target) == 1
    return reduced(tg.where(near, x, tg.relu(margin - x)), reduction)


def margin_ranking_loss(
    x1: Any, x2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - target·(x1 - x2)).

    Args:
        x1, x2: scores.
        target: 1 where x1 should be larger, -1 where x2 should.
        margin: by how much.
        reduction: "mean", "sum" or "none".
    """
    signs = _signs("margin_ranking_loss", target)
    difference = as_floats(x1, np.float64) - as_floats(x2, np.float64)
    return reduced(tg.relu(margin - signs * difference), reduction)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, |anchor - positive| - |anchor - negative| + margin).

    Args:
        anchor, positive, negative: vectors (n, features).
        margin: by how much the negative should be farther.
        p: the order of the norm.
        eps: added to the differences.
        swap: take the distance of positive and negative where that is less (Balntas et al., 2016).
        reduction: "mean", "sum" or "none".
    """
    anchor, positive, negative = (as_floats(x, np.float64) for x in (anchor, positive, negative))

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return tg.norm(a - b + eps, p, axis=-1)

    far = distance(anchor, negative)
    if swap:
        far = tg.minimum(far, distance(positive, negative))
    return reduced(tg.relu(distance(anchor, positive) - far + margin), reduction)
