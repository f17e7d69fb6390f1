"""A `Graph` as lines of text, for terminals and logs."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from . import style
from .clusters import label, nesting

if TYPE_CHECKING:
    from collections.abc import Collection

    from .snapshot import Edge, GraphNode, Snapshot

SIGNS = {
    "data": "▱",
    "parameter": "▣",
    "number": "·",
    "op": "○",
    "block": "≡",
    "output": "◎",
}
WIDEST = 46  # of the column that says what was computed; longer ones push the rest to the right


def to_text(graph: Snapshot, shown: Collection[str] = ()) -> str:
    """One line for each node in the order of recording: sign, what it is, shape, and the rest.

    Numbers stand where they are used. Values without a name are called `#` and their id.
    """
    view = style.View.of(graph, shown)._replace(usual=None)  # a column has room for dtypes
    signs = "  ".join(f"{SIGNS[kind]} {style.KINDS[kind].legend}" for kind in style.kinds_in(graph))
    entering: dict[int, list[Edge]] = {}
    for edge in graph.edges:
        entering.setdefault(edge.target, []).append(edge)
    names = _names(graph)
    table = []
    for node, nest in zip(graph.nodes, nesting(graph)):
        if node.kind == "number" and len(graph.nodes) > 1:
            continue
        module = label(graph, nest[-1]) if nest else ""
        cells = [_computed(graph, node, entering.get(node.id, ()), names, view), node.size_text]
        cells += [row.text for row in style.rows(node, view)]
        place = "" if "lines" in shown else style.line(node)
        table.append((SIGNS[node.kind], *cells[:2], module, "  ".join(cells[2:]), place))
    widths = [max(map(_width, column)) for column in zip(*table)]
    widths[1] = min(widths[1], WIDEST)
    lines = [f"{style.heading(graph)}   {style.subtitle(graph, view)}", signs]
    for row in table:
        cells = [c + " " * (w - _width(c)) for c, w in zip(row, widths) if w]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _names(graph: Snapshot) -> list[str]:
    """Return a name for each node: its own where only one has it, else its id."""
    counts: dict[str, int] = {}
    for node in graph.nodes:
        if node.name:
            counts[node.name] = counts.get(node.name, 0) + 1
    return [
        style.one_line(node.name)
        if node.name and counts[node.name] == 1 and style.one_line(node.name)
        else style.one_line(node.header)
        if node.kind == "number"
        else f"#{node.id}"
        for node in graph.nodes
    ]


def _computed(
    graph: Snapshot,
    node: GraphNode,
    edges: Collection[Edge],
    names: list[str],
    view: style.View,
) -> str:
    """`h = relu(#8)`; for a leaf its name."""
    name = names[node.id]
    if node.op is None:
        own = style.one_line(node.header)
        return own if name in (own, "") else f"{name} = {own}"
    arguments = []
    for edge in edges:
        label = style.edge_label(graph, edge, view)
        arguments.append(f"{names[edge.source]}" + (f": {label}" if label else ""))
    op = node._replace(name=None).header
    return f"{name} = {op}({', '.join(arguments)})"


def _width(text: str) -> int:
    """Columns that the text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
