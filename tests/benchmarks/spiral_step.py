"""One training step of the spiral classifier (300×2 → 64 ReLU → 3, Adam), side by side.

    taskset -c 0 python tests/benchmarks/spiral_step.py

Every engine that is installed trains the same network from the same float32 values, on data that
it has not yet learned (Adam's averages of a solved problem decay to subnormal numbers, which slow
any engine down).
"""

from __future__ import annotations

import argparse
import importlib.util

from timing import header, interleave, table

# isort: split
import numpy as np
from book_style import Classifier

LR, DECAY, EPS = 0.05, 5e-7, 1e-7


def make_problem(seed: int = 0, samples: int = 100, width: int = 64):
    """Make the nnfs spiral data as float32, and the book's initial values."""
    from nnfs.datasets import spiral_data

    np.random.seed(seed)
    x, y = spiral_data(samples=samples, classes=3)
    rng = np.random.default_rng(seed)
    w1 = 0.01 * rng.standard_normal((2, width))
    w2 = 0.01 * rng.standard_normal((width, 3))
    values = (w1, np.zeros(width), w2, np.zeros(3))
    return x.astype(np.float32), y, [v.astype(np.float32) for v in values]


def book(x, y, values):
    model = Classifier(*values)
    return lambda: model.step(x, y)


def bare(x, y, values):
    """Make the NumPy calls of tinygrad_np's step, and nothing around them."""
    w1, b1, w2, b2 = params = [v.copy() for v in values]
    end_1, end_2, end_3, size = np.cumsum([p.size for p in params])
    m = np.zeros(size, np.float32)
    v = np.zeros(size, np.float32)
    n, t = len(y), 0

    def loss_and_gradients():
        hidden = np.maximum(x @ w1 + b1, 0)
        logits = hidden @ w2 + b2
        first, second, third = logits.T
        top = np.maximum(np.maximum(first, second), third)
        shifted = logits - top.reshape(-1, 1)
        e = np.exp(shifted)
        first, second, third = e.T
        total = (first + second + third).reshape(-1, 1)
        p = e / total
        classes = np.arange(0, logits.size, logits.shape[1]) + y
        losses = np.log(total).reshape(-1) - shifted.reshape(-1)[classes]
        loss = np.add.reduce(losses) / n
        d = p.reshape(-1).copy()
        d[classes] -= 1
        d = d.reshape(p.shape) * np.float32(1) / n
        g_w2 = hidden.T @ d
        g_b2 = np.add.reduce(d, axis=0)
        d = (d @ w2.T) * (hidden > 0)
        g_w1 = x.T @ d
        g_b1 = np.add.reduce(d, axis=0)
        return loss, np.concatenate([g_w1.ravel(), g_b1, g_w2.ravel(), g_b2])

    def step():
        nonlocal w1, b1, w2, b2, m, v, t
        loss, g = loss_and_gradients()
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * (g * g)
        rate = LR / (1 + DECAY * t)
        t += 1
        corrected = m / (1 - 0.9**t)
        scale = np.sqrt(v / (1 - 0.999**t)) + EPS
        change = rate * corrected / scale
        w1 = w1 - change[:end_1].reshape(w1.shape)
        b1 = b1 - change[end_1:end_2]
        w2 = w2 - change[end_2:end_3].reshape(w2.shape)
        b2 = b2 - change[end_3:]
        return loss

    return step


def eager(x, y, values):
    import nn
    import tinygrad_np as tg

    w1, b1, w2, b2 = (nn.Parameter(v) for v in values)
    optimizer = nn.Adam([w1, b1, w2, b2], lr=nn.InverseTimeDecay(LR, DECAY), eps=EPS)
    x, y = tg.Tensor(x), tg.Tensor(y)

    def step():
        hidden = tg.relu(x @ w1 + b1)
        loss = tg.cross_entropy(hidden @ w2 + b2, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def eager_modules(x, y, values):
    import nn
    import tinygrad_np as tg

    width = values[1].size
    model = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 3))
    names = ("0.weight", "0.bias", "2.weight", "2.bias")
    model.load_state_dict(dict(zip(names, values, strict=True)))
    schedule = nn.InverseTimeDecay(LR, DECAY)
    optimizer = nn.Adam(model.parameters(), lr=schedule, eps=EPS)
    x, y = tg.Tensor(x), tg.Tensor(y)

    def step():
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def torch_eager(x, y, values):
    import torch

    torch.set_num_threads(1)
    w1, b1, w2, b2 = (torch.tensor(v, requires_grad=True) for v in values)
    optimizer = torch.optim.Adam([w1, b1, w2, b2], lr=LR, eps=EPS)
    x, y = torch.tensor(x), torch.tensor(y.astype(np.int64))

    def step():
        hidden = torch.relu(x @ w1 + b1)
        loss = torch.nn.functional.cross_entropy(hidden @ w2 + b2, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def jax_jit(x, y, values):
    import jax
    import jax.numpy as jnp

    def loss_of(params, x, y):
        w1, b1, w2, b2 = params
        logits = jax.nn.relu(x @ w1 + b1) @ w2 + b2
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(y)), y])

    @jax.jit
    def train(params, m, v, t, x, y):
        loss, g = jax.value_and_grad(loss_of)(params, x, y)
        rate = LR / (1 + DECAY * t)
        c1, c2 = 1 - 0.9 ** (t + 1), 1 - 0.999 ** (t + 1)

        def update(p, m, v, g):
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            scale = jnp.sqrt(v / c2) + EPS
            return p - rate * m / c1 / scale, m, v

        params, m, v = zip(*map(update, params, m, v, g), strict=True)
        return params, m, v, t + 1, loss

    params = tuple(jnp.asarray(p) for p in values)
    zeros = tuple(p * 0 for p in params)
    state = [params, zeros, zeros, jnp.float32(0)]
    x, y = jnp.asarray(x), jnp.asarray(y.astype(np.int32))

    def step():
        *state[:], loss = train(*state, x, y)
        return loss.block_until_ready()

    return step


def hips_autograd(x, y, values):
    import autograd
    import autograd.numpy as anp

    rows = np.arange(len(y))

    def loss_of(params):
        w1, b1, w2, b2 = params
        hidden = anp.maximum(anp.dot(x, w1) + b1, 0)
        logits = anp.dot(hidden, w2) + b2
        shifted = logits - anp.max(logits, axis=1, keepdims=True)
        log_total = anp.log(anp.sum(anp.exp(shifted), axis=1))
        return anp.mean(log_total - shifted[rows, y])

    gradient = autograd.value_and_grad(loss_of)
    return numpy_adam(values, gradient)


def mygrad(x, y, values):
    import mygrad as mg
    from mygrad.nnet.losses import softmax_crossentropy

    mg.turn_memory_guarding_off()
    y = y.astype(np.int64)

    def gradient(params):
        w1, b1, w2, b2 = tensors = [mg.tensor(p, copy=False) for p in params]
        hidden = mg.maximum(mg.matmul(x, w1) + b1, 0)
        loss = softmax_crossentropy(mg.matmul(hidden, w2) + b2, y)
        loss.backward()
        return loss.item(), [t.grad for t in tensors]

    return numpy_adam(values, gradient)


def numpy_adam(values, gradient):
    """Return a step of Adam on the (loss, gradients) of an engine without optimizers."""
    params = [v.copy() for v in values]
    m = [np.zeros_like(p) for p in params]
    v = [np.zeros_like(p) for p in params]
    t = 0

    def step():
        nonlocal t
        loss, gradients = gradient(params)
        rate = LR / (1 + DECAY * t)
        c1, c2 = 1 - 0.9 ** (t + 1), 1 - 0.999 ** (t + 1)
        for k, g in enumerate(gradients):
            m[k] = 0.9 * m[k] + 0.1 * g
            v[k] = 0.999 * v[k] + 0.001 * g * g
            scale = np.sqrt(v[k] / c2) + EPS
            params[k] -= rate * (m[k] / c1) / scale
        t += 1
        return loss

    return step


ENGINES = {
    "book's NumPy": (book, None),
    "bare NumPy calls": (bare, None),
    "tinygrad_np": (eager, None),
    "tinygrad_np, nn modules": (eager_modules, None),
    "PyTorch": (torch_eager, "torch"),
    "jax.jit": (jax_jit, "jax"),
    "autograd": (hips_autograd, "autograd"),
    "MyGrad": (mygrad, "mygrad"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", nargs="*", help="engines to run")
    options = parser.parse_args()
    steps = engine_steps(options.only)
    losses = {name: first_loss(step) for name, step in steps.items()}
    if max(losses.values()) - min(losses.values()) > 1e-4:
        raise SystemExit(f"the engines disagree on the first loss: {losses}")
    print(header("numpy", "torch", "jax", "autograd", "mygrad"))
    timings = interleave(steps, rounds=options.rounds)
    print(table(timings, unit="µs per step", bases=["book's NumPy", "PyTorch"]))


def engine_steps(only) -> dict:
    """Make the step of each engine that is installed and asked for."""
    problem = make_problem()
    steps = {}
    for name, (make, package) in ENGINES.items():
        missing = package is not None and not importlib.util.find_spec(package)
        if missing or (only and name not in only):
            continue
        steps[name] = make(*problem)
    return steps


def first_loss(step) -> float:
    """Run a step and return its loss as a number."""
    loss = step()
    return float(loss.item() if hasattr(loss, "item") else loss)


if __name__ == "__main__":
    main()
