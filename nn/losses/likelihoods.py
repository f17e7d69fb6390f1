"""Losses that are negative log likelihoods, with weights of classes, and divergences."""

from __future__ import annotations

import math
from typing import Any

import tinygrad_np as tg
from tinygrad_np import Tensor, describe_call, shorten_traceback

from ..module import as_tensor
from .pointwise import alike, reduced

__all__ = ["cross_entropy", "gaussian_nll_loss", "kl_div", "nll_loss", "poisson_nll_loss"]


def cross_entropy(
    logits: Any,
    target: Any,
    axis: int = -1,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    *,
    weight: Any = None,
) -> Tensor:
    """Cross-entropy between softmax(logits) along an axis and the target.

    Args:
        logits: floats, with classes along `axis`.
        target: class numbers of any integer dtype, in the logits' shape without that axis; or a
            distribution, floats in the logits' shape.
        axis: where the classes are.
        reduction: "mean" over the predictions that count, "sum", or "none".
        ignore_index: class numbers that do not count.
        label_smoothing: how much of the uniform distribution is mixed into the target.
        weight: a factor for each class; the mean of class numbers is then a weighted one.

    Raises:
        TypeError: targets of another kind.
        ValueError: a class out of range, shapes that do not fit, or the mean of nothing.
    """
    try:
        options = (axis, reduction, ignore_index, label_smoothing)
        if weight is None:
            return tg.cross_entropy(logits, target, *options)
        return _weighted_cross_entropy(logits, target, weight, *options)
    except Exception as error:
        shorten_traceback(error)
        raise


def _weighted_cross_entropy(
    logits: Any,
    target: Any,
    weight: Any,
    axis: int,
    reduction: str,
    ignore_index: int | None,
    label_smoothing: float,
) -> Tensor:
    logits, target = as_tensor(logits), as_tensor(target)
    weight = _class_weights("cross_entropy", logits, weight, axis)
    log_probs = tg.moveaxis(tg.log_softmax(logits, axis), axis, -1)
    if target.dtype.kind == "f":
        tg.cross_entropy(logits.detach(), target, axis, "none")  # which checks the target
        shares = tg.moveaxis(target, axis, -1)
        if label_smoothing:
            shares = (1 - label_smoothing) * shares + label_smoothing / weight.size
        losses = -(log_probs * (shares * weight)).sum(axis=-1)
        return reduced(losses, reduction)
    picked = nll_loss(log_probs, target, -1, "none", ignore_index, weight=weight)
    shares = _weights_of(target, weight, ignore_index)
    if label_smoothing:
        others = -(log_probs * weight).mean(axis=-1)
        if ignore_index is not None:
            others = tg.where(target != ignore_index, others, 0)
        picked = (1 - label_smoothing) * picked + label_smoothing * others
    return picked.sum() / shares.sum() if reduction == "mean" else reduced(picked, reduction)


def nll_loss(
    log_probs: Any,
    target: Any,
    axis: int = -1,
    reduction: str = "mean",
    ignore_index: int | None = None,
    *,
    weight: Any = None,
) -> Tensor:
    """Minus the log probability of each target class, times the weight of that class.

    Args:
        log_probs: log probabilities, with classes along `axis`.
        target, axis, reduction, ignore_index, weight: as of `cross_entropy`; class numbers only.

    Raises:
        TypeError: targets that are not integers.
        ValueError: a class out of range, shapes that do not fit, or the mean of nothing.
    """
    if weight is None:
        return tg.nll_loss(log_probs, target, axis, reduction, ignore_index)
    log_probs, target = as_tensor(log_probs), as_tensor(target)
    weight = _class_weights("nll_loss", log_probs, weight, axis)
    losses = tg.nll_loss(log_probs, target, axis, "none", ignore_index)
    shares = _weights_of(target, weight, ignore_index)
    losses = losses * shares
    return losses.sum() / shares.sum() if reduction == "mean" else reduced(losses, reduction)


def _class_weights(loss: str, logits: Tensor, weight: Any, axis: int) -> Tensor:
    weight = as_tensor(weight)
    classes = logits.shape[axis]
    if weight.shape != (classes,):
        call = describe_call(loss, logits=logits, weight=weight)
        raise ValueError(f"{call}: {classes} classes need as many weights, in one axis")
    return weight if weight.dtype == logits.dtype else weight.astype(logits.dtype)


def _weights_of(target: Tensor, weight: Tensor, ignore_index: int | None) -> Tensor:
    """Return the weight of each target; 0 for those that do not count."""
    if ignore_index is None:
        return weight[target]
    counted = target != ignore_index
    return tg.where(counted, weight[tg.where(counted, target, 0)], 0)


def kl_div(
    log_probs: Any, target: Any, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """Kullback-Leibler divergence target·(log(target) - log_probs), element by element.

    Args:
        log_probs: log probabilities of the predictions.
        target: probabilities, of the same shape; or their logarithms, with `log_target`.
        reduction: "mean" over all elements (as in PyTorch, though the divergence is a sum),
            "batchmean" (the sum divided by the rows), "sum", or "none".
        log_target: the target holds log probabilities.
    """
    x, y = alike("kl_div", log_probs, target)
    losses = tg.exp(y) * (y - x) if log_target else tg.xlogy(y, y) - y * x
    if reduction == "batchmean":
        return losses.sum() / len(losses)
    return reduced(losses, reduction)


def poisson_nll_loss(
    prediction: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of counts under Poisson distributions: exp(x) - target·x.

    Args:
        prediction: logarithms of the rates; the rates themselves without `log_input`.
        target: the counts, of the same shape.
        log_input: see above.
        full: add Stirling's approximation of log(target!), for targets above 1.
        eps: added to the rates before their logarithm.
        reduction: "mean", "sum" or "none".
    """
    x, y = alike("poisson_nll_loss", prediction, target)
    losses = tg.exp(x) - y * x if log_input else x - y * tg.log(x + eps)
    if full:
        large = y > 1
        counts = tg.where(large, y, 1)
        stirling = counts * tg.log(counts) - counts + 0.5 * tg.log(2 * math.pi * counts)
        losses = losses + tg.where(large, stirling, 0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    prediction: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood under normal distributions: (log(var) + (x - target)²/var) / 2.

    Args:
        prediction: the means.
        target: of the same shape.
        var: the variances, of a shape that broadcasts to that.
        full: add log(2π) / 2.
        eps: the smallest variance that is used; its gradient goes to smaller ones too.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: a negative variance.
    """
    x, y = alike("gaussian_nll_loss", prediction, target)
    var = as_tensor(var)
    if (var < 0).any():
        raise ValueError("gaussian_nll_loss: a variance is negative")
    missing = tg.relu(eps - var).detach()
    spread = var + missing
    difference = x - y
    losses = 0.5 * (tg.log(spread) + difference * difference / spread)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction)
