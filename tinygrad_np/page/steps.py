"""The steps of a recorded run: forward op by op, backward rule by rule, then the updates.

`steps_of(graph)` gives what the step-through page shows, as plain dictionaries that become JSON.
"""

from __future__ import annotations

import linecache
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import short_place
from ..core.node import Node
from ..core.tensor import Tensor
from ..formulas.derivatives import Derivative
from ..formulas.rules import SUBSCRIPTS, names_in, parameters_of
from ..formulas.values_read import values_read
from ..pictures.clusters import label
from ..pictures.style import one_line
from .arrays import Arrays

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..pictures.snapshot import Snapshot
    from ..recording.recorder import Flow, Forward, Record, Update

__all__ = ["NOT_RECORDED", "names_of", "steps_of"]

NOT_RECORDED = (
    "the step-through page shows values, and none were recorded: compute the loss and call "
    "backward() inside `with tg.record() as r:`, then tg.graph(loss, record=r).html(path)"
)


SEVERAL_PASSES = (
    "several calls of backward() reached the same values of this graph, and their gradients add up "
    "over the calls: take the graph of one loss, and use one `with tg.record()` for each"
)


def steps_of(graph: Snapshot) -> dict[str, Any]:
    """Nodes, steps and arrays of the page.

    A node has what `GraphNode` has, its inputs, and the arrays by number. A step has a `phase`,
    "forward", "seed", "backward" or "update", and a node; a backward step has the `flows` out of
    it, an update what the optimizer did to the parameter.

    Raises:
        ValueError: the graph was taken without a record, or is folded; or the record has another
            backward pass through the same nodes, so that their gradients can't be told apart.
    """
    if any(node.kind == "block" for node in graph.nodes):
        raise ValueError("a folded graph has no single steps: call html() on the graph itself")
    if graph.recorded is None:
        raise ValueError(NOT_RECORDED)
    record, ids = graph.recorded
    return _Steps(graph, record, ids).found()


class _Steps:
    def __init__(self, graph: Snapshot, record: Record, ids: dict[Node, int]) -> None:
        self.graph = graph
        self.record = record
        self.ids = ids
        self.arrays = Arrays()
        self.names = names_of(graph)
        # What each node sent, and how many contributions each node gets.
        self.sent: dict[Node, list[Flow]] = {}
        self.uses: Counter[Node] = Counter()
        for flow in self._last_flows():
            if self.uses[flow.parent] and flow.total is flow.contribution:
                raise ValueError(SEVERAL_PASSES)
            self.sent.setdefault(flow.node, []).append(flow)
            self.uses[flow.parent] += 1
        self.values = self._values()

    def found(self) -> dict[str, Any]:
        ordered = sorted(self.ids, key=lambda node: node.serial)
        steps: list[dict[str, Any]] = []
        for node in ordered:
            if node.op is not None:
                steps.append({"phase": "forward", "node": self.ids[node]})
        reached = [n for n in reversed(ordered) if n in self.record.gradients and n.op]
        arrived: Counter[Node] = Counter()
        for node in reached:
            if not self.uses[node]:
                steps.append({"phase": "seed", "node": self.ids[node]})
            flows = [self._flow(flow, arrived) for flow in self.sent.get(node, ())]
            steps.append({"phase": "backward", "node": self.ids[node], "flows": flows})
        if not steps:
            raise ValueError(f"there is nothing to step through: {self.graph.title} has no ops")
        steps += self._updates()
        return {
            "title": one_line(self.graph.title, 80),
            "totals": self.graph.totals,
            "nodes": self._nodes(),
            "steps": steps,
            "arrays": self.arrays.entries(),
        }

    # --- nodes -------------------------------------------------------------------------------

    def _nodes(self) -> list[dict[str, Any]]:
        nodes = []
        inputs: dict[int, list[Any]] = {}
        for edge in self.graph.edges:
            inputs.setdefault(edge.target, []).append((edge.argument, edge.source))
        made = {number: node for node, number in self.ids.items()}
        for shown in self.graph.nodes:
            entry: dict[str, Any] = {
                "kind": shown.kind,
                "op": shown.op,
                "name": self.names[shown.id],
                "shape": None if shown.shape is None else list(shown.shape),
                "dtype": shown.dtype,
                "module": label(self.graph, shown.module) if shown.module else None,
                "inputs": [source for _, source in sorted(inputs.get(shown.id, []))],
                "value": [],
                "gradient": [],
            }
            node = made.get(shown.id)
            if node is None:
                entry["text"] = shown.header
            else:
                entry |= self._about(node)
            nodes.append(entry | _source(shown.place))
        return nodes

    def _about(self, node: Node) -> dict[str, Any]:
        about: dict[str, Any] = {
            "value": self._several(self.values.get(node)),
            "gradient": self._several(self.record.gradients.get(node)),
            "needs": node.needs_grad,
        }
        if node.op is None:
            return about
        about["doc"] = _first_line(node.op.doc)
        about["formula"] = self._forward_text(node)
        if node.op.kinks:
            about["kinks"] = node.op.kinks
        return about

    def _several(self, value: Any) -> list[int | None]:
        """The arrays of a value: one, or one for each output; None for one that is not there."""
        if value is None:
            return []
        parts = value if isinstance(value, tuple) else (value,)
        return [None if p is None else self.arrays.add(_bare(p)) for p in parts]

    def _values(self) -> dict[Node, Any]:
        values: dict[Node, Any] = {}
        for node in self.ids:
            step = self.record.forward.get(node)
            if step is not None:
                values[node] = step.value
                for parent, operand in zip(node.parents, step.operands):
                    if isinstance(parent, Node):
                        values.setdefault(parent, operand)
        return values

    def _forward_text(self, node: Node) -> str:
        op = node.op
        assert op is not None
        step = self.record.forward.get(node)
        given = dict(zip(op.params, step.params)) if step is not None else {}
        words: dict[str, str] = {name: _short(given.get(name, name)) for name in op.params}
        names = [self._name(parent) for parent in node.parents]
        if op.variadic:
            words[op.inputs[0]] = ", ".join(names)
        else:
            words |= dict(zip(op.inputs, names))
        computed = op.text.format(**words) if op.text else f"{op.name}({', '.join(names)})"
        return f"{self.names[self.ids[node]]} = {computed}"

    def _name(self, parent: Any) -> str:
        return self.names[self.ids[parent]] if isinstance(parent, Node) else _short(parent)

    # --- gradients -----------------------------------------------------------------------------

    def _last_flows(self) -> Iterable[Flow]:
        """The flow of each rule, in the last backward pass; checked to be of one pass."""
        found: dict[tuple[Node, int], Flow] = {}
        last_into: dict[Node, Flow] = {}
        for flow in self.record.flows:
            if flow.parent in self.ids:
                last_into[flow.parent] = flow
            if flow.node in self.ids:
                found.pop((flow.node, flow.position), None)
                found[flow.node, flow.position] = flow
        if any(flow.node not in self.ids for flow in last_into.values()):
            raise ValueError(
                "backward() was last called on something that is no part of this graph, and went "
                "through its nodes: take the graph of what backward() was called on, and use one "
                "`with tg.record()` for each loss"
            )
        return found.values()

    def _flow(self, flow: Flow, arrived: Counter[Node]) -> dict[str, Any]:
        node, parent = flow.node, flow.parent
        arrived[parent] += 1
        entry = {
            "argument": flow.position,
            "to": self.ids[parent],
            "contribution": self._several(_bare(flow.contribution)),
            "total": self._several(_bare(flow.total)),
            "nth": arrived[parent],
            "of": self.uses[parent],
        }
        return entry | self._rule_text(node, flow.position)

    def _updates(self) -> Iterator[dict[str, Any]]:
        """The writes to the leaves of this graph after backward went through it."""
        ran = (k for k, flow in enumerate(self.record.flows) if flow.node in self.ids)
        last = max(ran, default=None)
        for update in self.record.updates:
            if update.node in self.ids and last is not None and update.flows > last:
                yield self._update(update)

    def _update(self, update: Update) -> dict[str, Any]:
        node, rule = self.ids[update.node], update.rule
        name, found = self.names[node], _bare(self.record.gradients.get(update.node))
        step: dict[str, Any] = {
            "phase": "update",
            "node": node,
            "before": self._several(update.before),
            "after": self._several(update.after),
            "gradient": self._several(found if rule is None else update.gradient),
            "label": f"∂L/∂{name}",
            **_source(update.place),
        }
        if rule is None:
            return step
        if found is None or not np.array_equal(update.gradient, found, equal_nan=True):
            step["label"] = f"{name}.grad" if not rule.note else f"{name}.grad, with weight decay"
        reads = {rule.parameter: name, **rule.reads, **update.reads}
        step |= {"by": rule.by, "doc": rule.doc, "numpy": rule.lines, "note": rule.note}
        step["reads"] = [
            [k, v if isinstance(v, str) else _short(v)]
            for k, v in reads.items()
            if not isinstance(v, np.ndarray)
        ]
        step["change"] = self._several(update.change)
        step["state"] = [
            [k, self._several(before), self._several(after)]
            for k, (before, after) in update.state.items()
        ]
        return step

    def _rule_text(self, node: Node, position: int) -> dict[str, Any]:
        op = node.op
        assert op is not None
        step = self.record.forward.get(node)
        values = None if step is None else self._reads(step, position)
        derivative = Derivative(op, position, values)
        names = derivative.numbers | {"g": f"∂L/∂{self._name(node)}", "out": self._name(node)}
        if step is not None:
            names |= {name: _short(value) for name, value in zip(op.params, step.params)}
        if op.variadic:
            names |= {"i": str(position)}
        else:
            names |= {name: self._name(p) for name, p in zip(op.inputs, node.parents)}
            names |= {
                f"{name}_shape": str(p.shape if isinstance(p, Node) else ())
                for name, p in zip(op.inputs, node.parents)
            }
        said: dict[str, Any] = {"numpy": derivative.numpy()}
        helpers = derivative.helpers()
        text = derivative.formula(names)
        if text is not None:
            said["formula"] = text
            helpers |= derivative.helpers(derivative.expressed)
        told = op.kept_texts | names
        said["where"] = [
            [name, told.get(name, "what forward kept for it")]
            for name in (*parameters_of(derivative.rule), *derivative.numbers)
            if name in names_in(derivative.lines)
        ]
        said["helpers"] = [[name, doc.rstrip(".")] for name, doc in helpers.items()]
        parent = node.parents[position]
        if op.elementwise and parent.shape != node.shape:
            said["summed"] = [list(node.shape), list(parent.shape)]
        return said

    def _reads(self, step: Forward, position: int) -> dict[str, Any]:
        """The values of everything that a rule of this op can read, by name."""
        op = step.node.op
        assert op is not None
        params = dict(zip(op.params, step.params))
        g = self.record.gradients.get(step.node)
        return values_read(op, position, step.operands, params, out=step.value, g=g)


def names_of(graph: Snapshot) -> list[str]:
    """What each node is called: its name, or its op or kind, numbered where there are several."""
    plain = [one_line(node.name or node.op or node.header, 30) for node in graph.nodes]
    values = [name for name, node in zip(plain, graph.nodes) if node.kind != "number"]
    several = {name for name, count in Counter(values).items() if count > 1}
    seen: Counter[str] = Counter()
    names = []
    for name, node in zip(plain, graph.nodes):
        if node.kind == "number" or name not in several:
            names.append(name)
            continue
        seen[name] += 1
        names.append(name + str(seen[name]).translate(SUBSCRIPTS))
    return names


def _first_line(doc: str) -> str:
    return doc.split("\n")[0].rstrip(".")


def _source(place: tuple[str, int] | None) -> dict[str, str]:
    """A line of the user's program, `spiral.py:31`, and what stands there, if it is in a file."""
    if place is None or place[0].startswith("<"):
        return {}
    code = linecache.getline(*place).strip()[:120]
    return {"place": one_line(short_place(place)), "code": code}


def _bare(value: Any) -> Any:
    """The array of a Tensor: a gradient that was itself recorded is one."""
    if isinstance(value, tuple):
        return tuple(map(_bare, value))
    return value.data if isinstance(value, Tensor) else value


def _short(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.8g}"
    return one_line(repr(value), 24)
