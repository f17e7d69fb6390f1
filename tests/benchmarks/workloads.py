"""Workloads for comparing source trees: chains of ops, training steps, transforms.

The program runs one of them for `trees.py`, on the tree in PYTHONPATH: for every line that it reads
it times a batch and prints the µs per call. Only public names are used, so that the same workload
runs on both trees.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from timing import batch, call_in_forks, settle

# isort: split
import compiled
import numpy as np
from spiral_step import make_problem

import nn
import tinygrad_np as tg

if TYPE_CHECKING:
    from collections.abc import Callable

CHAIN = 48  # ops in a chain


def scalar() -> tg.Tensor:
    return tg.Tensor(0.5, requires_grad=True)


# --- workloads: functions that return the call to time -------------------------------------------


def unary_chain():
    """Forward and backward through ops of one scalar."""
    x = scalar()

    def run():
        y = x
        for _ in range(CHAIN // 3):
            y = tg.exp(tg.sin(-y))
        y.backward()
        x.grad = None
        return y

    return run


def binary_chain():
    """Forward and backward through ops of two scalars."""
    a, b = scalar(), scalar()

    def run():
        y = a
        for _ in range(CHAIN // 2):
            y = y * a + b
        y.backward()
        a.grad = b.grad = None
        return y

    return run


def second_order_chain():
    """Second derivative of a chain of scalar ops, by `grad` of `grad`."""

    def chain(x):
        for _ in range(CHAIN // 8):
            x = tg.cos(x) * x
        return x

    second = tg.grad(tg.grad(chain))
    return lambda: second(0.5)


def hessian_product():
    """Product of the Hessian of a small network and a vector."""
    rng = np.random.default_rng(0)
    x, w1, w2 = rng.standard_normal((3, 8, 8))

    def loss(x):
        return tg.sum(tg.tanh(tg.tanh(x @ w1) @ w2))

    vector = np.ones_like(x)
    return lambda: tg.hvp(loss, (x,), (vector,))


def creation():
    """Tensors from a number, a list and an array."""
    array = np.ones((4, 4))

    def run():
        tg.Tensor(0.5, requires_grad=True)
        tg.Tensor([1.0, 2.0, 3.0])
        return tg.Tensor(array)

    return run


def manual_step():
    """Training step of the spiral on bare Tensors, updated by hand."""
    x, y, values = make_problem()
    w1, b1, w2, b2 = params = [tg.Tensor(v, requires_grad=True) for v in values]
    x, y = tg.Tensor(x), tg.Tensor(y)

    def run():
        hidden = tg.relu(x @ w1 + b1)
        loss = tg.cross_entropy(hidden @ w2 + b2, y)
        loss.backward()
        with tg.no_grad():
            for p in params:
                p -= 1e-3 * p.grad
                p.grad = None
        return loss

    return run


def nn_step():
    """Training step of the spiral with layers and Adam."""
    x, y, values = make_problem()
    return compiled.eager([(x, y)], values, captured=True)


def small_step():
    """The same with 16 rows, where the cost of a call counts."""
    x, y, values = make_problem()
    return compiled.eager([(x[::19], y[::19])], values, captured=True)


def compiled_step():
    """The same compiled, with the data as arguments."""
    x, y, values = make_problem()
    return compiled.compiled([(x, y)], values, captured=False)


# name: (workload, calls in a batch, which takes about a millisecond)
WORKLOADS: dict[str, tuple[Callable, int]] = {
    "unary chain": (unary_chain, 8),
    "binary chain": (binary_chain, 8),
    "second-order chain": (second_order_chain, 1),
    "hvp": (hessian_product, 2),
    "creation": (creation, 300),
    "spiral by hand": (manual_step, 6),
    "spiral with nn": (nn_step, 6),
    "16 rows with nn": (small_step, 10),
    "compiled call": (compiled_step, 15),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", nargs="?", choices=WORKLOADS, help="none: list the names")
    parser.add_argument("--count", action="store_true", help="make the calls for callgrind")
    options = parser.parse_args()
    if options.workload is None:
        print(json.dumps(list(WORKLOADS)))
        return
    make, calls = WORKLOADS[options.workload]
    run = make()
    if options.count:
        call_in_forks(run)
    else:
        serve(run, calls)


def serve(run, calls) -> None:
    """Print the result and the sources, and then the time of a batch for each line that is read."""
    first = run()
    values = first.numpy() if isinstance(first, tg.Tensor) else first
    report = {"result": np.ravel(values).tolist(), "sources": [tg.__file__, nn.__file__]}
    print(json.dumps(report), flush=True)
    batch(run, calls)
    settle()
    for _ in sys.stdin:
        run()  # the other process had the caches
        print(batch(run, calls), flush=True)


if __name__ == "__main__":
    main()
