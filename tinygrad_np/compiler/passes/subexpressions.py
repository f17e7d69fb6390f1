"""Common subexpressions: compute what is the same only once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..statements import Var
from .rewriting import Views

if TYPE_CHECKING:
    from ..program import Program


def share_subexpressions(program: Program) -> None:
    """Replace the results of repeated statements by those of the first one."""
    changed = program.changed()
    views = Views(program)
    first: dict[Any, tuple[Var, ...]] = {}
    same: dict[Var, Any] = {}
    kept = []
    for statement in program.statements:
        statement.replace(same)
        roots = {var.root for var in (*statement.reads(), *statement.outs)}
        if statement.acts or statement.kind == "setitem" or roots & changed:
            kept.append(statement)
            continue
        key = (
            statement.kind,
            statement.target,
            statement.method,
            _key(statement.args),
            _key(statement.kwargs),
        )
        if key in first:
            same.update(zip(statement.outs, first[key], strict=True))
            for out, before in zip(statement.outs, first[key], strict=True):
                views.move(out, before)
        else:
            first[key] = statement.outs
            kept.append(statement)
    program.statements = kept
    program.replace(same)


def _key(tree: Any) -> Any:
    """Return something hashable that is equal for equal arguments."""
    if isinstance(tree, Var):
        if tree.constant is not None and not isinstance(tree.constant, np.ndarray):
            return ("constant", str(tree.dtype), repr(tree.constant))
        return ("var", id(tree))
    if isinstance(tree, (tuple, list)):
        return (type(tree).__name__, *map(_key, tree))
    if isinstance(tree, dict):
        return tuple((name, _key(value)) for name, value in sorted(tree.items()))
    if isinstance(tree, slice):
        return ("slice", _key((tree.start, tree.stop, tree.step)))
    if isinstance(tree, (int, float, complex, bool)):
        return (type(tree).__name__, repr(tree))
    return tree if isinstance(tree, (str, type(None), type, np.dtype)) else ("object", id(tree))
