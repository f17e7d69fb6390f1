"""Points at which a derivative does not exist: what is taken for it, of first and second order.

A first derivative follows the op's declared convention. A second one is the number that lies
between those of the two sides, or nan where these have none.
"""

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

NAN, INF = np.nan, np.inf


def along(f, points, directions):
    """The first and second derivative of the sum of f along a line, by backward."""
    pairs = [(np.array(p, float), np.array(d, float)) for p, d in zip(points, directions)]
    tensors = [tg.Tensor(p, requires_grad=bool(d.any())) for p, d in pairs]
    moving = [(t, d) for t, (_, d) in zip(tensors, pairs) if d.any()]
    with np.errstate(all="ignore"):
        f(*tensors).sum().backward(create_graph=True)
        slope = sum((t.grad * d).sum() for t, d in moving)
        if not slope.requires_grad:
            return slope.item(), 0.0
        for t, _ in moving:
            t.grad = None
        slope.backward()
    second = 0.0
    for t, d in moving:
        if t.grad is not None:
            second += float(np.sum(t.grad.data * d, where=d != 0))
    return slope.item(), second


def bend(f, points, directions, at):
    """The second difference of the sum of f on the line, at a place beside the kink."""
    step = abs(at) / 4

    def value(t):
        moved = [np.array(p, float) + t * np.asarray(d, float) for p, d in zip(points, directions)]
        return float(np.sum(f(*moved)))

    return (value(at - step) - 2 * value(at) + value(at + step)) / step**2


# Name: the function, the point, a direction, and the declared derivatives along it.
KINKS = {
    "abs": (tg.abs, [0.0], [1.0], 0, 0),
    "fabs": (tg.fabs, [0.0], [1.0], 0, 0),
    "copysign": (lambda x: tg.copysign(x, -1.0), [0.0], [1.0], 0, 0),
    "relu": (tg.relu, [0.0], [1.0], 0, 0),
    "leaky_relu": (tg.leaky_relu, [0.0], [1.0], 0.01, 0),
    "elu": (lambda x: tg.elu(x, 0.7), [0.0], [1.0], 0.7, 0.35),
    "selu": (tg.selu, [0.0], [1.0], 1.7580993408473766, 0.8790496704236883),
    "softsign": (tg.softsign, [0.0], [1.0], 1, 0),
    "clip": (lambda x: tg.clip(x, 0, 1), [[0.0, 1.0]], [[1.0, 1.0]], 2, 0),
    "clip, limits": (tg.clip, [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], 0, 0),
    "maximum": (tg.maximum, [1.0, 1.0], [1.0, 0.0], 0.5, 0),
    "minimum": (tg.minimum, [1.0, 1.0], [1.0, -1.0], 0, 0),
    "fmax": (tg.fmax, [1.0, 1.0], [1.0, 0.0], 0.5, 0),
    "fmin": (tg.fmin, [1.0, 1.0], [1.0, 0.0], 0.5, 0),
    "max": (tg.max, [[1.0, 0.0, 1.0]], [[1.0, 1.0, 0.0]], 0.5, 0),
    "min": (tg.min, [[1.0, 1.0, 1.0]], [[1.0, 0.0, 0.0]], 1 / 3, 0),
    "scatter_max": (
        lambda x, v: tg.scatter_max(x, v, np.array([0, 0])),
        [[1.0, 0.0], [1.0, 1.0]],
        [[1.0, 0.0], [0.0, 0.0]],
        1 / 3,
        0,
    ),
    "scatter_min": (
        lambda x, v: tg.scatter_min(x, v, np.array([0])),
        [[1.0, 0.0], [1.0]],
        [[1.0, 0.0], [0.0]],
        0.5,
        0,
    ),
    "max_pool2d": (lambda x: tg.max_pool2d(x, 2), [np.ones((1, 1, 2, 2))], [np.eye(2)], 0.5, 0),
    "cummax": (tg.cummax, [[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], 2.0, 0),
    "cummin": (tg.cummin, [[1.0, 2.0, 1.0]], [[1.0, 0.0, 0.0]], 2.5, 0),
    "logcumsumexp": (tg.logcumsumexp, [[-INF, -INF]], [[1.0, 0.0]], 0, 0),
    "logcumsumexp of inf": (tg.logcumsumexp, [[INF, 1.0]], [[1.0, 0.0]], NAN, NAN),
    "rsqrt": (tg.rsqrt, [0.0], [1.0], -INF, INF),
    "remainder": (tg.remainder, [4.0, 2.0], [0.0, 1.0], -2, 0),
    "fmod": (tg.fmod, [4.0, 2.0], [0.0, 1.0], -2, 0),
    "sqrt": (tg.sqrt, [0.0], [1.0], INF, -INF),
    "cbrt": (tg.cbrt, [0.0], [1.0], INF, NAN),
    "arcsin": (tg.arcsin, [1.0], [1.0], INF, NAN),
    "arccos": (tg.arccos, [-1.0], [1.0], -INF, NAN),
    "arccosh": (tg.arccosh, [1.0], [1.0], INF, NAN),
    "arctanh": (tg.arctanh, [1.0], [1.0], INF, NAN),
    "hypot": (tg.hypot, [0.0, 0.0], [1.0, 1.0], 0, NAN),
    "arctan2": (tg.arctan2, [0.0, 0.0], [1.0, 1.0], 0, NAN),
    "norm": (tg.norm, [[0.0, 0.0]], [[1.0, 2.0]], 0, NAN),
    "norm of rows": (
        lambda x: tg.norm(x, axis=1),
        [[[0.0, 0.0], [3.0, 4.0]]],
        [[[0.0, 0.0], [0.0, 1.0]]],
        0.8,
        9 / 125,
    ),
    "norm of order 3": (lambda x: tg.norm(x, 3), [[0.0, 0.0]], [[1.0, 2.0]], 0, NAN),
    "norm of order 3 at an element": (
        lambda x: tg.norm(x, 3),
        [[0.0, 2.0]],
        [[1.0, 0.0]],
        0,
        0,
    ),
    "norm of order 1.5 at an element": (
        lambda x: tg.norm(x, 1.5),
        [[0.0, 2.0]],
        [[1.0, 0.0]],
        0,
        NAN,
    ),
    "norm of order 1": (lambda x: tg.norm(x, 1), [[0.0, 2.0]], [[1.0, 1.0]], 1, 0),
    "norm of order inf": (lambda x: tg.norm(x, INF), [[2.0, 2.0]], [[1.0, 0.0]], 0.5, 0),
    "std": (tg.std, [[1.0, 1.0, 1.0]], [[1.0, 0.0, 0.0]], 0, NAN),
    "power, base": (tg.power, [0.0, 2.0], [1.0, 0.0], 0, 2),
    "power 0.5": (tg.power, [0.0, 0.5], [1.0, 0.0], INF, -INF),
    "power 0": (tg.power, [0.0, 0.0], [1.0, 0.0], 0, 0),
    "power 0 of inf": (tg.power, [INF, 0.0], [1.0, 0.0], 0, 0),
    "power, exponent": (tg.power, [0.0, 2.0], [0.0, 1.0], 0, 0),
    "power, exponent 0": (tg.power, [0.0, 0.0], [0.0, 1.0], 0, NAN),
    "power, exponent -1": (tg.power, [0.0, -1.0], [0.0, 1.0], -INF, INF),
    "power, both": (tg.power, [0.0, 1.0], [1.0, 1.0], 1, NAN),
    "power, both 0": (tg.power, [0.0, 0.0], [1.0, 1.0], 0, NAN),
    "float_power": (tg.float_power, [0.0, 0.0], [0.0, 1.0], 0, NAN),
    "xlogy": (tg.xlogy, [0.0, 0.0], [1.0, 1.0], 0, NAN),
    "nan_to_num": (tg.nan_to_num, [NAN], [1.0], 0, 0),
    "logaddexp": (tg.logaddexp, [INF, INF], [1.0, 0.0], 0.5, 0),
    "logaddexp2": (tg.logaddexp2, [-INF, -INF], [1.0, 0.0], 0, 0),
    "logsumexp": (tg.logsumexp, [[INF, INF]], [[1.0, 0.0]], 0.5, 0),
    "logsumexp of nothing": (tg.logsumexp, [[-INF, -INF]], [[1.0, 0.0]], 0, 0),
    "softmax": (tg.softmax, [[-INF, -INF]], [[1.0, 0.0]], NAN, NAN),
    "log_softmax": (tg.log_softmax, [[-INF, -INF]], [[1.0, 0.0]], NAN, NAN),
}
every_kink = pytest.mark.parametrize("name", KINKS)


@folded
@every_kink
def test_declared_derivatives(name):
    f, points, directions, first, second = KINKS[name]
    got = along(f, points, directions)
    np.testing.assert_allclose(got, [first, second], rtol=1e-12, atol=1e-15)


@folded
@every_kink
def test_second_derivative_lies_between_the_sides_or_is_nan(name):
    f, points, directions, _, second = KINKS[name]
    if np.isnan(second) or not np.isfinite([np.sum(p) for p in points]).all():
        return
    with np.errstate(all="ignore"):
        sides = [bend(f, points, directions, at) for at in (-1e-3, 1e-3)]
    sides = [s for s in sides if np.isfinite(s)]  # sqrt has one side
    if not sides:
        return
    if np.isinf(second):
        assert any(np.sign(s) == np.sign(second) and abs(s) > 100 for s in sides)
    else:
        assert min(sides) - 0.01 <= second <= max(sides) + 0.01


RAISING = {"cholesky", "cofactors", "det", "inv", "logabsdet", "solve"}


@folded
@pytest.mark.parametrize("op", [op for op in tg.TABLE.values() if op.kinks], ids=lambda op: op.name)
def test_every_kink_is_declared_in_both_orders_and_tested(op):
    assert any(words in op.kinks for words in ("second order", "every order", "second derivative"))
    assert op.name in RAISING or any(name.split(",")[0].split()[0] == op.name for name in KINKS)


# --- squares, which have the second derivative that their root has not ----------------------------


def right_or_nan(got, right):
    got = np.asarray(got.data if isinstance(got, tg.Tensor) else got)
    assert np.isnan(got).any() or np.allclose(got, right, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_squares_of_lengths(n):
    zeros, equal = np.zeros(n), np.full(n, 1.5)
    right_or_nan(tg.hessian(lambda x: np.linalg.norm(x) ** 2)(zeros), 2 * np.eye(n))
    right_or_nan(tg.hessian(lambda x: tg.norm(x, 3) ** 3)(zeros), np.zeros((n, n)))
    right_or_nan(tg.hessian(lambda x: np.std(x) ** 2)(equal), 2 / n * np.eye(n) - 2 / n**2)
    right_or_nan(tg.hessian(lambda x: np.hypot(x[0], x[1]) ** 2)(np.zeros(2)), 2 * np.eye(2))
    rows = np.zeros((n, 2))
    right = 2 * np.eye(2 * n).reshape(n, 2, n, 2)
    right_or_nan(tg.hessian(lambda x: (tg.norm(x, axis=1) ** 2).sum())(rows), right)


def test_a_kernel_of_distances():
    def kernel(x, y):
        return np.exp(-(np.linalg.norm(x - y) ** 2))

    a = np.array([0.5, -1.0])
    right_or_nan(tg.jacobian(tg.grad(kernel, 0), 1)(a, a), 2 * np.eye(2))
    b = np.array([0.7, 0.1])  # beside it all is there
    d = a - b
    right = kernel(a, b) * (2 * np.eye(2) - 4 * np.outer(d, d))
    np.testing.assert_allclose(tg.jacobian(tg.grad(kernel, 0), 1)(a, b), right, rtol=1e-12)


def test_first_derivatives_need_no_second():
    """A gradient, a jvp and a product of both are numbers where a second derivative is not."""
    x, v = np.zeros(3), np.ones(3)
    assert tg.grad(tg.norm)(x).tolist() == [0, 0, 0]
    assert float(tg.jvp(tg.norm, (x,), (v,))[1]) == 0
    t = tg.Tensor(x, requires_grad=True)
    tg.norm(t).backward(create_graph=True)
    assert t.grad.tolist() == [0, 0, 0]
