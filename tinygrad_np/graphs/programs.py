"""`step.graph`: the program of a compiled function as a `Graph`, to be drawn like any other.

The compiler makes data and draws nothing, so `compile` is handed out from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..compiler.compiled import Compiled, compile
from ..compiler.statements import Var

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
    renewed = _renewed(program)

    def node(var: Var, kind: str, op: str | None) -> int:
        ids[var] = len(nodes)
        name: str | None = renewed.get(var, var.hint)
        shape = () if var.shape is None else var.shape
        dtype = var.dtype.__name__ if var.shape is None else str(var.dtype)
        nodes.append(GraphNode(len(nodes), kind, op, name if name != op else None, shape, dtype))
        return ids[var]

    for source in program.inputs:
        learned = source.kind == "tensor" and source.source.requires_grad
        node(source.var, "parameter" if learned else "data", None)
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
    if statement.kind == "memory":
        return "concatenate"  # its parts were computed in place
    target: Any = statement.target
    return target if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)


def _renewed(program: Program) -> dict[Var, str]:
    """Names of the new values of Tensors and Numbers."""
    old = {id(read.source): read.var.hint for read in program.inputs}
    return {
        output.var: f"{old[id(output.source)]} (new)"
        for output in program.outputs
        if output.var is not None and output.kind != "grad" and id(output.source) in old
    }


def _graph(step: Compiled) -> Graph:
    """The program that was made last as a graph that can be drawn."""
    return program_graph(step.program)


Compiled.graph = property(_graph)
