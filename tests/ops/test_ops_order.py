"""sort, partition, topk, unique, picking by condition: NumPy's values, gradients moved along."""

import numpy as np
import pytest
from folded import folded
from op_cases import numbers, numeric_gradient

import tinygrad_np as tg

SORTED = [
    ("sort", (), (5,)),
    ("sort", (0,), (3, 4)),
    ("sort", (-2,), (2, 3, 2)),
    ("sort", (None,), (2, 3)),
    ("sort", (), (0, 3)),
    ("unique", (), (2, 3)),
    ("unique", (False, False, False, 1), (2, 3)),
]
MASK = np.array([[True, False, True], [False, False, True]])
PICKED = [
    ("compress", lambda f: lambda x: f([True, False, True], x), (2, 3)),
    ("compress", lambda f: lambda x: f(np.array([0, 1]), x, 0), (2, 3)),
    ("compress", lambda f: lambda x: f([False, True], x, axis=-1), (2, 3)),
    ("extract", lambda f: lambda x: f(MASK, x), (2, 3)),
    ("choose", lambda f: lambda x: f(np.array([0, 2, 1, 0]), (x, 2 * x, 5.0)), (4,)),
    ("choose", lambda f: lambda x: f(np.array([[1], [0]]), [x, -x]), (3,)),
]


def _bound(args):
    return lambda f: lambda x: f(x, *args)


CALLS = [(name, _bound(args), shape) for name, args, shape in SORTED] + PICKED
every_call = pytest.mark.parametrize(
    ("name", "call", "shape"), CALLS, ids=[f"{k}-{c[0]}" for k, c in enumerate(CALLS)]
)


def sample(shape, dtype=np.float64):
    rng = np.random.default_rng(4)
    return (rng.permutation(int(np.prod(shape))).reshape(shape) + 0.5).astype(dtype)


@folded
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
@every_call
def test_value_and_dtype_are_numpys(name, call, shape, dtype):
    x = sample(shape, dtype)
    expected = call(getattr(np, name))(x)
    got = call(getattr(np, name))(tg.Tensor(x))
    assert isinstance(got, tg.Tensor)
    for out in (got, call(getattr(tg, name))(tg.Tensor(x)), call(getattr(tg, name))(x)):
        assert out.dtype == expected.dtype
        np.testing.assert_array_equal(np.asarray(out), expected)


@every_call
def test_gradient_is_that_of_numpys_function(name, call, shape):
    x = sample(shape)
    weights = numbers(np.random.default_rng(0), call(getattr(np, name))(x).shape)
    t = tg.Tensor(x, requires_grad=True)
    (call(getattr(tg, name))(t) * weights).sum().backward()
    (expected,) = numeric_gradient(
        lambda v: float(np.sum(call(getattr(np, name))(v[0]) * weights)), [x], [0]
    )
    np.testing.assert_allclose(t.grad.data, expected, rtol=1e-9, atol=1e-9)
    assert tg.gradcheck(lambda v: call(getattr(tg, name))(v) ** 3, [x], order=2)


@pytest.mark.parametrize(
    ("kth", "axis"), [(2, -1), (0, 1), ((1, 2), 0), (-1, 1), (7, None)], ids=str
)
def test_partition(kth, axis):
    """The order within the parts is free: what stands at kth, and what on each side, is not."""
    x = sample((3, 4))
    t = tg.Tensor(x, requires_grad=True)
    for got in (np.partition(t, kth, axis), t.partition(kth, axis)):
        rows = got.data if axis is None else np.moveaxis(got.data, axis, -1)
        ordered = np.sort(x, axis) if axis is None else np.moveaxis(np.sort(x, axis), axis, -1)
        for k in np.ravel(kth):
            np.testing.assert_array_equal(rows[..., k], ordered[..., k])
            assert (rows[..., :k] <= rows[..., k : k + 1 or None]).all()
        np.testing.assert_array_equal(np.sort(rows, -1), ordered)
    weights = numbers(np.random.default_rng(0), got.shape)
    (got * weights).sum().backward()
    moved = dict(zip(got.data.ravel().tolist(), weights.ravel().tolist(), strict=True))
    assert t.grad.data.ravel().tolist() == [moved[v] for v in x.ravel().tolist()]


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("k", [0, 1, 3])
def test_topk(k, axis):
    x = np.random.default_rng(1).standard_normal((3, 4))
    t = tg.Tensor(x, requires_grad=True)
    values, positions = t.topk(k, axis)
    backwards = np.flip(np.sort(x, axis), axis)
    np.testing.assert_array_equal(values.data, np.take(backwards, range(k), axis))
    np.testing.assert_array_equal(np.take_along_axis(x, positions.data, axis), values.data)
    assert not positions.requires_grad
    values.sum().backward()
    chosen = x >= np.take(backwards, [k - 1], axis) if k else np.zeros(x.shape)
    np.testing.assert_array_equal(t.grad.data, chosen)
    bare = tg.topk(x, k, axis)
    assert all(isinstance(b, np.ndarray) for b in bare)


def test_equal_elements_keep_their_order():
    t = tg.Tensor([2.0, 1.0, 2.0, 1.0], requires_grad=True)
    assert tg.argsort(t).tolist() == [1, 3, 0, 2]
    assert tg.topk(t, 4)[1].tolist() == [0, 2, 1, 3]
    assert tg.topk(t, 2)[1].tolist() == [0, 2]
    tg.sort(t).backward(np.array([1.0, 2.0, 3.0, 4.0]))
    assert t.grad.tolist() == [3, 1, 4, 2]


def test_nan():
    t = tg.Tensor([np.nan, 1.0, np.inf, -np.inf], requires_grad=True)
    assert tg.argsort(t).tolist() == [3, 1, 2, 0]
    assert tg.topk(t, 2)[1].tolist() == [0, 2]
    tg.sort(t)[:2].sum().backward()
    assert t.grad.tolist() == [0, 1, 0, 1]


def test_unique_returns_what_is_asked_for():
    x = np.array([3.0, 1.0, 3.0, 2.0, 1.0])
    t = tg.Tensor(x, requires_grad=True)
    got = tg.unique(t, return_index=True, return_inverse=True, return_counts=True)
    expected = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_array_equal(ours.detach().data, theirs)
    values, counts = np.unique(t, return_counts=True)
    assert counts.tolist() == [2, 1, 2]
    values.backward(np.array([1.0, 2.0, 3.0]))
    assert t.grad.tolist() == [3, 1, 0, 2, 0]  # where each comes first
    assert isinstance(tg.unique(x), np.ndarray)
    rows = tg.Tensor([[1.0, 2.0], [0.0, 5.0], [1.0, 2.0]])
    assert np.unique(rows, axis=0).tolist() == [[0, 5], [1, 2]]


def test_searchsorted_has_no_gradient():
    edges = tg.Tensor([0.0, 1.0, 2.0], requires_grad=True)
    values = tg.Tensor([0.5, 1.0, 9.0], requires_grad=True)
    for function in (tg.searchsorted, np.searchsorted):
        assert function(edges, values).tolist() == [1, 1, 3]
        assert function(edges, values, side="right").tolist() == [1, 2, 3]
        assert not function(edges, values).requires_grad
    assert tg.searchsorted(edges, 1.5).item() == 2


T = tg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
AXIS = np.exceptions.AxisError
BAD = [
    (lambda: tg.sort(T, 2), AXIS, "sort: axis 2 of an array that has 2 axes"),
    (lambda: tg.sort(T, (0, 1)), TypeError, r"sort: axis must be one integer, not \(0, 1\)"),
    (lambda: tg.sort(T, 0.0), TypeError, "sort: axis must be an integer"),
    (lambda: tg.sort("abc"), TypeError, "expected numbers"),
    (lambda: tg.argsort(T, 2), AXIS, r"argsort\(x: Tensor 'T' \(2, 3\) float64.*\).*axis 2"),
    (lambda: tg.partition(T, 3), ValueError, "partition: kth"),
    (lambda: tg.partition(T, 0.5), TypeError, "partition: "),
    (lambda: tg.topk(T, 4), ValueError, r"topk: k=4 of the 3 elements along axis 1 of \(2, 3\)"),
    (lambda: tg.topk(T, -1), ValueError, "topk: k=-1"),
    (lambda: tg.topk(T, 1.0), TypeError, "float"),
    (lambda: tg.topk(T, 1, None), TypeError, "topk: axis must be one integer, not None"),
    (lambda: tg.unique(T, axis=2), AXIS, "unique: axis 2"),
    (lambda: tg.searchsorted(T, 0.5), ValueError, "searchsorted"),
    (lambda: tg.searchsorted(T[0], 0.5, side="up"), ValueError, "searchsorted.*up"),
    (
        lambda: tg.compress([1, 0, 1], T, 0),
        ValueError,
        r"compress\(condition: array \(3,\) int64, .* axis 0 of x",
    ),
    (lambda: tg.compress(MASK, T, 0), ValueError, r"compress\(condition: array 'MASK' \(2, 3\)"),
    (
        lambda: tg.extract([1, 0], T),
        ValueError,
        r"extract\(condition: array \(2,\) int64, x: Tensor 'T' \(2, 3\)",
    ),
    (lambda: tg.choose(T, [T, T]), TypeError, "choose: x must hold integers, not float64"),
    (lambda: tg.choose([0, 2], [1.0, T[0, :2]]), ValueError, "must hold 0 to 1 for 2 choices"),
    (lambda: tg.choose([0, -1], [1.0, T[0, :2]]), ValueError, "not -1 to 0"),
    (lambda: tg.choose([0, 1], [T, T]), ValueError, "broadcast"),
]


@folded
@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=range(len(BAD)))
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
