"""Recorded runs for the step-through page, used by several tests."""

import numpy as np

import tinygrad_np as tg
from tinygrad_np import nn

X = np.array([[0.5, -1.0], [2.0, 0.3]])
W1 = np.array([[0.4, -0.7, 0.2], [1.1, 0.5, -0.3]])
W2 = np.array([[0.6], [-0.8], [0.9]])


def small():
    """A net of 2, 3 and 1 whose hidden values are used three times, and its record."""
    first = tg.Tensor(W1, requires_grad=True, name="W1")
    second = tg.Tensor(W2, requires_grad=True, name="W2")
    with tg.record() as run:
        h = tg.tanh(tg.Tensor(X, name="X") @ first)
        y = h @ second
        loss = (y**2).mean() + (h * h).sum()
        loss.backward()
    return tg.graph(loss, record=run)


def small_by_hand():
    """The same in NumPy: values, contributions and sums by name."""
    h = np.tanh(X @ W1)
    y = h @ W2
    dy = 2 * y / y.size
    from_square, from_y = h, dy @ W2.T
    dh = 2 * from_square + from_y
    return {
        "h": h,
        "y": y,
        "loss": (y**2).mean() + (h * h).sum(),
        "from square": from_square,
        "after square": 2 * from_square,
        "from y": from_y,
        "dh": dh,
        "dW1": X.T @ (dh * (1 - h * h)),
        "dW2": h.T @ dy,
    }


def classifier(rows=300):
    """Two dense layers on `rows` points, in modules."""
    rng = np.random.default_rng(0)
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))
    points = tg.Tensor(rng.normal(size=(rows, 2)).astype(np.float32), name="points")
    with tg.record() as run:
        logits = model(points)
        loss = nn.cross_entropy(logits, tg.Tensor(rng.integers(0, 3, rows), name="labels"))
        loss.backward()
    return tg.graph(loss, model, record=run)
