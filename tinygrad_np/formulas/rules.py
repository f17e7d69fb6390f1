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
import itertools
import linecache
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import CodeType

    from ..core.op import Op

__all__ = [
    "SUBSCRIPTS",
    "body_of",
    "declared_formula",
    "formula",
    "helpers_in",
    "lines_that_run",
    "names_in",
    "numbered",
    "parameters_of",
]

LONGEST_FORMULA = 90  # characters of a line
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

# Expressions that have names of their own.
_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def lines_that_run(rule: Callable, values: Mapping[str, Any]) -> list[ast.stmt]:
    """The statements of a rule that run for these values of its parameters.

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


def formula(statements: list[ast.stmt], names: Mapping[str, str]) -> str | None:
    """The value that a rule returns, with names for its parameters.

    What the rule calls by a variable of its own stands in the place of the variable. Where that
    gets long, the variables come first, each on a line: `d = ...`, and the result on the last.

    None for a rule that does something else than give names to expressions, where these have
    names of their own, and where a line would still be long.
    """
    if not statements or not isinstance(statements[-1], ast.Return):
        return None
    result = statements[-1].value
    steps = _steps(statements[:-1])
    if isinstance(result, ast.Constant) and result.value is None:
        return None
    if result is None or steps is None or (steps and _has_scopes(statements)):
        return None
    known = {name: (text, _ATOM) for name, text in names.items()}
    text = _in_one(steps, result, known)
    if text is None:
        lines = _in_lines(steps, result, known)
        text = "\n".join(lines) if max(map(len, lines)) <= LONGEST_FORMULA else None
    return text


def declared_formula(
    op: Op, position: int, values: Mapping[str, Any]
) -> tuple[list[ast.stmt], Callable] | None:
    """What the op declares to say the same as its rule, as statements, and where they are from."""
    function = op.formulas.get(op.inputs[0 if op.variadic else position])
    return None if function is None else (lines_that_run(function, values), function)


def names_in(statements: Iterable[ast.AST]) -> dict[str, None]:
    """The names that stand in some statements, in order."""
    walked = (node for statement in statements for node in ast.walk(statement))
    return dict.fromkeys(node.id for node in walked if isinstance(node, ast.Name))


def helpers_in(statements: list[ast.stmt], rule: Callable) -> dict[str, str]:
    """The functions of the library's own that a rule calls, and what they do."""
    functions = {name: rule.__globals__.get(name) for name in names_in(statements)}
    return {
        name: inspect.cleandoc(function.__doc__).split("\n")[0]
        for name, function in functions.items()
        if inspect.isfunction(function) and function.__doc__
    }


def parameters_of(function: Callable) -> tuple[str, ...]:
    """The names of what a rule reads, the gradient first."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


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


@functools.lru_cache(maxsize=512)
def body_of(code: CodeType) -> tuple[list[ast.stmt], bool]:
    """The statements of a function, none without source; and whether it branches anywhere."""
    function = _source_of(code)
    if function is None:
        return [], False
    if isinstance(function, ast.Lambda):
        body: list[ast.stmt] = [ast.Return(function.body)]
    else:
        body = function.body[1:] if ast.get_docstring(function) else function.body
    walked = (node for statement in body for node in ast.walk(statement))
    return body, any(isinstance(node, (ast.If, ast.IfExp)) for node in walked)


def _source_of(code: CodeType) -> ast.Lambda | ast.FunctionDef | None:
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


def _compiles_to(function: ast.Lambda, code: CodeType) -> bool:
    made = eval(compile(ast.Expression(function), "<rule>", "eval")).__code__
    return (made.co_code, made.co_consts, made.co_names) == (
        code.co_code,
        code.co_consts,
        code.co_names,
    )


def _scope(rule: Callable, values: Mapping[str, Any]) -> dict[str, Any]:
    code = rule.__code__
    takes_rest = bool(code.co_flags & inspect.CO_VARARGS)
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + takes_rest]
    outside = {**rule.__globals__, **inspect.getclosurevars(rule).nonlocals}
    # A parameter whose value is missing is not what has its name outside.
    known = {name: value for name, value in outside.items() if name not in parameters}
    given = {name: values[name] for name in parameters if name in values}
    return {"__builtins__": builtins, **known, **given}


_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return)


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
    """Whether it is `x = x`, what a choice between x and a default can come to."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Name):
        return False
    own = statement.value.id
    return all(isinstance(target, ast.Name) and target.id == own for target in statement.targets)


class _Chosen(ast.NodeTransformer):
    """Puts the branch that is taken in place of each `a if test else b`."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        test = compile(ast.Expression(node.test), "<rule>", "eval")
        return self.visit(node.body if eval(test, self.scope) else node.orelse)

    def visit(self, node: ast.AST) -> Any:
        return node if isinstance(node, _SCOPES) else super().visit(node)


# --- from the statements to the formula -----------------------------------------------------------

_Written = tuple[str, float]  # an expression, and how strongly it binds


def _steps(statements: list[ast.stmt]) -> list[tuple[str, ast.expr]] | None:
    """The names that the statements give to expressions; None if they do anything else."""
    steps: list[tuple[str, ast.expr]] = []
    for statement in statements:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return None
        (target,) = statement.targets
        if not isinstance(target, ast.Name):
            return None
        steps.append((target.id, statement.value))
    return steps


def _has_scopes(statements: list[ast.stmt]) -> bool:
    walked = (node for statement in statements for node in ast.walk(statement))
    return any(isinstance(node, (*_SCOPES, ast.NamedExpr)) for node in walked)


def _in_one(
    steps: list[tuple[str, ast.expr]], result: ast.expr, known: Mapping[str, _Written]
) -> str | None:
    """The result with every name replaced by what it stands for there; None if it is long."""
    for name, value in steps:
        written = _written(value, known)
        if len(written[0]) > LONGEST_FORMULA:
            return None
        known = {**known, name: written}
    text = _text(result, known)
    return text if len(text) <= LONGEST_FORMULA else None


def _in_lines(
    steps: list[tuple[str, ast.expr]], result: ast.expr, known: Mapping[str, _Written]
) -> list[str]:
    """One line for each name, and one for the result.

    Each line gives another name: where one is taken, by an earlier line or by what the formula
    calls its inputs, it gets a number.
    """
    taken = {word for text in _given(steps, result, known) for word in re.findall(r"\w+", text)}
    lines = []
    for name, value in steps:
        if isinstance(value, (ast.Name, ast.Constant)):  # `stride = 2` needs no line
            known = {**known, name: _written(value, known)}
            continue
        text = _text(value, known, 0.1)  # `best = (x = y)` for a comparison
        called = next(n for n in numbered(name) if n not in taken)
        taken.add(called)
        known = {**known, name: (called, _ATOM)}
        lines.append(f"{called} = {text}")
    return [*lines, _text(result, known)]


def _given(
    steps: list[tuple[str, ast.expr]], result: ast.expr, known: Mapping[str, _Written]
) -> list[str]:
    """What the formula calls the values that are not computed in it."""
    found: dict[str, None] = {}
    own: set[str] = set()
    for name, value in [*steps, ("", result)]:
        found |= dict.fromkeys(n for n in names_in([value]) if n not in own)
        own.add(name)
    return [known.get(name, (name, _ATOM))[0] for name in found]


def numbered(name: str) -> Iterator[str]:
    """`d`, `d₂`, `d₃` and so on."""
    yield name
    for k in itertools.count(2):
        yield name + str(k).translate(SUBSCRIPTS)


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


def _text(node: ast.expr, names: Mapping[str, _Written], least: float = 0) -> str:
    """The expression; in parentheses if it binds less than `least`."""
    text, binds = _written(node, names)
    return f"({text})" if binds < least else text


def _written(node: ast.expr, names: Mapping[str, _Written]) -> _Written:
    if isinstance(node, ast.Name):
        return names.get(node.id, (node.id, _ATOM))
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
        if isinstance(node.value, ast.Name) and node.value.id in ("np", "math"):
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
        inside = _text(node.slice, names)
        if isinstance(node.slice, ast.Tuple) and node.slice.elts:
            inside = inside[1:-1]
        return f"{_text(node.value, names, _ATOM)}[{inside}]", _ATOM
    if isinstance(node, (ast.Tuple, ast.List)):
        inside = ", ".join(_text(e, names) for e in node.elts)
        if isinstance(node, ast.List):
            return f"[{inside}]", _ATOM
        return f"({inside}{',' if len(node.elts) == 1 else ''})", _ATOM
    if isinstance(node, ast.Constant):
        return repr(node.value), _ATOM
    if isinstance(node, ast.Slice):
        bounds = [_text(b, names) if b else "" for b in (node.lower, node.upper)]
        return ":".join(bounds + ([_text(node.step, names)] if node.step else [])), 0
    return ast.unparse(_Inside(names).visit(copy.deepcopy(node))), 0


class _Inside(ast.NodeTransformer):
    """Puts in the names in an expression of another kind: a choice, a `*shape`."""

    def __init__(self, names: Mapping[str, _Written]) -> None:
        self.names = names

    def visit(self, node: ast.AST) -> Any:
        return node if isinstance(node, _SCOPES) else super().visit(node)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(_text(node, self.names, _ATOM), node.ctx)


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
