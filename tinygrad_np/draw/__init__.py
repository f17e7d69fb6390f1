"""From a `Graph` to DOT, SVG and PNG."""

from .dot_text import to_dot
from .engines import to_png, to_svg

__all__ = ["to_dot", "to_png", "to_svg"]
