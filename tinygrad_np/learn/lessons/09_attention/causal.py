"""Attention that may not look ahead, but does: find out how.

In a text each character is to be guessed from those before it. So position t of the sequence x
(T, d) may look at the positions 0 to t, itself included, and at none behind. The mask below is
right; its place is not. Run the file: the jacobian shows which outputs depend on which inputs.
"""

import numpy as np

import tinygrad_np as tg


def attend(x, to_query, to_key, to_value):
    """Return what each position gets from itself and those before it: (T, e)."""
    queries, keys, values = x @ to_query, x @ to_key, x @ to_value
    scores = queries @ keys.T / np.sqrt(keys.shape[-1])
    may_see = np.tril(np.ones(scores.shape, bool))
    shares = tg.softmax(scores, axis=-1)
    return tg.where(may_see, shares, 0.0) @ values


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 3))
    matrices = rng.standard_normal((3, 3, 3))
    slopes = tg.jacobian(lambda x: attend(x, *matrices))(x)
    print("The largest slope of each output (rows) by each input (columns):")
    print(np.abs(slopes).max(axis=(1, 3)).round(3))
