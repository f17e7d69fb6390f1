"""Subgraph of a function: the nodes between its variables and its results."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from ..core.node import Constant, Node, part
from ..core.op import Op
from ..core.tensor import Tensor, wrap
from ..ops import TABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

COPY = TABLE["copy"]

# The node of this op has all that a node of a whole function depends on as its inputs.
_GATHER = Op(
    lambda values: values,
    "inputs",
    {"values": lambda g, i: g[i]},
    variadic=True,
    text="{values}",
)


def function_node(op: Op, inputs: Iterable[Any], call: Any) -> Node:
    """Make the node of a whole function: its rule reads `call`, and answers for all inputs."""
    parents = tuple(inputs)
    positions = tuple((k,) for k in range(len(parents)))
    gather = Node(None, None, op=_GATHER, parents=parents, saved=positions)
    return Node(None, None, op=op, parents=(gather,), saved=((call,),))


def output_tensors(
    node: Node, values: tuple[Any, ...], names: Sequence[str | None]
) -> list[Tensor]:
    """Make the Tensors of all results of a function, of which `node` is the node."""
    tensors = []
    for k, value in enumerate(values):
        tensor = wrap(value, part(node, k, values))
        tensor.name = names[k]
        tensors.append(tensor)
    return tensors


def add_seed(seeds: dict[Node, Any], root: Node, g: Any) -> None:
    """Add a gradient to those that backward starts with: two results may be of one node."""
    seeds[root] = seeds[root] + g if root in seeds else g


def variable(data: Any, source: Node | None, name: str | None = None) -> Tensor:
    """Make a Tensor with these values: a copy of what `source` made, or of a constant (None)."""
    parents = (source or Constant(data.shape, data.dtype),)
    saved = (() if source else None,)
    return wrap(data, Node(data.shape, data.dtype, name, COPY, parents, saved))


def _flows(node: Node) -> list[Node]:
    """List the inputs of a node that gradients flow to."""
    saved = node.saved or (True,) * len(node.parents)
    flows = []
    for parent, reads in zip(node.parents, saved):
        if reads is not None and getattr(parent, "needs_grad", False):
            flows.append(parent)
    return flows


_serial = operator.attrgetter("serial")


def below(roots: Iterable[Node], since: int) -> list[tuple[Node, list[Node]]]:
    """List the roots and all that they depend on, oldest first, each with its inputs among them.

    Nodes older than `since` belong to it, but nothing below them does.
    """
    inputs: dict[Node, list[Node]] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in inputs:
            inputs[node] = _flows(node) if node.serial >= since else []
            waiting += inputs[node]
    return [(node, inputs[node]) for node in sorted(inputs, key=_serial)]


def older_nodes(roots: Iterable[Node], since: int) -> list[Node]:
    """List the nodes older than `since` that the roots depend on."""
    return [node for node, _ in below(roots, since) if node.serial < since]


def depends_on(roots: Iterable[Node], since: int, others: Collection[Any] = ()) -> bool:
    """Say whether the roots depend on a node older than `since`, or among `others`."""
    seen: set[Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node.serial < since or node in others:
            return True
        if node not in seen:
            seen.add(node)
            waiting += _flows(node)
    return False


def path_to(ends: Collection[Node], roots: Iterable[Node], since: int) -> set[Node]:
    """Collect the nodes from the roots to the ends through which a gradient gets there."""
    return path_among(below(roots, since), ends)


def path_among(nodes: Iterable[tuple[Node, list[Node]]], ends: Collection[Node]) -> set[Node]:
    """Do as `path_to`, among nodes that `below` has listed."""
    path: set[Node] = set()
    for node, inputs in nodes:
        if node in ends or not path.isdisjoint(inputs):
            path.add(node)
    return path
