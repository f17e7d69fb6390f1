"""The dense layer of a network: two mistakes in its backward to find.

Inputs are (rows, n_inputs), weights (n_inputs, n_neurons), the output inputs @ weights + biases.
`forward` is right.
"""

import numpy as np


class Dense:
    def __init__(self, n_inputs, n_neurons):
        rng = np.random.default_rng(n_inputs)
        self.weights = rng.standard_normal((n_inputs, n_neurons)) / np.sqrt(n_inputs)
        self.biases = np.zeros((1, n_neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = np.mean(dvalues, axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights
