"""Graphs to draw, used by several tests."""

import numpy as np

import tinygrad_np as tg


def leaf(name, *shape):
    return tg.Tensor(np.ones(shape, np.float32), requires_grad=True, name=name)


def classifier():
    X = tg.Tensor(np.ones((300, 2), np.float32), name="X")
    y = tg.Tensor(np.zeros(300, np.uint8), name="y")
    h = tg.relu(X @ leaf("W1", 2, 64) + leaf("b1", 1, 64))
    h.name = "H1"
    loss = tg.cross_entropy(h @ leaf("W2", 64, 3) + leaf("b2", 1, 3), y)
    loss.name = "loss"
    return loss


def expression():
    x, w, b = leaf("x"), leaf("w"), leaf("b")
    return tg.tanh(x * w + b) ** 2 / 3 + 0.5 * w


def chain():
    t = leaf("t", 2)
    for k in range(40):
        t = tg.tanh(t) if k % 3 else t + 0.1
    return t


def diamond():
    x = leaf("x", 4, 3)
    h = tg.exp(x)
    return (tg.relu(h) * tg.sigmoid(h) + tg.tanh(x) * h + h * h).mean()


def gradient():
    X, W, b = tg.Tensor(np.ones((4, 2))), leaf("W", 2, 3), leaf("b", 3)
    (tg.tanh(X @ W + b) ** 2).mean().backward(create_graph=True)
    return (W.grad**2).sum() + b.grad.sum()


def recurrent(steps=7):
    W, U, h = leaf("W", 8, 8), leaf("U", 2, 8), tg.Tensor(np.zeros((5, 8), np.float32))
    for k in range(steps):
        h = tg.tanh(tg.Tensor(np.ones((5, 2), np.float32), name=f"x{k}") @ U + h @ W)
    return (h**2).mean() + 0.001 * (W**2).sum() + 0.001 * (U**2).sum()


def wide():
    return tg.concatenate([p * p for p in (leaf(f"p{k}", 2) for k in range(30))]).sum()


def two_outputs():
    x = leaf("x", 3)
    h = tg.exp(x)
    return [h.sum(), tg.tanh(h), leaf("lone", 2)]


NAMES = [
    "a<b> & \"q\" 's' $x$",
    "\\N \\G \\n \\\\ \\",
    "two\nlines\tand a tab ]]> -->",
    "параметр θ 模型 😀 é",
    "\ud800 bad \x00\x07\x1b",
    "w" * 80,
    "W" * 39,
    "{record|<port>}",
    " ",
    "\x01\x02",
    "&amp; <b>bold</b> <!-- -->",
]


def awkward_names():
    total = leaf("", 2)
    for name in NAMES:
        total = total * leaf(name, 2)
        total.name = name
    return total


CASES = {
    f.__name__: f
    for f in (
        classifier,
        expression,
        chain,
        diamond,
        gradient,
        recurrent,
        wide,
        two_outputs,
        awkward_names,
    )
}


def graph_of(case):
    return tg.graph(CASES[case]())
