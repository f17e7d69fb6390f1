"""Dead code: drop statements whose results nobody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..program import Program


def drop_dead_code(program: Program) -> None:
    """Drop what no result, no output, no guard and no draw depends on."""
    needed = set(program.kept())
    memory = {var.root for var in needed}
    kept = []
    for statement in reversed(program.statements):
        # Random numbers are drawn in any case: what is drawn next depends on it.
        changes = statement.writes is not None and statement.writes.root in memory
        if statement.acts or changes or any(out in needed for out in statement.outs):
            kept.append(statement)
            read = statement.reads()
            needed.update(read)
            memory.update(var.root for var in read)
            memory.update(out.root for out in statement.outs)
    program.statements = kept[::-1]
    program.inputs = [entry for entry in program.inputs if entry.var in needed]
