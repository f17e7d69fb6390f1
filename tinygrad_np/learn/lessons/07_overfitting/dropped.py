"""A dropout layer: one mistake in its backward to find.

In training, each number is dropped with the probability `rate`, and those that are kept are
divided by 1 - rate, so that the sums behind the layer stay as large as they were on average.
Otherwise nothing happens. `forward` is right.
"""

import numpy as np


class Dropout:
    def __init__(self, rate, seed=0):
        self.rate = rate
        self.rng = np.random.default_rng(seed)

    def forward(self, inputs, training=True):
        self.kept = np.ones(inputs.shape, bool)
        self.output = inputs
        if training:
            self.kept = self.rng.random(inputs.shape) >= self.rate
            self.output = inputs * self.kept / (1 - self.rate)

    def backward(self, dvalues):
        self.dinputs = dvalues * self.kept


if __name__ == "__main__":
    layer = Dropout(0.25)
    layer.forward(np.ones((3, 4)))
    print(layer.output, "has the mean", layer.output.mean())
    layer.backward(np.ones((3, 4)))
    print(layer.dinputs, "is what comes back")
