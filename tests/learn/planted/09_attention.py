"""Mistakes in the exercises of lesson 9, and what the course says of them."""

HANDED_OUT = {
    "head": ("value", "the softmax is along the wrong axis"),
    "causal": ("value", "the softmax comes before the mask"),
    "letters": ("value", "the targets are the inputs"),
}
MISTAKES = {
    "head": [
        (" / np.sqrt(keys.shape[-1])", "", "value", "not divided by √d"),
        ("np.sqrt(keys.shape[-1])", "keys.shape[-1]", "value", "divided by d, not by its root"),
        ("tg.softmax(scores, axis=-1)", "scores", "value", "the softmax is missing"),
        ("tg.softmax(scores, axis=-1)", "tg.exp(scores)", "value", "not divided by their sum"),
    ],
    "causal": [
        ("scores, -np.inf", "scores, 0.0", "value", "a score of 0 is no mask"),
        (
            "np.tril(np.ones(scores.shape, bool))",
            "np.tri(len(x), k=1)",
            "value",
            "one position too",
        ),
        ("scores, -np.inf", "scores, -9.0", "value", "gets a little still"),
        ("scores, -np.inf", "-np.inf, scores", "value", "nothing to share"),
        ("np.tril(", "np.triu(", "value", "the mask is turned round"),
        ("tg.where(may_see, scores, -np.inf)", "scores", "value", "there is no mask"),
        ("np.tril(np.ones(scores.shape, bool))", "np.eye(len(x))", "value", "hides too much"),
    ],
    "letters": [
        ("codes[places + 1]", "codes[places - 1]", "value", "come before the inputs"),
        ("codes[places + 1]", "codes[places] + 1", "value", "should be to the places"),
        ("codes[places + 1]", "np.roll(codes[places], -1, 1)", "value", "its own first letter"),
        ("codes[places + 1]", "codes[places + 2]", "value", "two places further"),
        ("rng.integers(0, len(codes) - length, rows)", "np.arange(rows)", "value", "drawn anew"),
        (
            "starts[:, None] + np.arange(length)",
            "starts[:, None] + np.arange(length)[::-1]",
            "value",
            "inputs, where",
        ),
    ],
}
