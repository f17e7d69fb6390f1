"""A whole computation in words: a numbered walk forward, and back through its gradients."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from ..formulas.derivatives import Derivative
from ..formulas.values_read import given_values
from ..page.names import Names
from .text import Text, columns, counted, listed, shape_text, where_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..core.op import Op
    from ..graphs.graph import Edge, Graph, GraphNode

__all__ = ["about_graph", "about_result"]

FIRST_AND_LAST = 30  # steps of a long walk that are told, on each side of those left out

Item = TypeVar("Item")
Row = tuple[str, ...]


class Sent(NamedTuple):
    """What a rule sends back along an edge.

    Attributes:
        node: whose rule it is.
        edge: from one of its inputs to it.
        nth: how many contributions have come to that input, this one included.
        label: what stands before it: number and name of the node, at its first rule.
    """

    node: GraphNode
    edge: Edge
    nth: int
    label: tuple[str, str]


def about_graph(graph: Graph) -> Text:
    """The walk through a graph, forward and backward."""
    return _Walk(graph).told()


def about_result(graph: Graph) -> Text:
    """How the graph's output was made from its inputs: that one op, with its derivatives."""
    return _Walk(graph).told_last()


class _Walk:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.in_words = Names(graph)
        self.names = self.in_words.nodes
        self.inputs = self.in_words.inputs
        self.uses: dict[int, int] = {}
        for edge in graph.edges:
            if edge.gradient:
                self.uses[edge.source] = self.uses.get(edge.source, 0) + 1
        self.made = [n for n in graph.nodes if n.kind not in ("data", "parameter", "number")]
        self.wants = self._wants()
        self.footnotes: dict[str, None] = {}  # on the rules that were told
        self.numbers = {node.id: k for k, node in enumerate(self.made, 1)}

    def _wants(self) -> set[int]:
        """The nodes that a gradient reaches."""
        found = {edge.source for edge in self.graph.edges if edge.gradient}
        return found | {n.id for n in self.made if n.kind == "output" and n.id in self.inputs}

    def told(self) -> Text:
        lines = [f"{self.graph.title}: {self.graph.totals}", "", "Inputs", *self._leaves(), ""]
        lines += ["Forward", *columns(_shortened(self.made, self._forward)), ""]
        sent = self._backward()
        if not sent:
            return Text("\n".join([*lines, "Backward", "  Nothing here needs a gradient."]))
        outputs = [n for n in self.made if n.kind == "output" and n.id in self.wants]
        seeds = listed([f"∂{self.names[n.id]}" for n in outputs])
        start = "is 1" if len(outputs) == 1 and outputs[0].shape == () else "is given to backward()"
        intro = (
            f"  ∂x is the gradient of the result with respect to x; {seeds} {start}. Newest first;"
        )
        fitted = "  each is summed or stretched to the shape that stands beside it:"
        lines += ["Backward", intro, fitted, *columns(_shortened(sent, self._sent))]
        lines += [f"  {note}" for note in self.footnotes]
        return Text("\n".join(lines))

    # --- leaves -------------------------------------------------------------------------------

    def _leaves(self) -> list[str]:
        leaves = [n for n in self.graph.nodes if n.kind in ("data", "parameter")]
        return columns(_shortened(leaves, self._leaf)) if leaves else ["  none"]

    def _leaf(self, node: GraphNode) -> list[Row]:
        role = "wants a gradient" if node.kind == "parameter" else "data, no gradient"
        return [(self.names[node.id], shape_text(node.shape), str(node.dtype), role)]

    # --- forward -------------------------------------------------------------------------------

    def _forward(self, node: GraphNode) -> list[Row]:
        number = f"{self.numbers[node.id]}.".rjust(4)
        made = f"{self.names[node.id]} = {self.in_words.computed(node)}"
        return [(number, made, shape_text(node.shape), self._doc(node), _place(node))]

    def _doc(self, node: GraphNode) -> str:
        op = self.graph.ops.get(node.id)
        if op is None:
            return "folded: several operations" if node.kind == "block" else ""
        first = op.doc.split("\n")[0].split(": ")[0].rstrip(".")
        return textwrap.shorten(first, 42, placeholder=" …")

    # --- backward ------------------------------------------------------------------------------

    def _backward(self) -> list[Sent]:
        sent = []
        number = len(self.made)
        arrived: dict[int, int] = {}
        for node in reversed(self.made):
            if node.id not in self.wants:
                continue
            number += 1
            label = f"{number}.".rjust(4), f"{self.names[node.id]}:"
            for edge in self.inputs.get(node.id, ()):
                if not edge.gradient:
                    continue
                arrived[edge.source] = arrived.get(edge.source, 0) + 1
                sent.append(Sent(node, edge, arrived[edge.source], label))
                label = "", ""
        return sent

    def _sent(self, step: Sent) -> list[Row]:
        """A line for each of the rule's variables, and one for what it sends."""
        node, edge, nth, label = step
        source = self.graph.nodes[edge.source]
        name = self.names[edge.source]
        uses = self.uses[edge.source]
        sign = "=" if nth == 1 else "+="
        notes = []
        stretched = self._stretched(node, source)
        if stretched:
            notes.append(f"summed over {stretched}")
        if uses > 1:
            notes.append(f"{nth} of {uses} to add up")
        if source.kind == "parameter" and nth == uses:
            notes.append(f"→ {name}.grad")
        *before, result = self._rule(node, edge).split("\n")
        told = [(line, "", "") for line in before]
        told.append((f"∂{name} {sign} {result}", shape_text(source.shape), "  ".join(notes)))
        return [(*(label if k == 0 else ("", "")), *row) for k, row in enumerate(told)]

    def _rule(self, node: GraphNode, edge: Edge) -> str:
        """The rule for an input as a formula, or words in place of it."""
        op = self.graph.ops.get(node.id)
        g = f"∂{self.names[node.id]}"
        if op is None:
            inside = "by the rules inside" if node.kind == "block" else f"by the rule of {node.op}"
            return f"{inside}, from {g}"
        names = self.in_words.of_call(node) | {"g": g, "out": self.names[node.id]}
        if not op.variadic:
            names |= {f"{name}_shape": f"{names[name]}.shape" for name in op.inputs}
        derivative = self._derivative(node, op, edge.argument)
        text = derivative.formula(names)
        if text is None:
            self.footnotes[f"the rule of {op.name} has several lines: explain(its function)"] = None
            return f"by the rule of {op.name}, from {g}"
        helpers = derivative.helpers(derivative.expressed)
        self.footnotes |= dict.fromkeys(f"{name}: {doc}" for name, doc in helpers.items())
        if kept := derivative.kept(derivative.expressed):
            self.footnotes[f"{listed(kept)}: kept by the forward of {op.name}"] = None
        return text

    def _derivative(self, node: GraphNode, op: Op, position: int) -> Derivative:
        """The rule for an input, with the branches that are known to have been taken."""
        one = Derivative(op, position, self._values(node, op, position, -1), exact=True)
        if one.chosen:
            other = Derivative(op, position, self._values(node, op, position, 1), exact=True)
            if list(map(ast.dump, one.lines)) != list(map(ast.dump, other.lines)):
                # Values decide, and they were not recorded.
                return Derivative(op, position, exact=True)
        return one

    def _values(self, node: GraphNode, op: Op, position: int, fill: int) -> dict[str, Any]:
        """What the rule reads; stand-ins, filled with a number, for what was not recorded."""
        edges = self.inputs.get(node.id, [])
        operands = [None] * (len(edges) if op.variadic else len(op.inputs))
        for edge in edges:
            source = self.graph.nodes[edge.source]
            number = source.kind == "number"
            operands[edge.argument] = source.value if number else _array(source, fill)
        values = given_values(op, position, operands, self.graph.params.get(node.id, {}))
        if node.shape is not None:
            g = node.gradient if isinstance(node.gradient, np.ndarray) else _stand_in(node, fill)
            values |= {"g": g, "out": _array(node, fill)}
        return values

    def _stretched(self, node: GraphNode, source: GraphNode) -> str:
        """The axes of an elementwise result along which an input was broadcast."""
        op = self.graph.ops.get(node.id)
        if op is None or not op.elementwise or node.shape == source.shape:
            return ""
        assert node.shape is not None
        assert source.shape is not None
        extra = len(node.shape) - len(source.shape)
        axes = [
            axis
            for axis, n in enumerate(node.shape)
            if axis < extra or (source.shape[axis - extra] == 1 and n != 1)
        ]
        if not axes:
            return ""
        return f"{'axis' if len(axes) == 1 else 'axes'} {listed([str(a) for a in axes])}"

    # --- a single op ---------------------------------------------------------------------------

    def told_last(self) -> Text:
        node = self.made[-1]
        op = self.graph.ops[node.id]
        name = self.names[node.id]
        at = f", at {_place(node)}" if _place(node) else ""
        lines = [f"{name} = {self.in_words.computed(node)}{at}"]
        if op.doc:
            lines.append(f"  {op.doc.splitlines()[0]}")
        lines += ["", "Forward"]
        rows = [
            (self.names[e.source], shape_text(self.graph.nodes[e.source].shape))
            for e in self.inputs.get(node.id, ())
            if self.graph.nodes[e.source].kind != "number"
        ]
        rows.append((f"→ {name}", f"{shape_text(node.shape)} {node.dtype or ''}".rstrip()))
        lines += [*columns(rows), "", "Backward"]
        sent = [row[2:4] for s in self._backward() if s.node is node for row in self._sent(s)]
        lines += columns(sent) if sent else ["  Nothing here needs a gradient."]
        if op.kinks:
            lines += ["", f"At kinks: {op.kinks}"]
        return Text("\n".join(lines))


def _array(node: GraphNode, fill: int) -> Any:
    """The recorded value of a node, or a stand-in."""
    return node.value if isinstance(node.value, np.ndarray) else _stand_in(node, fill)


def _stand_in(node: GraphNode, fill: int) -> Any:
    """An array of the node's shape and dtype that takes no memory."""
    if node.shape is None:
        return None
    return np.broadcast_to(np.array(fill).astype(node.dtype), node.shape)


def _place(node: GraphNode) -> str:
    return where_text(node.place) if node.place and not node.place[0].startswith("<") else ""


def _shortened(items: Sequence[Item], rows: Callable[[Item], list[Row]]) -> list[Row]:
    """The rows of the first and the last of many items; those of the others are never made."""
    left_out = len(items) - 2 * FIRST_AND_LAST
    if left_out <= 1:
        return [row for item in items for row in rows(item)]
    first = [row for item in items[:FIRST_AND_LAST] for row in rows(item)]
    last = [row for item in items[-FIRST_AND_LAST:] for row in rows(item)]
    note = ("", f"… {counted(left_out, 'step')} left out …", *[""] * (len(first[0]) - 2))
    return [*first, note, *last]
