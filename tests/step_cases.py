"""Training steps without arguments, as the lowering to loops takes them."""

import functools
import linecache

import numpy as np
from random_programs import World, program

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.compiler.lowering import LoweringError, lower, record_step


def step_of(case, dtype):
    """A step that computes an op and the gradients of a weighted sum of its result."""
    weights = np.asarray(case.weights(), dtype)
    inputs = [tg.Tensor(v, requires_grad=v.dtype.kind == "f") for v in case.point(dtype)]

    def step():
        for t in inputs:
            t.grad = None
        out = case.call(case.function, inputs)
        if isinstance(out, tg.Tensor) and out.requires_grad:
            (out * weights).sum().backward()
        return (out, *(t.grad for t in inputs))

    return step


def results_of(step):
    """The arrays that a step returns."""
    results = step()
    if isinstance(results, tg.Tensor):
        results = (results,)
    return [np.asarray(getattr(r, "data", r)) for r in results if r is not None]


@functools.cache
def lowered_op(case, dtype):
    """The loops of an op's step, and its results; or a LoweringError and None."""
    step = step_of(case, dtype)
    try:
        lowered = lower(record_step(step).program)
    except LoweringError as error:
        return error, None
    return lowered, results_of(step)


# --- trainings ------------------------------------------------------------------------------------


def training(model, optimizer, loss_of):
    def step():
        loss = loss_of(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def spiral_points(points, rng):
    """Three arms: the points, and which arm each is on."""
    r, k = np.tile(np.linspace(0, 1, points), 3), np.repeat(np.arange(3), points)
    angle = 2.5 * (4 * (k + r) + rng.normal(0, 0.2, len(k)))
    return np.c_[r * np.sin(angle), r * np.cos(angle)], k


def spiral(dtype):
    tg.manual_seed(0)
    X, y = spiral_points(100, np.random.default_rng(0))
    X, y = tg.Tensor(X.astype(dtype), name="X"), tg.Tensor(y, name="y")
    model = nn.Sequential(nn.Linear(2, 64, dtype=dtype), nn.ReLU(), nn.Linear(64, 3, dtype=dtype))
    optimizer = nn.Adam(model.parameters(), lr=0.005)
    return training(model, optimizer, lambda model: nn.cross_entropy(model(X), y))


def xor(dtype):
    rng = np.random.default_rng(1)
    X = rng.uniform(-1, 1, (120, 2)).astype(dtype)
    y = (X[:, :1] * X[:, 1:] > 0).astype(dtype)
    W1 = nn.Parameter(rng.normal(0, 0.8, (2, 6)).astype(dtype))
    W2 = nn.Parameter(rng.normal(0, 0.8, (6, 1)).astype(dtype))
    optimizer = nn.SGD([W1, W2], lr=0.5, momentum=0.9)
    return training(None, optimizer, lambda _: ((tg.sigmoid(tg.tanh(X @ W1) @ W2) - y) ** 2).mean())


def images(dtype):
    """A convolution, pooling, and a rate that falls."""
    rng = np.random.default_rng(3)
    tg.manual_seed(0)
    y = rng.integers(0, 4, 32)
    X = (rng.random((4, 1, 8, 8))[y] + 0.3 * rng.standard_normal((32, 1, 8, 8))).astype(dtype)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, dtype=dtype), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(36, 4, dtype=dtype),
    )  # fmt: skip
    optimizer = nn.SGD(model.parameters(), lr=nn.InverseTimeDecay(0.1, 1e-2), momentum=0.9)
    X, y = tg.Tensor(X), tg.Tensor(y)
    return training(model, optimizer, lambda model: nn.cross_entropy(model(X), y))


def noise(dtype):
    """Dropout, and noise on the data: random numbers in each step."""
    tg.manual_seed(0)
    X, y = spiral_points(30, np.random.default_rng(7))
    X, y = tg.Tensor(X.astype(dtype)), tg.Tensor(y)
    model = nn.Sequential(
        nn.Linear(2, 16, dtype=dtype), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 3, dtype=dtype)
    )
    optimizer = nn.AdamW(model.parameters(), lr=0.01)

    def loss_of(model):
        moved = X + 0.05 * tg.randn(*X.shape).astype(dtype)
        return nn.cross_entropy(model(moved), y)

    return training(model, optimizer, loss_of)


def waves(dtype):
    """A recurrent net."""
    rng = np.random.default_rng(5)
    tg.manual_seed(0)
    phase = rng.uniform(0, 6, (16, 1))
    series = np.sin(phase + 0.5 * np.arange(9)).astype(dtype)[:, :, None]
    lstm, head = nn.LSTM(1, 8, batch_first=True, dtype=dtype), nn.Linear(8, 1, dtype=dtype)
    optimizer = nn.Adam([*lstm.parameters(), *head.parameters()], lr=0.003)
    X, y = tg.Tensor(series[:, :8]), tg.Tensor(series[:, 8])
    return training(None, optimizer, lambda _: nn.mse_loss(head(lstm(X)[0][:, -1]), y))


def norms(dtype):
    """Batch norm, whose running mean is state too, and gradients clipped to a norm."""
    rng = np.random.default_rng(6)
    tg.manual_seed(0)
    X = rng.normal(3, 2, (80, 4))
    y = tg.Tensor((X[:, 0] * X[:, 1] > 9).astype(int))
    X = tg.Tensor(X.astype(dtype))
    model = nn.Sequential(
        nn.Linear(4, 10, dtype=dtype), nn.BatchNorm1d(10, dtype=dtype), nn.ReLU(),
        nn.Linear(10, 2, dtype=dtype),
    )  # fmt: skip
    optimizer = nn.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)

    def step():
        loss = nn.cross_entropy(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        nn.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        return loss

    return step


TRAININGS = {f.__name__: f for f in (spiral, xor, images, noise, waves, norms)}


def random_step(seed):
    """A random program of the compiler's tests, on the same arguments in each step."""
    world, text = World(seed), program(seed)
    file = f"<random step {seed}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = world.names()
    exec(compile(text, file, "exec"), names)
    x, y, labels = world.arguments(0)
    tg.manual_seed(seed)
    return lambda: names["step"](x, y, labels)
