"""Names of the values of a graph, and of all that a call reads, as formulas use them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..formulas.rules import SUBSCRIPTS
from ..pictures.style import one_line

if TYPE_CHECKING:
    from ..pictures.snapshot import Edge, GraphNode, Snapshot

__all__ = ["Names", "short"]


class Names:
    """Names of the values of a graph.

    Attributes:
        nodes: the name of each node: the user's, or its op or kind, numbered where there are
            several.
        inputs: the edges into each node that has any, in the order of its op's inputs.
    """

    def __init__(self, graph: Snapshot) -> None:
        self.graph = graph
        self.nodes = _numbered(graph.nodes)
        self.inputs: dict[int, list[Edge]] = {}
        for edge in graph.edges:
            self.inputs.setdefault(edge.target, []).append(edge)

    def computed(self, node: GraphNode) -> str:
        """Return what computes a node, in these names: `X @ W1`."""
        op = self.graph.ops.get(node.id)
        if op is None or not op.text:
            return f"{node.op}({self._operands(node)})"
        return op.text.format(**self.of_call(node))

    def of_call(self, node: GraphNode) -> dict[str, str]:
        """Return names for the inputs and other arguments of a node's op.

        An argument is written out where it is known.
        """
        op = self.graph.ops[node.id]
        arguments = self.graph.params.get(node.id, {})
        names = {name: name for name in op.params}
        names |= {name: short(value) for name, value in arguments.items()}
        if op.variadic:
            names[op.inputs[0]] = self._operands(node)
            return names
        names |= dict.fromkeys(op.inputs, "None")
        for edge in self.inputs.get(node.id, ()):
            names[op.inputs[edge.argument]] = self._operand(edge)
        return names

    def _operands(self, node: GraphNode) -> str:
        edges = self.inputs.get(node.id, ())
        return ", ".join(map(self._operand, edges))

    def _operand(self, edge: Edge) -> str:
        source = self.graph.nodes[edge.source]
        return short(source.value) if source.kind == "number" else self.nodes[source.id]


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


def short(value: Any) -> str:
    """Return a value as one short text: a number with eight digits."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.8g}"
    return one_line(repr(value), 24)
