"""One head of attention: each query should share out a weight of 1, and does not.

Each of n queries (n, d) asks each of m keys (m, d) how well they fit: a score, their product,
over √d. A query shares out a weight of 1 among the keys by these scores, and gets the mean of
the values (m, e) with these weights. The arrays may be Tensors: there is no backward to write.
"""

import numpy as np

import tinygrad_np as tg


def weights(queries, keys):
    """Return how much each query looks at each key: (n, m)."""
    scores = queries @ keys.T / np.sqrt(keys.shape[-1])
    return tg.softmax(scores, axis=-1)


def attend(queries, keys, values):
    """Return what each query gets: (n, e)."""
    return weights(queries, keys) @ values


if __name__ == "__main__":
    keys = np.eye(3)
    values = np.array([[100.0], [200.0], [300.0]])
    queries = np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]])
    print("How much each query looks at each key:", weights(queries, keys), sep="\n")
    print("The first can't tell them apart: it should get 200. The second wants the first: 100.")
    print(attend(queries, keys, values))
