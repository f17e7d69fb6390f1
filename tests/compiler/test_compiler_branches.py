"""Ops that look at values: one program for all batches, whatever the first ones held."""

import warnings

import numpy as np
import pytest
from folded import folded
from pass_sets import EXACT

import tinygrad_np as tg


def assert_one_program(make, batches, passes=None):
    """Run a step compiled and uncompiled: one program, no warning, the same to the last bit."""
    tg.manual_seed(5)
    step = make()
    want = [step(*batch) for batch in batches]
    tg.manual_seed(5)
    program = tg.compile(make(), passes=passes)
    with warnings.catch_warnings():
        warnings.simplefilter("error", tg.CompileWarning)
        got = [program(*batch) for batch in batches]
    assert ": 1 program>" in repr(program)
    assert program._fallbacks == 0
    for a, b in zip(want, got, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(np.asarray(y.data), np.asarray(x.data))


SMALL = np.linspace(-3, 3, 12).reshape(3, 4)
LARGE = np.linspace(-30, 30, 12).reshape(3, 4)
TINY = np.full((3, 4), 1e-3)


@pytest.mark.parametrize(
    "passes", [EXACT, pytest.param((), marks=pytest.mark.oracle)], ids=["exact", "none"]
)
@folded
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 1, 0), (0, 0, 1)])
@pytest.mark.parametrize("op", [tg.erf, tg.erfc, tg.gelu, tg.sinc, tg.elu, tg.softplus, tg.mish])
def test_functions_of_small_and_large_values(op, order, dtype, passes):
    def make():
        def step(x):
            t = tg.Tensor(x, requires_grad=True)
            out = op(t)
            out.sum().backward()
            return out, t.grad

        return step

    arrays = [array.astype(dtype) for array in (SMALL, LARGE, TINY)]
    assert_one_program(make, [(arrays[k],) for k in (*order, 0, 1, 2)], passes)


def test_a_large_array_is_not_taken_apart_into_many_statements():
    program = tg.compile(lambda x: tg.erf(tg.Tensor(x)))
    x = np.linspace(-9, 9, 300_000)
    for _ in range(3):
        np.testing.assert_array_equal(program(x).data, tg.erf(tg.Tensor(x)).data)
    assert len(program.program.statements) < 1500


@pytest.mark.parametrize("first", [0, 1])
def test_ignored_labels_in_some_batches(first):
    def make():
        def step(x, y):
            t = tg.Tensor(x, requires_grad=True)
            loss = tg.cross_entropy(t, y, ignore_index=-100)
            loss.backward()
            return loss, t.grad

        return step

    labels = [np.array([0, 3, 1]), np.array([0, -100, 1])]
    assert_one_program(make, [(SMALL + k, labels[(k + first) % 2]) for k in range(5)], EXACT)


@pytest.mark.parametrize("first", [0, 1])
def test_negative_indices_in_some_batches(first):
    def make():
        def step(x, i):
            t = tg.Tensor(x, requires_grad=True)
            out = tg.take_along_axis(t, i, 1)
            (out * out).sum().backward()
            return out, t.grad

        return step

    indices = [np.array([[0, 3], [1, 1], [2, 0]]), np.array([[0, -1], [-4, 1], [2, 0]])]
    assert_one_program(make, [(SMALL + k, indices[(k + first) % 2]) for k in range(5)], EXACT)


@pytest.mark.parametrize("nested", [False, True])
def test_a_checkpoint_with_dropout_draws_once(nested):
    """The second run in backward draws what the first one drew, and the generator goes on."""

    def make():
        w = tg.Tensor(np.linspace(-1, 1, 16).reshape(4, 4), requires_grad=True)

        def block(t):
            return tg.dropout(tg.tanh(t @ w), 0.5, True)

        def two(t):
            return tg.checkpoint(block)(block(t)) * tg.rand(3, 4)

        def step(x):
            out = tg.checkpoint(two if nested else block)(tg.Tensor(x) @ w)
            w.grad = None
            (out * out).sum().backward()
            return out, w.grad, tg.rand(2)

        return step

    assert_one_program(make, [(SMALL + k,) for k in range(5)], EXACT)
