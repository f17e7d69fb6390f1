"""Cost of recording: a scalar op forward and backward, importing, and memory.

taskset -c 0 python tests/benchmarks/overhead.py
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

from timing import Timing, header, interleave, table

# isort: split
import numpy as np

import tinygrad_np as tg

CHAIN = 50  # ops in the chain: half multiplications by a constant, half tanh


def chain(leaf, tanh):
    y = leaf
    for _ in range(CHAIN // 2):
        y = tanh(y * 1.01)
    return y


def of_tinygrad_np():
    x = tg.Tensor(0.5, requires_grad=True)

    def run():
        chain(x, tg.tanh).backward()
        x.grad = None

    return run


def of_torch():
    import torch

    torch.set_num_threads(1)
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)

    def run():
        chain(x, torch.tanh).backward()
        x.grad = None

    return run


def of_autograd():
    import autograd
    import autograd.numpy as anp

    gradient = autograd.grad(lambda x: chain(x, anp.tanh))
    return lambda: gradient(0.5)


def of_mygrad():
    import mygrad as mg

    mg.turn_memory_guarding_off()
    x = mg.tensor(0.5)

    def run():
        chain(x, mg.tanh).backward()

    return run


def import_time(rounds: int = 15) -> list[Timing]:
    """Time importing NumPy, and tinygrad_np once NumPy is there, in ms."""
    # By the wall clock, since importing waits for files.
    code = (
        "from time import perf_counter as now; a = now(); import numpy; b = now(); "
        "import tinygrad_np; c = now(); print((b - a) * 1e3, (c - b) * 1e3)"
    )
    runs = []
    with tempfile.TemporaryDirectory() as cache:  # compiled once, as after an ordinary install
        settings = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        settings.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(rounds + 1):
            out = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, env=settings
            )
            runs.append([float(value) for value in out.stdout.split()])
    return [Timing.of(times) for times in zip(*runs[1:], strict=True)]


def bytes_per_op(ops: int = 20_000) -> float:
    """Measure the memory that one recorded scalar op holds, all told."""
    x = tg.Tensor(0.5, requires_grad=True)
    tracemalloc.start()
    y = x
    for _ in range(ops // 2):
        y = tg.tanh(y * 1.01)
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.isfinite(y.item())
    return memory / ops


def installed_size() -> int:
    """Add up the bytes of tinygrad_np and nn as a wheel installs them, without compiled copies."""
    root = Path(tg.__file__).parent.parent
    folders = ("tinygrad_np", "nn", "examples")
    files = [file for folder in folders for file in (root / folder).rglob("*")]
    return sum(
        file.stat().st_size for file in files if file.is_file() and "__pycache__" not in file.parts
    )


def main() -> None:
    print(header("numpy", "torch", "autograd", "mygrad"))
    engines = {"tinygrad_np": of_tinygrad_np()}
    for name, make, package in [
        ("PyTorch", of_torch, "torch"),
        ("autograd", of_autograd, "autograd"),
        ("MyGrad", of_mygrad, "mygrad"),
    ]:
        if importlib.util.find_spec(package):
            engines[name] = make()
    timings = interleave(engines, rounds=30, calls=20)
    per_op = {name: timing.scaled(1 / CHAIN) for name, timing in timings.items()}
    print(table(per_op, unit="µs per op", bases=["PyTorch"]))
    numpy, own = import_time()
    print(
        f"\nimport: NumPy {numpy.median:.1f} ms (minimum {numpy.minimum:.1f}), "
        f"tinygrad_np beyond it {own.median:.1f} ms (minimum {own.minimum:.1f})"
    )
    print(f"memory of a recorded scalar op: {bytes_per_op():.0f} bytes")
    print(f"installed size, nn and the examples included: {installed_size() / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
