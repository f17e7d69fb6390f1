"""Ufuncs, rounding, remainders and activations: kinks, ends of the floats, dtypes, bad input."""

import math

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg
from tinygrad_np.core.tensor import node_of

INF, NAN = math.inf, math.nan


def leaf(values, dtype=float):
    return tg.Tensor(np.array(values, dtype), requires_grad=True)


def gradients(f, *values):
    """The gradients of the sum of f by each of its inputs, as lists."""
    tensors = [leaf(v) for v in values]
    f(*tensors).sum().backward()
    return [None if t.grad is None else t.grad.tolist() for t in tensors]


def derivative(f, value, order):
    """The derivative of any order at one point, by backward through backward."""
    x = leaf(value)
    y = f(x)
    for _ in range(order):
        if not y.requires_grad:
            return 0.0  # the derivative before this one is constant
        x.grad = None
        y.backward(create_graph=True)
        y = x.grad
    return y.item()


# --- kinks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "values", "expected"),
    [
        (tg.fabs, [-2, 0, 3], [-1, 0, 1]),
        (lambda x: tg.copysign(x, [1, -1, 1, -1]), [-2, -2, 0, 3], [-1, 1, 0, -1]),
        (lambda x: tg.leaky_relu(x, 0.1), [-2, 0, 3], [0.1, 0.1, 1]),
        (lambda x: tg.elu(x, 0.5), [0, 3, -INF, INF], [0.5, 1, 0, 1]),
        (tg.selu, [0, 3], [1.0507009873554805 * 1.6732632423543772, 1.0507009873554805]),
        (tg.hardtanh, [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]),
        (lambda x: tg.hardtanh(x, 0, 6), [-1, 3, 7], [0, 1, 0]),
        (lambda x: tg.fmax(x, 1.0), [0, 1, 2, NAN], [0, 0.5, 1, 0]),
        (lambda x: tg.fmin(1.0, x), [0, 1, 2, NAN], [1, 0.5, 0, 0]),
        (lambda x: tg.fmax(x, NAN), [0, NAN], [1, 0]),
        (lambda x: x % 2, [-2, 0, 2, 5], [1, 1, 1, 1]),
        (lambda x: tg.nan_to_num(x, nan=7.0), [1, NAN, INF, -INF], [1, 0, 0, 0]),
        (tg.softsign, [-1, 0, 1], [0.25, 1, 0.25]),
        (tg.sinc, [0, 1], [0, -1]),
    ],
)
def test_gradient_at_special_points(f, values, expected):
    assert gradients(f, values)[0] == pytest.approx(expected, abs=1e-16)


def test_the_divisor_of_a_remainder():
    x, y = [5.5, -5.5, 6.0, 5.5], [2.0, 2.0, 2.0, -2.0]
    assert gradients(tg.remainder, x, y) == [[1, 1, 1, 1], [-2, 3, -3, 3]]
    assert gradients(tg.fmod, x, y) == [[1, 1, 1, 1], [-2, 2, -3, 2]]


def test_the_height_of_a_step():
    x, y = tg.Tensor([-1.0, 0.0, 2.0]), leaf([5.0, 6.0, 7.0])
    out = tg.heaviside(x, y)
    out.sum().backward()
    assert out.tolist() == [0, 6, 1]
    assert y.grad.tolist() == [0, 1, 0]


@pytest.mark.parametrize("f", [tg.hypot, tg.arctan2])
def test_the_origin_has_no_direction(f):
    """The first derivative is 0; there is no second one."""
    x, y = leaf([0.0, 3.0]), leaf([0.0, 4.0])
    f(x, y).sum().backward(create_graph=True)
    expected = [[0, 0.6], [0, 0.8]] if f is tg.hypot else [[0, 0.16], [0, -0.12]]
    np.testing.assert_allclose([x.grad.data, y.grad.data], expected, rtol=1e-15)
    slope = (x.grad + y.grad).sum()
    x.grad = y.grad = None
    slope.backward()
    assert np.isnan([x.grad.data[0], y.grad.data[0]]).all()
    assert np.isfinite([x.grad.data[1], y.grad.data[1]]).all()


@pytest.mark.parametrize(
    ("f", "value", "expected"),
    [
        (tg.cbrt, 0, INF),
        (tg.arcsin, 1, INF),
        (tg.arccos, -1, -INF),
        (tg.arccosh, 1, INF),
        (tg.arctanh, 1, INF),
        (tg.log2, 0, INF),
        (tg.log10, 0, INF),
        (tg.log1p, -1, INF),
    ],
)
def test_an_infinite_slope_comes_with_a_warning(f, value, expected):
    x = leaf(value)
    with np.errstate(divide="ignore"):  # of the value; the slope warns below
        out = f(x)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        out.backward()
    assert x.grad.item() == expected


@pytest.mark.parametrize(
    "f", [tg.floor, tg.ceil, tg.trunc, tg.rint, tg.round, tg.signbit, lambda x: x // 1, round]
)
def test_whole_numbers_carry_no_gradient(f):
    out = f(leaf([0.5, -1.5]))
    assert isinstance(out, tg.Tensor)
    assert not out.requires_grad


# --- every order --------------------------------------------------------------------------------


@folded
@pytest.mark.parametrize("order", range(9))
@pytest.mark.parametrize("x", [0.0, 1e-9, 0.3, -1.0, 2.5, 30.0])
def test_sinc_in_every_order(order, x):
    """Against the integral of t^n cos(pi x t + n pi / 2) over [0, 1], by Gauss's rule."""
    nodes, weights = np.polynomial.legendre.leggauss(90)
    t = (nodes + 1) / 2
    turn = np.cos(np.pi * x * t + order * np.pi / 2)
    exact = np.pi**order * np.sum(weights / 2 * t**order * turn)
    computed = derivative(tg.sinc, x, order)
    assert computed == pytest.approx(exact, rel=1e-11, abs=1e-13 * np.pi**order)


@pytest.mark.parametrize(
    ("f", "value", "order", "expected"),
    [
        (tg.sin, 0.0, 5, 1),
        (tg.expm1, 1.0, 4, math.e),
        (tg.square, 3.0, 2, 2),
        (tg.square, 3.0, 3, 0),
        (tg.erf, 0.0, 3, -4 / math.sqrt(math.pi)),
        (tg.silu, 0.0, 2, 0.5),
        (tg.softplus, 0.0, 2, 0.25),
        (tg.gelu, 0.0, 2, 2 / math.sqrt(2 * math.pi)),
        (tg.arctan, 0.0, 3, -2),
        (lambda x: tg.logaddexp(x, 1.0), 1.0, 2, 0.25),
        (lambda x: tg.hypot(x, 1.0), 0.0, 2, 1),
        (tg.fabs, 0.0, 2, 0),
        (tg.elu, 0.0, 2, 0.5),
        (tg.elu, -1.0, 3, math.exp(-1)),
        (tg.reciprocal, 1.0, 4, 24),
        (lambda y: tg.remainder(5.5, y), 2.0, 1, -2),
        (lambda y: tg.remainder(5.5, y), 2.0, 2, 0),
    ],
)
def test_higher_derivatives(f, value, order, expected):
    assert derivative(f, value, order) == pytest.approx(expected, rel=1e-13, abs=1e-15)


# --- where a careless rule overflows or cancels ---------------------------------------------------


@folded
@pytest.mark.parametrize(
    ("f", "value", "expected"),
    [
        (tg.expm1, -50.0, math.exp(-50)),
        (tg.log1p, 1e-300, 1),
        (tg.arcsinh, 1e200, 1e-200),
        (tg.arccosh, 1e200, 1e-200),
        (tg.arctanh, 1 - 2.0**-40, 1 / (2.0**-40 * (2 - 2.0**-40))),
        (tg.arcsin, 1 - 2.0**-40, 1 / math.sqrt(2.0**-40 * (2 - 2.0**-40))),
        (tg.softplus, -700.0, math.exp(-700)),
        (tg.softplus, 1e300, 1),
        (tg.softsign, 1e200, 0),
        (tg.gelu, -30.0, 0.5 * math.erfc(30 / math.sqrt(2)) - 30 * math.exp(-450) / 2.5066282746),
        (tg.gelu, 1e100, 1),
        (lambda x: tg.gelu(x, "tanh"), 1e300, 1),
        (lambda x: tg.gelu(x, "tanh"), -1e300, 0),
        (tg.silu, 1e300, 1),
        (tg.silu, -1e300, 0),
        (tg.mish, 1e300, 1),
        (tg.mish, -1e300, 0),
        (tg.elu, 1e300, 1),
        (lambda x: tg.hypot(x, 1e200), 1e200, math.sqrt(0.5)),
        (lambda x: tg.hypot(x, 1e-200), 1e-200, math.sqrt(0.5)),
        (lambda x: tg.arctan2(x, 1e200), 1e200, 0.5e-200),
        (lambda x: tg.arctan2(x, 1e-200), 1e-200, 0.5e200),
        (lambda x: tg.logaddexp(x, 0.0), 1e300, 1),
        (lambda x: tg.logaddexp(x, 0.0), -700.0, math.exp(-700)),
        (lambda x: tg.logaddexp2(x, 0.0), -500.0, 2.0**-500),
    ],
)
def test_far_out(f, value, expected):
    """Warnings are errors in this suite: none of these may overflow on the way."""
    assert gradients(f, value)[0] == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize("f", [tg.logaddexp, tg.logaddexp2])
def test_logaddexp_of_infinities(f):
    x, y = [-INF, -INF, 1.0, INF, INF, -INF], [-INF, 2.0, -INF, 3.0, INF, INF]
    x, y = leaf(x), leaf(y)
    f(x, y).backward(np.ones(6))
    assert x.grad.tolist() == [0, 0, 1, 1, 0.5, 0]
    assert y.grad.tolist() == [0, 1, 0, 0, 0.5, 1]
    both = leaf([-INF, 0.0, INF])
    f(both, both).backward([1, 1, 1], create_graph=True)
    slope, both.grad = both.grad, None
    assert slope.tolist() == [0, 1, 1]
    slope.backward([1, 1, 1])
    assert both.grad.tolist() == [0, 0, 0]


def test_nan_stays_nan():
    for f in (tg.erf, tg.erfc, tg.gelu, tg.elu, tg.leaky_relu, tg.softplus, tg.mish, tg.sinc):
        assert np.isnan(f(tg.Tensor([NAN, 1.0])).data).tolist() == [True, False], f
    assert np.isnan(tg.gelu(tg.Tensor(NAN), "tanh").item())


# --- the error function --------------------------------------------------------------------------


def erf_points():
    rng = np.random.default_rng(0)
    edges = [0.46875, 4.0, 26.0, 26.5]
    near = [math.nextafter(e, side) for e in edges for side in (0, INF)]
    points = [rng.uniform(-6, 6, 20000), rng.uniform(-30, 30, 5000), rng.normal(size=5000) * 1e-5]
    return np.concatenate([*points, edges, near, [0.0, -0.0, 1e-300, INF, -INF, 1e300]])


def test_erf_to_the_last_digits():
    """Against the C library's, over several blocks and all three ranges of the approximation."""
    x = erf_points()
    for f, exact in ((tg.erf, math.erf), (tg.erfc, math.erfc)):
        expected = np.array([exact(v) for v in x])
        normal = np.abs(expected) > 1e-300
        np.testing.assert_allclose(f(x)[normal], expected[normal], rtol=1.5e-15, atol=0)
        np.testing.assert_allclose(f(x), expected, rtol=1.5e-15, atol=1e-305)
    assert math.copysign(1, tg.erf(np.array(-0.0))) == -1


@pytest.mark.parametrize(("dtype", "ulps"), [(np.float16, 1), (np.float32, 9)])
def test_erf_of_small_floats(dtype, ulps):
    x = np.linspace(-9, 9, 9973).astype(dtype)
    for f, exact in ((tg.erf, math.erf), (tg.erfc, math.erfc)):
        expected = np.array([exact(v) for v in x])
        out = f(x)
        assert out.dtype == dtype
        assert (np.abs(out - expected) <= ulps * np.spacing(np.abs(expected).astype(dtype))).all()


def test_erf_of_integers_views_and_nothing():
    assert tg.erf(np.array([0, 1])).tolist() == [0, pytest.approx(math.erf(1), rel=1e-15)]
    x = np.linspace(-3, 3, 24).reshape(4, 6)
    np.testing.assert_array_equal(tg.erf(x.T[::-2]), tg.erf(x).T[::-2])
    assert tg.erf(np.zeros((0, 3))).shape == (0, 3)
    assert tg.erf(2.0) == pytest.approx(math.erf(2), rel=1e-15)


# --- dtypes ---------------------------------------------------------------------------------------

KEEP = ["sin", "arctan", "exp2", "log1p", "square", "cbrt", "erf", "sinc", "gelu", "silu", "elu"]
KEEP += ["selu", "mish", "softplus", "softsign", "leaky_relu", "nan_to_num", "expm1", "deg2rad"]


@folded
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("shape", [(3,), ()])
@pytest.mark.parametrize("name", KEEP)
def test_small_floats_stay_small(name, shape, dtype):
    x = leaf(np.full(shape, 0.5), dtype)
    out = getattr(tg, name)(x)
    assert out.dtype == dtype
    out.sum().backward(create_graph=True)
    assert x.grad.dtype == dtype


def test_float_power_is_of_float64():
    x = leaf([2.0], np.float32)
    out = tg.float_power(x, 3)
    assert out.dtype == np.float64
    out.backward()
    assert x.grad.dtype == np.float32
    assert x.grad.item() == 12
    assert gradients(lambda x: tg.float_power(x, 0), [0.0, 2.0]) == [[0, 0]]


# --- operators -----------------------------------------------------------------------------------


def test_operators():
    x = leaf([5.5, -5.5])
    assert (x // 2).tolist() == [2, -3]
    assert (12 // x).tolist() == [2, -3]
    assert (x % 2).tolist() == [1.5, 0.5]
    assert (12 % x).tolist() == [1, -4.5]
    assert [part.tolist() for part in divmod(x, 2)] == [[2, -3], [1.5, 0.5]]
    assert [part.tolist() for part in divmod(12, x)] == [[2, -3], [1, -4.5]]
    assert [part.tolist() for part in np.divmod(x, 2)] == [[2, -3], [1.5, 0.5]]
    assert round(x).tolist() == [6, -6]
    assert round(x / 3, 1).tolist() == [1.8, -1.8]
    assert (+x).tolist() == x.tolist()
    assert (+x) is not x
    whole, rest = divmod(x, 2)
    assert not whole.requires_grad
    rest.sum().backward()
    assert x.grad.tolist() == [1, 1]
    with pytest.raises(TypeError):
        x // "2"


def test_operators_in_place():
    x = leaf([5.5, -5.5])
    y = x * 1
    same = y
    y %= 2
    assert y is same
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]
    y = x * 1
    y //= 2  # a new Tensor: it has no gradient, and y's old one keeps its own
    assert y.tolist() == [2, -3]
    assert not y.requires_grad


def test_integers():
    x = tg.Tensor([7, -7])
    assert (x // 2).tolist() == [3, -4]
    assert (x // 2).dtype.kind == "i"
    assert tg.round(x, -1).tolist() == [10, -10]
    assert tg.square(x).tolist() == [49, 49]


# --- select and piecewise ------------------------------------------------------------------------


def test_select():
    x = leaf([-2.0, 0.5, 3.0, 5.0])
    w = leaf(10.0)
    conditions = [x < 0, x.data < 1, x.data > 4]
    out = np.select(conditions, [-x, x * x, w * x], default=7)
    assert out.tolist() == [2, 0.25, 7, 50]
    out.sum().backward()
    assert x.grad.tolist() == [-1, 1, 0, 10]
    assert w.grad.item() == 5
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    for args in (([a > 3, a > 1], [a, -a]), ([a > 3, a > 1], [a, -a], 9.5)):
        expected = np.select(*args)
        got = tg.select([tg.Tensor(c) for c in args[0]], *args[1:])
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got.data, expected)


@pytest.mark.parametrize(
    ("conditions", "choices", "error", "match"),
    [
        ([], [], ValueError, "at least one"),
        ([[True]], [], ValueError, "1 conditions and 0 choices"),
        ([[1]], [[2.0]], TypeError, r"condlist\[0\] must be booleans, not int64"),
        ([[True, False]], [[1.0, 2.0, 3.0]], ValueError, "where"),
    ],
)
def test_select_refuses(conditions, choices, error, match):
    with pytest.raises(error, match=match):
        tg.select(conditions, [tg.Tensor(c) for c in choices])


@pytest.mark.parametrize(
    ("conditions", "functions"),
    [
        (lambda x: [x < 0, x >= 1], [lambda v: -v, lambda v: v**2]),
        (lambda x: [x < 0, x >= 1], [lambda v: -v, lambda v: v**2, lambda v: 3 * v]),
        (lambda x: [x < 1, x < 0], [1.5, lambda v: v * v]),
        (lambda x: [x > 99], [lambda v: v]),
    ],
)
@pytest.mark.parametrize("shape", [(6,), (2, 3), ()])
def test_piecewise(conditions, functions, shape):
    a = np.array([-1.5, -0.5, 0.25, 0.5, 1.5, 2.5])[: math.prod(shape)].reshape(shape)
    expected = np.piecewise(a, conditions(a), functions)
    x = leaf(a)
    out = np.piecewise(x, conditions(x), functions)
    np.testing.assert_array_equal(out.data, expected)
    if out.requires_grad:
        out.backward(np.ones(shape))
        h = 1e-6
        up, down = (np.piecewise(a + s, conditions(a), functions) for s in (h, -h))
        np.testing.assert_allclose(x.grad.data, (up - down) / (2 * h), atol=1e-8)


def test_piecewise_refuses():
    x = leaf([1.0, 2.0])
    with pytest.raises(ValueError, match="1 or 2 functions for 1 conditions, not 3"):
        tg.piecewise(x, [x > 1], [1, 2, 3])
    with pytest.raises(ValueError, match="at least one condition"):
        tg.piecewise(x, [], [])
    with pytest.raises(ValueError, match="shape"):
        tg.piecewise(x, [np.array([True])], [1])
    with pytest.raises(TypeError, match="booleans"):
        tg.piecewise(x, [x], [1])
    with pytest.raises(TypeError, match="astype"):
        tg.piecewise(np.array([1, 2]), [np.array([True, False])], [lambda v: leaf([1.5])])


def test_piecewise_hands_on_arguments():
    first = np.array([True, False])
    out = tg.piecewise(leaf([1.0, 2.0]), [first], [lambda v, k, b: v * k + b], 3, b=1)
    assert out.tolist() == [4, 0]


def test_piecewise_with_one_condition():
    for condition in ([True, False], np.array([True, False]), tg.Tensor([True, False])):
        assert tg.piecewise(leaf([1.0, 2.0]), condition, [lambda v: -v, 5]).tolist() == [-1, 5]
    for condition in (True, [True], np.array(True)):
        assert tg.piecewise(leaf(3.0), condition, [lambda v: v * v]).item() == 9
    stacked = np.array([[True, False], [False, True]])
    assert tg.piecewise(leaf([1.0, 2.0]), stacked, [7, lambda v: -v]).tolist() == [7, -2]


def test_compositions_are_placed_where_the_user_called_them():
    x = leaf([1.0, 2.0])
    results = [
        tg.hardtanh(x),
        tg.select([x > 0], [x]),
        tg.piecewise(x, [x > 0], [lambda v: v]),
        divmod(x, 2)[1],
        tg.diff(x),
        tg.ptp(x),
        tg.average(x),
        tg.average(x, weights=[1, 2]),
        tg.nansum(x),
        tg.nanprod(x),
        tg.nanmean(x),
        tg.nanmax(x),
        tg.nanmin(x),
        np.diff(x),
    ]
    assert {node_of(out).place[0] for out in results} == {__file__}
    made = x * 2
    line = node_of(made).place[1]
    assert tg.diff(made, n=0) is made
    assert node_of(made).place[1] == line


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda t: tg.gelu(t, "sigmoid"), ValueError, "'none' or 'tanh', not 'sigmoid'"),
        (lambda t: tg.hardtanh(t, 2, 1), ValueError, r"min_val \(2\) must be at most"),
        (lambda t: tg.hypot(t, [1, 2, 3]), ValueError, "hypot"),
        (lambda t: tg.ldexp(t, 0.5), TypeError, "ldexp"),
        (lambda t: tg.sin("x"), TypeError, "numbers"),
        (lambda t: tg.sin(None), TypeError, "numbers"),
        (lambda t: np.sin(t, where=[True, False]), TypeError, "where"),
        (lambda t: np.nan_to_num(t, copy=False), TypeError, "'copy'"),
        (lambda t: tg.nan_to_num(t, True), TypeError, "1 positional"),
        (lambda t: tg.round(t, 0.5), TypeError, "round"),
        (lambda t: tg.leaky_relu(t, leaf(0.1)), TypeError, "no gradient flows to a parameter"),
        (lambda t: tg.elu(t, slope=1), TypeError, "no argument 'slope'"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call(leaf([1.0, 2.0]))
