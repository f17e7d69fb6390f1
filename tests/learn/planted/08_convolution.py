"""Mistakes in the exercises of lesson 8, and what the course says of them."""

HANDED_OUT = {
    "filters": ("other array", "would be right with kernel reversed along its last two axes"),
    "pooled": ("mask", "a wrong mask"),
    "outlet": ("unfinished", "still to be written"),
}
TURNED = "self.kernel[::-1, ::-1])"
COUNT = "(n + 2 * padding - size) // stride + 1"
SHARE = " / spread(blocks(largest).sum(axis=(2, 4)))"
MISTAKES = {
    "filters": [
        (TURNED, "self.kernel[:, ::-1])", "other array", "reversed along its first axis"),
        (TURNED, "self.kernel[::-1])", "other array", "reversed along its last axis"),
        (
            'np.einsum("nij,nijab->ab", dvalues, windows)',
            'np.einsum("nij,nijab->ab", dvalues, windows)[::-1, ::-1]',
            "order",
            "reverse order",
        ),
        (
            'np.einsum("nij,nijab->ab", dvalues, windows)',
            'np.einsum("nij,nijab->ab", dvalues, windows) / len(dvalues)',
            "factor",
            "1/3 times",
        ),
    ],
    "pooled": [
        (SHARE, "", "ties", ""),
        ("spread(g) * largest", "largest", "incoming gradient", "does not depend on"),
        ("largest = x == spread(out)", "largest = x != spread(out)", "mask", ""),
        ("blocks(x).max(", "blocks(x).mean(", "value", "pool(x)"),
    ],
    "outlet": [
        (COUNT, COUNT.removesuffix(" + 1"), "value", "stands at its first place, too"),
        (COUNT, COUNT.replace("2 * ", ""), "value", "on both sides"),
        (COUNT, "(n + 2 * padding - size + 1) // stride", "value", "is no step"),
        (COUNT, COUNT.replace("//", "/"), "value", "divide with //"),
        (COUNT, "n + 2 * padding - size + 1", "value", "the stride is not in it"),
    ],
}
