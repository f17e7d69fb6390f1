"""A `Layout` as SVG text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from . import style, svg
from .layout import LEGEND_Y, SIGN_HEIGHT, SIGN_WIDTH, TITLE_Y, Box, Frame, Layout, Line, Sign

if TYPE_CHECKING:
    from .snapshot import GraphNode

SANS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
MONO = "Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace"
SMALL: dict[str, Any] = {"font_size": style.QUIET_SIZE}
QUIET: dict[str, Any] = {
    "font_size": style.QUIET_SIZE,
    "fill": style.QUIET,
}
DASHES: dict[str, Any] = {"stroke_dasharray": "5 4"}
NUMBER: dict[str, Any] = {"font_family": MONO, "font_size": style.MONO_SIZE}


def draw_svg(layout: Layout) -> str:
    """Draw a complete SVG document, which can also stand inside an HTML page.

    It uses no ids and no style sheet: several of them on one page stay out of each other's way.
    """
    width, height = f"{layout.width:.0f}", f"{layout.height:.0f}"
    graph = layout.graph
    title, totals = escape(style.heading(graph)), escape(style.subtitle(graph, layout.view))
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{SANS}" '
        f'font-size="{style.BOLD_SIZE}" text-anchor="middle" fill="{style.INK}">'
    )
    heading = svg.element(
        "text",
        svg.element("tspan", title, font_weight="bold"),
        svg.element("tspan", totals, dx=12, font_size=style.BOLD_SIZE, fill=style.QUIET),
        x=layout.width / 2,
        y=TITLE_Y,
        font_size=style.TITLE_SIZE,
    )
    parts = [
        start,
        svg.element("title", f"{title}: {totals}"),
        svg.element("rect", width=width, height=height, fill="white"),
        heading,
        *map(_sign, layout.legend),
        *map(_frame, layout.frames),
        f'<g fill="none" stroke="{style.EDGE}" stroke-width="1.4">',
        *map(_curve, layout.lines),
        "</g>",
        f'<g fill="{style.EDGE}">',
        *(svg.arrow(*line.tip, 8, 9) for line in layout.lines if line.arrow),
        "</g>",
        *map(_frame_title, layout.frames),
        *(_node(box, layout.view) for box in layout.boxes),
        *(_beside(line) for line in layout.lines if line.label),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _frame(frame: Frame) -> str:
    return svg.element(
        "rect",
        x=frame.left,
        y=frame.top,
        width=frame.right - frame.left,
        height=frame.bottom - frame.top,
        rx=9,
        fill=style.FRAME_FILL,
        stroke=style.FRAME,
    )


def _frame_title(frame: Frame) -> str:
    """Write the title of a frame over the lines that enter there."""
    x, y, width = frame.title
    ground = svg.rect(x + width / 2, y - 4, width + 6, 14, fill=style.FRAME_FILL)
    words = svg.text(frame.text, x, y, text_anchor="start", font_weight="bold", **QUIET)
    return svg.element("g", ground, words)


def _beside(line: Line) -> str:
    x, y = line.tip
    look = {"text_anchor": "start", "font_family": MONO, **QUIET}
    return svg.text(line.label, x + 6, y - 5, **look)


def _shape(kind: str, x: float, y: float, w: float, h: float, color: str | None = None) -> str:
    look = style.KINDS[kind]
    paint: dict[str, Any] = {"fill": color or look.fill, "stroke": look.line}
    if look.shape == "ellipse":
        return svg.ellipse(x, y, w, h, **paint)
    if look.shape == "parallelogram":
        return svg.polygon(look.shape, x, y, w, h, **paint)
    if look.shape == "octagon":
        return svg.polygon(look.shape, x, y, w, h, **paint, stroke_width=2)
    radius = min(9.0, h / 3) if look.shape == "rounded box" else 0
    box = svg.rect(x, y, w, h, rx=f"{radius:g}", **paint)
    step = 3 if h > 20 else 2
    if look.shape == "pile":
        below = [svg.rect(x + d, y + d, w, h, **paint) for d in (2 * step, step)]
        return "".join([*below, box])
    if look.shape == "double box":
        inner = {"fill": "none", "stroke": look.line}
        box += svg.rect(x, y, w - 2 * step, h - 2 * step, **inner)
    return box


def _node(box: Box, view: style.View) -> str:
    node = box.node
    color = style.fill(node, view)
    parts = [
        svg.element("title", escape(_tooltip(node))),
        _shape(node.kind, box.x, box.y, box.width, box.height, color),
    ]
    header = style.bold(node)
    if node.kind == "number":
        parts.append(svg.text(header, box.x, box.y + 4.5, **NUMBER))
        return svg.element("g", *parts)
    y = box.y - box.height / 2 + 20
    spans = [svg.element("tspan", escape(header), font_weight="bold")]
    if node.size_text:
        spans.append(svg.element("tspan", node.size_text, dx=8, **NUMBER))
    parts.append(svg.element("text", *spans, x=box.x, y=y))
    for row in style.rows(node, view):
        y += style.ROW_HEIGHT
        parts.append(svg.text(row.text, box.x, y, **SMALL, fill=row.color))
    return svg.element("g", *parts)


def _tooltip(node: GraphNode) -> str:
    parts = (style.one_line(node.header, 400), node.size_text, node.dtype or "", f"({node.kind})")
    return " ".join(filter(None, parts))


def _sign(sign: Sign) -> str:
    if sign.kind == "dashed":
        start = (sign.x - SIGN_WIDTH / 2, LEGEND_Y)
        end = (sign.x + SIGN_WIDTH / 2, LEGEND_Y)
        piece = (start, start, end, end)
        shape = svg.curve([piece], fill="none", stroke=style.EDGE, **DASHES)
    else:
        shape = _shape(sign.kind, sign.x, LEGEND_Y, SIGN_WIDTH, SIGN_HEIGHT)
    words = svg.text(sign.text, sign.text_x, LEGEND_Y + 4, text_anchor="start", **QUIET)
    return svg.element("g", shape, words)


def _curve(line: Line) -> str:
    return svg.curve(line.pieces, **(DASHES if line.dashed else {}))
