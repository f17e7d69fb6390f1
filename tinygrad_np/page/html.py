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

from ..pictures import style
from ..pictures.layout import HEAD, Box, Frame, Layout, Line, lay_out, outline
from .steps import steps_of

if TYPE_CHECKING:
    from ..pictures.snapshot import Edge, Snapshot

__all__ = ["to_html", "write_page"]

Piece = tuple[tuple[float, float], ...]  # a Bézier curve

LONGEST_LANE = 60  # pieces


def to_html(graph: Snapshot, title: str | None = None) -> str:
    """The page as text. `title` stands at its top; by default, what the graph computes.

    Raises:
        ValueError: the graph was taken without a record of values.
    """
    run = steps_of(graph)
    if title is not None:
        run["title"] = style.one_line(title, 120)
    return _filled(
        _asset("step.html"),
        TITLE=escape(run["title"]),
        TOTALS=escape(run["totals"]),
        CSS=_asset("step.css"),
        GRAPH=_drawing(lay_out(graph), run["nodes"]),
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
    """A file beside this module, without its indentation and whole-line comments."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _filled(template: str, **parts: str) -> str:
    """The template with `{{NAME}}` replaced; what is put in is not looked at again."""
    pieces = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, rest = piece.split("}}", 1)
        filled += [parts[name], rest]
    return "".join(filled)


def _json(run: dict[str, Any]) -> str:
    """JSON that can stand inside a script element, whatever the names in it are."""
    text = json.dumps(run, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# --- the graph ------------------------------------------------------------------------------------


def _drawing(layout: Layout, nodes: list[dict[str, Any]]) -> str:
    """The graph as SVG: paths marked with their edge, groups with their node."""
    width, height = layout.width, layout.height - HEAD
    parts = [
        f'<svg viewBox="0 {HEAD} {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="group" aria-label="Computation graph">'
    ]
    parts += map(_frame, layout.frames)
    arrows = [line for line in layout.lines if line.arrow]  # one for each edge, in order
    lanes: dict[tuple[float, float, bool], Line] = {}
    for line in layout.lines[: len(layout.lines) - len(arrows)]:
        x, y = line.pieces[0][0]
        lanes[x, y, line.dashed] = line
        kind = "e none" if line.dashed else "e"
        parts.append(f'<g class="{kind}"><path d="{_path(line.pieces)}"/></g>')
    for edge, arrow in zip(layout.graph.edges, arrows, strict=True):
        source = layout.boxes[edge.source]
        start = source.x, source.y + source.height / 2, arrow.dashed
        parts.append(_edge(edge, _whole(lanes.get(start), arrow)))
    uses = [0] * len(nodes)
    for edge in layout.graph.edges:
        uses[edge.source] += edge.gradient
    parts += [_node(b, nodes[b.node.id], uses[b.node.id]) for b in layout.boxes]
    return "\n".join([*parts, "</svg>"])


def _frame(frame: Frame) -> str:
    left, top = frame.left, frame.top
    return (
        f'<g class="frame"><rect x="{left:.1f}" y="{top:.1f}" width="{frame.right - left:.1f}" '
        f'height="{frame.bottom - top:.1f}" rx="9"/>'
        f'<text x="{left + 9:.1f}" y="{top + 15:.1f}">{escape(frame.text)}</text></g>'
    )


def _edge(edge: Edge, pieces: list[Piece]) -> str:
    """One edge from its source to its target, with an arrow at either end to choose from."""
    (x, y), (u, v) = pieces[0][0], pieces[-1][-1]
    kind = "e" if edge.gradient else "e none"
    return (
        f'<g class="{kind}" data-edge="{edge.target}:{edge.argument}"><path d="{_path(pieces)}"/>'
        f'<path class="tip" d="M{u:.1f},{v:.1f}l-4.5,-9h9z"/>'
        f'<path class="back" d="M{x:.1f},{y:.1f}l-5.5,10h11z"/></g>'
    )


def _path(pieces: list[Piece]) -> str:
    x, y = pieces[0][0]
    return f"M{x:.1f},{y:.1f}" + "".join(
        "C" + " ".join(f"{a:.1f},{b:.1f}" for a, b in piece[1:]) for piece in pieces
    )


def _whole(lane: Line | None, arrow: Line) -> list[Piece]:
    """The pieces of an edge, those of the lane that it shares with others included.

    Not of a very long lane: a thousand uses of one value would each repeat it.
    """
    ends = [piece[-1] for piece in lane.pieces] if lane is not None else []
    start = arrow.pieces[0][0]
    if lane is None or start not in ends[:LONGEST_LANE]:
        return arrow.pieces
    return [*lane.pieces[: ends.index(start) + 1], *arrow.pieces]


def _node(box: Box, about: dict[str, Any], uses: int) -> str:
    node, x, y, w, h = box.node, box.x, box.y, box.width, box.height
    look = style.KINDS[node.kind].shape
    name = about["name"]
    if node.name:  # short inside of a module's frame, but with the number that tells it apart
        number = name.removeprefix(style.one_line(node.name, 30))
        bold = style.bold(node)
        named = node.name in bold
        name = bold.replace(node.name, node.name + number) if named else bold + number
    label = f"{name} {node.size_text}, {style.KINDS[node.kind].legend}"
    parts = [
        f'<g class="n {node.kind}" data-node="{node.id}" role="button" tabindex="-1" '
        f'aria-label="{escape(label)}">',
        _shape(look, x, y, w, h),
    ]
    size = f'<tspan dx="8" class="size">{node.size_text}</tspan>' if node.size_text else ""
    below = " ".join(row.text for row in style.rows(node))
    shift = -3 if below else 5
    text = f"<tspan>{escape(name)}</tspan>{size}"
    parts.append(f'<text x="{x:.1f}" y="{y + shift:.1f}">{text}</text>')
    if below:
        parts.append(f'<text class="quiet" x="{x:.1f}" y="{y + 14:.1f}">{escape(below)}</text>')
    if about.get("needs"):
        parts.append(_badge(x + w / 2 - 4, y - h / 2 - 1, uses))
    return "".join([*parts, "</g>"])


def _badge(x: float, y: float, uses: int) -> str:
    """What says that a gradient has arrived; where a value was used twice, how much of it."""
    wide = 15 if uses > 1 else 7
    y -= 4 if uses > 1 else 0  # above the text, which it could cover
    return (
        f'<g class="badge" data-uses="{uses}"><rect x="{x - wide:.1f}" y="{y - 8:.1f}" '
        f'width="{2 * wide}" height="16" rx="7"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}">∂</text></g>'
    )


def _shape(shape: str, x: float, y: float, w: float, h: float) -> str:
    if shape == "ellipse":
        return f'<ellipse class="box" cx="{x:.1f}" cy="{y:.1f}" rx="{w / 2:.1f}" ry="{h / 2:.1f}"/>'
    if shape in ("parallelogram", "octagon"):
        corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in outline(shape, x, y, w, h))
        return f'<polygon class="box" points="{corners}"/>'
    rects = [(0, "box")] + ([(3, "inner")] if shape == "double box" else [])
    radius = 8 if shape == "rounded box" else 1
    return "".join(
        f'<rect class="{name}" x="{x - w / 2 + d:.1f}" y="{y - h / 2 + d:.1f}" '
        f'width="{w - 2 * d:.1f}" height="{h - 2 * d:.1f}" rx="{radius}"/>'
        for d, name in rects
    )
