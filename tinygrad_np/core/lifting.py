"""Second order: the arrays that rules read, as Tensors.

When the gradients themselves are to be differentiated, the same rules run on Tensors. Each saved
array is then lifted: it becomes a Tensor of the node that it came from, so that what a rule does
with it is recorded as a function of that node.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

from .node import Node, part

if TYPE_CHECKING:
    from collections.abc import Callable


def lifted_reads(node: Node, saved: tuple, lift: Callable) -> tuple:
    """Return what the rules of a node read, with Tensors in the place of arrays.

    Args:
        saved: for each input, the arrays that its rule reads, or None.
        lift: makes a Tensor of an array and its node.
    """
    op: Any = node.op
    hidden = _hidden_outputs(node, saved, lift) if op.keeps else {}
    lifted: list[Any] = []
    slots_of_inputs = repeat(op.slots[0]) if op.variadic else op.slots
    for reads, slots in zip(saved, slots_of_inputs):
        if reads is None:
            lifted.append(None)
            continue
        tensors = []
        for value, slot in zip(reads, slots, strict=True):
            if slot in hidden:
                tensors.append(hidden[slot])
            else:
                tensors.append(_lifted(node, slot, value, lift))
        lifted.append(tuple(tensors))
    return tuple(lifted)


def _hidden_outputs(node: Node, saved: tuple, lift: Callable) -> dict[int, Any]:
    """Compute the hidden outputs again, recorded: they depend on the inputs too."""
    op: Any = node.op
    values = saved[-1]  # all that the call computed with, as the op's layout has it
    n = len(op.inputs)
    inputs = [_lifted(node, slot, values[slot], lift) for slot in range(n)]
    params = dict(zip(op.params, values[n + 1 :]))
    outs = op.forward(*inputs, **params)
    slots = map(op.layout.index, op.keeps)
    return dict(zip(slots, outs[-len(op.keeps) :], strict=True))


def _lifted(node: Node, slot: int, value: Any, lift: Callable) -> Any:
    """Return the Tensor that stands for what was saved from a slot of the op's layout."""
    op: Any = node.op
    out_slot = len(op.inputs)
    if slot < out_slot:
        if op.variadic:
            pairs = zip(value, node.parents, strict=True)
            return tuple(_lifted_input(array, parent, lift) for array, parent in pairs)
        return _lifted_input(value, node.parents[slot], lift)
    if slot == out_slot:
        if isinstance(value, tuple):
            return tuple(lift(out, part(node, k, value)) for k, out in enumerate(value))
        return lift(value, node)
    return value  # a parameter, a shape, a position


def _lifted_input(array: Any, parent: Any, lift: Callable) -> Any:
    """Lift an input of floats; labels, masks and numbers stay what they are."""
    floats = isinstance(parent, Node) and parent.dtype.kind in "fc"
    return lift(array, parent) if floats else array
