"""`graph(loss)`: from what was recorded to a `Graph`."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import outside, short_place
from ..core.node import Leaf, Node
from ..core.tensor import Tensor, node_of
from ..formulas.derivatives import rule_of
from ..recording.reading import Reading, ancestors_of
from ..recording.variables import content
from .graph import Edge, Graph, GraphNode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..recording.recorder import Record

__all__ = ["graph"]


def graph(
    output: Tensor | Iterable[Tensor],
    model: Any = None,
    *,
    record: Record | None = None,
    times: bool = False,
) -> Graph:
    """Return the computation that led to `output`, to be looked at or drawn.

        tg.graph(loss).save("loss.svg")

        with tg.record() as r:
            loss = nn.cross_entropy(model(X), y)
            loss.backward()
        print(tg.graph(loss, model, record=r))  # with values, gradients and modules

    Args:
        output: a Tensor (usually the loss), or a list or tuple of them. Before or after
            `backward()`, with or without need of a gradient; what was computed where nothing
            needed a gradient was not recorded, and shows as data.
        model: an `nn.Module`: its parameters get their dotted names, and the ops that read them
            the module that holds them.
        record: what `tg.record()` kept while the output was computed: values and gradients of
            everything, and the module of every op. The Graph keeps these arrays.
        times: measure each op by computing it again, three times, from the record.

    Raises:
        TypeError: an output that is no Tensor, a model without `named_parameters`.
        ValueError: an empty list; `times` without a record; a record of something else.
    """
    outputs = tuple(output) if isinstance(output, (list, tuple)) else (output,)
    _check_arguments(outputs, record, times)
    order = ancestors_of(map(node_of, outputs))
    ops = [node for node in order if node.op is not None]
    if record is not None and ops and not any(node in record.forward for node in ops):
        raise ValueError(
            "nothing of this graph is in the record: compute the output inside "
            "`with tg.record() as r:`"
        )
    reading = Reading(order, record, outside(sys._getframe(1)), model)
    return _Gathering(outputs, reading, times=times).graph()


def _check_arguments(outputs: tuple[Any, ...], record: Any, times: bool) -> None:
    if not outputs:
        raise ValueError("graph() needs at least one Tensor, not an empty list")
    for tensor in outputs:
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"graph() draws a Tensor, or a list of them, not {type(tensor).__name__}"
            )
    if times and record is None:
        raise ValueError(
            "times=True computes every op again, which needs its inputs: compute the output "
            "inside `with tg.record() as r:` and give record=r"
        )
    if record is not None and not hasattr(record, "forward"):
        raise TypeError(f"record is what tg.record() gives, not {type(record).__name__}")


class _Gathering:
    """A Graph while its nodes and edges are gathered from a reading."""

    def __init__(self, outputs: tuple[Tensor, ...], reading: Reading, *, times: bool) -> None:
        self.reading = reading
        self.steps = {} if reading.record is None else reading.record.forward
        self.times = times
        self.exits = {
            exit.reader: f"bare number: {exit.call} at {short_place(exit.place)}"
            for exit in reading.exits(set(reading.order))
        }
        self.outputs = {node_of(tensor): tensor for tensor in outputs}
        self.nodes: list[GraphNode] = []
        self.edges: list[Edge] = []
        self.ids: dict[Node, int] = {}
        self._arrays: dict[Any, int] = {}  # ids of the arrays that ops were given, by content

    def graph(self) -> Graph:
        reading = self.reading
        for node in reading.order:
            self._add(node)
        graph = Graph(tuple(self.nodes), tuple(self.edges), modules=reading.classes)
        for node, position in self.ids.items():
            if node.op is not None:
                graph.ops[position] = node.op
                graph.params[position] = reading.arguments(node)
        if reading.record is not None:
            graph.reading = reading
            graph.ids = self.ids
        return graph

    def _add(self, node: Node) -> None:
        """Add a node, with the edges to it; an array that is there already is one node."""
        if node.op is None and node.code is None and not isinstance(node, Leaf):
            array = self.reading.value(node)
            key = content(array) if isinstance(array, np.ndarray) else None
            if key in self._arrays:
                self.ids[node] = self._arrays[key]
                return
            if key is not None:
                self._arrays[key] = len(self.nodes)
        sources = [self._source(parent, node) for parent in node.parents]
        self.ids[node] = target = len(self.nodes)
        self.nodes.append(self._node(node))
        for argument, (parent, source) in enumerate(zip(node.parents, sources)):
            if source is None:
                continue
            assert node.op is not None
            flows = isinstance(parent, Node) and parent.needs_grad
            flows = flows and rule_of(node.op, argument) is not None
            name = node.op.input_name(argument)
            self.edges.append(Edge(source, target, argument, flows, name))

    def _source(self, parent: Any, node: Node) -> int | None:
        """Return the id of an input of a node; a number gets a node for each use of it."""
        if parent is None or isinstance(parent, Node):
            return None if parent is None else self.ids.get(parent)
        number = len(self.nodes)
        module = self.reading.module(node)
        self.nodes.append(GraphNode(number, "number", None, None, None, None, parent, module))
        return number

    def _node(self, node: Node) -> GraphNode:
        reading = self.reading
        size = None if node.shape is None else math.prod(node.shape)
        kind = self._kind(node)
        step = self.steps.get(node) if self.times else None
        return GraphNode(
            id=len(self.nodes),
            kind=kind,
            op=node.op.name if node.op else None,
            name=reading.name(node),
            shape=node.shape,
            dtype=None if node.dtype is None else str(node.dtype),
            value=self._value(node),
            module=reading.module(node),
            gradient=reading.gradient(node),
            bytes=None if size is None else size * node.dtype.itemsize,
            flops=_flops(node),
            place=reading.source(node),
            seconds=None if step is None else step.replay_seconds(),
            parameters=size or 0 if kind == "parameter" else 0,
            exit=self.exits.get(node, ""),
        )

    def _kind(self, node: Node) -> str:
        if node.op is not None:
            return "output" if node in self.outputs else "op"
        return "parameter" if isinstance(node, Leaf) else "data"

    def _value(self, node: Node) -> Any:
        """Return a value, if there is a record; else only that of an output of one element."""
        if self.reading.record is not None:
            value = self.reading.value(node)
            if value is not None:
                return value
        tensor = self.outputs.get(node)
        if tensor is not None and node.op is not None and tensor.size == 1:
            return tensor.item()
        return None


def _flops(node: Node) -> int | None:
    """Count the floating-point operations of a forward: one an element, or as its op declares."""
    op = node.op
    if op is None or node.shape is None:
        return None
    if op.flops is not None:
        shapes = [p.shape if isinstance(p, Node) else np.shape(p) for p in node.parents]
        return op.flops(node.shape, *shapes)
    return math.prod(node.shape) if op.elementwise else None
