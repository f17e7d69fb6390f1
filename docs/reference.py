"""The op reference, docs/ops.md: every operation, read from its declaration."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from docstrings import contents, entry

from tinygrad_np import ops

if TYPE_CHECKING:
    from collections.abc import Callable

    import tinygrad_np as tg

__all__ = ["reference"]

INTRODUCTION = """\
# The operations

Generated from the table of operations by `docs/generate.py`: do not edit.

Each operation is a function of `tinygrad_np`, and those whose first argument is one array are
methods of Tensor too. Below the call stands the derivative: for each input the rule by which the
gradient `g` of the result becomes that of the input. A rule reads the inputs, and `out`, the
result. Broadcasting is undone by the engine. Every rule runs on Tensors too (`create_graph=True`),
so derivatives of every order are recorded by the same lines; "no gradient" marks inputs and results
that carry none. Dtypes are NumPy's, `float32 → float32` says which one comes out; a gradient has
the dtype of its input.

"Kinks" are points without a derivative. A first derivative there is a convention. A second
one is what both sides have, or lies between them; where the sides have none it is nan, never a
number that only follows from the convention: `norm(x)**2` at 0 has the gradient 0, and nan for the
second derivative.
"""

NEXT = """\
What to see next: [declare one of your own](start.md#your-own-operation) ·
[how a gradient flows through them](backprop.md) · [the core](core.md) · [nn](nn.md).
"""


def reference() -> str:
    """Return the text of docs/ops.md."""
    count = len(ops.TABLE)
    composed = len(ops.FUNCTIONS_BY_NAME) - count
    groups, sections = [], []
    for family in ops.FAMILIES:
        title = (family.__doc__ or "").strip().splitlines()[0].rstrip(".")
        groups.append((title, [(name, name) for name in family.__all__]))
        sections.append(f"## {title}\n")
        names = sorted(family.__all__, key=lambda name: name not in ops.TABLE)
        for name in names:
            function = ops.FUNCTIONS_BY_NAME[name]
            op = getattr(function, "op", None)
            sections.append(operation(op) if op else entry(name, function))
    counts = f"{count} operations with rules of their own, {composed} functions made of them.\n"
    return "\n".join([INTRODUCTION, counts, contents(groups), *sections, NEXT])


def operation(op: tg.Op) -> str:
    """Return the section of one operation."""
    summary, *more = inspect.cleandoc(op.doc).splitlines()
    call = [f"{op.name}{signature(op)}", *derivatives(op)]
    text = op.text.replace("{", "").replace("}", "")
    shown = "" if text == f"{op.name}({', '.join(op.inputs)})" else f" `{text}`"
    block = "\n".join(call)
    lines = [f"### `{op.name}`\n", f"```py\n{block}\n```\n", f"{summary}{shown}", *more, ""]
    if not any(op.rule.values()):
        lines[2] += " No gradient."
    if op.kinks:
        lines += [f"Kinks: {op.kinks}.", ""]
    facts = dtype_facts(op)
    if op.domain != (-np.inf, np.inf):
        facts.append(f"tested on inputs between {op.domain[0]:g} and {op.domain[1]:g}")
    answered = answers_for(op)
    if answered:
        facts.append(", ".join(f"`{name}`" for name in answered))
    if facts:
        lines += [" · ".join(facts), ""]
    return "\n".join(lines)


def derivatives(op: tg.Op) -> list[str]:
    """Return the rules, indented; inputs that share one of several lines stand before it."""
    if not any(op.rule.values()):
        return []
    rows: dict[str, list[str]] = {}
    for name, rule in op.rule.items():
        text = "\n".join(rule_lines(rule))
        rows.setdefault(text if "\n" in text else f"{name}: {text}", []).append(name)
    lines = []
    for text, names in rows.items():
        lines += [f"{', '.join(names)}:", textwrap.indent(text, "    ")] if "\n" in text else [text]
    return textwrap.indent("\n".join(lines), "    ").splitlines()


def dtype_facts(op: tg.Op) -> list[str]:
    """Return which dtype comes out for float32 and for int64, found by calling it."""
    facts = []
    for given in ("float32", "int64"):
        result = result_dtype(op, np.dtype(given))
        if result is not None:
            facts.append(f"{given} → {result}")
    return facts


def result_dtype(op: tg.Op, dtype: np.dtype) -> str | None:
    """The dtype of the result for floats of the given dtype in the first sample; None: an error."""

    def cast(value: Any) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)(map(cast, value))
        is_float = isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"
        return value.astype(dtype) if is_float else value

    if op.samples is not None:
        rng = np.random.default_rng(0)
        arguments, params = op.samples(lambda *shape: rng.standard_normal(shape))[0]
    else:
        low, high = op.domain
        inside = 1.0 if low < 1 < high else (max(low, -1e3) + min(high, 1e3)) / 2
        arguments, params = (np.full((2, 2), inside),) * len(op.inputs), {}
    n = 1 if op.variadic else len(op.inputs)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            out = ops.FUNCTIONS_BY_NAME[op.name](
                *map(cast, arguments[:n]), *arguments[n:], **params
            )
        except (TypeError, ValueError, IndexError, np.linalg.LinAlgError):
            return None
    return " and ".join(str(o.dtype) for o in out) if isinstance(out, tuple) else str(out.dtype)


def signature(op: tg.Op) -> str:
    """The parameters with their defaults."""
    parts = []
    for position, (name, default) in enumerate(op.defaults.items()):
        if position == op.positional:
            parts.append("*")
        required = default is inspect.Parameter.empty
        parts.append(name if required else f"{name}={default!r}")
    return f"({', '.join(parts)})"


def answers_for(op: tg.Op) -> list[str]:
    """Names of the NumPy functions that the operation stands behind."""
    held = [op.forward] if isinstance(op.forward, np.ufunc) else []
    names = []
    for function in [*held, *op.numpy]:
        if isinstance(function, tuple):
            names.append(f"np.{function[0].__name__}.{function[1]}")
        else:
            inside = "linalg." if "linalg" in str(getattr(function, "__module__", "")) else ""
            names.append(f"np.{inside}{function.__name__}")
    return list(dict.fromkeys(names))


def rule_lines(rule: Callable | None) -> list[str]:
    """A rule as the NumPy that stands in the source: one expression, or the function's body."""
    if rule is None:
        return ["no gradient"]
    rule = getattr(rule, "joint", rule)  # one for all inputs
    node = definition(rule)
    lines = source_of(rule.__code__.co_filename).splitlines()
    if isinstance(node, ast.Lambda):
        return [segment(lines, node.body)]
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None:
        return [segment(lines, body[0].value)]
    return textwrap.dedent("\n".join(lines[body[0].lineno - 1 : node.end_lineno])).splitlines()


def segment(lines: list[str], node: ast.expr) -> str:
    """The source of an expression on one line."""
    text = ast.get_source_segment("\n".join(lines), node) or ""
    return " ".join(text.split()).replace("( ", "(").replace(" )", ")")


def definition(rule: Callable) -> ast.Lambda | ast.FunctionDef:
    """The syntax tree of a rule, found by its line and its parameters."""
    code = rule.__code__
    parameters = list(code.co_varnames[: code.co_argcount])
    for node in ast.walk(ast.parse(source_of(code.co_filename))):
        if not isinstance(node, (ast.Lambda, ast.FunctionDef)):
            continue
        same_name = isinstance(node, ast.Lambda) == (code.co_name == "<lambda>")
        if (
            same_name
            and node.lineno == code.co_firstlineno
            and [a.arg for a in node.args.args] == parameters
        ):
            return node
    raise LookupError(
        f"no rule ({', '.join(parameters)}) at {code.co_filename}:{code.co_firstlineno}"
    )


@functools.cache
def source_of(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
