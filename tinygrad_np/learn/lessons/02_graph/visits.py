"""The same engine, with another mistake: it visits the values in an order that is not right.

Gradients are right as long as nothing that was computed is used twice. Change `newest_first`.
"""


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
    return found


if __name__ == "__main__":
    a, b = Value(2.0), Value(-3.0)
    product = a * b
    result = product + product * b
    result.backward()
    print("the slopes by a and b should be 6 and -10:", a.grad, b.grad)
