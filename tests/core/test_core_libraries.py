"""What other libraries and Python's own get of a Tensor: a copy of its values, or a clear error."""

import array
import json

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

VALUES = np.array([[1.0, 2.0], [3.0, 4.0]])

CONSTANTS = {
    "matrix": lambda: tg.Tensor(VALUES),
    "float32": lambda: tg.Tensor(VALUES, dtype=np.float32),
    "integers": lambda: tg.Tensor([1, 2, 3]),
    "booleans": lambda: tg.Tensor([True, False]),
    "number": lambda: tg.Tensor(2.0),
    "result": lambda: tg.Tensor(VALUES).sum(),
    "view": lambda: tg.Tensor(VALUES).T,
    "empty": lambda: tg.Tensor(np.zeros((0, 3))),
}
WANTS_GRADIENT = {
    "leaf": lambda: tg.Tensor(VALUES, requires_grad=True),
    "result": lambda: tg.Tensor(VALUES, requires_grad=True) * 2,
}


@pytest.mark.parametrize("make", CONSTANTS.values(), ids=CONSTANTS)
def test_dlpack_gives_a_copy(make):
    t = make()
    before = t.numpy().copy()
    copy = np.from_dlpack(t)
    assert (copy.dtype, copy.shape) == (t.dtype, t.shape)
    np.testing.assert_array_equal(copy, before)
    assert not np.shares_memory(copy, t.data)
    assert t.__dlpack_device__() == (1, 0)
    if copy.flags.writeable:  # since NumPy 2.1
        copy[...] = 0
    np.testing.assert_array_equal(t.data, before)


@pytest.mark.parametrize("make", WANTS_GRADIENT.values(), ids=WANTS_GRADIENT)
def test_dlpack_and_bytes_never_drop_a_gradient(make):
    for convert in (np.from_dlpack, bytes, lambda t: t.__dlpack__()):
        with pytest.raises(TypeError, match=r"drop its gradient.*\.numpy\(\) or \.detach\(\)"):
            convert(make())


def test_dlpack_without_a_copy_is_refused():
    with pytest.raises(BufferError, match="never change"):
        tg.Tensor(VALUES).__dlpack__(copy=False)


@pytest.mark.parametrize("make", CONSTANTS.values(), ids=CONSTANTS)
def test_bytes_are_those_of_the_array(make):
    t = make()
    assert bytes(t) == bytes(t.data)


def test_buffers_json_and_lengths():
    t = tg.Tensor(VALUES)
    with pytest.raises(TypeError, match="bytes-like"):
        memoryview(t)
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(t)
    assert json.loads(json.dumps(t.tolist())) == VALUES.tolist()
    assert array.array("d", t[0]).tolist() == [1, 2]
    with pytest.raises(TypeError, match=r"one number: \.item\(\)"):
        len(tg.Tensor(2.0))


@pytest.mark.oracle
@folded
@pytest.mark.parametrize("make", CONSTANTS.values(), ids=CONSTANTS)
@pytest.mark.parametrize("name", ["from_dlpack", "as_tensor", "tensor", "asarray"])
def test_torch_gets_a_copy(name, make):
    torch = pytest.importorskip("torch")
    t = make()
    before = t.tolist()
    theirs = getattr(torch, name)(t)
    assert theirs.tolist() == before
    assert theirs.numpy().dtype == t.dtype
    theirs[...] = 0
    assert t.tolist() == before


@pytest.mark.oracle
@pytest.mark.parametrize("make", WANTS_GRADIENT.values(), ids=WANTS_GRADIENT)
@pytest.mark.parametrize("name", ["from_dlpack", "as_tensor", "tensor", "asarray"])
def test_torch_gets_nothing_that_wants_a_gradient(name, make):
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"drop its gradient.*\.detach\(\)"):
        getattr(torch, name)(make())


@pytest.mark.oracle
def test_jax_gets_a_copy():
    jnp = pytest.importorskip("jax.numpy")
    t = tg.Tensor(VALUES, dtype=np.float32)
    for convert in (jnp.asarray, jnp.array, jnp.from_dlpack):
        assert convert(t).tolist() == VALUES.tolist()
        with pytest.raises(TypeError, match="drop its gradient"):
            convert(tg.Tensor(VALUES, requires_grad=True))


def test_pandas_gets_the_values():
    pandas = pytest.importorskip("pandas")
    t = tg.Tensor(VALUES)
    assert pandas.DataFrame(t).values.tolist() == VALUES.tolist()
    assert pandas.Series(t[0]).tolist() == [1, 2]
    with pytest.raises(TypeError, match="drop its gradient"):
        pandas.DataFrame(tg.Tensor(VALUES, requires_grad=True))
