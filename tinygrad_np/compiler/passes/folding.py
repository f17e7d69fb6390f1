"""Constant folding: use the values that the recording computed of constants alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..program import Program


def fold_constants(program: Program) -> None:
    """Replace the results of statements that read nothing but constants by their values.

    A guard of constants held when they were recorded, and holds in every call.
    """
    changed = program.changed()
    numbers: dict[Any, Any] = {}
    kept = []
    for statement in program.statements:
        statement.replace(numbers)
        read = statement.reads()
        free = (statement.kind != "guard" and statement.acts) or statement.writes is not None
        touched = any(out.root in changed for out in statement.outs)
        if free or touched or any(v.constant is None or v.root in changed for v in read):
            kept.append(statement)
            continue
        for out in statement.outs:
            out.constant = out.value
            out.root = out
            if not isinstance(out.value, (np.ndarray, np.generic)):
                numbers[out] = out.value
    program.statements = kept
    program.replace(numbers)
