"""Adam, in the style of the book: one thing is missing in its step.

`m` and `v` are running means of the gradient and of its square. They start at 0, so in the first
steps they are too small, `v` much more so than `m`. `self.iterations` counts the steps that have
been taken. All but `step` is right. Run the file: no step should be longer than the learning
rate.
"""

from types import SimpleNamespace

import numpy as np


class Adam:
    def __init__(self, learning_rate=0.05, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.iterations = 0

    def step(self, m, v):
        """Return what to add to the parameters."""
        return -self.learning_rate * m / (np.sqrt(v) + self.epsilon)

    def update_params(self, layer):
        if not hasattr(layer, "means"):
            layer.means = {"weights": (0.0, 0.0), "biases": (0.0, 0.0)}
        for name, (m, v) in layer.means.items():
            gradient = getattr(layer, f"d{name}")
            m = self.beta_1 * m + (1 - self.beta_1) * gradient
            v = self.beta_2 * v + (1 - self.beta_2) * gradient**2
            layer.means[name] = m, v
            setattr(layer, name, getattr(layer, name) + self.step(m, v))

    def post_update_params(self):
        self.iterations += 1


if __name__ == "__main__":
    optimizer = Adam()
    layer = SimpleNamespace(weights=np.array([[10.0, 1.0]]), biases=np.zeros((1, 1)))
    for step in range(5):
        before = layer.weights
        layer.dweights, layer.dbiases = np.array([[1.0, 25.0]]) * before, layer.biases
        optimizer.update_params(layer)
        optimizer.post_update_params()
        print("step", step, "adds", layer.weights - before)
