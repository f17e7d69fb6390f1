"""A whole computation in words: a numbered walk forward, and back through its gradients."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from ..core.printing import Text
from ..formulas.derivatives import Derivative
from ..formulas.symbols import Unrecorded
from ..formulas.values import call_values
from ..page.names import Names
from .text import columns, count_text, list_text, shape_text, where_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..core.op import Op
    from ..graphs.graph import Edge, Graph, GraphNode

LONGEST_END = 30  # steps at each end of a long walk, around those that are left out
LONGEST_DOC = 42
NO_GRADIENT = "  Nothing here needs a gradient."

Item = TypeVar("Item")
Row = tuple[str, ...]


class Contribution(NamedTuple):
    """A rule's contribution to the gradient of one input.

    Attributes:
        node: whose rule it is.
        edge: from the input to it.
        rank: 1 for the first contribution to that input.
        number: that of the node's step; 0 but for its first rule.
    """

    node: GraphNode
    edge: Edge
    rank: int
    number: int


def graph_explanation(graph: Graph) -> Text:
    """Walk through a graph, forward and backward."""
    return _Walk(graph).text()


def call_explanation(graph: Graph) -> Text:
    """Explain the call that gave the graph's output: that one op, with its derivatives."""
    return _Walk(graph).last_call()


class _Walk:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.formulas = Names(graph)
        self.names = self.formulas.nodes
        self.inputs = self.formulas.inputs
        self.uses = Counter(edge.source for edge in graph.edges if edge.gradient)
        self.calls = [n for n in graph.nodes if n.kind not in ("data", "parameter", "number")]
        self.outputs = [n for n in self.calls if n.kind == "output" and n.id in self.inputs]
        self.footnotes: dict[str, None] = {}  # on the rules so far

    def text(self) -> Text:
        calls = list(enumerate(self.calls, 1))
        lines = [f"{self.graph.title}: {self.graph.totals}"]
        lines += ["", "Inputs", *self._leaves()]
        lines += ["", "Forward", *columns(_shortened(calls, self._call_rows))]
        lines += ["", "Backward", *self._backward()]
        return Text("\n".join(lines))

    def _leaves(self) -> list[str]:
        leaves = [n for n in self.graph.nodes if n.kind in ("data", "parameter")]
        return columns(_shortened(leaves, self._leaf_rows)) or ["  none"]

    def _leaf_rows(self, node: GraphNode) -> list[Row]:
        role = "wants a gradient" if node.kind == "parameter" else "data, no gradient"
        return [(self.names[node.id], shape_text(node.shape), str(node.dtype), role)]

    # --- forward -------------------------------------------------------------------------------

    def _call_rows(self, item: tuple[int, GraphNode]) -> list[Row]:
        number, node = item
        equation = f"{self.names[node.id]} = {self.formulas.computed(node)}"
        shape = shape_text(node.shape)
        return [(_number_text(number), equation, shape, self._doc(node), _place_text(node))]

    def _doc(self, node: GraphNode) -> str:
        op = self.graph.ops.get(node.id)
        if op is None:
            return "folded: several operations" if node.kind == "block" else ""
        clause = op.doc.split("\n")[0].split(": ")[0]
        return textwrap.shorten(clause.rstrip("."), LONGEST_DOC, placeholder=" …")

    # --- backward ------------------------------------------------------------------------------

    def _backward(self) -> list[str]:
        contributions = self._contributions()
        if not contributions:
            return [NO_GRADIENT]
        rows = _shortened(contributions, self._contribution_rows)
        seeds = list_text([f"∂{self.names[node.id]}" for node in self.outputs])
        is_scalar = [node.shape for node in self.outputs] == [()]
        start = "is 1" if is_scalar else "is given to backward()"
        return [
            f"  ∂x is the gradient of the result with respect to x; {seeds} {start}. Newest first;",
            "  each is summed or stretched to the shape that stands beside it:",
            *columns(rows),
            *(f"  {note}" for note in self.footnotes),
        ]

    def _contributions(self) -> list[Contribution]:
        """Return those of all rules that run, in backward's order."""
        contributions = []
        ranks: dict[int, int] = {}
        reached = {*self.uses, *(node.id for node in self.outputs)}
        nodes = [node for node in reversed(self.calls) if node.id in reached]
        for number, node in enumerate(nodes, len(self.calls) + 1):
            for edge in self.inputs.get(node.id, ()):
                if edge.gradient:
                    rank = ranks[edge.source] = ranks.get(edge.source, 0) + 1
                    contributions.append(Contribution(node, edge, rank, number))
                    number = 0  # which labels the first rule alone
        return contributions

    def _contribution_rows(self, step: Contribution) -> list[Row]:
        """Return a row for each of the rule's variables, and one for its result."""
        source = self.graph.nodes[step.edge.source]
        name = self.names[source.id]
        *before, result = self._rule(step.node, step.edge).split("\n")
        sign = "=" if step.rank == 1 else "+="
        notes = "  ".join(self._notes(step))
        rows = [(line, "", "") for line in before]
        rows.append((f"∂{name} {sign} {result}", shape_text(source.shape), notes))
        labels = [("", "")] * len(rows)
        if step.number:
            labels[0] = _number_text(step.number), f"{self.names[step.node.id]}:"
        return [(*label, *row) for label, row in zip(labels, rows)]

    def _notes(self, step: Contribution) -> list[str]:
        source = self.graph.nodes[step.edge.source]
        uses = self.uses[source.id]
        notes = []
        axes = self._stretched_axes(step.node, source)
        if axes:
            notes.append(f"summed over {'axis' if len(axes) == 1 else 'axes'} {list_text(axes)}")
        if uses > 1:
            notes.append(f"{step.rank} of {uses} to add up")
        if source.kind == "parameter" and step.rank == uses:
            notes.append(f"→ {self.names[source.id]}.grad")
        return notes

    def _stretched_axes(self, node: GraphNode, source: GraphNode) -> list[str]:
        """Return the axes of an elementwise result along which an input was broadcast."""
        op = self.graph.ops.get(node.id)
        if op is None or not op.elementwise:
            return []
        assert node.shape is not None
        assert source.shape is not None
        missing = len(node.shape) - len(source.shape)
        lengths = (1,) * missing + source.shape
        pairs = enumerate(zip(lengths, node.shape))
        return [str(k) for k, (before, n) in pairs if k < missing or before == 1 != n]

    # --- rules ---------------------------------------------------------------------------------

    def _rule(self, node: GraphNode, edge: Edge) -> str:
        """Return the rule for an input as a formula, or words in place of it."""
        op = self.graph.ops.get(node.id)
        g = f"∂{self.names[node.id]}"
        if op is None:
            rules = "the rules inside" if node.kind == "block" else f"the rule of {node.op}"
            return f"by {rules}, from {g}"
        names: dict[str, Any] = self.formulas.of_call(node)
        names |= {"g": g, "out": self.names[node.id]}
        if op.variadic:
            names[op.inputs[0]] = self.formulas.operands(node)
        else:
            names |= {f"{name}_shape": f"{names[name]}.shape" for name in op.inputs}
        values = self._values(node, op, edge.argument)
        formula = Derivative(op, edge.argument, values).express(names)
        if formula is None:
            self._add_note(f"the rule of {op.name} has several lines: explain(its function)")
            return f"by the rule of {op.name}, from {g}"
        for helper, doc in formula.helpers.items():
            self._add_note(f"{helper}: {doc}")
        if formula.kept:
            self._add_note(f"{list_text(formula.kept)}: kept by the forward of {op.name}")
        return formula.text

    def _add_note(self, note: str) -> None:
        self.footnotes[note] = None

    def _values(self, node: GraphNode, op: Op, position: int) -> dict[str, Any]:
        """Return all that the rule reads; of what was not recorded, shape and dtype."""
        edges = self.inputs.get(node.id, ())
        count = len(edges) if op.variadic else len(op.inputs)
        operands: list[Any] = [None] * count
        for edge in edges:
            source = self.graph.nodes[edge.source]
            is_number = source.kind == "number"
            operands[edge.argument] = source.value if is_number else _array(source, source.value)
        values = call_values(op, position, operands, self.graph.params.get(node.id, {}))
        if node.shape is not None:
            values |= {"g": _array(node, node.gradient), "out": _array(node, node.value)}
        return values

    # --- a single call -------------------------------------------------------------------------

    def last_call(self) -> Text:
        node = self.calls[-1]
        op = self.graph.ops[node.id]
        place = _place_text(node)
        at = f", at {place}" if place else ""
        lines = [f"{self.names[node.id]} = {self.formulas.computed(node)}{at}"]
        lines += [f"  {line}" for line in op.doc.splitlines()[:1]]
        lines += ["", "Forward", *columns(self._shapes(node))]
        lines += ["", "Backward"]
        rows = []
        for step in self._contributions():
            if step.node is node:
                rows += [row[2:4] for row in self._contribution_rows(step)]
        lines += columns(rows) or [NO_GRADIENT]
        if op.kinks:
            lines += ["", f"At kinks: {op.kinks}"]
        return Text("\n".join(lines))

    def _shapes(self, node: GraphNode) -> list[Row]:
        """Return name and shape of each input, and of the result."""
        rows = []
        for edge in self.inputs.get(node.id, ()):
            source = self.graph.nodes[edge.source]
            if source.kind != "number":
                rows.append((self.names[source.id], shape_text(source.shape)))
        result = f"{shape_text(node.shape)} {node.dtype or ''}".rstrip()
        return [*rows, (f"→ {self.names[node.id]}", result)]


def _array(node: GraphNode, value: Any) -> Any:
    """Return a node's recorded value or gradient, or what else is known of it."""
    if isinstance(value, np.ndarray) or node.shape is None:
        return value
    return Unrecorded(node.shape, np.dtype(node.dtype))


def _number_text(number: int) -> str:
    return f"{number}.".rjust(4)


def _place_text(node: GraphNode) -> str:
    in_file = node.place is not None and not node.place[0].startswith("<")
    return where_text(node.place) if in_file else ""


def _shortened(items: Sequence[Item], rows: Callable[[Item], list[Row]]) -> list[Row]:
    """Return the rows of the first and the last of many items; others are never computed."""

    def rows_of(part: Iterable[Item]) -> list[Row]:
        return [row for item in part for row in rows(item)]

    omitted = len(items) - 2 * LONGEST_END
    if omitted <= 1:
        return rows_of(items)
    first = rows_of(items[:LONGEST_END])
    last = rows_of(items[-LONGEST_END:])
    note = f"… {count_text(omitted, 'step')} left out …"
    blank = [""] * (len(first[0]) - 2)
    return [*first, ("", note, *blank), *last]
