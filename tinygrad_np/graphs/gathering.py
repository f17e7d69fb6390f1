"""`graph(loss)`: from what was recorded to a `Graph`."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import assigned_name, line_of, outside, variables
from ..core.node import Leaf, Node
from ..core.tensor import Tensor, gradient_of, node_of
from ..recording.owners import Owners
from .graph import Edge, Graph, GraphNode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FrameType

    from ..core.op import Op
    from ..recording.recorder import Record

__all__ = ["ancestors_of", "graph", "variable_names"]


def graph(
    output: Tensor | Iterable[Tensor],
    model: Any = None,
    *,
    record: Record | None = None,
    times: bool = False,
) -> Graph:
    """The computation that led to `output`, to be looked at or drawn.

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
    frame = outside(sys._getframe(1))
    roots = [node_of(tensor) for tensor in outputs]
    order = ancestors_of(roots)
    ops = [node for node in order if node.op is not None]
    if record is not None and ops and not any(node in record.forward for node in ops):
        raise ValueError(
            "nothing of this graph is in the record: compute the output inside "
            "`with tg.record() as r:`"
        )
    gathering = _Gathering(outputs, roots, order, Owners(order, model, record), record, frame)
    return gathering.graph(times)


class _Gathering:
    """What is known of each node, from all sources."""

    def __init__(
        self,
        outputs: tuple[Tensor, ...],
        roots: list[Node],
        order: list[Node],
        owners: Owners,
        record: Record | None,
        frame: FrameType,
    ) -> None:
        self.roots = roots
        self.order = order
        self.owners = owners
        self.values: dict[Node, Any] = {}
        self.gradients: dict[Node, Any] = {}
        self.record = record
        self.forward = record.forward if record is not None else {}
        if record is not None:
            self._read(record)
        for root, tensor in zip(roots, outputs, strict=True):
            if root.op is not None and tensor.size == 1:
                self.values.setdefault(root, tensor.item())
        for node in order:
            if isinstance(node, Leaf) and (gradient := gradient_of(node)) is not None:
                self.gradients.setdefault(node, gradient.data)
        self.variables = variable_names(order, frame)

    def _read(self, record: Record) -> None:
        for node in self.order:
            step = record.forward.get(node)
            if step is not None:
                self.values[node] = step.value
                for parent, operand in zip(node.parents, step.operands, strict=True):
                    if isinstance(parent, Node):
                        self.values.setdefault(parent, operand)
            g = record.gradients.get(node)
            if g is not None:
                self.gradients[node] = g.data if isinstance(g, Tensor) else g

    def graph(self, times: bool) -> Graph:
        nodes: list[GraphNode] = []
        edges: list[Edge] = []
        ids: dict[Node, int] = {}
        outputs = {root for root in self.roots if root.op is not None}
        lines: dict[tuple[CodeType, int], tuple[str, int]] = {}
        for node in self.order:
            op = node.op
            sources = []
            for argument, parent in enumerate(node.parents):
                if parent is None:
                    continue
                if isinstance(parent, Node):
                    sources.append((ids[parent], argument, parent.needs_grad))
                else:  # a number has no node of its own: each use of one is drawn apart
                    sources.append((len(nodes), argument, False))
                    module = self.owners.module(node)
                    nodes.append(
                        GraphNode(len(nodes), "number", None, None, None, None, parent, module)
                    )
            place = None
            if node.code is not None:
                call = node.code, node.lasti
                place = lines.get(call)
                if place is None:
                    place = lines[call] = call[0].co_filename, line_of(*call)
            ids[node] = target = len(nodes)
            size = None if node.shape is None else math.prod(node.shape)
            kind = _kind(node, outputs)
            nodes.append(
                GraphNode(
                    id=target,
                    kind=kind,
                    op=op.name if op else None,
                    name=self.owners.name(node) or node.name or self.variables.get(node),
                    shape=node.shape,
                    dtype=None if node.dtype is None else str(node.dtype),
                    value=self.values.get(node),
                    module=self.owners.module(node),
                    gradient=self.gradients.get(node),
                    bytes=None if size is None else size * node.dtype.itemsize,
                    flops=_flops(node) if op else None,
                    place=place,
                    seconds=self._seconds(node) if times else None,
                    parameters=size or 0 if kind == "parameter" else 0,
                )
            )
            for source, argument, needs_grad in sources:
                assert op is not None
                flows = needs_grad and _has_rule(op, argument)
                edges.append(Edge(source, target, argument, flows, op.input_name(argument)))
        taken = Graph(tuple(nodes), tuple(edges), modules=self.owners.classes)
        made = [node for node in self.order if node.op is not None]
        taken.ops = {ids[node]: node.op for node in made if node.op is not None}
        taken.params = {ids[node]: self._params(node) for node in made}
        if self.record is not None:
            taken.recorded = self.record, ids
        return taken

    def _params(self, node: Node) -> dict[str, Any]:
        """The other arguments of an op, as far as they are known: numbers, axes, shapes."""
        op = node.op
        assert op is not None
        step = self.forward.get(node)
        if step is not None:
            return dict(zip(op.params, step.params))
        known: dict[str, Any] = {}
        if op.keeps and node.saved:  # all that the op was called with, to compute those again
            called = zip(op.layout, node.saved[-1])
            known = {name: value for name, value in called if name in op.params}
        for k, reads in enumerate(node.saved[: len(node.parents)] if node.saved else ()):
            slots = op.slots[0 if op.variadic else k]
            pairs = zip((op.layout[slot] for slot in slots), reads or ())
            known |= {name: value for name, value in pairs if name in op.params}
        return {name: value for name, value in known.items() if not isinstance(value, np.ndarray)}

    def _seconds(self, node: Node) -> float | None:
        step = self.forward.get(node)
        return None if step is None else step.replay_seconds()


def variable_names(order: list[Node], frame: FrameType) -> dict[Node, str]:
    """The variable that holds each value, where that is certain.

    That is so for what a call returned and the code assigned at once, and for what a variable of
    the calling function holds now. Of the ops inside one call only the last can be its result,
    and none if the call has not returned yet.
    """
    names: dict[Node, str] = {}
    under_way = set()
    outer: FrameType | None = frame
    while outer is not None:
        under_way.add((outer.f_code, outer.f_lasti))
        outer = outer.f_back
    following: dict[tuple[CodeType, int], int] = {}  # where each call made its next op
    made = [node for node in order if node.op is not None and node.code is not None]
    elsewhere = len(made)  # where the next op of another function is
    for k in range(len(made) - 1, -1, -1):
        node = made[k]
        assert node.code is not None
        if k + 1 < len(made) and made[k + 1].code is not node.code:
            elsewhere = k + 1
        call = node.code, node.lasti
        again = following.get(call)
        # A loop makes the same call again, and what comes between is in the same function. If
        # anything else does, the call may not have returned in between.
        last = again is None or k + 1 < again <= elsewhere
        if last and call not in under_way:
            name = assigned_name(*call)
            if name is not None:
                names[node] = name
        following[call] = k
    for name, value in variables(frame):
        if isinstance(value, Tensor) and value._node is not None and name.isidentifier():
            names.setdefault(value._node, name)
    return names


def ancestors_of(roots: list[Node]) -> list[Node]:
    """The roots and everything that they were computed from, oldest first."""
    found: set[Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(p for p in node.parents if isinstance(p, Node))
    return sorted(found, key=lambda node: node.serial)


def _kind(node: Node, outputs: set[Node]) -> str:
    if node.op is not None:
        return "output" if node in outputs else "op"
    return "parameter" if isinstance(node, Leaf) else "data"


def _has_rule(op: Op, argument: int) -> bool:
    rules = list(op.rule.values())
    return (rules[0] if op.variadic else rules[argument]) is not None


def _flops(node: Node) -> int | None:
    """The floating-point operations of a forward: one an element, or what its op declares."""
    op = node.op
    assert op is not None
    if node.shape is None:
        return None
    if op.flops is not None:
        shapes = [p.shape if isinstance(p, Node) else np.shape(p) for p in node.parents]
        return op.flops(node.shape, *shapes)
    return math.prod(node.shape) if op.elementwise else None
