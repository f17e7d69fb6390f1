"""Many float16 numbers: counts and sums of them are right, though float16 ends at 65,504."""

import warnings

import numpy as np
import pytest
from folded import folded
from op_cases import Case, numbers
from test_ops_edges import samples_with

import tinygrad_np as tg
from tinygrad_np.ops.axes import narrow, wide

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

MANY = 70_000
MOST = 700_000  # elements of an input


def close(half, exact):
    """Fit float16's own precision, where the exact number lies in its range."""
    half, exact = half.astype(float), np.asarray(exact, float)
    fits = np.abs(exact) < 65_000
    size = np.max(np.abs(exact), where=fits, initial=0)
    np.testing.assert_allclose(half[fits], exact[fits], rtol=2e-2, atol=2e-2 * size + 2e-7)


def agrees(f, *arrays):
    """The value and the gradients of f at float16 numbers are those at the same numbers in full."""
    arrays = [np.asarray(a, np.float16) for a in arrays]
    results = []
    for dtype in (np.float16, float):
        tensors = [tg.Tensor(a.astype(dtype), requires_grad=True) for a in arrays]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            y = f(*tensors)
            weights = numbers(np.random.default_rng(0), y.shape)
            if y.size > 1:  # of one sign and small, so that their sum has a size of its own
                weights = 1 + np.abs(weights)
                weights = (weights / weights.sum()).astype(np.float16)
            y.backward(weights)
        assert y.dtype == dtype
        assert all(t.grad.dtype == dtype for t in tensors if t.grad is not None)
        results.append([y, *(t.grad for t in tensors if t.grad is not None)])
    for half, exact in zip(*results, strict=True):
        close(half.data, exact.data)


# --- ops that work along axes ---------------------------------------------------------------------


def long_cases(op):
    """The samples of an op with 70,000 elements along one axis."""

    def shape_of(shape):
        if len(shape) == 2 and shape[0] * MANY <= MOST:
            return (shape[0], MANY)
        return (MANY,) if len(shape) == 1 else shape

    calls = samples_with(op, shape_of)
    cases = [Case(op, number, args, params) for number, (args, params) in enumerate(calls)]
    return [case for case in cases if any(np.size(a) >= MANY for a in case.inputs)]


# Sums and products in float16 are NumPy's; a norm of order 0.5 is beyond float16.
OWN_RANGE = {"sum", "cumsum", "cumprod", "prod", "norm"}

REDUCING = [
    op for op in tg.TABLE.values() if "axis" in op.params and any(op.rules) and not op.variadic
]


@pytest.mark.parametrize(
    "op", [op for op in REDUCING if op.name not in OWN_RANGE], ids=lambda op: op.name
)
def test_long_axes(op):
    for case in long_cases(op):

        def call(*values, case=case):
            return case.call(case.function, values)

        try:
            call(*case.point())
        except (ValueError, IndexError):  # labels and indices of the samples do not fit
            continue
        agrees(call, *case.point())


# --- counts by name -------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
ONES = np.ones(MANY)
NORMAL = RNG.normal(size=MANY)
COLUMN = RNG.normal(size=(MANY, 1))
HOLES = np.where(np.arange(MANY) % 7 == 0, np.nan, 1.5)
LABELS = np.arange(MANY) % 3
IMAGE = np.ones((1, 1, 260, 260), np.float16)

COUNTS = {
    "mean": (lambda x: x.mean(), ONES),
    "mean of two axes": (lambda x: x.mean(axis=(0, 1)), np.ones((300, 300))),
    "mean of some": (lambda x: np.mean(x, where=np.arange(MANY) % 9 > 0), NORMAL + 2),
    "nanmean": (lambda x: np.nanmean(x), HOLES),
    "average": (lambda x: np.average(x, weights=np.ones(MANY, np.float16)), NORMAL + 2),
    "var of some": (lambda x: np.var(x, where=np.arange(MANY) % 900 == 0), NORMAL),
    "max": (lambda x: x.max(), ONES),
    "min by columns": (lambda x: x.min(axis=0), np.ones((MANY, 2))),
    "max norm": (lambda x: np.linalg.norm(x, np.inf), ONES),
    "norm": (lambda x: np.linalg.norm(x), NORMAL),
    "column norm": (lambda x: np.linalg.norm(x, 1), COLUMN / MANY),
    "at.max": (lambda x: tg.zeros(2, x.dtype).at[LABELS % 2].max(x).sum() * 1.0, ONES),
    "max_pool2d": (lambda x: tg.max_pool2d(x, 260), IMAGE),
    "avg_pool2d": (lambda x: tg.avg_pool2d(x, 260), IMAGE),
    "layer_norm": (lambda x: tg.layer_norm(x, MANY), NORMAL * 3),
    "layer_norm of large numbers": (lambda x: tg.layer_norm(x, MANY), NORMAL * 400),
    "batch_norm": (lambda x: tg.batch_norm(x), COLUMN),
    "softmax": (lambda x: tg.softmax(x), ONES),
    "logsumexp": (lambda x: tg.logsumexp(x), ONES),
    "cross_entropy": (lambda x: tg.cross_entropy(x, LABELS), RNG.normal(size=(MANY, 3))),
    "cross_entropy of many classes": (lambda x: tg.cross_entropy(x, 5), NORMAL),
    "cross_entropy, most ignored": (
        lambda x: tg.cross_entropy(x, LABELS, ignore_index=1, label_smoothing=0.1),
        RNG.normal(size=(MANY, 3)),
    ),
    "nll_loss": (
        lambda x: tg.nll_loss(tg.log_softmax(x), LABELS, ignore_index=1),
        RNG.normal(size=(MANY, 3)),
    ),
    "a bias": (lambda b: (np.ones((MANY, 1), np.float16) + b).mean(), np.ones(3)),
    "a bias of a convolution": (
        lambda b: tg.conv2d(IMAGE, np.ones((2, 1, 1, 1), np.float16), b).mean(),
        np.ones(2),
    ),
    "an embedding": (lambda w: tg.embedding(LABELS, w).mean(), np.ones((3, 2))),
    "repeat": (lambda x: np.repeat(x, MANY // 2, axis=0).mean(), np.ones((2, 3))),
    "tile": (lambda x: np.tile(x, (MANY, 1)).mean(), np.ones((2, 1))),
    "einsum": (lambda x: tg.einsum("i,j->ij", np.ones(MANY, np.float16), x).mean(), np.ones(2)),
}


@folded
@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    f, x = COUNTS[name]
    agrees(f, x)


def test_float32_beyond_its_whole_numbers():
    """As for float16, at 16,777,216: checked on the conversion, for want of memory."""
    x = np.ones(2, np.float32)
    assert wide(x) is x
    assert wide(x, 2**24) is x
    assert wide(x, 2**24 + 1).dtype == np.float64
    assert narrow(wide(x, 2**30), x).dtype == np.float32
    assert wide(x.astype(np.float16)).dtype == np.float32
    assert wide(x.astype(np.float16), 2**30).dtype == np.float64
    integers = np.arange(3)
    assert wide(integers, 2**30) is integers
    assert narrow(integers / 2, integers).dtype == np.float64
