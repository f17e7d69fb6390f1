"""A drawing as a PNG: the elements of its SVG, painted by matplotlib."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch
    from matplotlib.path import Path

SCALE = 2.0  # PNG pixels for each pixel of the drawing, where the cap allows
POINT = 72 / 100  # matplotlib measures type in points; the figure has 100 pixels an inch
SMALLEST_TYPE = 1.6  # PNG pixels: nobody can read it, and it takes most of the time


def draw_png(svg: str, max_pixels: int) -> bytes:
    """Paint a drawing of `draw_svg` as the bytes of a PNG, at most `max_pixels` wide and high."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "a PNG needs Graphviz (the program `dot`), graphviz-pure or matplotlib: "
            'pip install "tinygrad-np[viz]". An SVG needs none of them.'
        ) from error
    root = ElementTree.fromstring(svg)
    width = float(root.attrib["width"])
    height = float(root.attrib["height"])
    dpi = 100 * min(SCALE, max_pixels / max(width, height))
    figure = Figure(figsize=(width / 100, height / 100), dpi=dpi)
    FigureCanvasAgg(figure)
    axes: Any = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    _paint(axes, root, {})
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def _paint(axes: Axes, element: ElementTree.Element, inherited: dict[str, str]) -> None:
    look = {**inherited, **element.attrib}
    tag = element.tag.rpartition("}")[2]
    if tag == "text":
        _write(axes, element, look)
    elif tag in ("svg", "g"):
        for child in element:
            _paint(axes, child, look)
    elif tag != "title":
        axes.add_patch(_patch(tag, look))


def _patch(tag: str, look: dict[str, str]) -> Patch:
    """Return the patch of a shape; it has the few forms that `draw_svg` writes."""
    from matplotlib.patches import Ellipse, FancyBboxPatch, PathPatch, Polygon

    width = float(look.get("stroke-width", 1))
    dashes = [float(length) / width for length in look.get("stroke-dasharray", "").split()]
    paint: dict[str, Any] = {
        "facecolor": look["fill"],
        "edgecolor": look.get("stroke", "none"),
        "linewidth": width * POINT,
        "linestyle": (0, dashes) if dashes else "solid",
    }
    if tag == "path":
        return PathPatch(_path(look["d"]), **paint)
    if tag == "polygon":
        return Polygon(_points(look["points"]), **paint)
    if tag == "ellipse":
        x, y, rx, ry = (float(look[name]) for name in ("cx", "cy", "rx", "ry"))
        return Ellipse((x, y), 2 * rx, 2 * ry, **paint)
    x, y, w, h = (float(look.get(name, 0)) for name in ("x", "y", "width", "height"))
    corners = f"round,pad=0,rounding_size={look.get('rx', 0)}"
    return FancyBboxPatch((x, y), w, h, boxstyle=corners, **paint)


def _points(text: str) -> list[list[float]]:
    return [[float(number) for number in point.split(",")] for point in text.split()]


def _path(text: str) -> Path:
    """Read a path of absolute moves, vertical lines and curves."""
    from matplotlib.path import Path

    points: list[list[float]] = []
    codes: list[Any] = []
    for command, numbers in re.findall(r"([MVC])([^MVC]+)", text):
        if command == "V":
            points.append([points[-1][0], float(numbers)])
            codes.append(Path.LINETO)
        else:
            points += _points(numbers)
            codes += 3 * [Path.CURVE4] if command == "C" else [Path.MOVETO]
    return Path(points, codes)


def _write(axes: Axes, element: ElementTree.Element, look: dict[str, str]) -> None:
    """Write words of one or several fonts in a line, from x on or centred there."""
    x, y = float(look["x"]), float(look["y"])
    words = []
    gaps = []
    for span in [element] if element.text else element:
        font = {**look, **span.attrib}
        size = float(font["font-size"])
        if size * axes.figure.dpi < SMALLEST_TYPE * 100:
            return
        words.append(
            axes.text(
                x,
                y,
                span.text or "",
                parse_math=False,
                color=font["fill"],
                fontsize=size * POINT,
                weight=font.get("font-weight", "normal"),
                family="monospace" if "monospace" in font["font-family"] else "sans-serif",
            )
        )
        gaps.append(float(span.get("dx", 0)))
    widths = [word.get_window_extent().width * 100 / axes.figure.dpi for word in words]
    if look["text-anchor"] == "middle":
        x -= (sum(widths) + sum(gaps)) / 2
    for word, width, gap in zip(words, widths, gaps):
        x += gap
        word.set_x(x)
        x += width
