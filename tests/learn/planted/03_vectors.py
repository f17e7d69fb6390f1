"""Mistakes in the exercises of lesson 3, and what the course says of them."""

HANDED_OUT = {"line": ("factor", "dw: it is 1/2 times the right gradient")}
MISTAKES = {
    "line": [
        ("2 * np.sum(error) / len(x)", "2 * error / len(x)", "broadcast sum", "axis 0 is missing"),
        ("2 * np.sum(error) /", "np.sum(error) /", "factor", "db: it is 1/2 times"),
        ("2 * np.sum(error) / len(x)", "2 * np.sum(error)", "factor", "the number of points"),
        ("error = w * x + b - y", "error = y - w * x - b", "sign", "dw: it has the wrong sign"),
    ]
}
