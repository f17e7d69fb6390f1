"""Recurrent layers as single operations: the composed formulas, gradients of both orders."""

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from nn.layers.recurrent_steps import gru, lstm, simple

LENGTH, ROWS, SIZE = 4, 2, 3
RNG = np.random.default_rng(0)
H, C = RNG.standard_normal((2, ROWS, SIZE))


def products(gates):
    """Products of the inputs, and the weight of those of the state."""
    width = gates * SIZE
    return RNG.standard_normal((LENGTH, ROWS, width)), RNG.standard_normal((SIZE, width))


def composed_simple(x, h, weight, nonlinearity="tanh"):
    states = []
    for inputs in x:
        h = getattr(tg, nonlinearity)(inputs + h @ weight)
        states.append(h)
    return tg.stack(states)


def composed_lstm(x, h, c, weight):
    states, cells = [], []
    for inputs in x:
        i, f, k, o = tg.split(inputs + h @ weight, 4, axis=-1)
        c = tg.sigmoid(f) * c + tg.sigmoid(i) * tg.tanh(k)
        h = tg.sigmoid(o) * tg.tanh(c)
        states.append(h)
        cells.append(c)
    return tg.stack(states), tg.stack(cells)


def composed_gru(x, h, weight, bias):
    states = []
    for inputs in x:
        x_r, x_z, x_n = tg.split(inputs, 3, axis=-1)
        p_r, p_z, p_n = tg.split(h @ weight + bias, 3, axis=-1)
        z = tg.sigmoid(x_z + p_z)
        n = tg.tanh(x_n + tg.sigmoid(x_r + p_r) * p_n)
        h = (1 - z) * n + z * h
        states.append(h)
    return tg.stack(states)


X1, W1 = products(1)
X3, W3 = products(3)
X4, W4 = products(4)
LAYERS = {
    "tanh": (simple, composed_simple, (X1, H, W1)),
    "relu": (
        lambda *arrays: simple(*arrays, nonlinearity="relu"),
        lambda *arrays: composed_simple(*arrays, nonlinearity="relu"),
        (X1, H, W1),
    ),
    "lstm": (lstm, composed_lstm, (X4, H, C, W4)),
    "gru": (gru, composed_gru, (X3, H, W3, RNG.standard_normal(9))),
}
WEIGHTS = RNG.standard_normal((2, LENGTH, ROWS, SIZE))


def loss_of(layer, outputs=(0, 1)):
    def loss(*arrays):
        results = layer(*arrays)
        results = results if isinstance(results, tuple) else (results,)
        used = [k for k in outputs if k < len(results)]
        return sum((results[k] ** 2 * WEIGHTS[k]).sum() for k in used)

    return loss


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_both_orders_are_those_of_the_composed_steps(name):
    layer, composed, arrays = LAYERS[name]
    argnums = tuple(range(len(arrays)))
    for ours, right in zip(
        tg.grad(loss_of(layer), argnums)(*arrays), tg.grad(loss_of(composed), argnums)(*arrays)
    ):
        np.testing.assert_allclose(ours, right, rtol=1e-11, atol=1e-13)
    vectors = tuple(RNG.standard_normal(a.shape) for a in arrays)
    for ours, right in zip(
        tg.hvp(loss_of(layer), arrays, vectors), tg.hvp(loss_of(composed), arrays, vectors)
    ):
        np.testing.assert_allclose(ours, right, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("outputs", [(0,), (1,)])
def test_one_output_of_an_lstm_is_enough(outputs):
    _, composed, arrays = LAYERS["lstm"]
    for k in range(4):
        ours, right = (tg.grad(loss_of(f, outputs), k)(*arrays) for f in (lstm, composed))
        np.testing.assert_allclose(ours, right, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_differences(name):
    layer, _, arrays = LAYERS[name]
    tg.gradcheck(lambda *a: loss_of(layer)(*a), arrays)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_saturated_gates_and_short_sequences(kind):
    layer = kind(2, 3, rng=np.random.default_rng(0))
    x = tg.Tensor(np.array([[[1e4, -1e4]], [[-1e4, 1e4]]], np.float32), requires_grad=True)
    out, _ = layer(x)  # a warning of NumPy's would be an error here
    out.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    with pytest.raises(ValueError, match=r"needs a sequence of one step or more.*\(0, 1, 2\)"):
        layer(np.zeros((0, 1, 2), np.float32))
    assert layer(np.zeros((2, 0, 2), np.float32))[0].shape == (2, 0, 3)


def test_gradients_without_one_of_the_inputs():
    """Frozen weights, and a state that wants no gradient."""
    layer = nn.LSTM(2, 3)
    layer.weight_hh_l0.requires_grad = False
    out, (_, c) = layer(np.ones((4, 2, 2), np.float32))
    (out.sum() + c.sum()).backward()
    assert layer.weight_hh_l0.grad is None
    assert layer.weight_ih_l0.grad is not None
