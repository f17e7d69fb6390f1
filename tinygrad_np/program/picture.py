"""A program as a `Graph`, which the same code draws as a recorded computation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..snapshot import Edge, Graph, GraphNode
from .statements import Var

if TYPE_CHECKING:
    from .program import Program
    from .statements import Statement

__all__ = ["graph_of"]


def graph_of(program: Program) -> Graph:
    """The statements of a program as nodes; views and guards are left out."""
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

    for given in program.inputs:
        learned = given.kind == "tensor" and given.source.requires_grad
        node(given.var, "parameter" if learned else "data", None)
    for statement in program.statements:
        if statement.kind == "guard" or not statement.outs:
            continue
        if statement.is_view() and statement.out.root in ids:
            ids[statement.out] = ids[statement.out.root]
            continue
        made = node(statement.out, "output" if statement.out.root in kept else "op", _op(statement))
        ids.update(dict.fromkeys(statement.outs, made))
        read = statement.reads()
        read += [part for part, (whole, _) in program.placed.items() if whole is statement.out]
        for argument, var in enumerate(read):
            if var in ids:
                edges.append(Edge(ids[var], made, argument, True))
    return Graph(tuple(nodes), tuple(edges), title=program.name)


def _op(statement: Statement) -> str:
    if statement.kind == "memory":
        return "concatenate"  # its parts were computed in place
    target: Any = statement.target
    return target if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)


def _renewed(program: Program) -> dict[Var, str]:
    """Names of the new values of Tensors and Numbers."""
    old = {id(given.source): given.var.hint for given in program.inputs}
    return {
        output.var: f"{old[id(output.source)]} (new)"
        for output in program.outputs
        if output.var is not None and output.kind != "grad" and id(output.source) in old
    }
