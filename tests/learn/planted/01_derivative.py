"""Mistakes in the exercises of lesson 1, and what the course says of them."""

NUDGE = "(f(x + h) - f(x - h)) / (2 * h)"
HANDED_OUT = {
    "slope": ("value", "the nudge is smaller than the rounding of x"),
    "chain": ("power", "it is the right gradient divided by 2x: that factor is missing"),
    "newton": ("unfinished", "still to be written, line 9"),
}
MISTAKES = {
    "slope": [
        ("h = 1e-5", "h = 1e-1", "value", "the nudge is too large"),
        ("h = 1e-5", "h = 1e-11", "value", "the nudge is too small"),
        ("f(x - h)) / (2 * h)", "f(x)) / h", "value", "on one side of x: its error falls with h"),
        ("f(x - h)) / (2 * h)", "f(x - h)) / h", "value", "it is 2 times the rise divided by"),
        (" / (2 * h)", "", "value", "not yet divided by the run"),
        (NUDGE, "f(x) / x", "value", "f has to be asked at two places"),
        (f"return {NUDGE}", NUDGE, "value", "is a `return` missing?"),
    ],
    "chain": [
        ("np.cos(x**2) * 2 * x", "np.cos(x**2) * x", "factor", "1/2 times"),
        ("np.cos(x**2) * 2 * x", "-np.cos(x**2) * 2 * x", "sign", "wrong sign"),
        ("np.sin(x) + x * np.cos(x)", "np.sin(x)", "term", "x · cos(x) is missing"),
        ("np.sin(x) + x * np.cos(x)", "x * np.cos(x)", "term", "sin(x) is missing"),
        ("-2 * x * value**2", "-2 * x * value", "power", "one power of value too few"),
        ("-2 * x * value**2", "-(value**2)", "power", "one power of x too few"),
    ],
    "newton": [
        ("x - f(x) / df(x)", "x + f(x) / df(x)", "value", "it walks the other way"),
        ("x - f(x) / df(x)", "x - f(x) * df(x)", "value", "it multiplies by the slope"),
        ("x - f(x) / df(x)", "x - df(x) / f(x)", "value", "it divides the slope by the height"),
        ("x - f(x) / df(x)", "-f(x) / df(x)", "value", "the way to go"),
        ("x - f(x) / df(x)", "x - f(x)", "value", "the slope is not in it"),
    ],
}
