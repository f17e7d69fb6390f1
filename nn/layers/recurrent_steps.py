"""Recurrent layers as single operations: the steps forward in time, and the gradients back.

At each step the product of the hidden state, h·W, is added to that of the inputs, which comes in as
x (length, rows, gates·hidden_size): the products of all inputs are one. What leads back through
time is computed step by step; all else, the gradient of W as well, for all steps at once.
"""

from __future__ import annotations

import numpy as np

import tinygrad_np as tg
from tinygrad_np import define_op


def _before(first, states):
    """Return the state before each step."""
    return np.concatenate([first[None], states[:-1]])


def _product_of_steps(before, g):
    """Return the sum over all steps of the outer products of states and gradients."""
    states = before.reshape(-1, before.shape[-1])
    return states.T @ g.reshape(-1, g.shape[-1])


def _stacked(steps):
    """Return the arrays of all steps as one; the list is emptied, so that they go at once."""
    array = np.stack(steps)
    steps.clear()
    return array


def _backwards(steps):
    """Do the same with what was computed from the last step to the first."""
    steps.reverse()
    return _stacked(steps)


# --- h = tanh(x + h·W), or relu ------------------------------------------------------------------


def _simple(x, h, weight, nonlinearity="tanh"):
    """The states (length, rows, hidden_size) h' = tanh(x + h·W), or relu."""
    activation = np.tanh if nonlinearity == "tanh" else tg.relu
    states = []
    for inputs in x:
        h = activation(inputs + h @ weight)
        states.append(h)
    return _stacked(states)


def _simple_gradients(g, h, weight, nonlinearity, out):
    slopes = 1 - out * out if nonlinearity == "tanh" else out > 0
    transposed = weight.T.copy()
    steps = []
    g_h = 0
    for g_out, slope in zip(g[::-1], slopes[::-1]):
        g_x = (g_out + g_h) * slope
        g_h = g_x @ transposed
        steps.append(g_x)
    g_x = _backwards(steps)
    return g_x, g_h, _product_of_steps(_before(h, out), g_x)


simple = define_op(
    _simple,
    name="rnn",
    joint=_simple_gradients,
    x=...,
    h=...,
    weight=...,
)


# --- LSTM ----------------------------------------------------------------------------------------


def _lstm(x, h, c, weight):
    """The states h' = sigmoid(o)·tanh(c') and c' = sigmoid(f)·c + sigmoid(i)·tanh(k).

    i, f, k and o are the blocks of x + h·W.
    """
    n = weight.shape[0]
    # One call for all: sigmoid(z) = (1 + tanh(z/2))/2, right to the last bits of 1.
    scale = np.repeat(np.array([0.5, 0.5, 1, 0.5], x.dtype), n)
    shift = 1 - scale
    weight = weight * scale
    gates, states, cells = [], [], []
    for inputs in x * scale:
        ifko = np.tanh(inputs + h @ weight) * scale + shift
        c = ifko[:, n : 2 * n] * c + ifko[:, :n] * ifko[:, 2 * n : 3 * n]
        h = ifko[:, 3 * n :] * np.tanh(c)
        gates.append(ifko)
        states.append(h)
        cells.append(c)
    return _stacked(states), _stacked(cells), _stacked(gates)


def _lstm_gradients(g, h, c, weight, out, gates):
    states, cells = out
    n = weight.shape[0]
    g_states, g_cells = (np.zeros_like(cells) if part is None else part for part in g)
    i, f = gates[..., :n], gates[..., n : 2 * n]
    k, o = gates[..., 2 * n : 3 * n], gates[..., 3 * n :]
    # The slopes of i, f and k in c', of o in h', and of c' in h'.
    t = np.tanh(cells)
    slopes_i = k * i * (1 - i)
    slopes_f = _before(c, cells) * f * (1 - f)
    slopes_k = i * (1 - k * k)
    slopes_o = t * o * (1 - o)
    slopes_c = o * (1 - t * t)
    transposed = weight.T.copy()
    steps = []
    g_h = g_c = 0
    for step in reversed(range(len(gates))):
        g_h = g_states[step] + g_h
        g_c = g_cells[step] + g_c + g_h * slopes_c[step]
        parts = [
            g_c * slopes_i[step],
            g_c * slopes_f[step],
            g_c * slopes_k[step],
            g_h * slopes_o[step],
        ]
        g_x = np.concatenate(parts, axis=-1)
        g_h = g_x @ transposed
        g_c = g_c * f[step]
        steps.append(g_x)
    del t, slopes_i, slopes_f, slopes_k, slopes_o, slopes_c  # before something large comes
    g_x = _backwards(steps)
    return g_x, g_h, g_c, _product_of_steps(_before(h, states), g_x)


lstm = define_op(
    _lstm,
    joint=_lstm_gradients,
    x=...,
    h=...,
    c=...,
    weight=...,
    keeps=("gates",),
)


# --- GRU -----------------------------------------------------------------------------------------


def _gru(x, h, weight, bias=None):
    """The states h' = (1 - z)·n + z·h with n = tanh(x_n + r·p_n), from p = h·W + bias.

    The gates are r = sigmoid(x_r + p_r) and z = sigmoid(x_z + p_z).
    """
    n = weight.shape[0]
    gates, candidates, products, states = [], [], [], []
    for inputs in x:
        p = h @ weight if bias is None else h @ weight + bias
        # sigmoid(x) = (1 + tanh(x/2))/2, right to the last bits of 1.
        rz = np.tanh((inputs[:, : 2 * n] + p[:, : 2 * n]) * 0.5) * 0.5 + 0.5
        product = p[:, 2 * n :].copy()
        candidate = np.tanh(inputs[:, 2 * n :] + rz[:, :n] * product)
        h = candidate + rz[:, n:] * (h - candidate)
        gates.append(rz)
        candidates.append(candidate)
        products.append(product)
        states.append(h)
    return _stacked(states), _stacked(gates), _stacked(candidates), _stacked(products)


def _gru_gradients(g, h, weight, bias, out, gates, candidates, products):
    n = weight.shape[0]
    r, z = gates[..., :n], gates[..., n:]
    before = _before(h, out)
    # The slopes of r, z and n in h'; n depends on r, and on its product by way of r too.
    slopes_n = (1 - z) * (1 - candidates * candidates)
    slopes_r = slopes_n * products * r * (1 - r)
    slopes_z = (before - candidates) * z * (1 - z)
    slopes_p = slopes_n * r
    transposed = weight.T.copy()
    totals, steps = [], []
    g_h = 0
    for step in reversed(range(len(gates))):
        g_h = g[step] + g_h
        parts = [g_h * slopes_r[step], g_h * slopes_z[step], g_h * slopes_p[step]]
        g_p = np.concatenate(parts, axis=-1)
        totals.append(g_h)
        steps.append(g_p)
        g_h = g_h * z[step] + g_p @ transposed
    del slopes_r, slopes_z, slopes_p
    g_p = _backwards(steps)
    g_n = _backwards(totals) * slopes_n
    g_x = np.concatenate([g_p[..., : 2 * n], g_n], axis=-1)
    return g_x, g_h, _product_of_steps(before, g_p), g_p.sum(axis=(0, 1))


gru = define_op(
    _gru,
    joint=_gru_gradients,
    x=...,
    h=...,
    weight=...,
    bias=...,
    keeps=("gates", "candidates", "products"),
    text="gru({x}, {h}, {weight})",
)
