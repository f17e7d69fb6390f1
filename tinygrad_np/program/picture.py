"""A program as a `Graph`, which the same code draws as a recorded computation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..snapshot import Edge, Graph, GraphNode
from .statements import Var

if TYPE_CHECKING:
    from .program import Program

__all__ = ["graph_of"]

_KINDS = {"tensor": "parameter", "grad": "parameter"}


def graph_of(program: Program) -> Graph:
    """The statements of a program as nodes; views and guards are left out."""
    nodes: list[GraphNode] = []
    edges: list[Edge] = []
    ids: dict[Var, int] = {}
    kept = {var.root for var in program.kept()}

    def node(var: Var, kind: str, op: str | None) -> int:
        ids[var] = len(nodes)
        dtype = str(var.dtype) if var.shape is not None else None
        nodes.append(GraphNode(len(nodes), kind, op, var.hint or None, var.shape, dtype))
        return ids[var]

    for given in program.inputs:
        node(given.var, _KINDS.get(given.kind, "data"), None)
    for statement in program.statements:
        if statement.kind == "guard" or not statement.outs:
            continue
        if statement.is_view() and statement.out.root in ids:
            ids[statement.out] = ids[statement.out.root]
            continue
        target = statement.target
        op = target if isinstance(target, str) else getattr(target, "__name__", "memory")
        kind = "output" if statement.out.root in kept else "op"
        made = node(statement.out, kind, op)
        for out in statement.outs[1:]:
            ids[out] = made
        for argument, var in enumerate(statement.reads()):
            if var in ids:
                edges.append(Edge(ids[var], made, argument, False))
    return Graph(tuple(nodes), tuple(edges))
