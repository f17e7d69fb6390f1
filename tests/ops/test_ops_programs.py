"""Random programs of 3 to 30 operations, against finite differences and against PyTorch.

A program is a list of steps over a growing list of values; one interpreter runs it with the
functions of this project (on Tensors or on bare arrays) or with those of PyTorch.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from op_cases import STEP, numeric_curvature

import tinygrad_np as tg

pytestmark = pytest.mark.oracle

try:
    import torch
except ImportError:
    torch = None

# Each step keeps values in a moderate range, so that thirty of them in a row can't overflow.
SMOOTH_UNARY = {
    "tanh": lambda m, x: m.tanh(x),
    "sigmoid": lambda m, x: m.sigmoid(x) * 2 - 1,
    "exp": lambda m, x: m.exp(m.tanh(x)),
    "log": lambda m, x: m.log(1 + x * x),
    "sqrt": lambda m, x: m.sqrt(0.5 + x**2),
    "negative": lambda m, x: -x,
    "shift": lambda m, x: 0.7 * x + 0.1,
    "cube": lambda m, x: m.tanh(x) ** 3,
    "reciprocal": lambda m, x: 1 / (1.5 + m.tanh(x)),
    "power": lambda m, x: (1 + m.sigmoid(x)) ** 1.7,
    "exponent": lambda m, x: 1.5 ** m.tanh(x),
}
KINKED_UNARY = {
    "relu": lambda m, x: m.relu(x),
    "abs": lambda m, x: m.abs(x),
    "clip": lambda m, x: m.clip(x, -0.4, 0.6),
}
SMOOTH_BINARY = {
    "add": lambda m, x, y: 0.6 * x + y,
    "subtract": lambda m, x, y: x - 0.8 * y,
    "multiply": lambda m, x, y: m.tanh(x) * y,
    "divide": lambda m, x, y: x / (1.2 + y * y),
    "general power": lambda m, x, y: (1 + m.sigmoid(x)) ** m.tanh(y),
    "outer": lambda m, x, y: m.matmul(m.reshape(x, (-1, 1)), m.reshape(y, (1, -1))),
    "dot": lambda m, x, y: m.matmul(m.reshape(x, (1, -1)), m.broadcast_to(_mean(m, y), (_n(x), 1))),
    "where": lambda m, x, y: m.where(_chequered(x), x, _mean(m, y)),
}
KINKED_BINARY = {
    "maximum": lambda m, x, y: m.maximum(x, y),
    "minimum": lambda m, x, y: m.minimum(x, y),
}
SMOOTH_SHAPES = {
    "sum": lambda m, x: 0.3 * m.sum(x, 0, True) if x.ndim else x,
    "mean": lambda m, x: _mean(m, x),
    "var": lambda m, x: m.var(x),
    "std": lambda m, x: m.std(m.concatenate([m.reshape(x, (-1,)), m.reshape(x, (-1,)) + 1.0])),
    "flatten": lambda m, x: m.reshape(x, (-1,)),
    "transpose": lambda m, x: m.transpose(x),
    "expand": lambda m, x: m.expand_dims(x, 0) if x.ndim < 3 else x,
    "squeeze": lambda m, x: m.squeeze(x),
    "stack": lambda m, x: m.stack([x, m.tanh(x)]) if x.ndim < 3 else x,
    "concatenate": lambda m, x: m.concatenate([m.reshape(x, (-1,)), m.reshape(x, (-1,))]),
    "softmax": lambda m, x: m.softmax(x, -1) if x.ndim else x,
    "log_softmax": lambda m, x: 0.5 * m.log_softmax(x, 0) if x.ndim else x,
    "logsumexp": lambda m, x: 0.5 * m.logsumexp(x, -1, True) if x.ndim else x,
    "cross_entropy": lambda m, x: m.cross_entropy(m.reshape(x, (1, -1)), np.array([0])),
    "row": lambda m, x: x[0] if x.ndim else x,
    "gather": lambda m, x: x[[0, -1, 0]] if x.ndim else x,
    "cut": lambda m, x: x[..., :2] if x.ndim else x,
}
KINKED_SHAPES = {
    "max": lambda m, x: m.max(x, -1, True) if x.ndim else x,
    "min": lambda m, x: m.min(x, 0, True) if x.ndim else x,
}

UNARY = SMOOTH_UNARY | SMOOTH_SHAPES | KINKED_UNARY | KINKED_SHAPES
BINARY = SMOOTH_BINARY | KINKED_BINARY


def _n(x):
    return int(np.prod(tuple(x.shape)))


def _mean(m, x):
    return m.mean(m.reshape(x, (-1,)), 0, False)


def _chequered(x):
    return np.indices((*x.shape, 1)).sum(axis=0)[..., 0] % 2 == 0


class Ours:
    """The functions of this project; on bare arrays they give bare arrays."""

    def __getattr__(self, name):
        return getattr(tg, name)

    sum = staticmethod(lambda x, axis, keepdims: tg.sum(x, axis, keepdims=keepdims))
    mean = staticmethod(lambda x, axis, keepdims: tg.mean(x, axis, keepdims=keepdims))
    max = staticmethod(lambda x, axis, keepdims: tg.max(x, axis, keepdims=keepdims))
    min = staticmethod(lambda x, axis, keepdims: tg.min(x, axis, keepdims=keepdims))
    logsumexp = staticmethod(lambda x, axis, keepdims: tg.logsumexp(x, axis, keepdims=keepdims))


class Theirs:
    """The same functions as PyTorch spells them."""

    def __getattr__(self, name):
        return getattr(torch, name)

    clip = staticmethod(lambda x, low, high: torch.clamp(x, low, high))
    where = staticmethod(lambda c, x, y: torch.where(torch.tensor(c), x, y))
    sum = staticmethod(lambda x, axis, keepdims: torch.sum(x, axis, keepdim=keepdims))
    mean = staticmethod(lambda x, axis, keepdims: torch.mean(x, axis, keepdim=keepdims))
    max = staticmethod(lambda x, axis, keepdims: torch.amax(x, axis, keepdim=keepdims))
    min = staticmethod(lambda x, axis, keepdims: torch.amin(x, axis, keepdim=keepdims))
    var = staticmethod(lambda x: torch.var(x, correction=0))
    std = staticmethod(lambda x: torch.std(x, correction=0))
    transpose = staticmethod(lambda x: x.permute(tuple(range(x.ndim))[::-1]))
    expand_dims = staticmethod(lambda x, axis: x.unsqueeze(axis))
    softmax = staticmethod(lambda x, axis: torch.softmax(x, axis))
    concatenate = staticmethod(lambda xs: torch.cat(xs))
    cross_entropy = staticmethod(
        lambda x, y: torch.nn.functional.cross_entropy(x, torch.from_numpy(y))
    )


def run(program, values, module):
    """The weighted sum of all values that the program makes."""
    values = list(values)
    for name, i, j in program:
        x, y = values[i % len(values)], values[j % len(values)]
        if name in BINARY:
            fits = name in {"outer", "dot"} or _broadcastable(x, y)
            made = BINARY[name](module, x, y if fits else _mean(module, y))
        else:
            made = UNARY[name](module, x)
        values.append(made if _n(made) <= 64 else _mean(module, made))
    total = 0.0
    for k, value in enumerate(values):
        weights = np.asarray(1 + 0.1 * np.cos(np.arange(_n(value)) + k))
        weights = weights.reshape(tuple(value.shape)) / _n(value)
        if module is THEIRS:
            weights = torch.tensor(weights)
        total = total + (value * weights).sum()
    return total


def _broadcastable(x, y):
    try:
        np.broadcast_shapes(tuple(x.shape), tuple(y.shape))
    except ValueError:
        return False
    return True


OURS, THEIRS = Ours(), Theirs()

SHAPES = st.sampled_from([(), (1,), (3,), (2, 3), (2, 1), (1, 3), (2, 1, 3), (1, 1)])


@st.composite
def programs(draw, smooth, longest):
    """Steps (name, first operand, second operand), the leaves' values, and a generator."""
    kinked = {*KINKED_UNARY, *KINKED_SHAPES, *KINKED_BINARY}
    names = [n for n in (*UNARY, *BINARY) if not (smooth and n in kinked)]
    operand = st.integers(0, 40)
    step = st.tuples(st.sampled_from(names), operand, operand)
    length = draw(st.integers(3, longest))
    program = draw(st.lists(step, min_size=length, max_size=length))
    shapes = draw(st.lists(SHAPES, min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return program, [np.asarray(rng.normal(size=s)) for s in shapes], rng


def backward(program, arrays, create_graph=False):
    leaves = [tg.Tensor(a, requires_grad=True) for a in arrays]
    loss = run(program, leaves, OURS)
    loss.backward(create_graph=create_graph)
    return loss, leaves


fixed = settings(derandomize=True, deadline=None, database=None, max_examples=150)


@fixed
@given(programs(smooth=True, longest=30))
def test_gradients_against_finite_differences(drawn):
    program, arrays, rng = drawn
    loss, leaves = backward(program, arrays)
    assert loss.item() == pytest.approx(run(program, arrays, OURS), rel=1e-13)
    for k, leaf in enumerate(leaves):
        direction = rng.uniform(-1, 1, arrays[k].shape)

        def at(steps, k=k, direction=direction):
            moved = list(arrays)
            moved[k] = arrays[k] + steps * STEP * direction
            return float(run(program, moved, OURS))

        numeric = (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * STEP)
        computed = float(np.sum(leaf.grad.data * direction))
        assert computed == pytest.approx(numeric, rel=1e-6, abs=1e-7)


@fixed
@given(programs(smooth=True, longest=12))
def test_second_derivatives_against_finite_differences(drawn):
    program, arrays, rng = drawn
    directions = [rng.uniform(-1, 1, a.shape) for a in arrays]
    _, leaves = backward(program, arrays, create_graph=True)
    pairs = zip(leaves, directions, strict=True)
    slope = sum(((x.grad * d).sum() for x, d in pairs), tg.Tensor(0.0))
    for leaf in leaves:
        leaf.grad = None
    if slope.requires_grad:
        slope.backward()
    computed = sum(
        float(np.sum(x.grad.data * d))
        for x, d in zip(leaves, directions, strict=True)
        if x.grad is not None
    )
    numeric = numeric_curvature(lambda v: float(run(program, v, OURS)), arrays, directions)
    assert computed == pytest.approx(numeric, rel=1e-5, abs=1e-6)


@pytest.mark.skipif(torch is None, reason="needs torch")
@fixed
@given(programs(smooth=False, longest=30))
def test_gradients_against_torch(drawn):
    program, arrays, _ = drawn
    loss, leaves = backward(program, arrays)
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = run(program, theirs, THEIRS)
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    for ours, their in zip(leaves, theirs, strict=True):
        np.testing.assert_allclose(ours.grad.data, their.grad.numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.skipif(torch is None, reason="needs torch")
@fixed
@given(programs(smooth=False, longest=12))
def test_second_gradients_against_torch(drawn):
    program, arrays, _ = drawn
    _, leaves = backward(program, arrays, create_graph=True)
    square = sum(((x.grad**2).sum() for x in leaves), tg.Tensor(0.0))
    for leaf in leaves:
        leaf.grad = None
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    first = torch.autograd.grad(run(program, theirs, THEIRS), theirs, create_graph=True)
    their_square = sum((g**2).sum() for g in first)
    assert square.item() == pytest.approx(their_square.item(), rel=1e-11)
    if not their_square.requires_grad:
        return
    if square.requires_grad:
        square.backward()
    second = torch.autograd.grad(their_square, theirs, allow_unused=True)
    for ours, their in zip(leaves, second, strict=True):
        got = 0 if ours.grad is None else ours.grad.data
        want = 0 if their is None else their.numpy(force=True)
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-9)
