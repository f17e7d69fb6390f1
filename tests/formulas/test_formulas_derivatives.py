"""Derivative rules as formulas: run on symbols, and evaluated again."""

import copy
import math
import sys
from typing import NamedTuple

import numpy as np
import pytest
from folded import folded
from formula_text import evaluated
from op_cases import CASES

import tinygrad_np as tg
from tinygrad_np.core.op import Op, reads_of
from tinygrad_np.core.tensor import as_operand
from tinygrad_np.formulas.derivatives import Derivative, rule_of
from tinygrad_np.formulas.symbols import Unrecorded
from tinygrad_np.formulas.values import values_read

NAMES = {"g": "∂L/∂Z", "out": "Z", "x": "A", "y": "B"}
HALF = np.full((2, 2), 0.5)
VALUES = {"g": HALF, "out": HALF, "x": HALF, "y": HALF}


def formula_of(rule, values=VALUES, names=NAMES):
    """The formula of a rule of g, out, x and y."""
    op = Op(lambda x, y: x, "test", {"x": rule, "y": None})
    return Derivative(op, 0, values).formula(names)


def of_python(python, **options):
    """The formula of a rule from its lines."""
    scope = {"np": np, "math": math, "tg": tg}
    lines = "\n    ".join(python.split("\n"))
    exec(f"def rule(g, out, x, y):\n    {lines}", scope)
    return formula_of(scope["rule"], **options)


def of_table(name, k, values=VALUES):
    return Derivative(tg.TABLE[name], k, values).formula(NAMES)


# --- of the table ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "k", "text"),
    [
        ("multiply", 0, "∂L/∂Z · B"),
        ("multiply", 1, "∂L/∂Z · A"),
        ("divide", 1, "−∂L/∂Z · Z / B"),
        ("tanh", 0, "∂L/∂Z · (1 − Z · Z)"),
        ("relu", 0, "∂L/∂Z · (Z > 0)"),
        ("sqrt", 0, "∂L/∂Z / (2 · Z)"),
    ],
)
@pytest.mark.parametrize("values", [VALUES, {}], ids=["values", "none"])
def test_rules_of_one_expression(name, k, text, values):
    assert of_table(name, k, values) == text


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        ((3, 4), (4, 2), "∂L/∂Z @ Bᵀ"),
        ((3, 4), (4,), "expand_dims(∂L/∂Z, −1) · B"),
        ((5, 3, 4), (4, 2), "∂L/∂Z @ Bᵀ"),
    ],
)
def test_shapes_decide_the_branch(x, y, text):
    values = {"x_shape": x, "y": np.ones(y), "g": np.ones((*x, *y)[:-2])}
    assert of_table("matmul", 0, values) == text
    known = {name: Unrecorded(v.shape, v.dtype) for name, v in values.items() if name != "x_shape"}
    assert of_table("matmul", 0, values | known) == text
    assert of_table("matmul", 0, {}) is None


def test_numbers_decide_the_branch():
    def of_power(number):
        return Derivative(tg.power.op, 0, {"y": number}).formula({"x": "A", "y": str(number)})

    assert of_power(3) == "g · 3 · A ^ 2"
    assert of_power(0) == "g · 0"


class Case(NamedTuple):
    """A call of an op, and the input whose rule is tested."""

    op: Op
    position: int
    operands: list
    params: dict


def cases():
    """Yield the calls of the table that are tested, for each input that has a rule, by name."""
    for case in CASES:
        op = case.op
        rest = dict(zip(op.params, case.rest)) | case.params
        given = op.defaults | dict(zip(op.inputs, case.inputs)) | rest
        inputs = case.inputs if op.variadic else [given[name] for name in op.inputs]
        params = {name: given[name] for name in op.params}
        operands = [None if x is None else as_operand(x) for x in inputs]
        for position, x in enumerate(operands):
            if x is not None and rule_of(op, position) is not None:
                yield f"{case!r}-{position}", Case(op, position, operands, params)


RULES = dict(cases())


def values_of(op, position, operands, params):
    inputs = [operands] if op.variadic else operands
    with np.errstate(all="ignore"):
        outs = op.forward(*inputs, **copy.deepcopy(params))
    if op.keeps:
        outs = outs[: -len(op.keeps)]
        outs = outs[0] if len(outs) == 1 else outs
    rng = np.random.default_rng(3)
    parts = outs if isinstance(outs, tuple) else (outs,)
    g = tuple(rng.uniform(0.5, 1.5, np.shape(part)) for part in parts)
    if not isinstance(outs, tuple):
        (g,) = g
    return values_read(op, position, operands, params, out=outs, g=g)


def texts_of(case, named):
    op, position, operands, params = case
    values = values_of(op, position, operands, params)
    plain = (int, float, str, type(None))
    names = {} if named else {n: repr(v) for n, v in params.items() if isinstance(v, plain)}
    return Derivative(op, position, values).formula(names), values


@folded
@pytest.mark.parametrize("named", [True, False], ids=["named", "values"])
@pytest.mark.parametrize("case", RULES.values(), ids=RULES)
def test_the_formula_is_what_the_rule_computes(case, named):
    text, values = texts_of(case, named)
    if text is None:
        return
    op, position, *_ = case
    rule = rule_of(op, position)
    with np.errstate(all="ignore"):
        expected = rule(*(values[n] for n in reads_of(rule)))
        found = evaluated(text, rule, values)
    np.testing.assert_allclose(
        np.broadcast_to(found, np.shape(expected)),
        expected,
        rtol=1e-6,
        atol=1e-12,
        err_msg=text,
    )


def test_most_rules_have_a_formula():
    texts = [texts_of(case, True)[0] for case in RULES.values()]
    assert sum(text is not None for text in texts) > 0.9 * len(texts)
    assert sum("\n" in text for text in texts if text) > 20


# --- the branch that runs -------------------------------------------------------------------------


def positive(g, x):
    if np.all(x > 0):
        return 3 * g
    return -g


def test_values_decide_where_they_are_known():
    assert formula_of(positive) == "3 · ∂L/∂Z"
    assert formula_of(positive, {"g": HALF, "x": -HALF}) == "−∂L/∂Z"
    assert formula_of(positive, {"g": HALF, "x": Unrecorded((2, 2), HALF.dtype)}) is None
    assert formula_of(positive, {}) is None


@pytest.mark.parametrize(
    "test",
    ["x.any()", "float(x[0, 0]) > 0", "x.max().item()", "np.isfinite(x).all()", "x.sum() > 0"],
)
def test_whatever_asks_for_a_value(test):
    python = f"return g if {test} else -g"
    assert of_python(python) == "∂L/∂Z"
    assert of_python(python, values={"x": Unrecorded((2, 2), HALF.dtype)}) is None


def test_shapes_and_dtypes_are_known():
    python = "return g * x.shape[0] / x.size if x.ndim == 2 and x.dtype.kind == 'f' else g"
    assert of_python(python) == "∂L/∂Z · 2 / 4"
    python = "d = np.stack([x, g])\nreturn g / d.size"
    assert of_python(python, values={"g": HALF, "x": Unrecorded((2, 2), HALF.dtype)}) == "∂L/∂Z / 8"


def test_nothing_is_computed_that_is_not_asked_for():
    calls = []

    def slow(x, k):
        calls.append(k)
        return x * k

    op = tg.define_op(slow, name="slow", x=lambda g, k: g * k)

    def rule(g, x):
        return op(x, 2) * g

    assert formula_of(rule) == "slow(A, 2) · ∂L/∂Z"
    assert not calls


# --- what a rule may do ---------------------------------------------------------------------------

LONG = " + ".join(["np.sqrt(x)"] * 6)  # 69 characters as a formula
LONG_TEXT = " + ".join(["sqrt(A)"] * 6)


@pytest.mark.parametrize(
    ("python", "text"),
    [
        ("x = g * x\nx = x + y\nreturn x * x", "(∂L/∂Z · A + B) · (∂L/∂Z · A + B)"),
        ("g = -g\nreturn g ** 2", "(−∂L/∂Z) ^ 2"),
        ("y, d = y, x + y\nreturn d", "A + B"),
        ("d = g * x\nreturn y - d / d", "B − ∂L/∂Z · A / (∂L/∂Z · A)"),
        ("n = 1 + 2\nreturn g[n:, ::-n]", "∂L/∂Z[3:, ::−3]"),
        ("return sum(x * x for x in (x, y))", "0 + A · A + B · B"),
        ("d = lambda x: x * g\nreturn d(y)", "B · ∂L/∂Z"),
        ("return g.sum(axis=0) + np.add.reduce(g)", "∂L/∂Z.sum(axis=0) + sum(∂L/∂Z)"),
        ("u, v = np.split(x, 2)\nreturn g * u", "∂L/∂Z · split(A, 2)[0]"),
        ("return tg.sigmoid(x) * g.astype(float).copy()", "sigmoid(A) · ∂L/∂Z"),
        ("return tg.softmax(x, axis=0) + tg.softmax(x)", "softmax(A, axis=0) + softmax(A)"),
        ("return tg.maximum(x, 0) * tg.logaddexp(2, x)", "maximum(A, 0) · logaddexp(2, A)"),
        ("return g * np.array([1, 2])", "∂L/∂Z · [1, 2]"),
        ("return g * x.real", "∂L/∂Z · A.real"),
        ("return g * (2 / 3) * math.pi / math.sqrt(2 * math.pi)", None),
        ("return 0.0", "0"),
        ("return None", None),
        ("return np.linalg.inv(x) @ g", "linalg.inv(A) @ ∂L/∂Z"),
    ],
)
def test_rules_of_ones_own(python, text):
    if text is None and "pi" in python:
        text = "∂L/∂Z · (2 / 3) · pi / 2.5066283"
    assert of_python(python) == text


@pytest.mark.parametrize(
    "change",
    [
        "d[x > 1] -= 1",
        "d -= 1",
        "d[0] = 1",
        "d.sort()",
        "np.add.at(d, 0, 1)",
        "np.copyto(d, x)",
        "np.multiply(d, 2, out=d)",
        "d.fill(0)",
    ],
)
def test_what_is_changed_in_place_is_no_formula(change):
    assert of_python(f"d = g * x\n{change}\nreturn d") is None
    assert of_python("d = g * x\nreturn d") == "∂L/∂Z · A"


@pytest.mark.parametrize(
    "python",
    [
        "return g * np.zeros(100).reshape(10, 10)[:2, :2] * np.arange(100)[:50]",
        "d = np.asarray(g)\nreturn d",
        "d = int.from_bytes(g)\nreturn d",
        "raise ValueError",
        "return g * object()",
    ],
)
def test_what_symbols_can_not_do_is_no_error(python):
    assert of_python(python) is None


def test_a_rule_that_symbols_can_not_run_shows_its_source():
    rule = lambda g, x: np.asarray(g) * x - x == g  # noqa: E731
    assert formula_of(rule) == "np.asarray(∂L/∂Z) · A − A = ∂L/∂Z"


@pytest.mark.parametrize(
    ("python", "text"),
    [
        ("(x + y) * g", "(A + B) · ∂L/∂Z"),
        ("x - (y - g)", "A − (B − ∂L/∂Z)"),
        ("x * (y @ g)", "A · (B @ ∂L/∂Z)"),
        ("(x ** y) ** g", "(A ^ B) ^ ∂L/∂Z"),
        ("(-x) ** 2", "(−A) ^ 2"),
        ("x ** -2", "A ^ (−2)"),
        ("-(x + y)", "−(A + B)"),
        ("(x + y).T", "(A + B)ᵀ"),
        ("np.swapaxes(x + y, -1, -2)", "(A + B)ᵀ"),
        ("g[None].T + x[None].mT", "∂L/∂Z[None].T + A[None]ᵀ"),
        ("g * ((x > y) & (x < 2) | (x == 0))", "∂L/∂Z · ((A > B) and (A < 2) or (A = 0))"),
        ("(x > y) == (x < y)", "(A > B) = (A < B)"),
        ("np.sum(g * x, axis=0)[0]", "sum(∂L/∂Z · A, axis=0)[0]"),
        ("g[1:, ::-1]", "∂L/∂Z[1:, ::−1]"),
        ("g[..., None]", "∂L/∂Z[..., None]"),
        ("g[(0,)]", "∂L/∂Z[0]"),
        ("g.reshape((*x.shape, 1))", "∂L/∂Z.reshape((2, 2, 1))"),
        ("g.sum((0,)) + np.stack([x])", "∂L/∂Z.sum((0,)) + stack([A])"),
    ],
)
def test_parentheses_where_they_are_needed(python, text):
    assert of_python(f"return {python}") == text


# --- several lines --------------------------------------------------------------------------------


def test_a_long_formula_has_several_lines():
    assert of_python(f"d = {LONG}\nreturn g * d - d") == f"d = {LONG_TEXT}\n∂L/∂Z · d − d"
    python = f"best = x == y\nbest = best * ({LONG})\nreturn best + best"
    assert of_python(python) == f"best = (A = B)\nbest₂ = best · ({LONG_TEXT})\nbest₂ + best₂"
    assert of_python(f"d = {LONG} + {LONG}\nreturn d") is None
    assert of_python("\n".join(["d = x + x", *["d = d + d"] * 40, "return d"])) is None


def test_a_line_gives_a_name_that_nothing_else_has():
    """Not the user's `d`, nor the `out` that is read before the rule has one of its own."""
    python = f"d = {LONG}\nreturn d * y + d"
    names = {"x": "A", "y": "d"}
    assert of_python(python, names=names) == f"d₂ = {LONG_TEXT}\nd₂ · d + d₂"
    python = f"out = out - ({LONG})\nreturn g * out * out"
    text = f"out₂ = out − ({LONG_TEXT})\ng · out₂ · out₂"
    assert of_python(python, names={"x": "A"}) == text
    assert of_python(python, names={"x": "A", "out": "h"}).startswith("out = h − (")
    names = {"x": "A", "y": "d.T"}
    text = f"d₂ = {LONG_TEXT}\nd₂ · d.T + d₂"
    assert of_python(f"d = {LONG}\nreturn d * y + d", names=names) == text


def test_a_mere_name_needs_no_line():
    python = f"n = 2\nm = y\nd = {LONG}\nreturn d * m - d ** n"
    assert of_python(python) == f"d = {LONG_TEXT}\nd · B − d ^ 2"


def test_a_debugger_goes_on():
    before = lambda frame, event, arg: None  # noqa: E731
    other = sys.gettrace()
    sys.settrace(before)
    try:
        text = of_python(f"d = {LONG}\nreturn g * d - d")
        assert sys.gettrace() is before
    finally:
        sys.settrace(other)
    assert "\n" in text


def test_several_inputs_and_outputs_have_names_each():
    values = values_of(tg.concatenate.op, 1, [np.ones(2), np.ones(3)], {"axis": 0})
    assert Derivative(tg.concatenate.op, 1, values).formula({"g": "∂y"}) == "∂y[2:5]"
    params = {"indices_or_sections": 2, "axis": 0}
    values = values_of(tg.split.op, 0, [np.ones(4)], params)
    assert Derivative(tg.split.op, 0, values).formula({"g": "∂"}) == "concatenate([∂[0], ∂[1]], 0)"
    operands = [np.ones((2, 3)), np.ones((3, 4))]
    values = values_of(tg.contract.op, 0, operands, {"spec": "ij,jk->ik"})
    text = Derivative(tg.contract.op, 0, values).formula({"g": "∂y", "arrays": ["a", "b"]})
    assert text == "contract([∂y, b], 'ik,jk->ij')"
