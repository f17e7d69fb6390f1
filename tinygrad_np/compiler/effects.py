"""Effects and guards: once a program has acted on the world, it must not be given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import CompileError

if TYPE_CHECKING:
    from .program import Program
    from .statements import Statement


def guards_first(program: Program) -> None:
    """Put all guards before the first statement with an effect.

    When a guard fails the function itself runs, and would act a second time.

    Raises:
        CompileError: a guard looks at what comes of an effect, or can't be moved.
    """
    statements = program.statements
    kinds = [statement.kind for statement in statements]
    if "effect" not in kinds:
        return
    first = kinds.index("effect")
    changed = program.changed()
    needed = {var for s in statements[first:] if s.kind == "guard" for var in s.reads()}
    moved: list[Statement] = []
    for statement in reversed(statements[first:]):
        makes = [out for out in statement.outs if out in needed]
        if statement.kind != "guard" and not makes:
            continue
        if statement.kind != "guard" and (statement.acts or statement.writes):
            raise _after_an_effect(statement)
        if any(var.root in changed for var in (*statement.reads(), *makes)):
            raise _after_an_effect(statement)
        needed.update(statement.reads())
        moved.append(statement)
    rest = [statement for statement in statements[first:] if statement not in moved]
    program.statements = [*statements[:first], *reversed(moved), *rest]


def _after_an_effect(statement: Statement) -> CompileError:
    where = f"{statement.place[0]}:{statement.place[1]}: " if statement.place else ""
    return CompileError(
        f"{where}a value is checked after an op with an effect (define_op(effect=True)) has run: "
        "if the check failed, the function itself would run, and act a second time. Instead: "
        "check it before, or outside of the compiled function."
    )
