"""Recorded runs for the step-through page, used by several tests."""

import json
import re

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.page.html import POOLED

X = np.array([[0.5, -1.0], [2.0, 0.3]])
W1 = np.array([[0.4, -0.7, 0.2], [1.1, 0.5, -0.3]])
W2 = np.array([[0.6], [-0.8], [0.9]])


def run_in(page):
    """What a page holds, its texts where they belong."""
    text = re.search(r'<script id="run" type="application/json">(.*?)</script>', page, re.S)[1]
    run = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    flows = [flow for step in run["steps"] for flow in step.get("flows", ())]
    for entry in [*run["nodes"], *run["steps"], *flows]:
        entry |= {key: run["texts"][entry[key]] for key in POOLED.intersection(entry)}
    return run


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


def updated():
    """The weights of a line through two points, with one step of Adam."""
    w = tg.Tensor([[0.5], [-1.0]], requires_grad=True, name="w")
    b = tg.Tensor([0.25], requires_grad=True, name="b")
    optimizer = nn.Adam([w, b], 0.1, eps=1e-3)
    with tg.record() as run:
        error = tg.Tensor(X, name="X") @ w + b - 1.0
        loss = (error * error).mean()
        loss.backward()
        optimizer.step()
    return tg.graph(loss, record=run)


def adam_by_hand():
    """The same step in NumPy, by parameter."""
    start = {"w": np.array([[0.5], [-1.0]]), "b": np.array([0.25])}
    error = X @ start["w"] + start["b"] - 1.0
    gradients = {"w": X.T @ error, "b": error.sum(axis=0)}  # of the mean of two squares
    found = {}
    for name, g in gradients.items():
        m, v = 0.1 * g, 0.001 * g * g
        change = 0.1 * (m / 0.1) / (np.sqrt(v / 0.001) + 1e-3)
        numbers = {"before": start[name], "gradient": g, "change": change}
        found[name] = numbers | {"after": start[name] - change, "m": m, "v": v}
    return found


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


def looped(turns):
    """A recurrent net, written out as a loop, with a new input at each turn."""
    rng = np.random.default_rng(3)
    weight = tg.Tensor(rng.normal(size=(2, 3)), requires_grad=True, name="W")
    back = tg.Tensor(rng.normal(size=(3, 3)), requires_grad=True, name="U")
    with tg.record() as run:
        h = tg.Tensor(np.zeros((2, 3)), name="h0")
        for t in range(turns):
            x = tg.Tensor(rng.normal(size=(2, 2)), name=f"x{t}")
            h = tg.tanh(x @ weight + h @ back)
        loss = (h * h).mean()
        loss.backward()
    return tg.graph(loss, record=run)
