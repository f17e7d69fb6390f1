"""Mistakes in the exercises of lesson 3, and what the course says of them."""

DB = "2 * np.sum(error) / len(x)"
WAYS = "(dvalues - by_mean - by_deviation) / self.deviation"
HANDED_OUT = {
    "line": ("factor", "dw: it is 1/2 times the right gradient"),
    "scale": ("product", "it is the sum of dvalues * output, and should be the sum of dvalues"),
    "standard": (
        "term",
        "the terms of the mean and of the variance along axis 0 are missing or wrong",
    ),
}
MISTAKES = {
    "line": [
        (DB, "2 * error / len(x)", "broadcast sum", "axis 0 is missing"),
        (DB, "np.sum(error) / len(x)", "factor", "db: it is 1/2 times"),
        (DB, "2 * np.sum(error)", "factor", "the number of points"),
        ("return dw, db", "return db, dw", "slip", "dw: it is the derivative by b"),
        ("error = w * x + b - y", "error = y - w * x - b", "sign", "dw: it has the wrong sign"),
    ],
    "scale": [
        ("np.sum(dvalues, axis=0, keepdims=True)", "dvalues", "broadcast sum", "axis 0 is missing"),
        ("dvalues * self.inputs, axis=0", "dvalues * self.inputs, axis=1", "shape", "(6, 1)"),
        ("dinputs = dvalues * self.weights", "dinputs = dvalues", "term", "dvalues itself"),
        ("dinputs = dvalues * self.weights", "dinputs = self.weights", "shape", "dinputs"),
    ],
    "standard": [
        (WAYS, "(dvalues - by_mean) / self.deviation", "term", "as of a variance"),
        (WAYS, "(dvalues - by_deviation) / self.deviation", "term", "term of the mean"),
        ("by_mean = np.mean(dvalues, axis=0)", "by_mean = 0", "term", "term of the mean"),
        (WAYS, "dvalues - by_mean - by_deviation", "power", "one power of deviation too many"),
    ],
}
