"""A `Layout` as SVG text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from . import style
from .layout import (
    LEGEND_Y,
    SIGN_HEIGHT,
    SIGN_WIDTH,
    TITLE_Y,
    Box,
    Frame,
    Layout,
    Line,
    Sign,
    outline,
)

if TYPE_CHECKING:
    from .snapshot import GraphNode

__all__ = ["draw_svg"]

SANS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
MONO = "Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace"


def draw_svg(layout: Layout) -> str:
    """The drawing as a complete SVG document, which can also stand inside an HTML page.

    It uses no ids and no style sheet: several of them on one page stay out of each other's way.
    """
    width, height = f"{layout.width:.0f}", f"{layout.height:.0f}"
    graph = layout.graph
    title, totals = escape(style.heading(graph)), escape(style.subtitle(graph, layout.view))
    middle = layout.width / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{SANS}" '
        f'font-size="{style.BOLD_SIZE}" text-anchor="middle" fill="{style.INK}">',
        f"<title>{title}: {totals}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{middle:.1f}" y="{TITLE_Y}" font-size="{style.TITLE_SIZE}">'
        f'<tspan font-weight="bold">{title}</tspan>'
        f'<tspan dx="12" font-size="{style.BOLD_SIZE}" fill="{style.QUIET}">{totals}</tspan>'
        "</text>",
        *map(_sign, layout.legend),
        *map(_frame, layout.frames),
        f'<g fill="none" stroke="{style.EDGE}" stroke-width="1.4">',
        *map(_curve, layout.lines),
        "</g>",
        f'<g fill="{style.EDGE}">',
        *(_arrow(line) for line in layout.lines if line.arrow),
        "</g>",
        *(_node(box, layout.view) for box in layout.boxes),
        *(_beside(line) for line in layout.lines if line.label),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _frame(frame: Frame) -> str:
    width, height = frame.right - frame.left, frame.bottom - frame.top
    return (
        f'<g><rect x="{frame.left:.1f}" y="{frame.top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="9" fill="#fafbfc" stroke="{style.FRAME}"/>'
        f'<text x="{frame.left + 10:.1f}" y="{frame.top + 15:.1f}" text-anchor="start" '
        f'font-size="{style.QUIET_SIZE}" font-weight="bold" fill="{style.QUIET}">'
        f"{escape(frame.text)}</text></g>"
    )


def _beside(line: Line) -> str:
    x, y = line.pieces[-1][-1]
    return (
        f'<text x="{x + 6:.1f}" y="{y - 5:.1f}" text-anchor="start" font-family="{MONO}" '
        f'font-size="{style.QUIET_SIZE}" fill="{style.QUIET}">{escape(line.label)}</text>'
    )


def _shape(kind: str, x: float, y: float, w: float, h: float, color: str | None = None) -> str:
    look = style.KINDS[kind]
    paint = f'fill="{color or look.fill}" stroke="{look.line}"'
    if look.shape == "ellipse":
        return f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{w / 2:.1f}" ry="{h / 2:.1f}" {paint}/>'
    if look.shape in ("parallelogram", "octagon"):
        corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in outline(look.shape, x, y, w, h))
        thick = ' stroke-width="2"' if look.shape == "octagon" else ""
        return f'<polygon points="{corners}" {paint}{thick}/>'
    radius = min(9.0, h / 3) if look.shape == "rounded box" else 0
    box = _rect(x, y, w, h, f'rx="{radius:g}" {paint}')
    if look.shape == "pile":
        step = 3 if h > 20 else 2
        box = "".join(_rect(x + d, y + d, w, h, paint) for d in (2 * step, step)) + box
    if look.shape == "double box":
        inset = 3 if h > 20 else 2
        box += _rect(x, y, w - 2 * inset, h - 2 * inset, f'fill="none" stroke="{look.line}"')
    return box


def _rect(x: float, y: float, w: float, h: float, rest: str) -> str:
    return (
        f'<rect x="{x - w / 2:.1f}" y="{y - h / 2:.1f}" width="{w:.1f}" height="{h:.1f}" {rest}/>'
    )


def _node(box: Box, view: style.View) -> str:
    node, x = box.node, f"{box.x:.1f}"
    text = f"<g><title>{escape(_tooltip(node))}</title>"
    text += _shape(node.kind, box.x, box.y, box.width, box.height, style.fill(node, view))
    header = escape(style.bold(node))
    if node.kind == "number":
        text += (
            f'<text x="{x}" y="{box.y + 4.5:.1f}" font-family="{MONO}" '
            f'font-size="{style.MONO_SIZE}">{header}</text>'
        )
        return text + "</g>"
    size = ""
    if node.size_text:
        size = (
            f'<tspan dx="8" font-family="{MONO}" font-size="{style.MONO_SIZE}">'
            f"{node.size_text}</tspan>"
        )
    y = box.y - box.height / 2 + 20
    text += f'<text x="{x}" y="{y:.1f}"><tspan font-weight="bold">{header}</tspan>{size}</text>'
    for row in style.rows(node, view):
        y += style.ROW_HEIGHT
        text += (
            f'<text x="{x}" y="{y:.1f}" font-size="{style.QUIET_SIZE}" fill="{row.color}">'
            f"{escape(row.text)}</text>"
        )
    return text + "</g>"


def _tooltip(node: GraphNode) -> str:
    parts = (style.one_line(node.header, 400), node.size_text, node.dtype or "", f"({node.kind})")
    return " ".join(filter(None, parts))


def _sign(sign: Sign) -> str:
    look = style.KINDS[sign.kind]
    return (
        f"<g>{_shape(sign.kind, sign.x, LEGEND_Y, SIGN_WIDTH, SIGN_HEIGHT)}"
        f'<text x="{sign.text_x:.1f}" y="{LEGEND_Y + 4}" text-anchor="start" '
        f'font-size="{style.QUIET_SIZE}" fill="{style.QUIET}">{escape(look.legend)}</text></g>'
    )


def _curve(line: Line) -> str:
    (x, y), *_ = line.pieces[0]
    path = f"M{x:.1f},{y:.1f}"
    for (x, _), a, b, end in line.pieces:
        if x == end[0]:
            path += f"V{end[1]:.1f}"
        else:
            path += "C" + " ".join(f"{u:.1f},{v:.1f}" for u, v in (a, b, end))
    dashed = ' stroke-dasharray="5 4"' if line.dashed else ""
    return f'<path d="{path}"{dashed}/>'


def _arrow(line: Line) -> str:
    x, y = line.pieces[-1][-1]
    return f'<path d="M{x:.1f},{y:.1f}l-4,-9h8z"/>'
