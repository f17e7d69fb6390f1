"""Rewriting of statements one by one: what several passes share."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ..statements import Statement, Var, execute

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..program import Program


class Builder:
    """Maker of statements in the place of another one; a call returns the new value."""

    def __init__(self, origin: Statement) -> None:
        self.origin = origin
        self.statements: list[Statement] = []

    def __call__(
        self, kind: str, target: Any, args: tuple, *, method: str = "", **kwargs: Any
    ) -> Var:
        origin = self.origin
        statement = Statement(
            kind,
            target,
            args,
            kwargs,
            method=method,
            place=origin.place,
            section=origin.section,
            errstate=origin.errstate,
        )
        self.statements.append(execute(statement))
        return statement.out


def rewrite(program: Program, rule: Callable[[Statement, Builder], Var | None]) -> None:
    """Offer each statement to a rule, which may return another value for its result.

    What the rule builds comes before the statement, or in its place if it returns a value. Such a
    value is reshaped as the result was; one that lies otherwise in memory is not taken.
    """
    changed = program.changed()
    statements: list[Statement] = []
    same: dict[Var, Any] = {}
    views = Views(program)
    for statement in program.statements:
        statement.replace(same)
        plain = len(statement.outs) == 1 and statement.writes is None
        if not plain or statement.out.root in changed or not statement.out.size:
            statements.append(statement)
            continue
        build, out = Builder(statement), statement.out
        new = rule(statement, build)
        if new is not None and new.shape != out.shape:
            new = build("method", "reshape", (new, out.shape))
        if new is None or not same_layout(new, out):
            if build.statements:
                used = {var for s in (*build.statements, statement) for var in s.reads()}
                statements += [s for s in build.statements if s.out in used]
            statements.append(statement)
            continue
        new.hint = out.hint
        same[out] = new
        for built in build.statements:
            views.add(built)
        views.move(out, new)
        statements += build.statements
    program.statements = statements
    program.replace(same)


class Views:
    """The views of each value of a program, by the value whose memory they look into."""

    def __init__(self, program: Program) -> None:
        self._of: dict[Var, list[Var]] = defaultdict(list)
        for statement in program.statements:
            self.add(statement)

    def add(self, statement: Statement) -> None:
        """Take in the views that a new statement makes."""
        for out in statement.outs:
            if out.root is not out:
                self._of[out.root].append(out)

    def move(self, old: Var, new: Var) -> None:
        """Let views of `old` look into the memory of `new` from here on."""
        views = self._of.pop(old, [])
        for view in views:
            view.root = new.root
        self._of[new.root] += views


def same_layout(a: Var, b: Var) -> bool:
    """Say whether two arrays of one shape lie alike in memory.

    NumPy adds in the order in which elements lie there, and lays out results as their operands.
    """
    pairs = zip(a.shape, a.value.strides, b.value.strides, strict=True)
    return all(length == 1 or one == other for length, one, other in pairs)


def is_reduction(statement: Statement, *ufuncs: np.ufunc) -> bool:
    """Say whether the statement is a plain reduction of floats by one of these ufuncs."""
    return (
        statement.kind == "ufunc"
        and statement.method == "reduce"
        and statement.target in ufuncs
        and set(statement.kwargs) <= {"axis", "keepdims"}
        and len(statement.args) == 1
        and isinstance(statement.args[0], Var)
        and statement.args[0].is_array
        and statement.args[0].dtype.char in "fd"
    )
