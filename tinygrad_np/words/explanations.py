"""`explain`: an operation, a value, or a whole computation in plain language."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..core.node import Node
from ..core.op import Op
from ..core.printing import Text
from ..core.protocols import FUNCTIONS, UFUNCS
from ..core.tensor import Tensor, wrap
from ..graphs.gathering import graph
from ..graphs.graph import Graph, GraphNode
from ..recording.recorder import Forward
from .graph_explanations import call_explanation, graph_explanation
from .op_explanations import op_explanation
from .text import array_text, shape_text

if TYPE_CHECKING:
    from ..recording.recorder import Record


def explain(thing: Any, model: Any = None, *, record: Record | None = None) -> Text:
    """Explain an operation or a computation in plain language.

        tg.explain(tg.tanh)   # what it computes, its derivative, shapes, an example with numbers
        tg.explain(loss)      # a numbered walk through its forward and backward

    Args:
        thing: a function of `tinygrad_np` or one made by `define_op`, an `Op`, the NumPy
            function that it answers for, or a name of one; a layer, a model or an optimizer, or its
            class; a Tensor or a `Graph` for the whole computation; a node
            of either (a key of `record.forward`, one of `graph.nodes`) for that step alone.
        model: for a Tensor: an `nn.Module` whose parameters then have their names.
        record: for a Tensor or a node: what `tg.record()` kept; with it the arguments of each op
            that are no arrays (axes, indices) are known.

    Returns:
        A string; its repr is the text itself, so that a prompt shows it well.

    Raises:
        TypeError: something that can't be explained.
    """
    if isinstance(thing, Graph):
        return graph_explanation(thing)
    if isinstance(thing, GraphNode):
        return _graph_node_explanation(thing)
    if isinstance(thing, Tensor):
        if thing.is_leaf:
            return _leaf_explanation(thing)
        return graph_explanation(graph(thing, model, record=record))
    if isinstance(thing, (Forward, Node)):
        node = thing.node if isinstance(thing, Forward) else thing
        tensor = _stand_in(node)
        if node.op is None:
            return _leaf_explanation(tensor)
        return call_explanation(graph(tensor, model, record=record))
    if isinstance(thing, str):
        thing = _named(thing)
    if _is_part_of_training(thing):
        return _class_explanation(thing)
    function = _function(thing)
    for op in (thing, getattr(thing, "op", None), getattr(function, "op", None)):
        if isinstance(op, Op):
            return op_explanation(op)
    if function is not None:
        return _composition_explanation(function)
    kind = type(thing).__name__
    if inspect.isfunction(thing) or inspect.ismethod(thing):
        kind = f"the function {thing.__qualname__}; call it, and explain its result"
    raise TypeError(
        "explain() takes an operation (a function of tinygrad_np, or one made by define_op), a "
        f"Tensor, a Graph, or a node of one, not {kind}"
    )


def _function(thing: Any) -> Any:
    """Return the public function that this is, or that answers for this one of NumPy's."""
    if isinstance(thing, np.ufunc):
        return UFUNCS.get((thing, "__call__"))
    if not callable(thing):
        return None
    if any(thing is getattr(ops, name) for name in ops.__all__):
        return thing
    try:
        return FUNCTIONS.get(thing)
    except TypeError:  # not hashable
        return None


def _named(name: str) -> Any:
    """Return the function of this name.

    Raises:
        TypeError: there is none.
    """
    short = name.removeprefix("tg.").removeprefix("np.")
    if short not in ops.__all__:
        raise TypeError(f"there is no operation of the name {name!r}: tg.TABLE has them all")
    return getattr(ops, short)


def _composition_explanation(function: Any) -> Text:
    names = ", ".join(inspect.signature(function).parameters)
    doc = inspect.cleandoc(function.__doc__ or "")
    room = function.__module__.rpartition(".")[2]
    return Text(
        f"{function.__name__}({names})\n{textwrap.indent(doc, '  ')}\n\n"
        f"Derivative\n{_DERIVATIVES.get(room, _OF_OTHERS)}"
    )


_OF_OTHERS = (
    "  It is made of other operations, and its derivative comes from theirs: explain(result)\n"
    "  walks through those of a call."
)
_OF_STEPS = "  None: it is constant but for its jumps, and no gradient flows through it."
_OF_NEW = "  None: it makes new values, and no gradient flows through it to what it is given."
_DERIVATIVES = {  # by the file that a function stands in
    "create": _OF_NEW,
    "sampling": _OF_NEW,
    "random": _OF_NEW,
    "labels": _OF_STEPS,
    "plain": _OF_STEPS,
}


def _is_part_of_training(thing: Any) -> bool:
    """Return True for a layer, a model or an optimizer, and for the class of one."""
    kind = thing if isinstance(thing, type) else type(thing)
    return hasattr(kind, "named_parameters") or hasattr(kind, "state_names")


def _class_explanation(thing: Any) -> Text:
    """Explain a layer or an optimizer by its description, and the lines that it computes with."""
    kind = thing if isinstance(thing, type) else type(thing)
    method = "forward" if hasattr(kind, "named_parameters") else "update"
    names = ", ".join(inspect.signature(kind).parameters)
    lines = [f"{kind.__name__}({names})"]
    if thing is not kind:
        lines = [*repr(thing).splitlines(), ""]
    doc = inspect.cleandoc(kind.__doc__ or "")
    lines.append(textwrap.indent(doc, "  "))
    try:
        source = textwrap.dedent(inspect.getsource(getattr(kind, method)))
    except (OSError, TypeError):  # typed into an interactive session
        return Text("\n".join(lines))
    computed = (
        "what it computes" if method == "forward" else "the rule; the parameters get - change"
    )
    lines += ["", f"{method}: {computed}", textwrap.indent(source.rstrip(), "  ")]
    return Text("\n".join(lines))


def _leaf_explanation(tensor: Tensor) -> Text:
    role = "data: no operation was recorded for it, and it needs no gradient"
    if tensor.requires_grad:
        role = "a leaf that wants a gradient: backward() leaves it in .grad"
    name = f"{tensor.name!r}, " if tensor.name else ""
    lines = [f"Tensor {name}{shape_text(tensor.shape)}, {tensor.dtype}", f"  It is {role}."]
    if tensor.requires_grad and tensor.grad is not None:
        label = "  grad = "
        lines.append(label + array_text(tensor.grad.data, label))
    return Text("\n".join(lines))


def _graph_node_explanation(node: GraphNode) -> Text:
    title = node.header
    if node.kind != "number":
        title += f": {shape_text(node.shape)}, {node.dtype}"
    if node.op in ops.TABLE:
        return Text(f"{title}\n\n{op_explanation(ops.TABLE[node.op])}")
    return Text(f"{title}\n  It is {_KINDS.get(node.kind, 'an operation')}.")


_KINDS = {
    "data": "data, which needs no gradient",
    "parameter": "a leaf that wants a gradient",
    "number": "a number in the code",
    "block": "several operations folded into one",
}


def _stand_in(node: Node) -> Tensor:
    """Return a Tensor of the node that has no values of its own."""
    zero = np.zeros((), node.dtype or np.float64)
    return wrap(np.broadcast_to(zero, node.shape or ()), node)
