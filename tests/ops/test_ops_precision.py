"""The errors of ops that do not round as NumPy's own functions: in ulps, against float64."""

import math

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


# --- the error function and gelu in float32 -------------------------------------------------------


def each(f):
    """The function of Python's math module, of each element, in float64."""
    return lambda x: np.reshape([f(float(v)) for v in x.flat], x.shape)


erf, erfc = each(math.erf), each(math.erfc)


def gelu(x):
    x = x.astype(np.float64)
    tail = 0.5 * erfc(np.abs(x) * math.sqrt(0.5))
    return x * np.where(x > 0, 1 - tail, tail)


def gelu_slope(x):
    x = x.astype(np.float64)
    return 0.5 * erfc(-x * math.sqrt(0.5)) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


GRID = np.linspace(-14, 14, 2 * 32768 + 5).astype(np.float32)  # more than one block
TINY = np.geomspace(1e-42, 1, 500).astype(np.float32)
POINTS = np.concatenate([GRID, TINY, -TINY, np.float32([0, -0.0, 1e20, 3e38, np.inf, np.nan])])


@pytest.mark.parametrize(("name", "exact", "limit"), [("erf", erf, 4), ("erfc", erfc, 9)])
def test_error_functions_in_float32(name, exact, limit):
    f = getattr(tg, name)
    value = f(POINTS)
    assert value.dtype == np.float32
    assert ulps(value, exact(POINTS)) <= limit
    assert ulps(f(-POINTS), exact(-POINTS)) <= limit
    assert np.abs(f(POINTS)[:-1]).max() <= (1 if name == "erf" else 2)
    assert np.copysign(1, tg.erf(np.float32(-0.0))) == -1
    assert (tg.erfc(np.float32(0)), tg.erfc(np.float32(20))) == (1, 0)


def test_gelu_in_float32():
    for x in (POINTS, -POINTS[~np.isinf(POINTS)]):
        leaf = tg.Tensor(x, requires_grad=True)
        y = tg.gelu(leaf)
        near = ~(x < -2)
        assert y.dtype == np.float32
        assert ulps(y.data[near], gelu(x)[near]) <= 7
        far, exact = x[~near].astype(np.float64), gelu(x)[~near]
        error = np.abs(y.data[~near] - exact)
        assert np.all(error <= np.maximum(np.abs(exact) * far**2 * 2e-7, 1e-43))
        y.sum().backward()
        finite = np.isfinite(x)
        slope = gelu_slope(x[finite])
        np.testing.assert_allclose(leaf.grad.data[finite], slope, atol=3e-7)
    leaf = tg.Tensor(np.float32(np.inf), requires_grad=True)
    tg.gelu(leaf).backward()
    assert leaf.grad.item() == 1


@folded
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", [tg.erf, tg.erfc, tg.gelu])
def test_programs_of_error_functions(f, dtype):
    """As many statements for any size, no guards, the bits of eager mode, to the second order."""

    def step(x):
        y = f(x)
        slope = tg.grad(lambda t: f(t).sum())
        return y, slope(x), tg.grad(lambda t: slope(t).sum())(x)

    sizes = set()
    for n in (5, 33_000):
        x = tg.Tensor(np.linspace(-6, 6, n).astype(dtype))
        compiled = tg.compile(step)
        for _ in range(3):
            values = compiled(x)
        for value, eager in zip(values, step(x)):
            np.testing.assert_array_equal(value.data, eager.data)
        statements = compiled.program.statements
        assert not any(s.kind == "guard" for s in statements)
        sizes.add(len(statements))
        if dtype == np.float32:
            forward = tg.compile(f)
            for _ in range(3):
                forward(x)
            assert len(forward.program.statements) < 45
    assert len(sizes) == 1


# --- sigmoid -------------------------------------------------------------------------------------


@given(x=MANY)
def test_sigmoid_in_float32(x):
    with np.errstate(over="ignore"):
        exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    assert ulps(tg.sigmoid(x), exact) <= 3
    wide = tg.sigmoid(x.astype(np.float64))
    np.testing.assert_allclose(wide, exact, rtol=1e-15, atol=1e-307)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_sigmoid_to_the_last_bits(dtype):
    """Within 4 ulps also where it is tiny, and without a warning."""
    x = np.concatenate([np.linspace(-800, 800, 3_331), np.linspace(-20, 20, 3_331)]).astype(dtype)
    wide = x.astype(np.longdouble)
    exact = np.where(x < 0, np.exp(-np.abs(wide)), 1) / (1 + np.exp(-np.abs(wide)))
    ulps = np.spacing(np.maximum(exact.astype(dtype), np.finfo(dtype).smallest_normal))
    assert (np.abs(tg.sigmoid(x) - exact) / ulps).max() < 4
    ends = np.array([-np.inf, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(tg.sigmoid(ends), [0, 1, np.nan])


# --- normalisation --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3, 256, 1024, 1500])
@pytest.mark.parametrize("mean", [0, 300])
def test_layer_norm_in_float32(n, mean):
    """As precise as the formulas with NumPy's own means, or nearly so."""
    rng = np.random.default_rng(n)
    x = rng.normal(mean, 1, (40, n)).astype(np.float32)
    g, weight = rng.normal(0, 1, (2, 40, n)).astype(np.float32)
    leaves = [tg.Tensor(a, requires_grad=True) for a in (x, weight[0], weight[1])]
    y = tg.layer_norm(leaves[0], n, *leaves[1:])
    y.backward(g)

    def by_formulas(x, g, w, b):
        centred = x - x.mean(1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(1, keepdims=True) + np.float32(1e-5))
        out = centred / scale
        gw = g * w
        slope = gw - gw.mean(1, keepdims=True) - out * (gw * out).mean(1, keepdims=True)
        return out * w + b, slope / scale, (g * out).sum(0), g.sum(0)

    arrays = x, g, weight[0], weight[1]
    exact = by_formulas(*(a.astype(np.float64) for a in arrays))
    plain = by_formulas(*arrays)
    values = (y.data, *(leaf.grad.data for leaf in leaves))
    for value, like, right in zip(values, plain, exact, strict=True):
        assert value.dtype == np.float32
        scale = np.abs(right).max()
        assert np.abs(value - right).max() <= 2 * np.abs(like - right).max() + 1e-6 * scale


def test_a_bias_of_layer_norm_promotes():
    x = tg.Tensor(np.float32([[1, 2, 4]]))
    assert tg.layer_norm(x, 3, None, np.zeros(3)).dtype == np.float64
    assert tg.layer_norm(x, 3, np.ones(3)).dtype == np.float64
    assert tg.layer_norm(x, 3, np.ones(3, np.float32)).dtype == np.float32
