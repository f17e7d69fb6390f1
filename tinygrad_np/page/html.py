"""The step-through page: one HTML file that shows a recorded run, step by step.

The page is put together from `step.html`, `step.css` and `step.js`, the graph as SVG, and the
steps as JSON. It loads nothing else, and needs no server.
"""

from __future__ import annotations

import json
import os
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pictures import style, svg
from ..pictures.layout import HEAD, Box, Frame, Layout, Line, lay_out
from .names import numbered
from .steps import steps_of

if TYPE_CHECKING:
    from ..pictures.snapshot import Edge, Snapshot

Piece = tuple[tuple[float, float], ...]  # a Bézier curve

LONGEST_LANE = 60  # pieces


def to_html(graph: Snapshot, title: str | None = None) -> str:
    """Return the page as text. `title` stands at its top; by default, the graph's own.

    Raises:
        ValueError: the graph was taken without a record of values.
    """
    run = steps_of(graph)
    names = [node["name"] for node in run["nodes"]]
    if title is not None:
        run["title"] = style.one_line(title, 120)
    return _fill(
        _asset("step.html"),
        TITLE=escape(run["title"]),
        TOTALS=escape(run["totals"]),
        CSS=_asset("step.css"),
        GRAPH=_drawing(lay_out(numbered(graph, names)), run["nodes"]),
        RUN=_json(run),
        JS=_asset("step.js"),
    )


def write_page(graph: Snapshot, path: str | os.PathLike[str], title: str | None = None) -> Path:
    """Write `to_html` to a file, see `Graph.html`."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"html() writes an .html file, not {path.name!r}")
    text = to_html(graph, title)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"can't write {path}: there is no folder {path.parent}")
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _asset(name: str) -> str:
    """Read a file beside this module, without its indentation and whole-line comments."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _fill(template: str, **parts: str) -> str:
    """Return the template with each `{{NAME}}` replaced, those in the replacements excepted."""
    pieces = template.split("{{")
    texts = [pieces[0]]
    for piece in pieces[1:]:
        name, rest = piece.split("}}", 1)
        texts += [parts[name], rest]
    return "".join(texts)


def _json(run: dict[str, Any]) -> str:
    """Return JSON that can stand inside a script element, whatever the names in it are."""
    text = json.dumps(run, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# --- the graph ------------------------------------------------------------------------------------


def _drawing(layout: Layout, nodes: list[dict[str, Any]]) -> str:
    """Draw the graph as SVG: paths marked with their edge, groups with their node."""
    width, height = layout.width, layout.height - HEAD
    parts = [
        f'<svg viewBox="0 {HEAD} {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="group" aria-label="Computation graph">'
    ]
    parts += map(_frame, layout.frames)
    arrows = [line for line in layout.lines if line.arrow]  # one for each edge, in order
    lanes: dict[tuple[float, float, bool], Line] = {}
    for line in layout.lines:
        if line.arrow:
            continue
        x, y = line.pieces[0][0]
        lanes[x, y, line.dashed] = line
        kind = "e none" if line.dashed else "e"
        curve = svg.curve(line.pieces)
        parts.append(svg.element("g", curve, class_=kind))
    for edge, arrow in zip(layout.graph.edges, arrows, strict=True):
        source = layout.boxes[edge.source]
        bottom = source.y + source.height / 2
        lane = lanes.get((source.x, bottom, arrow.dashed))
        parts.append(_edge(edge, _pieces(lane, arrow)))
    parts += map(_frame_title, layout.frames)
    uses = [0] * len(nodes)
    for edge in layout.graph.edges:
        uses[edge.source] += edge.gradient
    for box in layout.boxes:
        k = box.node.id
        parts.append(_node(box, nodes[k], uses[k]))
    parts.append("</svg>")
    return "\n".join(parts)


def _frame(frame: Frame) -> str:
    left, top = frame.left, frame.top
    width = frame.right - left
    height = frame.bottom - top
    return svg.element("rect", x=left, y=top, width=width, height=height, rx=9, class_="frame")


def _frame_title(frame: Frame) -> str:
    """Write the title of a frame over the lines that enter there."""
    x, y, _ = frame.title
    return svg.text(frame.text, x, y, class_="title")


def _edge(edge: Edge, pieces: list[Piece]) -> str:
    """Write one edge from its source to its target, with an arrow at either end."""
    return svg.element(
        "g",
        svg.curve(pieces),
        svg.arrow(*pieces[-1][-1], 9, 9, class_="tip"),
        svg.arrow(*pieces[0][0], 11, -10, class_="back"),
        class_="e" if edge.gradient else "e none",
        data_edge=f"{edge.target}:{edge.argument}",
    )


def _pieces(lane: Line | None, arrow: Line) -> list[Piece]:
    """Return the pieces of an edge, those of the lane that it shares with others included.

    Not of a very long lane: a thousand uses of one value would each repeat it.
    """
    if lane is None:
        return arrow.pieces
    start = arrow.pieces[0][0]
    ends = [piece[-1] for piece in lane.pieces[:LONGEST_LANE]]
    if start not in ends:
        return arrow.pieces
    last = ends.index(start)
    return lane.pieces[: last + 1] + arrow.pieces


def _node(box: Box, about: dict[str, Any], uses: int) -> str:
    node, x, y = box.node, box.x, box.y
    kind = style.KINDS[node.kind]
    heading = style.bold(node)
    label = f"{heading} {node.size_text}, {kind.legend}"
    parts = [
        f'<g class="n {node.kind}" data-node="{node.id}" role="button" tabindex="-1" '
        f'aria-label="{escape(label)}">',
        _shape(kind.shape, x, y, box.width, box.height),
    ]
    words = [svg.element("tspan", escape(heading))]
    if node.size_text:
        words.append(svg.element("tspan", node.size_text, dx=8, class_="size"))
    below = " ".join(row.text for row in style.rows(node))
    baseline = y - 3 if below else y + 5
    parts.append(svg.element("text", *words, x=x, y=baseline))
    if below:
        parts.append(svg.text(below, x, y + 14, class_="quiet"))
    if about.get("needs"):
        right = x + box.width / 2
        top = y - box.height / 2
        parts.append(_badge(right - 4, top - 1, uses))
    return "".join([*parts, "</g>"])


def _badge(x: float, y: float, uses: int) -> str:
    """Write the sign of a gradient that arrived; of a value used twice, how much of it."""
    half = 15 if uses > 1 else 7
    y -= 4 if uses > 1 else 0  # above the text, which it could cover
    box = svg.rect(x, y, 2 * half, 16, rx=7)
    sign = svg.text("∂", x, y + 4)
    return svg.element("g", box, sign, class_="badge", data_uses=uses)


def _shape(shape: str, x: float, y: float, w: float, h: float) -> str:
    if shape == "ellipse":
        return svg.ellipse(x, y, w, h, class_="box")
    if shape in ("parallelogram", "octagon"):
        return svg.polygon(shape, x, y, w, h, class_="box")
    radius = 8 if shape == "rounded box" else 1
    box = svg.rect(x, y, w, h, rx=radius, class_="box")
    if shape == "double box":
        box += svg.rect(x, y, w - 6, h - 6, rx=radius, class_="inner")
    return box
