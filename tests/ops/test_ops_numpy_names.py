"""NumPy's other names and further arguments: values of NumPy, gradients of finite differences."""

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

rng = np.random.default_rng(11)
M = rng.uniform(0.5, 1.5, (3, 4))
STACK = rng.normal(size=(2, 3, 4))
SQUARES = rng.normal(size=(2, 3, 3))
VECTOR = rng.normal(size=5)
MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])


def by_differences(f, x, weights):
    """The gradient of sum(f(x) * weights) by central differences, on arrays alone."""
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = x.copy()
            moved[i] += step
            ends.append(np.sum(f(moved) * weights))
        slopes[i] = (ends[0] - ends[1]) / 2e-6
    return slopes


def check(f, x):
    """f does on a Tensor what it does on an array: value, dtype, gradient, second derivatives."""
    t = tg.Tensor(x, requires_grad=True)
    got, want = f(t), np.asarray(f(x))
    assert isinstance(got, tg.Tensor)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_allclose(got.data, want, rtol=1e-12, atol=1e-12)
    weights = np.random.default_rng(0).normal(size=want.shape)
    (got * weights).sum().backward()
    slopes = by_differences(f, x, weights)
    np.testing.assert_allclose(t.grad.data, slopes, rtol=1e-5, atol=1e-7)
    assert tg.gradcheck(f, [x], order=2)


NAMES = {
    "amax": (lambda a: np.amax(a, axis=0), M),
    "amin": (lambda a: np.amin(a, 1, keepdims=True), M),
    "conj": (lambda a: np.conj(a) * 2, M),
    "diagflat": (lambda a: np.diagflat(a, 1), M[:2, :2]),
    "ediff1d": (lambda a: np.ediff1d(a, to_begin=[7.0], to_end=a[:1]), VECTOR),
    "imag": (lambda a: np.imag(a) + a, M),
    "matrix_transpose": (lambda a: np.matrix_transpose(a), STACK),
    "real": (lambda a: np.real(a) * 1.0, M),
    "rollaxis to the front": (lambda a: np.rollaxis(a, -1), STACK),
    "rollaxis to the end": (lambda a: np.rollaxis(a, 0, 3), STACK),
    "rollaxis by a negative start": (lambda a: np.rollaxis(a, 2, -2), STACK),
    "vecdot": (lambda a: np.vecdot(a, a * 2), M),
    "vecdot along an axis": (lambda a: np.vecdot(a, M, axis=0), M),
    "linalg.diagonal": (lambda a: np.linalg.diagonal(a, offset=-1), STACK),
    "linalg.matmul": (lambda a: np.linalg.matmul(a, M.T), STACK),
    "linalg.matrix_norm": (lambda a: np.linalg.matrix_norm(a, keepdims=True), STACK),
    "linalg.matrix_norm 1": (lambda a: np.linalg.matrix_norm(a, ord=1), STACK),
    "linalg.matrix_transpose": (lambda a: np.linalg.matrix_transpose(a), STACK),
    "linalg.multi_dot": (lambda a: np.linalg.multi_dot([a, M.T, a, VECTOR[:4]]), M),
    "linalg.multi_dot of two": (lambda a: np.linalg.multi_dot([VECTOR[:3], a]), M),
    "linalg.trace": (lambda a: np.linalg.trace(a, offset=1), SQUARES),
    "linalg.vecdot": (lambda a: np.linalg.vecdot(a, M, axis=-2), STACK),
    "linalg.vector_norm": (lambda a: np.linalg.vector_norm(a), STACK),
    "linalg.vector_norm 3": (lambda a: np.linalg.vector_norm(a, axis=(0, 2), ord=3), STACK),
    "linalg.vector_norm keepdims": (
        lambda a: np.linalg.vector_norm(a, axis=(-1, 0), keepdims=True),
        STACK,
    ),
    "linalg.vector_norm of nothing": (lambda a: np.linalg.vector_norm(a, axis=1), M[:0]),
    "einsum of lists": (lambda a: np.einsum(a, [0, 1], M, [0, 2], [2, 1]), M),
    "einsum of lists, implicit": (lambda a: np.einsum(a, [1, 0], M, [1, 2]), M),
    "einsum of lists with ...": (lambda a: np.einsum(a, [..., 5], M[0], [5], [...]), STACK),
    "einsum of one list": (lambda a: np.einsum(a, [3, 3]), SQUARES[0]),
}
if hasattr(np, "unstack"):
    NAMES["unstack"] = lambda a: np.unstack(a, axis=1)[1], STACK
if hasattr(np, "cumulative_sum"):
    NAMES["cumulative_sum"] = lambda a: np.cumulative_sum(a, axis=1, include_initial=True), M
    NAMES["cumulative_prod"] = lambda a: np.cumulative_prod(a), VECTOR
if hasattr(np, "matvec"):
    NAMES["matvec"] = lambda a: np.matvec(a, VECTOR[:4]), STACK
    NAMES["vecmat"] = lambda a: np.vecmat(VECTOR[:3], a), STACK


@folded
@pytest.mark.parametrize("name", NAMES)
def test_other_names(name):
    check(*NAMES[name])


ARGUMENTS = {
    "sum where": lambda a: np.sum(a, where=MASK),
    "sum where, of rows": lambda a: np.sum(a, axis=1, keepdims=True, where=MASK[0]),
    "sum initial": lambda a: np.sum(a, axis=0, initial=3.0),
    "sum by position": lambda a: np.sum(a, 0, None, None, True),
    "add.reduce": lambda a: np.add.reduce(a, initial=2.0, where=MASK),
    "prod where": lambda a: np.prod(a, axis=0, where=MASK, initial=-2.0),
    "max initial": lambda a: np.max(a, axis=0, initial=1.1),
    "max where": lambda a: np.max(a, axis=1, initial=0.1, where=MASK),
    "amax where": lambda a: np.amax(a, axis=1, initial=0.1, where=MASK),
    "min by position": lambda a: np.min(a, 1, None, True, 0.9, MASK),
    "maximum.reduce": lambda a: np.maximum.reduce(a, axis=None, initial=1.0),
    "mean where": lambda a: np.mean(a, axis=0, where=MASK),
    "mean where, of all": lambda a: np.mean(a, where=MASK),
    "var where": lambda a: np.var(a, axis=0, where=MASK),
    "var where, ddof": lambda a: np.var(a, axis=1, ddof=1, where=MASK, keepdims=True),
    "std where": lambda a: np.std(a, where=MASK),
    "std correction": lambda a: np.std(a, axis=1, correction=1),
    "nansum where": lambda a: np.nansum(a, axis=0, where=MASK, initial=1.0),
    "nanmean where": lambda a: np.nanmean(a, axis=0, where=MASK),
    "nanmax initial": lambda a: np.nanmax(a, axis=0, initial=1.2),
}


@folded
@pytest.mark.parametrize("name", ARGUMENTS)
def test_further_arguments_of_reductions(name):
    check(ARGUMENTS[name], M)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.sum(a, dtype=np.float64),
        lambda a: np.sum(a, 0, np.float64),
        lambda a: np.mean(a, axis=1, dtype=np.float64),
        lambda a: np.prod(a, dtype=np.float64),
        lambda a: np.var(a, axis=0, dtype=np.float64),
        lambda a: np.cumsum(a, 1, np.float64),
        lambda a: np.add.accumulate(a, dtype=np.float64),
        lambda a: np.add.reduce(a, dtype=np.float64),
    ],
)
def test_reductions_in_a_wider_dtype(f):
    x = M.astype(np.float32)
    t = tg.Tensor(x, requires_grad=True)
    y = f(t)
    assert y.dtype == np.float64
    np.testing.assert_allclose(y.data, f(x), rtol=1e-14)
    y.sum().backward()
    assert t.grad.dtype == np.float32
    want = by_differences(f, x.astype(float), np.ones(y.shape))
    np.testing.assert_allclose(t.grad.data, want, rtol=1e-5, atol=1e-6)


def test_initial_keeps_the_dtype_and_gets_a_gradient():
    x = tg.Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    assert np.sum(x, initial=np.float64(3)).dtype == np.float32
    assert np.max(x, initial=np.float64(3), where=False).dtype == np.float32
    start = tg.Tensor(2.5, requires_grad=True)
    total = np.sum(tg.Tensor([1.0, 2.0]), initial=start)
    total.backward()
    assert (total.item(), start.grad.item()) == (5.5, 1)


INTEGERS = [np.array([1, 2, 3]), np.array([True, True, False]), np.array([2, 0, 5], np.int8)]


@folded
@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.sum(a, initial=2.5),
        lambda a: np.max(a, initial=2.5),
        lambda a: np.sum(a, where=np.array([True, False, True])),
        lambda a: np.prod(a, where=np.array([True, False, True]), initial=np.float64(2)),
        lambda a: np.min(a, where=np.array([True, False, True]), initial=1),
        lambda a: np.mean(a, where=np.array([True, False, True])),
        lambda a: np.sum(a, dtype=np.float32, initial=0.5),
    ],
)
@pytest.mark.parametrize("array", INTEGERS, ids=str)
def test_reductions_of_integers(f, array):
    got, want = f(tg.Tensor(array)), f(array)
    assert got.dtype == want.dtype
    assert got.item() == want.item()


@pytest.mark.parametrize("infinity", [np.inf, np.float64(-np.inf), np.nan])
def test_no_integer_is_infinite(infinity):
    with pytest.raises((OverflowError, ValueError)):
        np.min(tg.Tensor([1, 2]), initial=infinity)
    with pytest.raises(ValueError, match="initial must be one number"):
        np.sum(tg.Tensor([1.0, 2.0]), initial=[1.0, 2.0])


def test_reductions_of_nothing():
    t = tg.Tensor(np.zeros((0, 3)), requires_grad=True)
    assert np.max(t, axis=0, initial=2.5).tolist() == [2.5] * 3
    assert np.sum(t, axis=0, initial=2.5).tolist() == [2.5] * 3
    assert np.max(tg.Tensor(M), axis=0, initial=9, where=False).tolist() == [9.0] * 4
    with pytest.raises(ValueError, match="initial="):
        np.max(tg.Tensor(M), axis=0, where=MASK)


def test_the_deviation_of_equal_chosen_elements():
    x = np.array([[2.0, 5.0, 2.0, 2.0]])
    mask = np.array([True, False, True, True])
    t = tg.Tensor(x, requires_grad=True)
    y = np.std(t, axis=1, where=mask)
    y.sum().backward()
    assert y.tolist() == [0]
    assert t.grad.tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("shapes", "best"),
    [
        ([(10, 100), (100, 5), (5, 50)], 10 * 100 * 5 + 10 * 5 * 50),
        ([(50, 5), (5, 100), (100, 10)], 5 * 100 * 10 + 50 * 5 * 10),
        ([(40, 30), (30, 20), (20, 10), (10,)], 20 * 10 + 30 * 20 + 40 * 30),
    ],
)
def test_multi_dot_takes_the_cheapest_order(shapes, best):
    tensors = [tg.Tensor(np.ones(shape), requires_grad=True) for shape in shapes]
    graph = tg.graph(np.linalg.multi_dot(tensors).sum())
    products = [node.flops for node in graph.nodes if node.op == "matmul"]
    assert sum(products) == 2 * best


def test_complex_parts():
    t = tg.Tensor([1 + 2j, 3 - 1j])
    assert np.real(t).tolist() == [1, 3]
    assert np.imag(t).tolist() == [2, -1]
    assert np.conj(t).tolist() == [1 - 2j, 3 + 1j]
    assert np.vecdot(t, t).item() == 15
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"real\(x: Tensor.*complex"):
        np.real(w * 1j)


def test_a_real_part_is_a_tensor_of_its_own():
    t = tg.Tensor([1.0, 2.0])
    part = np.conj(t)
    part += 1
    assert t.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda t: np.sum(t, out=np.zeros(())), r"np\.sum .*out="),
        (lambda t: np.max(t, 0, np.zeros(4)), r"np\.max .*out="),
        (lambda t: np.sum(t, where=[1.0, 0, 1, 1]), r"np\.sum: where must be of booleans"),
        (lambda t: np.einsum(t, 3), r"einsum needs a spec .* or a list of axes"),
        (lambda t: np.linalg.multi_dot([t, t[0], t]), r"arrays\[1\].*only matrices fit"),
        (lambda t: np.linalg.vector_norm(t, axis=2), "axis 2"),
    ],
)
def test_errors_of_further_arguments(call, text):
    with pytest.raises((TypeError, ValueError), match=text):
        call(tg.Tensor(M, requires_grad=True))
