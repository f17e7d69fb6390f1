"""A derivative rule as its NumPy lines, and as a formula with the user's names.

Both come from the rule's source. Where it branches, only the lines of the branch that the given
values take are shown: `g @ y.T` for a product of two matrices.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import inspect
import linecache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["formula", "lines_that_run"]

LONGEST_FORMULA = 90


def lines_that_run(rule: Callable, values: Mapping[str, Any]) -> list[ast.stmt]:
    """The statements of a rule that run for these values of its parameters.

    Branches are decided by computing their tests. Where that fails (a value is missing) the whole
    body is returned; nothing if the source is not at hand, as in an interactive session.
    """
    function = _source_of(rule)
    if function is None:
        return []
    if isinstance(function, ast.Lambda):
        body: list[ast.stmt] = [ast.Return(function.body)]
    else:
        body = function.body[1:] if ast.get_docstring(function) else function.body
    try:
        return _straight(body, _scope(rule, values))
    except Exception:  # whatever it is: the page shows more lines then
        return list(body)


def formula(statements: list[ast.stmt], names: Mapping[str, str]) -> str | None:
    """The value that a rule returns, with names for its parameters, if it is one expression.

    None for a rule that takes several steps, or whose expression is long.
    """
    if len(statements) != 1 or not isinstance(statements[0], ast.Return):
        return None
    expression = statements[0].value
    if expression is None:
        return None
    text = _text(expression, names)
    return text if len(text) <= LONGEST_FORMULA else None


# --- from the function to the lines ---------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _functions(file: str) -> dict[int, list[ast.Lambda | ast.FunctionDef]]:
    """The functions of a source file, by the line where their code begins."""
    found: dict[int, list[ast.Lambda | ast.FunctionDef]] = {}
    for node in ast.walk(ast.parse("".join(linecache.getlines(file)))):
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            decorators = getattr(node, "decorator_list", [])
            line = min([node.lineno, *(d.lineno for d in decorators)])
            found.setdefault(line, []).append(node)
    return found


def _source_of(rule: Callable) -> ast.Lambda | ast.FunctionDef | None:
    code = rule.__code__
    try:
        candidates = _functions(code.co_filename).get(code.co_firstlineno, [])
    except SyntaxError:
        return None
    parameters = code.co_varnames[: code.co_argcount]
    same = [f for f in candidates if tuple(a.arg for a in f.args.args) == parameters]
    same = [f for f in same if isinstance(f, ast.Lambda) == (code.co_name == "<lambda>")]
    if len(same) > 1:  # several lambdas on one line
        same = [f for f in same if isinstance(f, ast.Lambda) and _compiles_to(f, code)]
    return same[0] if same else None


def _compiles_to(function: ast.Lambda, code: Any) -> bool:
    made = eval(compile(ast.Expression(function), "<rule>", "eval")).__code__
    return (made.co_code, made.co_consts, made.co_names) == (
        code.co_code,
        code.co_consts,
        code.co_names,
    )


def _scope(rule: Callable, values: Mapping[str, Any]) -> dict[str, Any]:
    closed = inspect.getclosurevars(rule).nonlocals
    return {"__builtins__": builtins, **rule.__globals__, **closed, **values}


def _straight(body: list[ast.stmt], scope: dict[str, Any]) -> list[ast.stmt]:
    """The statements that run, up to the first return; `scope` is used up."""
    kept: list[ast.stmt] = []
    waiting = list(body)
    while waiting:
        statement = waiting.pop(0)
        if isinstance(statement, ast.If):
            test = compile(ast.Expression(statement.test), "<rule>", "eval")
            waiting = (statement.body if eval(test, scope) else statement.orelse) + waiting
            continue
        if isinstance(statement, ast.Return):
            kept.append(_Chosen(scope).visit(copy.deepcopy(statement)))
            break
        kept.append(statement)
        exec(compile(ast.Module([statement], []), "<rule>", "exec"), scope)
    return kept


class _Chosen(ast.NodeTransformer):
    """Puts the branch that is taken in place of each `a if test else b`."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        test = compile(ast.Expression(node.test), "<rule>", "eval")
        return self.visit(node.body if eval(test, self.scope) else node.orelse)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node  # its parameters have no values here


# --- from the expression to the formula -----------------------------------------------------------

_SIGNS: dict[type[ast.operator], tuple[str, float]] = {
    ast.BitOr: (" or ", 0.3),
    ast.BitAnd: (" and ", 0.5),
    ast.Add: (" + ", 1),
    ast.Sub: (" − ", 1),
    ast.Mult: (" · ", 2),
    ast.MatMult: (" @ ", 2),
    ast.Div: (" / ", 2),
    ast.FloorDiv: (" // ", 2),
    ast.Mod: (" % ", 2),
    ast.Pow: (" ^ ", 4),
}
_ATOM = 9


def _text(node: ast.expr, names: Mapping[str, str], least: float = 0) -> str:
    """The expression; in parentheses if it binds less than `least`."""
    text, binds = _written(node, names)
    return f"({text})" if binds < least else text


def _written(node: ast.expr, names: Mapping[str, str]) -> tuple[str, float]:
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id), _ATOM
    if isinstance(node, ast.BinOp):
        sign, binds = _SIGNS.get(type(node.op), (" ? ", 0))
        # From left to right, but a power; and a sum of sums needs no parentheses either way.
        left = binds + isinstance(node.op, ast.Pow)
        again = isinstance(node.op, (ast.Add, ast.Mult)) and _same(node.right, node.op)
        right = binds + (not again)
        return _text(node.left, names, left) + sign + _text(node.right, names, right), binds
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return "−" + _text(node.operand, names, 3), 3
    if isinstance(node, ast.Attribute):
        if node.attr in ("T", "mT"):
            return _text(node.value, names, _ATOM) + "ᵀ", _ATOM
        if isinstance(node.value, ast.Name) and node.value.id == "np":
            return node.attr, _ATOM
        return f"{_text(node.value, names, _ATOM)}.{node.attr}", _ATOM
    if isinstance(node, ast.Call):
        given = [_text(a, names) for a in node.args]
        given += [f"{k.arg}={_text(k.value, names)}" for k in node.keywords]
        return f"{_text(node.func, names, _ATOM)}({', '.join(given)})", _ATOM
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        compared = _COMPARISONS.get(type(node.ops[0]))
        if compared:
            first, second = (_text(n, names, 1) for n in (node.left, node.comparators[0]))
            return f"{first} {compared} {second}", 0
    if isinstance(node, ast.Subscript):
        return f"{_text(node.value, names, _ATOM)}[{_text(node.slice, names)}]", _ATOM
    if isinstance(node, (ast.Tuple, ast.List)):
        return f"({', '.join(_text(e, names) for e in node.elts)})", _ATOM
    if isinstance(node, ast.Constant):
        return repr(node.value), _ATOM
    return ast.unparse(node), 0


def _same(node: ast.expr, op: ast.operator) -> bool:
    return isinstance(node, ast.BinOp) and type(node.op) is type(op)


_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Gt: ">",
    ast.GtE: "≥",
    ast.Lt: "<",
    ast.LtE: "≤",
    ast.Eq: "=",
    ast.NotEq: "≠",
}
