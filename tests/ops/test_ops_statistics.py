"""Quantiles, covariances, integrals and slopes: NumPy's values, gradients by differences."""

import warnings

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 4, 5))
PLACES = np.sort(RNG.standard_normal(4))

REDUCTIONS = {
    "median": (np.median, ()),
    "quantile": (np.quantile, (0.3,)),
    "ends": (np.quantile, ([0.0, 1.0],)),
    "quantiles": (np.quantile, (np.array([[0, 0.25], [0.77, 1]]),)),
    "percentile": (np.percentile, (40,)),
}


@folded
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_order_statistics(name, axis, keepdims, dtype):
    function, args = REDUCTIONS[name]
    x = (10 * X).astype(dtype)
    want = function(x, *args, axis=axis, keepdims=keepdims)
    got = function(tg.Tensor(x), *args, axis=axis, keepdims=keepdims)
    assert isinstance(got, tg.Tensor)
    assert got.shape == want.shape
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-6 if dtype == np.float32 else 1e-14)
    if dtype == np.float64:
        tg.gradcheck(lambda t: function(t, *args, axis=axis, keepdims=keepdims), [x])


@pytest.mark.parametrize("name", REDUCTIONS)
def test_order_statistics_of_nan_and_of_nothing(name):
    function, args = REDUCTIONS[name]
    x = X.copy()
    x[0, 0, 0] = np.nan
    want = function(x, *args, axis=0)
    np.testing.assert_array_equal(function(tg.Tensor(x), *args, axis=0).numpy(), want)
    nothing = tg.Tensor(np.ones((2, 0)))
    if name == "median":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert np.isnan(np.median(nothing, axis=1).numpy()).all()
        return
    with pytest.raises(ValueError, match="no elements along axis 1"):
        function(nothing, *args, axis=1)


def test_shares_that_are_none():
    for q in (-0.1, 1.5, np.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            tg.quantile(X, q)


@pytest.mark.parametrize("named", [{}, {"rowvar": False}, {"bias": True}, {"ddof": 0}])
def test_cov(named):
    np.testing.assert_allclose(np.cov(tg.Tensor(X[0]), **named).numpy(), np.cov(X[0], **named))
    tg.gradcheck(lambda t: np.cov(t, **named), [X[0]])


def test_a_single_variable_and_correlations():
    np.testing.assert_allclose(np.cov(tg.Tensor(X[0, 0])).numpy(), np.cov(X[0, 0]))
    np.testing.assert_allclose(np.corrcoef(tg.Tensor(X[0])).numpy(), np.corrcoef(X[0]))
    assert np.corrcoef(tg.Tensor(X[0, 0])).item() == 1
    tg.gradcheck(tg.corrcoef, [X[0]])
    with pytest.raises(ValueError, match="one or two axes"):
        tg.cov(X)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_trapezoid(axis):
    trapezoid = getattr(np, "trapezoid", None) or np.trapz
    n = X.shape[axis]
    places = np.sort(RNG.standard_normal(n))
    for args in ((), (places,), (np.cumsum(np.abs(X), axis),)):
        want = trapezoid(X, *args, axis=axis)
        np.testing.assert_allclose(tg.trapezoid(tg.Tensor(X), *args, axis=axis).numpy(), want)
    want = trapezoid(X, dx=0.3, axis=axis)
    np.testing.assert_allclose(tg.trapezoid(X, dx=0.3, axis=axis), want)
    tg.gradcheck(lambda y, x: tg.trapezoid(y, x, axis=axis), [X, places])


@pytest.mark.parametrize(
    ("spacing", "named"),
    [
        ((), {}),
        ((0.3,), {}),
        ((0.1, 0.2, 0.3), {}),
        ((PLACES,), {"axis": 1}),
        ((), {"axis": (0, 1)}),
        ((2.0, np.arange(4.0) ** 2), {"axis": (2, 1)}),
    ],
)
def test_gradient(spacing, named):
    want, got = np.gradient(X, *spacing, **named), np.gradient(tg.Tensor(X), *spacing, **named)
    assert isinstance(got, tuple) == isinstance(want, (tuple, list))
    if not isinstance(got, tuple):
        want, got = [want], [got]
    for slopes, right in zip(got, want, strict=True):
        np.testing.assert_allclose(slopes.numpy(), right)
    tg.gradcheck(lambda t: tg.stack(_all(t, spacing, named)), [X])


def _all(t, spacing, named):
    slopes = tg.gradient(t, *spacing, **named)
    return slopes if isinstance(slopes, tuple) else [slopes]


def test_what_has_no_slope():
    with pytest.raises(ValueError, match="an axis of 1 values"):
        tg.gradient(np.ones((3, 1)))
    with pytest.raises(TypeError, match="2 spacings for 3 axes"):
        tg.gradient(X, 1.0, 2.0)
    with pytest.raises(ValueError, match="places for 4 values along axis 1"):
        tg.gradient(X, np.arange(3.0), axis=1)
