"""NumPy's functions and operators on Tensors: recorded, and with the right values."""

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg
from tinygrad_np.core.tensor import node_of

A = np.random.default_rng(0).uniform(0.5, 1.5, (3, 4))
B = np.random.default_rng(1).uniform(0.5, 1.5, (3, 4))
C = np.random.default_rng(2).uniform(0.5, 1.5, (4, 2))
MASK = A > 1
SINCE_2_1 = np.lib.NumpyVersion(np.__version__) >= "2.1.0"

CALLS = {
    "np.exp(t)": lambda t: np.exp(t),
    "np.log(t)": lambda t: np.log(t),
    "np.sqrt(t)": lambda t: np.sqrt(t),
    "np.tanh(t)": lambda t: np.tanh(t),
    "np.abs(t)": lambda t: np.abs(t),
    "np.absolute(t)": lambda t: np.absolute(t),
    "np.negative(t)": lambda t: np.negative(t),
    "np.add(a, t)": lambda t: np.add(A, t),
    "np.multiply(t, 2)": lambda t: np.multiply(t, 2),
    "np.true_divide(1, t)": lambda t: np.true_divide(1, t),
    "np.power(t, 2)": lambda t: np.power(t, 2),
    "np.maximum(t, a)": lambda t: np.maximum(t, A),
    "np.matmul(t, c)": lambda t: np.matmul(t, C),
    "a + t": lambda t: A + t,
    "a - t": lambda t: A - t,
    "a * t": lambda t: A * t,
    "a / t": lambda t: A / t,
    "a ** t": lambda t: A**t,
    "a @ t": lambda t: C.T @ t.T,
    "1 - t": lambda t: 1 - t,
    "2 / t": lambda t: 2 / t,
    "2 ** t": lambda t: 2**t,
    "np.float64(2) * t": lambda t: np.float64(2) * t,
    "np.float32(2) - t": lambda t: np.float32(2) - t,
    "np.int64(2) / t": lambda t: np.int64(2) / t,
    "np.float64(2) ** t": lambda t: np.float64(2) ** t,
    "0-d array * t": lambda t: np.array(2.0) * t,
    "list + t": lambda t: [1.0, 2.0, 3.0, 4.0] + t,
    "abs(t)": lambda t: abs(t),
    "np.sum(t)": lambda t: np.sum(t),
    "np.sum(t, axis=0)": lambda t: np.sum(t, axis=0),
    "np.sum(t, 1, keepdims=True)": lambda t: np.sum(t, 1, keepdims=True),
    "np.mean(t, axis=-1)": lambda t: np.mean(t, axis=-1),
    "np.max(t, axis=0)": lambda t: np.max(t, axis=0),
    "np.min(t)": lambda t: np.min(t),
    "np.var(t, ddof=1)": lambda t: np.var(t, ddof=1),
    "np.std(t, axis=1)": lambda t: np.std(t, axis=1),
    "np.add.reduce(t)": lambda t: np.add.reduce(t),
    "np.concatenate([t, a])": lambda t: np.concatenate([t, A]),
    "np.concatenate((a, t), axis=1)": lambda t: np.concatenate((A, t), axis=1),
    "np.concatenate([t, t], axis=None)": lambda t: np.concatenate([t, t], axis=None),
    "np.stack([t, a, t], axis=1)": lambda t: np.stack([t, A, t], axis=1),
    "np.where(mask, t, a)": lambda t: np.where(MASK, t, A),
    "np.where(t > 1, t, 0)": lambda t: np.where(t > 1, t, 0),
    "np.clip(t, 0.7, 1.2)": lambda t: np.clip(t, 0.7, 1.2),
    "np.reshape(t, (2, 6))": lambda t: np.reshape(t, (2, 6)),
    "np.reshape(t, -1)": lambda t: np.reshape(t, -1),
    "np.transpose(t)": lambda t: np.transpose(t),
    "np.transpose(t, (1, 0))": lambda t: np.transpose(t, (1, 0)),
    "np.transpose(t, axes=[1, 0])": lambda t: np.transpose(t, axes=[1, 0]),
    "np.swapaxes(t, 0, -1)": lambda t: np.swapaxes(t, 0, -1),
    "np.moveaxis(t, 0, 1)": lambda t: np.moveaxis(t, 0, 1),
    "np.expand_dims(t, axis=1)": lambda t: np.expand_dims(t, axis=1),
    "np.squeeze(t[:1])": lambda t: np.squeeze(t[:1]),
    "np.broadcast_to(t, (2, 3, 4))": lambda t: np.broadcast_to(t, (2, 3, 4)),
    "np.copy(t)": lambda t: np.copy(t),
}


@folded
@pytest.mark.parametrize("name", CALLS)
def test_recorded_and_right(name):
    f = CALLS[name]
    x = tg.Tensor(B, requires_grad=True)
    out = f(x)
    expected = f(B) if "list" not in name else np.add([1.0, 2.0, 3.0, 4.0], B)
    assert isinstance(out, tg.Tensor)
    assert out.requires_grad
    assert out.dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(out.data, expected)
    assert node_of(out).place[0] == __file__
    assert tg.gradcheck(f, [B], order=2)


def test_inspection():
    t = tg.Tensor(A, requires_grad=True)
    assert np.shape(t) == (3, 4)
    assert np.ndim(t) == 2
    assert np.size(t) == 12
    assert np.size(t, 1) == 4
    assert np.isnan(t).tolist() == np.isnan(A).tolist()
    assert np.isfinite(t).data.all()
    assert np.greater(t, 1).tolist() == MASK.tolist()
    assert np.sign(-t).data.max() == -1


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda t: np.nanmedian(t), "np.nanmedian"),
        (lambda t: np.modf(t), "np.modf"),
        (lambda t: np.frexp(t), "np.frexp"),
        (lambda t: np.nanstd(t), "np.nanstd"),
        (lambda t: np.linalg.eigh(t), "np.linalg.eigh"),
        (lambda t: np.linalg.svd(t @ t.T), "np.linalg.svd"),
        (lambda t: np.fft.fft(t), "np.fft.fft"),
        (lambda t: np.interp(t, [0, 1], [0, 1]), "np.interp"),
    ],
)
def test_unsupported_functions_raise(call, name):
    """With and without a gradient; what the messages recommend is tested with the hints."""
    for t in (tg.Tensor(A, requires_grad=True), tg.Tensor(A)):
        with pytest.raises(NotImplementedError) as caught:
            call(t)
        text = str(caught.value)
        assert text.startswith(f"{name} is not supported on Tensors.")
        assert "define_op" in text
        assert ".numpy()" in text


def test_unsupported_arguments_raise():
    t = tg.Tensor(A, requires_grad=True)
    for call, what in (
        (lambda: np.sum(t, out=np.zeros(())), "out"),
        (lambda: np.var(t, mean=1.0), "mean"),
        (lambda: np.matmul(t, C, axes=[(0, 1), (0, 1), (0, 1)]), "axes"),
        (lambda: np.add(t, 1, dtype=np.float32), "dtype"),
        (lambda: np.exp(t, casting="no"), "casting"),
        (lambda: np.concatenate([t, t], dtype=np.float32), "dtype"),
        (lambda: np.reshape(t, (4, 3), order="F"), "order"),
        (lambda: np.stack([t, t], out=np.zeros((2, 3, 4))), "out"),
    ):
        with pytest.raises(TypeError, match=what):
            call()


def test_clip_takes_numpys_argument_names():
    t = tg.Tensor([-1.0, 0.5, 2.0])
    assert np.clip(t, a_min=0, a_max=1).tolist() == [0, 0.5, 1]
    if SINCE_2_1:  # which gave the limits these names
        assert np.clip(t, min=0, max=1).tolist() == [0, 0.5, 1]


def test_numpys_names_of_the_operands():
    t = tg.Tensor(A, requires_grad=True)
    calls = [
        (np.sum(a=t, axis=0), A.sum(axis=0)),
        (np.reshape(t, shape=(4, 3)) if SINCE_2_1 else t.reshape(4, 3), A.reshape(4, 3)),
        (np.transpose(a=t, axes=(1, 0)), A.T),
        (np.diff(a=t, axis=0), np.diff(A, axis=0)),
        (np.outer(a=t, b=C), np.outer(A, C)),
        (np.tensordot(a=t, b=C, axes=1), A @ C),
        (np.take(a=t, indices=[1], axis=0), A[[1]]),
        (np.tile(A=t, reps=2), np.tile(A, 2)),
        (np.flip(m=t, axis=1), A[:, ::-1]),
        (np.broadcast_to(array=t, shape=(2, 3, 4)), np.broadcast_to(A, (2, 3, 4))),
    ]
    for got, want in calls:
        assert got.requires_grad
        np.testing.assert_allclose(got.data, want, rtol=1e-14)
    with pytest.raises(TypeError, match="subok"):
        np.zeros_like(t, subok=False)


def test_moveaxis_of_several_axes():
    t = tg.Tensor(np.zeros((2, 3, 4)))
    assert np.moveaxis(t, [0, 1], [-1, 0]).shape == (3, 4, 2)


def test_logic_of_booleans():
    t, u = tg.Tensor([True, True, False]), np.array([True, False, False])
    assert (t & u).tolist() == [True, False, False]
    assert (t | u).tolist() == [True, True, False]
    assert (t ^ u).tolist() == [False, True, False]
    assert (True ^ t).tolist() == [False, False, True]
    assert (~t).tolist() == [False, False, True]
    assert np.logical_and(u, t).tolist() == [True, False, False]
    x = tg.Tensor([1.0])
    for wrong in (lambda: t & 1.0, lambda: x | tg.Tensor([2]), lambda: ~x):
        with pytest.raises(TypeError, match="not defined for"):
            wrong()


@pytest.mark.parametrize("function", [np.lexsort, lambda keys: np.ravel_multi_index(keys, (9, 9))])
def test_tensors_within_a_tuple(function):
    rows, columns = np.array([3, 1, 3, 0]), np.array([2, 7, 1, 5])
    result = function((rows, tg.Tensor(columns)))
    assert isinstance(result, tg.Tensor)
    np.testing.assert_array_equal(result, function((rows, columns)))


def test_order_by_keys_that_need_a_gradient():
    keys = tg.Tensor([3.0, 1.0, 2.0], requires_grad=True)
    assert np.lexsort((keys, keys * keys)).tolist() == [1, 2, 0]


def test_never_an_object_array():
    t = tg.Tensor(A, requires_grad=True)
    for result in (A + t, [A, A] * t, np.float64(1) + t, (1.0, 2.0, 3.0, 4.0) * t):
        assert isinstance(result, tg.Tensor)
        assert result.dtype == np.float64


def test_numpy_random_state_is_left_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    tg.manual_seed(3)
    first = tg.default_generator().normal(size=3)
    again = tg.manual_seed(3).normal(size=3)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_accumulate_along_an_axis():
    t = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    result = np.add.accumulate(t, axis=1)
    assert result.tolist() == [[1, 3], [3, 7]]
    result.sum().backward()
    assert t.grad.tolist() == [[2, 1], [2, 1]]
