"""The plane of a net with two inputs: where its data lies, and which value it is coloured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .data import view_data

if TYPE_CHECKING:
    from ...compiler.lowering import Lowered, View
    from ...pictures.snapshot import GraphNode, Snapshot

MOST_CLASSES = 7
MOST_COLUMNS = 64  # of a value on the way of one point


@dataclass
class Plane:
    """Data of two columns, and what the net makes of it.

    Attributes:
        x, out, labels: views of the data, of the scores or the prediction, and of the targets.
        upto: how many loops it takes to compute `out`.
        classes: their number; 0 if the net predicts a number.
        binary: whether the targets are two numbers, one for each of two classes.
        cut, middle: the numbers at which the colours of a prediction and of a target change.
        way: ids of the values with a row for each point, from the data to `out`.
    """

    x: View
    out: View
    labels: View
    upto: int
    classes: int
    binary: bool
    cut: float
    middle: float
    way: list[int]

    def data(self) -> dict[str, Any]:
        """Return it for the page."""
        return {
            "x": view_data(self.x),
            "out": view_data(self.out),
            "labels": view_data(self.labels),
            "upto": self.upto,
            "classes": self.classes,
            "binary": self.binary,
            "cut": self.cut,
            "middle": self.middle,
        }


def find_plane(graph: Snapshot, views: dict[int, View], lowered: Lowered) -> Plane | None:
    """Find data of two columns and the value that is compared with the targets.

    None without, or if there are several.
    """
    inputs: dict[int, list[int]] = {}
    for edge in graph.edges:
        inputs.setdefault(edge.target, []).append(edge.source)
    written = {loop.write.buffer for loop in lowered.loops if loop.write}
    given = [node for node in graph.nodes if node.kind == "data" and node.id in views]
    points = [node for node in given if _is_points(node) and views[node.id].buffer not in written]
    planes = [_plane_of(node, graph, inputs, views, lowered) for node in points]
    found = [plane for plane in planes if plane is not None]
    return found[0] if len(found) == 1 else None


def _plane_of(
    x: GraphNode,
    graph: Snapshot,
    inputs: dict[int, list[int]],
    views: dict[int, View],
    lowered: Lowered,
) -> Plane | None:
    """Return the plane of some data: of the first value of it that meets targets."""
    assert x.shape is not None
    nodes, rows = graph.nodes, x.shape[0]
    computed = _descendants(x.id, inputs, len(nodes))
    for node in nodes:
        if node.id not in computed:
            continue
        sources = inputs.get(node.id, [])
        known = [nodes[i] for i in sources if i != x.id and i in views]
        outs = [source for source in known if source.id in computed]
        targets = [source for source in known if source.kind == "data"]
        if not outs or not targets:
            continue
        out, target = outs[0], targets[0]
        if not out.shape or out.shape[0] != rows or not target.shape or target.shape[0] != rows:
            continue
        kind = _kind(out, target)
        if kind is None:
            continue
        classes, binary, middle = kind
        takes = {edge.source: edge.name for edge in graph.edges if edge.target == node.id}
        is_factor = graph.ops[node.id].forward is np.multiply
        # A score is above 0 for one class, and below for the other.
        is_score = takes[out.id] == "logits" or is_factor
        if is_factor and out.op is not None and graph.ops[out.id].forward is np.log:
            is_score = False
            out = next((nodes[i] for i in inputs[out.id] if i in views), out)  # the probability
        return Plane(
            x=views[x.id],
            out=views[out.id],
            labels=views[target.id],
            upto=_upto(lowered, views[out.id]),
            classes=classes,
            binary=binary,
            cut=0.0 if is_score else middle,
            middle=middle,
            way=[x.id, *_way(graph, inputs, computed, views, rows, out.id)],
        )
    return None


def _is_points(node: GraphNode) -> bool:
    rows, columns = node.shape if node.shape and len(node.shape) == 2 else (0, 0)
    return rows > 0 and columns == 2 and node.dtype in ("float32", "float64")


def _descendants(start: int, inputs: dict[int, list[int]], count: int) -> set[int]:
    computed = {start}
    for node in range(start + 1, count):
        if computed.intersection(inputs.get(node, ())):
            computed.add(node)
    return computed


def _kind(out: GraphNode, target: GraphNode) -> tuple[int, bool, float] | None:
    """Return the number of classes, or 0; whether targets are two numbers, and their middle.

    None if it is neither a classification nor the prediction of a number.
    """
    assert out.shape is not None
    labels = np.asarray(target.value)
    if labels.dtype.kind in "iu" and labels.ndim == 1 and len(out.shape) == 2:
        return _classes(out.shape[1])
    if labels.dtype.kind not in "biuf":
        return None
    if labels.shape == out.shape and _is_one_hot(labels):
        return _classes(out.shape[1])
    finite = labels[np.isfinite(labels)]
    if out.shape not in (labels.shape, (len(labels), 1)) or labels.size != len(labels):
        return None
    if not finite.size:
        return None
    is_binary = finite.size == labels.size and len(np.unique(finite)) == 2
    return 0, is_binary, (float(finite.min()) + float(finite.max())) / 2


def _classes(count: int) -> tuple[int, bool, float] | None:
    return (count, False, 0.0) if 2 <= count <= MOST_CLASSES else None


def _is_one_hot(labels: np.ndarray) -> bool:
    if labels.ndim != 2 or labels.shape[1] < 2:
        return False
    return bool(np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all())


def _way(
    graph: Snapshot,
    inputs: dict[int, list[int]],
    computed: set[int],
    views: dict[int, View],
    rows: int,
    last: int,
) -> list[int]:
    """Return the values on the way to `last`, without those that a bias is still added to."""
    nodes = graph.nodes
    uses: dict[int, list[int]] = {}
    for target, sources in inputs.items():
        for source in sources:
            uses.setdefault(source, []).append(target)
    way = []
    for node in nodes[: last + 1]:
        shape = node.shape
        if node.op is None or node.id not in computed or node.id not in views or not shape:
            continue
        if len(shape) != 2 or shape[0] != rows or shape[1] > MOST_COLUMNS:
            continue
        after = uses.get(node.id, [])
        biased = (
            len(after) == 1
            and graph.ops[after[0]].elementwise
            and any(nodes[i].kind == "parameter" for i in inputs[after[0]])
        )
        if not biased:
            way.append(node.id)
    return way


def _upto(lowered: Lowered, view: View) -> int:
    """Return how many loops of forward it takes to have a value."""
    return 1 + max(
        k
        for k, loop in enumerate(lowered.loops)
        if loop.section == "forward" and loop.write and loop.write.buffer == view.buffer
    )
