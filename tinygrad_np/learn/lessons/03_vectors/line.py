"""The gradient of a straight line's mean squared error, by hand: two mistakes to find.

The loss is the mean of (w * x + b - y)² over the points. `x` and `y` have one number for each
point, `w` and `b` are single numbers. `loss` is right; change `gradient` until it is right, too.
"""

import numpy as np


def loss(w, b, x, y):
    return np.mean((w * x + b - y) ** 2)


def gradient(w, b, x, y):
    """Return the derivatives of the loss with respect to w and b."""
    error = w * x + b - y
    dw = np.sum(error * x) / len(x)
    db = 2 * error / len(x)
    return dw, db


if __name__ == "__main__":
    x = np.linspace(-1, 1, 50)
    y = 3 * x + 1
    w = b = 0.0
    for _ in range(100):
        dw, db = gradient(w, b, x, y)
        w, b = w - 0.5 * dw, b - 0.5 * db
    print("w and b should come near 3 and 1:", w, b)
