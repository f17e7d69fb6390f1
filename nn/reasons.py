"""Reasons why a training fails, or leaves out what it should learn."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tinygrad_np import Tensor

    from .module import Module

__all__ = ["bad_gradient", "cause_of_bad_loss", "refuse_bad_validation", "warn_of_unlearned"]


def warn_of_unlearned(model: Module, optimizer: Any) -> None:
    """Warn of what looks as if it was to be learned, but is not in the optimizer."""
    params = getattr(optimizer, "params", None) or model.parameters()
    of_model = dict(model.named_parameters())
    ids = {id(p) for p in of_model.values()}
    held = {id(p) for p in params}
    strange = {p.shape for p in params if id(p) not in ids}
    forgotten = [
        name
        for name, p in of_model.items()
        if p.requires_grad and id(p) not in held and p.shape in strange
    ]
    if forgotten:
        warnings.warn(
            f"the optimizer does not hold the model's {', '.join(forgotten)}, but other parameters "
            "of that shape: these will not be learned. Make the optimizer from "
            "model.parameters() when the model is complete",
            stacklevel=3,
        )


def bad_number(values: Tensor) -> str:
    """Return the first nan or infinity and its place, as text; "" if there is none."""
    array = values.numpy()
    places = np.argwhere(~np.isfinite(array))
    if not len(places):
        return ""
    place = places[0].tolist()
    return f"{array[tuple(place)]} at {place}"


def bad_gradient(model: Module) -> str:
    """Describe the first gradient that is not finite, of the model's parameters if one is."""
    for name, parameter in model.named_parameters():
        text = "" if parameter.grad is None else bad_number(parameter.grad)
        if text:
            return f"the gradient of {name} is {text}"
    return "a gradient is not finite"


def cause_of_bad_loss(
    model: Module, optimizer: Any, batch: tuple[Tensor, Tensor], data: tuple[Tensor, Tensor]
) -> str:
    """Return a sentence about where the nan or the infinity of a step comes from.

    `batch` is what it was computed from, `data` is all that there is: places are those in it.
    """
    for name, part, whole in zip("xy", batch, data, strict=True):
        if bad_number(part):
            return f"{name} has {bad_number(whole)}."
    if getattr(optimizer, "steps", 1):
        return "A smaller learning rate often helps."
    for name, parameter in model.named_parameters():
        if bad_number(parameter):
            return f"{name} has {bad_number(parameter)}, before the first update."
    return (
        "It is the first update, so that the learning rate is not the reason: `with "
        "tinygrad_np.debug():` around fit stops at the operation that is."
    )


def refuse_bad_validation(loss: float, epoch: int, x: Tensor, y: Tensor) -> None:
    """Raise if validation data have a nan or an infinity, which a loss is not finite by."""
    for name, values in (("x", x), ("y", y)):
        if text := bad_number(values):
            raise FloatingPointError(
                f"the validation loss is {loss} in epoch {epoch}: {name} of the validation data "
                f"has {text}"
            )
