"""Metrics: numbers that tell how good predictions are; no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np import Tensor, describe_call

__all__ = ["accuracy", "binary_accuracy"]


def accuracy(outputs: Any, target: Any) -> float:
    """The share of rows whose largest output is at the target class.

    Args:
        outputs: (..., classes), logits or probabilities.
        target: (...) class numbers, or (..., classes) one-hot rows or distributions.
    """
    scores, classes = _array(outputs), _array(target)
    if scores.ndim == 0 or (classes.shape not in (scores.shape, scores.shape[:-1])):
        raise _differ("accuracy", outputs, target)
    if scores.size == 0:
        raise ValueError("the accuracy of no predictions is not defined")
    if scores.shape[-1] == 1:
        raise ValueError(f"outputs {scores.shape} have a single class: use binary_accuracy")
    if classes.shape == scores.shape:
        classes = classes.argmax(axis=-1)
    return float(np.mean(scores.argmax(axis=-1) == classes))


def binary_accuracy(outputs: Any, target: Any, threshold: float = 0.5) -> float:
    """The share of outputs on the right side of the threshold.

    The threshold is 0.5 for probabilities, 0 for logits; `outputs` and `target` (0 or 1) have the
    same shape.
    """
    found, wanted = _array(outputs), _array(target)
    if found.shape != wanted.shape:
        raise _differ("binary_accuracy", outputs, target)
    if found.size == 0:
        raise ValueError("the accuracy of no predictions is not defined")
    return float(np.mean((found > threshold) == (wanted > 0.5)))


def _differ(metric: str, outputs: Any, target: Any) -> ValueError:
    given = f"outputs {_array(outputs).shape} and target {_array(target).shape}"
    called = describe_call(metric, outputs=outputs, target=target)
    return ValueError(f"{called}: the shapes of {given} do not fit each other")


def _array(value: Any) -> np.ndarray:
    return (value if isinstance(value, Tensor) else Tensor(value)).numpy()
