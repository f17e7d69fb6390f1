"""The book's networks in plain NumPy, float64: an oracle that knows nothing of this framework.

Forward and backward are written out by hand from the formulas: dense layers z = x·W + b, ReLU,
inverted dropout, softmax or sigmoid with cross-entropy or a linear output with squared error, L2
penalties λ(Σw² + Σb²) on the first layer, and each optimizer's update rule per parameter.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def sgd(w, g, state, lr, t, momentum=0.0):
    state["v"] = momentum * state.get("v", 0.0) - lr * g
    return w + state["v"]


def adagrad(w, g, state, lr, t, eps=1e-7):
    state["c"] = state.get("c", 0.0) + g**2
    return w - lr * g / (np.sqrt(state["c"]) + eps)


def rmsprop(w, g, state, lr, t, rho=0.9, eps=1e-7):
    state["c"] = rho * state.get("c", 0.0) + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(state["c"]) + eps)


def adam(w, g, state, lr, t, beta1=0.9, beta2=0.999, eps=1e-7):
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g**2
    m = state["m"] / (1 - beta1**t)
    v = state["v"] / (1 - beta2**t)
    return w - lr * m / (np.sqrt(v) + eps)


RULES = {"sgd": sgd, "adagrad": adagrad, "rmsprop": rmsprop, "adam": adam}


def softmax_ce(z, y):
    """Mean cross-entropy of softmax(z), and its derivative by z."""
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    onehot = np.eye(z.shape[1], dtype=np.float64)[y]
    return -np.mean(np.log(np.sum(p * onehot, axis=1))), (p - onehot) / len(z)


def sigmoid_bce(z, y):
    """Mean binary cross-entropy of sigmoid(z), and its derivative by z."""
    p = 1 / (1 + np.exp(-z))
    return -np.mean(y * np.log(p) + (1.0 - y) * np.log(1 - p)), (p - y) / z.size


def linear_mse(z, y):
    """Mean squared error, and its derivative by z."""
    return np.mean((z - y) ** 2), 2 * (z - y) / z.size


HEADS = {"softmax_ce": softmax_ce, "sigmoid_bce": sigmoid_bce, "linear_mse": linear_mse}


def train(setup: dict, draws: Any, epochs: int) -> tuple[list[float], list[np.ndarray]]:
    """The loss of every epoch before its update, penalties included, and the last parameters."""
    options = dict(setup["optimizer"])
    rule = RULES[options.pop("name")]
    rate, decay = options.pop("lr"), options.pop("decay", 0.0)
    l2, dropped = setup.get("l2_first_layer", 0.0), setup.get("dropout", 0.0)
    x, y = draws.X.astype(np.float64), draws.y
    W = [w.astype(np.float64) for w in draws.weights]
    b = [np.zeros(w.shape[1], dtype=np.float64) for w in W]
    states: list[dict] = [{} for _ in range(2 * len(W))]
    losses = []
    for epoch in range(epochs):
        # Forward; the input of each layer is kept, and what its ReLU and dropout multiply with.
        inputs, gates = [x], []
        for k in range(len(W) - 1):
            z = inputs[k] @ W[k] + b[k]
            gate = (z > 0).astype(np.float64)
            if k == 0 and dropped:
                gate = gate * draws.mask(z.shape, dropped)
            gates.append(gate)
            inputs.append(z * gate)
        loss, dz = HEADS[setup["head"]](inputs[-1] @ W[-1] + b[-1], y)
        losses.append(loss + l2 * (np.sum(W[0] ** 2) + np.sum(b[0] ** 2)))
        # Backward, from the last layer to the first.
        dW, db = [0.0] * len(W), [0.0] * len(W)
        for k in reversed(range(len(W))):
            dW[k] = inputs[k].T @ dz
            db[k] = dz.sum(axis=0)
            if k:
                dz = (dz @ W[k].T) * gates[k - 1]
        dW[0] = dW[0] + 2 * l2 * W[0]
        db[0] = db[0] + 2 * l2 * b[0]
        lr = rate / (1 + decay * epoch)
        for k in range(len(W)):
            W[k] = rule(W[k], dW[k], states[2 * k], lr, epoch + 1, **options)
            b[k] = rule(b[k], db[k], states[2 * k + 1], lr, epoch + 1, **options)
    return losses, [p for pair in zip(W, b) for p in pair]
