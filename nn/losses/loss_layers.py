"""Losses as layers: their options are set once, and they are called on (prediction, target)."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from ..module import Module
from . import likelihoods, margins
from . import pointwise as losses

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_np import Tensor

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MarginRankingLoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "TripletMarginLoss",
]


class LossLayer(Module):
    """Base of the losses as layers.

    Args:
        **options: those of the function, by name.
    """

    function: Callable[..., Tensor]

    def __init__(self, *given: Any, **options: Any) -> None:
        kind = type(self).__name__
        if given:
            fix = f"{kind}()(prediction, target)"
            raise TypeError(f"{kind} is made of options by name, and then called: {fix}")
        known = inspect.signature(type(self).function).parameters
        for name in options:
            if name not in known:
                raise TypeError(f"{kind} has no option {name!r}; it has {', '.join(known)}")
        self.options = options

    def forward(self, *args: Any) -> Tensor:
        return type(self).function(*args, **self.options)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


class MSELoss(LossLayer):
    """`mse_loss` as a layer."""

    function = losses.mse_loss


class L1Loss(LossLayer):
    """`l1_loss` as a layer."""

    function = losses.l1_loss


class HuberLoss(LossLayer):
    """`huber_loss` as a layer."""

    function = losses.huber_loss


class SmoothL1Loss(LossLayer):
    """`smooth_l1_loss` as a layer."""

    function = losses.smooth_l1_loss


class BCELoss(LossLayer):
    """`binary_cross_entropy` as a layer."""

    function = losses.binary_cross_entropy


class BCEWithLogitsLoss(LossLayer):
    """`binary_cross_entropy_with_logits` as a layer."""

    function = losses.binary_cross_entropy_with_logits


class CrossEntropyLoss(LossLayer):
    """`cross_entropy` as a layer."""

    function = likelihoods.cross_entropy


class NLLLoss(LossLayer):
    """`nll_loss` as a layer."""

    function = likelihoods.nll_loss


class KLDivLoss(LossLayer):
    """`kl_div` as a layer."""

    function = likelihoods.kl_div


class PoissonNLLLoss(LossLayer):
    """`poisson_nll_loss` as a layer."""

    function = likelihoods.poisson_nll_loss


class GaussianNLLLoss(LossLayer):
    """`gaussian_nll_loss` as a layer, called on (prediction, target, var)."""

    function = likelihoods.gaussian_nll_loss


class CosineEmbeddingLoss(LossLayer):
    """`cosine_embedding_loss` as a layer, called on (x1, x2, target)."""

    function = margins.cosine_embedding_loss


class HingeEmbeddingLoss(LossLayer):
    """`hinge_embedding_loss` as a layer."""

    function = margins.hinge_embedding_loss


class MarginRankingLoss(LossLayer):
    """`margin_ranking_loss` as a layer, called on (x1, x2, target)."""

    function = margins.margin_ranking_loss


class TripletMarginLoss(LossLayer):
    """`triplet_margin_loss` as a layer, called on (anchor, positive, negative)."""

    function = margins.triplet_margin_loss
