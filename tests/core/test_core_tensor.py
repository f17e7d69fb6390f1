"""Tensor as a container: making, looking at, printing, iterating, indexing."""

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg


@pytest.mark.parametrize(
    ("data", "shape", "dtype"),
    [
        (3, (), np.int64),
        (3.0, (), np.float64),
        (True, (), np.bool_),
        (2j, (), np.complex128),
        ([], (0,), np.float64),
        ([[]], (1, 0), np.float64),
        ([1, 2.5], (2,), np.float64),
        ([[1], [2]], (2, 1), np.int64),
        (((1, 2), (3, 4)), (2, 2), np.int64),
        (range(3), (3,), np.int64),
        (np.float16(1), (), np.float16),
        (np.zeros((0, 3), np.float32), (0, 3), np.float32),
        (np.array([1, 2], np.uint8), (2,), np.uint8),
        (tg.Tensor(np.ones(2, np.float32)), (2,), np.float32),
    ],
)
def test_making(data, shape, dtype):
    t = tg.Tensor(data)
    assert t.shape == shape
    assert t.dtype == dtype
    assert t.ndim == len(shape)
    assert t.size == int(np.prod(shape))
    assert not t.requires_grad
    assert t.grad is None
    assert t.name is None
    assert t.is_leaf


def test_making_with_a_dtype():
    t = tg.Tensor([1, 2], dtype=np.float32, requires_grad=True, name="w")
    assert t.dtype == np.float32
    assert t.requires_grad
    assert t.name == "w"
    assert tg.Tensor(tg.Tensor([1.7]), dtype=int).tolist() == [1]
    assert tg.Tensor(np.ones(2), dtype="float16").dtype == np.float16


def test_options_are_keywords():
    with pytest.raises(TypeError):
        tg.Tensor([1.0], np.float32)


def test_reading():
    t = tg.Tensor([[1, 2], [3, 4]])
    assert t.tolist() == [[1, 2], [3, 4]]
    assert tg.Tensor(2.5).tolist() == 2.5
    assert tg.Tensor(2.5).item() == 2.5
    assert type(tg.Tensor([[2.5]]).item()) is float
    assert type(tg.Tensor(np.float32(2)).item()) is float
    assert type(tg.Tensor(2).item()) is int
    assert t.T.tolist() == [[1, 3], [2, 4]]
    assert t.numpy() is t.data
    assert float(tg.Tensor([3])) == 3.0
    assert int(tg.Tensor(3.7)) == 3
    assert [10, 20, 30][tg.Tensor(1)] == 20
    assert len(t) == 2


def test_iteration_gives_recorded_rows():
    t = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = t
    (first * second).sum().backward()
    assert t.grad.tolist() == [[3, 4], [1, 2]]
    assert list(tg.Tensor(np.zeros((0, 2)))) == []


def test_scalars_have_no_length():
    for call in (len, iter):
        with pytest.raises(TypeError, match="0-d Tensor"):
            call(tg.Tensor(1.0))


def test_one_element_only():
    t = tg.Tensor([1.0, 2.0], name="t")
    for call in (float, int, lambda v: v.item(), lambda v: f"{v:.2f}"):
        with pytest.raises(ValueError, match=r"one element.*'t' \(2,\)"):
            call(t)
    with pytest.raises(TypeError, match="integer"):
        [1, 2, 3][tg.Tensor(1.0)]


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (tg.Tensor([1.0, 2.0]), "Tensor([1., 2.])"),
        (tg.Tensor(2.5), "Tensor(2.5)"),
        (tg.Tensor([1, 2]), "Tensor([1, 2])"),
        (tg.Tensor([True, False]), "Tensor([ True, False])"),
        (tg.Tensor(np.float32([1.5])), "Tensor([1.5], dtype=float32)"),
        (tg.Tensor(np.uint8(3)), "Tensor(3, dtype=uint8)"),
        (tg.Tensor([]), "Tensor([])"),
        (
            tg.Tensor([1.0, 2.0], name="b", requires_grad=True),
            "Tensor([1., 2.], name='b', requires_grad=True)",
        ),
        (tg.Tensor([1.0], requires_grad=True) * 2, "Tensor([2.], requires_grad=True)"),
        (tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), "Tensor([[1., 2.],\n        [3., 4.]])"),
    ],
)
def test_repr(tensor, text):
    assert repr(tensor) == str(tensor) == text


def test_repr_of_long_arrays_is_elided():
    text = repr(tg.Tensor(np.arange(100_000.0)))
    assert "..." in text
    assert len(text) < 200


def test_format():
    assert f"{tg.Tensor(1.23456):.2f}" == "1.23"
    assert f"{tg.Tensor([1.0])}" == "Tensor([1.])"


def test_names():
    w = tg.Tensor([1.0], requires_grad=True)
    w.name = "w"
    assert w.name == "w"
    y = w * 2
    y.name = "y"
    assert "name='y'" in repr(y)
    data = tg.Tensor([1.0])
    data.name = "X"
    assert data.name == "X"
    assert not data.requires_grad


def test_switching_requires_grad():
    t = tg.Tensor([1.0, 2.0], name="t")
    t.requires_grad = True
    (t * t).sum().backward()
    assert t.grad.tolist() == [2, 4]
    t.requires_grad = False
    assert t.grad is None
    assert t.name == "t"
    assert not (t * 2).requires_grad
    with pytest.raises(TypeError, match=r"only floats.*int64"):
        tg.Tensor([1]).requires_grad = True
    y = tg.Tensor([1.0], requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"detach\(\)"):
        y.requires_grad = False


def test_setting_grad():
    t = tg.Tensor([1.0, 2.0], requires_grad=True, name="t")
    t.grad = tg.Tensor([5.0, 6.0])
    (t * 1).sum().backward()
    assert t.grad.tolist() == [6, 7]
    with pytest.raises(TypeError, match="Tensor or None, not ndarray"):
        t.grad = np.ones(2)
    with pytest.raises(ValueError, match=r"\(2,\) float64 like Tensor 't'.*\(3,\)"):
        t.grad = tg.Tensor([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="float32"):
        t.grad = tg.Tensor(np.ones(2, np.float32))
    with pytest.raises(RuntimeError, match="leaf"):
        tg.Tensor([1.0]).grad = tg.Tensor([1.0])
    tg.Tensor([1.0]).grad = None


def test_unknown_attributes_are_errors():
    t = tg.Tensor([1.0])
    with pytest.raises(AttributeError):
        t.gard = None
    with pytest.raises(AttributeError):
        t.sumn()
    with pytest.raises(AttributeError, match="no attribute 'sine'"):
        tg.sine  # noqa: B018


@folded
@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        np.int8(1),
        (1, 2),
        slice(None, None, -2),
        (slice(1), ..., slice(None, 2)),
        None,
        (None, 0, None),
        ...,
        (),
        [0, 2],
        ([0, 2], [1, 1]),
        (slice(None), [3, 0]),
        np.array([[0], [2]]),
        [True, False, True],
        np.array([True, False, True]),
        (np.array([True, False, True]), 1),
        [],
        (0, [1, 2], None),
        True,
    ],
    ids=str,
)
def test_indexing_as_numpy(index):
    positions = np.arange(12).reshape(3, 4)[index]
    t = tg.Tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
    out = t[index]
    np.testing.assert_array_equal(out.data, positions)
    assert out.shape == positions.shape
    weights = np.arange(1.0, out.size + 1).reshape(out.shape)
    out.backward(weights)
    reference = np.zeros((3, 4))
    for position, weight in zip(np.ravel(positions), np.ravel(weights), strict=True):
        reference.flat[position] += weight
    np.testing.assert_array_equal(t.grad.data, reference)


def test_indexing_with_tensors():
    t = tg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert t[tg.Tensor([1, 0])].tolist() == [[3, 4], [1, 2]]
    assert t[tg.Tensor(1)].tolist() == [3, 4]
    assert t[t > 2].tolist() == [3, 4]
    assert t[tg.Tensor([0, 1]), tg.Tensor([1, 0])].tolist() == [2, 3]
    with pytest.raises(IndexError, match="integers or booleans, not float64"):
        t[tg.Tensor([0.0])]


def test_shape_arguments():
    t = tg.Tensor(np.arange(6.0).reshape(2, 3))
    assert t.reshape(3, 2).shape == t.reshape((3, 2)).shape == t.reshape([3, -1]).shape == (3, 2)
    assert t.reshape(-1).shape == (6,)
    cube = tg.Tensor(np.zeros((2, 3, 4)))
    assert cube.transpose(1, 2, 0).shape == cube.transpose((1, 2, 0)).shape == (3, 4, 2)
    assert cube.transpose().shape == cube.T.shape == (4, 3, 2)
    assert cube.swapaxes(0, 2).shape == (4, 3, 2)
    assert cube.moveaxis(0, -1).shape == (3, 4, 2)
    assert t.sum(axis=-1, keepdims=True).shape == (2, 1)


def test_empty_tensors_flow_through():
    x = tg.Tensor(np.zeros((0, 3)), requires_grad=True)
    W = tg.Tensor(np.ones((3, 2)), requires_grad=True)
    hidden = tg.relu(x @ W + 1)
    assert hidden.shape == (0, 2)
    hidden.sum().backward()
    assert x.grad.shape == (0, 3)
    assert W.grad.tolist() == [[0, 0]] * 3
    assert tg.softmax(x).shape == (0, 3)
    assert tg.concatenate([x, np.ones((1, 3))]).shape == (1, 3)
    assert x.max(axis=1).shape == (0,)
    assert x.sum().item() == 0


def test_functions_of_arrays_give_arrays():
    for f in (tg.exp, tg.relu, tg.softmax, tg.sum, lambda a: tg.add(a, 1), tg.transpose):
        assert isinstance(f(np.ones(3)), (np.ndarray, np.generic))
    assert isinstance(tg.stack([np.ones(3), [1, 2, 3]]), np.ndarray)
    assert tg.add(1, 2) == 3
    assert tg.exp(0.0) == 1.0


def test_version():
    assert tg.__version__.count(".") == 2
