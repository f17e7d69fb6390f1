"""Fused steps of recurrent networks: the composed formulas, gradients of both orders."""

import numpy as np
import pytest

import tinygrad_np as tg
from nn.recurrent_steps import gru_step, lstm_step

RNG = np.random.default_rng(0)
Z, C = RNG.standard_normal((2, 12)), RNG.standard_normal((2, 3))
X, P, H = (RNG.standard_normal((2, n)) for n in (9, 9, 3))


def composed_lstm(z, c):
    i, f, k, o = tg.split(z, 4, axis=-1)
    c = tg.sigmoid(f) * c + tg.sigmoid(i) * tg.tanh(k)
    return tg.sigmoid(o) * tg.tanh(c), c


def composed_gru(x, p, h):
    x_r, x_z, x_n = tg.split(x, 3, axis=-1)
    p_r, p_z, p_n = tg.split(p, 3, axis=-1)
    z = tg.sigmoid(x_z + p_z)
    n = tg.tanh(x_n + tg.sigmoid(x_r + p_r) * p_n)
    return (1 - z) * n + z * h


@pytest.mark.parametrize("outputs", [(0,), (1,), (0, 1)])
def test_lstm(outputs):
    def loss(step):
        weights = [np.array([[1.0, 2.0, 3.0]]), np.array([[-1.0, 0.5, 2.0]])]
        return lambda z, c: sum((step(z, c)[k] * weights[k]).sum() for k in outputs)

    for k in range(2):
        got, want = (tg.grad(loss(step), k)(Z, C) for step in (lstm_step, composed_lstm))
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
    second = [tg.hessian(loss(step), 0)(Z, C) for step in (lstm_step, composed_lstm)]
    np.testing.assert_allclose(*second, rtol=1e-10, atol=1e-12)


def test_gru():
    for k in range(3):
        got, want = (
            tg.grad(lambda *a, step=step: (step(*a) ** 2).sum(), k)(X, P, H)
            for step in (gru_step, composed_gru)
        )
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
    second = [
        tg.hessian(lambda p, step=step: (step(X, p, H) ** 2).sum())(P)
        for step in (gru_step, composed_gru)
    ]
    np.testing.assert_allclose(*second, rtol=1e-10, atol=1e-12)


def test_gradients_are_those_of_differences():
    tg.gradcheck(lambda z, c: tg.concatenate(lstm_step(z, c)), [Z, C])
    tg.gradcheck(gru_step, [X, P, H])
