"""Concatenation in place: compute the parts right inside of the array that joins them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..memory import takes_out
from ..statements import Statement, Var, execute

if TYPE_CHECKING:
    from ..program import Program


def concatenate_in_place(program: Program) -> None:
    """Give the parts of a concatenation, or stack, memory inside of its result.

    So the gradients of an optimizer's parameters are written straight into its flat array, and the
    states of a recurrent layer into that of all steps.
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
        wholes = {whole for whole, _ in program.placed.values()}  # no statement makes them now
        taken = changed | returned | set(program.placed) | wholes
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
    here = rows_of(whole, part, start)
    view = execute(Statement("getitem", None, (whole, here), **origin))
    view.out.root = whole
    return [view, Statement("function", np.copyto, (view.out, part), writes=whole, **origin)]


def rows_of(whole: Var, part: Var, start: int) -> int | slice:
    """Return the index of the rows of an array that are the part from this element on."""
    size_of_row = whole.value.size // whole.shape[0]
    first = start // size_of_row
    if part.shape and part.shape == whole.shape[1:]:
        return first
    count = part.value.size // size_of_row
    return slice(first, first + count)


def _parts(statement: Statement) -> list[Var]:
    """Return the parts that are joined along the first axis; none of another statement."""
    joins = statement.kind == "function" and statement.target in (np.concatenate, np.stack)
    if not joins or len(statement.args) > 2 or not set(statement.kwargs) <= {"axis"}:
        return []
    arrays, *axes = *statement.args, statement.kwargs.get("axis", 0)
    if axes[0] != 0 or len(arrays) < 2:
        return []
    whole = statement.out.value
    if not whole.size or not whole.flags.c_contiguous:
        return []
    for part in arrays:
        if not isinstance(part, Var) or not part.shape or part.dtype != whole.dtype:
            return []
    return list(arrays)
