"""`& | ^ ~ << >>` and np.bitwise_*: on integers and booleans as NumPy's, floats refused."""

import operator

import numpy as np
import pytest
from folded import folded
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_np as tg

BINARY = {
    "and_": np.bitwise_and,
    "or_": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
}
DTYPES = [np.bool_, np.int8, np.uint8, np.int32, np.uint64, np.int64]
every_operator = pytest.mark.parametrize("name", BINARY)


def same(got, expected):
    assert isinstance(got, tg.Tensor)
    assert got.dtype == expected.dtype
    assert not got.requires_grad
    np.testing.assert_array_equal(got.data, expected)


def numbers(dtype, low=0, high=2):
    return np.random.default_rng(0).integers(low, high, (2, 3)).astype(dtype)


@folded
@every_operator
@pytest.mark.parametrize("x_dtype", DTYPES)
@pytest.mark.parametrize("y_dtype", DTYPES)
def test_dtypes(name, x_dtype, y_dtype):
    operate, ufunc = getattr(operator, name), BINARY[name]
    x, y = numbers(x_dtype, 0, 100), numbers(y_dtype, 0, 5)
    try:
        expected = ufunc(x, y)
    except TypeError:  # uint64 and int64
        with pytest.raises(TypeError, match="not defined for"):
            operate(tg.Tensor(x), tg.Tensor(y))
        return
    for left, right in ((tg.Tensor(x), tg.Tensor(y)), (tg.Tensor(x), y), (x, tg.Tensor(y))):
        same(operate(left, right), expected)
        same(ufunc(left, right), expected)
    table = getattr(tg, ufunc.__name__)
    same(table(tg.Tensor(x), y), expected)


@every_operator
@given(x=st.integers(-(2**40), 2**40), y=st.integers(0, 20))
def test_numbers(name, x, y):
    operate = getattr(operator, name)
    same(operate(tg.Tensor(x), y), np.asarray(operate(x, y)))
    same(operate(x, tg.Tensor(y)), np.asarray(operate(x, y)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_invert(dtype):
    x = numbers(dtype)
    for got in (~tg.Tensor(x), np.invert(tg.Tensor(x)), np.bitwise_not(tg.Tensor(x))):
        same(got, ~x)


@every_operator
def test_in_place(name):
    x, y = numbers(np.int64, 0, 100), numbers(np.int64, 1, 5)
    t = before = tg.Tensor(x)
    t = getattr(operator, "i" + name.strip("_"))(t, y)
    assert t is before
    same(t, BINARY[name](x, y))


@every_operator
def test_floats_are_refused_as_by_numpy(name):
    operate = getattr(operator, name)
    integers, floats = tg.Tensor([1, 2]), tg.Tensor([1.0, 2.0], requires_grad=True)
    calls = [(floats, floats), (floats, 1), (integers, floats), (integers, 1.5), (True, floats)]
    for left, right in calls:
        with pytest.raises(TypeError, match=r"not defined for .*float"):
            operate(left, right)
    with pytest.raises(TypeError, match=r"invert.*not defined for float64"):
        operator.invert(floats)


def test_masks():
    """What rules and users do most: conditions joined."""
    t = tg.Tensor([-1.0, 0.5, 2.0], requires_grad=True)
    inside = (t > 0) & ~(t > 1) | (t == -1)
    assert inside.tolist() == [True, True, False]
    tg.where(inside, t, 0.0).sum().backward()
    assert t.grad.tolist() == [1, 1, 0]
