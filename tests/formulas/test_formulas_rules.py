"""Derivative rules as NumPy lines and as formulas."""

import ast
import inspect

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.formulas.rules import formula, lines_that_run

NAMES = {"g": "∂L/∂Z", "out": "Z", "x": "A", "y": "B"}


def shown(rule, values=()):
    statements = lines_that_run(rule, dict(values))
    return [ast.unparse(s) for s in statements], formula(statements, NAMES)


def rule(name, k):
    return tg.TABLE[name].rules[k]


@pytest.mark.parametrize(
    ("name", "k", "line", "text"),
    [
        ("multiply", 0, "return g * y", "∂L/∂Z · B"),
        ("multiply", 1, "return g * x", "∂L/∂Z · A"),
        ("divide", 1, "return -g * out / y", "−∂L/∂Z · Z / B"),
        ("tanh", 0, "return g * (1 - out * out)", "∂L/∂Z · (1 − Z · Z)"),
        ("relu", 0, "return g * (out > 0)", "∂L/∂Z · (Z > 0)"),
        ("sqrt", 0, "return g / (2 * out)", "∂L/∂Z / (2 · Z)"),
    ],
)
def test_rules_of_one_expression(name, k, line, text):
    assert shown(rule(name, k)) == ([line], text)


@pytest.mark.parametrize(
    ("x", "y", "line", "text"),
    [
        ((3, 4), (4, 2), "return g @ y.T", "∂L/∂Z @ Bᵀ"),
        ((3, 4), (4,), "return np.expand_dims(g, -1) * y", "expand_dims(∂L/∂Z, −1) · B"),
        ((5, 3, 4), (4, 2), "return g @ swap(y)", "∂L/∂Z @ swap(B)"),
    ],
)
def test_only_the_branch_that_runs_is_shown(x, y, line, text):
    values = {"x_shape": x, "y": np.ones(y), "g": None}
    assert shown(rule("matmul", 0), values) == ([line], text)


def test_a_choice_inside_an_expression():
    assert shown(rule("power", 0), {"y": 2})[1] == "∂L/∂Z · B · A ^ (B − 1)"
    assert shown(rule("power", 0), {"y": 0})[1] == "∂L/∂Z · 0"


def test_without_values_every_branch_is_shown():
    lines, text = shown(rule("matmul", 0))
    assert len(lines) == 4
    assert text is None


def test_two_lambdas_on_one_line():
    a, b = (lambda g, x: g * x, lambda g, x: g + x)
    assert shown(a)[1] == "∂L/∂Z · A"
    assert shown(b)[1] == "∂L/∂Z + A"


def test_the_names_of_a_rule_of_several_steps_are_replaced():
    def steps(g, x):
        """What it does."""
        d = g + x
        return d * d

    assert shown(steps, {"g": 1, "x": 2}) == (
        ["d = g + x", "return d * d"],
        "(∂L/∂Z + A) · (∂L/∂Z + A)",
    )


def formula_of(python, names=NAMES):
    return formula(ast.parse(python).body, names)


LONG = " + ".join(["np.sqrt(x)"] * 6)  # 69 characters as a formula
LONG_TEXT = " + ".join(["sqrt(A)"] * 6)


@pytest.mark.parametrize(
    ("python", "text"),
    [
        ("x = g * x\nx = x + y\nreturn x * x", "(∂L/∂Z · A + B) · (∂L/∂Z · A + B)"),
        ("g = -g\nreturn g ** 2", "(−∂L/∂Z) ^ 2"),
        ("y, d = y, x + y\nreturn d", None),
        ("d = g * x\nreturn y - d / d", "B − ∂L/∂Z · A / (∂L/∂Z · A)"),
        ("n = 1 + x\nreturn g[n:, ::-n]", "∂L/∂Z[1 + A:, ::−(1 + A)]"),
        ("n = x + y\nreturn g.sum(*n)", "∂L/∂Z.sum(*(A + B))"),
    ],
)
def test_names_stand_for_what_they_were_given_last(python, text):
    assert formula_of(python) == text


@pytest.mark.parametrize(
    "change",
    ["d[x] -= 1", "d -= 1", "d[x] = 1", "d.sort()", "d: int = 3", "a = d = 3", "for d in x: pass"],
)
def test_what_is_changed_in_place_is_no_formula(change):
    assert formula_of(f"d = g * x\n{change}\nreturn d") is None
    assert formula_of("d = g * x\nreturn d") == "∂L/∂Z · A"


def test_names_inside_of_a_loop_are_no_formula():
    assert formula_of("d = g * x\nreturn sum(d * x for x in y)") is None
    assert formula_of("d = lambda x: x * g\nreturn d(y)") is None
    assert formula_of("return sum(x * x for x in y)") == "sum((x * x for x in y))"


def test_a_long_formula_has_several_lines():
    python = f"d = {LONG}\nreturn g * d - d"
    assert formula_of(python) == f"d = {LONG_TEXT}\n∂L/∂Z · d − d"
    python = f"best = x == y\nbest = best * ({LONG})\nreturn best + best"
    assert formula_of(python) == (f"best = (A = B)\nbest₂ = best · ({LONG_TEXT})\nbest₂ + best₂")
    assert formula_of(f"d = {LONG} + {LONG}\nreturn d") is None


def test_a_line_gives_a_name_that_nothing_else_has():
    """Not the user's `d`, nor the `out` that is read before the rule has one of its own."""
    python = f"d = {LONG}\nreturn d * y + d"
    text = formula_of(python, {"x": "A", "y": "d"})
    assert text == f"d₂ = {LONG_TEXT}\nd₂ · d + d₂"
    python = f"out = out - ({LONG})\nreturn g * out * out"
    assert formula_of(python, {"x": "A"}) == f"out₂ = out − ({LONG_TEXT})\ng · out₂ · out₂"
    assert formula_of(python, {"x": "A", "out": "h"}).startswith("out = h − (")
    assert formula_of(f"d = {LONG}\nreturn d * y + d", {"x": "A", "y": "d.T"}) == (
        f"d₂ = {LONG_TEXT}\nd₂ · d.T + d₂"
    )


def test_a_mere_name_needs_no_line():
    python = f"n = 2\nm = y\nd = {LONG}\nreturn d * m - d ** n"
    assert formula_of(python) == f"d = {LONG_TEXT}\nd · B − d ^ 2"


def test_a_choice_in_front_of_the_result():
    def chosen(g, x, stride, axis):
        stride = x if stride is None else stride
        axis = 0 if axis is None else axis
        d = [n if n else 1 for n in stride]
        return g * d[axis]

    lines, _ = shown(chosen, {"g": 1.0, "x": (1, 2), "stride": (0, 3), "axis": None})
    assert lines == ["axis = 0", "d = [n if n else 1 for n in stride]", "return g * d[axis]"]
    lines, _ = shown(chosen, {"g": 1.0, "x": (1, 2), "stride": None, "axis": 1})
    assert lines == ["stride = x", "d = [n if n else 1 for n in stride]", "return g * d[axis]"]


swap = None  # what a parameter of the next rule is called, too


def test_a_missing_value_is_not_taken_from_outside():
    def branching(g, swap):
        if swap is None:
            return g
        return -g

    assert len(shown(branching, {"g": 1.0})[0]) == 2
    assert shown(branching, {"g": 1.0, "swap": 1}) == (["return -g"], "−∂L/∂Z")


def test_a_rule_without_source():
    made = eval("lambda g, x: g * x")
    assert shown(made) == ([], None)


@pytest.mark.parametrize(
    ("python", "text"),
    [
        ("(x + y) * g", "(A + B) · ∂L/∂Z"),
        ("x - (y - g)", "A − (B − ∂L/∂Z)"),
        ("x * (y @ g)", "A · (B @ ∂L/∂Z)"),
        ("(x ** y) ** g", "(A ^ B) ^ ∂L/∂Z"),
        ("(-x) ** 2", "(−A) ^ 2"),
        ("-(x + y)", "−(A + B)"),
        ("(x + y).T", "(A + B)ᵀ"),
        ("g * ((x > y) & (x < 2) | (x == 0))", "∂L/∂Z · ((A > B) and (A < 2) or (A = 0))"),
        ("np.sum(g * x, axis=0)[0]", "sum(∂L/∂Z · A, axis=0)[0]"),
        ("g * math.sqrt(2 * math.pi)", "∂L/∂Z · sqrt(2 · pi)"),
        ("g[x + 1:, ::-1]", "∂L/∂Z[A + 1:, ::−1]"),
        ("g.reshape((*x, y + 1))", "∂L/∂Z.reshape((*A, B + 1))"),
        ("g.sum((x,)) + np.stack([x])", "∂L/∂Z.sum((A,)) + stack([A])"),
        ("g if x else -y", "∂L/∂Z if A else -B"),
    ],
)
def test_parentheses_where_they_are_needed(python, text):
    assert formula([ast.parse(f"return {python}").body[0]], NAMES) == text


def test_the_formula_keeps_what_the_parentheses_mean():
    """Evaluated again as Python, each formula gives what its rule gives."""
    values = {"g": 1.7, "x": 0.6, "y": 2.3, "out": 0.4}
    names = {name: name for name in values}
    checked = 0
    for op in tg.TABLE.values():
        for r in op.rules if not op.variadic else ():
            reads = r.__code__.co_varnames[: r.__code__.co_argcount] if r else ("none",)
            if not op.elementwise or not set(reads) <= set(values):
                continue
            text = formula(lines_that_run(r, values), names)
            if text is None:
                continue
            python = text.replace("−", "-").replace("·", "*").replace("^", "**")
            for sign, plain in ((" = ", " == "), ("≥", ">="), ("≤", "<="), ("≠", "!=")):
                python = python.replace(sign, plain)
            given = [values[name] for name in reads]
            with np.errstate(invalid="ignore"):
                closed = inspect.getclosurevars(r).nonlocals
                found = eval(python, {**r.__globals__, **vars(np), **closed, **values})
                np.testing.assert_allclose(found, r(*given), err_msg=f"{op.name}: {text}")
            checked += 1
    assert checked >= 8
