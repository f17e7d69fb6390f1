"""take, take_along_axis, and `t.at[index]`: changed copies, with gradients where indices repeat."""

import numpy as np
import pytest
from folded import folded
from op_cases import numbers, numeric_gradient

import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

ROWS = np.array([1, 1, 0])
INDICES = [
    1,
    slice(0, 2),
    (slice(None), 2),
    (..., slice(None, None, -2)),
    ROWS,
    ([0, 2, 0], [1, 3, 1]),
    (slice(None), [0, 0, 3]),
    np.eye(3, 4, dtype=bool),
    (),
]


def written(how, x, value, index):
    """The change, one element after the other."""
    out = x.copy()
    positions = np.arange(out.size).reshape(out.shape)[index]
    values = np.broadcast_to(value, np.shape(positions))
    for position, v in zip(np.ravel(positions), np.ravel(values), strict=True):
        old = out.flat[position]
        out.flat[position] = {"set": v, "add": old + v, "max": max(old, v), "min": min(old, v)}[how]
    return out


@folded
@pytest.mark.parametrize("how", ["set", "add", "max", "min"])
@pytest.mark.parametrize("scalar", [True, False])
@pytest.mark.parametrize("index", INDICES, ids=range(len(INDICES)))
def test_at(how, index, scalar):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((3, 4))
    value = np.asarray(rng.standard_normal(() if scalar else np.shape(x[index])))
    expected = written(how, x, value, index)
    weights = numbers(rng, (3, 4))

    def changed(a, v):
        return getattr(a.at[index], how)(v)

    tensors = [tg.Tensor(a, requires_grad=True) for a in (x, value)]
    out = changed(*tensors)
    np.testing.assert_allclose(out.data, expected, rtol=1e-15)
    np.testing.assert_array_equal(tensors[0].data, x)
    assert out is not tensors[0]
    (out * weights).sum().backward()
    numeric = numeric_gradient(
        lambda both: float(np.sum(written(how, *both, index) * weights)), [x, value], [0, 1]
    )
    for t, expected in zip(tensors, numeric, strict=True):
        np.testing.assert_allclose(t.grad.data, expected, rtol=1e-8, atol=1e-9)
    assert tg.gradcheck(lambda a, v: changed(a, v) ** 3, [x, value], order=2)


def test_at_get_and_repr():
    t = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    t.at[[0, 0, 2]].get().sum().backward()
    assert t.grad.tolist() == [2, 0, 1]
    assert "(3,) float64 at [1]" in repr(t.at[1])


def test_at_takes_tensors_as_indices_and_lists_as_values():
    t = tg.zeros(3)
    assert t.at[tg.Tensor([0, 2, 0])].add([1, 2, 3]).tolist() == [4, 0, 2]
    assert t.at[tg.Tensor([True, False, True])].set(5).tolist() == [5, 0, 5]


@pytest.mark.parametrize("how", ["set", "add", "max", "min"])
def test_at_keeps_the_dtype(how):
    t = tg.zeros(3, np.float32)
    for value in (1, 1.5, np.float64(1.5), tg.ones(3, float)):
        assert getattr(t.at[:], how)(value).dtype == np.float32
    whole = tg.zeros(3, int)
    assert getattr(whole.at[0], how)(7).dtype == int
    for value in (1.5, tg.ones(3), np.ones(3), 1j):
        with pytest.raises(TypeError, match=rf"at\[...\].{how}: Tensor \(3,\) int64 can't hold"):
            getattr(whole.at[:], how)(value)


def test_a_written_value_of_another_dtype_gets_its_gradient():
    value = tg.Tensor([1.0, 2.0], requires_grad=True)
    tg.zeros(2, np.float32).at[:].set(value).sum().backward()
    assert value.grad.tolist() == [1, 1]
    assert value.grad.dtype == np.float64


def test_equal_extrema_share_the_gradient():
    x = tg.Tensor([1.0, 5.0, 2.0], requires_grad=True)
    value = tg.Tensor([1.0, 1.0, 5.0, 7.0], requires_grad=True)
    x.at[[0, 0, 1, 2]].max(value).backward(np.array([6.0, 2.0, 1.0]))
    assert x.grad.tolist() == [2, 1, 0]
    assert value.grad.tolist() == [2, 2, 1, 1]


def test_leaves_can_be_changed_as_values():
    """Where t[0] = 1 is an error."""
    t = tg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError):
        t[0] = 5.0
    (t.at[0].set(5.0) * t).sum().backward()
    assert t.grad.tolist() == [5, 4]


def test_take_of_repeated_and_negative_positions():
    t = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    t.take([[0, -1], [2, 0]]).sum().backward()
    assert t.grad.tolist() == [2, 0, 2]
    assert np.take(t, tg.Tensor([1, 1])).tolist() == [2, 2]
    assert tg.take(t, [7, -9], mode="clip").tolist() == [3, 1]
    assert tg.take(t, [7, -1], mode="wrap").tolist() == [2, 3]


T = tg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
AXIS = np.exceptions.AxisError
BAD = [
    (
        lambda: tg.take(T, 6),
        IndexError,
        r"take\(x: Tensor 'T' \(2, 3\) float64 made at \S+, indices: 6\).*6 is out of bounds",
    ),
    (lambda: tg.take(T, [0, 3], 1), IndexError, "take.*3 is out of bounds"),
    (lambda: tg.take(T, [0.5]), TypeError, "take.*indices must be integers, not float64"),
    (lambda: tg.take(T, [True]), TypeError, "take.*indices must be integers, not bool"),
    (lambda: tg.take(T, tg.Tensor([0.5])), TypeError, "indices must be integers"),
    (lambda: tg.take(T, 0, 2), AXIS, "take.*axis 2"),
    (lambda: tg.take(T, 0, "0"), TypeError, "take"),
    (lambda: tg.take(T, 0, mode="cut"), ValueError, "take.*mode must be .*not 'cut'"),
    (lambda: tg.take_along_axis(T, np.array([0]), 1), ValueError, "take_along_axis.*as many axes"),
    (lambda: tg.take_along_axis(T, np.array([[3]]), 1), IndexError, "take_along_axis.*3 is out of"),
    (lambda: tg.take_along_axis(T, np.array([[0.0]]), 1), TypeError, "must be integers"),
    (lambda: tg.take_along_axis(T, np.array([[0]]), 2), AXIS, "take_along_axis.*axis 2"),
    (lambda: T.at[2].set(1), IndexError, "2 is out of bounds for axis 0 with size 2"),
    (lambda: T.at[2].add(1), IndexError, "2 is out of bounds for axis 0 with size 2"),
    (lambda: T.at[2].max(1), IndexError, "2 is out of bounds for axis 0 with size 2"),
    (
        lambda: T.at[0].add([1, 2]),
        ValueError,
        r"scatter\(values: array \(2,\) float64, index: 0, shape: \(2, 3\)\)",
    ),
    (lambda: T.at[0].set([1, 2]), ValueError, r"setitem.*could not broadcast"),
    (lambda: T.at["a"].set(1), IndexError, "only integers, slices"),
    (lambda: T.at[0].set("a"), TypeError, "expected numbers"),
    (lambda: T.at[0].add(None), TypeError, "expected numbers"),
]


@folded
@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=range(len(BAD)))
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
