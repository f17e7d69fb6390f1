"""Gradient descent with momentum, in the style of the book: one mistake to find.

`update_params(layer)` moves `layer.weights` and `layer.biases` against their gradients,
`layer.dweights` and `layer.dbiases`. The velocity of a parameter is what was subtracted from it
the last time; a part of it, `momentum`, goes on. `update_params` is right. Run the file:
momentum should get further.
"""

from types import SimpleNamespace

import numpy as np


class Momentum:
    def __init__(self, learning_rate=0.1, momentum=0.9):
        self.learning_rate = learning_rate
        self.momentum = momentum

    def velocity(self, before, gradient):
        """Return what to subtract now, from what was subtracted before and the gradient."""
        return self.learning_rate * gradient - self.momentum * before

    def update_params(self, layer):
        if not hasattr(layer, "weight_velocity"):
            layer.weight_velocity = np.zeros_like(layer.weights)
            layer.bias_velocity = np.zeros_like(layer.biases)
        layer.weight_velocity = self.velocity(layer.weight_velocity, layer.dweights)
        layer.bias_velocity = self.velocity(layer.bias_velocity, layer.dbiases)
        layer.weights = layer.weights - layer.weight_velocity
        layer.biases = layer.biases - layer.bias_velocity


def walk(optimizer, steps):
    """Return the loss ½ (x² + 25 y²) after some steps from (10, 1)."""
    curvature = np.array([[1.0, 25.0]])
    layer = SimpleNamespace(weights=np.array([[10.0, 1.0]]), biases=np.zeros((1, 1)))
    for _ in range(steps):
        layer.dweights = curvature * layer.weights
        layer.dbiases = layer.biases
        optimizer.update_params(layer)
    return np.sum(curvature * layer.weights**2) / 2


if __name__ == "__main__":
    for momentum in (0.0, 0.5, 0.9):
        loss = walk(Momentum(0.04, momentum), 100)
        print(f"momentum {momentum}: the loss is {loss:.3g} after 100 steps")
