"""A layer that stretches and shifts each column: one mistake in its backward to find.

Each column of the inputs (rows, columns) is multiplied by its own weight, and its own bias is
added, as at the end of a layer norm. `forward` is right. Run this file: training survives the
mistake, or does it?
"""

import numpy as np


class Scale:
    def __init__(self, columns):
        self.weights = np.ones((1, columns))
        self.biases = np.zeros((1, columns))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs * self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = np.sum(dvalues * self.output, axis=0, keepdims=True)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = dvalues * self.weights


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 2))
    y = x * [3.0, -1.0] + [0.5, 2.0]
    layer = Scale(2)
    for step in range(101):
        layer.forward(x)
        error = layer.output - y
        if step % 25 == 0:
            print(f"step {step}: loss {np.mean(error**2):.4f}, weights {layer.weights.round(3)}")
        layer.backward(2 * error / error.size)
        layer.weights -= 0.3 * layer.dweights
        layer.biases -= 0.3 * layer.dbiases
