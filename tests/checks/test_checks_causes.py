"""Verdicts name the cause of what is planted, and stay silent on what is right."""

import inspect
import re

import numpy as np
import planted_layers
import planted_rules
import pytest
import right_rules
from planted_rules import n, op

import tinygrad_np as tg

WRONG = {
    name: (op(forward, x=rule), [x], "x", words)
    for name, (forward, rule, x, words) in planted_rules.UNARY.items()
} | {
    name: (op(forward, **rules), list(inputs), which, words)
    for name, (forward, rules, which, inputs, words) in planted_rules.BINARY.items()
}
RIGHT = {
    f"{name}-{k}": (op(forward, x=rule), [x])
    for name, (forward, rule, points) in right_rules.UNARY.items()
    for k, x in enumerate(points)
} | {
    name: (op(forward, **rules), list(inputs))
    for name, (forward, rules, inputs) in right_rules.BINARY.items()
}
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::RuntimeWarning")]


def test_there_are_many():
    assert len(WRONG) + len(planted_layers.WRONG) >= 113
    assert len(RIGHT) + len(right_rules.FUNCTIONS) + len(planted_layers.RIGHT) >= 100


@pytest.mark.parametrize(("op", "inputs", "which", "words"), WRONG.values(), ids=WRONG)
def test_wrong_rules(op, inputs, which, words):
    with pytest.raises(tg.GradcheckError) as error:
        tg.check_backward(op, inputs)
    text = str(error.value)
    position = list(op.op.inputs).index(which)
    assert f"for its input '{which}'" in text or f"input {position} of f" in text
    assert re.search(words, text)


@pytest.mark.parametrize(
    ("layer", "inputs", "gradient", "words"),
    planted_layers.WRONG.values(),
    ids=planted_layers.WRONG,
)
def test_wrong_layers(layer, inputs, gradient, words):
    with pytest.raises(tg.GradcheckError) as error:
        tg.check_backward(layer, inputs)
    assert f"backward: {gradient} is wrong: " in str(error.value)
    assert re.search(words, str(error.value))


@pytest.mark.parametrize(("op", "inputs"), RIGHT.values(), ids=RIGHT)
def test_right_rules(op, inputs):
    assert tg.check_backward(op, inputs)


@pytest.mark.parametrize(("f", "inputs"), right_rules.FUNCTIONS.values(), ids=right_rules.FUNCTIONS)
def test_right_functions(f, inputs):
    assert tg.check_backward(f, inputs)


@pytest.mark.parametrize(
    ("layer", "inputs"), planted_layers.RIGHT.values(), ids=planted_layers.RIGHT
)
def test_right_layers(layer, inputs):
    assert tg.check_backward(layer, inputs)


def test_a_gradient_that_belongs_to_nothing_is_named():
    class Stray(planted_layers.Linear):
        def backward(self, d):
            self.dgamma = d.sum(0)
            return super().backward(d)

    with pytest.warns(UserWarning, match="Stray: check_backward did not look at dgamma"):
        assert tg.check_backward(Stray(), [n(4, 3)])


# --- cuts -----------------------------------------------------------------------------------------


def by_numpy(x):
    h = tg.exp(x)
    return h * np.tanh(h.numpy())  # here


def by_data(x):
    return x * x.data  # here


def by_detach(x):
    return x * tg.sin(x).detach()  # here


def by_float(x):
    return x * float(x.sum())  # here


def by_no_grad(x):
    with tg.no_grad():  # here
        h = tg.sin(x)
    return x * h


def by_a_tensor(x):
    h = x.numpy()
    return x + tg.Tensor(np.cos(h))  # here


CUTS = {
    by_numpy: r"h\.numpy\(\)",
    by_data: r"x\.data",
    by_detach: r"\.detach\(\)",
    by_float: r"float\(",
    by_no_grad: "no_grad",
    by_a_tensor: "bare numbers",
}


@pytest.mark.parametrize("f", CUTS, ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore::tinygrad_np.DetachedWarning")
def test_the_line_of_a_cut(f):
    lines, start = inspect.getsourcelines(f)
    line = start + next(k for k, text in enumerate(lines) if "# here" in text)
    with pytest.raises(tg.GradcheckError, match=rf"{CUTS[f]}.*:{line}|:{line} .*{CUTS[f]}"):
        tg.check_backward(f, [n(4)])


# --- diagnose -------------------------------------------------------------------------------------


def test_diagnose_with_what_was_read():
    x, g = n(5), n(5, seed=1)
    right = g * np.cos(x)
    reads = {"g": g, "x": x}
    assert tg.diagnose(right * x, right, reads=reads).text.startswith(
        "it is the right gradient times x: one power of x too many"
    )
    assert tg.diagnose(right - g, right, reads=reads).kind == "term"
    assert tg.diagnose(right[::-1], right).kind == "order"
    assert "2/3 times" in tg.diagnose(right * 2 / 3, right).text
    assert tg.diagnose(right, right, reads=reads) is None


def test_one_number_is_in_proportion_to_any():
    assert tg.diagnose(-0.413, 1.0).kind == "other"
    assert "1/2 times" in tg.diagnose(0.5, 1.0).text
    assert (
        "the number of points" in tg.diagnose(50.0, 1.0, counts={"the number of points": 50}).text
    )
