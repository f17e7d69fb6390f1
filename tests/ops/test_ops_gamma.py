"""log Γ and its derivatives, x log(y): against SciPy, the standard library and known values."""

import math

import numpy as np
import pytest

import tinygrad_np as tg

EULER = 0.577215664901532860606
EVERYWHERE = np.concatenate([np.geomspace(1e-8, 1e8, 401), np.linspace(-9.9, -0.1, 34)])


def test_values_that_are_known():
    n = np.arange(1, 20)
    factorials = np.log([float(math.factorial(k - 1)) for k in n])
    np.testing.assert_allclose(tg.gammaln(n), factorials, rtol=1e-14, atol=1e-14)
    assert abs(tg.gammaln(0.5) - math.log(math.pi) / 2) < 1e-14
    assert abs(tg.digamma(1.0) + EULER) < 1e-14
    assert abs(tg.digamma(0.5) + EULER + 2 * math.log(2)) < 1e-14
    assert abs(tg.polygamma(1.0, 1) - math.pi**2 / 6) < 1e-14
    assert abs(tg.polygamma(1.0, 3) - math.pi**4 / 15) < 1e-13


def test_gammaln_is_that_of_the_standard_library():
    want = [math.lgamma(x) for x in EVERYWHERE]
    np.testing.assert_allclose(tg.gammaln(EVERYWHERE), want, rtol=1e-12, atol=1e-13)


def test_all_are_scipys():
    special = pytest.importorskip("scipy.special")
    x = EVERYWHERE
    np.testing.assert_allclose(tg.digamma(x), special.digamma(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(tg.polygamma(x, 1), special.polygamma(1, x), rtol=1e-11)
    positive = x[x > 0]
    for order in (2, 3, 5):
        want = special.polygamma(order, positive)
        np.testing.assert_allclose(tg.polygamma(positive, order), want, rtol=1e-13)
    a, b = np.meshgrid([0.0, 0.5, -2.0, np.nan], [0.0, 2.0, np.inf, np.nan])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(tg.xlogy(a, b), special.xlogy(a, b))


def test_poles_and_ends():
    np.testing.assert_array_equal(tg.gammaln([0.0, -1.0, np.inf, np.nan]), [np.inf] * 3 + [np.nan])
    np.testing.assert_array_equal(tg.digamma([-1.0, np.inf, np.nan]), [np.nan, np.inf, np.nan])
    assert tg.gammaln(np.float32(3)).dtype == np.float32
    with pytest.raises(ValueError, match="at least 1"):
        tg.polygamma(1.0, 0)


@pytest.mark.parametrize("function", [tg.gammaln, tg.digamma, lambda x: tg.polygamma(x, 2)])
def test_derivatives_of_both_orders(function):
    x = np.array([0.1, 0.7, 1.0, 2.5, 9.9, 30.0])
    tg.gradcheck(function, [x])
    tg.gradcheck(lambda t: tg.grad(lambda u: function(u).sum())(t), [x])
    if function is not tg.polygamma:
        tg.gradcheck(tg.gammaln, [np.array([-0.3, -2.5])])


def test_gradients_of_xlogy_where_x_is_0():
    x = tg.Tensor([0.0, 0.0, 2.0], requires_grad=True)
    y = tg.Tensor([0.0, 3.0, 4.0], requires_grad=True)
    tg.xlogy(x, y).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, math.log(3), math.log(4)])
    np.testing.assert_allclose(y.grad.numpy(), [0, 0, 0.5])
