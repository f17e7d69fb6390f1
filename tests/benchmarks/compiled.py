"""Compiled training steps beside the book's NumPy, PyTorch and JAX, with the targets of each.

    taskset -c 0 python tests/benchmarks/compiled.py

Every engine trains the same multi-layer perceptron with Adam from the same float32 values: on the
spiral, or on 64 batches of random data in turn. One batch alone is learned by heart within a few
hundred steps, and on a solved problem Adam's averages become subnormal numbers, which slow any
engine down; the losses that are printed show that none is solved.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import os
import time
import tracemalloc
from typing import NamedTuple

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np
from spiral_step import make_problem
from timing import header, interleave

LR, EPS = 1e-3, 1e-7
BATCHES = 64


class Workload(NamedTuple):
    """Layer widths and rows per batch, and the target ratios to the peers."""

    name: str
    widths: list[int]
    batch: int
    captured: bool
    targets: dict[str, float]


WORKLOADS = [
    Workload(
        "spiral 300x2-64-3, data captured",
        [2, 64, 3],
        300,
        True,
        {"book": 0.30, "PyTorch": 0.18, "jax.jit": 0.62},
    ),
    Workload(
        "spiral 300x2-64-3, data as arguments",
        [2, 64, 3],
        300,
        False,
        {"book": 0.35, "PyTorch": 0.20, "jax.jit": 0.72},
    ),
    Workload(
        "digits 128x64-128-10",
        [64, 128, 10],
        128,
        False,
        {"book": 0.42, "PyTorch": 0.25, "jax.jit": 0.82},
    ),
    Workload("MLP 128x784-512-10", [784, 512, 10], 128, False, {"PyTorch": 0.95, "jax.jit": 1.20}),
    Workload("deep 16x32, 20 layers", [32] * 21, 16, False, {"PyTorch": 0.15}),
]


def problem(widths, batch):
    """Batches of inputs and labels, and initial values."""
    if widths[0] == 2:
        x, y, values = make_problem(samples=batch // 3, width=widths[1])
        return [(x, y.astype(np.uint8))], list(values)
    rng = np.random.default_rng(0)
    data = []
    for _ in range(BATCHES):
        x = rng.standard_normal((batch, widths[0])).astype(np.float32)
        data.append((x, rng.integers(0, widths[-1], batch).astype(np.uint8)))
    values = []
    for a, b in itertools.pairwise(widths):
        values.append((rng.standard_normal((a, b)) * np.sqrt(2 / a)).astype(np.float32))
        values.append(np.zeros(b, np.float32))
    return data, values


# --- engines: functions (data, values, captured) -> step -----------------------------------------


def book(data, values, captured):
    """The book's layers and optimizer, for any number of layers."""
    params = [v.copy() for v in values]
    m = [np.zeros_like(p) for p in params]
    v = [np.zeros_like(p) for p in params]
    count, turn = 0, itertools.cycle(data)

    def step():
        nonlocal count
        x, y = next(turn)
        n = len(y)
        inputs = [x]
        for k in range(0, len(params), 2):
            z = np.dot(inputs[-1], params[k]) + params[k + 1]
            inputs.append(np.maximum(0, z) if k + 2 < len(params) else z)
        logits = inputs.pop()
        e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
        p = e / np.sum(e, axis=1, keepdims=True)
        loss = np.mean(-np.log(np.clip(p, 1e-7, 1 - 1e-7)[range(n), y]))
        d = p.copy()
        d[range(n), y] -= 1
        d = d / n
        gradients = []
        for k in range(len(params) - 2, -1, -2):
            gradients[:0] = [np.dot(inputs[k // 2].T, d), np.sum(d, axis=0, keepdims=True)[0]]
            if k:
                d = np.dot(d, params[k].T)
                d[inputs[k // 2] <= 0] = 0
        for k, g in enumerate(gradients):
            m[k] = 0.9 * m[k] + 0.1 * g
            v[k] = 0.999 * v[k] + 0.001 * g**2
            corrected = m[k] / (1 - 0.9 ** (count + 1))
            scale = np.sqrt(v[k] / (1 - 0.999 ** (count + 1)))
            params[k] += -LR * corrected / (scale + EPS)
        count += 1
        return loss

    return step


def network(values):
    import nn

    layers = []
    for k in range(0, len(values), 2):
        layers += [nn.Linear(*values[k].shape), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    model.load_state_dict(dict(zip(model.state_dict(), values, strict=True)))
    return model, nn.Adam(model.parameters(), lr=LR, eps=EPS)


def training_step(data, values, captured):
    """The uncompiled step, and the arguments that it takes in turn."""
    import nn
    import tinygrad_np as tg

    model, optimizer = network(values)
    x_data, y_data = (tg.Tensor(a) for a in data[0])

    def update(x, y):
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    if captured:
        return lambda: update(x_data, y_data), [()]
    return update, data


def eager(data, values, captured):
    update, args = training_step(data, values, captured)
    turn = itertools.cycle(args)
    return lambda: update(*next(turn))


def compiled(data, values, captured):
    import tinygrad_np as tg

    update, args = training_step(data, values, captured)
    program = tg.compile(update)
    turn = itertools.cycle(args)
    step = program if captured else lambda: program(*next(turn))
    step.compiled, step.args = program, args[0]
    return step


def pytorch(data, values, captured, compile=False):
    import torch

    torch.set_num_threads(1)
    params = [torch.tensor(v, requires_grad=True) for v in values]
    optimizer = torch.optim.Adam(params, lr=LR, eps=EPS)
    turn = itertools.cycle([(torch.tensor(x), torch.tensor(y.astype(np.int64))) for x, y in data])

    def loss_of(x, y):
        for k in range(0, len(params), 2):
            x = x @ params[k] + params[k + 1]
            if k + 2 < len(params):
                x = torch.relu(x)
        return torch.nn.functional.cross_entropy(x, y)

    loss_of = torch.compile(loss_of) if compile else loss_of

    def step():
        loss = loss_of(*next(turn))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def torch_compile(data, values, captured):
    return pytorch(data, values, captured, compile=True)


def jax_jit(data, values, captured):
    import jax
    import jax.numpy as jnp

    def loss_of(params, x, y):
        for k in range(0, len(params), 2):
            x = x @ params[k] + params[k + 1]
            if k + 2 < len(params):
                x = jax.nn.relu(x)
        return -jnp.mean(jax.nn.log_softmax(x)[jnp.arange(len(y)), y])

    @jax.jit
    def train(params, m, v, t, x, y):
        loss, g = jax.value_and_grad(loss_of)(params, x, y)
        m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
        v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
        c1, c2 = 1 - 0.9 ** (t + 1), 1 - 0.999 ** (t + 1)
        update = [LR * a / c1 / (jnp.sqrt(b / c2) + EPS) for a, b in zip(m, v, strict=True)]
        return [p - u for p, u in zip(params, update, strict=True)], m, v, t + 1, loss

    params = [jnp.asarray(p) for p in values]
    state = [params, [p * 0 for p in params], [p * 0 for p in params], jnp.float32(0)]
    turn = itertools.cycle([(jnp.asarray(x), jnp.asarray(y.astype(np.int32))) for x, y in data])

    def step():
        *state[:], loss = train(*state, *next(turn))
        return loss.block_until_ready()

    return step


ENGINES = {
    "book": (book, None),
    "tinygrad_np": (eager, None),
    "compiled": (compiled, None),
    "PyTorch": (pytorch, "torch"),
    "torch.compile": (torch_compile, "torch"),
    "jax.jit": (jax_jit, "jax"),
}


# --- what is said of the compiled step ----------------------------------------------------------


def allocated(step) -> tuple[int, int]:
    """Bytes that stay allocated per call in the long run, and the most that a call has at once."""
    step()
    tracemalloc.start()
    step()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(50):
        step()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    start = tracemalloc.get_traced_memory()[0]
    step()
    peak = tracemalloc.get_traced_memory()[1] - start
    tracemalloc.stop()
    return max(0, after - before) // 50, peak


def compile_time(widths, batch, captured) -> float:
    """Milliseconds that `lower` takes: two recordings, the passes, and the writing."""
    import tinygrad_np as tg

    update, args = training_step(*problem(widths, batch), captured)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        tg.compile(update).lower(*args[0])
        times.append(time.perf_counter() - start)
    return sorted(times)[3] * 1e3


def check_losses(widths, batch, captured) -> float:
    """The largest relative difference between compiled and uncompiled losses in 200 steps."""
    data, values = problem(widths, batch)
    one, other = eager(data, values, captured), compiled(data, values, captured)
    pairs = [(one().item(), other().item()) for _ in range(200)]
    return max(abs(a - b) / abs(a) for a, b in pairs)


def run(workload, rounds, only) -> None:
    name, widths, batch, captured, targets = workload
    data, values = problem(widths, batch)
    steps, first = {}, {}
    for engine, (make, package) in ENGINES.items():
        missing = package is not None and not importlib.util.find_spec(package)
        if missing or (only and engine not in only):
            continue
        step = make(data, values, captured)
        try:
            first[engine] = float(step())
        except Exception as error:  # torch.compile needs a C++ compiler, for one
            print(f"{engine} does not run here: {type(error).__name__}")
            continue
        steps[engine] = step
    if max(first.values()) - min(first.values()) > 1e-4 * max(first.values()):
        raise SystemExit(f"the engines disagree on the first loss: {first}")
    medians = interleave(steps, rounds=rounds, calls=20 if max(widths) < 300 else 3)
    print(f"\n### {name}\n")
    print("| | µs per step | compiled / it | target |\n| --- | ---: | ---: | ---: |")
    ours = medians["compiled"]
    for engine, value in medians.items():
        target = targets.get(engine)
        shown = ""
        if target is not None:
            shown = f"{target:.2f} {'met' if ours / value <= target else '**missed**'}"
        print(f"| {engine} | {value:.1f} | {ours / value:.2f} | {shown} |")
    step = steps["compiled"]
    report = step.compiled.report(*step.args)
    last = float(step())
    stays, peak = allocated(step)
    print(
        f"\nFloor, its statements measured one by one: {report.microseconds:.1f} µs; the "
        f"compiled step takes {ours / report.microseconds:.2f} × that (target 1.15). Allocated per "
        f"call: {stays} bytes stay, {peak} at the peak. Compile time "
        f"{compile_time(widths, batch, captured):.1f} ms (target 50 for the spiral). Largest "
        f"difference of a loss in 200 steps: {check_losses(widths, batch, captured):.1e}. "
        f"Loss, first and last: {first['compiled']:.3g}, {last:.3g}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--only", nargs="*", help="engines to run; 'compiled' must be among them")
    parser.add_argument("--workload", help="words in the name of the workload to run")
    options = parser.parse_args()
    print(header("numpy", "torch", "jax"))
    for workload in WORKLOADS:
        if not options.workload or options.workload in workload.name:
            run(workload, options.rounds, options.only)


if __name__ == "__main__":
    main()
