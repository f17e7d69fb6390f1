"""Arrays that are more than an array: masked arrays, matrices, other subclasses, pandas objects.

A hidden number never takes part, nothing is multiplied element by element where a matrix product
was meant, and everything else is read as the plain array that it holds.
"""

import array
import inspect
import operator

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

VALUES = np.array([1.0, 2.0, 999.0])


def masked(values=VALUES, mask=(0, 0, 1)):
    return np.ma.masked_array(values, mask=mask)


def leaf(values=(1.0, 1.0, 1.0)):
    return tg.Tensor(np.array(values, float), requires_grad=True)


# --- masked arrays --------------------------------------------------------------------------------

OPERATORS = ["add", "sub", "mul", "truediv", "pow", "matmul", "floordiv", "mod", "lt", "eq"]


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_refuse_masked_arrays(name):
    operate = getattr(operator, name)
    for left, right in ((leaf(), masked()), (masked(), leaf())):
        with pytest.raises(TypeError, match="mask"):
            operate(left, right)
    with pytest.raises(TypeError, match="mask"):
        operate(tg.Tensor(VALUES), masked())


TAKING = {
    "Tensor": lambda m: tg.Tensor(m),
    "a list of them": lambda m: tg.Tensor([m, m]),
    "nested lists": lambda m: tg.Tensor([[VALUES, m], [m, VALUES]]),
    "full": lambda m: tg.full((3,), m),
    "np.multiply": lambda m: np.multiply(m, leaf()),
    "np.ma.multiply": lambda m: np.ma.multiply(m, leaf()),
    "np.ma.dot": lambda m: np.ma.dot(m, leaf()),
    "np.ma.where": lambda m: np.ma.where([True, False, True], m, leaf()),
    "np.ma.concatenate": lambda m: np.ma.concatenate([m, leaf()]),
    "np.ma.sqrt": lambda m: np.ma.sqrt(leaf()),
    "+=": lambda m: operator.iadd(m.copy(), leaf()),
    "an element": lambda m: operator.setitem(m, 0, leaf()[0]),
    "the hidden element": lambda m: leaf() * m[2],
    "np.concatenate": lambda m: np.concatenate([m, leaf()]),
    "np.dot": lambda m: np.dot(m, leaf()),
    "np.where": lambda m: np.where(m > 0, leaf(), 0.0),
    "np.where, a choice": lambda m: np.where([True, False, True], leaf(), m),
    "np.select": lambda m: np.select([m > 0], [leaf()]),
    "np.compress": lambda m: np.compress(m > 0, leaf()),
    "np.clip": lambda m: np.clip(leaf(), 0, m),
    "np.average": lambda m: np.average(leaf(), weights=m),
    "np.mean, where": lambda m: np.mean(leaf(), where=m > 0),
    "np.take": lambda m: np.take(leaf(), m.astype(int) % 3),
    "an index": lambda m: leaf()[m.astype(int) % 3],
    "a mask as index": lambda m: leaf()[m > 0],
    "an index to write to": lambda m: operator.setitem(tg.zeros(3), m > 0, 1.0),
    "values to write": lambda m: operator.setitem(tg.zeros(3), slice(None), m),
    "assign": lambda m: tg.zeros(3).assign(m),
    "the gradient of backward": lambda m: leaf().backward(m),
    "an argument of grad": lambda m: tg.grad(lambda x: (x * x).sum())(m),
    "labels": lambda m: tg.cross_entropy(tg.Tensor(np.eye(3)), m.astype(int) % 3),
}


@folded
@pytest.mark.parametrize("name", TAKING)
def test_masked_arrays_are_refused(name):
    with pytest.raises(TypeError, match="mask"):
        TAKING[name](masked())


def test_the_error_says_what_to_write():
    with pytest.raises(TypeError, match=r"\.filled\(value\).*\.compressed\(\)"):
        tg.Tensor(masked())
    w = tg.Tensor(np.ones(3), requires_grad=True, name="w")
    with pytest.raises(TypeError, match=r"gradient of Tensor 'w'.*\.filled\(value\).*where\(mask"):
        masked() * w
    assert tg.Tensor(masked().filled(0.0)).tolist() == [1, 2, 0]
    assert tg.Tensor(masked().compressed()).tolist() == [1, 2]
    assert tg.where(~masked().mask, w, 0.0).tolist() == [1, 1, 0]


def test_masked_arrays_may_use_tensors_that_need_no_gradient():
    """Nothing is lost or counted: the mask stays."""
    product = masked() * tg.Tensor([2.0, 3.0, 4.0])
    assert isinstance(product, np.ma.MaskedArray)
    assert product.tolist() == [2, 6, None]


def test_looking_at_a_tensor_meets_no_error():
    assert "_mask" not in dir(leaf())
    assert not hasattr(tg.Tensor(1.0), "_mask")
    inspect.getmembers(leaf())


def test_a_compiled_function_reads_arguments_as_the_function_does():
    @tg.compile
    def product(x, y):
        return x * y

    x, y = tg.Tensor(np.ones((2, 2))), np.arange(4.0).reshape(2, 2)
    for _ in range(3):
        product(x, y)
    for strange in (np.ma.masked_array(y, y > 2), np.matrix(y)):
        for _ in range(2):
            with pytest.raises((TypeError, tg.CompileError), match=r"mask|matrix"):
                product(x, strange)
    plain = product(x, y.view(np.recarray)).numpy()
    assert type(plain) is np.ndarray
    np.testing.assert_array_equal(plain, y)


# --- matrices -------------------------------------------------------------------------------------

MATRIX = np.matrix([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize("name", ["mul", "truediv", "add", "matmul", "lt"])
def test_a_matrix_is_no_operand(name):
    operate = getattr(operator, name)
    for left, right in ((leaf(MATRIX), MATRIX), (MATRIX.copy(), leaf(MATRIX))):
        with pytest.raises(TypeError, match=r"np\.matrix.*np\.asarray\(m\)"):
            operate(left, right)


def test_a_matrix_is_read_as_the_array_that_it_holds():
    t = tg.Tensor(MATRIX)
    assert type(t.numpy()) is np.ndarray
    assert (t * t).tolist() == [[1, 4], [9, 16]]
    np.testing.assert_array_equal((leaf(MATRIX) @ np.asarray(MATRIX)).data, MATRIX @ MATRIX)


# --- everything else is read ----------------------------------------------------------------------


def kinds(folder):
    mapped = np.memmap(folder / "numbers", dtype=float, shape=(3,), mode="w+")
    mapped[:] = [1, 2, 3]
    numbers = np.array([1.0, 2.0, 3.0])
    return {
        "memory-mapped": mapped,
        "record's field": np.rec.fromarrays([numbers, numbers], names="a,b").a,
        "recarray": numbers.view(np.recarray),
        "array.array": array.array("d", [1, 2, 3]),
        "range": range(1, 4),
        "tuple": (1.0, 2.0, 3.0),
        "list of Tensors": [tg.Tensor(1.0), tg.Tensor(2.0), tg.Tensor(3.0)],
        "list of arrays": [np.array(1.0), np.float32(2), 3],
    }


def test_other_kinds_are_read_as_plain_arrays(tmp_path):
    for name, data in kinds(tmp_path).items():
        t = tg.Tensor(data)
        assert type(t.numpy()) is np.ndarray, name
        assert t.tolist() == [1, 2, 3], name
        for product in (lambda w, d=data: w * d, lambda w, d=data: d * w):
            w = leaf()
            out = product(w)
            assert isinstance(out, tg.Tensor), name
            assert type(out.numpy()) is np.ndarray, name
            out.sum().backward()
            assert type(w.grad.numpy()) is np.ndarray, name
            assert w.grad.tolist() == [1, 2, 3], name


def test_what_a_rule_reads_is_copied_whatever_its_kind(tmp_path):
    data = kinds(tmp_path)
    for name in ("memory-mapped", "recarray", "array.array"):
        w = leaf()
        out = (w * data[name]).sum()
        for k in range(3):
            data[name][k] = 7
        out.backward()
        assert w.grad.tolist() == [1, 2, 3], name


def test_indices_of_another_kind(tmp_path):
    t = leaf([5.0, 6.0, 7.0])
    places = np.memmap(tmp_path / "places", dtype=int, shape=(2,), mode="w+")
    places[:] = [2, 0]
    out = t[places]
    places[:] = 1
    out.sum().backward()
    assert out.tolist() == [7, 5]
    assert t.grad.tolist() == [1, 0, 1]


def test_a_list_of_tensors_that_need_gradients_is_refused():
    with pytest.raises(TypeError, match="stack"):
        tg.Tensor([leaf(1.0), leaf(2.0)])


def test_records_and_objects_are_no_numbers():
    records = np.rec.fromarrays([VALUES, VALUES], names="a,b")
    with pytest.raises(TypeError, match="expected numbers"):
        leaf() * records
    with pytest.raises(TypeError, match="expected numbers") as raised:
        leaf() * np.array([1, 2, 3], object)
    assert "Did you mean" not in str(raised.value)


# --- pandas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mul", "add", "sub", "truediv", "pow"])
def test_series_on_either_side(name):
    pd = pytest.importorskip("pandas")
    operate = getattr(operator, name)
    series = pd.Series([1.0, 2.0, 3.0], index=[7, 8, 9])
    plain = series.to_numpy()
    for with_series, with_array in (
        (lambda w: operate(w, series), lambda w: operate(w, plain)),
        (lambda w: operate(series, w), lambda w: operate(plain, w)),
    ):
        w, same = leaf([1.5, 2.5, 0.5]), leaf([1.5, 2.5, 0.5])
        out, expected = with_series(w), with_array(same)
        assert isinstance(out, tg.Tensor)
        np.testing.assert_array_equal(out.data, expected.data)
        out.sum().backward()
        expected.sum().backward()
        np.testing.assert_array_equal(w.grad.data, same.grad.data)


def test_comparisons_with_a_series():
    pd = pytest.importorskip("pandas")
    t, series = tg.Tensor([1.0, 2.0, 5.0]), pd.Series([1.0, 2.0, 3.0])
    for equal in (t == series, series == t):
        assert equal.tolist() == [True, True, False]
    assert (series != t).tolist() == (t > series).tolist() == [False, False, True]


def test_frames_and_ufuncs():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert tg.Tensor(frame).tolist() == [[1, 3], [2, 4]]
    for call in (lambda w: frame * w, lambda w: w * frame, lambda w: np.multiply(frame, w)):
        w = leaf([[1.0, 1.0], [2.0, 2.0]])
        call(w).sum().backward()
        assert w.grad.tolist() == [[1, 3], [2, 4]]
    with pytest.raises(TypeError, match="expected numbers"):
        leaf([1.0, 1.0]) * pd.DataFrame({"a": ["x", "y"]})
