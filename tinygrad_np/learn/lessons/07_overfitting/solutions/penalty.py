"""A dense layer with an L2 penalty on its weights: one mistake in its backward to find.

The penalty, weight_regularizer_l2 · Σ w², is added to the loss, and its gradient to that of the
weights. `forward` and `penalty` are right. Training survives the mistake: the weights are held a
little less tightly than was asked for.
"""

import numpy as np


class Dense:
    def __init__(self, n_inputs, n_neurons, weight_regularizer_l2=0.0):
        rng = np.random.default_rng(n_inputs)
        self.weights = rng.standard_normal((n_inputs, n_neurons))
        self.biases = np.zeros((1, n_neurons))
        self.weight_regularizer_l2 = weight_regularizer_l2

    def penalty(self):
        """Return what the layer adds to the loss."""
        return self.weight_regularizer_l2 * np.sum(self.weights**2)

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dweights += 2 * self.weight_regularizer_l2 * self.weights
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


if __name__ == "__main__":
    layer = Dense(3, 2, weight_regularizer_l2=0.1)
    layer.forward(np.zeros((1, 3)))
    layer.backward(np.zeros((1, 2)))
    before, step = layer.penalty(), 1e-6
    layer.weights[0, 0] += step
    print("the penalty's slope along weights[0, 0]:", (layer.penalty() - before) / step)
    print("dweights[0, 0], all inputs being 0:     ", layer.dweights[0, 0])
