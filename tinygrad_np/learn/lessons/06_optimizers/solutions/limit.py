"""The largest learning rate that gradient descent can take near a minimum: to be written.

Where the loss has the curvature c along a direction, a step multiplies the distance to the
minimum along it by 1 - rate · c. The curvatures are the eigenvalues of the Hessian, the matrix
of second derivatives: `tg.hessian(loss)(w)` gives it, `np.linalg.eigvalsh` the eigenvalues of a
symmetric one.
"""

import numpy as np

import tinygrad_np as tg


def limit(loss, w):
    """Return the learning rate beyond which a step leads away from the minimum of `loss` at `w`."""
    curvatures = np.linalg.eigvalsh(tg.hessian(loss)(w))
    return 2 / curvatures.max()


def bowl(w):
    """A loss of two weights with its minimum at (1, -2)."""
    x, y = w[0] - 1, w[1] + 2
    return 3 * x * x + 2 * x * y + 2 * y * y


if __name__ == "__main__":
    w = np.array([1.0, -2.0])
    most = limit(bowl, w)
    for part in (0.9, 1.1):
        walker = tg.Tensor(w + 0.1)
        for _ in range(20):
            walker = walker - part * most * tg.grad(bowl)(walker)
        print(f"at {part} of the limit the distance is {tg.norm(walker - w):.3g} after 20 steps")
