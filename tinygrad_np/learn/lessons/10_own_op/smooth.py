"""A loss that asks for a gentle function, and forgets to tell the weights.

`steepness` is the mean square of the slopes of `net` by its inputs. Added to a loss, it should
make the network smoother; for that its own gradient by the weights is needed, a derivative of a
derivative. Its value is right, but its gradient is 0.
"""

import numpy as np

import tinygrad_np as tg


def net(x, w, v):
    """A small network: (n, 1) numbers in, (n, 1) numbers out."""
    return tg.tanh(x @ w) @ v


def steepness(x, w, v):
    """Return the mean square of the slopes of net at the numbers x (n, 1)."""
    inputs = tg.Tensor(x, requires_grad=True)
    net(inputs, w, v).sum().backward()
    slopes = inputs.grad
    return (slopes**2).mean()


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = np.linspace(-1, 1, 5)[:, None]
    w, v = rng.standard_normal((1, 4)), rng.standard_normal((4, 1))
    print("value:", steepness(x, w, v))
    print("by nudging v[0, 0]:", end=" ")
    nudge = np.zeros((4, 1))
    nudge[0, 0] = 1e-5
    print((steepness(x, w, v + nudge) - steepness(x, w, v - nudge)) / 2e-5)
    print("by tg.grad:        ", tg.grad(steepness, argnums=2)(x, w, v)[0, 0])
