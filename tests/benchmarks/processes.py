"""Time of a training step in one process, with threads of BLAS, and in several through MPI.

python tests/benchmarks/processes.py

Each measurement is a process (or several) of its own, since the number of threads is set before
NumPy is imported; they take turns in random order. The time is the wall clock's, of each step that
of the slowest rank. The table has the fastest step of all rounds: what the machine can do when
nobody else uses its cores, which a median of a shared machine does not say.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

SECONDS = 1.0  # that a measurement takes
MPIEXEC = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")


class Problem(NamedTuple):
    """Widths of the layers, rows of a step; the name in the table."""

    widths: tuple[int, ...]
    rows: int
    name: str


class Way(NamedTuple):
    """Number of ranks, and of BLAS threads of each."""

    ranks: int
    threads: int


PROBLEMS = (
    Problem((2, 64, 3), 300, "spiral, 300 rows"),
    Problem((784, 512, 10), 128, "784-512-10, 128 rows"),
    Problem((784, 512, 10), 512, "784-512-10, 512 rows"),
    Problem((784, 512, 10), 2048, "784-512-10, 2048 rows"),
)
WAYS = {
    "one thread": Way(1, 1),
    "2 threads of BLAS": Way(1, 2),
    "2 ranks, one thread each": Way(2, 1),
}


def measure(problem: Problem, compiled: bool, ranks: int) -> float:
    """Return the time of the fastest step in µs, of each step that of the slowest rank."""
    import numpy as np

    import nn
    import tinygrad_np as tg

    if ranks > 1:
        from nn import distributed

        own, reduce, gather = distributed.own_rows, distributed.all_sum, distributed.gather
    else:
        own, reduce, gather = slice, None, lambda value: [value]
    rng = np.random.default_rng(0)
    X = rng.standard_normal((problem.rows, problem.widths[0]), np.float32)
    labels = rng.integers(problem.widths[-1], size=problem.rows)
    part = own(problem.rows)
    x, y = tg.Tensor(X[part]), tg.Tensor(labels[part])
    share = len(x) / problem.rows
    first, hidden, last = problem.widths
    model = nn.Sequential(
        nn.Linear(first, hidden, rng=rng), nn.ReLU(), nn.Linear(hidden, last, rng=rng)
    )
    optimizer = nn.Adam(model.parameters(), lr=1e-4, reduce=reduce)

    def step(x, y):
        loss = nn.cross_entropy(model(x), y) * share
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    run = tg.compile(step) if compiled else step
    for _ in range(5):
        run(x, y)
    began = time.perf_counter()
    run(x, y)
    # All ranks take the same number of steps.
    steps = max(5, int(SECONDS / max(gather(time.perf_counter() - began))))
    times = []
    for _ in range(steps):
        began = time.perf_counter()
        run(x, y)
        times.append(time.perf_counter() - began)
    return 1e6 * np.max(gather(times), axis=0).min()


def measured(problem: int, compiled: bool, way: Way) -> float:
    """Return what a process of its own measures."""
    command = [sys.executable]
    if way.ranks > 1:
        command = [MPIEXEC or "mpiexec", "-n", str(way.ranks), *command, "-m", "mpi4py"]
    threads = {f"{name}_NUM_THREADS": str(way.threads) for name in ("OMP", "OPENBLAS", "MKL")}
    command += [__file__, "--measure", str(problem), str(int(compiled)), str(way.ranks)]
    done = subprocess.run(
        command, env=os.environ | threads, stdout=subprocess.PIPE, text=True, check=True
    )
    return max(map(float, done.stdout.split()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", type=int, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        problem, compiled, ranks = options.measure
        took = measure(PROBLEMS[problem], bool(compiled), ranks)
        sys.stdout.write(f"\n{took}\n")  # by each rank, in one piece
        return
    last = len(PROBLEMS) - 1
    cases = [(0, False), *((k, True) for k in range(last)), (last, False), (last, True)]
    least: dict[tuple, float] = {}
    chance = random.Random(1)
    for _ in range(options.rounds):
        turns = [(case, name) for case in cases for name in WAYS]
        chance.shuffle(turns)
        for case, name in turns:
            took = measured(*case, WAYS[name])
            least[case, name] = min(took, least.get((case, name), took))
    print("| step | " + " | ".join(WAYS) + " |")
    print("|---|" + "---:|" * len(WAYS))
    for k, compiled in cases:
        base, *others = (least[(k, compiled), name] for name in WAYS)
        cells = [f"{base:,.0f} µs", *(f"{time:,.0f} µs, {base / time:.2f}×" for time in others)]
        print(f"| {PROBLEMS[k].name}{', compiled' * compiled} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
