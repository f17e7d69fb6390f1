"""Layers written by hand, as in *Neural Networks from Scratch*, held against the framework's.

The first network is right. In the second, two layers have a mistake that training survives, so that
a falling loss proves nothing: the comparison names the first, and check_backward each of them.
"""

import sys

import numpy as np

try:
    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')


class Dense:
    def __init__(self, n_inputs, n_neurons, rng):
        self.weights = 0.1 * rng.standard_normal((n_inputs, n_neurons))
        self.biases = np.zeros((1, n_neurons), np.float64)

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = np.dot(dvalues, self.weights.T)


class ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


class SoftmaxLoss:
    """Softmax and cross-entropy in one; backward is given the probabilities."""

    def forward(self, inputs, targets):
        powers = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = powers / np.sum(powers, axis=1, keepdims=True)
        return -np.mean(np.log(self.output[range(len(inputs)), targets]))

    def backward(self, dvalues, targets):
        self.dinputs = dvalues.copy()
        self.dinputs[range(len(dvalues)), targets] -= 1
        self.dinputs /= len(dvalues)


class AveragingDense(Dense):
    def backward(self, dvalues):
        super().backward(dvalues)
        self.dbiases = np.mean(dvalues, axis=0, keepdims=True)  # should be np.sum


class LeakingReLU(ReLU):
    def backward(self, dvalues):
        self.dinputs = dvalues.copy()  # should be 0 where the input was negative


rng = np.random.default_rng(0)
X, y = rng.standard_normal((6, 2)), np.array([0, 1, 2, 0, 1, 2])

print("As they should be:\n")
print(nn.nnfs.compare([Dense(2, 4, rng), ReLU(), Dense(4, 3, rng), SoftmaxLoss()], X, y))

print("\n\nWith two mistakes:\n")
layers = [Dense(2, 4, rng), LeakingReLU(), AveragingDense(4, 3, rng), SoftmaxLoss()]
print(nn.nnfs.compare(layers, X, y))

print("\n\nEach layer on its own, against finite differences:\n")
for layer, inputs in zip(
    layers, [[X], [rng.standard_normal((6, 4))], [rng.standard_normal((6, 4))]]
):
    try:
        tg.check_backward(layer, inputs)
        print(f"{type(layer).__name__}: right")
    except tg.GradcheckError as error:
        print(error)
