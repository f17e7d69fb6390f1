"""SVG elements as text: shapes, curves and arrows, for the picture and for the page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from .layout import outline

if TYPE_CHECKING:
    from collections.abc import Sequence

    Piece = tuple[tuple[float, float], ...]  # a Bézier curve


def element(tag: str, *content: str, **attributes: Any) -> str:
    """Write one element; floats have one decimal, and `class_`, `font_size` mean class, font-size.

    The content is text of SVG: names in it are to be escaped before.
    """
    start = f"<{tag}"
    for name, value in attributes.items():
        name = name.rstrip("_").replace("_", "-")
        value = f"{value:.1f}" if isinstance(value, float) else value
        start += f' {name}="{value}"'
    if not content:
        return f"{start}/>"
    return f"{start}>{''.join(content)}</{tag}>"


def text(words: str, x: float, y: float, **attributes: Any) -> str:
    """Write words at a place."""
    return element("text", escape(words), x=float(x), y=y, **attributes)


def rect(x: float, y: float, w: float, h: float, **attributes: Any) -> str:
    """Write a rectangle around (x, y)."""
    return element(
        "rect",
        x=x - w / 2,
        y=y - h / 2,
        width=float(w),
        height=float(h),
        **attributes,
    )


def ellipse(x: float, y: float, w: float, h: float, **attributes: Any) -> str:
    """Write an ellipse around (x, y)."""
    return element(
        "ellipse",
        cx=float(x),
        cy=float(y),
        rx=w / 2,
        ry=h / 2,
        **attributes,
    )


def polygon(shape: str, x: float, y: float, w: float, h: float, **attributes: Any) -> str:
    """Write a parallelogram or an octagon around (x, y)."""
    points = _points(outline(shape, x, y, w, h))
    return element("polygon", points=points, **attributes)


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def curve(pieces: Sequence[Piece], **attributes: Any) -> str:
    """Write Bézier curves that join end to end as one path; straight down where they are."""
    (x, y), *_ = pieces[0]
    path = f"M{x:.1f},{y:.1f}"
    for (x, _), *controls, end in pieces:
        if x == end[0]:
            path += f"V{end[1]:.1f}"
        else:
            path += f"C{_points([*controls, end])}"
    return element("path", d=path, **attributes)


def arrow(x: float, y: float, width: float, height: float, **attributes: Any) -> str:
    """Write an arrowhead from its tip: it points down, or up where the height is negative."""
    corners = [(x, y), (x - width / 2, y - height), (x + width / 2, y - height)]
    return element("polygon", points=_points(corners), **attributes)
