"""Derivative rules as NumPy lines and as formulas."""

import ast
import inspect

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.draw.rules import formula, lines_that_run

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


def test_a_rule_of_several_steps_has_no_formula():
    def steps(g, x):
        """What it does."""
        d = g * x
        return d + d

    assert shown(steps, {"g": 1, "x": 2}) == (["d = g * x", "return d + d"], None)


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
