"""Algebra: statements that change nothing, and chains that are one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..statements import Statement, Var
from .rewriting import Views, same_layout

if TYPE_CHECKING:
    from ..program import Program


def simplify(program: Program) -> None:
    """Drop x·1, x/1, casts to the same dtype, copies and reshapes that nothing needs."""
    same: dict[Var, Any] = {}
    kept = []
    changed = program.changed()
    views = Views(program)
    last_write = {s.writes.root: k for k, s in enumerate(program.statements) if s.writes}
    makers = {out: s for s in program.statements for out in s.outs}
    for k, statement in enumerate(program.statements):
        statement.replace(same)
        x = _unchanged(statement)
        settled = x is not None and last_write.get(x.root, -1) < k
        if x is not None and settled and statement.out.root not in changed - {x.root}:
            out = statement.out
            same[out] = x
            if not x.hint or x.hint in _PLAIN:
                x.hint = out.hint
            views.move(out, x)
            continue
        if statement.kind == "method" and statement.target == "reshape":
            _skip_reshape(statement, makers)
        kept.append(statement)
    program.statements = kept
    program.replace(same)


_PLAIN = frozenset({"copy", "reshape", "ravel", "astype", "view"})


def _unchanged(statement: Statement) -> Var | None:
    """Return the operand that the result equals, in values, shape, dtype and layout."""
    if len(statement.outs) != 1 or statement.writes is not None or not statement.args:
        return None
    out, x = statement.out, _operand(statement)
    if not isinstance(x, Var) or x.shape is None or x.is_array != out.is_array:
        return None
    alike = x.shape == out.shape and x.dtype == out.dtype and same_layout(x, out)
    return x if alike else None


def _operand(statement: Statement) -> Any:
    """Return the operand that the values of the result are, whatever their shape and dtype."""
    kind, target, args = statement.kind, statement.target, statement.args
    if statement.is_ufunc(np.multiply, np.divide) and len(args) == 2:
        x, y = args
        if isinstance(x, Var) and _is_one(y):
            return x
        return y if target is np.multiply and _is_one(x) else None
    method = kind == "method" and target in _PLAIN
    function = kind == "function" and target in (np.broadcast_to, np.copy)
    if method or function or statement.is_ufunc(np.positive):
        return args[0]
    return None


def _is_one(value: Any) -> bool:
    if isinstance(value, Var):
        return value.constant is not None and bool(np.all(value.constant == 1))
    return isinstance(value, (int, float)) and value == 1


def _skip_reshape(statement: Statement, makers: dict[Var, Statement]) -> None:
    """Reshape the source of a reshape at once, without the one in between."""
    before = makers.get(statement.args[0])
    while (
        before is not None
        and before.kind == "method"
        and before.target in ("reshape", "ravel")
        and before.is_view()
        and statement.is_view()
    ):
        source = before.args[0]
        statement.args = (source, statement.out.shape)
        before = makers.get(source)
