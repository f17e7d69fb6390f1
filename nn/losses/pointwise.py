"""Losses: how far predictions are from their targets, averaged over all of them.

`reduction` is "mean", "sum", or "none" everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor, define_op, describe_call

from ..module import as_floats, as_tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_crossentropy",
    "huber_loss",
    "l1_loss",
    "mae_loss",
    "mse_loss",
    "smooth_l1_loss",
]

# Probabilities are kept this far from 0 and 1, as in the book, so that their log is finite.
_EDGE = 1e-7
_ROUNDING = 1e-3  # by which a probability may miss 0 and 1 in any dtype


def mse_loss(prediction: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Mean squared error, (prediction - target)²; both of the same shape."""
    prediction, target = alike("mse_loss", prediction, target)
    difference = prediction - target
    return reduced(difference * difference, reduction)


def mae_loss(prediction: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Mean absolute error, |prediction - target|; both of the same shape."""
    prediction, target = alike("mae_loss", prediction, target)
    return reduced(tg.abs(prediction - target), reduction)


l1_loss = mae_loss  # PyTorch's name


def huber_loss(prediction: Any, target: Any, delta: float = 1.0, reduction: str = "mean") -> Tensor:
    """d²/2 where |d| = |prediction - target| is at most delta, else delta·(|d| - delta/2)."""
    prediction, target = alike("huber_loss", prediction, target)
    if not delta > 0:
        raise ValueError(f"huber_loss: delta must be positive, not {delta}")
    distance = tg.abs(prediction - target)
    near = tg.minimum(distance, delta)
    return reduced(near * (distance - 0.5 * near), reduction)


def smooth_l1_loss(
    prediction: Any, target: Any, beta: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """d²/(2·beta) where |d| = |prediction - target| is below beta, else |d| - beta/2."""
    if not beta:
        return mae_loss(prediction, target, reduction)
    return huber_loss(prediction, target, beta, reduction) / beta


def categorical_crossentropy(probs: Any, target: Any, reduction: str = "mean") -> Tensor:
    """-log of the probability given to the target, from probabilities (the book's form).

    Args:
        probs: (n, classes), rows of probabilities, such as the output of `Softmax`. They are
            clipped to [1e-7, 1 - 1e-7]; beyond that no gradient flows. From logits,
            `cross_entropy` is exact, faster, and learns from any mistake.
        target: (n,) class numbers of any integer dtype, or (n, classes) rows of floats that
            sum to 1, such as one-hot rows.

    Raises:
        ValueError: shapes that do not fit, a class out of range, outputs that are no probabilities.
    """
    p, t = as_floats(probs), as_tensor(target)

    def misfit(problem: str) -> str:
        call = describe_call("categorical_crossentropy", probs=probs, target=target)
        return f"{call}: {problem}"

    if p.ndim != 2:
        raise ValueError(misfit(f"probs must have shape (n, classes), not {p.shape}"))
    _check_probabilities(p, misfit, "cross_entropy")
    clipped = _inside(p)
    classes = p.shape[1]
    if t.dtype.kind == "f":
        if t.shape != p.shape:
            raise ValueError(misfit("the shapes of rows of probabilities differ"))
        return reduced(-(t * tg.log(clipped)).sum(axis=1), reduction)
    if t.dtype.kind not in "iu":
        raise TypeError(misfit(f"targets must be integers (classes) or floats, not {t.dtype}"))
    labels = t.numpy()
    if labels.shape != p.shape[:1]:
        fix = "; one-hot rows must be floats: target.astype(float)"
        if labels.shape != p.shape:
            fix = _reshape(labels, p.shape[:1])
        raise ValueError(misfit(f"classes must have shape {p.shape[:1]}, not {labels.shape}{fix}"))
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        row = int(np.argmax(wrong))
        problem = f"label {labels[row]} at row {row}, but probs have {classes} columns"
        raise ValueError(misfit(problem))
    picked = clipped[np.arange(len(labels)), labels]
    return reduced(-tg.log(picked), reduction)


def binary_cross_entropy(
    probs: Any, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """-(t·log(p) + (1 - t)·log(1 - p)), from probabilities p; both of the same shape.

    Probabilities are clipped to [1e-7, 1 - 1e-7], as in the book.

    Args:
        probs, target: of the same shape.
        reduction: "mean", "sum" or "none".
        weight: factors of the losses, of a shape that broadcasts to theirs.

    Raises:
        ValueError: shapes that differ, outputs that are no probabilities, integers as targets that
            are not 0 and 1.
    """
    x, y = alike("binary_cross_entropy", probs, target)
    _check_classes("binary_cross_entropy", probs, target)

    def misfit(problem: str) -> str:
        call = describe_call("binary_cross_entropy", probs=probs, target=target)
        return f"{call}: {problem}"

    _check_probabilities(x, misfit, "binary_cross_entropy_with_logits")
    p = _inside(x)
    losses = -(y * tg.log(p) + (1 - y) * tg.log(1 - p))
    return reduced(losses if weight is None else losses * weight, reduction)


def _bce(logits, target):
    """Binary cross-entropy between sigmoid(logits) and the target, elementwise and stable."""
    return np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))


_bce_with_logits = define_op(
    _bce,
    name="binary_cross_entropy_with_logits",
    elementwise=True,
    logits=lambda g, logits, target: g * (tg.sigmoid(logits) - target),
    target=lambda g, logits: -g * logits,
    text="bce({logits}, {target})",
)


def binary_cross_entropy_with_logits(
    logits: Any,
    target: Any,
    reduction: str = "mean",
    *,
    weight: Any = None,
    pos_weight: Any = None,
) -> Tensor:
    """Binary cross-entropy of sigmoid(logits), without overflow; both of the same shape.

    Args:
        logits, target: of the same shape.
        reduction: "mean", "sum" or "none".
        weight: factors of the losses, of a shape that broadcasts to theirs.
        pos_weight: factors of the part for targets of 1, such as one for each label.

    Raises:
        ValueError: shapes that differ, integers as targets that are not 0 and 1.
    """
    x, y = alike("binary_cross_entropy_with_logits", logits, target)
    _check_classes("binary_cross_entropy_with_logits", logits, target)
    losses = _bce_with_logits(x, y)
    if pos_weight is not None:
        losses = losses + (as_tensor(pos_weight) - 1) * y * tg.softplus(-x)
    return reduced(losses if weight is None else losses * weight, reduction)


def alike(loss: str, prediction: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Return both as Tensors of one shape, else raise; a target of integers in x's dtype.

    (n, 1) and (n,) would broadcast, and train towards nonsense.
    """
    x, y = as_floats(prediction, np.float64), as_tensor(target)
    if x.shape == y.shape:
        return x, (y.astype(x.dtype) if y.dtype.kind in "biu" else y)
    fix = _reshape(y, x.shape)
    if x.ndim == 2 and y.shape == x.shape[::-1]:
        fix = "; target.T would fit"
    call = describe_call(loss, prediction=prediction, target=target)
    raise ValueError(f"{call}: the shapes differ{fix}")


def _reshape(target: Any, shape: tuple[int, ...]) -> str:
    """Return what to write if the target differs from a shape in axes of one element alone."""
    lengths, wanted = ([n for n in given if n != 1] for given in (target.shape, shape))
    return f"; target.reshape({shape}) would fit" if lengths == wanted else ""


def _check_classes(loss: str, prediction: Any, target: Any) -> None:
    """Raise for targets of integers that are not 0 and 1, such as -1 and 1, or 1 and 2."""
    labels = as_tensor(target)
    if labels.dtype.kind not in "iu":
        return
    values = labels.numpy()
    wrong = (values < 0) | (values > 1)
    if wrong.any():
        call = describe_call(loss, prediction=prediction, target=target)
        raise ValueError(f"{call}: the classes are 0 and 1, but there is {_first(values, wrong)}")


def _first(values: np.ndarray, wrong: np.ndarray) -> Any:
    """Return the first value where `wrong` is true; no mask picks it, which can't be compiled."""
    return values.reshape(-1)[int(np.argmax(wrong))]


def _inside(p: Tensor) -> Tensor:
    """Keep probabilities away from 0 and 1, by more than rounding in their dtype."""
    edge = max(_EDGE, float(np.finfo(p.dtype).epsneg)) if p.dtype.kind == "f" else _EDGE
    return tg.clip(p, edge, 1 - edge)


def _check_probabilities(p: Tensor, misfit: Callable[[str], str], loss_of_logits: str) -> None:
    """Raise for outputs below 0 or above 1, beyond rounding: clipped, they would look certain."""
    values = p.numpy()
    wrong = (values < -_ROUNDING) | (values > 1 + _ROUNDING)
    if wrong.any():
        problem = f"probabilities lie between 0 and 1, but there is {_first(values, wrong):g}"
        raise ValueError(misfit(f"{problem}; for logits there is {loss_of_logits}"))


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """Return the mean or the sum of the losses, or all of them."""
    if reduction == "mean":
        if not losses.size:
            raise ValueError("the mean of no elements is not defined")
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"reduction must be one of mean, sum, none, not {reduction!r}")
