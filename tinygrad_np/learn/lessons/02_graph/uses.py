"""An engine of one's own, in 40 lines: two mistakes to find, in the product and in backward.

Gradients are wrong for a * b, and wherever a value is used more than once.
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
        return Value(self.data * other.data, (self, other), (self.data, other.data))

    def backward(self):
        """Give each value that this one was made from its gradient."""
        self.grad = 1.0
        for value in newest_first(self):
            for parent, slope in zip(value.parents, value.slopes):
                parent.grad = slope * value.grad


def newest_first(root):
    """Return all values that root was made from, and itself, the newest first."""
    found = [root]
    for value in found:
        for parent in value.parents:
            if parent not in found:
                found.append(parent)
    return sorted(found, key=lambda value: value.number, reverse=True)


if __name__ == "__main__":
    a, b = Value(2.0), Value(-3.0)
    result = a * b + a
    result.backward()
    print("the slopes of a * b + a by a and b should be -2 and 2:", a.grad, b.grad)
