"""A training step that can't be compiled: it looks at a number, and decides.

`tg.compile` runs a function once and writes down what happens to the arrays. What Python decides
on the way is not in it. The step below makes a gradient shorter if it is longer than 1. It
should do the same, without an `if`.
"""

import numpy as np

import tinygrad_np as tg


def shortened(g):
    """Return g, or what points in its direction and has the length 1 if g is longer."""
    length = tg.norm(g)
    if length > 1:
        g = g / length
    return g


def step(w, x, y):
    """Return the weights after a step of gradient descent on the mean squared error."""
    g = tg.grad(lambda w: ((x @ w - y) ** 2).mean())(w)
    return w - 0.1 * shortened(g)


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((20, 3)), np.zeros(3)
    y = x @ np.array([3.0, -1.0, 2.0])
    fast = tg.compile(step)
    for _ in range(100):
        w = fast(w, x, y)
    print("The weights should come to 3, -1 and 2:", w)
    print(fast.source)
