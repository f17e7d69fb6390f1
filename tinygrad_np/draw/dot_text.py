"""A `Graph` in the DOT language of Graphviz."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from . import style

if TYPE_CHECKING:
    from ..snapshot import Graph, GraphNode

__all__ = ["to_dot"]

# Single fonts, not lists: graphviz-pure knows the widths of these two, and of no list.
SANS, MONO = "Arial", "Courier New"

SHAPES = {
    "parallelogram": "shape=polygon, sides=4, skew=0.15",
    "double box": "shape=box, peripheries=2",
    "ellipse": 'shape=ellipse, margin="0.03,0", width=0.3, height=0.3',
    "rounded box": 'shape=box, style="filled,rounded"',
    "octagon": "shape=octagon, penwidth=2",
}


def to_dot(graph: Graph) -> str:
    """The DOT text: the same for the same program, whatever the machine and the run."""
    lines = [
        "digraph tinygrad_np {",
        f"  graph [rankdir=TB, ordering=in, nodesep=0.3, ranksep=0.4, bgcolor=white, pad=0.2, "
        f'labelloc=t, fontname="{SANS}", label=<{_title(graph)}>];',
        f'  node [fontname="{SANS}", fontsize={style.BOLD_SIZE}, fontcolor="{style.INK}", '
        'style=filled, margin="0.13,0.06"];',
        f'  edge [color="{style.EDGE}", arrowsize=0.7];',
    ]
    lines += [f"  n{node.id} [{_look(node)}, label=<{_label(node)}>];" for node in graph.nodes]
    for edge in graph.edges:
        main = graph.nodes[edge.source].op is not None
        looks = ["weight=8"] * main + ["style=dashed"] * (not edge.gradient)
        attributes = f" [{', '.join(looks)}]" if looks else ""
        lines.append(f"  n{edge.source} -> n{edge.target}{attributes};")
    return "\n".join([*lines, "}", ""])


def _look(node: GraphNode) -> str:
    look = style.KINDS[node.kind]
    size = ""
    if look.shape in ("parallelogram", "octagon"):
        # Left to itself, Graphviz makes what is no rectangle 1.4 times as high as its text.
        width, height = style.box_size(node)
        size = f", fixedsize=true, width={width * 1.1 / 72:.2f}, height={height / 72:.2f}"
    return f'{SHAPES[look.shape]}{size}, color="{look.line}", fillcolor="{look.fill}"'


def _label(node: GraphNode) -> str:
    if node.kind == "number":
        return f'<FONT FACE="{MONO}">{_safe(style.bold(node))}</FONT>'
    text = f"<B>{_safe(style.bold(node))}</B>"
    if node.size_text:
        text += f'  <FONT FACE="{MONO}" POINT-SIZE="{style.MONO_SIZE}">{node.size_text}</FONT>'
    return text + f"<BR/>{_quiet(style.quiet(node), style.QUIET_SIZE)}"


def _title(graph: Graph) -> str:
    title = f"<B>{_safe(style.heading(graph))}</B>"
    chips = "".join(
        f'<TD BORDER="1" COLOR="{look.line}" BGCOLOR="{look.fill}">'
        f"{_quiet(look.legend, style.QUIET_SIZE)}</TD>"
        for look in map(style.KINDS.__getitem__, style.kinds_in(graph))
    )
    return (
        '<TABLE BORDER="0" CELLBORDER="0">'
        f"<TR><TD>{title}   {_quiet(graph.totals, style.BOLD_SIZE)}</TD></TR>"
        f'<TR><TD><TABLE BORDER="0" CELLSPACING="4" CELLPADDING="2"><TR>{chips}</TR></TABLE>'
        "</TD></TR></TABLE>"
    )


def _quiet(text: str, size: int) -> str:
    return f'<FONT POINT-SIZE="{size}" COLOR="{style.QUIET}">{_safe(text)}</FONT>'


def _safe(text: str) -> str:
    # Graphviz replaces \N, \G and the like even in HTML labels.
    return escape(text).replace("\\", "\\\\")
