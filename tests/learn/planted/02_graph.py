"""Mistakes in the exercises of lesson 2, and what the course says of them."""

SORTED = "return sorted(found, key=lambda value: value.number, reverse=True)"
HANDED_OUT = {
    "uses": ("other input", "the slopes of a product are swapped"),
    "visits": ("incoming gradient", "before all of its uses have reported"),
    "neuron": ("unfinished", "still to be written, line 33"),
}
MISTAKES = {
    "uses": [
        ("parent.grad += slope", "parent.grad = slope", "overwritten", "add up with `+=`"),
        ("(other.data, self.data))", "(self.data, other.data))", "other input", "swapped"),
        ("self.grad = 1.0", "pass", "not connected", "nothing starts the walk"),
        ("reverse=True", "reverse=False", "incoming gradient", "from the oldest value"),
    ],
    "visits": [
        (
            "            if parent not in found:\n    ",
            "",
            "accumulated",
            "passes its gradient on each",
        ),
        (SORTED, "return found", "incoming gradient", "before all of its uses have reported"),
        ("reverse=True", "reverse=False", "incoming gradient", "from the oldest value"),
        (
            SORTED,
            "return sum(map(newest_first, root.parents), [root])",
            "accumulated",
            "some of it twice",
        ),
    ],
    "neuron": [
        ("1 - out * out", "1 - self.data * self.data", "power", "1 - x², and should be"),
        ("1 - out * out", "1 - out", "power", "the square is missing"),
        ("1 - out * out", "1.0", "term", "the slope of tanh is missing"),
        ("return Value(out, (self,), (1 - out * out,))", "return Value(out)", "not connected", ""),
        ("return Value(out, (self,), (1 - out * out,))", "return out", "value", "'float' object"),
        ("b = b + weight * value", "b = weight * value", "value", "the value of the neuron"),
        ("return b.tanh()", "return b", "value", "the value of the neuron"),
    ],
}
