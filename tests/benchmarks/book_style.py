"""The network of *Neural Networks from Scratch in Python*, by hand in NumPy, in the book's manner.

Layers are objects with `forward` and `backward`, every result is a new array, and the optimizer
visits the layers one by one: what a reader of the book has at the end of chapter 10.
"""

from __future__ import annotations

import numpy as np


class Dense:
    def __init__(self, weights, biases):
        self.weights = weights.copy()
        self.biases = biases.reshape(1, -1).copy()

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


class SoftmaxCrossEntropy:
    def forward(self, inputs, y_true):
        exp_values = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = exp_values / np.sum(exp_values, axis=1, keepdims=True)
        clipped = np.clip(self.output, 1e-7, 1 - 1e-7)
        confidences = clipped[range(len(clipped)), y_true]
        return np.mean(-np.log(confidences))

    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        self.dinputs = dvalues.copy()
        self.dinputs[range(samples), y_true] -= 1
        self.dinputs = self.dinputs / samples


class Adam:
    def __init__(self, lr=0.05, decay=5e-7, eps=1e-7, beta_1=0.9, beta_2=0.999):
        self.lr = self.current_lr = lr
        self.decay = decay
        self.eps = eps
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.iterations = 0

    def pre_update(self):
        self.current_lr = self.lr * (1.0 / (1.0 + self.decay * self.iterations))

    def update(self, layer):
        if not hasattr(layer, "weight_cache"):
            layer.weight_momentums = np.zeros_like(layer.weights)
            layer.weight_cache = np.zeros_like(layer.weights)
            layer.bias_momentums = np.zeros_like(layer.biases)
            layer.bias_cache = np.zeros_like(layer.biases)
        b1, b2, t = self.beta_1, self.beta_2, self.iterations + 1
        layer.weight_momentums = b1 * layer.weight_momentums + (1 - b1) * layer.dweights
        layer.bias_momentums = b1 * layer.bias_momentums + (1 - b1) * layer.dbiases
        weight_momentums = layer.weight_momentums / (1 - b1**t)
        bias_momentums = layer.bias_momentums / (1 - b1**t)
        layer.weight_cache = b2 * layer.weight_cache + (1 - b2) * layer.dweights**2
        layer.bias_cache = b2 * layer.bias_cache + (1 - b2) * layer.dbiases**2
        weight_cache = layer.weight_cache / (1 - b2**t)
        bias_cache = layer.bias_cache / (1 - b2**t)
        lr = self.current_lr
        layer.weights += -lr * weight_momentums / (np.sqrt(weight_cache) + self.eps)
        layer.biases += -lr * bias_momentums / (np.sqrt(bias_cache) + self.eps)

    def post_update(self):
        self.iterations += 1


class Classifier:
    """Dense, ReLU, Dense, softmax with cross-entropy, Adam; `step` is one training step."""

    def __init__(self, w1, b1, w2, b2):
        self.dense1 = Dense(w1, b1)
        self.relu = ReLU()
        self.dense2 = Dense(w2, b2)
        self.loss = SoftmaxCrossEntropy()
        self.optimizer = Adam()

    def step(self, x, y):
        self.dense1.forward(x)
        self.relu.forward(self.dense1.output)
        self.dense2.forward(self.relu.output)
        loss = self.loss.forward(self.dense2.output, y)
        self.loss.backward(self.loss.output, y)
        self.dense2.backward(self.loss.dinputs)
        self.relu.backward(self.dense2.dinputs)
        self.dense1.backward(self.relu.dinputs)
        self.optimizer.pre_update()
        self.optimizer.update(self.dense1)
        self.optimizer.update(self.dense2)
        self.optimizer.post_update()
        return loss
