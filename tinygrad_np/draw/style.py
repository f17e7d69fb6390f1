"""What the picture looks like, whoever draws it: colours, shapes, texts and their widths."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..snapshot import Graph, GraphNode

__all__ = [
    "KINDS",
    "Look",
    "bold",
    "box_size",
    "heading",
    "kinds_in",
    "one_line",
    "quiet",
    "text_width",
]

INK, QUIET, EDGE = "#1b1f24", "#5b6472", "#8b94a1"
BOLD_SIZE, MONO_SIZE, QUIET_SIZE, TITLE_SIZE = 14, 13, 11, 16


class Look(NamedTuple):
    """How one kind of node is drawn. The shape tells it as well as the colour does."""

    fill: str
    line: str
    shape: str
    legend: str


KINDS = {
    "data": Look("#dbeafe", "#1f5fa8", "parallelogram", "data"),
    "parameter": Look("#fdebc8", "#a86a00", "double box", "parameter"),
    "number": Look("#ffffff", "#8b94a1", "ellipse", "number"),
    "op": Look("#f3f4f6", "#6b7280", "rounded box", "op"),
    "output": Look("#fbdcdc", "#b3363d", "octagon", "loss / output"),
}


def kinds_in(graph: Graph) -> list[str]:
    """The kinds that the graph has, in the order of the legend."""
    present = {node.kind for node in graph.nodes}
    return [kind for kind in KINDS if kind in present]


def one_line(text: str, longest: int = 40) -> str:
    """`text` fit for a label: one line, nothing that can't be printed, not too long."""
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate has no place in a file
    text = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def bold(node: GraphNode) -> str:
    """The first words of a node's label, without its shape."""
    return one_line(node.header) or node.kind


def heading(graph: Graph) -> str:
    """The first words of the title, without the totals."""
    return one_line(graph.title) or "graph"


def quiet(node: GraphNode) -> str:
    """The second line of a node's label; numbers have none."""
    if node.kind == "number":
        return ""
    return node.dtype or "several outputs"


# Advance widths in em of the widest of the common sans-serif faces (DejaVu Sans Bold), rounded
# up: the drawing is seen with a font that nobody knows here, and its text must fit.
_EM = {
    0.4: " ',-./:;IJ\\ijl|",
    0.5: '!"()*[]_`frt',
    0.6: "?csz",
    0.8: "ABCGKPRUVX",
    0.9: "#&+<=>DHNOQ^w~",
    1.0: "%@M",
    1.1: "Wm",
}
_WIDTHS = {c: em for em, characters in _EM.items() for c in characters}


def text_width(text: str, size: float, mono: bool = False) -> float:
    """An upper estimate of the width of `text` in pixels, at a font size in pixels."""
    ems = 0.0
    for c in text:
        if unicodedata.combining(c):
            continue
        if unicodedata.east_asian_width(c) in "WF":
            ems += 1.1
        elif mono:
            ems += 0.61
        else:
            ems += _WIDTHS.get(c, 0.72 if c.isascii() else 0.95)
    return ems * size


def box_size(node: GraphNode) -> tuple[float, float]:
    """Width and height of a node's box: its text, and room for the slants of its shape."""
    if node.kind == "number":
        return max(30.0, text_width(bold(node), MONO_SIZE, True) + 20), 30.0
    header = text_width(bold(node), BOLD_SIZE)
    if node.size_text:
        header += 8 + text_width(node.size_text, MONO_SIZE, mono=True)
    below = text_width(quiet(node), QUIET_SIZE)
    slant = {"parallelogram": 30, "octagon": 26}.get(KINDS[node.kind].shape, 20)
    return max(60.0, header + slant, below + slant), 46.0
