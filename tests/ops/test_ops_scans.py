"""Products with zeros, running sums and products, differences, averages, nan-aware reductions."""

import itertools

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long


def leaf(values):
    return tg.Tensor(np.array(values, float), requires_grad=True)


def weights(shape):
    return np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape)


def products_of_the_others(row):
    return [np.prod([v for j, v in enumerate(row) if j != i]) for i in range(len(row))]


# --- products -------------------------------------------------------------------------------------

ZEROS = [[], [1], [0, 3], [0, 1, 2], [0, 1, 2, 3]]


@pytest.mark.parametrize("zeros", ZEROS, ids=len)
def test_prod_with_zeros(zeros):
    row = np.array([2.0, -3.0, 0.5, 5.0])
    row[zeros] = 0
    x = leaf(row)
    x.prod().backward(create_graph=True)
    np.testing.assert_allclose(x.grad.data, products_of_the_others(row), rtol=1e-15)
    first, x.grad = x.grad, None
    direction = np.array([1.0, 10.0, 100.0, 1000.0])
    (first * direction).sum().backward(create_graph=True)
    second = [
        sum(direction[j] * np.prod(np.delete(row, [i, j])) for j in range(len(row)) if j != i)
        for i in range(len(row))
    ]
    np.testing.assert_allclose(x.grad.data, second, rtol=1e-14)
    third, x.grad = x.grad.sum(), None
    third.backward()
    expected = [
        sum(
            direction[j] * np.prod(np.delete(row, [i, j, k]))
            for j, k in itertools.permutations(range(len(row)), 2)
            if i not in (j, k)
        )
        for i in range(len(row))
    ]
    np.testing.assert_allclose(x.grad.data, expected, rtol=1e-14)


def test_prod_does_not_divide():
    """By an element that is tiny: out / x would be 0 / 1e-200."""
    x = leaf([1e-200, 1e-200, 1e150])
    x.prod().backward()
    np.testing.assert_allclose(x.grad.data, [1e-50, 1e-50, 0], rtol=1e-12)


@pytest.mark.parametrize("zeros", ZEROS, ids=len)
def test_cumprod_with_zeros(zeros):
    row = np.array([2.0, -3.0, 0.5, 5.0])
    row[zeros] = 0
    g = np.array([1.0, 10.0, 100.0, 1000.0])
    x = leaf(row)
    x.cumprod().backward(g)
    expected = [
        sum(g[k] * np.prod(np.delete(row[: k + 1], i)) for k in range(i, 4)) for i in range(4)
    ]
    np.testing.assert_allclose(x.grad.data, expected, rtol=1e-14)
    assert tg.gradcheck(lambda x: x.cumprod(), [row], order=2)


def test_empty_products_and_sums():
    for f, neutral in ((tg.prod, 1), (tg.nanprod, 1), (tg.nansum, 0)):
        x = tg.Tensor(np.zeros((2, 0)), requires_grad=True)
        out = f(x, axis=1)
        assert out.tolist() == [neutral, neutral]
        out.sum().backward()
        assert x.grad.shape == (2, 0)
    for f in (tg.cumsum, tg.cumprod):
        x = tg.Tensor(np.zeros((0, 3)), requires_grad=True)
        out = f(x, axis=0)
        out.backward(np.zeros((0, 3)))
        assert out.shape == x.grad.shape == (0, 3)
        assert f(tg.Tensor(np.zeros((0, 3)))).shape == (0,)


def test_accumulate_and_reduce():
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = leaf(a)
    for ufunc in (np.add, np.multiply):
        got = ufunc.accumulate(x)
        np.testing.assert_array_equal(got.data, ufunc.accumulate(a))
        assert got.requires_grad
    assert np.multiply.reduce(x).tolist() == [3, 8]


def test_integers_and_booleans():
    mask = tg.Tensor([[True, False], [True, True]])
    assert mask.cumsum(axis=0).tolist() == [[1, 0], [2, 1]]
    assert mask.cumsum().dtype == np.cumsum(mask.data).dtype
    assert tg.prod(tg.Tensor([2, 3], dtype=np.int8)).dtype == np.int_
    assert tg.diff(mask).tolist() == [[True], [False]]


def test_a_long_running_product():
    x = tg.Tensor(1 + 1e-3 * weights((20000,)), requires_grad=True)
    x.cumprod().sum().backward()
    ones = x.data.cumprod()
    np.testing.assert_allclose(x.grad.data, ones[::-1].cumsum()[::-1] / x.data, rtol=1e-10)


# --- differences ----------------------------------------------------------------------------------

A = weights((3, 4, 5))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n": 2},
        {"n": 0},
        {"n": 9},
        {"axis": 0},
        {"axis": 1, "prepend": 0},
        {"axis": -2, "append": 1.5, "n": 2},
        {"prepend": A[..., :2], "append": 3},
    ],
)
def test_diff(options):
    expected = np.diff(A, **options)
    for diff in (np.diff, tg.diff):
        x = leaf(A)
        out = diff(x, **options)
        np.testing.assert_array_equal(out.data, expected)
    np.testing.assert_array_equal(tg.diff(A, **options), expected)
    np.testing.assert_array_equal(tg.Tensor(A).diff(**options).data, expected)
    if expected.size:
        assert tg.gradcheck(lambda x: tg.diff(x, **options), [A], order=2)


def test_diff_reaches_what_is_put_before():
    x, start = leaf([1.0, 3.0, 6.0]), leaf(0.5)
    out = tg.diff(x, prepend=start)
    assert out.tolist() == [0.5, 2, 3]
    (out * [1, 10, 100]).sum().backward()
    assert start.grad.item() == -1
    assert x.grad.tolist() == [-9, -90, 100]


# --- composed reductions --------------------------------------------------------------------------

AXES = [{}, {"axis": 0}, {"axis": (0, 2)}, {"axis": -1, "keepdims": True}]


@pytest.mark.parametrize("options", AXES, ids=str)
def test_ptp(options):
    out = np.ptp(leaf(A), **options)
    np.testing.assert_array_equal(out.data, np.ptp(A, **options))
    x = leaf([3.0, 1.0, 3.0, 1.0, 2.0])
    tg.ptp(x).backward()
    assert x.grad.tolist() == [0.5, -0.5, 0.5, -0.5, 0]


@pytest.mark.parametrize(
    ("weights_shape", "options"),
    [
        (None, {}),
        (None, {"axis": (0, 2)}),
        ((3, 4, 5), {}),
        ((3, 4, 5), {"axis": 1}),
        ((4,), {"axis": 1}),
        ((5,), {"axis": -1, "keepdims": True}),
        ((3, 5), {"axis": (0, 2)}),
        ((5, 3), {"axis": (2, 0)}),
    ],
)
def test_average(weights_shape, options):
    w = None if weights_shape is None else 1.5 + weights(weights_shape)
    x = leaf(A)
    for average in (np.average, tg.average):
        out, total = average(x, weights=w, returned=True, **options)
        full = w
        if weights_shape not in (None, (3, 4, 5)):  # written out: NumPy learnt tuples in 2.3
            axis = np.atleast_1d(options["axis"]) % 3
            full = w.transpose(np.argsort(axis))
            lengths = [A.shape[a] if a in axis else 1 for a in range(3)]
            full = np.broadcast_to(full.reshape(lengths), A.shape)
        want, want_total = np.average(A, weights=full, returned=True, **options)
        np.testing.assert_allclose(out.data, want, rtol=1e-13)
        np.testing.assert_allclose(np.asarray(total.data), want_total, rtol=1e-13)
    if w is None:
        assert tg.gradcheck(lambda x: tg.average(x, **options), [A], order=2)
    else:
        assert tg.gradcheck(lambda x, w: tg.average(x, weights=w, **options), [A, w], order=2)


@folded
@pytest.mark.parametrize("options", AXES, ids=str)
@pytest.mark.parametrize("name", ["nansum", "nanprod", "nanmean", "nanmax", "nanmin"])
def test_without_regard_to_nan(name, options):
    a = A.copy()
    a[0, 1, 2] = a[2, 3, 4] = a[1, 0, 0] = np.nan
    x = leaf(a)
    out = getattr(np, name)(x, **options)
    expected = getattr(np, name)(a, **options)
    np.testing.assert_allclose(out.data, expected, rtol=1e-13)
    np.testing.assert_allclose(getattr(tg, name)(a, **options), expected, rtol=1e-13)
    out.backward(np.ones(out.shape))
    assert np.isfinite(x.grad.data).all()
    assert not x.grad.data[np.isnan(a)].any()
    assert x.grad.data.any()


def test_nothing_but_nan():
    a = np.array([[np.nan, np.nan], [1.0, np.nan]])
    x = leaf(a)
    assert tg.nansum(x, axis=1).tolist() == [0, 1]
    assert tg.nanprod(x, axis=1).tolist() == [1, 1]
    for f in (tg.nanmax, tg.nanmin):
        np.testing.assert_array_equal(f(x, axis=1).data, [np.nan, 1])
    with pytest.warns(RuntimeWarning, match="invalid value"):
        np.testing.assert_array_equal(tg.nanmean(x, axis=1).data, [np.nan, 1])


def test_nanmean_keeps_float32():
    assert tg.nanmean(tg.Tensor(np.ones((2, 3), np.float32)), axis=0).dtype == np.float32
    assert tg.nanmax(tg.Tensor(np.ones((2, 3), np.float32)), axis=0).dtype == np.float32


# --- positions, counts and truths as methods ------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"axis": 1}, {"axis": 0, "keepdims": True}], ids=str)
@pytest.mark.parametrize("name", ["all", "any", "argmax", "argmin", "count_nonzero"])
def test_plain_methods(name, options):
    a = np.array([[0.0, 2.0, 1.0], [3.0, 0.0, 3.0]])
    expected = getattr(np, name)(a, **options)
    for got in (getattr(leaf(a), name)(**options), getattr(tg, name)(leaf(a), **options)):
        if name == "count_nonzero" and not options:
            assert got == 4
            continue
        assert isinstance(got, tg.Tensor)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got.data, expected)
    bare = getattr(tg, name)(a, **options)
    assert not isinstance(bare, tg.Tensor)
    np.testing.assert_array_equal(bare, expected)


# --- bad input ------------------------------------------------------------------------------------


@folded
@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda t: t.prod(axis=2), np.exceptions.AxisError, "prod.*axis 2 is out of bounds"),
        (lambda t: t.prod(axis=(0, 0)), ValueError, "prod.*duplicate"),
        (lambda t: t.prod(axis="rows"), TypeError, "prod"),
        (lambda t: t.prod(initial=2), TypeError, "no argument 'initial'"),
        (lambda t: t.cumsum(axis=2), np.exceptions.AxisError, "cumsum.*axis 2 is out of bounds"),
        (lambda t: t.cumsum(axis=(0, 1)), TypeError, "axis must be None or an integer"),
        (lambda t: t.cumprod(axis=0.5), TypeError, "axis must be None or an integer"),
        (lambda t: t.cumprod(axis=True), TypeError, "axis must be None or an integer"),
        (lambda t: tg.cumsum(t[0, 0], axis=1), np.exceptions.AxisError, "cumsum"),
        (lambda t: t.diff(n=-1), ValueError, "not negative, not -1"),
        (lambda t: t.diff(n=1.5), ValueError, "integer and not negative, not 1.5"),
        (lambda t: t[0, 0].diff(), ValueError, "at least one axis"),
        (lambda t: t.diff(axis=5), np.exceptions.AxisError, "axis 5"),
        (lambda t: t.diff(prepend=[1.0, 2.0]), ValueError, "concatenate"),
        (
            lambda t: t.average(weights=[1.0, 2.0]),
            ValueError,
            r"weights: array \(2,\) float64\): the weights fit neither",
        ),
        (
            lambda t: t.average(axis=1, weights=[1.0, 2.0]),
            ValueError,
            r"weights fit neither x nor its axis 1",
        ),
        (lambda t: t.average(axis=0, weights=[1.0, -1.0]), ZeroDivisionError, "sum to zero"),
        (lambda t: t.argmax(axis=2), np.exceptions.AxisError, "axis 2"),
        (lambda t: t.nansum(axis=2), np.exceptions.AxisError, "axis 2"),
        (lambda t: tg.prod("abc"), TypeError, "numbers"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call(leaf([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
