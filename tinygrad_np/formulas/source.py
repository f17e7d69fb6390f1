"""The NumPy lines of a derivative rule, read from its source.

Where the rule branches, only the lines of the branch that its values take are shown: `g @ y.T` for
a product of two matrices.
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
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType

Function = ast.Lambda | ast.FunctionDef

# Expressions that have names of their own.
_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SIGNS = {" * ": " · ", " ** ": " ^ ", " - ": " − ", " == ": " = "}
_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return)


def lines_that_run(rule: Callable, values: Mapping[str, Any]) -> list[ast.stmt]:
    """Return the statements of a rule that run for these values of its parameters.

    Branches are decided by computing their tests. Where that fails (a value is missing) the whole
    body is returned; nothing if the source is not at hand, as in an interactive session.
    """
    body, branches = body_of(rule.__code__)
    if not branches:
        return list(body)
    try:
        return _straight(body, _scope(rule, values))
    except Exception:  # whatever it is: the page shows more lines then
        return list(body)


def renamed(code: ast.AST, names: Mapping[str, str]) -> ast.AST:
    """Return a copy of some code with other names, or whole expressions, for its variables."""
    others = {name: expression_of(text) or ast.Name(text) for name, text in names.items()}

    class Renamed(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return others.get(node.id, node)

    return Renamed().visit(copy.deepcopy(code))


def expression_of(text: str) -> ast.expr | None:
    """Read a text as an expression of Python; None if it is none."""
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None


def with_signs(expression: ast.AST) -> str:
    """Return the text of an expression with a formula's signs."""
    text = ast.unparse(expression)
    for python, sign in _SIGNS.items():
        text = text.replace(python, sign)
    return text


def names_in(statements: Iterable[ast.AST]) -> dict[str, str]:
    """Return the names that stand in some statements, in order: "read", or "written" somewhere."""
    names: dict[str, str] = {}
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and names.get(node.id) != "written":
                stores = isinstance(getattr(node, "ctx", None), ast.Store)
                names[node.id] = "written" if stores else "read"
    return names


def helpers_in(statements: list[ast.stmt], rule: Callable) -> dict[str, str]:
    """Return the functions that a rule calls by their names, and the first line of their docs."""
    docs = {}
    for name in names_in(statements):
        function = rule.__globals__.get(name)
        if inspect.isfunction(function) and function.__doc__:
            docs[name] = inspect.cleandoc(function.__doc__).split("\n")[0]
    return docs


# --- from the function to its statements ----------------------------------------------------------


@functools.lru_cache(maxsize=512)
def body_of(code: CodeType) -> tuple[list[ast.stmt], bool]:
    """Return the statements of a function, none without source; and whether it branches."""
    function = _source_of(code)
    if function is None:
        return [], False
    if isinstance(function, ast.Lambda):
        body: list[ast.stmt] = [ast.Return(function.body)]
    else:
        body = function.body[1:] if ast.get_docstring(function) else function.body
    walked = (node for statement in body for node in ast.walk(statement))
    return body, any(isinstance(node, (ast.If, ast.IfExp)) for node in walked)


def _source_of(code: CodeType) -> Function | None:
    try:
        candidates = _functions(code.co_filename).get(code.co_firstlineno, [])
    except SyntaxError:
        return None
    kind = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    parameters = code.co_varnames[: code.co_argcount]
    alike = []
    for function in candidates:
        names = tuple(a.arg for a in function.args.args)
        if isinstance(function, kind) and names == parameters:
            alike.append(function)
    if len(alike) > 1:  # several lambdas on one line
        alike = [function for function in alike if _compiles_to(function, code)]
    return alike[0] if alike else None


@functools.lru_cache(maxsize=64)
def _functions(file: str) -> dict[int, list[Function]]:
    """Return the functions of a source file, by the line where their code begins."""
    functions: dict[int, list[Function]] = {}
    for node in ast.walk(ast.parse("".join(linecache.getlines(file)))):
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            decorators = getattr(node, "decorator_list", [])
            line = min([node.lineno, *(d.lineno for d in decorators)])
            functions.setdefault(line, []).append(node)
    return functions


def _compiles_to(function: Function, code: CodeType) -> bool:
    if not isinstance(function, ast.Lambda):
        return False
    other = _evaluate(function, {}).__code__
    same_code = other.co_code == code.co_code
    return same_code and (other.co_consts, other.co_names) == (code.co_consts, code.co_names)


# --- the statements that run ----------------------------------------------------------------------


def _evaluate(expression: ast.expr, scope: dict[str, Any]) -> Any:
    return eval(compile(ast.Expression(expression), "<rule>", "eval"), scope)


def _scope(rule: Callable, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the names in a rule stand for when it begins."""
    code = rule.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    if code.co_flags & inspect.CO_VARARGS:
        count += 1
    parameters = code.co_varnames[:count]
    scope = {**rule.__globals__, **inspect.getclosurevars(rule).nonlocals}
    for name in parameters:
        scope.pop(name, None)  # a parameter without a value is not what has its name outside
        if name in values:
            scope[name] = values[name]
    return scope | {"__builtins__": builtins}


def _straight(body: list[ast.stmt], scope: dict[str, Any]) -> list[ast.stmt]:
    """Return the statements that run, up to the first return; `scope` is used up."""
    kept: list[ast.stmt] = []
    waiting = list(body)
    while waiting:
        statement = waiting.pop(0)
        if isinstance(statement, ast.If):
            branch = statement.body if _evaluate(statement.test, scope) else statement.orelse
            waiting = branch + waiting
            continue
        chosen = statement
        if isinstance(statement, _SIMPLE):
            chosen = _Chosen(scope).visit(copy.deepcopy(statement))
        if not _changes_nothing(chosen):
            kept.append(chosen)
        if isinstance(statement, ast.Return):
            break
        exec(compile(ast.Module([statement], []), "<rule>", "exec"), scope)
    return kept


def _changes_nothing(statement: ast.stmt) -> bool:
    """Say whether it is `x = x`, to which a choice between x and a default can come."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Name):
        return False
    own = ast.unparse(statement.value)
    targets = map(ast.unparse, statement.targets)
    return all(target == own for target in targets)


class _Chosen(ast.NodeTransformer):
    """A copy with the branch that is taken in place of each `a if test else b`."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        branch = node.body if _evaluate(node.test, self.scope) else node.orelse
        return self.visit(branch)

    def visit(self, node: ast.AST) -> Any:
        return node if isinstance(node, _SCOPES) else super().visit(node)
