"""Gradients with a slip in backward: each is planted and named; what is no slip is not."""

import re

import numpy as np
import pytest
from planted_layers import n
from planted_rules import op

import tinygrad_np as tg

X = n(4, 3, seed=9)


class Block:
    """tanh(x W + b)², and x beside it; `slip` says what is wrong with the backward."""

    def __init__(self, slip=""):
        self.W, self.b, self.slip = n(3, 3), n(3, seed=1), slip

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.W + self.b)
        return self.h * self.h + x

    def backward(self, d):
        slip, h = self.slip, self.h
        dh = d if slip == "square" else 2 * d * h
        da = dh if slip == "tanh" else dh * (1 - h * h)
        self.dW = (h if slip == "array" else self.x).T @ da
        self.db = da.sum(axis=0)
        dx = da @ (self.W if slip == "matrix" else self.W.T)
        return 2 * dx + d if slip == "twice" else dx + d


class Recurrent:
    """A state of three numbers, over the steps of axis 1."""

    def __init__(self, slip=""):
        self.W, self.U, self.slip = n(3, 3) / 2, n(3, 3, seed=1) / 2, slip

    def forward(self, x):
        self.x, self.h = x, [np.zeros((len(x), 3))]
        for t in range(x.shape[1]):
            self.h.append(np.tanh(x[:, t] @ self.W + self.h[-1] @ self.U))
        return self.h[-1]

    def backward(self, d):
        dx = np.zeros(self.x.shape)
        self.dW, self.dU = np.zeros((3, 3)), np.zeros((3, 3))
        for t in reversed(range(self.x.shape[1])):
            da = d if self.slip == "tanh" else d * (1 - self.h[t + 1] ** 2)
            self.dW = self.x[:, t].T @ da + (0 if self.slip == "=" else self.dW)
            self.dU += self.h[t].T @ da
            dx[:, t] = da @ self.W.T
            d = da @ (self.U if self.slip == "matrix" else self.U.T)
        return dx


SEQUENCE = n(4, 3, 3, seed=9)
LAYERS = {
    "square": (Block("square"), X, "dinputs", r"derivative of multiply at .* is missing"),
    "tanh": (
        Block("tanh"),
        X,
        "dinputs",
        r"derivative of tanh at test_checks_slips",
    ),
    "array": (Block("array"), X, "dW", r"matmul .* with h for x"),
    "matrix": (Block("matrix"), X, "dinputs", r"with W transposed for W"),
    "twice": (Block("twice"), X, "dinputs", r"way of matmul .* counts twice"),
    "recurrent-tanh": (Recurrent("tanh"), SEQUENCE, "dinputs", r"derivative of tanh .* is missing"),
    "recurrent-=": (Recurrent("="), SEQUENCE, "dW", r"way of matmul .* first step is there alone"),
    "recurrent-matrix": (Recurrent("matrix"), SEQUENCE, "dinputs", r"with U transposed for U"),
}
OPS = {
    "chain": (
        lambda x: np.sin(x * x) + x,
        lambda g, x: g * np.cos(x * x) + g,
        r"derivative of multiply at .* is missing",
    ),
    "one-of-two": (
        lambda x: np.exp(np.sin(x)) * np.cos(x),
        lambda g, x: g * np.exp(np.sin(x)) * np.cos(x) ** 2,
        r"contribution by way of cos at .* is missing: .* \+= and not =",
    ),
    "sign-of-one": (
        lambda x: np.exp(np.sin(x)) * np.cos(x),
        lambda g, x: g * np.exp(np.sin(x)) * (np.cos(x) ** 2 + np.sin(x)),
        r"contribution by way of cos at .* has the wrong sign",
    ),
}


@pytest.mark.parametrize(("layer", "x", "gradient", "words"), LAYERS.values(), ids=LAYERS)
def test_slips_of_layers(layer, x, gradient, words):
    with pytest.raises(tg.GradcheckError, match=rf"backward: {gradient} is wrong: .*{words}") as e:
        tg.check_backward(layer, [x])
    assert e.value.kind == "slip"


@pytest.mark.parametrize(("forward", "rule", "words"), OPS.values(), ids=OPS)
def test_slips_of_ops(forward, rule, words):
    with pytest.raises(tg.GradcheckError, match=words) as error:
        tg.check_backward(op(forward, x=rule), [n(5)])
    assert error.value.kind == "slip"


@pytest.mark.parametrize(("layer", "x"), [(Block(), X), (Recurrent(), SEQUENCE)])
def test_right_layers(layer, x):
    assert tg.check_backward(layer, [x])


def test_what_is_no_slip():
    class Noisy(Block):
        def backward(self, d):
            return super().backward(d) * (1 + 0.1 * np.sin(np.arange(12.0).reshape(4, 3) * d))

    with pytest.raises(tg.GradcheckError) as error:
        tg.check_backward(Noisy(), [X])
    assert error.value.kind != "slip"


# --- candidates for diagnose ----------------------------------------------------------------------


def chained(x):
    return tg.sin(x**2)


def used_twice(a, b):
    return a * b + a


def passed_on(a):
    b = 3 * a
    c = b * a
    return c * b + b


A = 0.7
NUMBERS = {
    "inner": (chained, [A], np.cos(A**2), r"derivative of power at .* is missing"),
    "outer": (chained, [A], 2 * A, r"derivative of sin at .* is missing"),
    "=, the first": (used_twice, [A, 1.9], 1.9, r"contribution by way of add at .* is missing"),
    "=, the last": (used_twice, [A, 1.9], 1.0, r"by way of multiply at .* is missing: .* not ="),
    "too early": (passed_on, [A], 9 * A * A + 9 * A * A + 2 * 9 * A * A + 3, "counts twice"),
}


@pytest.mark.parametrize(("f", "inputs", "got", "words"), NUMBERS.values(), ids=NUMBERS)
def test_candidates(f, inputs, got, words):
    right = tg.grad(f)(*map(tg.Tensor, inputs))
    mistake = tg.diagnose(got, right, candidates=tg.slips(f, inputs))
    assert mistake.kind == "slip"
    assert re.search(words, mistake.text)
    assert tg.diagnose(right, right, candidates=tg.slips(f, inputs)) is None


def test_candidates_of_ones_own():
    right = n(5)
    candidates = {"it is squared": right**2, "it is right": right}
    assert tg.diagnose(right**2, right, candidates=candidates) == ("slip", "it is squared")
    assert tg.diagnose(right, right, candidates=candidates) is None


def test_slips_of_the_second_argument():
    by_b = tg.slips(used_twice, [A, 1.9], 1)
    assert all(re.search(r"multiply|add", text) for text in by_b)
    assert set(map(float, by_b.values())) == {A, 1.0}
