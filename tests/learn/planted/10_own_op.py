"""Mistakes in the exercises of lesson 10, and what the course says of them."""

HANDED_OUT = {
    "swish": ("value", "does not know that it is made of x"),
    "smooth": ("not connected", "backward() leaves bare numbers in .grad"),
    "stepped": ("value", "shortened branches on a value that is computed in each call"),
}
RULE = "g * (s + x * s * (1 - s))"
SLOPES = "tg.grad(lambda x: net(x, w, v).sum())(x)"
MISTAKES = {
    "swish": [
        (RULE, "g * (s + s * (1 - s))", "slip", "the derivative of multiply at swish.py"),
        (RULE, "s + x * s * (1 - s)", "incoming gradient", "does not depend on"),
        (RULE, "g * s", "term", "is missing in it"),
        ("s = sigmoid(x)", "s = sigmoid(tg.stop_gradient(x))", "value", "a constant"),
    ],
    "smooth": [
        (SLOPES, f"tg.stop_gradient({SLOPES})", "not connected", "bare numbers"),
        ("(slopes**2).mean()", "slopes.mean()", "value", "the mean of the slopes"),
        ("(slopes**2).mean()", "(slopes**2).sum()", "value", "not their mean"),
        ("(slopes**2).mean()", "(slopes * tg.stop_gradient(slopes)).mean()", "factor", "1/2"),
    ],
    "stepped": [
        ("g / tg.maximum(length, 1.0)", "g", "value", "its full length"),
        ("g / tg.maximum(length, 1.0)", "g / length", "value", "short gradients become longer"),
        ("g / tg.maximum(length, 1.0)", "tg.clip(g, -1, 1)", "value", "cut off by itself"),
        (
            "return g / tg.maximum(length, 1.0)",
            "return g / max(length, 1.0)",
            "value",
            "branches on a value",
        ),
    ],
}
