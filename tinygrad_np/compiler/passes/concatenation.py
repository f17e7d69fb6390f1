"""Concatenation in place: compute the parts right inside of the long array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..memory import takes_out
from ..statements import Statement, Var, execute

if TYPE_CHECKING:
    from ..program import Program


def concatenate_in_place(program: Program) -> None:
    """Give the parts of a concatenation memory inside of its result.

    So the gradients of an optimizer's parameters are written straight into its flat array.
    """
    changed = program.changed()
    returned = {r.root for r in program.results if isinstance(r, Var)}
    returned |= {o.var.root for o in program.outputs if o.var is not None and o.kind != "grad"}
    makers = {out: s for s in program.statements for out in s.outs}
    kept = []
    for statement in program.statements:
        parts = _parts(statement)
        if not parts:
            kept.append(statement)
            continue
        taken = changed | returned | set(program.placed)
        fitting = [part for part in parts if _fits(part, makers, taken)]
        if not fitting or statement.out.root in returned | changed:
            kept.append(statement)
            continue
        whole, start = statement.out, 0
        copies = []
        for part in parts:
            if part in fitting and part.root not in program.placed:
                program.placed[part.root] = (whole, start)
            else:
                copies += _copy(part, whole, start, statement)
            start += part.value.size
        # The array itself is memory alone; what could not be made there is copied there.
        kept += [Statement("memory", None, (), outs=(whole,)), *copies]
    program.statements = kept


def _fits(part: Var, makers: dict[Var, Statement], taken: set[Var]) -> bool:
    """Say whether a part can be computed in memory of the long array."""
    root = part.root
    maker = makers.get(root)
    return (
        maker is not None
        and takes_out(maker)
        and root not in taken
        and root.value.size == part.value.size
        and root.dtype == part.dtype
        and root.value.flags.c_contiguous
        and part.value.flags.c_contiguous  # not backwards
    )


def _copy(part: Var, whole: Var, start: int, at: Statement) -> list[Statement]:
    """Make statements that copy a part to its place in the whole."""
    origin: dict[str, Any] = {"place": at.place, "section": at.section}
    here = slice(start, start + part.value.size)
    view = execute(Statement("getitem", None, (whole, here), **origin))
    view.out.root = whole
    return [view, Statement("function", np.copyto, (view.out, part), writes=whole, **origin)]


def _parts(statement: Statement) -> list[Var]:
    """Return the parts of a concatenation of vectors; none of another statement."""
    if statement.kind != "function" or statement.target is not np.concatenate or statement.kwargs:
        return []
    parts = list(statement.args[0])
    dtype = statement.out.dtype
    if len(statement.args) != 1 or len(parts) < 2:
        return []
    vectors = [p for p in parts if isinstance(p, Var) and len(p.shape) == 1 and p.dtype == dtype]
    return vectors if len(vectors) == len(parts) else []
