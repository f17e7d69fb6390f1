"""Swish, x · sigmoid(x), as an operation of your own: right, but not to be differentiated twice.

The forward and the rule are right, as is the sigmoid that both use. But a rule is differentiated
too, if somebody asks for a second derivative: then `x` and `g` are Tensors, and what the rule
makes of them is recorded. Run the file, and see which number gets lost.
"""

import numpy as np

import tinygrad_np as tg


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def swish_forward(x):
    return x * sigmoid(x)


def swish_rule(g, x):
    s = sigmoid(x)
    return g * (s + x * s * (1 - s))


swish = tg.define_op(swish_forward, name="swish", x=swish_rule)


if __name__ == "__main__":
    x = np.array([-1.3, 0.4, 2.1])
    print("first derivative right:", tg.gradcheck(swish, [x]))
    print("second derivative right:", tg.gradcheck(swish, [x], order=2))
