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
) -> str | None:
    """What the rule for one input gives, as a formula.

    Args:
        op: a declared operation.
        position: which input.
        names: how to call what the rule reads (`g`, `out`, inputs, parameters); by default so.
        values: what decides the rule's branches.

    Returns:
        The formula; None for a rule of several steps or without source, and where there is none.
    """
    rule = rule_of(op, position)
    if rule is None:
        return None
    return formula(_inlined(lines_that_run(rule, values or {}), rule), names or {})


def numpy_lines(op: Op, position: int, values: Mapping[str, Any] | None = None) -> list[str]:
    """The NumPy lines of the rule for one input; the last one is what it returns."""
    rule = rule_of(op, position)
    if rule is None:
        return []
    text = [line for s in lines_that_run(rule, values or {}) for line in ast.unparse(s).split("\n")]
    return [*text[:-1], text[-1].removeprefix("return ")] if text else []


def helpers(
    op: Op, position: int, values: Mapping[str, Any] | None = None, *, inlined: bool = False
) -> list[str]:
    """What the library's own functions do that the rule calls: `restore: A reduced value ...`.

    With `inlined`, only those that stand in the formula.
    """
    rule = rule_of(op, position)
    if rule is None:
        return []
    found = {}
    statements = lines_that_run(rule, values or {})
    for statement in _inlined(statements, rule) if inlined else statements:
        for node in ast.walk(statement):
            function = rule.__globals__.get(node.id) if isinstance(node, ast.Name) else None
            if inspect.isfunction(function) and function.__doc__:
                first = inspect.cleandoc(function.__doc__).split("\n")[0]
                found[function.__name__] = f"{function.__name__}: {first}"
    return list(found.values())


def _inlined(statements: list[ast.stmt], rule: Callable) -> list[ast.stmt]:
    """The statements with calls of one-line helpers replaced by what these compute."""
    return [_Inline(rule).visit(copy.deepcopy(s)) for s in statements]


class _Inline(ast.NodeTransformer):
    """Puts the expression of a helper that is nothing else in place of a call to it."""

    def __init__(self, rule: Callable) -> None:
        self.globals = rule.__globals__

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = self.globals.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if not inspect.isfunction(function) or hasattr(function, "op") or node.keywords:
            return node
        body = lines_that_run(function, {})
        code = function.__code__
        parameters = code.co_varnames[: code.co_argcount]
        whole = len(parameters) == len(node.args) and not code.co_kwonlyargcount
        if not whole or len(body) != 1 or not isinstance(body[0], ast.Return):
            return node
        if body[0].value is None or not self._plain(body[0].value, function):
            return node
        given = dict(zip(parameters, node.args))
        return _Given(given).visit(copy.deepcopy(body[0].value))

    def _plain(self, expression: ast.expr, function: Callable) -> bool:
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
