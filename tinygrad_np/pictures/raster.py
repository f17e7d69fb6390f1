"""A `Layout` as a PNG, painted by matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from . import style
from .layout import LEGEND_Y, SIGN_HEIGHT, SIGN_WIDTH, TITLE_Y, Box, Frame, Layout, Line, outline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_png"]

SCALE = 2.0  # PNG pixels for each pixel of the layout, where the cap allows
POINT = 72 / 100  # matplotlib measures type in points; the figure has 100 layout pixels an inch


def draw_png(layout: Layout, max_pixels: int) -> bytes:
    """The drawing as the bytes of a PNG, at most `max_pixels` wide and high."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "a PNG needs Graphviz (the program `dot`), graphviz-pure or matplotlib: "
            'pip install "tinygrad-np[viz]". An SVG needs none of them.'
        ) from error
    dpi = 100 * min(SCALE, max_pixels / max(layout.width, layout.height))
    figure = Figure(figsize=(layout.width / 100, layout.height / 100), dpi=dpi)
    FigureCanvasAgg(figure)
    axes: Any = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, layout.width), ylim=(layout.height, 0))
    axes.set_axis_off()
    _heading(axes, layout)
    for frame in layout.frames:
        _frame(axes, frame)
    _lines(axes, layout.lines)
    legible = style.BOLD_SIZE * dpi / 100 > 2
    for box in layout.boxes:
        color = style.fill(box.node, layout.view)
        _shape(axes, box.node.kind, box.x, box.y, box.width, box.height, color)
        if legible:
            _label(axes, box, layout.view)
    for line in layout.lines:
        if legible and line.label:
            _beside(axes, line)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def _heading(axes: Axes, layout: Layout) -> None:
    title = style.heading(layout.graph)
    _words(
        axes,
        layout.width / 2,
        TITLE_Y,
        [
            (title, {"weight": "bold", "fontsize": style.TITLE_SIZE * POINT}),
            (
                style.subtitle(layout.graph, layout.view),
                {"fontsize": style.BOLD_SIZE * POINT, "color": style.QUIET},
            ),
        ],
        gap=12,
    )
    small: dict[str, Any] = {"fontsize": style.QUIET_SIZE * POINT, "color": style.QUIET}
    for sign in layout.legend:
        _shape(axes, sign.kind, sign.x, LEGEND_Y, SIGN_WIDTH, SIGN_HEIGHT)
        text = style.KINDS[sign.kind].legend
        axes.text(sign.text_x, LEGEND_Y + 4, text, parse_math=False, **small)


def _frame(axes: Axes, frame: Frame) -> None:
    from matplotlib.patches import FancyBboxPatch

    paint: dict[str, Any] = {
        "facecolor": "#fafbfc",
        "edgecolor": style.FRAME,
        "linewidth": POINT,
        "boxstyle": "round,pad=0,rounding_size=9",
    }
    corner = frame.left, frame.top
    width = frame.right - frame.left
    height = frame.bottom - frame.top
    axes.add_patch(FancyBboxPatch(corner, width, height, **paint))
    small: dict[str, Any] = {"fontsize": style.QUIET_SIZE * POINT, "color": style.QUIET}
    where = frame.left + 10, frame.top + 15
    axes.text(*where, frame.text, parse_math=False, weight="bold", **small)


def _beside(axes: Axes, line: Line) -> None:
    x, y = line.pieces[-1][-1]
    font: dict[str, Any] = {"family": "monospace", "fontsize": style.QUIET_SIZE * POINT}
    axes.text(x + 6, y - 5, line.label, parse_math=False, color=style.QUIET, **font)


def _label(axes: Axes, box: Box, view: style.View) -> None:
    mono = {"family": "monospace", "fontsize": style.MONO_SIZE * POINT}
    header = style.bold(box.node)
    if box.node.kind == "number":
        _words(axes, box.x, box.y + 4.5, [(header, mono)])
        return
    bold = {"weight": "bold", "fontsize": style.BOLD_SIZE * POINT}
    y = box.y - box.height / 2 + 20
    _words(axes, box.x, y, [(header, bold), (box.node.size_text, mono)], gap=8)
    for row in style.rows(box.node, view):
        y += style.ROW_HEIGHT
        font = {"fontsize": style.QUIET_SIZE * POINT, "color": row.color}
        _words(axes, box.x, y, [(row.text, font)])


def _words(
    axes: Axes, x: float, y: float, words: list[tuple[str, dict[str, Any]]], gap: float = 0
) -> None:
    """Write texts of several fonts in one line, centred together on x."""
    placed = []
    for text, font in words:
        if text:
            look = {"color": style.INK, **font}
            placed.append(axes.text(0, y, text, parse_math=False, **look))
    figure: Any = axes.figure
    to_layout = 100 / figure.dpi
    widths = [t.get_window_extent().width * to_layout for t in placed]
    gaps = gap * (len(widths) - 1)
    left = x - (sum(widths) + gaps) / 2
    for drawn, width in zip(placed, widths):
        drawn.set_x(left)
        left += width + gap


def _shape(
    axes: Axes, kind: str, x: float, y: float, w: float, h: float, color: str | None = None
) -> None:
    from matplotlib.patches import Ellipse, FancyBboxPatch, Polygon, Rectangle

    look = style.KINDS[kind]
    paint: dict[str, Any] = {
        "facecolor": color or look.fill,
        "edgecolor": look.line,
        "linewidth": POINT,
    }
    corner = x - w / 2, y - h / 2
    if look.shape == "ellipse":
        axes.add_patch(Ellipse((x, y), w, h, **paint))
    elif look.shape in ("parallelogram", "octagon"):
        paint["linewidth"] *= 2 if look.shape == "octagon" else 1
        axes.add_patch(Polygon(outline(look.shape, x, y, w, h), **paint))
    elif look.shape == "pile":
        step = 3 if h > 20 else 2
        for d in (2 * step, step, 0):
            shifted = corner[0] + d, corner[1] + d
            axes.add_patch(Rectangle(shifted, w, h, **paint))
    elif look.shape == "rounded box":
        rounded = f"round,pad=0,rounding_size={min(9.0, h / 3)}"
        axes.add_patch(FancyBboxPatch(corner, w, h, boxstyle=rounded, **paint))
    else:
        inset = 3 if h > 20 else 2
        axes.add_patch(Rectangle(corner, w, h, **paint))
        paint["facecolor"] = "none"
        inner = corner[0] + inset, corner[1] + inset
        axes.add_patch(Rectangle(inner, w - 2 * inset, h - 2 * inset, **paint))


def _lines(axes: Axes, lines: list[Line]) -> None:
    from matplotlib.collections import PathCollection, PolyCollection
    from matplotlib.path import Path

    for dashed in (False, True):
        paths, heads = [], []
        for line in lines:
            if line.dashed == dashed:
                points = [line.pieces[0][0]]
                for piece in line.pieces:
                    points += piece[1:]
                curves = [Path.CURVE4] * (len(points) - 1)
                paths.append(Path(points, [Path.MOVETO, *curves]))
                x, y = points[-1]
                if line.arrow:
                    heads.append([(x, y), (x - 4, y - 9), (x + 4, y - 9)])
        stroke: dict[str, Any] = {"edgecolors": style.EDGE, "linewidths": 1.4 * POINT}
        pattern = (0, (3.5, 2.8)) if dashed else "solid"
        axes.add_collection(
            PathCollection(paths, facecolors="none", linestyles=[pattern], **stroke)
        )
        axes.add_collection(PolyCollection(heads, facecolors=style.EDGE, linewidths=0))
