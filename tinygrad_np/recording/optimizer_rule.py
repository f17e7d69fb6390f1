"""An optimizer's rule, taken down while it runs: the lines that ran, and the values they read."""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import itertools
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..formulas.derivatives import numbered
from ..formulas.source import body_of, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType, FrameType

_NUMBERS = (int, float, np.number, np.bool_)


class UpdateRule(NamedTuple):
    """An optimizer's rule as it ran in one step, for all parameters laid end to end.

    Attributes:
        by: the optimizer, as its repr was.
        doc: what its class says of it.
        lines: those of the rule that ran, as what is done to one parameter, called `parameter`.
        reads: what the lines read, by name: numbers, arrays of them, or words.
        gradient: what the rule was given as gradient.
        state: the optimizer's arrays before the step, by name.
        note: what the optimizer did besides, as a sentence; "" for nothing.
    """

    by: str
    doc: str
    lines: tuple[str, ...]
    reads: dict[str, Any]
    parameter: str
    gradient: Any
    state: dict[str, Any]
    note: str


def watch_rule(
    optimizer: Any, arguments: Sequence[Any], state_names: Sequence[str], note: str
) -> tuple[Any, UpdateRule]:
    """Return the result of `optimizer.update(*arguments)`, and the rule that gave it.

    Everything is taken down now: the optimizer may change later, and so may its arrays.
    """
    function = inspect.unwrap(getattr(optimizer.update, "__func__", optimizer.update))
    code = getattr(function, "__code__", None)
    body = [] if code is None else body_of(code)[0]
    own = _own_values(body, optimizer)
    before = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    by = repr(optimizer)
    with _lines_that_run(code) as lines:
        result = optimizer.update(*arguments)
    text = _Text(function, _statements_at(body, lines), own, before, list(state_names))
    doc = inspect.cleandoc(type(optimizer).__doc__ or "").partition("\n\nArgs:")[0]
    return result, UpdateRule(
        by=by,
        doc=doc.replace("\n\n", "\n"),
        lines=tuple(text.lines),
        reads=text.reads,
        parameter=text.parameter,
        gradient=before[0],
        state=dict(zip(state_names, before[3:], strict=True)),
        note=note,
    )


# --- the lines that run ---------------------------------------------------------------------------


@contextlib.contextmanager
def _lines_that_run(code: CodeType | None) -> Iterator[set[int]]:
    """Collect the line numbers of a function that run inside. A debugger goes on seeing all."""
    lines: set[int] = set()
    debugger = sys.gettrace()

    def on_call(frame: FrameType, event: Any, arg: Any) -> Any:
        local = None if debugger is None else debugger(frame, event, arg)
        if frame.f_code is not code:
            return local

        def on_line(frame: FrameType, event: Any, arg: Any) -> Any:
            nonlocal local
            if event == "line":
                lines.add(frame.f_lineno)
            if local is not None:
                local = local(frame, event, arg)
            return on_line

        return on_line

    sys.settrace(on_call)
    try:
        yield lines
    finally:
        sys.settrace(debugger)


def _statements_at(body: Sequence[ast.stmt], lines: set[int]) -> list[ast.stmt]:
    """Return the statements of which a line ran; of an `if`, those of the branch taken."""
    statements: list[ast.stmt] = []
    for statement in body:
        assert statement.end_lineno is not None
        if isinstance(statement, ast.If) and statement.body[0].lineno > statement.lineno:
            statements += _statements_at([*statement.body, *statement.orelse], lines)
        elif lines.intersection(range(statement.lineno, statement.end_lineno + 1)):
            statements.append(statement)
    return statements


def _own_values(body: Sequence[ast.stmt], optimizer: Any) -> dict[str, Any]:
    """Return the numbers, and tuples of them, that a rule may read of the optimizer: `self.eps`."""
    values = {name: getattr(optimizer, name, None) for name in _own_names(body)}
    return {name: v for name, v in values.items() if isinstance(v, (*_NUMBERS, tuple))}


def _own_names(statements: Sequence[ast.stmt]) -> dict[str, None]:
    """Return the attributes of `self` that some statements name, in order."""
    nodes = itertools.chain.from_iterable(map(ast.walk, statements))
    return {node.attr: None for node in nodes if _is_own(node)}  # type: ignore[attr-defined]


def _is_own(node: ast.AST) -> bool:
    """Say whether an expression is an attribute of `self`."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    return node.value.id == "self"


# --- the lines as text ----------------------------------------------------------------------------


class _Text:
    """The lines of a rule, as what is done to one parameter.

    `return change, *state` is what the optimizer does then: it subtracts the change from the
    parameter and keeps the state. `self.eps` is written `eps`, and `state[0]` by its name.

    Attributes:
        lines: the text.
        reads: numbers (arrays where they differ from element to element), or words, by name.
        parameter: what the lines call the parameter.
    """

    def __init__(
        self,
        function: Any,
        statements: list[ast.stmt],
        own: dict[str, Any],
        arguments: list[Any],
        state: list[str],
    ) -> None:
        used = {*names_in(statements), *own, *state}
        names = itertools.chain(["w", "weight"], numbered("w"))
        self.parameter = next(name for name in names if name not in used)
        self.state = state
        self.lines: list[str] = []
        parameters = inspect.signature(function).parameters.values()
        rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        named = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        named = [name for name in named if name != "self"]
        variables = {p.name for p in parameters if p.name != "self"}
        variables = variables.union(*map(_assigned, statements))
        own = {name: own[name] for name in _own_names(statements) if name in own}
        # The state comes after three arguments; fewer of these have names where `*args` has all.
        renaming = _Renaming(own.keys() - variables, rest, ["", "", "", *state][len(named) :])
        statements = [renaming.renamed(copy.deepcopy(statement)) for statement in statements]
        for statement in statements:
            self._write(statement)

        read = set(names_in(statements))
        self.reads: dict[str, Any] = {}
        for name, value in zip(named, ["the gradient", *arguments[1:3]]):
            if name in read:
                self.reads[name] = value
        for name, value in own.items():
            self.reads[f"self.{name}" if name in variables else name] = value
        for name, own_name in zip(named[3:], state):
            if name in read and name != own_name:
                self.reads[name] = f"the optimizer's {own_name}"
        for name in renaming.before:
            self.reads[f"{name}_before"] = f"the optimizer's {name} before"

    def _write(self, statement: ast.stmt) -> None:
        """Write a statement; for a `return`, what the optimizer does with the result."""
        if not isinstance(statement, ast.Return) or statement.value is None:
            self.lines.append(ast.unparse(statement))
            return
        value = statement.value
        parts = value.elts if isinstance(value, ast.Tuple) else []
        if not parts or any(isinstance(part, ast.Starred) for part in parts):
            self.lines.append(f"change, *state = {ast.unparse(value)}")
            self.lines.append(f"{self.parameter} -= change")
            return
        change, *state = parts
        if isinstance(change, ast.UnaryOp) and isinstance(change.op, ast.USub):
            self.lines.append(f"{self.parameter} += {ast.unparse(change.operand)}")
        else:
            self.lines.append(f"{self.parameter} -= {ast.unparse(change)}")
        for name, new in zip(self.state, map(ast.unparse, state)):
            if name != new:
                self.lines.append(f"{name} = {new}")


class _Renaming(ast.NodeTransformer):
    """Writes `eps` for `self.eps`, and `m` for `state[0]`.

    Where the rule has a variable `m` of its own, `state[0]` is `m` up to where that gets a value,
    as in `m = 0.9 * m + 0.1 * g`, and `m_before` (in `before`) from there on.
    """

    def __init__(self, own: set[str], rest: str | None, state: list[str]) -> None:
        """Rename elements of `rest` to the names in `state`; "" for one that is no state."""
        self.own = own
        self.rest = rest
        self.state = state
        self.before: dict[str, None] = {}
        self._assigned: set[str] = set()

    def renamed(self, statement: ast.stmt) -> ast.stmt:
        """Return the next statement in the new names."""
        assigned = _assigned(statement)
        statement = self.visit(statement)
        self._assigned |= assigned
        return statement

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return ast.Name(node.attr) if _is_own(node) and node.attr in self.own else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        name = self._state_name(node)
        if not name:
            return node
        if name in self._assigned:
            self.before[name] = None
            name = f"{name}_before"
        return ast.Name(name)

    def _state_name(self, node: ast.Subscript) -> str:
        """Return the name of the state that `state[0]` stands for, "" for other elements."""
        if not isinstance(node.value, ast.Name) or node.value.id != self.rest:
            return ""
        index = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if not isinstance(index, int) or index >= len(self.state):
            return ""
        return self.state[index]


def _assigned(statement: ast.stmt) -> set[str]:
    """Return the names that a statement gives to values."""
    names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}
