"""Cheaper statements for the same result: what NumPy does slowly, written in the way it does fast.

Measured on 300×64 and 300×3 float32 (µs): a row maximum of three 11.7, by columns 1.0; a row sum
5.5, as a product with ones 0.3; a sum over rows 6.3, as a product 1.0; a sum of 300 numbers 0.9,
as a product 0.3; the maximum of 300×64 numbers and 0 7.8, and an array of zeros 2.5. Products add
in another order than `np.add.reduce`: the last digits differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..statements import Statement, Var, execute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..program import Program

__all__ = ["statements"]


def statements(program: Program) -> None:
    """Replace reductions over short rows, sums, and products of matrices."""
    changed = program.changed()
    made: list[Statement] = []
    same: dict[Var, Any] = {}
    for statement in program.statements:
        statement.replace(same)
        if statement.outs and statement.out.root not in changed:
            _rewrite(statement, made, same, program)
        else:
            made.append(statement)
    program.statements = made
    program.replace(same)


def _rewrite(
    statement: Statement, made: list[Statement], same: dict[Var, Any], program: Program
) -> None:
    out = statement.out
    if statement.is_ufunc(np.matmul) and not statement.kwargs:
        x, y = statement.args
        if isinstance(x, Var) and isinstance(y, Var) and len(x.shape) == len(y.shape) == 2:
            statement.kind, statement.target = "method", "dot"
    elif statement.is_ufunc(np.maximum, np.minimum) and not statement.kwargs:
        statement.args = tuple(_filled(a, out) for a in statement.args)
    elif _reduces(statement):
        x = statement.args[0]
        axis = statement.kwargs.get("axis", 0)
        build = _Builder(statement, made)
        new = None
        if x.dtype.char in "fd" and x.value.size:
            if axis in (-1, len(x.shape) - 1) and len(x.shape) == 2:
                new = _by_rows(build, statement.target, x)
            elif statement.target is np.add and axis == 0 and len(x.shape) == 2:
                new = build.product(_ones(x.shape[0], x.dtype), x)
            elif statement.target is np.add and (axis is None or len(x.shape) == 1):
                flat = x if len(x.shape) == 1 else build("method", "reshape", (x, -1))
                if flat.root is x.root:  # a copy would cost more than it saves
                    new = build.product(flat, _ones(flat.shape[0], x.dtype))
        if new is not None:
            new.hint = out.hint
            if new.shape != out.shape:
                new = build("method", "reshape", (new, out.shape))
                new.hint = out.hint
            same[out] = new
            _view_of(new, out, program)
            made += build.statements
            return
    made.append(statement)


def _reduces(statement: Statement) -> bool:
    plain = set(statement.kwargs) <= {"axis", "keepdims"} and len(statement.args) == 1
    return (
        statement.kind == "ufunc"
        and statement.method == "reduce"
        and statement.target in (np.add, np.maximum, np.minimum)
        and plain
        and isinstance(statement.args[0], Var)
        and statement.args[0].is_array
    )


class _Builder:
    """Makes statements at the place of another one, and the values that they give."""

    def __init__(self, origin: Statement, made: list[Statement]) -> None:
        self.origin = origin
        self.statements: list[Statement] = []

    def __call__(self, kind: str, target: Any, args: tuple, **kwargs: Any) -> Var:
        origin = self.origin
        statement = Statement(
            kind, target, args, kwargs, place=origin.place, section=origin.section
        )
        self.statements.append(execute(statement))
        return statement.out

    def product(self, x: Var, y: Var) -> Var:
        return self("method", "dot", (x, y))


def _by_rows(build: _Builder, ufunc: np.ufunc, x: Var) -> Var | None:
    n = x.shape[1]
    if ufunc is np.add:
        return build.product(x, _ones(n, x.dtype)) if x.value.flags.c_contiguous else None
    if not 2 <= n < 8:
        return None
    columns: Iterator[Var] = (build("getitem", None, (x, (slice(None), k))) for k in range(n))
    best = build("ufunc", ufunc, (next(columns), next(columns)))
    for column in columns:
        best = build("ufunc", ufunc, (best, column))
    return best


def _filled(value: Any, like: Var) -> Any:
    """A number as an array: comparing two arrays is vectorized, with one number it is not."""
    small = like.is_array and like.value.nbytes <= 1 << 18 and like.dtype.char in "fd"
    if not small or not isinstance(value, (int, float)):
        return value
    filled = Var(np.full(like.shape, value, like.dtype), "level")
    filled.constant = filled.value
    return filled


def _ones(n: int, dtype: np.dtype) -> Var:
    ones = Var(np.ones(n, dtype), "ones")
    ones.constant = ones.value
    return ones


def _view_of(new: Var, old: Var, program: Program) -> None:
    """Views of `old` look into the memory of `new` from here on."""
    for statement in program.statements:
        for out in statement.outs:
            if out.root is old and out is not old:
                out.root = new.root
