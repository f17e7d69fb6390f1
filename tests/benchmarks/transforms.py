"""Cost of the transforms, as multiples of a forward pass with nothing recorded.

taskset -c 0 python tests/benchmarks/transforms.py
"""

from __future__ import annotations

from timing import header, interleave, table

# isort: split
import numpy as np

import tinygrad_np as tg


def main() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 64)).astype(np.float32)
    weights = [(0.1 * rng.standard_normal((64, 64))).astype(np.float32) for _ in range(4)]
    tangents = [np.ones_like(w) for w in weights]

    def f(x, weights):
        for w in weights:
            x = tg.tanh(x @ w)
        return x.sum()

    def of_input(x):
        return f(x, weights)

    def of_weights(ws):
        return f(x, ws)

    one = np.ones_like(x)
    plain = tg.Tensor(x)
    _, push = tg.linearize(of_input, x)
    runs = {
        "forward": lambda: f(plain, weights),
        "`grad`, of the input": lambda: tg.grad(of_input)(x),
        "`grad`, of all weights": lambda: tg.grad(of_weights)(weights),
        "`jvp`, of the input": lambda: tg.jvp(of_input, (x,), (one,)),
        "`jvp`, of all weights": lambda: tg.jvp(of_weights, (weights,), (tangents,)),
        "one more `push` after `linearize`": lambda: push(one),
        "`hvp`, of the input": lambda: tg.hvp(of_input, (x,), (one,)),
        "`hvp`, of all weights": lambda: tg.hvp(of_weights, (weights,), (tangents,)),
    }
    print(header("numpy"))
    print(table(interleave(runs, rounds=20, calls=5), unit="µs", bases=["forward"]))


if __name__ == "__main__":
    main()
