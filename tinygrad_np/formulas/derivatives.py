"""The derivative of an op, read from its rule: as a formula, and as its NumPy lines.

    Derivative(tg.tanh.op, 0).formula()   'g · (1 − out · out)'
    Derivative(tg.tanh.op, 0).numpy()     ['g * (1 - out * out)']

Where a rule branches, the given values say which way is shown.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from .rules import declared_formula, formula, helpers_in, lines_that_run, names_in, parameters_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ..core.op import Op

__all__ = ["Derivative", "rule_of"]


def rule_of(op: Op, position: int) -> Callable | None:
    """The rule for the input at a position; None if no gradient flows there."""
    return next(iter(op.rule.values())) if op.variadic else op.rules[position]


class Derivative:
    """What the rule for one input of an op does.

    Args:
        op: a declared operation.
        position: which input; one that has a rule.
        values: what decides the rule's branches, by name.
        exact: write what the values say, such as the axes, in the place of names in the formula.

    Attributes:
        lines: the statements that run; none if the source is not at hand.
    """

    def __init__(
        self,
        op: Op,
        position: int,
        values: Mapping[str, Any] | None = None,
        *,
        exact: bool = False,
    ) -> None:
        rule = rule_of(op, position)
        assert rule is not None
        self.rule = rule
        self.lines = lines_that_run(rule, values or {})
        self.op = op
        self._known = values if exact and values else {}
        self._declared = declared_formula(op, position, values or {})

    @functools.cached_property
    def inlined(self) -> list[ast.stmt]:
        """The lines with calls of one-line helpers replaced by what these compute."""
        return _inlined(self.lines, self.rule, self._known)

    @functools.cached_property
    def expressed(self) -> list[ast.stmt]:
        """What the formula is made of: these lines, or what the op declares to say the same."""
        if formula(self.inlined, {}) is not None or self._declared is None:
            return self.inlined
        return _inlined(*self._declared, self._known)

    @functools.cached_property
    def numbers(self) -> dict[str, str]:
        """The numbers that the rule, or what is declared for it, has from around its definition."""
        functions = [self.rule, *(self._declared[1:] if self._declared else ())]
        closed = {n: v for f in functions for n, v in inspect.getclosurevars(f).nonlocals.items()}
        return {n: f"{v:.8g}" for n, v in closed.items() if isinstance(v, (int, float))}

    @property
    def chosen(self) -> bool:
        """Whether the values decided which lines run."""
        whole = lines_that_run(self.rule, {})
        return [ast.dump(s) for s in self.lines] != [ast.dump(s) for s in whole]

    def formula(self, names: Mapping[str, str] | None = None) -> str | None:
        """The result as a formula, see `draw.rules.formula`: it may have several lines.

        Args:
            names: how to call what the rule reads (`g`, `out`, inputs, parameters); by default so.
        """
        return formula(self.expressed, self.numbers | dict(names or {}))

    def numpy(self) -> list[str]:
        """The lines as text; the last one is what the rule returns."""
        text = [line for s in self.lines for line in ast.unparse(s).split("\n")]
        return [*text[:-1], text[-1].removeprefix("return ")] if text else []

    def helpers(self, lines: list[ast.stmt] | None = None) -> dict[str, str]:
        """What the library's own functions do that the lines call, by name.

        Args:
            lines: by default all that run; `expressed` for the formula's.
        """
        of = self.rule
        if lines is self.expressed and self._declared and lines is not self.inlined:
            of = self._declared[1]
        return helpers_in(self.lines if lines is None else lines, of)

    def kept(self, lines: list[ast.stmt] | None = None) -> list[str]:
        """What lines (see `helpers`) read of the values that only forward knows (`keeps`)."""
        reads = names_in(self.lines if lines is None else lines)
        return [name for name in self.op.keeps if name in reads]


def _inlined(
    statements: list[ast.stmt], rule: Callable, values: Mapping[str, Any]
) -> list[ast.stmt]:
    own = {*parameters_of(rule), *_assigned(statements)}
    outside = _outside(rule, own)
    known = {name: value for name, value in values.items() if name in own}
    made = []
    for statement in statements:
        if any(isinstance(node, ast.Call) for node in ast.walk(statement)):
            made.append(_Inline(outside, known).visit(copy.deepcopy(statement)))
        else:
            made.append(statement)
        # From here on these names stand for something else.
        known = {name: known[name] for name in known.keys() - _assigned([statement])}
    return made


def _assigned(statements: list[ast.stmt]) -> set[str]:
    walked = (node for statement in statements for node in ast.walk(statement))
    return {n.id for n in walked if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _outside(function: Callable, own: Collection[str]) -> dict[str, Any]:
    """What the names outside of a function stand for in it, those that are not its own."""
    return {name: value for name, value in function.__globals__.items() if name not in own}


class _Inline(ast.NodeTransformer):
    """Puts what a helper computes in place of a call to it: its value, or its one expression."""

    def __init__(self, names: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        self.names = names
        self.values = values

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = self.names.get(node.func.id) if isinstance(node.func, ast.Name) else None
        known: Any = self._known(node) if self._is_small(function, node) else None
        if isinstance(known, (int, float, str, tuple)):
            return ast.Constant(known)  # type: ignore[arg-type]  # a tuple is one, too
        self.generic_visit(node)
        if not inspect.isfunction(function) or hasattr(function, "op") or node.keywords:
            return node
        code = function.__code__
        parameters = code.co_varnames[: code.co_argcount]
        if len(parameters) != len(node.args) or code.co_kwonlyargcount:
            return node
        found = {p: self._known(a) for p, a in zip(parameters, node.args)}
        given = {p: value for p, value in found.items() if value is not _UNKNOWN}
        body = lines_that_run(function, given)
        if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
            return node
        inside = _Inline(_outside(function, parameters), given)
        expression = inside.visit(copy.deepcopy(body[0].value))
        if not _is_simple(expression, function):
            return node
        return _Given(dict(zip(parameters, node.args))).visit(expression)

    def _is_small(self, function: Any, call: ast.Call) -> bool:
        """Whether a call computes with shapes and numbers only, and no arrays."""
        if not inspect.isfunction(function) or hasattr(function, "op"):
            return False
        given = [self._known(a) for a in (*call.args, *(k.value for k in call.keywords))]
        return not any(isinstance(value, np.ndarray) for value in given)

    def _known(self, expression: ast.expr) -> Any:
        """The value of an expression, if the values that it reads are known."""
        code = compile(ast.fix_missing_locations(ast.Expression(expression)), "<rule>", "eval")
        try:
            return eval(code, {**self.names, **self.values})
        except Exception:  # a value is missing
            return _UNKNOWN


_UNKNOWN = object()


def _is_simple(expression: ast.expr, function: Callable) -> bool:
    """Whether it has no branches, and calls no other helper."""
    for node in ast.walk(expression):
        if isinstance(node, ast.IfExp):
            return False
        if isinstance(node, ast.Name):
            used = function.__globals__.get(node.id)
            if inspect.isfunction(used) and not hasattr(used, "op"):
                return False
    return True


class _Given(ast.NodeTransformer):
    """Puts arguments in the place of parameters."""

    def __init__(self, given: Mapping[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.given.get(node.id, node)
