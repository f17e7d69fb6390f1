"""Steps of recurrent networks as single operations: half as many nodes, and less memory."""

from __future__ import annotations

import numpy as np

import tinygrad_np as tg
from tinygrad_np import define_op

__all__ = ["gru_step", "lstm_step"]


def _lstm(z, c):
    """The next h and c of an LSTM, from the sum z of its products: blocks i, f, k and o.

    c' = sigmoid(f)·c + sigmoid(i)·tanh(k) and h' = sigmoid(o)·tanh(c').
    """
    n = c.shape[-1]
    both = tg.sigmoid(z[..., : 2 * n])
    i = both[..., :n]
    f = both[..., n:]
    k = np.tanh(z[..., 2 * n : 3 * n])
    o = tg.sigmoid(z[..., 3 * n :])
    c = f * c + i * k
    t = np.tanh(c)
    return o * t, c, i, f, k, o, t


def _slope_of_c(g, o, t):
    """The gradient of c', from those of the outputs: h' depends on c' too."""
    g_h, g_c = g
    if g_h is None:
        return g_c
    through_h = g_h * o * (1 - t * t)
    return through_h if g_c is None else g_c + through_h


def _lstm_z(g, c, i, f, k, o, t):
    g_c = _slope_of_c(g, o, t)
    g_o = np.zeros_like(o) if g[0] is None else g[0] * t * o * (1 - o)
    g_i = g_c * k * i * (1 - i)
    g_f = g_c * c * f * (1 - f)
    g_k = g_c * i * (1 - k * k)
    return np.concatenate([g_i, g_f, g_k, g_o], axis=-1)


def _lstm_c(g, f, o, t):
    return _slope_of_c(g, o, t) * f


lstm_step = define_op(
    _lstm,
    name="lstm_step",
    z=_lstm_z,
    c=_lstm_c,
    keeps=("i", "f", "k", "o", "t"),
    text="lstm_step({z}, {c})",
)


def _gru(x, p, h):
    """The next h of a GRU, from the products x of its inputs and p of h: blocks r, z and n.

    n = tanh(x_n + sigmoid(x_r + p_r)·p_n) and h' = (1 - z)·n + z·h with z = sigmoid(x_z + p_z).
    """
    size = h.shape[-1]
    last = 2 * size
    both = tg.sigmoid(x[..., :last] + p[..., :last])
    r = both[..., :size]
    z = both[..., size:]
    n = np.tanh(x[..., last:] + r * p[..., last:])
    return n + z * (h - n), r, z, n


def _gru_parts(g, p, h, r, z, n):
    """The gradients of the sums before the gates, and of what stands inside of the tanh."""
    g_n = g * (1 - z) * (1 - n * n)
    g_z = g * (h - n) * z * (1 - z)
    last = 2 * h.shape[-1]
    g_r = g_n * p[..., last:] * r * (1 - r)
    return g_r, g_z, g_n


def _gru_x(g, p, h, r, z, n):
    return np.concatenate(_gru_parts(g, p, h, r, z, n), axis=-1)


def _gru_p(g, p, h, r, z, n):
    g_r, g_z, g_n = _gru_parts(g, p, h, r, z, n)
    return np.concatenate([g_r, g_z, g_n * r], axis=-1)


gru_step = define_op(
    _gru,
    name="gru_step",
    x=_gru_x,
    p=_gru_p,
    h=lambda g, z: g * z,
    keeps=("r", "z", "n"),
    text="gru_step({x}, {p}, {h})",
)
