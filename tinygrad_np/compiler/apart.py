"""Search for the line where rows of the arguments meet: a prediction should be of its row alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .comparison import place_text
from .errors import CompileError
from .row_arrays import Rows
from .statements import Statement, Var, map_arguments, perform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .program import Program


def check_shapes(program: Program) -> None:
    """Raise where a value that was computed from rows has no axis of rows, or not one alone.

    Args:
        program: one for any number of rows. Checks of values are left out.
    """
    needed = _needed(program)
    computed = {entry.var for entry in program.inputs}
    for statement in program.statements:
        if all(var.root not in computed for var in statement.reads()):
            continue
        for var in _made(statement):
            computed.add(var.root)
            rows = [length for length in var.shape or () if isinstance(length, Rows)]
            if var.root in needed and (len(rows) != 1 or rows[0].b):
                _fail(program, statement)


def check_values(program: Program, batches: Sequence[Sequence[np.ndarray]]) -> None:
    """Raise where a number changes with the even rows of the arguments and with the odd ones.

    Args:
        program: one for a certain size.
        batches: arguments of that size; with other even rows; with other odd rows.
    """
    needed = _needed(program)
    runs: list[dict[Var, Any]] = []
    for batch in batches:
        runs.append({e.var: batch[e.source].copy("K") for e in program.inputs})
    for statement in program.statements:
        if statement.kind == "guard":
            continue
        for values in runs:
            _run(statement, values)
        for var in _made(statement):
            if var.root not in needed:
                continue
            base, even, odd = (values[var] for values in runs)
            if np.any(_differ(base, even) & _differ(base, odd)):
                _fail(program, statement)
    size = len(batches[0][0])
    for var in program.results:
        if not isinstance(var, Var) or var.shape is None or var.shape[:1] != (size,):
            continue
        base, even, odd = (values[var] for values in runs)
        if np.any(_differ(base, odd)[::2]) or np.any(_differ(base, even)[1::2]):
            _fail(program, program.statements[-1])


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
