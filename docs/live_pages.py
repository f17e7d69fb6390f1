"""Write the step-through pages of the site, of small networks; some are alive.

python docs/live_pages.py FOLDER
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import nn
import tinygrad_np as tg
from tinygrad_np.learn.exercises import exercises, load


def arms(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of three arms, which wind half as much as the book's, and their classes."""
    radius = np.tile(np.linspace(0.1, 1, count), 3)
    classes = np.repeat(np.arange(3), count)
    angle = 2.1 * classes + 3.5 * radius + 0.12 * rng.standard_normal(3 * count)
    points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return points.astype(np.float32), classes


def spiral(path: Path) -> None:
    """Write the step of a net of 2, 8 and 3 that learns the spiral's three classes."""
    rng = np.random.default_rng(2)
    points, classes = arms(40, rng)
    X, y = tg.Tensor(points, name="X"), tg.Tensor(classes, name="y")

    def parameter(name: str, *shape: int) -> tg.Tensor:
        start = 0.7 * rng.standard_normal(shape)
        return tg.Tensor(start.astype(np.float32), requires_grad=True, name=name)

    W1, b1 = parameter("W1", 2, 8), parameter("b1", 8)
    W2, b2 = parameter("W2", 8, 3), parameter("b2", 3)
    optimizer = nn.Adam([W1, b1, W2, b2], lr=0.05)

    def step() -> tg.Tensor:
        h = tg.tanh(X @ W1 + b1)
        logits = h @ W2 + b2
        loss = tg.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    with tg.record() as run:
        loss = step()
    graph = tg.graph(loss, record=run)
    graph.html(path, "A net of 2, 8 and 3 on a spiral", step=step)


def net(path: Path) -> None:
    """Write the step-through page of docs/step.md: a penalty, and a value that is used twice."""
    X = tg.Tensor([[0.5, -1.0], [2.0, 0.3]], name="X")
    target = tg.Tensor([[1.0], [0.0]], name="target")
    W1 = tg.Tensor([[0.4, -0.7, 0.2], [1.1, 0.5, -0.3]], requires_grad=True, name="W1")
    W2 = tg.Tensor([[0.6], [-0.8], [0.9]], requires_grad=True, name="W2")
    optimizer = nn.SGD([W1, W2], lr=0.1, momentum=0.9)
    with tg.record() as run:
        h = tg.tanh(X @ W1)
        y = h @ W2
        error = ((y - target) ** 2).mean()
        penalty = 0.01 * (h * h).sum()
        loss = error + penalty
        loss.backward()
        optimizer.step()
    tg.graph(loss, record=run).html(path, "A net of 2, 3 and 1")


def classifier(path: Path) -> None:
    """Write the step-through page of docs/backprop.md: dense, ReLU, dense, cross-entropy."""
    rng = np.random.default_rng(0)
    X = tg.Tensor(rng.standard_normal((6, 2)).round(1), name="X")
    y = tg.Tensor([0, 2, 1, 1, 0, 2], name="y")

    def parameter(name: str, *shape: int) -> tg.Tensor:
        return tg.Tensor(rng.standard_normal(shape).round(1), requires_grad=True, name=name)

    W1, b1 = parameter("W1", 2, 4), parameter("b1", 4)
    W2, b2 = parameter("W2", 4, 3), parameter("b2", 3)
    with tg.record() as run:
        z1 = X @ W1 + b1
        h = tg.relu(z1)
        z2 = h @ W2 + b2
        loss = tg.cross_entropy(z2, y)
        loss.backward()
    tg.graph(loss, record=run).html(path, "The classifier, with 6 points and 4 hidden units")


def network(path: Path) -> None:
    """Write the page that the course shows of its exercise `network`, solved."""
    exercise = exercises()["network"]
    exercise.see(load(exercise.solution), path)


PAGES: dict[str, Callable[[Path], None]] = {
    page.__name__: page for page in (spiral, net, classifier, network)
}


def write(name: str, folder: Path) -> None:
    """Write one page, NAME.html; raise the CompileWarning of one that would not be alive."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PAGES[name](folder / f"{name}.html")


if __name__ == "__main__":
    for name in PAGES:
        write(name, Path(sys.argv[1]))
