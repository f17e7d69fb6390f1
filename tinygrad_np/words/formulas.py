"""The derivative of an op, read from its rule: as a formula, and as its NumPy lines.

    derivative(tg.tanh.op, 0)    'g · (1 − out · out)'
    numpy_lines(tg.tanh.op, 0)   ['g * (1 - out * out)']

Where a rule branches, the given values say which way is shown.
"""

from __future__ import annotations

import ast
import copy
import inspect
from typing import TYPE_CHECKING, Any

from ..draw.rules import formula, lines_that_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..ops.op import Op

__all__ = ["derivative", "helpers", "numpy_lines", "rule_of"]


def rule_of(op: Op, position: int) -> Callable | None:
    """The rule for the input at a position; None if no gradient flows there."""
    return next(iter(op.rule.values())) if op.variadic else op.rules[position]


def derivative(
    op: Op,
    position: int,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
    *,
    exact: bool = False,
) -> str | None:
    """What the rule for one input gives, as a formula.

    Args:
        op: a declared operation.
        position: which input.
        names: how to call what the rule reads (`g`, `out`, inputs, parameters); by default so.
        values: what decides the rule's branches.
        exact: write what the values say, such as the axes, in the place of its names.

    Returns:
        The formula; None for a rule of several steps or without source, and where there is none.
    """
    rule = rule_of(op, position)
    if rule is None:
        return None
    closed = inspect.getclosurevars(rule).nonlocals
    numbers = {n: f"{v:.6g}" for n, v in closed.items() if isinstance(v, (int, float))}
    statements = _inlined(lines_that_run(rule, values or {}), rule, values if exact else None)
    return formula(statements, numbers | dict(names or {}))


def numpy_lines(op: Op, position: int, values: Mapping[str, Any] | None = None) -> list[str]:
    """The NumPy lines of the rule for one input; the last one is what it returns."""
    rule = rule_of(op, position)
    if rule is None:
        return []
    text = [line for s in lines_that_run(rule, values or {}) for line in ast.unparse(s).split("\n")]
    return [*text[:-1], text[-1].removeprefix("return ")] if text else []


def helpers(
    op: Op, position: int, values: Mapping[str, Any] | None = None, *, exact: bool | None = None
) -> list[str]:
    """What the library's own functions do that the rule calls: `restore: A reduced value ...`.

    With `exact`, only those that stand in the formula that `derivative` gives with it.
    """
    rule = rule_of(op, position)
    if rule is None:
        return []
    found = {}
    statements = lines_that_run(rule, values or {})
    if exact is not None:
        statements = _inlined(statements, rule, values if exact else None)
    for statement in statements:
        for node in ast.walk(statement):
            function = rule.__globals__.get(node.id) if isinstance(node, ast.Name) else None
            if inspect.isfunction(function) and function.__doc__:
                first = inspect.cleandoc(function.__doc__).split("\n")[0]
                found[function.__name__] = f"{function.__name__}: {first}"
    return list(found.values())


def _inlined(
    statements: list[ast.stmt], rule: Callable, values: Mapping[str, Any] | None
) -> list[ast.stmt]:
    """The statements with calls of one-line helpers replaced by what these compute."""
    inline = _Inline(rule.__globals__, values or {})
    return [inline.visit(copy.deepcopy(statement)) for statement in statements]


class _Inline(ast.NodeTransformer):
    """Puts what a helper computes in place of a call to it: its value, or its one expression."""

    def __init__(self, names: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        self.names = names
        self.values = values

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = self.names.get(node.func.id) if isinstance(node.func, ast.Name) else None
        known: Any = self._known(node) if inspect.isfunction(function) else None
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
        inside = _Inline(function.__globals__, given)
        expression = inside.visit(copy.deepcopy(body[0].value))
        if not _is_simple(expression, function):
            return node
        return _Given(dict(zip(parameters, node.args))).visit(expression)

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
