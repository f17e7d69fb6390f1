"""From a `Graph` to DOT, SVG, PNG and lines of text."""

from .dot_text import to_dot
from .engines import to_png, to_svg
from .listing import to_text

__all__ = ["to_dot", "to_png", "to_svg", "to_text"]
