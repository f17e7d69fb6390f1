"""The steps of a recorded run: forward op by op, backward rule by rule, then the updates.

`steps_of(graph)` gives what the step-through page shows, as plain dictionaries that become JSON.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import short_place
from ..core.op import reads_of
from ..formulas.derivatives import Derivative
from ..formulas.source import expression_of, names_in
from ..pictures.clusters import label
from ..pictures.style import one_line
from ..recording.reading import bare
from .arrays import Arrays
from .names import Names, short

if TYPE_CHECKING:
    from ..pictures.snapshot import GraphNode, Snapshot
    from ..recording.reading import Reading
    from ..recording.recorder import Flow, Update

_SHORT = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.UnaryOp)

NOT_RECORDED = (
    "the step-through page shows values, and none were recorded: compute the loss and call "
    "backward() inside `with tg.record() as r:`, then tg.graph(loss, record=r).html(path)"
)
SEVERAL_PASSES = (
    "several calls of backward() reached the same values of this graph, and their gradients add up "
    "over the calls: take the graph of one loss, and use one `with tg.record()` for each"
)
OTHER_PASS = (
    "backward() was last called on something that is no part of this graph, and went "
    "through its nodes: take the graph of what backward() was called on, and use one "
    "`with tg.record()` for each loss"
)


def steps_of(graph: Snapshot) -> dict[str, Any]:
    """Return nodes, steps and arrays of the page.

    A node has what `GraphNode` has, its inputs, and the arrays by number. A step has a `phase`,
    "forward", "seed", "backward" or "update", and a node; a backward step has the `flows` out of
    it, an update what the optimizer did to the parameter.

    Raises:
        ValueError: the graph was taken without a record, or is folded; or the record has another
            backward pass through the same nodes, so that their gradients can't be told apart.
    """
    if any(node.kind == "block" for node in graph.nodes):
        raise ValueError("a folded graph has no single steps: call html() on the graph itself")
    if graph.reading is None:
        raise ValueError(NOT_RECORDED)
    return _Steps(graph, graph.reading).page()


class _Steps:
    """The dictionaries of a page while they are made.

    Attributes:
        into, out_of: the flows of the last backward pass into and out of each node, by its id.
        contributions: how many contributions the steps so far have brought to each node.
    """

    def __init__(self, graph: Snapshot, reading: Reading) -> None:
        self.graph = graph
        self.reading = reading
        self.ids = graph.ids
        self.arrays = Arrays()
        self.names = Names(graph)
        self.into = _last_pass(graph, reading)
        self.out_of: dict[int, list[Flow]] = {}
        for flow in (flow for flows in self.into.values() for flow in flows):
            self.out_of.setdefault(self.ids[flow.node], []).append(flow)
        self.contributions: Counter[int] = Counter()

    def page(self) -> dict[str, Any]:
        ops = [node for node in self.graph.nodes if node.op is not None]
        if not ops:
            raise ValueError(f"there is nothing to step through: {self.graph.title} has no ops")
        steps: list[dict[str, Any]] = [{"phase": "forward", "node": node.id} for node in ops]
        for node in reversed(ops):
            if node.gradient is not None:
                steps += self._backward(node)
        steps += map(self._update, self.reading.updates())
        return {
            "title": one_line(self.graph.title, 80),
            "totals": self.graph.totals,
            "nodes": list(map(self._node, self.graph.nodes)),
            "steps": steps,
            "arrays": self.arrays.entries(),
        }

    # --- nodes -------------------------------------------------------------------------------

    def _node(self, node: GraphNode) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "kind": node.kind,
            "op": node.op,
            "name": self.names.nodes[node.id],
            "title": self.names.heading(node),
            "shape": None if node.shape is None else list(node.shape),
            "dtype": node.dtype,
            "module": label(self.graph, node.module) if node.module else None,
            "inputs": [edge.source for edge in self.names.inputs.get(node.id, ())],
            "arguments": [edge.argument for edge in self.names.inputs.get(node.id, ())],
            "value": [],
            "gradient": [],
        }
        if node.kind == "number":
            return entry | {"text": node.header}
        entry["value"] = self._several(node.value)
        entry["gradient"] = self._several(node.gradient)
        entry["needs"] = node.kind != "data"
        op = self.graph.ops.get(node.id)
        if op is not None:
            entry["doc"] = op.doc.split("\n")[0].rstrip(".")
            entry["formula"] = f"{entry['name']} = {self.names.computed(node)}"
            if op.kinks:
                entry["kinks"] = op.kinks
        return entry | source_of(node.place)

    def _several(self, value: Any) -> list[int | None]:
        """Add the arrays of a value: one, or one for each output; None for one that is missing."""
        if value is None:
            return []
        parts = value if isinstance(value, tuple) else (value,)
        return [None if part is None else self.arrays.add(part) for part in parts]

    # --- gradients -----------------------------------------------------------------------------

    def _backward(self, node: GraphNode) -> list[dict[str, Any]]:
        """Return the step back from a node; if backward started there, one for that before it."""
        flows = sorted(self.out_of.get(node.id, ()), key=lambda flow: flow.position)
        step = {
            "phase": "backward",
            "node": node.id,
            "flows": [self._flow(node, flow) for flow in flows],
        }
        if node.id in self.into:
            return [step]
        return [{"phase": "seed", "node": node.id}, step]

    def _flow(self, node: GraphNode, flow: Flow) -> dict[str, Any]:
        to = self.ids[flow.parent]
        self.contributions[to] += 1
        entry = {
            "argument": flow.position,
            "to": to,
            "contribution": self._several(bare(flow.contribution)),
            "total": self._several(bare(flow.total)),
            "nth": self.contributions[to],
            "of": len(self.into[to]),
            **self._rule(node, flow),
        }
        parent = self.graph.nodes[to]
        if self.graph.ops[node.id].elementwise and parent.shape != node.shape:
            assert node.shape is not None
            assert parent.shape is not None
            entry["summed"] = [list(node.shape), list(parent.shape)]
        return entry

    def _rule(self, node: GraphNode, flow: Flow) -> dict[str, Any]:
        """Return the rule of a flow as NumPy lines and formula, with the names that they have."""
        op = self.graph.ops[node.id]
        derivative = Derivative(op, flow.position, self.reading.reads(flow.node, flow.position))
        names: dict[str, Any] = derivative.numbers | self._names_read(node, flow.position)
        own = self._own_names(names)
        formula = derivative.express(names)
        computed = derivative.computed(own)
        if computed is None:
            statements = derivative.lines
            written = {name for name, use in names_in(statements).items() if use == "written"}
            own = {
                name: text
                for name, text in own.items()
                if name not in written and isinstance(text, str)
            }
            computed = derivative.in_lines(own)
        words = set(re.findall(r"\w+", computed.text))
        meanings = op.kept_texts | names
        read = (*reads_of(derivative.rule), *derivative.numbers)
        labels = {name: own.get(name, name) for name in read}
        entry: dict[str, Any] = {"numpy": computed.text.splitlines()}
        entry["where"] = [
            [label, meanings.get(name, "what forward kept for it")]
            for name, label in labels.items()
            if isinstance(label, str) and label in words and label != meanings.get(name)
        ]
        helpers = dict(computed.helpers)
        if formula is not None:
            entry["formula"] = formula.text
            helpers |= formula.helpers
        entry["helpers"] = [[name, doc.rstrip(".")] for name, doc in helpers.items()]
        return entry

    def _own_names(self, names: dict[str, Any]) -> dict[str, Any]:
        """Return the user's names for what a rule reads, where they can stand in a line of Python.

        A name of the rule's that is another value's here gets an underscore.
        """
        own: dict[str, Any] = {}
        for name, text in names.items():
            if isinstance(text, list):
                own[name] = [t if _is_short(t) else f"{name}[{k}]" for k, t in enumerate(text)]
            elif _is_short(text):
                own[name] = text
            elif name in self.names.taken:
                own[name] = f"{name}_"
        return own

    def _names_read(self, node: GraphNode, position: int) -> dict[str, Any]:
        """Return names for what the rule for an input of a node can read."""
        op = self.graph.ops[node.id]
        own = self.names.nodes[node.id]
        names = self.names.of_call(node) | {"g": f"∂L/∂{own}", "out": own}
        if op.variadic:
            return names | {"i": str(position), op.inputs[0]: self.names.operands(node)}
        names |= {f"{name}_shape": "()" for name in op.inputs}
        for edge in self.names.inputs.get(node.id, ()):
            shape = self.graph.nodes[edge.source].shape
            names[f"{op.inputs[edge.argument]}_shape"] = str(shape or ())
        return names

    # --- updates -------------------------------------------------------------------------------

    def _update(self, update: Update) -> dict[str, Any]:
        rule = update.rule
        node = self.graph.nodes[self.ids[update.node]]
        name = self.names.nodes[node.id]
        gradient = node.gradient if rule is None else update.gradient
        step: dict[str, Any] = {
            "phase": "update",
            "node": node.id,
            "before": self._several(update.before),
            "after": self._several(update.after),
            "gradient": self._several(gradient),
            "label": f"∂L/∂{name}",
            **source_of(update.place),
        }
        if rule is None:
            return step
        total = node.gradient
        if total is None or not np.array_equal(gradient, total, equal_nan=True):
            step["label"] = f"{name}.grad, with weight decay" if rule.note else f"{name}.grad"
        step |= {"by": rule.by, "doc": rule.doc, "numpy": rule.lines, "note": rule.note}
        reads = {rule.parameter: name, **rule.reads, **update.reads}
        step["reads"] = [
            [key, value if isinstance(value, str) else short(value)]
            for key, value in reads.items()
            if not isinstance(value, np.ndarray)
        ]
        step["change"] = self._several(update.change)
        step["state"] = [
            [key, self._several(before), self._several(after)]
            for key, (before, after) in update.state.items()
        ]
        return step


def _is_short(text: Any) -> bool:
    """Say whether a text can stand in a line of Python: a name, a number, `sequence[3]`."""
    return isinstance(text, str) and isinstance(expression_of(text), _SHORT)


def _last_pass(graph: Snapshot, reading: Reading) -> dict[int, list[Flow]]:
    """Return the flows of the last backward pass into each node that it reached, by id.

    Raises:
        ValueError: they are not all of one pass, and of this graph.
    """
    ids = graph.ids
    into = {ids[node]: flows for node, flows in reading.contributions.items() if node in ids}
    if any(flows[-1].node not in ids for flows in into.values()):
        raise ValueError(OTHER_PASS)
    last = {}  # of each rule
    for flow in () if reading.record is None else reading.record.flows:
        if flow.node in ids:
            last[flow.node, flow.position] = flow
    current = {id(flow) for flows in into.values() for flow in flows}
    if any(id(flow) not in current for flow in last.values()):
        raise ValueError(SEVERAL_PASSES)
    return into


def source_of(place: tuple[str, int] | None) -> dict[str, str]:
    """Return a line of the user's program, `spiral.py:31`, and its text, if it is in a file."""
    if place is None or place[0].startswith("<"):
        return {}
    code = linecache.getline(*place).strip()[:120]
    return {"place": one_line(short_place(place)), "code": code}
