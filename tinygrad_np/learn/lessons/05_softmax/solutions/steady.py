"""Softmax that holds for large numbers: of (1000, 0) it says nan, and should say (1, 0).

`softmax(z)` takes logits (rows, classes) and returns probabilities: exp(z), divided by their sum in
each row. For small numbers it is right.
"""

import numpy as np


def softmax(z):
    powers = np.exp(z - np.max(z, axis=1, keepdims=True))
    return powers / np.sum(powers, axis=1, keepdims=True)


if __name__ == "__main__":
    print(softmax(np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]])))
