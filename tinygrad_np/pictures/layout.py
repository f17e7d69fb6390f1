"""The built-in layout: the places of boxes, lines and frames, in pixels.

`lay_out(graph)` needs nothing but Python. SVG and PNG are painted from what it returns.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from . import style
from .clusters import PADDING, Band, bands, label
from .columns import columns, spread
from .layers import Layered, assign_layers

if TYPE_CHECKING:
    from collections.abc import Collection

    from .snapshot import GraphNode, Snapshot

MARGIN = 20
TITLE_Y, LEGEND_Y, HEAD = 32, 54, 66  # baseline of the title, middle of the legend, end of both
SIGN_WIDTH, SIGN_HEIGHT = 22, 14  # of the legend's signs
LAYER_GAP = 38
PORT_GAP = 14  # between the arrows that enter one node
FRAME_HEAD = 12  # the label of a frame, besides its padding
LABEL_HEIGHT = 15  # of the texts beside arrows

Point = tuple[float, float]  # x and y, or a width and a height, or a top and a bottom


class Box(NamedTuple):
    """A node, its centre and its size."""

    node: GraphNode
    x: float
    y: float
    width: float
    height: float


class Frame(NamedTuple):
    """A module: the rectangle around its nodes, and its label."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def title(self) -> tuple[float, float, float]:
        """Return the start and the baseline of its label, and the label's width."""
        width = style.text_width(self.text, style.QUIET_SIZE)
        return self.left + 10, self.top + 15, width


class Line(NamedTuple):
    """An edge, or what several edges from one source have in common.

    `pieces` are Bézier curves of four (x, y) points each that join end to end. The last one ends
    downwards, at the tip of the arrow if there is one. `label` stands beside the tip.
    """

    pieces: list[tuple[Point, ...]]
    dashed: bool
    arrow: bool
    label: str = ""

    @property
    def tip(self) -> tuple[float, float]:
        """The end of the last piece."""
        return self.pieces[-1][-1]


class Sign(NamedTuple):
    """An entry of the legend: a kind or "dashed", the middle of its sign, the start of its text."""

    kind: str
    text: str
    x: float
    text_x: float

    def moved(self, by: float) -> Sign:
        """Return the entry further to the right."""
        return self._replace(x=self.x + by, text_x=self.text_x + by)


class Layout(NamedTuple):
    """A drawing: its size and everything on it, in pixels; boxes in the order of the nodes,
    frames with the outer ones first."""

    graph: Snapshot
    width: float
    height: float
    boxes: list[Box]
    lines: list[Line]
    legend: list[Sign]
    frames: list[Frame]
    view: style.View


def lay_out(graph: Snapshot, shown: Collection[str] = ()) -> Layout:
    """Place the nodes in layers from top to bottom, and the edges between them.

    `shown` is what the boxes and lines tell: words of `SHOWABLE`.
    """
    view = style.View.of(graph, shown)
    labels = [style.edge_label(graph, edge, view) for edge in graph.edges]
    layered = assign_layers(graph)
    sizes = _sizes(graph, view, labels)
    widths = [width for width, _ in sizes]
    xs = columns(layered, widths)
    left = min(*xs, *(x - width / 2 for x, width in zip(xs, widths)))
    right = max(*xs, *(x + width / 2 for x, width in zip(xs, widths)))
    row_of = {item: k for k, items in enumerate(layered.order) for item in items}
    row = [row_of[i] for i in range(len(xs))]
    modules = bands(layered.nests, row, xs, widths)
    left = min([left, *(band.left for band in modules)])
    right = max([right, *(band.right for band in modules)])
    title = f"{style.heading(graph)}   {style.subtitle(graph, view)}"
    heading = style.text_width(title, style.TITLE_SIZE)
    signs = _legend(graph)
    width = max(right - left, heading, -2 * signs[0].x) + 2 * MARGIN
    shift = (width - left - right) / 2
    xs = [x + shift for x in xs]
    rows, height = _rows(layered, sizes, xs, modules, LABEL_HEIGHT if any(labels) else 0)
    boxes = []
    for node, (w, h) in zip(graph.nodes, sizes):
        top, bottom = rows[row[node.id]]
        middle = (top + bottom) / 2
        boxes.append(Box(node, xs[node.id], middle, w, h))
    lines = _lines(graph, layered, boxes, xs, [rows[k] for k in row], labels)
    frames = [_frame(graph, band, shift, rows) for band in modules]
    legend = [sign.moved(width / 2) for sign in signs]
    return Layout(graph, width, height + MARGIN, boxes, lines, legend, frames, view)


def outline(shape: str, x: float, y: float, w: float, h: float) -> list[Point]:
    """Return the corners of a parallelogram or an octagon of this size around (x, y)."""
    left, right = x - w / 2, x + w / 2
    top, bottom = y - h / 2, y + h / 2
    cut = h / 5
    if shape == "parallelogram":
        return [(left + cut, top), (right, top), (right - cut, bottom), (left, bottom)]
    corners = [(left + cut, top), (right - cut, top), (right, top + cut), (right, bottom - cut)]
    return corners + [(2 * x - a, 2 * y - b) for a, b in corners]


def _legend(graph: Snapshot) -> list[Sign]:
    """Return the row that explains the shapes, centred on 0."""
    entries = [(kind, style.KINDS[kind].legend) for kind in style.kinds_in(graph)]
    if style.has_dashed(graph):
        entries.append(("dashed", style.DASHED))
    signs = []
    x = 0.0
    for kind, text in entries:
        text_x = x + SIGN_WIDTH + 6
        signs.append(Sign(kind, text, x + SIGN_WIDTH / 2, text_x))
        x = text_x + style.text_width(text, style.QUIET_SIZE) + 14
    return [sign.moved(-(x - 14) / 2) for sign in signs]


# --- rows and lines -------------------------------------------------------------------------------


def _sizes(graph: Snapshot, view: style.View, labels: list[str]) -> list[Point]:
    """Width and height of each node, with room for the labels of the arrows that enter it."""
    sizes = [style.box_size(node, view) for node in graph.nodes]
    if any(labels):
        wide = [28.0] * len(sizes)
        for edge, text in zip(graph.edges, labels):
            wide[edge.target] += _label_width(text)
        sizes = [(max(w, least), h) for (w, h), least in zip(sizes, wide)]
    return sizes


def _label_width(text: str) -> float:
    return style.text_width(text, style.QUIET_SIZE, mono=True) + 12


def _frame(graph: Snapshot, band: Band, shift: float, rows: list[Point]) -> Frame:
    levels = band.inside + 1
    top = rows[band.first][0] - levels * (PADDING + FRAME_HEAD)
    bottom = rows[band.last][1] + levels * PADDING
    text = style.one_line(label(graph, band.path))
    return Frame(text, band.left + shift, top, band.right + shift, bottom)


def _rows(
    layered: Layered,
    sizes: list[Point],
    xs: list[float],
    modules: list[Band],
    extra: float,
) -> tuple[list[Point], float]:
    """Return top and bottom of every layer, and the bottom of all."""
    begins: dict[int, int] = {}
    ends: dict[int, int] = {}
    for band in modules:
        begins[band.first] = max(begins.get(band.first, 0), band.inside + 1)
        ends[band.last] = max(ends.get(band.last, 0), band.inside + 1)
    rows: list[Point] = []
    y = float(HEAD + MARGIN)
    n = len(sizes)
    for k, items in enumerate(layered.order):
        y += begins.get(k, 0) * (PADDING + FRAME_HEAD)
        if rows:
            reaches = [abs(xs[i] - xs[u]) for i in items for u in layered.above[i]]
            aside = min(80.0, 0.06 * max(reaches, default=0))  # for lines that go far to a side
            y += LAYER_GAP + extra + aside
        height = max((sizes[i][1] for i in items if i < n), default=0.0)
        rows.append((y, y + height))
        y += height
        if ends.get(k):
            y += ends[k] * PADDING
    return rows, y


def _lines(
    graph: Snapshot,
    layered: Layered,
    boxes: list[Box],
    xs: list[float],
    rows: list[Point],
    labels: list[str],
) -> list[Line]:
    """Return the edges, with their ends spread over the top of each target."""
    ends = _ends(graph, layered, boxes, xs, labels)
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
        lines.append(Line(pieces, not edge.gradient, True, labels[k]))
    return lines


def _ends(
    graph: Snapshot, layered: Layered, boxes: list[Box], xs: list[float], labels: list[str]
) -> dict[int, float]:
    """Return the place of each edge's end on the top of its target, in argument order."""
    entering: dict[int, list[int]] = {}
    for k, edge in enumerate(graph.edges):
        entering.setdefault(edge.target, []).append(k)
    ends: dict[int, float] = {}
    for target, edges in entering.items():
        box = boxes[target]
        texts = [labels[k] for k in edges]
        room = box.width / 2 - 14
        gap = min(PORT_GAP, 2 * room / max(1, len(edges) - 1))
        offsets = [gap * k for k in range(len(edges))]
        if any(texts):
            offsets = list(accumulate(map(_label_width, texts[:-1]), initial=0.0))
        wishes = [xs[layered.comes_from[k]] for k in edges]
        tail = _label_width(texts[-1]) if texts[-1] else 0.0
        first = box.x - room
        last = box.x + room - offsets[-1] - tail
        places = spread(wishes, offsets, [1.0] * len(edges))
        for k, x, offset in zip(edges, places, offsets):
            ends[k] = max(min(x - offset, last), first) + offset
    return ends


def _exit(item: int, boxes: list[Box], xs: list[float], rows: list[Point]) -> Point:
    """Return the point at which lines leave an item downwards."""
    bottom = boxes[item].y + boxes[item].height / 2 if item < len(boxes) else rows[item][1]
    return xs[item], bottom


def _curve(x: float, y: float, to_x: float, to_y: float) -> tuple[Point, ...]:
    """A Bézier curve that leaves and arrives vertically."""
    middle = (y + to_y) / 2
    return (x, y), (x, middle), (to_x, middle), (to_x, to_y)
