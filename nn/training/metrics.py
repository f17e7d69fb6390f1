"""Metrics: numbers that tell how good predictions are; no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np import describe_call, no_grad

from ..arguments import whole_number
from ..losses.likelihoods import cross_entropy
from ..module import as_tensor
from .whole_epoch import finished, over_epoch

__all__ = [
    "accuracy",
    "binary_accuracy",
    "mae",
    "mse",
    "perplexity",
    "r2",
    "rmse",
    "top_k_accuracy",
]


def accuracy(outputs: Any, target: Any, ignore_index: int | None = None) -> float:
    """Return the share of rows whose largest output is at the target class.

    Args:
        outputs: (..., classes), logits or probabilities; the accuracy is nan if one of them is.
        target: (...) class numbers, or (..., classes) one-hot rows or distributions.
        ignore_index: the class number of rows that do not count, as in `cross_entropy`.

    Raises:
        ValueError: shapes that do not fit, a class that has no column, no predictions.
    """
    scores, classes = array_of(outputs), array_of(target)
    if scores.ndim == 0 or classes.shape not in (scores.shape, scores.shape[:-1]):
        raise misfit("accuracy", outputs, target)
    if scores.size and scores.shape[-1] == 1:
        raise ValueError(f"outputs {scores.shape} have a single class: use binary_accuracy")
    if scores.size == 0:
        raise ValueError("the accuracy of no predictions is not defined")
    best = scores.argmax(axis=-1)
    if classes.shape == scores.shape:
        return _share(best == classes.argmax(axis=-1), scores, classes)
    hits = best == classes
    counted = None
    if ignore_index is not None:
        counted = classes != ignore_index
    columns = scores.shape[-1]
    if classes.dtype.kind == "f" or classes.min() < 0 or classes.max() >= columns:
        outside = (classes < 0) | (classes >= columns)
        wrong = outside | (classes != np.floor(classes))
        if counted is not None:
            wrong &= counted
        refuse_labels("accuracy", outputs, target, wrong, f"outputs have {columns} columns")
    return _share(hits if counted is None else hits[counted], scores)


def binary_accuracy(outputs: Any, target: Any, threshold: float = 0.5) -> float:
    """Return the share of outputs on the right side of the threshold; nan if one of them is nan.

    The threshold is 0.5 for probabilities, 0 for logits; `outputs` and `target` (0 or 1) have the
    same shape.

    Raises:
        ValueError: shapes that differ, a target below 0 or above 1, no predictions.
    """
    scores, classes = array_of(outputs), array_of(target)
    if scores.shape != classes.shape:
        raise misfit("binary_accuracy", outputs, target)
    wrong = (classes < 0) | (classes > 1)
    refuse_labels("binary_accuracy", outputs, target, wrong, "the two classes are 0 and 1")
    return _share((scores > threshold) == (classes > 0.5), scores, classes)


def top_k_accuracy(outputs: Any, target: Any, k: int = 5) -> float:
    """Return the share of rows whose target class is among the k largest outputs.

    Of equal outputs the first counts as the larger one, as in `accuracy`.

    Args:
        outputs: (..., classes), logits or probabilities; the result is nan if one of them is.
        target: (...) class numbers.
        k: at most the number of classes.

    Raises:
        ValueError: shapes that do not fit, a class that has no column, no predictions.
    """
    scores, classes = array_of(outputs), array_of(target)
    k = whole_number("k", k, 1)
    if scores.ndim == 0 or classes.shape != scores.shape[:-1]:
        raise misfit("top_k_accuracy", outputs, target)
    columns = scores.shape[-1]
    if k > columns:
        raise ValueError(
            f"top_k_accuracy: k is {k}, but outputs {scores.shape} have {columns} columns"
        )
    wrong = (classes < 0) | (classes >= columns) | (classes != np.floor(classes))
    refuse_labels("top_k_accuracy", outputs, target, wrong, f"outputs have {columns} columns")
    classes = classes.astype(np.intp)[..., None]
    own = np.take_along_axis(scores, classes, -1)
    earlier = (scores == own) & (np.arange(columns) < classes)
    ahead = np.count_nonzero((scores > own) | earlier, axis=-1)
    return _share(ahead < k, scores)


def _share(hits: np.ndarray, *values: np.ndarray) -> float:
    """Return the share of hits; nan if there is a nan among the values that they come from."""
    if hits.size == 0:
        raise ValueError("the accuracy of no predictions is not defined")
    if any(np.isnan(array.max()) for array in values):  # the largest number is nan if one is
        return np.nan
    return int(np.count_nonzero(hits)) / hits.size


def refuse_labels(metric: str, outputs: Any, target: Any, wrong: np.ndarray, reason: str) -> None:
    """Raise if a label is wrong, with the first one's place."""
    if wrong.any():
        first = np.argwhere(wrong)[0]
        place = tuple(first.tolist())
        at = ""
        if place:
            row = place[0] if len(place) == 1 else place
            at = f" at row {row}"
        call = describe_call(metric, outputs=outputs, target=target)
        raise ValueError(f"{call}: label {array_of(target)[place]}{at}, but {reason}")


def misfit(metric: str, outputs: Any, target: Any) -> ValueError:
    """Make the error for outputs and a target whose shapes do not fit."""
    shapes = f"outputs {array_of(outputs).shape} and target {array_of(target).shape}"
    call = describe_call(metric, outputs=outputs, target=target)
    return ValueError(f"{call}: the shapes of {shapes} do not fit each other")


def array_of(value: Any) -> np.ndarray:
    """Return a Tensor, an array or a list as an array."""
    return as_tensor(value).numpy()


# --- of real numbers ------------------------------------------------------------------------------


def mse(outputs: Any, target: Any) -> float:
    """Return the mean squared error; both of the same shape.

    Raises:
        ValueError: shapes that differ, no predictions.
    """
    difference = _difference("mse", outputs, target)
    return float(np.mean(difference * difference))


@finished(np.sqrt, mse)
def rmse(outputs: Any, target: Any) -> float:
    """Return the root of the mean squared error, see `mse`."""
    return float(np.sqrt(mse(outputs, target)))


def mae(outputs: Any, target: Any) -> float:
    """Return the mean absolute error; both of the same shape.

    Raises:
        ValueError: shapes that differ, no predictions.
    """
    return float(np.mean(np.abs(_difference("mae", outputs, target))))


@over_epoch
def r2(outputs: Any, target: Any) -> float:
    """Return the coefficient of determination R²: 1 for perfect outputs, 0 for the targets' mean.

    Of several columns, the mean of theirs. A column of equal targets has 1 if all outputs are
    right, else 0.

    Raises:
        ValueError: shapes that differ, fewer than two predictions.
    """
    difference = _difference("r2", outputs, target)
    if len(difference) < 2:
        raise ValueError("r2 needs two predictions or more")
    targets = array_of(target).astype(np.float64)
    errors = (difference**2).sum(axis=0)
    spread = ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)
    constant = np.where(errors == 0, 1.0, 0.0)
    explained = 1 - errors / np.where(spread > 0, spread, 1)
    result = np.where(spread > 0, explained, constant)
    return float(np.mean(np.where(np.isnan(errors), np.nan, result)))


def _log_loss(outputs: Any, target: Any, ignore_index: int | None = None) -> float:
    with no_grad():
        return cross_entropy(outputs, target, ignore_index=ignore_index).item()


@finished(np.exp, _log_loss)
def perplexity(outputs: Any, target: Any, ignore_index: int | None = None) -> float:
    """Return exp(cross-entropy): among how many equally likely classes a model hesitates.

    Args:
        outputs, target, ignore_index: logits and classes, as of `cross_entropy`.
    """
    return float(np.exp(_log_loss(outputs, target, ignore_index)))


def _difference(metric: str, outputs: Any, target: Any) -> np.ndarray:
    """Return outputs - target in float64; shapes that would broadcast are refused."""
    values, targets = array_of(outputs), array_of(target)
    if values.shape != targets.shape:
        raise misfit(metric, outputs, target)
    if values.size == 0:
        raise ValueError(f"the {metric} of no predictions is not defined")
    return values.astype(np.float64) - targets
