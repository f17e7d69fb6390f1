"""Recordings of a function at several sizes, made one program for any number of rows.

Numbers that differ are written as a·n + b, found from two sizes and checked by the third. Arrays
that differ are made anew from n.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ...core.callsite import modules_in
from ..callers import Origins, function_name
from ..comparison import place_text, same_target
from ..errors import CompileError
from ..lowering.recording import record_undone
from ..passes import run as run_passes
from ..program import Input, program_of
from ..statements import Var
from .arrays import Rows, array_of_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..program import Program
    from ..statements import Statement

SIZES = (5, 8, 13)  # none of them is so far from the next that a count of the calls would follow
PROOFS = (1, 50)  # other numbers of rows, with which a function must do the same
_PASSES = ("fold", "algebra", "common", "dead")  # those that read no size


# --- one recording --------------------------------------------------------------------------------


class _LayerOrigins(Origins):
    """Origins that say which module of a model computes, too.

    Args:
        model: with `named_modules`; None for another function.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._texts: dict[int, str] = {}
        for path, module in model.named_modules() if model else ():
            text = repr(module)
            kind = type(module).__name__ if "\n" in text else text
            self._texts[id(module)] = f"{path}: {kind}" if path else ""

    def now(self) -> dict[str, Any]:
        texts = (self._texts.get(id(module)) for module in reversed(modules_in(sys._getframe(1))))
        return {**super().now(), "layer": next(filter(None, texts), "")}


def model_of(f: Any) -> Any:
    """Return the model whose method a function is; None if it is none."""
    owner = getattr(f, "__self__", None)
    return owner if hasattr(owner, "named_modules") else None


def record_at(f: Callable, batch: Sequence[Any]) -> Program:
    """Record `f` on one batch, with all that it captures as constants.

    Raises:
        CompileError: it does more than compute numbers from its arguments.
    """
    origins = _LayerOrigins(model_of(f))
    tape = record_undone(f, *batch, origins=origins)
    name = function_name(f)
    program = program_of(name, tape, set(), pin=False)
    for entry in program.inputs:
        if entry.kind != "argument":
            entry.var.constant = entry.var.value
    check_pure(name, program)
    read = {entry.source: entry for entry in program.inputs if entry.kind == "argument"}
    names = [tape.state.names[id(tensor)] for tensor in batch]
    arguments = [  # in the order of the call, those that nothing reads, too
        read.get(k) or Input("argument", k, Var(tensor._data, name))
        for k, (tensor, name) in enumerate(zip(batch, names))
    ]
    program.inputs = list(arguments)
    for statement in program.statements:
        if statement.is_view() and statement.out.root.constant is not None:
            statement.out.hint = statement.out.root.hint  # a weight in another shape
    run_passes(program, _PASSES)
    program.inputs = arguments
    return program


_DOES = {
    "draw": "draws random numbers",
    "effect": "does more than compute",
    "host": "calls a Python function of numbers",
}


def check_pure(name: str, program: Program) -> None:
    """Raise for what a function of its arguments alone does not do."""
    for statement in program.statements:
        if statement.kind in _DOES:
            raise CompileError(
                f"{place_text(statement.place)}{name} {_DOES[statement.kind]}: an "
                "exported file can't hold that"
            )
    for output in program.outputs:
        makers = (s.place for s in program.statements if output.var in s.outs)
        what = getattr(output.source, "name", None) or f"a {output.kind}"
        raise CompileError(
            f"{place_text(next(makers, None))}{name} changes {what}: a prediction leaves all as it "
            "was"
        )


# --- several recordings ---------------------------------------------------------------------------


def for_any_rows(programs: Sequence[Program]) -> Program:
    """Make the programs of `SIZES` one, in which numbers follow the rows; the first becomes it.

    Raises:
        CompileError: they differ in more.
    """
    return _Merging(programs).run()


@dataclass
class _Merging:
    """Comparison of the programs of `SIZES`, statement by statement."""

    programs: Sequence[Program]

    def __post_init__(self) -> None:
        self.same: dict[Var, Var] = {}  # values of the first program, by those of the others
        self.made: dict[Any, Var] = {}  # arrays that are made of n, by content
        self.statements: list[Statement] = []
        self.latest: Any = None  # the statement that is looked at

    def run(self) -> Program:
        first = self.programs[0]
        for entries in zip(*(program.inputs for program in self.programs), strict=True):
            self._pair([entry.var for entry in entries])
        rows = itertools.zip_longest(*(program.statements for program in self.programs))
        for statements in rows:
            self.statements.append(self._statement(statements))
        first.template = self._tree([program.template for program in self.programs])
        first.statements = self.statements
        return first

    def _pair(self, values: Sequence[Var]) -> None:
        """Note that values are one, of a shape that may follow the rows."""
        one, *others = values
        self.same.update(dict.fromkeys(others, one))
        if one.shape is not None:
            one.shape = self._tree([value.shape for value in values])

    def _statement(self, statements: Sequence[Statement | None]) -> Statement:
        """Compare statements, and let the first one follow the rows."""
        there = [s for s in statements if s is not None]
        self.latest = there[-1]
        one = there[0]
        calls_the_same = len(there) == len(statements) and all(
            (s.kind, s.method, len(s.outs)) == (one.kind, one.method, len(one.outs))
            and same_target(s.target, one.target)
            for s in there
        )
        if not calls_the_same:
            self._fail("other operations")
        one.args = self._tree([s.args for s in there])
        one.kwargs = self._tree([s.kwargs for s in there])
        for outs in zip(*(s.outs for s in there)):
            self._pair(outs)
        return one

    def _tree(self, trees: Sequence[Any]) -> Any:
        """Merge nested arguments."""
        one = trees[0]
        kind = type(one)
        if any(type(tree) is not kind for tree in trees):
            self._fail("other operands")
        if kind is Var:
            return self._value(trees)
        if kind is slice:
            ends = self._tree([(s.start, s.stop, s.step) for s in trees])
            return slice(*ends)
        if isinstance(one, dict):
            items = self._tree([list(tree.items()) for tree in trees])
            return dict(items)
        if isinstance(one, (tuple, list)):
            if len(set(map(len, trees))) > 1:
                self._fail("other operands")
            items = [self._tree(column) for column in zip(*trees)]
            return kind(*items) if hasattr(one, "_fields") else kind(items)
        if kind is int:
            return self._number(trees)
        if not all(_same(one, tree) for tree in trees):
            self._fail(f"{one!r}, then {trees[1]!r} and {trees[2]!r}")
        return one

    def _number(self, numbers: Sequence[int]) -> Any:
        if len(set(numbers)) == 1:
            return numbers[0]
        followed = Rows.through(SIZES, numbers)
        if followed is None:
            self._fail(f"the numbers {', '.join(map(str, numbers))}, which are not a·n + b")
        return followed

    def _value(self, values: Sequence[Var]) -> Any:
        """Merge a value: the same one of each program, or a constant."""
        one = values[0]
        if any(value.constant is None for value in values):
            if not all(self.same.get(value, value) is one for value in values):
                self._fail("other operands")
            return one
        constants = [value.constant for value in values]
        if all(_same(one.constant, content) for content in constants):
            return one
        if isinstance(one.constant, (int, np.integer)):
            return self._number(list(map(int, constants)))
        key = tuple((np.shape(c), np.asarray(c).tobytes()) for c in constants)
        if key not in self.made:
            statements = array_of_rows(constants, SIZES, one.hint)
            if not statements:
                self._fail("an array that holds other numbers, and not the same for each row")
            for statement in statements:
                statement.place, statement.layer = self.latest.place, self.latest.layer
            self.statements += statements
            self.made[key] = statements[-1].out
        return self.made[key]

    def _fail(self, found: str) -> NoReturn:
        raise different(self.programs[0].name, self.latest, SIZES, found)


def different(name: str, latest: Any, sizes: Sequence[int], found: str) -> CompileError:
    """Make the error of a function that does something else for other numbers of rows.

    Args:
        latest: the last statement (or node) that was the same, which knows its line, or None.
        sizes: the numbers of rows.
        found: what differs.
    """
    first, *others, last = sizes
    counts = f"with {first} rows, {', '.join(map(str, others))} and {last}"
    return CompileError(
        f"{place_text(latest and latest.place)}{name} computes something else {counts}: {found}. "
        "A file for any number of rows can hold numbers that follow it, but no loop over rows, and "
        "no branch on their number. Instead: compute with whole arrays."
    )


def _same(a: Any, b: Any) -> bool:
    """Say whether constants of two recordings are the same, to the bit."""
    if a is b:
        return True
    if isinstance(a, (np.ndarray, np.generic, float, complex)):
        x, y = np.asarray(a), np.asarray(b)
        return (x.dtype, x.shape) == (y.dtype, y.shape) and x.tobytes() == y.tobytes()
    return bool(same_target(a, b))
