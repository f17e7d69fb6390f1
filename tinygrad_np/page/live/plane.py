"""The plane of a net with two inputs: where its data lies, and which value it is coloured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .data import view_data, written_buffer

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
        middle: the number at which the colour of a prediction changes.
        way: ids of the values with a row for each point, from the data to `out`.
    """

    x: View
    out: View
    labels: View | None
    upto: int
    classes: int
    middle: float
    way: list[int]

    def data(self) -> dict[str, Any]:
        """Return it for the page."""
        return {
            "x": view_data(self.x),
            "out": view_data(self.out),
            "labels": self.labels and view_data(self.labels),
            "upto": self.upto,
            "classes": self.classes,
            "middle": self.middle,
        }


def find_plane(graph: Snapshot, views: dict[int, View], lowered: Lowered) -> Plane | None:
    """Find data of two columns and the value that is compared with the targets; None without."""
    inputs: dict[int, list[int]] = {}
    for edge in graph.edges:
        inputs.setdefault(edge.target, []).append(edge.source)
    nodes = graph.nodes
    data = [n for n in nodes if n.kind == "data" and n.id in views and _is_floats(n, 2)]
    if len(data) != 1:
        return None
    x = data[0]
    assert x.shape is not None
    rows = x.shape[0]
    computed = _descendants(x.id, inputs, len(nodes))
    for node in nodes:
        if node.id not in computed:
            continue
        sources = inputs.get(node.id, [])
        outs = [nodes[i] for i in sources if i in computed and i in views]
        targets = [
            nodes[i] for i in sources if nodes[i].kind == "data" and i != x.id and i in views
        ]
        if not outs or not targets:
            continue
        out, target = outs[0], targets[0]
        if not out.shape or out.shape[0] != rows or not target.shape or target.shape[0] != rows:
            continue
        kind = _kind(out, target)
        if kind is None:
            continue
        classes, middle = kind
        way = [x.id, *_way(graph, inputs, computed, views, rows, out.id)]
        upto = _upto(lowered, views[out.id])
        labels = views[target.id]
        return Plane(views[x.id], views[out.id], labels, upto, classes, middle, way)
    return None


def _is_floats(node: GraphNode, columns: int) -> bool:
    shape = node.shape or ()
    return len(shape) == 2 and shape[1] == columns and node.dtype in ("float32", "float64")


def _descendants(start: int, inputs: dict[int, list[int]], count: int) -> set[int]:
    computed = {start}
    for node in range(start + 1, count):
        if computed.intersection(inputs.get(node, ())):
            computed.add(node)
    return computed


def _kind(out: GraphNode, target: GraphNode) -> tuple[int, float] | None:
    """Return the number of classes, or 0 and the middle of the targets; None if it is neither."""
    assert out.shape is not None
    labels = np.asarray(target.value)
    if labels.dtype.kind in "iu" and labels.ndim == 1 and len(out.shape) == 2:
        classes = out.shape[1]
        return (classes, 0.0) if 2 <= classes <= MOST_CLASSES else None
    if labels.dtype.kind not in "biuf" or out.shape not in (labels.shape, (len(labels), 1)):
        return None
    if labels.size != len(labels):
        return None
    return 0, float((labels.min() + labels.max()) / 2)


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
        if loop.section == "forward" and written_buffer(loop) == view.buffer
    )
