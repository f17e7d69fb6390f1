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
import tracemalloc
from typing import NamedTuple

from timing import Timing, header, interleave, markdown

# isort: split
import numpy as np
from spiral_step import make_problem

LR, EPS = 1e-3, 1e-7
BATCHES = 64


class Workload(NamedTuple):
    """Layer widths and rows per batch, and the target ratios to the peers, of NumPy and of C."""

    name: str
    widths: list[int]
    batch: int
    captured: bool
    targets: dict[str, float]
    in_c: dict[str, float]


WORKLOADS = [
    Workload(
        "spiral 300x2-64-3, data captured",
        [2, 64, 3],
        300,
        True,
        {"book": 0.30, "PyTorch": 0.18, "jax.jit": 0.62},
        {"jax.jit": 0.27},
    ),
    Workload(
        "spiral 300x2-64-3, data as arguments",
        [2, 64, 3],
        300,
        False,
        {"book": 0.35, "PyTorch": 0.20, "jax.jit": 0.72},
        {"jax.jit": 0.32},
    ),
    Workload(
        "digits 128x64-128-10",
        [64, 128, 10],
        128,
        False,
        {"book": 0.42, "PyTorch": 0.25, "jax.jit": 0.82},
        {"jax.jit": 0.55},
    ),
    Workload(
        "MLP 128x784-512-10",
        [784, 512, 10],
        128,
        False,
        {"PyTorch": 0.95, "jax.jit": 1.20},
        {"PyTorch": 0.75, "jax.jit": 0.95},
    ),
    Workload(
        "deep 16x32, 20 layers",
        [32] * 21,
        16,
        False,
        {"PyTorch": 0.15},
        {"jax.jit": 0.27},
    ),
]


def problem(widths, batch):
    """Make batches of inputs and labels, and initial values."""
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


def compiled(data, values, captured, backend="numpy"):
    import tinygrad_np as tg

    update, args = training_step(data, values, captured)
    options = {} if backend == "numpy" else {"backend": backend}  # which older trees lack
    program = tg.compile(update, **options)
    turn = itertools.cycle(args)
    step = program if captured else lambda: program(*next(turn))
    step.compiled, step.args = program, args[0]
    return step


def in_c(data, values, captured):
    return compiled(data, values, captured, backend="c")


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
    "compiled, C": (in_c, None),
    "PyTorch": (pytorch, "torch"),
    "torch.compile": (torch_compile, "torch"),
    "jax.jit": (jax_jit, "jax"),
}


# --- facts about the compiled step --------------------------------------------------------------


def allocated(step) -> tuple[int, int]:
    """Measure the bytes that stay allocated per call in the long run, and a call's peak."""
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


def compile_time(widths, batch, captured) -> Timing:
    """Time `lower` in ms: two recordings, the passes, and the writing."""
    import tinygrad_np as tg

    update, args = training_step(*problem(widths, batch), captured)

    def lower():
        return tg.compile(update).lower(*args[0])

    timings = interleave({"lower": lower}, rounds=7, calls=1)
    return timings["lower"].scaled(1e-3)


def check_losses(widths, batch, captured) -> float:
    """Return the largest relative difference of a compiled loss in 200 steps."""
    data, values = problem(widths, batch)
    one, other = eager(data, values, captured), compiled(data, values, captured)
    pairs = [(one().item(), other().item()) for _ in range(200)]
    return max(abs(a - b) / abs(a) for a, b in pairs)


def engine_steps(workload, only) -> dict:
    """Make the step of each engine that is installed and asked for."""
    data, values = problem(workload.widths, workload.batch)
    steps = {}
    for engine, (make, package) in ENGINES.items():
        missing = package is not None and not importlib.util.find_spec(package)
        if missing or (only and engine not in only):
            continue
        steps[engine] = make(data, values, workload.captured)
    return steps


def first_losses(steps) -> dict[str, float]:
    """Run each step once, leave out those that do not run here, and compare their losses."""
    losses = {}
    for engine, step in list(steps.items()):
        try:
            losses[engine] = float(step())
        except Exception as error:  # torch.compile needs a C++ compiler, for one
            print(f"{engine} does not run here: {type(error).__name__}")
            del steps[engine]
    spread = max(losses.values()) - min(losses.values())
    if spread > 1e-4 * max(losses.values()):
        raise SystemExit(f"the engines disagree on the first loss: {losses}")
    return losses


def engine_row(engine, timings, targets) -> list[str]:
    """Write the row of an engine: its time, both compiled steps' ratios to it, and the targets."""
    timing = timings[engine]
    row = [engine, *(f"{time:.1f}" for time in timing)]
    for one, target in zip(("compiled", "compiled, C"), targets, strict=True):
        if one not in timings:
            row += [""] * 3
            continue
        ratio = timings[one].ratio(timing)
        verdict = ""
        if target is not None:
            verdict = f"{target:.2f} {'met' if ratio.median <= target else '**missed**'}"
        row += [*(f"{value:.2f}" for value in ratio), verdict]
    return row


def run(workload, rounds, only) -> None:
    """Time the engines on a workload, and print the table and facts about the compiled step."""
    steps = engine_steps(workload, only)
    losses = first_losses(steps)
    calls = 20 if max(workload.widths) < 300 else 3
    timings = interleave(steps, rounds=rounds, calls=calls)
    rows = []
    for engine in timings:
        targets = workload.targets.get(engine), workload.in_c.get(engine)
        rows.append(engine_row(engine, timings, targets))
    heads = ["", "µs per step", "minimum"]
    for one in ("compiled", "C"):
        heads += [f"{one} / it", "of minima", "target"]
    print(f"\n### {workload.name}\n")
    print(markdown(heads, rows))
    print_facts(workload, steps["compiled"], timings["compiled"], losses["compiled"])


def print_facts(workload, step, timing, first_loss) -> None:
    """Print the floor of the compiled step, its memory, compile time and differences."""
    setting = workload.widths, workload.batch, workload.captured
    floor = step.compiled.report(*step.args).microseconds
    last_loss = float(step())
    growth, peak = allocated(step)
    lowering = compile_time(*setting).median
    print(
        f"\nFloor, its statements measured one by one: {floor:.1f} µs; the compiled step takes "
        f"{timing.median / floor:.2f} × that (target 1.15). Allocated per call: {growth} bytes "
        f"stay, {peak} at the peak. Compile time {lowering:.1f} ms (target 50 for the spiral). "
        f"Largest difference of a loss in 200 steps: {check_losses(*setting):.1e}. "
        f"Loss, first and last: {first_loss:.3g}, {last_loss:.3g}."
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
