"""A neuron on your engine: `tanh` and the neuron are to be written.

`tanh` makes a new value whose slope by this one is 1 - tanh². `neuron(w, x, b)` is tanh of
w[0] * x[0] + w[1] * x[1] + ... + b, for lists of values w and x, and a value b.
"""

import math


class Value:
    """A number that remembers what it was made from.

    `slopes` has, for each of the parents, how fast this number grows with that one.
    """

    made = 0

    def __init__(self, data, parents=(), slopes=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes
        Value.made += 1
        self.number = Value.made

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def tanh(self):
        raise NotImplementedError

    def backward(self):
        """Give each value that this one was made from its gradient."""
        self.grad = 1.0
        for value in newest_first(self):
            for parent, slope in zip(value.parents, value.slopes):
                parent.grad += slope * value.grad


def newest_first(root):
    """Return all values that root was made from, and itself, the newest first."""
    found = [root]
    for value in found:
        for parent in value.parents:
            if parent not in found:
                found.append(parent)
    return sorted(found, key=lambda value: value.number, reverse=True)


def neuron(w, x, b):
    raise NotImplementedError


if __name__ == "__main__":
    w, b = [Value(0.1), Value(-0.2)], Value(0.0)
    for _ in range(50):  # it learns to say 0.9 to (1, -2), and -0.5 to (-1, 1)
        for values, wanted in (((1.0, -2.0), 0.9), ((-1.0, 1.0), -0.5)):
            out = neuron(w, [Value(x) for x in values], b)
            out.backward()
            for parameter in (*w, b):
                parameter.data -= 0.5 * (out.data - wanted) * parameter.grad
                parameter.grad = 0.0
            print(f"{wanted}: {out.data:.4f}")
