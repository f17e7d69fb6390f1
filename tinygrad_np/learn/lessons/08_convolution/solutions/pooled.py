"""Max pooling as an operation of your own: one mistake in its rule to find.

`pool` halves pictures (n, height, width) along both sides: of each block of 2 × 2 it keeps the
largest number. The forward is right. The rule gets the gradient `g` of the result, and what it
asks for by name: the input `x`, the result `out`. If several are the largest, they share.
"""

import numpy as np

import tinygrad_np as tg


def blocks(x):
    """Return the blocks of pictures as (n, height / 2, 2, width / 2, 2)."""
    n, height, width = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2)


def spread(small):
    """Return each number four times, as a block of 2 × 2."""
    return np.repeat(np.repeat(small, 2, axis=1), 2, axis=2)


def pool_forward(x):
    return blocks(x).max(axis=(2, 4))


def pool_rule(g, x, out):
    largest = x == spread(out)
    return spread(g) * largest / spread(blocks(largest).sum(axis=(2, 4)))


pool = tg.define_op(pool_forward, name="pool", x=pool_rule)


if __name__ == "__main__":
    x = tg.Tensor([[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 7.0, 1.0]]], requires_grad=True)
    pooled = pool(x)
    pooled.sum().backward()
    print(pooled.numpy(), "is made of 5 and 7 alone, so only these should have a gradient:")
    print(x.grad.numpy())
