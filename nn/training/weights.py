"""Weights of rows and of classes, and the losses that take them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Tensor, describe

from ..losses.loss_layers import LossLayer
from ..module import Module, as_tensor, cast_like

if TYPE_CHECKING:
    from collections.abc import Callable


class Weights:
    """The weight of each row: its own times that of its class.

    Args:
        model: the weights get the dtype of its parameters.
        class_weight: a dict or a sequence by class; or "balanced", rows / (classes · rows of the
            class), so that all classes weigh the same (scikit-learn's rule).
        sample_weight: (rows,) numbers of at least 0.
    """

    def __init__(self, model: Module, class_weight: Any, sample_weight: Any) -> None:
        self.model = model
        self.class_weight = class_weight
        self.sample_weight = sample_weight

    def check_for_batches(self) -> None:
        """Raise if the weights need to know all rows, where the data are batches from elsewhere."""
        if self.sample_weight is not None:
            raise ValueError("sample_weight is for arrays: give batches of (x, y, weights)")
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight={self.class_weight!r} counts all rows, which batches from elsewhere "
                "do not tell: give the weights as a dict"
            )

    def of_rows(self, x: Tensor, y: Tensor, own: Any = None) -> tuple[Tensor, ...]:
        """Return (weights,) of these rows; () if none were given.

        Raises:
            TypeError: class weights of another kind.
            ValueError: weights that do not fit the rows, or a class without a weight.
        """
        if own is None:
            own = self.sample_weight
        if own is None and self.class_weight is None:
            return ()
        weights = np.ones(len(x))
        if own is not None:
            weights = weights * _checked("sample_weight", own, (len(x),))
        if self.class_weight is not None:
            weights = weights * self._of_classes(y)
        return (cast_like(self.model, weights),)

    def _of_classes(self, y: Tensor) -> np.ndarray:
        labels = y.numpy().reshape(len(y), -1)
        if labels.shape[1] != 1 or (labels != np.floor(labels)).any() or labels.min() < 0:
            raise ValueError(f"class_weight needs one class number per row, not {describe(y)}")
        classes = labels[:, 0].astype(np.intp)
        wanted = self.class_weight
        if isinstance(wanted, str):
            if wanted != "balanced":
                raise ValueError(f"class_weight must be 'balanced' or weights, not {wanted!r}")
            count = np.bincount(classes)
            return (len(classes) / (np.count_nonzero(count) * np.maximum(count, 1)))[classes]
        if not isinstance(wanted, Mapping):
            wanted = dict(enumerate(_checked("class_weight", wanted, np.shape(wanted)).tolist()))
        present = np.unique(classes).tolist()
        for label in present:
            if label not in wanted:
                row = np.flatnonzero(classes == label)[0]
                raise ValueError(f"class_weight has no class {label}, that of row {row}")
        values = _checked("class_weight", [wanted[k] for k in present], (len(present),))
        of_class = np.zeros(present[-1] + 1)
        of_class[present] = values
        return of_class[classes]


def _checked(name: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return weights as an array of that shape; they are finite, and not negative."""
    array = as_tensor(values).numpy()
    if array.shape != shape or array.ndim != 1:
        wanted = (
            f"of shape {shape}, a number for each row" if len(shape) == 1 else "a row of numbers"
        )
        raise ValueError(f"{name} must be {wanted}, not {describe(values)}")
    wrong = np.flatnonzero(~((array >= 0) & (array < np.inf)))
    if len(wrong):
        at = wrong[0]
        raise ValueError(f"{name} must be finite and not negative: it is {array[at]} at {at}")
    return array


# --- the losses -----------------------------------------------------------------------------------


def _taken_apart(loss: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return the function of a loss layer or a partial, and the options that it sets."""
    if isinstance(loss, partial) and not loss.args:
        return loss.func, loss.keywords
    if isinstance(loss, LossLayer):
        return type(loss).function, loss.options
    return loss, {}


def row_losses(loss: Any) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the function (output, target) -> the loss of each row, (rows,).

    Raises:
        TypeError: a loss that gives no single losses.
        ValueError: one with weights of its own.
    """
    function, options = _taken_apart(loss)
    for name in ("weight", "ignore_index"):
        if options.get(name) is not None:
            raise ValueError(
                f"the loss has {name}= of its own: put it into sample_weight, so that it is clear "
                "what the mean is divided by"
            )
    if not _has_reduction(function) or options.get("reduction", "mean") != "mean":
        raise TypeError(
            "class_weight and sample_weight need the loss of each row: a loss that takes "
            f"reduction='none', such as nn.mse_loss or nn.cross_entropy, not {loss!r}"
        )

    def of_rows(output: Tensor, target: Tensor) -> Tensor:
        losses = function(output, target, **{**options, "reduction": "none"})
        return losses.reshape(len(losses), -1).mean(axis=1) if losses.ndim > 1 else losses

    return of_rows


def _has_reduction(function: Any) -> bool:
    try:
        return "reduction" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # of some that are not written in Python
        return False


def size_of(loss: Any, batch: tuple[Tensor, ...]) -> float:
    """Return what a batch counts beside others: the divisor of its mean loss."""
    if len(batch) == 3:
        return float(batch[2].numpy().sum(dtype=np.float64))
    ignored = _taken_apart(loss)[1].get("ignore_index")
    if ignored is not None:
        return int(np.count_nonzero(batch[1].numpy() != ignored))
    return len(batch[0])
