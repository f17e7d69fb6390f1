"""Graphs of programs: `step.graph` of a compiled function, drawn like any other `Graph`.

The compiler makes data and draws nothing, so `compile` is handed out from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..compiler.compiled import Compiled
from ..compiler.decorator import compile
from ..compiler.statements import Var
from ..core.tracebacks import shortened

if TYPE_CHECKING:
    from ..compiler.program import Program
    from ..compiler.statements import Statement
    from ..pictures.snapshot import Edge, GraphNode
    from .graph import Graph

__all__ = ["compile", "program_graph"]


def program_graph(program: Program) -> Graph:
    """Draw the statements of a program as nodes; views and guards are left out."""
    from ..pictures.snapshot import Edge, GraphNode
    from .graph import Graph

    nodes: list[GraphNode] = []
    edges: list[Edge] = []
    ids: dict[Var, int] = {}
    kept = {var.root for var in program.kept()}
    new_names = _names_of_new_values(program)

    def node(var: Var, kind: str, op: str | None) -> int:
        number = ids[var] = len(nodes)
        name: str | None = new_names.get(var, var.hint)
        if name == op:
            name = None
        is_array = var.shape is not None
        dtype = str(var.dtype) if is_array else var.dtype.__name__
        nodes.append(GraphNode(number, kind, op, name, var.shape or (), dtype))
        return number

    for entry in program.inputs:
        learned = entry.kind == "tensor" and entry.source.requires_grad
        node(entry.var, "parameter" if learned else "data", None)
    for statement in program.statements:
        if statement.kind == "guard" or not statement.outs:
            continue
        if statement.is_view() and statement.out.root in ids:
            ids[statement.out] = ids[statement.out.root]
            continue
        kind = "output" if statement.out.root in kept else "op"
        result = node(statement.out, kind, _op(statement))
        ids.update(dict.fromkeys(statement.outs, result))
        read = statement.reads()
        read += [part for part, (whole, _) in program.placed.items() if whole is statement.out]
        for argument, var in enumerate(read):
            if var in ids:
                edges.append(Edge(ids[var], result, argument, True))
    return Graph(tuple(nodes), tuple(edges), title=program.name)


def _op(statement: Statement) -> str:
    """Return the name of what a statement calls."""
    if statement.kind == "memory":
        return "concatenate"  # its parts were computed in place
    target: Any = statement.target
    if isinstance(target, str):
        return target
    return getattr(target, "__name__", type(target).__name__)


def _names_of_new_values(program: Program) -> dict[Var, str]:
    """Name the new values of Tensors and Numbers after the old ones."""
    old = {id(entry.source): entry.var.hint for entry in program.inputs}
    names = {}
    for output in program.outputs:
        name = old.get(id(output.source))
        if output.var is not None and output.kind != "grad" and name is not None:
            names[output.var] = f"{name} (new)"
    return names


def _graph(step: Compiled) -> Graph:
    """The latest program, as a graph that can be drawn."""
    return program_graph(step.program)


Compiled.graph = property(shortened(_graph))
