"""Clipping of gradients between `backward()` and `step()`: by their norm, or each value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Tensor, no_grad

from ..arguments import check_not_negative, plain_number

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale the gradients so that their norm, all taken together, is at most `max_norm`.

        loss.backward()
        nn.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    The gradients are multiplied by max_norm / (norm + 1e-6) if that is below 1. A norm that is nan
    makes all of them nan.

    Args:
        parameters: a Tensor or several; those without a gradient are left out.
        max_norm: the largest norm.
        norm_type: p of the p-norm; `math.inf` for the largest absolute value.
        error_if_nonfinite: raise for a norm that is nan or infinite, and change nothing.

    Returns:
        The norm before the clipping, a Tensor of shape ().

    Raises:
        FloatingPointError: see `error_if_nonfinite`.
    """
    max_norm = check_not_negative("max_norm", max_norm)
    order = plain_number(norm_type)
    if not isinstance(order, (int, float)) or not order > 0:
        raise ValueError(f"norm_type must be a number above 0, not {norm_type!r}")
    reached = _with_gradient(parameters)
    if not reached:
        return Tensor(0.0)
    flat = np.concatenate([p.grad.data.ravel() for p in reached])
    if flat.dtype == np.float16:
        flat = flat.astype(np.float32)  # the squares of float16 overflow soon
    norm = _norm(flat, order)
    if error_if_nonfinite and not np.isfinite(norm):
        raise FloatingPointError(
            f"the norm of the gradients is {norm}, so that they can't be clipped. With "
            "error_if_nonfinite=False they would become nan, or 0"
        )
    scale = np.minimum(max_norm / (norm + 1e-6), 1.0)
    with no_grad():
        for p in reached:
            p.grad = p.grad * scale.astype(p.dtype)
    return Tensor(norm)


def _with_gradient(parameters: Any) -> list[Any]:
    """Return the parameters that have a gradient."""
    several = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p for p in several if p.grad is not None]


def _norm(flat: np.ndarray, order: float) -> Any:
    """Return the p-norm of a vector, in its dtype."""
    sizes = np.abs(flat)
    if order == math.inf:
        return sizes.max()
    if order == 2:
        return np.sqrt((flat * flat).sum())
    return (sizes**order).sum() ** (1 / order)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Clip each value of the gradients to -clip_value ... clip_value.

    Args:
        parameters: a Tensor or several; those without a gradient are left out.
        clip_value: the largest absolute value.
    """
    largest = check_not_negative("clip_value", clip_value)
    with no_grad():
        for p in _with_gradient(parameters):
            p.grad = p.grad.clip(-largest, largest)
