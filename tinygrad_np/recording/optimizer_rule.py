"""An optimizer's rule, taken down while it runs: which of its lines ran, and what they read."""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import itertools
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..formulas.rules import body_of, names_in, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType, FrameType

__all__ = ["UpdateRule", "watched"]

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


def watched(
    optimizer: Any, arguments: Sequence[Any], state_names: Sequence[str], note: str
) -> tuple[Any, UpdateRule]:
    """What `optimizer.update(*arguments)` returns, and how it came to that.

    Everything is taken down now: the optimizer may change later, and so may its arrays.
    """
    function = inspect.unwrap(getattr(optimizer.update, "__func__", optimizer.update))
    code = getattr(function, "__code__", None)
    body = [] if code is None else body_of(code)[0]
    own = _own_values(body, optimizer)
    held = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    by = repr(optimizer)
    with _lines_that_run(code) as lines:
        result = optimizer.update(*arguments)
    text = _Text(function, _statements_at(body, lines), own, held, list(state_names))
    doc = inspect.cleandoc(type(optimizer).__doc__ or "").partition("\n\nArgs:")[0]
    return result, UpdateRule(
        by=by,
        doc=doc.replace("\n\n", "\n"),
        lines=tuple(text.lines),
        reads=text.reads,
        parameter=text.parameter,
        gradient=held[0],
        state=dict(zip(state_names, held[3:], strict=True)),
        note=note,
    )


# --- which lines run ------------------------------------------------------------------------------


@contextlib.contextmanager
def _lines_that_run(code: CodeType | None) -> Iterator[set[int]]:
    """The numbers of the lines of a function that run inside. A debugger goes on seeing all."""
    lines: set[int] = set()
    before = sys.gettrace()

    def entered(frame: FrameType, event: Any, arg: Any) -> Any:
        theirs = None if before is None else before(frame, event, arg)
        if frame.f_code is not code:
            return theirs

        def inside(frame: FrameType, event: Any, arg: Any) -> Any:
            nonlocal theirs
            if event == "line":
                lines.add(frame.f_lineno)
            theirs = None if theirs is None else theirs(frame, event, arg)
            return inside

        return inside

    sys.settrace(entered)
    try:
        yield lines
    finally:
        sys.settrace(before)


def _statements_at(body: Sequence[ast.stmt], lines: set[int]) -> list[ast.stmt]:
    """The statements of which a line ran; of an `if`, those of the branch that was taken."""
    found: list[ast.stmt] = []
    for statement in body:
        assert statement.end_lineno is not None
        if isinstance(statement, ast.If) and statement.body[0].lineno > statement.lineno:
            found += _statements_at([*statement.body, *statement.orelse], lines)
        elif lines.intersection(range(statement.lineno, statement.end_lineno + 1)):
            found.append(statement)
    return found


def _own_values(body: Sequence[ast.stmt], optimizer: Any) -> dict[str, Any]:
    """The numbers, and tuples of them, that a rule may read from the optimizer: `self.eps`."""
    values = {name: getattr(optimizer, name, None) for name in _own_names(body)}
    return {name: v for name, v in values.items() if isinstance(v, (*_NUMBERS, tuple))}


def _own_names(statements: Sequence[ast.stmt]) -> dict[str, None]:
    """The attributes of `self` that some statements name, in order."""
    walked = (node for statement in statements for node in ast.walk(statement))
    return dict.fromkeys(n.attr for n in walked if isinstance(n, ast.Attribute) and _of_self(n))


def _of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "self"


# --- how they are written -------------------------------------------------------------------------


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
        used = set(names_in(statements)) | set(own) | set(state)
        free = (n for n in itertools.chain(["w", "weight"], numbered("w")) if n not in used)
        self.parameter = next(free)
        self.reads: dict[str, Any] = {}
        self.lines: list[str] = []
        takes = inspect.signature(function).parameters.values()
        parameters = [p for p in takes if p.name != "self"]
        rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        named = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        taken = {p.name for p in parameters}.union(*map(_stored, statements))
        own = {name: own[name] for name in _own_names(statements) if name in own}
        # The state comes after three arguments; fewer of these have names where `*args` has all.
        names = _Names(own.keys() - taken, rest, ["", "", "", *state][len(named) :])
        statements = [names.written(copy.deepcopy(statement)) for statement in statements]
        for statement in statements:
            self._write(statement, state)
        read = set(names_in(statements))
        if named and named[0] in read:
            self.reads[named[0]] = "the gradient"
        for name, value in zip(named[1:3], arguments[1:3]):
            if name in read:
                self.reads[name] = value
        self.reads |= {n if n not in taken else f"self.{n}": v for n, v in own.items()}
        for name, kept in zip(named[3:], state):
            if name in read and name != kept:
                self.reads[name] = f"the optimizer's {kept}"
        for kept in names.before:
            self.reads[f"{kept}_before"] = f"the optimizer's {kept} before"

    def _write(self, statement: ast.stmt, state: list[str]) -> None:
        returned = statement.value if isinstance(statement, ast.Return) else None
        if returned is None:
            self.lines.append(ast.unparse(statement))
            return
        parts = returned.elts if isinstance(returned, ast.Tuple) else []
        if not parts or any(isinstance(part, ast.Starred) for part in parts):
            self.lines.append(f"change, *state = {ast.unparse(returned)}")
            self.lines.append(f"{self.parameter} -= change")
            return
        change, *kept = parts
        if isinstance(change, ast.UnaryOp) and isinstance(change.op, ast.USub):
            self.lines.append(f"{self.parameter} += {ast.unparse(change.operand)}")
        else:
            self.lines.append(f"{self.parameter} -= {ast.unparse(change)}")
        pairs = zip(state, map(ast.unparse, kept))
        self.lines += [f"{name} = {new}" for name, new in pairs if name != new]


class _Names(ast.NodeTransformer):
    """Writes `eps` for `self.eps`, and `m` for `state[0]`.

    Where the rule has a variable `m` of its own, `state[0]` is `m` up to where that gets a value,
    as in `m = 0.9 * m + 0.1 * g`, and `m_before` (in `before`) from there on.
    """

    def __init__(self, own: set[str], rest: str | None, state: list[str]) -> None:
        """`state` has a name for each element of `rest`; "" for one that is no state."""
        self.own = own
        self.rest = rest
        self.state = state
        self.before: dict[str, None] = {}
        self._given: set[str] = set()

    def written(self, statement: ast.stmt) -> ast.stmt:
        """The next statement, changed."""
        given = _stored(statement)
        changed = self.visit(statement)
        self._given |= given
        return changed

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return ast.Name(node.attr) if _of_self(node) and node.attr in self.own else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        of_state = isinstance(node.value, ast.Name) and node.value.id == self.rest
        which = node.slice.value if of_state and isinstance(node.slice, ast.Constant) else None
        name = self.state[which] if isinstance(which, int) and which < len(self.state) else ""
        if not name:
            return node
        if name in self._given:
            self.before[name] = None
            name = f"{name}_before"
        return ast.Name(name)


def _stored(statement: ast.stmt) -> set[str]:
    """The names that a statement gives to values."""
    walked = ast.walk(statement)
    return {n.id for n in walked if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
