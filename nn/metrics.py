"""Metrics: numbers that tell how good predictions are; no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np import Tensor

__all__ = ["accuracy", "binary_accuracy"]


def accuracy(outputs: Any, target: Any) -> float:
    """The share of rows whose largest output is at the target class.

    Args:
        outputs: (..., classes), logits or probabilities.
        target: (...) class numbers, or (..., classes) one-hot rows or distributions.
    """
    outputs, target = _array(outputs), _array(target)
    if outputs.ndim == 0 or (target.shape not in (outputs.shape, outputs.shape[:-1])):
        raise ValueError(f"outputs {outputs.shape} and target {target.shape} do not fit")
    if outputs.size == 0:
        raise ValueError("the accuracy of no predictions is not defined")
    if outputs.shape[-1] == 1:
        raise ValueError(f"outputs {outputs.shape} have a single class: use binary_accuracy")
    if target.shape == outputs.shape:
        target = target.argmax(axis=-1)
    return float(np.mean(outputs.argmax(axis=-1) == target))


def binary_accuracy(outputs: Any, target: Any, threshold: float = 0.5) -> float:
    """The share of outputs on the right side of the threshold.

    The threshold is 0.5 for probabilities, 0 for logits; `outputs` and `target` (0 or 1) have the
    same shape.
    """
    outputs, target = _array(outputs), _array(target)
    if outputs.shape != target.shape:
        raise ValueError(f"outputs {outputs.shape} and target {target.shape} differ")
    if outputs.size == 0:
        raise ValueError("the accuracy of no predictions is not defined")
    return float(np.mean((outputs > threshold) == (target > 0.5)))


def _array(value: Any) -> np.ndarray:
    return value.numpy() if isinstance(value, Tensor) else np.asarray(value)
