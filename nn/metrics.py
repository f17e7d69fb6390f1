"""Metrics: numbers that tell how good predictions are; no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np import describe_call

from .module import as_tensor

__all__ = ["accuracy", "binary_accuracy"]


def accuracy(outputs: Any, target: Any, ignore_index: int | None = None) -> float:
    """Return the share of rows whose largest output is at the target class.

    Args:
        outputs: (..., classes), logits or probabilities; the accuracy is nan if one of them is.
        target: (...) class numbers, or (..., classes) one-hot rows or distributions.
        ignore_index: the class number of rows that do not count, as in `cross_entropy`.

    Raises:
        ValueError: shapes that do not fit, a class that has no column, no predictions.
    """
    scores, classes = _array(outputs), _array(target)
    if scores.ndim == 0 or classes.shape not in (scores.shape, scores.shape[:-1]):
        raise _misfit("accuracy", outputs, target)
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
        _refuse("accuracy", outputs, target, wrong, f"outputs have {columns} columns")
    return _share(hits if counted is None else hits[counted], scores)


def binary_accuracy(outputs: Any, target: Any, threshold: float = 0.5) -> float:
    """Return the share of outputs on the right side of the threshold; nan if one of them is nan.

    The threshold is 0.5 for probabilities, 0 for logits; `outputs` and `target` (0 or 1) have the
    same shape.

    Raises:
        ValueError: shapes that differ, a target below 0 or above 1, no predictions.
    """
    scores, classes = _array(outputs), _array(target)
    if scores.shape != classes.shape:
        raise _misfit("binary_accuracy", outputs, target)
    wrong = (classes < 0) | (classes > 1)
    _refuse("binary_accuracy", outputs, target, wrong, "the two classes are 0 and 1")
    return _share((scores > threshold) == (classes > 0.5), scores, classes)


def _share(hits: np.ndarray, *values: np.ndarray) -> float:
    """Return the share of hits; nan if there is a nan among the values that they come from."""
    if hits.size == 0:
        raise ValueError("the accuracy of no predictions is not defined")
    if any(np.isnan(array.max()) for array in values):  # the largest number is nan if one is
        return np.nan
    return int(np.count_nonzero(hits)) / hits.size


def _refuse(metric: str, outputs: Any, target: Any, wrong: np.ndarray, reason: str) -> None:
    """Raise if a label is wrong, with the first one's place."""
    if wrong.any():
        first = np.argwhere(wrong)[0]
        place = tuple(first.tolist())
        at = ""
        if place:
            row = place[0] if len(place) == 1 else place
            at = f" at row {row}"
        call = describe_call(metric, outputs=outputs, target=target)
        raise ValueError(f"{call}: label {_array(target)[place]}{at}, but {reason}")


def _misfit(metric: str, outputs: Any, target: Any) -> ValueError:
    """Make the error for outputs and a target whose shapes do not fit."""
    shapes = f"outputs {_array(outputs).shape} and target {_array(target).shape}"
    call = describe_call(metric, outputs=outputs, target=target)
    return ValueError(f"{call}: the shapes of {shapes} do not fit each other")


def _array(value: Any) -> np.ndarray:
    return as_tensor(value).numpy()
