"""Names of the values of a graph, and of all that a call reads, as formulas use them."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..formulas.derivatives import SUBSCRIPTS
from ..formulas.text import InexpressibleError, written
from ..pictures.snapshot import Snapshot
from ..pictures.style import one_line

if TYPE_CHECKING:
    from ..pictures.snapshot import Edge, GraphNode


class Names:
    """Names of the values of a graph.

    Attributes:
        nodes: the name of each node: the user's, or its op or kind, numbered where there are
            several.
        taken: all of these.
        inputs: the edges into each node that has any, in the order of its op's inputs.
    """

    def __init__(self, graph: Snapshot) -> None:
        self.graph = graph
        self.nodes = _numbered(graph.nodes)
        self.taken = set(self.nodes)
        self.inputs: dict[int, list[Edge]] = {}
        for edge in graph.edges:
            self.inputs.setdefault(edge.target, []).append(edge)

    def heading(self, node: GraphNode) -> str:
        """Return a node's name, and what made it: `h₂ = tanh`."""
        name = self.nodes[node.id]
        return f"{name} = {node.op}" if node.name and node.op else name

    def computed(self, node: GraphNode) -> str:
        """Return what computes a node, in these names: `X @ W1`."""
        op = self.graph.ops.get(node.id)
        if op is None:
            return f"{node.op}({', '.join(self.operands(node))})"
        return op.text.format(**self.of_call(node))

    def of_call(self, node: GraphNode) -> dict[str, str]:
        """Return names for the inputs and other arguments of a node's op.

        An argument is written out where it is known.
        """
        op = self.graph.ops[node.id]
        arguments = self.graph.params.get(node.id, {})
        names = {name: name for name in op.params}
        names |= {name: argument_text(value) for name, value in arguments.items()}
        if op.variadic:
            names[op.inputs[0]] = ", ".join(self.operands(node))
            return names
        names |= dict.fromkeys(op.inputs, "None")
        for edge in self.inputs.get(node.id, ()):
            names[op.inputs[edge.argument]] = self._operand(edge)
        return names

    def operands(self, node: GraphNode) -> list[str]:
        """Return a name for each input of a node, in order."""
        return list(map(self._operand, self.inputs.get(node.id, ())))

    def _operand(self, edge: Edge) -> str:
        source = self.graph.nodes[edge.source]
        if source.kind == "number":
            return short(source.value)
        return self.nodes[source.id]


def _numbered(nodes: tuple[GraphNode, ...]) -> list[str]:
    """Return a name for each node, with a number where several have the same."""
    plain = [one_line(node.name or node.op or node.header, 30) for node in nodes]
    values = [name for name, node in zip(plain, nodes) if node.kind != "number"]
    counts = Counter(values)
    numbers: Counter[str] = Counter()
    names = []
    for name, node in zip(plain, nodes):
        if node.kind != "number" and counts[name] > 1:
            numbers[name] += 1
            name += str(numbers[name]).translate(SUBSCRIPTS)
        names.append(name)
    return names


def numbered(graph: Snapshot, names: list[str]) -> Snapshot:
    """Return the graph with the names of `Names.nodes` in its boxes."""
    nodes = []
    for node, name in zip(graph.nodes, names):
        if node.name or node.op is None:
            node = node._replace(name=None if node.kind == "number" else name)
        else:
            node = node._replace(op=name)
        nodes.append(node)
    return Snapshot(tuple(nodes), graph.edges, modules=graph.modules)


def argument_text(value: Any) -> str:
    """Return an argument of a call as it is written: an index without its brackets."""
    parts = value if isinstance(value, tuple) else (value,)
    if any(isinstance(part, slice) or part is Ellipsis for part in parts):
        with contextlib.suppress(InexpressibleError):
            return ", ".join(map(written, parts))
    return short(value)


def short(value: Any) -> str:
    """Return a value as one short text: a number with eight digits."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.8g}"
    return one_line(repr(value), 24)
