"""The edges of every op: axes of length 0, 0-d arrays, axes counted from the end.

The calls are made from the samples of the table and from NumPy's own signatures, so that an op to
come is tried too. Values are compared with NumPy's, gradients with finite differences.
"""

import functools
import inspect
import warnings

import numpy as np
import pytest
from folded import folded
from op_cases import Case, joined, numbers, numeric_gradient
from test_ops_table import DEFINITIONS, leaves, oracle

import tinygrad_np as tg
from tinygrad_np.core.protocols import FUNCTIONS

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

ERRORS = (TypeError, ValueError, IndexError, NotImplementedError, ZeroDivisionError)
REFUSED = object()


@functools.lru_cache
def lengths_in(op):
    """The lengths of the axes that an op's samples draw."""
    lengths = set()

    def draw(*shape):
        lengths.update(shape)
        return np.ones(shape)

    op.samples(draw)
    return sorted(lengths)


def samples_with(op, change):
    """An op's samples with other shapes; none if they can't be made so."""
    rng = np.random.default_rng(0)
    try:
        return op.samples(lambda *shape: np.asarray(rng.standard_normal(change(shape))))
    except ValueError:
        return []


def edges_of(op):
    """Calls of an op: in turn each length is 0 instead; 0-d; every axis from the other end."""
    if op.samples is None:
        return []
    calls = []
    for length in lengths_in(op):

        def emptied(shape, length=length):
            return tuple(0 if n == length else n for n in shape)

        calls += samples_with(op, emptied)
    numbers_alone = samples_with(op, lambda shape: ())
    calls += numbers_alone
    if "axis" in op.params:
        for axis in (0, -1):
            calls += [with_axis(op, args, params, axis) for args, params in numbers_alone]
        calls += [from_the_end(op, *call) for call in samples_with(op, lambda shape: shape)]
    return [Case(op, number, args, params) for number, (args, params) in enumerate(calls)]


def with_axis(op, args, params, axis):
    """The call with another axis."""
    position = len(op.inputs) + op.params.index("axis")
    if len(args) > position:
        return (*args[:position], axis, *args[position + 1 :]), params
    return args, {**params, "axis": axis}


def from_the_end(op, args, params):
    """The call with its axes counted from the other end."""
    named = dict(zip((*op.inputs, *op.params), args)) | params
    axis = named.get("axis", op.defaults["axis"])
    if not isinstance(axis, (int, tuple)):
        return args, params
    first = args[0][0] if op.variadic else args[0]
    ndim = np.ndim(first) + (op.name == "stack")
    axes = axis if isinstance(axis, tuple) else (axis,)
    others = tuple(a - ndim if a >= 0 else a + ndim for a in axes)
    return with_axis(op, args, params, others if isinstance(axis, tuple) else others[0])


def attempt(function, *args, **params):
    """The result, or REFUSED for an error."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return joined(function(*args, **params))
        except ERRORS:
            return REFUSED


def check(call, on_numpy, arrays, may_refuse=False, may_accept=False):
    """On Tensors a call does what it does on arrays; its gradients are those of differences.

    Args:
        call: a function of the arrays, or Tensors.
        on_numpy: the same by NumPy.
        may_refuse: whether an error is fine where NumPy gives a result.
        may_accept: whether a result is fine where `on_numpy` raises.
    """
    tensors = leaves(arrays)
    want, got = attempt(on_numpy, *arrays), attempt(call, *tensors)
    if got is REFUSED:
        assert may_refuse or want is REFUSED, f"refused; NumPy gives {want!r}"
        return
    if may_accept and want is REFUSED:
        return
    assert want is not REFUSED, f"NumPy refuses what gives {got!r}"
    if not isinstance(got, tg.Tensor):
        np.testing.assert_array_equal(got, want)
        return
    assert (got.shape, got.dtype) == (np.shape(want), np.asarray(want).dtype)
    np.testing.assert_allclose(got.data, want, rtol=1e-12, atol=1e-12)
    if not got.requires_grad:
        return
    weights = numbers(np.random.default_rng(1), got.shape)
    with np.errstate(all="ignore"):
        got.backward(weights, create_graph=True)
    undefined = np.isnan(got.data).any()

    def loss(values):
        return float(np.sum(weights * joined(call(*values))))

    slopes = []
    for k, t in enumerate(tensors):
        if t.grad is None:
            continue
        assert t.grad.shape == t.shape
        slopes.append((t.grad * numbers(np.random.default_rng(2), t.shape)).sum())
        if not undefined:
            expected = numeric_gradient(loss, arrays, [k])[0]
            np.testing.assert_allclose(t.grad.data, expected, rtol=1e-6, atol=1e-7)
    for slope in slopes:  # and the gradients have theirs
        if slope.requires_grad:
            slope.backward(retain_graph=True)


# --- the table ------------------------------------------------------------------------------------

# What these refuse is no mistake of theirs: kernels and images without extent, statistics of none.
DELIBERATE = {
    "conv2d",
    "conv2d_weight",
    "conv_transpose2d",
    "avg_pool2d",
    "max_pool2d",
    "windows",
    "overlap_add",
    "standardize",
    "cross_entropy",
}


@pytest.mark.parametrize("op", tg.TABLE.values(), ids=lambda op: op.name)
def test_edges_of_the_table(op):
    for case in edges_of(op):

        def call(*values, case=case):
            return case.function(*case.arguments(values), **case.params)

        def on_numpy(*values, case=case):
            return oracle(case.op)(*case.arguments(values), **case.params)

        try:
            check(call, on_numpy, case.point(), op.name in DELIBERATE, op.name in DEFINITIONS)
        except Exception as error:
            shapes = [np.shape(value) for value in case.inputs]
            raise AssertionError(f"{op.name} {shapes} {case.rest} {case.params}") from error


# --- NumPy's functions ----------------------------------------------------------------------------

SHAPES = [(), (0,), (3,), (0, 3), (3, 0), (2, 3), (2, 0, 3)]
AXES = [None, 0, -1, 1, -2, 2]
PAIRS = [
    ((), ()),
    ((), (0,)),
    ((0,), (0,)),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((0, 3), (3,)),
    ((3, 0), (0, 2)),
    ((2, 0), (0,)),
    ((0, 2), (2, 3)),
    ((2, 0, 3), (3, 0)),
    ((2, 3, 0), (2, 0, 3)),
]

# What these take besides one array.
MORE = {
    "array_split": [(2,), ([2, 1],)],
    "broadcast_to": [((2, 3),), ((0, 3),)],
    "delete": [(0,), (slice(2),)],
    "diag": [(), (1,), (-2,)],
    "diagonal": [(), (1,), (-1, 1, 0)],
    "diff": [(), (2,)],
    "dsplit": [(1,)],
    "expand_dims": [(0,), (-1,), (1,), ((0, -1),)],
    "hsplit": [(1,), ([2, 1],)],
    "insert": [(0, 1.5)],
    "matrix_power": [(2,), (0,)],
    "moveaxis": [(0, -1), (-1, 0), (-2, 0)],
    "norm": [(), (1,), (3,), (np.inf,), ("fro",), (None, -1), (1, 0), (1, -1, True), (-np.inf, 1)],
    "pad": [(0,), (1,), (1, "wrap"), (((1, 0),),)],
    "partition": [(0,)],
    "repeat": [(2,), (0,)],
    "reshape": [(-1,), ((0, -1),), ((3, 1),), ((1, 1),)],
    "roll": [(1,), (-2,)],
    "rot90": [(), (2,), (1, (-1, 0))],
    "split": [(1,), (2,), ([2, 1],), ([1, 1],)],
    "swapaxes": [(0, -1), (-2, 1)],
    "take": [([0],), (1,), ([0, -1],), ([],)],
    "tensordot": [(0,), (1,), (([-1], [0]),)],
    "tile": [(2,), (0,), ((2, 1, 2),)],
    "trace": [(), (1,), (0, -1, 0)],
    "transpose": [(), (0,), (-1,), ((1, 0),), ((-1, 0),)],
    "tril": [(), (1,)],
    "triu": [(), (-1,)],
    "vsplit": [(1,), ([2, 1],)],
    "take_along_axis": [(np.array([0]),), (np.array([[1], [0]]),)],
    "clip": [(-0.5, 0.5), (None, 0.2), (0.1, 0.1)],
}
OF_A_SEQUENCE = {"block", "column_stack", "concatenate", "dstack", "hstack", "stack", "vstack"}
OF_TWO = {"append", "cross", "dot", "inner", "kron", "outer", "solve", "tensordot", "vdot"}
# Not of floats, or of conditions and indices: these have tests of their own.
ELSEWHERE = {
    "argpartition",
    "array2string",
    "astype",
    "choose",
    "compress",
    "digitize",
    "einsum",
    "extract",
    "full_like",
    "piecewise",
    "result_type",
    "searchsorted",
    "select",
    "shape",
    "slogdet",
    "where",
}

REFUSING = {"cross", "pad"}  # vectors of two components, and a number's axes
# Averages that are empty, outer products of matrices, axis=None for a single axis.
ACCEPTING = {"average", "cross", "outer", "unstack"}


def values(*shape):
    """Numbers that are all different, of both signs."""
    rng = np.random.default_rng(sum(shape, start=len(shape)))
    order = rng.permutation(np.prod(shape, dtype=int))
    return (order - 1.3).reshape(shape)


def parameters_of(function):
    """The names of a NumPy function's parameters; those in C tell them since NumPy 2.4."""
    try:
        return set(inspect.signature(function).parameters)
    except ValueError:
        return {"axis"} if function is np.concatenate else set()


def calls_of(function):
    """Calls of a NumPy function: the arrays, and the function of them."""
    name = function.__name__
    parameters = parameters_of(function)
    if name in OF_TWO:
        operands = [tuple(values(*shape) for shape in pair) for pair in PAIRS]
    else:
        operands = [(values(*shape),) for shape in SHAPES]
    keywords = [{}]
    if "axis" in parameters and name != "expand_dims" and name != "norm":
        keywords += [{"axis": axis} for axis in AXES]
    if "keepdims" in parameters:
        keywords.append({"axis": -1, "keepdims": True})
    for arrays in operands:
        for more in MORE.get(name, [()]):
            for named in keywords:
                if name in OF_A_SEQUENCE:
                    yield arrays, lambda x, m=more, n=named: function([x, 2 * x], *m, **n)
                else:
                    yield arrays, lambda *a, m=more, n=named: function(*a, *m, **n)


@folded
@pytest.mark.parametrize(
    "function",
    sorted(
        (f for f in FUNCTIONS if f.__name__ not in ELSEWHERE),
        key=lambda f: (f.__name__, f.__module__),
    ),
    ids=lambda f: f"{f.__module__}.{f.__name__}",
)
def test_edges_of_numpy(function):
    name = function.__name__
    for arrays, call in calls_of(function):
        try:
            check(call, call, arrays, name in REFUSING, name in ACCEPTING)
        except Exception as error:
            shapes = [a.shape for a in arrays]
            raise AssertionError(f"{name} {shapes} {call.__defaults__}") from error


# --- what is not defined is nan, with NumPy's warning ---------------------------------------------


@pytest.mark.parametrize(
    ("f", "shape", "warning"),
    [
        (np.mean, (0, 3), "Mean of empty slice"),
        (np.var, (0,), "Degrees of freedom"),
        (np.std, (2, 0), "Degrees of freedom"),
        (functools.partial(np.var, ddof=1), (1,), "Degrees of freedom"),
        (functools.partial(np.std, ddof=3), (2,), "Degrees of freedom"),
    ],
)
def test_statistics_of_too_few(f, shape, warning):
    x = tg.Tensor(np.ones(shape), requires_grad=True)
    with pytest.warns(RuntimeWarning, match=warning), np.errstate(all="ignore"):
        y = f(x)
    assert np.isnan(y.data)
    y.backward()  # without a warning of its own
    assert np.isnan(x.grad.data).all()
    assert x.grad.shape == shape


# --- infinite numbers -----------------------------------------------------------------------------

INF = np.inf


@pytest.mark.parametrize(
    ("x", "value", "slope"),
    [
        ([INF, 1.0], INF, [1, 0]),
        ([INF, INF, 0.0], INF, [0.5, 0.5, 0]),
        ([-INF, 1.0], 1.0, [0, 1]),
        ([-INF, -INF], -INF, [0, 0]),
        ([INF, -INF], INF, [1, 0]),
        ([], -INF, []),
    ],
)
def test_logsumexp_of_infinite_numbers(x, value, slope):
    x = tg.Tensor(np.array(x, float), requires_grad=True)
    y = tg.logsumexp(x)
    y.backward()
    assert y.item() == value
    assert x.grad.tolist() == slope


@pytest.mark.parametrize("f", [tg.softmax, tg.log_softmax])
@pytest.mark.parametrize("axis", [-1, 0])
def test_a_row_of_minus_infinity_that_nobody_uses(f, axis):
    """The rows beside it have their gradients, and its own is 0; used, or of nan, it is nan."""
    rows = np.array([[0.3, -1.0, 2.0], [-INF] * 3, [1.0, np.nan, 0.0], [-INF, 0.5, 1.5]])
    weights = numbers(np.random.default_rng(0), rows.shape)
    expected = []
    for row, w in zip(rows, weights):
        x = tg.Tensor(row, requires_grad=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            f(x).backward(w)
        expected.append(x.grad.data)
    assert np.isnan(expected[1]).all()
    assert np.isnan(expected[2]).all()

    x = tg.Tensor(rows if axis else rows.T, requires_grad=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = f(x, axis=axis)
        used = np.array([1.0, 0.0, 1.0, 1.0])
        (y if axis else y.T).backward(weights * used[:, None])
    gradient = x.grad.data if axis else x.grad.data.T
    np.testing.assert_allclose(gradient[[0, 2, 3]], np.array(expected)[[0, 2, 3]], rtol=1e-15)
    assert gradient[1].tolist() == [0, 0, 0]


def test_classes_that_are_impossible():
    """A logit of -inf, the target's share of which is 0, as class number and as distribution."""
    z = tg.Tensor([[0.0, -INF, 1.0], [0.5, 0.2, -INF]], requires_grad=True)
    rows = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    p = np.exp(z.data) / np.exp(z.data).sum(axis=1, keepdims=True)
    expected = -np.log(p[[0, 1], [0, 1]]).mean()
    for target in (np.array([0, 1]), rows):
        z.grad = None
        loss = tg.cross_entropy(z, target)
        loss.backward()
        np.testing.assert_allclose(loss.item(), expected, rtol=1e-14)
        np.testing.assert_allclose(z.grad.data, (p - rows) / 2, rtol=1e-14, atol=1e-16)


def test_a_row_that_does_not_count():
    """Not even if its logits are nan, or all -inf."""
    rows = np.array([[0.3, -1.0, 2.0], [np.nan] * 3, [-INF] * 3])
    z = tg.Tensor(rows, requires_grad=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        loss = tg.cross_entropy(z, np.array([1, 9, 9]), ignore_index=9)
        loss.backward()
    alone = tg.Tensor(rows[0], requires_grad=True)
    expected = tg.cross_entropy(alone, 1)
    expected.backward()
    assert loss.item() == expected.item()
    np.testing.assert_array_equal(z.grad.data, [alone.grad.data, np.zeros(3), np.zeros(3)])


# --- powers, and limits that meet -----------------------------------------------------------------


@pytest.mark.parametrize("power", [np.power, np.float_power])
def test_powers_at_their_edges(power):
    x = tg.Tensor([INF, 0.0, 2.0, -3.0, np.nan], requires_grad=True)
    power(x, np.zeros(5)).backward(np.ones(5))
    assert x.grad.tolist() == [0] * 5

    y = tg.Tensor([-1.0, -0.5, 0.0, 0.5, 2.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        power(0.0, y).backward(np.ones(5))
    assert y.grad.tolist() == [-INF, -INF, 0, 0, 0]


def test_limits_that_meet():
    """clip(x, 0, 0) is 0 whatever x is."""
    for limit in (0.0, np.zeros(3)):
        x = tg.Tensor([1.0, 0.0, -1.0], requires_grad=True)
        y = tg.hardtanh(x, limit, limit) if np.isscalar(limit) else np.clip(x, limit, limit)
        y.backward(np.ones(3))
        assert y.tolist() == x.grad.tolist() == [0, 0, 0]
