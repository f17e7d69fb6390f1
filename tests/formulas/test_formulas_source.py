"""The NumPy lines of derivative rules."""

import ast

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.formulas.source import lines_that_run


def lines_of(rule, values=()):
    return [ast.unparse(s) for s in lines_that_run(rule, dict(values))]


def rule(name, k):
    return tg.TABLE[name].rules[k]


@pytest.mark.parametrize(
    ("name", "k", "line"),
    [
        ("multiply", 0, "return g * y"),
        ("multiply", 1, "return g * x"),
        ("divide", 1, "return -g * out / y"),
        ("tanh", 0, "return g * (1 - out * out)"),
        ("relu", 0, "return g * (out > 0)"),
        ("sqrt", 0, "return g / (2 * out)"),
    ],
)
def test_rules_of_one_expression(name, k, line):
    assert lines_of(rule(name, k)) == [line]


@pytest.mark.parametrize(
    ("x", "y", "line"),
    [
        ((3, 4), (4, 2), "return g @ y.T"),
        ((3, 4), (4,), "return np.expand_dims(g, -1) * y"),
        ((5, 3, 4), (4, 2), "return g @ swap(y)"),
    ],
)
def test_only_the_branch_that_runs_is_shown(x, y, line):
    values = {"x_shape": x, "y": np.ones(y), "g": None}
    assert lines_of(rule("matmul", 0), values) == [line]


def test_without_values_every_branch_is_shown():
    assert len(lines_of(rule("matmul", 0))) == 4


def test_two_lambdas_on_one_line():
    a, b = (lambda g, x: g * x, lambda g, x: g + x)
    assert lines_of(a) == ["return g * x"]
    assert lines_of(b) == ["return g + x"]


def test_the_docstring_is_no_line():
    def steps(g, x):
        """What it does."""
        d = g + x
        return d * d

    assert lines_of(steps, {"g": 1, "x": 2}) == ["d = g + x", "return d * d"]


def test_a_choice_in_front_of_the_result():
    def chosen(g, x, stride, axis):
        stride = x if stride is None else stride
        axis = 0 if axis is None else axis
        d = [n if n else 1 for n in stride]
        return g * d[axis]

    lines = lines_of(chosen, {"g": 1.0, "x": (1, 2), "stride": (0, 3), "axis": None})
    assert lines == ["axis = 0", "d = [n if n else 1 for n in stride]", "return g * d[axis]"]
    lines = lines_of(chosen, {"g": 1.0, "x": (1, 2), "stride": None, "axis": 1})
    assert lines == ["stride = x", "d = [n if n else 1 for n in stride]", "return g * d[axis]"]


swap = None  # what a parameter of the next rule is called, too


def test_a_missing_value_is_not_taken_from_outside():
    def branching(g, swap):
        if swap is None:
            return g
        return -g

    assert len(lines_of(branching, {"g": 1.0})) == 2
    assert lines_of(branching, {"g": 1.0, "swap": 1}) == ["return -g"]


def test_a_rule_without_source():
    assert lines_of(eval("lambda g, x: g * x")) == []
