"""Conventions where there is no derivative, and values at the ends of the floats."""

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg


def gradient(f, values, seed=None):
    x = tg.Tensor(np.array(values, dtype=float), requires_grad=True)
    out = f(x)
    out.backward(np.ones(out.shape) if seed is None else seed)
    return x.grad.tolist()


def second(f, value):
    x = tg.Tensor(float(value), requires_grad=True)
    f(x).backward(create_graph=True)
    slope = x.grad
    x.grad = None
    if slope.requires_grad:
        slope.backward()
    return 0.0 if x.grad is None else x.grad.item()


# --- kinks --------------------------------------------------------------------------------------


@folded
@pytest.mark.parametrize(
    ("f", "values", "expected"),
    [
        (tg.relu, [-1, 0, -0.0, 2], [0, 0, 0, 1]),
        (tg.abs, [-1, 0, -0.0, 2], [-1, 0, 0, 1]),
        (lambda x: x.clip(-1, 1), [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]),
        (lambda x: x.clip(-1, None), [-2, -1, 5], [0, 1, 1]),
        (lambda x: x.clip(None, 1), [-2, 1, 5], [1, 1, 0]),
        (lambda x: x.clip(1, -1), [-2, 0, 2], [0, 0, 0]),
        (tg.max, [1, 3, 3, 2], [0, 0.5, 0.5, 0]),
        (tg.min, [1, 1, 1, 2], [1 / 3, 1 / 3, 1 / 3, 0]),
        (lambda x: tg.maximum(x, 1.0), [0, 1, 2], [0, 0.5, 1]),
        (lambda x: tg.minimum(1.0, x), [0, 1, 2], [1, 0.5, 0]),
        (lambda x: tg.maximum(x, x), [0, 1], [1, 1]),
        (tg.std, [2, 2, 2], [0, 0, 0]),
        (tg.var, [2, 2, 2], [0, 0, 0]),
        (lambda x: x**0, [0, 2], [0, 0]),
        (lambda x: x**1, [0, 2], [1, 1]),
        (lambda x: x**2, [0, -3], [0, -6]),
        (lambda x: x**3.0, [0, -2], [0, 12]),
        (lambda x: x ** np.array([0, 1, 2]), [0, 0, 0], [0, 1, 0]),
        (lambda x: 0.0**x, [0, 1, 2], [0, 0, 0]),
        (tg.sign, [-1, 0, 1], None),
    ],
)
def test_gradient_at_kinks(f, values, expected):
    if expected is None:
        with pytest.raises(RuntimeError, match="nothing to do"):
            gradient(f, values)
        return
    assert gradient(f, values) == pytest.approx(expected, abs=0)


@folded
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), -1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("f", [tg.max, tg.min])
def test_ties_share_evenly_along_every_axis(f, axis, keepdims):
    x = tg.Tensor(np.full((2, 3), 7.0), requires_grad=True)
    f(x, axis, keepdims=keepdims).sum().backward()
    sharing = {None: 6, 0: 2, 1: 3, (0, 1): 6, -1: 3}[axis]
    np.testing.assert_allclose(x.grad.data, 1 / sharing, rtol=1e-15)


def test_clip_gives_the_limits_their_gradient():
    x = tg.Tensor([-3.0, -1.0, 0.0, 1.0, 3.0])
    low = tg.Tensor(-1.0, requires_grad=True)
    high = tg.Tensor(1.0, requires_grad=True)
    x.clip(low, high).backward([1, 2, 4, 8, 16])
    assert (low.grad.item(), high.grad.item()) == (1, 16)
    low.grad = high.grad = None
    x.clip(high, low).backward([1, 2, 4, 8, 16])  # lower limit above the upper: the upper wins
    assert (low.grad.item(), high.grad.item()) == (31, 0)


def test_the_exponent_has_gradient_0_at_base_0():
    x = tg.Tensor([0.0, 0.0, 2.0], requires_grad=True)
    y = tg.Tensor([0.0, 2.0, 0.0], requires_grad=True)
    (x**y).sum().backward()
    assert x.grad.tolist() == [0, 0, 0]
    assert y.grad.tolist() == [0, 0, np.log(2)]


def test_the_exponent_of_a_negative_base_has_no_gradient():
    y = tg.Tensor([2.0], requires_grad=True)
    with pytest.warns(RuntimeWarning, match="invalid value encountered in log"):
        (np.array([-2.0]) ** y).sum().backward()
    assert np.isnan(y.grad.item())


@pytest.mark.parametrize(
    ("f", "value", "expected"),
    [
        (tg.sqrt, 0, np.inf),
        (lambda x: x**0.5, 0, np.inf),
        (lambda x: x**-1, 0, -np.inf),
        (tg.log, 0, np.inf),
    ],
)
def test_an_infinite_slope_comes_with_a_warning(f, value, expected):
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert gradient(f, [value]) == [expected]


@pytest.mark.parametrize(
    ("f", "value", "expected"),
    [
        (lambda x: x**0, 0, 0),
        (lambda x: x**1, 0, 0),
        (lambda x: x**2, 0, 2),
        (lambda x: x**3, 0, 0),
        (tg.relu, 0, 0),
        (tg.abs, 0, 0),
        (lambda x: tg.maximum(x, 0.0), 0, 0),
        (lambda x: x.clip(0, 1), 0, 0),
        (lambda x: tg.relu(x) * x, 2, 2),
        (lambda x: tg.abs(x) * x, -3, -2),
        (lambda x: tg.maximum(x, 1) * x, 1, 1),
    ],
)
def test_second_derivative_at_kinks(f, value, expected):
    assert second(f, value) == expected


# --- the ends of the floats ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_family_is_stable(dtype):
    big = np.finfo(dtype).max / 4
    x = tg.Tensor(np.array([[big, -big, 0], [1000, 1001, -1000]], dtype), requires_grad=True)
    assert tg.softmax(x).tolist()[0] == [1, 0, 0]
    np.testing.assert_allclose(tg.softmax(x).data[1], [0.26894143, 0.7310586, 0], rtol=1e-6)
    np.testing.assert_allclose(
        tg.log_softmax(x).data[1], [-1.3132616, -0.3132617, -2001.3132617], rtol=1e-6
    )
    np.testing.assert_allclose(tg.logsumexp(x, axis=1).data, [big, 1001.3132617], rtol=1e-6)
    loss = tg.cross_entropy(x, [0, 1])
    assert loss.item() == pytest.approx(0.5 * 0.3132617, rel=1e-5)
    loss.backward()
    np.testing.assert_allclose(
        x.grad.data, [[0, 0, 0], [0.13447071, -0.13447071, 0]], rtol=1e-5, atol=1e-12
    )


def test_logsumexp_of_minus_infinity():
    assert tg.logsumexp(tg.Tensor([-np.inf, -np.inf])).item() == -np.inf
    assert gradient(tg.logsumexp, [-np.inf, -np.inf]) == [0, 0]
    assert gradient(tg.logsumexp, [-np.inf, 1.0]) == [0, 1]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_logsumexp_of_infinity_gives_the_finite_elements_no_gradient():
    """The weight of a finite element beside +inf is 0; that of inf itself is unknown."""
    assert tg.logsumexp(tg.Tensor([np.inf, 0.0])).item() == np.inf
    of_infinite, of_finite = gradient(tg.logsumexp, [np.inf, 0.0])
    assert of_finite == 0
    assert np.isnan(of_infinite) or of_infinite == 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_sigmoid_and_tanh_do_not_overflow(dtype):
    values = np.array([-np.inf, -1e4, -20, 0, 20, 1e4, np.inf], dtype)
    x = tg.Tensor(values, requires_grad=True)
    out = tg.sigmoid(x)
    assert out.dtype == dtype
    assert out.data[[0, 1, 3, 5, 6]].tolist() == [0, 0, 0.5, 1, 1]
    assert 0 < out.data[2] < 1e-8 or dtype == np.float16
    out.sum().backward()
    assert x.grad.data[[0, 1, 3, 5, 6]].tolist() == [0, 0, 0.25, 0, 0]
    assert gradient(tg.tanh, [-1e4, 0, 1e4]) == [0, 1, 0]


def test_nan_stays_nan():
    for f in (tg.relu, tg.abs, tg.exp, tg.sqrt, tg.tanh, tg.sigmoid, tg.max, tg.min, tg.sum):
        assert np.isnan(f(tg.Tensor([np.nan, 1.0])).data).any(), f.op.name
    assert np.isnan(tg.maximum(tg.Tensor(np.nan), 1.0).item())
    assert np.isnan(tg.clip(tg.Tensor(np.nan), 0, 1).item())


# --- dtypes: NumPy's, Python numbers weak -------------------------------------------------------

MIXES = {
    "t * 2": lambda t: t * 2,
    "2.5 * t": lambda t: 2.5 * t,
    "t ** 2": lambda t: t**2,
    "2 ** t": lambda t: 2**t,
    "t / 3": lambda t: t / 3,
    "1 - t": lambda t: 1 - t,
    "t + True": lambda t: t + True,
    "t * float64(2)": lambda t: t * np.float64(2),
    "float64(2) * t": lambda t: np.float64(2) * t,
    "float32(2) * t": lambda t: np.float32(2) * t,
    "int64(2) * t": lambda t: np.int64(2) * t,
    "t + int array": lambda t: t + np.arange(3),
    "int8 array + t": lambda t: np.arange(3, dtype=np.int8) + t,
    "t + float64 array": lambda t: t + np.ones(3),
    "t + list": lambda t: t + [1.0, 2.0, 3.0],
    "bool array * t": lambda t: np.array([True, False, True]) * t,
    "where(mask, t, 0)": lambda t: np.where(np.array([True, False, True]), t, 0),
    "where(mask, 0.5, t)": lambda t: np.where(np.array([True, False, True]), 0.5, t),
    "clip(t, 0, 1)": lambda t: np.clip(t, 0, 1),
    "maximum(t, 0)": lambda t: np.maximum(t, 0),
    "maximum(0.5, t)": lambda t: np.maximum(0.5, t),
    "mean": lambda t: np.mean(t),
    "var": lambda t: np.var(t),
    "std": lambda t: np.std(t),
    "sum": lambda t: np.sum(t) * 2 + 1,
    "t[0] * 2": lambda t: t[0, 0] * 2,
    "matmul": lambda t: t @ np.ones((3, 2), np.float32),
    "concatenate": lambda t: np.concatenate([t, np.ones((1, 3), np.float32)]),
    "stack": lambda t: np.stack([t, np.ones((2, 3))]),
    "t < 1": lambda t: t < 1,
    "(t > 1) * t": lambda t: (t > 1) * t,
    "0-d float16 * float32": lambda t: np.float16(2) * t,
}


@folded
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", MIXES)
def test_dtypes_are_numpys(name, dtype):
    f = MIXES[name]
    array = np.array([[1, 2, 3], [4, 5, 6]], dtype)
    x = tg.Tensor(array, requires_grad=True)
    expected = f(array)
    out = f(x)
    assert isinstance(out, tg.Tensor)
    assert out.dtype == expected.dtype
    np.testing.assert_array_equal(out.data, expected)
    if out.requires_grad:
        out.backward(np.ones(out.shape))
        assert x.grad.dtype == dtype
        assert x.grad.shape == array.shape


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("f", [tg.relu, tg.sigmoid, tg.softmax, tg.log_softmax, tg.logsumexp])
def test_composites_keep_the_dtype(f, dtype):
    for shape in ((3,), ()):
        x = tg.Tensor(np.ones(shape, dtype), requires_grad=True)
        out = f(x)
        assert out.dtype == dtype
        out.backward(np.ones(shape) if out.shape == shape else None, create_graph=True)
        assert x.grad.dtype == dtype


def test_cross_entropy_keeps_the_dtype():
    for dtype in (np.float16, np.float32, np.float64):
        x = tg.Tensor(np.ones((2, 3), dtype), requires_grad=True)
        loss = tg.cross_entropy(x, np.array([0, 2], np.uint8), label_smoothing=0.1)
        assert loss.dtype == dtype
        loss.backward()
        assert x.grad.dtype == dtype


def test_a_0d_result_stays_in_its_dtype_through_a_chain():
    x = tg.Tensor(np.float32(2), requires_grad=True)
    y = x
    for f in (lambda v: v * 2.5, tg.exp, tg.sigmoid, tg.relu, lambda v: v**2, tg.sum, lambda v: -v):
        y = f(y)
        assert y.dtype == np.float32
        assert y.shape == ()
    y.backward()
    assert x.grad.dtype == np.float32


# --- cross-entropy: every form of target --------------------------------------------------------


def test_cross_entropy_takes_any_integer_dtype():
    logits = np.random.default_rng(0).normal(size=(5, 3))
    labels = [0, 2, 1, 1, 0]
    expected = tg.cross_entropy(tg.Tensor(logits), labels).item()
    for dtype in (np.uint8, np.int8, np.uint16, np.int32, np.int64, np.uint64):
        assert tg.cross_entropy(tg.Tensor(logits), np.array(labels, dtype)).item() == expected
    assert tg.cross_entropy(logits, tg.Tensor(labels)).item() == expected
    onehot = np.eye(3, dtype=float)[labels]
    assert tg.cross_entropy(tg.Tensor(logits), onehot).item() == pytest.approx(expected, rel=1e-14)


def test_cross_entropy_gradient_in_the_books_order():
    """(p - onehot) * g / n, bit for bit: training is chaotic, one rounding changes the digits."""
    logits = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    labels = np.array([0, 2, 1, 1, 0, 2])
    x = tg.Tensor(logits, requires_grad=True)
    tg.cross_entropy(x, labels).backward()
    e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    d = e / np.sum(e, axis=1, keepdims=True)
    np.testing.assert_array_equal(tg.softmax(x).data, d)
    d[range(6), labels] -= 1
    np.testing.assert_array_equal(x.grad.data, d / 6)


def test_ignored_labels_do_not_count():
    logits = np.random.default_rng(0).normal(size=(4, 3))
    x = tg.Tensor(logits, requires_grad=True)
    loss = tg.cross_entropy(x, [0, -1, 2, -1], ignore_index=-1)
    loss.backward()
    some = tg.Tensor(logits[[0, 2]], requires_grad=True)
    same = tg.cross_entropy(some, [0, 2])
    same.backward()
    assert loss.item() == pytest.approx(same.item(), rel=1e-14)
    np.testing.assert_allclose(x.grad.data[[0, 2]], some.grad.data, rtol=1e-14)
    assert not x.grad.data[[1, 3]].any()
    with pytest.raises(ValueError, match="no predictions"):
        tg.cross_entropy(x, [-1, -1, -1, -1], ignore_index=-1)


@folded
@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "f2", "i8"])
@pytest.mark.parametrize("columns", [2, 3, 7, 8])
def test_short_rows_of_narrow_dtypes_are_reduced_as_numpy_does(dtype, columns):
    x = np.full((3, columns), 100).astype(dtype)
    for ours, numpys in ((tg.sum, np.sum), (tg.max, np.max), (tg.min, np.min)):
        got, want = ours(tg.Tensor(x), axis=1).data, numpys(x, axis=1)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("columns", range(1, 10))
def test_short_rows_are_summed_in_numpys_order(dtype, columns):
    """The shortcut by columns must give the same bits: the book's digits hang on them."""
    x = np.random.default_rng(0).standard_normal((500, columns)).astype(dtype)
    for layout in (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(tg.sum(layout, axis=1), np.add.reduce(layout, axis=1))
        np.testing.assert_array_equal(tg.sum(layout, axis=-1), np.sum(layout, axis=-1))
