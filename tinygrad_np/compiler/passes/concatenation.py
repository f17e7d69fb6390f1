"""Parts made in place: what is only concatenated is computed right inside the long array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..memory import takes_out
from ..statements import Statement, Var, execute

if TYPE_CHECKING:
    from ..program import Program

__all__ = ["concatenate_in_place"]


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
        fitting = [p for p in parts if _fits(p, makers, changed | returned | set(program.placed))]
        if not fitting or statement.out.root in returned:
            kept.append(statement)
            continue
        whole, start = statement.out, 0
        copies = []
        for part in parts:
            if part in fitting and part.root not in program.placed:
                program.placed[part.root] = (whole, start)
            else:
                copies += _copied(part, whole, start, statement)
            start += part.value.size
        # The array itself is memory alone; what could not be made there is copied there.
        kept += [Statement("memory", None, (), outs=(whole,)), *copies]
    program.statements = kept


def _fits(part: Var, makers: dict[Var, Statement], taken: set[Var]) -> bool:
    """Whether a part can be computed in memory that it is given."""
    root = part.root
    maker = makers.get(root)
    return (
        maker is not None
        and takes_out(maker)
        and root not in taken
        and root.value.size == part.value.size
        and root.dtype == part.dtype
        and root.value.flags.c_contiguous
    )


def _copied(part: Var, whole: Var, start: int, at: Statement) -> list[Statement]:
    """Statements that copy a part to where it belongs in the whole."""
    about: dict[str, Any] = {"place": at.place, "section": at.section}
    here = slice(start, start + part.value.size)
    view = execute(Statement("getitem", None, (whole, here), **about))
    view.out.root = whole
    return [view, Statement("function", np.copyto, (view.out, part), writes=whole, **about)]


def _parts(statement: Statement) -> list[Var]:
    """The parts of a concatenation of vectors."""
    if statement.kind != "function" or statement.target is not np.concatenate or statement.kwargs:
        return []
    parts = list(statement.args[0])
    dtype = statement.out.dtype
    known = all(isinstance(p, Var) and len(p.shape) == 1 and p.dtype == dtype for p in parts)
    return parts if known and len(statement.args) == 1 and len(parts) > 1 else []
