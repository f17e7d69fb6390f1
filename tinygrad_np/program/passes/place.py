"""Parts made in place: what is only concatenated is computed right inside the long array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..memory import takes_out
from ..statements import Statement, Var, execute

if TYPE_CHECKING:
    from ..program import Program

__all__ = ["into_parts"]


def into_parts(program: Program) -> None:
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
        if not parts or statement.out.root in returned:
            kept.append(statement)
            continue
        whole, start = statement.out, 0
        rest = []
        for part in parts:
            root = part.root
            maker = makers.get(root)
            fits = (
                maker is not None
                and takes_out(maker)
                and root.value.size == part.value.size
                and root.dtype == whole.dtype
                and root not in program.placed
                and root not in changed | returned
                and root.value.flags.c_contiguous
            )
            if fits:
                program.placed[root] = (whole, start)
            else:
                about: dict[str, Any] = {"place": statement.place, "section": statement.section}
                here = slice(start, start + part.value.size)
                view = execute(Statement("getitem", None, (whole, here), **about))
                view.out.root = whole
                copied = Statement("function", np.copyto, (view.out, part), **about)
                copied.writes = whole
                rest += [view, copied]
            start += part.value.size
        # The array itself is memory alone; what could not be made there is copied there.
        statement.kind, statement.target = "memory", None
        statement.args = ()
        kept += [statement, *rest]
    program.statements = kept


def _parts(statement: Statement) -> list[Var]:
    """The parts of a concatenation of vectors."""
    if statement.kind != "function" or statement.target is not np.concatenate or statement.kwargs:
        return []
    parts = list(statement.args[0])
    known = all(isinstance(p, Var) and len(p.shape or ()) == 1 for p in parts)
    return parts if known and len(statement.args) == 1 and len(parts) > 1 else []
