"""Metrics: numbers that tell how good predictions are; no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np import describe_call

from .module import as_tensor

__all__ = ["accuracy", "binary_accuracy"]


def accuracy(outputs: Any, target: Any) -> float:
    """Return the share of rows whose largest output is at the target class.

    Args:
        outputs: (..., classes), logits or probabilities.
        target: (...) class numbers, or (..., classes) one-hot rows or distributions.
    """
    scores, classes = _array(outputs), _array(target)
    if scores.ndim == 0 or classes.shape not in (scores.shape, scores.shape[:-1]):
        raise _misfit("accuracy", outputs, target)
    if scores.size == 0:
        raise ValueError("the accuracy of no predictions is not defined")
    if scores.shape[-1] == 1:
        raise ValueError(f"outputs {scores.shape} have a single class: use binary_accuracy")
    if classes.shape == scores.shape:
        classes = classes.argmax(axis=-1)
    return float(np.mean(scores.argmax(axis=-1) == classes))


def binary_accuracy(outputs: Any, target: Any, threshold: float = 0.5) -> float:
    """Return the share of outputs on the right side of the threshold.

    The threshold is 0.5 for probabilities, 0 for logits; `outputs` and `target` (0 or 1) have the
    same shape.
    """
    scores, classes = _array(outputs), _array(target)
    if scores.shape != classes.shape:
        raise _misfit("binary_accuracy", outputs, target)
    if scores.size == 0:
        raise ValueError("the accuracy of no predictions is not defined")
    hits = (scores > threshold) == (classes > 0.5)
    return float(np.mean(hits))


def _misfit(metric: str, outputs: Any, target: Any) -> ValueError:
    """Make the error for outputs and a target whose shapes do not fit."""
    shapes = f"outputs {_array(outputs).shape} and target {_array(target).shape}"
    call = describe_call(metric, outputs=outputs, target=target)
    return ValueError(f"{call}: the shapes of {shapes} do not fit each other")


def _array(value: Any) -> np.ndarray:
    return as_tensor(value).numpy()
