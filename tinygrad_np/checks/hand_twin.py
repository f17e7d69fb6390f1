"""The twin of a layer written by hand: the same forward on Tensors, which find their gradients."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tensor import Tensor
from .penalties import penalties

if TYPE_CHECKING:
    from .hand_layer import HandLayer


def run_on_tensors(hand: HandLayer, title: str) -> tuple[dict[str, Tensor], Tensor]:
    """Run the forward of a layer on Tensors; return its leaves by gradient, and the result.

    Raises:
        TypeError: its forward does not run on Tensors.
        ValueError: its result on Tensors is another one.
    """
    twin = copy.deepcopy(hand.layer)
    leaves = {}
    for name, parameter in hand.parameters.items():
        leaves[name] = Tensor(parameter.get(twin), requires_grad=True, name=parameter.name)
        parameter.set(twin, leaves[name])
    first = np.asarray(hand.inputs[0])
    batch: Any = first
    if first.dtype.kind == "f":
        batch = Tensor(first, requires_grad=True, name="inputs")
        leaves[hand.input_gradient] = batch
    try:
        out = hand.run_forward(twin, [batch, *hand.inputs[1:]])
    except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
        raise _not_on_tensors(title, f"{type(error).__name__}: {error}") from error
    if not isinstance(out, Tensor) or not out.requires_grad:
        raise _not_on_tensors(title, f"its result is {type(out).__name__} without gradient")
    if not np.allclose(hand.output, out.data, rtol=1e-3, atol=1e-5, equal_nan=True):
        raise ValueError(
            f"{title}.forward gives other values on Tensors than on arrays; does it draw random "
            "numbers from somewhere else than np.random?"
        )
    return leaves, out


def gradients_on_tensors(hand: HandLayer, title: str) -> dict[str, np.ndarray]:
    """Return the right gradients of a layer for the incoming gradient that it was given.

    Raises as `run_on_tensors` does.
    """
    leaves, out = run_on_tensors(hand, title)
    (out * hand.dvalues).sum().backward()
    gradients = {}
    for name, leaf in leaves.items():
        own = leaf.grad
        gradients[name] = np.zeros(leaf.shape, np.float64) if own is None else own.numpy().copy()
        if name in hand.parameters:
            gradients[name] += sum(penalties(hand.layer, hand.parameters[name]).values())
    return gradients


def _not_on_tensors(title: str, reason: str) -> TypeError:
    """Make the error for a layer whose forward does not run on Tensors."""
    return TypeError(
        f"{title}.forward does not run on Tensors ({reason}): it must be made of NumPy functions "
        "and operators that tinygrad_np supports. tinygrad_np.check_backward(layer, [inputs]) "
        "holds its backward against finite differences instead"
    )
