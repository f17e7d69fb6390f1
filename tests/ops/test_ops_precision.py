"""The errors of ops that do not round as NumPy's own functions: in ulps, against float64."""

import numpy as np
import pytest
from folded import folded
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygrad_np as tg

SINGLE = np.finfo(np.float32)


def ulps(values, exact):
    """The largest distance of float32 values from those in float64, in units in the last place."""
    exact = np.asarray(exact, np.float64)
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(np.asarray(values)[~finite], rounded[~finite])
    _, exponents = np.frexp(np.maximum(np.abs(exact[finite]), SINGLE.tiny))
    distance = np.abs(np.asarray(values, np.float64)[finite] - exact[finite])
    return np.max(distance / np.ldexp(SINGLE.eps, exponents - 1), initial=0)


# --- whole powers ---------------------------------------------------------------------------------

EXPONENTS = (-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5)
LIMITS = {3: 1.5, 4: 2, -2: 2, -3: 3.5, -4: 5}  # ulps; 1 for all others
MANY = arrays(np.float32, st.integers(0, 40), elements=st.floats(width=32))


@pytest.mark.parametrize("n", [*EXPONENTS, 3.0, 2.5])
@given(x=MANY)
def test_whole_powers(n, x):
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.float64), n)
        at_limit = np.abs(np.abs(exact) / SINGLE.max - 1) < 1e-6  # one rounding makes inf of it
        x, exact = x[~at_limit], exact[~at_limit]
        value = (tg.Tensor(x) ** n).numpy()
        same = np.power(x, np.float32(n))
    assert value.dtype == np.float32
    assert ulps(value, exact) <= LIMITS.get(n, 1)
    # Zeros and infinities with their signs, and nan where NumPy has it.
    special = ~np.isfinite(same) | (same == 0)
    np.testing.assert_array_equal(value[special], same[special])
    np.testing.assert_array_equal(np.signbit(value), np.signbit(same))


def test_powers_with_whole_values_are_exact():
    whole = np.arange(-50, 51)
    for dtype in (np.float32, np.float64):
        for n in (3, 4):
            value = tg.Tensor(whole.astype(dtype)) ** n
            np.testing.assert_array_equal(value.data, whole**n)


@folded
@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8, np.bool_, np.float16])
@pytest.mark.parametrize("n", [*EXPONENTS, 3.0, True])
def test_powers_of_other_dtypes_are_numpys(dtype, n):
    x = np.array([1, 2, 3]).astype(dtype)
    try:
        expected = x**n
    except (ValueError, TypeError, OverflowError) as error:
        with pytest.raises(type(error)):
            tg.Tensor(x) ** n
        return
    value = tg.Tensor(x) ** n
    assert value.dtype == expected.dtype
    np.testing.assert_array_equal(value.data, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", EXPONENTS)
def test_derivatives_of_powers(n, dtype):
    """To the third order, eager and compiled, of arrays and of one number."""
    for values in (np.array([-2.5, -1, 0.5, 3]), np.array(0.7)):
        x = values.astype(dtype)
        coefficient = 1.0

        def f(t):
            return t**n

        for order in range(4):
            y = f(tg.Tensor(x))
            power = float(n - order) if coefficient else 0
            expected = coefficient * x.astype(np.float64) ** power
            assert y.dtype == dtype
            np.testing.assert_allclose(y.data, expected, rtol=10 * np.finfo(dtype).eps)
            step = tg.compile(f)
            for _ in range(3):
                z = step(tg.Tensor(x))
            assert step.program
            np.testing.assert_array_equal(z.data, y.data)
            coefficient *= n - order
            f = tg.grad(lambda t, f=f: f(t).sum())
