"""The look of the picture, whoever draws it: colours, shapes, texts and their widths."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ..core.callsite import short_place
from .figures import amount, gradient, share, statistics

if TYPE_CHECKING:
    from collections.abc import Collection

    from .snapshot import Edge, GraphNode, Snapshot

INK, QUIET, EDGE, FRAME = "#1b1f24", "#5b6472", "#8b94a1", "#c3c9d1"
FRAME_FILL = "#fafbfc"
VALUE, GRADIENT = "#1f5fa8", "#9a3b00"
HEAT = "#f9bd94"  # the slowest op
ROW_HEIGHT = 16
MANY_OPS = 25  # more than these are drawn with fewer lines
BOLD_SIZE, MONO_SIZE, QUIET_SIZE, TITLE_SIZE = 14, 13, 11, 16


class Look(NamedTuple):
    """The look of one kind of node. The shape tells it as well as the colour does."""

    fill: str
    line: str
    shape: str
    legend: str


KINDS = {
    "data": Look("#dbeafe", "#1f5fa8", "parallelogram", "data"),
    "parameter": Look("#fdebc8", "#a86a00", "double box", "parameter"),
    "number": Look("#ffffff", "#8b94a1", "ellipse", "number"),
    "op": Look("#f3f4f6", "#6b7280", "rounded box", "op"),
    "block": Look("#e7e9f5", "#5a5f8c", "pile", "folded"),
    "output": Look("#fbdcdc", "#b3363d", "octagon", "loss / output"),
}


def kinds_in(graph: Snapshot) -> list[str]:
    """The kinds that the graph has, in the order of the legend."""
    present = {node.kind for node in graph.nodes}
    return [kind for kind in KINDS if kind in present]


DASHED = "no gradient"  # the legend of dashed edges


def has_dashed(graph: Snapshot) -> bool:
    """Return True if a gradient flows along some edges and not along others."""
    return len({edge.gradient for edge in graph.edges}) > 1


def one_line(text: str, longest: int = 40) -> str:
    """`text` fit for a label: one line, nothing that can't be printed, not too long."""
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate has no place in a file
    text = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def bold(node: GraphNode) -> str:
    """The first words of a node's label, without its shape. Inside its frame a parameter's name
    need not repeat the module's."""
    header = node.header
    if node.op is None and node.module and header.startswith(f"{node.module}."):
        header = header[len(node.module) + 1 :]
    times = f" ×{node.repeats:,}" if node.repeats > 1 else ""
    return one_line(header.removesuffix(times), 40 - len(times)) + times or node.kind


def heading(graph: Snapshot) -> str:
    """The first words of the title, without the totals."""
    return one_line(graph.title) or "graph"


class View(NamedTuple):
    """The choice of what a picture shows, and the slowest and total time of its ops.

    `usual` is the dtype that a large picture does not repeat; None in a small one, which has room.
    """

    shown: Collection[str] = ()
    slowest: float = 0.0
    seconds: float = 0.0
    usual: str | None = None

    @classmethod
    def of(cls, graph: Snapshot, shown: Collection[str]) -> View:
        times = [node.seconds for node in graph.nodes if node.seconds is not None]
        dtypes = Counter(node.dtype for node in graph.nodes if node.op is not None)
        usual = max(dtypes, key=dtypes.__getitem__) if dtypes.total() > MANY_OPS else None
        return cls(shown, max(times, default=0.0), sum(times), usual)


PLAIN = View()


def subtitle(graph: Snapshot, view: View) -> str:
    """The second half of the title: the totals, and those of what is shown."""
    parts = [graph.totals]
    if "flops" in view.shown:
        parts.append(f"{amount(sum(n.flops or 0 for n in graph.nodes), 'FLOP')} forward")
    if "bytes" in view.shown:
        parts.append(amount(sum(n.bytes or 0 for n in graph.nodes), "B"))
    if "time" in view.shown and view.seconds:
        parts.append(f"{amount(view.seconds, 's')} forward")
    if view.usual:
        parts.append(view.usual)
    return " · ".join(filter(None, [*parts, graph.note]))


class Row(NamedTuple):
    """One line of small text in a node's box, and its colour."""

    text: str
    color: str


def rows(node: GraphNode, view: View = PLAIN) -> list[Row]:
    """The lines below the header; numbers have none."""
    if node.kind == "number":
        return []
    shown = view.shown
    first = node.dtype or "several outputs"
    if node.kind == "block" and node.module and node.repeats == 1:
        first = f"{one_line(node.module)} · {first}"
    if node.kind == "block" and node.parameters:
        first += f" · {node.parameters:,} parameters"
    found = [] if first == view.usual else [Row(first, QUIET)]
    if node.exit:
        found.append(Row(one_line(node.exit), GRADIENT))
    if "values" in shown and (text := statistics(node.value)):
        found.append(Row(text, VALUE))
    if "gradients" in shown and not (view.usual and node.kind == "data"):
        found.append(Row(gradient(node), GRADIENT))
    costs = []
    if "flops" in shown and node.flops is not None:
        costs.append(amount(node.flops, "FLOP"))
    if "bytes" in shown and node.bytes is not None:
        costs.append(amount(node.bytes, "B"))
    if "time" in shown and node.seconds is not None:
        costs.append(f"{amount(node.seconds, 's')} ({share(node.seconds, view.seconds)})")
    if costs:
        found.append(Row(" · ".join(costs), QUIET))
    if "lines" in shown and (where := line(node)):
        found.append(Row(where, QUIET))
    return found


def line(node: GraphNode) -> str:
    """The user's line, `spiral.py:31`; "" if it is in no file, such as what was typed in."""
    if node.place is None or node.place[0].startswith("<"):
        return ""
    return one_line(short_place(node.place))


def fill(node: GraphNode, view: View = PLAIN) -> str:
    """The colour of a node's box: that of its kind, or its part of the time as heat."""
    plain = KINDS[node.kind].fill
    if "time" not in view.shown or not node.seconds or not view.slowest:
        return plain
    part = node.seconds / view.slowest
    mixed = [
        round(int(plain[k : k + 2], 16) * (1 - part) + int(HEAT[k : k + 2], 16) * part)
        for k in (1, 3, 5)
    ]
    return "#" + bytes(mixed).hex()


def edge_label(graph: Snapshot, edge: Edge, view: View) -> str:
    """Return the text beside an edge: the argument's name, the shape that passes."""
    source = graph.nodes[edge.source]
    parts = [edge.name] if "arguments" in view.shown else []
    parts += [source.size_text] if "shapes" in view.shown and source.kind != "number" else []
    return " ".join(filter(None, parts))


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


def box_size(node: GraphNode, view: View = PLAIN) -> tuple[float, float]:
    """Width and height of a node's box: its text, and room for the slants of its shape."""
    if node.kind == "number":
        return max(30.0, text_width(bold(node), MONO_SIZE, True) + 20), 30.0
    header = text_width(bold(node), BOLD_SIZE)
    if node.size_text:
        header += 8 + text_width(node.size_text, MONO_SIZE, mono=True)
    lines = rows(node, view)
    below = max((text_width(row.text, QUIET_SIZE) for row in lines), default=0.0)
    slant = {"parallelogram": 30, "octagon": 26}.get(KINDS[node.kind].shape, 20)
    return max(60.0, header + slant, below + slant), 30.0 + ROW_HEIGHT * len(lines)
