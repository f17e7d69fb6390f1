"""A whole computation in words: a numbered walk forward, and back through its gradients."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from ..draw.steps import names_of
from .formulas import derivative, helpers
from .text import Text, columns, counted, listed, shape_text, where_text

if TYPE_CHECKING:
    from ..ops.op import Op
    from ..snapshot import Edge, Graph, GraphNode

__all__ = ["about_graph", "about_result"]

FIRST_AND_LAST = 30  # steps of a long walk that are told, on each side of those left out


def about_graph(graph: Graph) -> Text:
    """The walk through a graph, forward and backward."""
    return _Walk(graph).told()


def about_result(graph: Graph) -> Text:
    """How the graph's output was made from its inputs: that one op, with its derivatives."""
    return _Walk(graph).told_last()


class _Walk:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names = names_of(graph)
        self.inputs: dict[int, list[Edge]] = {}
        self.uses: dict[int, int] = {}
        for edge in graph.edges:
            self.inputs.setdefault(edge.target, []).append(edge)
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
        forward = [self._forward(node) for node in self.made]
        lines += ["Forward", *columns(_shortened(forward)), ""]
        backward = self._backward()
        if not backward:
            return Text("\n".join([*lines, "Backward", "  Nothing here needs a gradient."]))
        outputs = [n for n in self.made if n.kind == "output" and n.id in self.wants]
        seeds = listed([f"∂{self.names[n.id]}" for n in outputs])
        start = "is 1" if len(outputs) == 1 and outputs[0].shape == () else "is given to backward()"
        intro = (
            f"  ∂x is the gradient of the result with respect to x; {seeds} {start}. Newest first;"
        )
        fitted = "  each is summed or stretched to the shape that stands beside it:"
        lines += ["Backward", intro, fitted, *columns(_shortened(backward))]
        lines += [f"  {note}" for note in self.footnotes]
        return Text("\n".join(lines))

    # --- leaves -------------------------------------------------------------------------------

    def _leaves(self) -> list[str]:
        rows: list[tuple[str, ...]] = []
        for node in self.graph.nodes:
            if node.kind not in ("data", "parameter"):
                continue
            role = "wants a gradient" if node.kind == "parameter" else "data, no gradient"
            rows.append((self.names[node.id], shape_text(node.shape), str(node.dtype), role))
        return columns(_shortened(rows)) if rows else ["  none"]

    # --- forward -------------------------------------------------------------------------------

    def _forward(self, node: GraphNode) -> tuple[str, ...]:
        doc = self._doc(node)
        return (
            f"{self.numbers[node.id]}.".rjust(4),
            f"{self.names[node.id]} = {self._computed(node)}",
            shape_text(node.shape),
            doc,
            _place(node),
        )

    def _doc(self, node: GraphNode) -> str:
        op = self.graph.ops.get(node.id)
        if op is None:
            return "folded: several operations" if node.kind == "block" else ""
        first = op.doc.split("\n")[0].split(": ")[0].rstrip(".")
        return textwrap.shorten(first, 42, placeholder=" …")

    def _computed(self, node: GraphNode) -> str:
        op = self.graph.ops.get(node.id)
        given = [self._operand(edge) for edge in self.inputs.get(node.id, ())]
        if op is None or not op.text:
            return f"{node.op}({', '.join(given)})"
        return op.text.format(**self._names(node, op))

    def _operand(self, edge: Edge) -> str:
        return self.names[edge.source]

    def _names(self, node: GraphNode, op: Op) -> dict[str, str]:
        """What the op's text and rules are to call its inputs and parameters."""
        edges = self.inputs.get(node.id, [])
        known = self.graph.params.get(node.id, {})
        names = {n: _short(known[n]) if n in known else n for n in op.params}
        if op.variadic:
            names[op.inputs[0]] = ", ".join(map(self._operand, edges))
        else:
            names |= dict.fromkeys(op.inputs, "None")
            names |= {op.inputs[edge.argument]: self._operand(edge) for edge in edges}
            names |= {f"{n}_shape": f"{names[n]}.shape" for n in op.inputs}
        return names

    # --- backward ------------------------------------------------------------------------------

    def _backward(self) -> list[tuple[str, ...]]:
        rows = []
        number = len(self.made)
        arrived: dict[int, int] = {}
        for node in reversed(self.made):
            if node.id not in self.wants:
                continue
            number += 1
            label = f"{number}.".rjust(4), f"{self.names[node.id]}:"
            flows = [edge for edge in self.inputs.get(node.id, ()) if edge.gradient]
            for k, edge in enumerate(flows):
                arrived[edge.source] = arrived.get(edge.source, 0) + 1
                row = self._sent(node, edge, arrived[edge.source])
                rows.append((*(label if k == 0 else ("", "")), *row))
        return rows

    def _sent(self, node: GraphNode, edge: Edge, nth: int) -> tuple[str, ...]:
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
        text = self._rule(node, edge)
        return f"∂{name} {sign} {text}", shape_text(source.shape), "  ".join(notes)

    def _rule(self, node: GraphNode, edge: Edge) -> str:
        op = self.graph.ops.get(node.id)
        g = f"∂{self.names[node.id]}"
        if op is None:
            inside = "by the rules inside" if node.kind == "block" else f"by the rule of {node.op}"
            return f"{inside}, from {g}"
        names = self._names(node, op) | {"g": g, "out": self.names[node.id]}
        values = self._values(node, op)
        text = derivative(op, edge.argument, names, values, exact=True)
        if text is not None:
            self.footnotes |= dict.fromkeys(helpers(op, edge.argument, values, exact=True))
            return text
        self.footnotes[f"the rule of {op.name} has several lines: explain(its function)"] = None
        return f"by the rule of {op.name}, from {g}"

    def _values(self, node: GraphNode, op: Op) -> dict[str, Any]:
        """Stand-ins for what the rule reads: shapes and numbers decide its branches."""
        values: dict[str, Any] = dict(self.graph.params.get(node.id, {}))
        if node.shape is not None:
            values |= {"g": _stand_in(node), "out": _stand_in(node)}
        edges = self.inputs.get(node.id, [])
        if op.variadic:
            return values
        for edge in edges:
            source = self.graph.nodes[edge.source]
            value = source.value if source.kind == "number" else _stand_in(source)
            name = op.inputs[edge.argument]
            values |= {name: value, f"{name}_shape": np.shape(value)}
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
        lines = [f"{name} = {self._computed(node)}{at}"]
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
        flows = [e for e in self.inputs.get(node.id, ()) if e.gradient]
        seen: dict[int, int] = {}
        sent = []
        for edge in flows:
            seen[edge.source] = seen.get(edge.source, 0) + 1
            sent.append(self._sent(node, edge, seen[edge.source])[:2])
        lines += columns(sent) if sent else ["  Nothing here needs a gradient."]
        if op.kinks:
            lines += ["", f"At kinks: {op.kinks}"]
        return Text("\n".join(lines))


def _stand_in(node: GraphNode) -> Any:
    """An array of the node's shape and dtype that takes no memory."""
    if node.shape is None:
        return None
    return np.broadcast_to(np.zeros((), np.dtype(node.dtype)), node.shape)


def _place(node: GraphNode) -> str:
    return where_text(node.place) if node.place and not node.place[0].startswith("<") else ""


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else " ".join(repr(value).split())
    return text if len(text) <= 24 else text[:23] + "…"


def _shortened(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The first and the last rows of many."""
    left_out = len(rows) - 2 * FIRST_AND_LAST
    if left_out <= 1:
        return rows
    note = ("", f"… {counted(left_out, 'line')} left out …", *[""] * (len(rows[0]) - 2))
    return [*rows[:FIRST_AND_LAST], note, *rows[-FIRST_AND_LAST:]]
