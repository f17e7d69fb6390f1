"""A `Graph` in the DOT language of Graphviz."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from . import style
from .clusters import label, nesting

if TYPE_CHECKING:
    from collections.abc import Collection

    from .snapshot import GraphNode, Snapshot

# Single fonts, not lists: graphviz-pure knows the widths of these two, and of no list.
SANS, MONO = "Arial", "Courier New"

SHAPES = {
    "parallelogram": "shape=polygon, sides=4, skew=0.15",
    "double box": "shape=box, peripheries=2",
    "ellipse": 'shape=ellipse, margin="0.03,0", width=0.3, height=0.3',
    "rounded box": 'shape=box, style="filled,rounded"',
    "pile": "shape=box3d",
    "octagon": "shape=octagon, penwidth=2",
}


def to_dot(graph: Snapshot, shown: Collection[str] = ()) -> str:
    """The DOT text: the same for the same program, whatever the machine and the run."""
    view = style.View.of(graph, shown)
    lines = [
        "digraph tinygrad_np {",
        f"  graph [rankdir=TB, ordering=in, nodesep=0.3, ranksep=0.4, bgcolor=white, pad=0.2, "
        f'labelloc=t, fontname="{SANS}", label=<{_title(graph, view)}>];',
        f'  node [fontname="{SANS}", fontsize={style.BOLD_SIZE}, fontcolor="{style.INK}", '
        'style=filled, margin="0.13,0.06"];',
        f'  edge [color="{style.EDGE}", arrowsize=0.7, fontname="{MONO}", '
        f'fontsize={style.QUIET_SIZE}, fontcolor="{style.QUIET}"];',
    ]
    lines += [
        f"  n{node.id} [{_look(node, view)}, label=<{_label(node, view)}>];" for node in graph.nodes
    ]
    lines += _clusters(graph)
    for edge in graph.edges:
        main = graph.nodes[edge.source].op is not None
        looks = ["weight=8"] * main + ["style=dashed"] * (not edge.gradient)
        text = style.edge_label(graph, edge, view)
        looks += [f"label=<{_safe(text)}>"] if text else []
        attributes = f" [{', '.join(looks)}]" if looks else ""
        lines.append(f"  n{edge.source} -> n{edge.target}{attributes};")
    return "\n".join([*lines, *_legend(graph), "}", ""])


def _clusters(graph: Snapshot) -> list[str]:
    """The modules, each a cluster inside that of the module around it."""
    lines: list[str] = []
    open_ones: tuple[str, ...] = ()
    nests = nesting(graph)
    # Sorted by path, what is in one module follows each other.
    for nest, node in sorted(zip(nests, graph.nodes), key=lambda pair: (pair[0], pair[1].id)):
        while open_ones != nest[: len(open_ones)]:
            lines.append("  " * len(open_ones) + "}")
            open_ones = open_ones[:-1]
        for path in nest[len(open_ones) :]:
            open_ones += (path,)
            indent = "  " * len(open_ones)
            text = f"<{_quiet(style.one_line(label(graph, path)))}>"
            lines.append(f'{indent}subgraph "cluster_{len(lines)}" {{')
            lines.append(
                f'{indent}  label={text}; labeljust=l; style=rounded; color="{style.FRAME}";'
            )
        if nest:
            lines.append(f"{'  ' * len(open_ones)}  n{node.id};")
    for level in range(len(open_ones), 0, -1):
        lines.append("  " * level + "}")
    return lines


def _look(node: GraphNode, view: style.View) -> str:
    look = style.KINDS[node.kind]
    size = ""
    if look.shape in ("parallelogram", "octagon"):
        # Left to itself, Graphviz makes what is no rectangle 1.4 times as high as its text.
        width, height = style.box_size(node, view)
        size = f", fixedsize=true, width={width * 1.1 / 72:.2f}, height={height / 72:.2f}"
    return f'{SHAPES[look.shape]}{size}, color="{look.line}", fillcolor="{style.fill(node, view)}"'


def _label(node: GraphNode, view: style.View) -> str:
    if node.kind == "number":
        return f'<FONT FACE="{MONO}">{_safe(style.bold(node))}</FONT>'
    text = f"<B>{_safe(style.bold(node))}</B>"
    if node.size_text:
        text += f'  <FONT FACE="{MONO}" POINT-SIZE="{style.MONO_SIZE}">{node.size_text}</FONT>'
    return text + "".join(
        f"<BR/>{_quiet(row.text, color=row.color)}" for row in style.rows(node, view)
    )


def _title(graph: Snapshot, view: style.View) -> str:
    title = f"<B>{_safe(style.heading(graph))}</B>"
    return f"{title}   {_quiet(style.subtitle(graph, view), style.BOLD_SIZE)}"


def _legend(graph: Snapshot) -> list[str]:
    """Write a row of signs below the output, which leaves all else where it is."""
    signs = []
    for kind in style.kinds_in(graph):
        look = style.KINDS[kind]
        size = ""
        if look.shape in ("parallelogram", "octagon"):
            width = style.text_width(look.legend, style.QUIET_SIZE) + 24
            size = f", fixedsize=true, width={width / 72:.2f}, height=0.28"
        paint = f'color="{look.line}", fillcolor="{look.fill}"'
        shape = f"{SHAPES[look.shape]}{size}, {paint}"
        signs.append(f"    {kind} [{shape}, label=<{_quiet(look.legend)}>];")
    if style.has_dashed(graph):
        text = _quiet(f"- - -  {style.DASHED}")
        signs.append(f"    dashed [shape=plaintext, fillcolor=white, label=<{text}>];")
    names = " ".join(sign.split()[0] for sign in signs)
    return [
        "  {",
        '    rank=max; node [margin="0.06,0.03", width=0.3, height=0.2];',
        *signs,
        "  }",
        f"  n{graph.nodes[-1].id} -> {{{names}}} [style=invis];",
    ]


def _quiet(text: str, size: int = style.QUIET_SIZE, color: str = style.QUIET) -> str:
    return f'<FONT POINT-SIZE="{size}" COLOR="{color}">{_safe(text)}</FONT>'


def _safe(text: str) -> str:
    # Graphviz replaces \N, \G and the like even in HTML labels.
    return escape(text).replace("\\", "\\\\")
