"""Functions composed of ops, and transforms of them, compiled: values and gradients as eager.

Each call has other values. From the third one on the program must do the work: the function
itself is not called any more.
"""

from unittest.mock import Mock

import numpy as np
import pytest
from pass_sets import EXACT, every_pass_set

import tinygrad_np as tg
from tinygrad_np.core.containers import leaves

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

CALLS = 5
MASK = np.array([True, False, True])
STAIRS = np.tri(4, 5, dtype=bool)


def normal(*shape):
    return lambda rng: np.asarray(rng.standard_normal(shape))


def positive(*shape):
    return lambda rng: np.asarray(rng.uniform(0.5, 2.0, shape))


def below(n, *shape):
    return lambda rng: rng.integers(0, n, shape)


def regular(a):
    return a + 4 * np.eye(3)


def definite(a):
    return a @ a.T + 3 * np.eye(3)


def written(a):
    t = a * 1.0
    t[0] = a[1] * 2
    t[:, 1] += 5.0
    t *= a
    return t


def written_at(a, v, i):
    t = a * 1.0
    t[i] = v
    return t


COMPOSED = {
    "diff": (lambda x: np.diff(x, n=2, axis=0), normal(4, 5)),
    "diff of more": (lambda x: np.diff(x, prepend=0.0, append=x[:, :1]), normal(4, 5)),
    "einsum": (lambda a, b, c: np.einsum("bij,bjk,kl->bil", a, b, c),
               normal(2, 3, 4), normal(2, 4, 2), normal(2, 3)),
    "einsum diagonal": (lambda a: (np.einsum("ii", a), np.einsum("ii->i", a)), normal(3, 3)),
    "einsum ...": (lambda a, b: np.einsum("...j,...j->...", a, b), normal(2, 3, 4), normal(3, 4)),
    "norms": (lambda a: (np.linalg.norm(a), tg.norm(a, 1, axis=1), tg.norm(a, np.inf, axis=0),
                         tg.norm(a, 3, axis=0, keepdims=True)), normal(3, 4)),
    "attention": (tg.scaled_dot_product_attention,
                  normal(2, 4, 3), normal(2, 5, 3), normal(2, 5, 3)),
    "masked attention": (lambda q, k, v: tg.scaled_dot_product_attention(q, k, v, STAIRS),
                         normal(2, 4, 3), normal(2, 5, 3), normal(2, 5, 3)),
    "layer_norm": (lambda x, w, b: tg.layer_norm(x, (5,), w, b), normal(3, 5), normal(5),
                   normal(5)),
    "batch_norm": (lambda x, w, b: tg.batch_norm(x, np.zeros(3), np.ones(3), w, b),
                   normal(5, 3), normal(3), normal(3)),
    "conv2d": (lambda x, w, b: tg.conv2d(x, w, b, stride=2, padding=1),
               normal(2, 3, 6, 6), normal(4, 3, 3, 3), normal(4)),
    "conv1d": (lambda x, w, b: tg.conv1d(x, w, b, padding=2),
               normal(2, 3, 8), normal(4, 3, 3), normal(4)),
    "max_pool2d": (lambda x: tg.max_pool2d(x, 3, stride=2, padding=1), normal(2, 3, 7, 7)),
    "avg_pool1d": (lambda x: tg.avg_pool1d(x, 2), normal(2, 3, 7)),
    "pad": (lambda x: (tg.pad(x, 1), tg.pad(x, ((1, 0), (0, 2)), constant_values=3.0),
                       tg.pad(x, 1, "reflect")), normal(3, 4)),
    "sort": (lambda x: (tg.sort(x), np.sort(x, axis=0), np.sort(x, axis=None)), normal(3, 5)),
    "partition": (lambda x: tg.partition(x, 2), normal(3, 5)),
    "topk": (lambda x: tg.topk(x, 2), normal(3, 5)),
    "argsort": (lambda x: np.take_along_axis(x, tg.argsort(x, axis=1), 1), normal(3, 5)),
    "argmax": (lambda x: x[np.arange(3), tg.argmax(x, axis=1)], normal(3, 5)),
    "linalg": (lambda a, b: (tg.det(a), np.linalg.inv(regular(a)), np.linalg.solve(regular(a), b),
                             np.linalg.cholesky(definite(a)), np.linalg.slogdet(definite(a))[1],
                             np.linalg.matrix_power(a, 3)), normal(3, 3), normal(3, 2)),
    "products": (lambda a, b: (np.kron(a, b), np.outer(a, b), np.inner(a, a), tg.dot(b, a.T),
                               np.tensordot(a, b, axes=([1], [1])), np.vdot(a, a), np.cross(a, b)),
                 normal(4, 3), normal(4, 3)),
    "stacked products": (lambda a, b, v: (a @ b, v @ b, a @ v), normal(5, 1, 3, 4), normal(2, 4, 4),
                         normal(4)),
    "scans": (lambda a: (np.cumsum(a, axis=1), np.cumprod(a, axis=0), np.cumsum(a)), normal(3, 4)),
    "nan": (lambda a: (np.nansum(a, axis=0), np.nanmean(a), tg.nanmax(a, axis=1), tg.nanmin(a),
                       np.nanprod(a, axis=0)), normal(3, 4)),
    "average": (lambda a, w: np.average(a, axis=0, weights=w), normal(3, 4), positive(3)),
    "spread": (lambda a: (np.ptp(a, axis=0), np.std(a, axis=0, ddof=1), np.var(a)), normal(3, 4)),
    "choices": (lambda a, b: (tg.choose(np.array([0, 1, 1, 0]), (a, b)), np.where(a > b, a, b),
                              tg.select([a > b, a < -1], [a, b], 0.5), tg.where(a > 0, a, 0.0)),
                normal(4), normal(4)),
    "choices by argument": (lambda a, b, i: (tg.choose(i, [a, b]), tg.where(i > 0, a, b)),
                            normal(30), normal(30), below(2, 30)),
    "constant masks": (lambda a: (a[MASK], tg.compress(MASK, a, axis=0), tg.setitem(a, 0.0, MASK),
                                  tg.extract(np.eye(3, 4, dtype=bool), a)), normal(3, 4)),
    "clip": (lambda a, b: (np.clip(a, -0.5, 0.5), np.clip(a, -np.abs(b), np.abs(b)),
                           tg.hardtanh(a)), normal(4, 3), normal(3)),
    "losses": (lambda a, t: (tg.cross_entropy(a, np.array([0, 1, 2]), label_smoothing=0.1),
                             tg.cross_entropy(a, np.array([0, 9, 2]), ignore_index=9),
                             tg.cross_entropy(a, tg.softmax(t)),
                             tg.nll_loss(tg.log_softmax(a), np.array([0, 1, 2]))),
               normal(3, 4), normal(3, 4)),
    "losses by labels": (lambda a, i: (tg.cross_entropy(a, i), tg.one_hot(i, 8) * a,
                                       tg.cross_entropy(a, i, ignore_index=0),
                                       tg.nll_loss(tg.log_softmax(a), i)),
                         normal(30, 8), below(8, 30)),
    "embedding": (lambda w, i: tg.embedding(i, w), normal(30, 8), below(30, 20, 10)),
    "picked": (lambda w, i: (w[i], w[:, i[:8] % 8], w[-i], tg.take(w, i, axis=0),
                             tg.take(w, i, axis=1, mode="wrap")), normal(30, 8), below(30, 500)),
    "picked along": (lambda w, i: tg.take_along_axis(w, i - 8, 1), normal(30, 8), below(8, 30, 3)),
    "picked, without weights": (lambda w, i: w[i].sum() + tg.take_along_axis(w, i[:, :1], 1).sum(),
                                normal(30, 3), below(3, 30, 60)),
    "written": (written, normal(3, 4)),
    "written at": (lambda w, v, i: (written_at(w, v, i), w.at[i].add(v), w.at[i].max(v),
                                    w.at[i].set(1.0)), normal(30, 8), normal(50, 8), below(30, 50)),
    "scattered": (lambda v, i: tg.scatter(v, i, (30, 8)), normal(500, 8), below(30, 500)),
    "powers": (lambda a, b: (a**b, a**2, a**3, a**0.5, a**-1, a**1, 2.0**a,
                             a ** np.array([1, 2, 3])), positive(3), normal(3)),
    "shapes": (lambda a: (a.T, a.reshape(-1), a.ravel(), a[1:, ::-1], a[..., None, 0], a[[0, 2]],
                          np.rot90(a), np.tril(a), np.diag(a), np.roll(a, (1, 2), (0, 1)),
                          np.delete(a, 1, 0), np.insert(a, 1, 0.0, axis=0)), normal(3, 4)),
    "rows": (lambda a: sum(row * k for k, row in enumerate(a)) * len(a), normal(3, 4)),
    "integers": (lambda i: (i // 3, i % 3, i**2, i / 2, -i, abs(i), (i > 3) & ~(i < 2)),
                 below(9, 5)),
    "conversions": (lambda a: (a.astype("float32").astype(float), a * np.float32(3.1),
                               np.round(a, 1),
                               tg.tanh(a.astype("float16") @ a.T.astype("float16"))), normal(4, 3)),
    "numbers": (lambda w, b: (w * b + b**2, tg.exp(w), w.sum(), w.reshape(1)), normal(), normal()),
    "empty": (lambda w: (w * 2, w.sum(axis=0), tg.exp(w).sum(axis=1), w @ w.T, w.T @ w),
              normal(0, 3)),
    "positions as values": (lambda a: (a * tg.searchsorted(np.array([-1.0, 0.0, 1.0]), a),
                                       a * np.argmin(a), a * tg.count_nonzero(a > 0)),
                            normal(3, 4)),
    "checkpoint": (lambda a: tg.checkpoint(lambda t: tg.tanh(t) @ t.T)(a), normal(3, 4)),
    "held fixed": (lambda a: (a * tg.stop_gradient(a), a * a.detach()), normal(3, 4)),
    "zeros of both signs": (lambda a: np.copysign(a, np.array([0.0, -0.0, -0.0])), normal(3)),
}  # fmt: skip


def squares(f):
    """The gradient of the sum of f, squared and summed: its gradient needs second derivatives."""
    return lambda *rest: lambda v: (tg.grad(lambda u: f(u, *rest).sum())(v) ** 2).sum()


SECOND_ORDER = {
    "grad of grad": (lambda x: tg.grad(squares(lambda u: u**3)())(x), normal(4)),
    "hessian": (tg.hessian(lambda u: (tg.tanh(u) ** 2).sum() + tg.logsumexp(u) + u.std()),
                normal(4)),
    "hessian of a sort": (tg.hessian(lambda u: (tg.sort(u)[:2] ** 3).sum()), normal(4)),
    "hessian of a loss": (lambda x, i: tg.hessian(lambda u: tg.cross_entropy(u, i))(x),
                          normal(2, 3), below(3, 2)),
    "jacobian by rows": (tg.jacobian(lambda u: tg.softmax(u)[:2]), normal(4)),
    "jacobian by columns": (tg.jacobian(lambda u: tg.concatenate([u, u * u[::-1]])), normal(3)),
    "jacobian of picks": (lambda x, i: tg.jacobian(lambda u: u[i] ** 2)(x), normal(4), below(4, 3)),
    "hvp": (lambda x, v: tg.hvp(lambda u: (tg.exp(u) * u).sum(), (x,), (v,)), normal(4), normal(4)),
    "jvp": (lambda x, v: tg.jvp(lambda u: tg.exp(u) * u, (x,), (v,)), normal(4), normal(4)),
    "vjp": (lambda x, v: tg.vjp(lambda u: tg.exp(u) * u, x)[1](v), normal(4), normal(4)),
    "value_and_grad": (tg.value_and_grad(lambda u: (u**3).sum()), normal(4)),
    "of a convolution": (lambda x, w: tg.grad(squares(lambda u, x: tg.conv2d(x, u) ** 3)(x))(w),
                         normal(1, 2, 5, 5), normal(2, 2, 3, 3)),
    "of attention": (tg.grad(squares(
        lambda u: tg.scaled_dot_product_attention(u, u, u) ** 2)()), normal(2, 4, 3)),
    "of an inverse": (tg.grad(squares(lambda u: tg.inv(u + 5 * np.eye(3)))()), normal(3, 3)),
    "of checkpoints": (tg.grad(squares(lambda u: tg.checkpoint(tg.tanh)(u) ** 2)()), normal(4)),
}  # fmt: skip


def compare(step, arguments, passes):
    runs = Mock(return_value=None)  # in plain sight a Python counter would be an error

    def counted(*inputs):
        runs()
        return step(*inputs)

    compiled = tg.compile(counted, passes=passes)
    for call in range(CALLS):
        expected = step(*arguments(call))
        got = compiled(*arguments(call))
        pairs = zip(leaves(expected), leaves(got), strict=True)
        for (path, a), (other, b) in pairs:
            assert path == other
            a, b = np.asarray(getattr(a, "data", a)), np.asarray(getattr(b, "data", b))
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            if passes == tg.PASSES:
                np.testing.assert_allclose(b, a, rtol=1e-8, atol=1e-8)
            else:
                np.testing.assert_array_equal(b, a)
                np.testing.assert_array_equal(np.signbit(b), np.signbit(a))
    assert runs.call_count == 2, "the program did not take over"


@every_pass_set
@pytest.mark.parametrize("name", COMPOSED)
def test_values_and_gradients(name, passes):
    f, *makers = COMPOSED[name]

    def step(*inputs):
        outs = f(*inputs)
        outs = outs if isinstance(outs, tuple) else (outs,)
        losses = [
            (out * np.cos(np.arange(out.size) + k).reshape(out.shape)).sum()
            for k, out in enumerate(outs)
            if isinstance(out, tg.Tensor) and out.requires_grad
        ]
        if losses:
            sum(losses).backward()
        return outs, [getattr(t, "grad", None) for t in inputs]

    def arguments(call):
        rng = np.random.default_rng(call)
        arrays = [make(rng) for make in makers]
        return [tg.Tensor(a, requires_grad=True) if a.dtype.kind == "f" else a for a in arrays]

    compare(step, arguments, passes)


@every_pass_set
@pytest.mark.parametrize("kind", ["arrays", "tensors"])
@pytest.mark.parametrize("name", SECOND_ORDER)
def test_transforms(name, kind, passes):
    f, *makers = SECOND_ORDER[name]

    def arguments(call):
        rng = np.random.default_rng(call)
        arrays = [make(rng) for make in makers]
        return arrays if kind == "arrays" else [tg.Tensor(a) for a in arrays]

    compare(f, arguments, passes)


def test_backward_with_create_graph():
    def step(x):
        (x**3).sum().backward(create_graph=True)
        slope, x.grad = x.grad, None
        (slope * slope).sum().backward()
        return slope, x.grad

    def arguments(call):
        return [tg.Tensor(np.arange(3.0) + call, requires_grad=True)]

    for passes in (tg.PASSES, EXACT, ()):
        compare(step, arguments, passes)


@pytest.mark.parametrize(
    "pick",
    [lambda x: x[x > 0], lambda x: np.flatnonzero(x), lambda x: tg.compress(x > 0, x),
     lambda x: tg.unique(x), lambda x: tg.extract(x > 0, x)],
    ids=["mask", "flatnonzero", "compress", "unique", "extract"],
)  # fmt: skip
def test_sizes_that_depend_on_values(pick):
    compiled = tg.compile(lambda x: pick(x))
    with pytest.raises(tg.CompileError, match="would change from call to call"):
        compiled(tg.Tensor([1.0, -1.0, 2.0]))


def test_an_argument_mask_is_an_error_too():
    compiled = tg.compile(lambda x, mask: x[mask])
    with pytest.raises(tg.CompileError, match="mask"):
        compiled(tg.Tensor([1.0, -1.0]), np.array([True, False]))


def test_positions_out_of_range_raise_as_uncompiled():
    compiled = tg.compile(lambda x, i: (x[i], tg.take(x, i)))
    x = tg.Tensor([1.0, 2.0, 3.0])
    for _ in range(3):
        compiled(x, np.array([0, 2]))
    with pytest.raises(IndexError, match="out of bounds"):
        compiled(x, np.array([0, 3]))
    np.testing.assert_array_equal(compiled(x, np.array([-1, 1]))[0].numpy(), [3.0, 2.0])


@pytest.mark.parametrize("order", ["C", "F"])
def test_results_keep_their_layout_in_memory(order):
    """Sums follow the layout, so the last digits depend on it."""

    def step(x, w):
        hidden = tg.maximum(x.T @ w, 0.0)
        return (hidden**2).sum(), (tg.relu(hidden.T) * 0.3).sum(axis=0), hidden.T

    def arguments(call):
        rng = np.random.default_rng(call)
        arrays = rng.standard_normal((40, 30)), rng.standard_normal((40, 20))
        return [tg.Tensor(np.asarray(a, order=order)) for a in arrays]

    compare(step, arguments, EXACT)
