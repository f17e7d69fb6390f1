"""A network: layers in a row. The way forward is there, the way back is to be written.

Each layer has forward(inputs), which leaves `output`, and backward(dvalues), which leaves `dinputs`
and, of a dense layer, dweights and dbiases. The loss has forward(predictions, targets), which
returns a number, and backward(predictions, targets), which leaves its `dinputs`.
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
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


class ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, dvalues, 0)


class SquaredError:
    def forward(self, predictions, targets):
        return np.mean((predictions - targets) ** 2)

    def backward(self, predictions, targets):
        self.dinputs = 2 * (predictions - targets) / predictions.size


def forward(layers, loss, inputs, targets):
    """Run all layers in a row and return the loss."""
    for layer in layers:
        layer.forward(inputs)
        inputs = layer.output
    return loss.forward(inputs, targets)


def backward(layers, loss, targets):
    """Go back from the loss, so that each layer has its gradients."""
    loss.backward(layers[-1].output, targets)
    dvalues = loss.dinputs
    for layer in reversed(layers):
        layer.backward(dvalues)
        dvalues = layer.dinputs


if __name__ == "__main__":
    x = np.linspace(-3, 3, 60).reshape(-1, 1)
    layers, loss = [Dense(1, 32), ReLU(), Dense(32, 1)], SquaredError()
    for step in range(1001):
        number = forward(layers, loss, x, np.sin(x))
        if step % 200 == 0:
            print(f"step {step}: loss {number:.4f}")
        backward(layers, loss, np.sin(x))
        for layer in layers[::2]:
            layer.weights -= 0.05 * layer.dweights
            layer.biases -= 0.05 * layer.dbiases
