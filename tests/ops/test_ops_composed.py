"""Functions made of ops that PyTorch or SciPy has: values, gradients, edges and errors."""

import itertools

import numpy as np
import pytest

import tinygrad_np as tg

NAN, INF = np.nan, np.inf
RNG = np.random.default_rng(0)


def same_as_torch(ours, theirs, *arrays):
    """Values and gradients agree, for a loss with every element weighed apart."""
    torch = pytest.importorskip("torch")
    own = [tg.Tensor(a, requires_grad=True) for a in arrays]
    other = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, right = ours(*own), theirs(*other)
    np.testing.assert_allclose(out.numpy(), right.detach(), rtol=1e-12, atol=1e-14)
    weights = RNG.standard_normal(out.shape)
    (out * weights).sum().backward()
    (right * torch.tensor(weights)).sum().backward()
    for a, b in zip(own, other):
        if b.grad is not None:
            np.testing.assert_allclose(a.grad.numpy(), b.grad, rtol=1e-10, atol=1e-13)


# --- arithmetic ---------------------------------------------------------------------------------


@pytest.mark.oracle
def test_arithmetic_with_names():
    torch = pytest.importorskip("torch")
    x, y, z = RNG.standard_normal((3, 2, 4))
    z = z + 3 * np.sign(z)
    same_as_torch(tg.lerp, torch.lerp, x, y, np.linspace(-0.2, 1.2, 4))
    same_as_torch(tg.addcmul, torch.addcmul, x, y, z)
    same_as_torch(
        lambda *a: tg.addcmul(*a, value=0.3), lambda *a: torch.addcmul(*a, value=0.3), x, y, z
    )
    same_as_torch(
        lambda *a: tg.addcdiv(*a, value=-2), lambda *a: torch.addcdiv(*a, value=-2), x, y, z
    )
    same_as_torch(tg.logsigmoid, torch.nn.functional.logsigmoid, 300 * x)
    same_as_torch(
        lambda x: tg.softplus(x, 2.0, threshold=20),
        lambda x: torch.nn.functional.softplus(x, 2.0),
        20 * x,
    )
    linear = torch.nn.functional.linear
    weight, bias = RNG.standard_normal((4, 3)), RNG.standard_normal(3)
    same_as_torch(tg.linear, lambda x, w, b: linear(x, w.T, b), x, weight, bias)
    same_as_torch(tg.linear, lambda x, w: linear(x, w.T), x, weight)


def test_lerp_reaches_its_ends():
    x, y = np.float32([1e10, 1]), np.float32([1, 1e10])
    assert tg.lerp(x, y, 1.0).tolist() == y.tolist()
    assert tg.lerp(x, y, 0.0).tolist() == x.tolist()
    assert tg.lerp(tg.Tensor(x), y, 0.25).dtype == np.float32


# --- running ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum, np.logaddexp])
def test_accumulate(ufunc):
    x = RNG.standard_normal((3, 4))
    t = tg.Tensor(x, requires_grad=True)
    for out, right in (
        (ufunc.accumulate(t), ufunc.accumulate(x)),
        (ufunc.accumulate(t, axis=-1), ufunc.accumulate(x, axis=-1)),
        (ufunc.accumulate(t[:0]), x[:0]),
    ):
        np.testing.assert_array_equal(out.numpy(), right)
    with pytest.raises(TypeError, match="single number"):
        ufunc.accumulate(t[0, 0])
    with pytest.raises(np.exceptions.AxisError):
        ufunc.accumulate(t, axis=2)


def test_running_extremes_with_ties_and_nan():
    x = tg.Tensor([1.0, 3.0, 3.0, 2.0, 3.0, 4.0, 3.0], requires_grad=True)
    tg.cummax(x).backward(np.array([1.0, 2, 4, 8, 12, 32, 64]))
    # The threes are 1, 2, 2 and 3 at their places: 2, 4/2, 8/2 and 12/3.
    np.testing.assert_allclose(x.grad.numpy(), [1, 12, 10, 0, 4, 96, 0])
    x = tg.Tensor([[1.0, NAN, 5.0, NAN]], requires_grad=True)
    out = tg.cummin(x, axis=1)
    np.testing.assert_array_equal(out.numpy(), [[1, NAN, NAN, NAN]])
    out.backward(np.array([[1.0, 2, 4, 8]]))
    np.testing.assert_array_equal(x.grad.numpy(), [[1, 2 + 4 + 4, 0, 4]])


def test_running_logarithms_do_not_overflow():
    x = np.array([-INF, -1e4, 0.0, 1e4, 0.0, -INF])
    t = tg.Tensor(x, requires_grad=True)
    out = tg.logcumsumexp(t)
    np.testing.assert_array_equal(out.numpy(), [-INF, -1e4, 0, 1e4, 1e4, 1e4])
    out.backward(np.array([1.0, 2, 4, 8, 16, 32]))
    np.testing.assert_array_equal(t.grad.numpy(), [0, 2, 4, 56, 0, 0])
    assert tg.gradcheck(tg.logcumsumexp, [RNG.standard_normal((4, 2))], order=2)


# --- axes ---------------------------------------------------------------------------------------


def test_windows_along_any_axes():
    x = RNG.standard_normal((3, 5, 4))
    numpy = np.lib.stride_tricks.sliding_window_view
    for args in (((2, 3, 1),), (2, 1), ((2, 2), (2, 0)), (5, -2), ((2, 3), (1, 1))):
        t = tg.Tensor(x, requires_grad=True)
        out = numpy(t, *args)
        right = numpy(x, *args)
        np.testing.assert_array_equal(out.numpy(), right)
        weights = RNG.standard_normal(right.shape)
        (out * weights).sum().backward()
        places = numpy(np.arange(x.size).reshape(x.shape), *args)
        expected = np.bincount(places.reshape(-1), weights.reshape(-1), x.size).reshape(x.shape)
        np.testing.assert_allclose(t.grad.numpy(), expected, rtol=1e-12, atol=1e-13)
    assert tg.sliding_window_view(x[:, :0], 2, 0).shape == (2, 0, 4, 2)
    with pytest.raises(ValueError, match=r"x: .*\(3, 5, 4\).*no windows of 4 of 3 elements"):
        tg.sliding_window_view(x, 4, 0)
    with pytest.raises(ValueError, match="1 lengths for 3 axes"):
        tg.sliding_window_view(x, 2)


@pytest.mark.oracle
def test_the_hint_for_unfold():
    torch = pytest.importorskip("torch")
    x = RNG.standard_normal((2, 7))
    same_as_torch(
        lambda t: tg.sliding_window_view(t, 3, 1)[:, ::2],
        lambda t: t.unfold(1, 3, 2),
        x,
    )
    assert torch is not None


@pytest.mark.oracle
def test_matrices_of_diagonals():
    torch = pytest.importorskip("torch")
    x = RNG.standard_normal((2, 3))
    for options in ((), (1,), (-2,), (0, 0, 1), (1, 0, -1), (-1, 2, 0)):
        same_as_torch(
            lambda t, options=options: tg.diag_embed(t, *options),
            lambda t, options=options: torch.diag_embed(t, *options),
            x,
        )
    assert tg.diag_embed(np.array([NAN, 1.0]))[1].tolist() == [0, 1]  # nothing spreads
    assert tg.diag_embed(np.zeros((2, 0), np.float32), 1).shape == (2, 1, 1)
    with pytest.raises(ValueError, match="0-d"):
        tg.diag_embed(1.0)


def test_triangular_systems():
    linalg = pytest.importorskip("scipy.linalg")
    a = RNG.standard_normal((4, 4)) + 4 * np.eye(4)
    for b, trans, lower, unit in itertools.product(
        (RNG.standard_normal(4), RNG.standard_normal((4, 2))),
        (0, "T"),
        (False, True),
        (False, True),
    ):
        options = {"trans": trans, "lower": lower, "unit_diagonal": unit}
        right = linalg.solve_triangular(a, b, **options)
        np.testing.assert_allclose(tg.solve_triangular(a, b, **options), right, rtol=1e-12)
        assert tg.gradcheck(lambda a, b, o=options: tg.solve_triangular(a, b, **o), [a, b])
    with pytest.raises(np.linalg.LinAlgError):
        tg.solve_triangular(np.triu(np.ones((2, 2)), 1), np.ones(2))
    with pytest.raises(ValueError, match="trans must be"):
        tg.solve_triangular(a, b, trans=3)


# --- order --------------------------------------------------------------------------------------


def test_decreasing_order():
    x = np.array([[2.0, NAN, 3.0, 2.0], [1.0, 1.0, 0.0, 5.0]])
    t = tg.Tensor(x, requires_grad=True)
    out = tg.sort(t, descending=True)
    np.testing.assert_array_equal(out.numpy(), [[NAN, 3, 2, 2], [5, 1, 1, 0]])
    assert tg.argsort(t, descending=True).tolist() == [[1, 2, 0, 3], [3, 0, 1, 2]]
    out.backward(np.arange(8.0).reshape(2, 4))
    assert t.grad.tolist() == [[2, 0, 1, 3], [5, 6, 7, 4]]
    assert tg.argsort(x[1], None, descending=True).tolist() == [3, 0, 1, 2]
    assert tg.argsort(x.T, 0, descending=True)[:, 1].tolist() == [3, 0, 1, 2]
    assert tg.sort(np.zeros((2, 0)), descending=True).shape == (2, 0)


def test_the_smallest_elements():
    x = np.array([[2.0, NAN, 1.0, 2.0], [1.0, 1.0, 0.0, 5.0]])
    t = tg.Tensor(x, requires_grad=True)
    values, positions = tg.topk(t, 2, largest=False)
    assert values.tolist() == [[1, 2], [0, 1]]
    assert positions.tolist() == [[2, 0], [2, 0]]
    values.backward(np.array([[1.0, 2], [3, 4]]))
    assert t.grad.tolist() == [[2, 0, 1, 0], [4, 0, 3, 0]]
    assert tg.topk(x, 0, largest=False)[0].shape == (2, 0)


# --- values at the same place -------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
def test_scatter_reduce(reduce, include_self):
    torch = pytest.importorskip("torch")
    x, src = RNG.standard_normal((4, 5)), RNG.standard_normal((3, 7))
    src[0, 0] = src[1, 2] = 0  # in a product
    for axis, index in (
        (0, RNG.integers(0, 4, (3, 5))),
        (1, RNG.integers(0, 5, (3, 6))),
        (-1, np.zeros((2, 7), int)),
        (0, np.zeros((0, 3), int)),
    ):

        def ours(x, src, axis=axis, index=index):
            return tg.scatter_reduce(x, axis, index, src, reduce, include_self)

        def theirs(x, src, axis=axis, index=index):
            places = torch.tensor(index)
            src = src[: len(index), : index.shape[1]]  # its backward takes no longer one
            return x.scatter_reduce(axis, places, src, reduce, include_self=include_self)

        same_as_torch(ours, theirs, x, src)
    if reduce == "prod":
        assert tg.gradcheck(ours, [x, src], order=2)


def test_scatter_reduce_of_other_kinds():
    zeros, index = np.zeros(3, np.int64), np.array([0, 0, 2])
    src = np.array([-5, -3, 7])
    assert tg.scatter_reduce(zeros, 0, index, src, "amax", False).tolist() == [-3, 0, 7]
    assert tg.scatter_reduce(zeros, 0, index, src, "prod", False).tolist() == [15, 0, 7]
    many = np.ones(70_000, np.float16)
    out = tg.scatter_reduce(np.zeros(1, np.float16), 0, np.zeros(70_000, int), many, "mean")
    assert out.dtype == np.float16
    tied = tg.Tensor([2.0, 2.0], requires_grad=True)
    before = tg.Tensor([2.0], requires_grad=True)
    tg.scatter_reduce(before, 0, [0, 0], tied, "amax").backward(np.ones(1))
    np.testing.assert_allclose([*before.grad.numpy(), *tied.grad.numpy()], 1 / 3)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"reduce": "max"}, ValueError, "reduce must be one of sum, prod, mean, amax, amin"),
        ({"index": [0, 3]}, ValueError, r"index 3 at \(1,\)"),
        ({"index": [0.0]}, TypeError, "must be an integer, not float64"),
        ({"index": [[0]]}, ValueError, "the same number of axes"),
        ({"index": [0, 0, 0]}, ValueError, "the index is too long along axis 0"),
        ({"axis": 1}, np.exceptions.AxisError, "axis 1"),
    ],
)
def test_scatter_reduce_refuses(change, error, text):
    arguments = {"x": np.zeros(3), "axis": 0, "index": [0, 1], "src": np.ones(2), "reduce": "sum"}
    with pytest.raises(error, match=text):
        tg.scatter_reduce(**(arguments | change))


# --- samples ------------------------------------------------------------------------------------


def test_samples_have_their_probabilities():
    rng = np.random.default_rng(0)
    weights = np.array([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]])
    picks = tg.multinomial(weights, 20_000, replacement=True, rng=rng)
    assert picks.shape == (2, 20_000)
    assert picks.dtype == np.int64
    shares = np.stack([np.bincount(row, minlength=3) for row in picks.numpy()]) / 20_000
    np.testing.assert_allclose(shares, [[0.25, 0, 0.75], [0.5, 0.5, 0]], atol=0.02)
    logits = np.log(np.maximum(weights, 1e-300)).astype(np.float32)
    classes = tg.categorical(tg.Tensor(logits), size=(20_000, 2), rng=rng).numpy()
    shares = np.stack([np.bincount(column, minlength=3) for column in classes.T]) / 20_000
    np.testing.assert_allclose(shares, [[0.25, 0, 0.75], [0.5, 0.5, 0]], atol=0.02)
    # Without replacement: the chance of the order 0, 1, 2 is w0/1 · w1/(w1 + w2).
    orders = tg.multinomial(np.tile([0.5, 0.3, 0.2], (20_000, 1)), 3, rng=rng).numpy()
    assert (np.sort(orders, axis=1) == [0, 1, 2]).all()
    assert abs((orders == [0, 1, 2]).all(axis=1).mean() - 0.5 * 0.6) < 0.02


def test_samples_can_be_repeated_and_compiled():
    logits = RNG.standard_normal((2, 3, 4))
    tg.manual_seed(3)
    first = tg.categorical(logits, axis=1)
    tg.manual_seed(3)
    assert first.shape == (2, 4)
    assert (tg.categorical(logits, axis=1) == first).all()
    program = tg.compile(lambda x, rng: (tg.categorical(x, rng=rng), tg.categorical(x, rng=rng)))
    a, b = (np.random.default_rng(5) for _ in range(2))
    for _ in range(3):
        for own, eager in zip(program(logits, a), (tg.categorical(logits, rng=b) for _ in "12")):
            assert (own == eager).all()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: tg.multinomial([0.5, -0.1], 1), ValueError, "finite and not negative"),
        (lambda: tg.multinomial([0.5, NAN], 1), ValueError, "finite and not negative"),
        (lambda: tg.multinomial([0.0, 0.0], 1, True), ValueError, "1 positive weights"),
        (lambda: tg.multinomial([1.0, 0.0], 2), ValueError, "2 positive weights"),
        (lambda: tg.multinomial(1.0, 1), ValueError, "need an axis of classes"),
        (lambda: tg.multinomial([1.0], 1, rng=3), TypeError, "rng must be a NumPy Generator"),
        (lambda: tg.categorical([1, 2]), TypeError, "needs floats"),
        (lambda: tg.categorical(np.zeros((2, 3)), size=3), ValueError, r"to end in \(2,\)"),
        (lambda: tg.categorical(np.zeros((2, 0))), ValueError, "0 classes"),
    ],
)
def test_samples_refuse(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_all_compile():
    """The same numbers from a compiled function, with data that changes."""
    index = np.array([[0, 1, 1], [1, 0, 1]])

    def f(x):
        parts = [
            tg.cummax(x, 1),
            tg.logcumsumexp(x),
            tg.sliding_window_view(x, 2, 1),
            tg.diag_embed(x),
            tg.sort(x, descending=True),
            tg.topk(x, 2, largest=False)[0],
            tg.lerp(x, 1.0, 0.3),
            *(tg.scatter_reduce(x, 0, index, x, r) for r in ("prod", "mean", "amin")),
        ]
        return sum((p**2).sum() for p in parts)

    program = tg.compile(tg.grad(f))
    for _ in range(4):
        x = RNG.standard_normal((2, 3))
        np.testing.assert_allclose(program(x), tg.grad(f)(x), rtol=1e-12)
