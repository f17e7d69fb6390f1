"""`explain`: an operation, a value, or a whole computation in plain language."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..core.node import Node
from ..core.op import Op
from ..core.protocols import FUNCTIONS, UFUNCS
from ..core.tensor import Tensor, wrap
from ..graphs.gathering import graph
from ..graphs.graph import Graph, GraphNode
from ..recording.recorder import Forward
from .operations import about_op
from .text import Text, array_text, shape_text
from .walking import about_graph, about_result

if TYPE_CHECKING:
    from ..recording.recorder import Record

__all__ = ["explain"]


def explain(thing: Any, model: Any = None, *, record: Record | None = None) -> Text:
    """What an operation or a computation does, in plain language.

        tg.explain(tg.tanh)   # what it computes, its derivative, shapes, an example with numbers
        tg.explain(loss)      # a numbered walk through its forward and backward

    Args:
        thing: a function of `tinygrad_np` or one made by `define_op`, an `Op`, or the NumPy
            function that it answers for; a Tensor or a `Graph` for the whole computation; a node
            of either (a key of `record.forward`, one of `graph.nodes`) for that step alone.
        model: for a Tensor: an `nn.Module` whose parameters then have their names.
        record: for a Tensor or a node: what `tg.record()` kept; with it the arguments of each op
            that are no arrays (axes, indices) are known.

    Returns:
        A string; its repr is the text itself, so that a prompt shows it well.

    Raises:
        TypeError: something that can't be explained.
    """
    if isinstance(thing, Op):
        return about_op(thing)
    if isinstance(thing, Graph):
        return about_graph(thing)
    if isinstance(thing, Tensor):
        if thing.is_leaf:
            return _about_leaf(thing)
        return about_graph(graph(thing, model, record=record))
    if isinstance(thing, Forward):
        thing = thing.node
    if isinstance(thing, Node):
        if thing.op is None:
            return _about_leaf(_standing_for(thing))
        return about_result(graph(_standing_for(thing), model, record=record))
    if isinstance(thing, GraphNode):
        return _about_graph_node(thing)
    if isinstance(getattr(thing, "op", None), Op):
        return about_op(thing.op)
    function = _answering(thing)
    if isinstance(getattr(function, "op", None), Op):
        return about_op(function.op)
    if function is not None:
        return _about_composition(function)
    raise TypeError(
        "explain() takes an operation (a function of tinygrad_np, or one made by define_op), a "
        f"Tensor, a Graph, or a node of one, not {_described(thing)}"
    )


def _answering(thing: Any) -> Any:
    """The function of ours that this is, or that answers for this one of NumPy's."""
    if isinstance(thing, np.ufunc):
        return UFUNCS.get((thing, "__call__"))
    if not callable(thing):
        return None
    if any(thing is function for function in _functions()):
        return thing
    try:
        return FUNCTIONS.get(thing)
    except TypeError:  # can't be looked up
        return None


def _functions() -> list[Any]:
    """The public functions of the table, and those made of them."""
    return [getattr(ops, name) for name in ops.__all__]


def _described(thing: Any) -> str:
    if inspect.isfunction(thing) or inspect.ismethod(thing):
        return f"the function {thing.__qualname__}; call it, and explain its result"
    return f"{type(thing).__name__}"


def _about_composition(function: Any) -> Text:
    names = ", ".join(inspect.signature(function).parameters)
    doc = textwrap.indent(inspect.cleandoc(function.__doc__ or ""), "  ")
    return Text(
        f"{function.__name__}({names})\n{doc}\n\n"
        "Derivative\n  It is made of other operations, and its derivative comes from theirs: "
        "explain(result)\n  walks through those of a call."
    )


def _about_leaf(tensor: Tensor) -> Text:
    role = (
        "a leaf that wants a gradient: backward() leaves it in .grad"
        if tensor.requires_grad
        else "data: no operation was recorded for it, and it needs no gradient"
    )
    name = f"{tensor.name!r}, " if tensor.name else ""
    lines = [f"Tensor {name}{shape_text(tensor.shape)}, {tensor.dtype}", f"  It is {role}."]
    if tensor.requires_grad and tensor.grad is not None:
        lines.append(f"  grad = {array_text(tensor.grad.data, '  grad = ')}")
    return Text("\n".join(lines))


def _about_graph_node(node: GraphNode) -> Text:
    if node.kind == "number":
        return Text(f"{node.header}\n  It is {_KINDS[node.kind]}.")
    shape = f"{shape_text(node.shape)}, {node.dtype}"
    if node.op in ops.TABLE:
        made = f"{node.header}: {shape}"
        return Text(f"{made}\n\n{about_op(ops.TABLE[node.op])}")
    return Text(f"{node.header}: {shape}\n  It is {_KINDS.get(node.kind, 'an operation')}.")


_KINDS = {
    "data": "data, which needs no gradient",
    "parameter": "a leaf that wants a gradient",
    "number": "a number in the code",
    "block": "several operations folded into one",
}


def _standing_for(node: Node) -> Tensor:
    """A Tensor of the node, for the functions that take one; it has no values of its own."""
    shape = node.shape or ()
    return wrap(np.broadcast_to(np.zeros((), node.dtype or np.float64), shape), node)
