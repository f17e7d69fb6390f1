"""Search for the line where rows of the arguments meet: a prediction should be of its row alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..comparison import place_text
from ..errors import CompileError
from ..statements import Statement, Var, map_arguments, perform
from .arrays import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..program import Program


def check_shapes(program: Program) -> None:
    """Raise where a value that was computed from rows has no axis of rows any more.

    Args:
        program: one for any number of rows. What only checks of values read is left out.
    """
    needed = _needed(program)
    computed = {entry.var for entry in program.inputs}
    for statement in program.statements:
        if all(var.root not in computed for var in statement.reads()):
            continue
        for var in _made(statement):
            computed.add(var.root)
            has_rows = any(isinstance(length, Rows) for length in var.shape or ())
            if var.root in needed and not has_rows:
                _fail(program, statement)


def check_values(
    program: Program,
    batches: Sequence[Sequence[np.ndarray]],
    others: tuple[Sequence[int], Sequence[int]],
) -> None:
    """Raise if a result changes with rows of the arguments that are not its own.

    The line is the first one whose numbers change with some rows and with the rest. That alone is
    no mistake: a convolution may compute numbers across the borders of rows, and throw them away.

    Args:
        program: one for a certain size.
        batches: arguments of that size; with some other rows; with the rest of them others.
        others: which rows are others, in the latter two.
    """
    needed = _needed(program)
    runs: list[dict[Var, Any]] = []
    for batch in batches:
        runs.append({e.var: batch[e.source].copy("K") for e in program.inputs})
    meeting = None
    for statement in program.statements:
        if statement.kind == "guard":
            continue
        for values in runs:
            _run(statement, values)
        made = [var for var in _made(statement) if var.root in needed]
        if meeting is None and any(_meet(var, runs) for var in made):
            meeting = statement
    size = len(batches[0][0])
    for var in program.results:
        if not isinstance(var, Var) or var not in runs[0]:
            continue
        if _meet(var, runs) or (var.shape[:1] == (size,) and _moved(var, runs, others)):
            _fail(program, meeting or program.statements[-1])


def _meet(var: Var, runs: Sequence[dict[Var, Any]]) -> bool:
    """Say whether a number of a value changes with some rows and with the rest."""
    base, some, rest = (values[var] for values in runs)
    return bool(np.any(_differ(base, some) & _differ(base, rest)))


def _moved(var: Var, runs: Sequence[dict[Var, Any]], others: Sequence[Sequence[int]]) -> bool:
    """Say whether a row of a value changes with rows of the arguments that are not its own."""
    base, *changed = (values[var] for values in runs)
    return any(
        np.any(np.delete(_differ(base, value), rows, axis=0))
        for value, rows in zip(changed, others)
    )


def _needed(program: Program) -> set[Var]:
    """Return the memory (root values) that results depend on; what only checks read is not."""
    needed = {var.root for var in program.kept()}
    for statement in reversed(program.statements):
        if statement.kind != "guard" and any(var.root in needed for var in _made(statement)):
            needed.update(var.root for var in statement.reads())
    return needed


def _made(statement: Statement) -> tuple[Var, ...]:
    """Return the values that a statement makes or writes to."""
    return statement.outs if statement.writes is None else (*statement.outs, statement.writes)


def _run(statement: Statement, values: dict[Var, Any]) -> None:
    """Carry a statement out, and keep what it makes."""

    def real(leaf: Any) -> Any:
        if type(leaf) is not Var:
            return leaf
        return values[leaf] if leaf.constant is None else leaf.constant

    args, kwargs = (map_arguments(tree, real) for tree in (statement.args, statement.kwargs))
    result = perform(statement.kind, statement.target, args, kwargs, statement.method)
    if statement.outs:
        results = result if statement.several else [result]
        values.update(zip(statement.outs, results))


def _differ(a: Any, b: Any) -> Any:
    """Return the places where two arrays have other numbers; nan is like nan."""
    return (a != b) & ~((a != a) & (b != b))


def _fail(program: Program, statement: Statement) -> NoReturn:
    raise CompileError(
        f"{place_text(statement.place)}{program.name} computes numbers from several rows together: "
        "what is predicted for a row would depend on the rows beside it. Instead: compute along "
        "the other axes."
    )
