"""The built-in layout: where everything is, in pixels.

`lay_out(graph)` needs nothing but Python. SVG and PNG are painted from what it returns.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from . import style
from .columns import columns, spread
from .layers import Layered, assign_layers

if TYPE_CHECKING:
    from ..snapshot import Graph, GraphNode

__all__ = ["Box", "Layout", "Line", "Sign", "lay_out", "outline"]

MARGIN = 20
TITLE_Y, LEGEND_Y, HEAD = 32, 54, 66  # baseline of the title, middle of the legend, end of both
SIGN_WIDTH, SIGN_HEIGHT = 22, 14  # of the legend's signs
LAYER_GAP = 38
PORT_GAP = 14  # between the arrows that enter one node


class Box(NamedTuple):
    """A node, its centre and its size."""

    node: GraphNode
    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """An edge, or what several edges from one source have in common.

    `pieces` are Bézier curves of four (x, y) points each that join end to end. The last one ends
    downwards, at the tip of the arrow if there is one.
    """

    pieces: list[tuple[tuple[float, float], ...]]
    dashed: bool
    arrow: bool


class Sign(NamedTuple):
    """An entry of the legend: a kind, the middle of its sign and the start of its text."""

    kind: str
    x: float
    text_x: float


class Layout(NamedTuple):
    """A drawing: its size and everything on it, in pixels; boxes in the order of the nodes."""

    graph: Graph
    width: float
    height: float
    boxes: list[Box]
    lines: list[Line]
    legend: list[Sign]


def lay_out(graph: Graph) -> Layout:
    """Place the nodes in layers from top to bottom, and the edges between them."""
    layered = assign_layers(graph)
    sizes = [style.box_size(node) for node in graph.nodes]
    xs = columns(layered, [width for width, _ in sizes])
    left = min(xs[i] - w / 2 for i, (w, _) in enumerate(sizes))
    right = max(xs[i] + w / 2 for i, (w, _) in enumerate(sizes))
    left, right = min(left, min(xs)), max(right, max(xs))
    heading = style.text_width(f"{style.heading(graph)}   {graph.totals}", style.TITLE_SIZE)
    signs = _legend(graph)
    width = max(right - left, heading, -2 * signs[0].x) + 2 * MARGIN
    shift = (width - left - right) / 2
    xs = [x + shift for x in xs]
    rows, height = _rows(layered, sizes, xs)
    boxes = []
    row_of = {item: k for k, items in enumerate(layered.order) for item in items}
    for node, (w, h) in zip(graph.nodes, sizes):
        top, bottom = rows[row_of[node.id]]
        boxes.append(Box(node, xs[node.id], (top + bottom) / 2, w, h))
    lines = _lines(graph, layered, boxes, xs, [rows[row_of[i]] for i in range(len(xs))])
    legend = [Sign(kind, x + width / 2, text_x + width / 2) for kind, x, text_x in signs]
    return Layout(graph, width, height + MARGIN, boxes, lines, legend)


def outline(shape: str, x: float, y: float, w: float, h: float) -> list[tuple[float, float]]:
    """The corners of a parallelogram or an octagon of this size around (x, y)."""
    left, right, top, bottom = x - w / 2, x + w / 2, y - h / 2, y + h / 2
    cut = h / 5
    if shape == "parallelogram":
        return [(left + cut, top), (right, top), (right - cut, bottom), (left, bottom)]
    corners = [(left + cut, top), (right - cut, top), (right, top + cut), (right, bottom - cut)]
    return corners + [(2 * x - a, 2 * y - b) for a, b in corners]


def _legend(graph: Graph) -> list[Sign]:
    """The row that explains the shapes, centred on 0."""
    signs = []
    x = 0.0
    for kind in style.kinds_in(graph):
        text_x = x + SIGN_WIDTH + 6
        signs.append((kind, x + SIGN_WIDTH / 2, text_x))
        x = text_x + style.text_width(style.KINDS[kind].legend, style.QUIET_SIZE) + 14
    half = (x - 14) / 2
    return [Sign(kind, sign_x - half, text_x - half) for kind, sign_x, text_x in signs]


# --- rows and lines -------------------------------------------------------------------------------


def _rows(
    layered: Layered, sizes: list[tuple[float, float]], xs: list[float]
) -> tuple[list[tuple[float, float]], float]:
    """Top and bottom of every layer, and the bottom of all."""
    rows: list[tuple[float, float]] = []
    y = float(HEAD + MARGIN)
    n = len(sizes)
    for items in layered.order:
        if rows:
            reach = max((abs(xs[i] - xs[u]) for i in items for u in layered.above[i]), default=0)
            y += LAYER_GAP + min(80.0, 0.06 * reach)  # room for lines that go far to the side
        height = max((sizes[i][1] for i in items if i < n), default=0.0)
        rows.append((y, y + height))
        y += height
    return rows, y


def _lines(
    graph: Graph,
    layered: Layered,
    boxes: list[Box],
    xs: list[float],
    rows: list[tuple[float, float]],
) -> list[Line]:
    """The edges, with their ends spread over the top of each target in argument order."""
    entering: dict[int, list[int]] = {}
    for k, edge in enumerate(graph.edges):
        entering.setdefault(edge.target, []).append(k)
    ends: dict[int, float] = {}
    for target, edges in entering.items():
        box = boxes[target]
        room = box.width / 2 - 14
        gap = min(PORT_GAP, 2 * room / max(1, len(edges) - 1))
        offsets = [gap * k for k in range(len(edges))]
        wanted = [xs[layered.comes_from[k]] for k in edges]
        first, last = box.x - room, box.x + room - offsets[-1]
        for k, x, offset in zip(edges, spread(wanted, offsets, [1.0] * len(edges)), offsets):
            ends[k] = min(max(x - offset, first), last) + offset
    lines = []
    for (source, gradient), places in layered.lanes.items():
        pieces = []
        for upper, place in pairwise([source, *places]):
            top, bottom = rows[place]
            x = xs[place]
            pieces.append(_curve(*_exit(upper, boxes, xs, rows), x, top))
            pieces.append(_curve(x, top, x, bottom))
        lines.append(Line(pieces, dashed=not gradient, arrow=False))
    for k, (upper, edge) in enumerate(zip(layered.comes_from, graph.edges)):
        box, x, top = boxes[edge.target], ends[k], rows[edge.target][0]
        pieces = [_curve(*_exit(upper, boxes, xs, rows), x, top)]
        if box.y - box.height / 2 > top:
            pieces.append(_curve(x, top, x, box.y - box.height / 2))
        lines.append(Line(pieces, dashed=not edge.gradient, arrow=True))
    return lines


def _exit(
    item: int, boxes: list[Box], xs: list[float], rows: list[tuple[float, float]]
) -> tuple[float, float]:
    """Where lines leave an item downwards."""
    bottom = boxes[item].y + boxes[item].height / 2 if item < len(boxes) else rows[item][1]
    return xs[item], bottom


def _curve(x: float, y: float, to_x: float, to_y: float) -> tuple[tuple[float, float], ...]:
    """A Bézier curve that leaves and arrives vertically."""
    middle = (y + to_y) / 2
    return (x, y), (x, middle), (to_x, middle), (to_x, to_y)
