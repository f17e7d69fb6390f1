"""Never silently wrong: a gradient belongs to the values that were used, whatever is written.

Each test writes somewhere between the forward and the backward, or tries to; either the gradient
is still right, or the write raises before anything changes.
"""

import contextlib
import copy
import pickle
import warnings

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.core import tensor


def leaf(values, **kwargs):
    return tg.Tensor(np.array(values, float), requires_grad=True, **kwargs)


# --- arrays of the caller -----------------------------------------------------------------------


def test_the_array_a_tensor_was_made_from():
    array = np.ones(3)
    t = tg.Tensor(array, requires_grad=True)
    y = t * t
    array[:] = 100
    y.sum().backward()
    assert t.tolist() == [1, 1, 1]
    assert t.grad.tolist() == [2, 2, 2]
    array = np.ones(3)
    view = tg.Tensor(memoryview(array))
    array[:] = 100
    assert view.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "f",
    [
        lambda t, a: t * a,
        lambda t, a: a * t,
        lambda t, a: a / t,
        lambda t, a: t / a,
        lambda t, a: t**a,
        lambda t, a: a**t,
        lambda t, a: t @ a,
        lambda t, a: a @ t,
        lambda t, a: np.maximum(t, a),
        lambda t, a: np.minimum(a, t),
        lambda t, a: np.clip(t, a, None),
        lambda t, a: np.where(a > 1, t, a),
        lambda t, a: np.where(a, t, 0),
        lambda t, a: tg.stack([t, a]) * tg.stack([t, a]),
        lambda t, a: t * a.view(),
        lambda t, a: t * a[::-1],
        lambda t, a: t * np.broadcast_to(a, (2, 3)),
        lambda t, a: t * a.reshape(1, 3),
        lambda t, a: t * memoryview(a),
    ],
)
def test_a_bare_array_that_entered_an_op(f):
    """A buffer that is refilled for the next batch, before backward has run on this one."""
    gradients = []
    for overwrite in (False, True):
        array = np.array([1.0, 2.0, 0.5])
        t = leaf([0.7, 1.2, 1.9])
        y = f(t, array)
        value = y.data.copy()
        if overwrite:
            array[:] = 100
        np.testing.assert_array_equal(y.data, value)
        y.sum().backward()
        gradients.append(t.grad.tolist())
    assert gradients[0] == gradients[1]


def test_index_arrays_and_lists():
    x = leaf([1, 2, 3, 4])
    index, several = np.array([0, 1]), [0, 1]
    y = x[index].sum() + 10 * x[several].sum() + 100 * x[(index, None)].sum()
    index[:] = 3
    several[:] = [3, 3]
    y.backward()
    assert x.grad.tolist() == [111, 111, 0, 0]


def test_boolean_masks():
    x = leaf([1, 2, 3])
    mask = np.array([True, False, True])
    y = x[mask].sum() + tg.where(mask, x, 0.0).sum() + (x * mask).sum()
    mask[:] = False
    y.backward()
    assert x.grad.tolist() == [3, 0, 3]


def test_indices_given_to_functions():
    x = leaf([1, 2, 3, 4])
    index = np.array([0, 1])
    y = tg.getitem(x, index).sum()
    index[:] = 3
    y.backward()
    assert x.grad.tolist() == [1, 1, 0, 0]


def test_labels():
    logits = leaf(np.zeros((2, 3)))
    labels = np.array([0, 1], np.uint8)
    loss = tg.cross_entropy(logits, labels, reduction="sum")
    labels[:] = 2
    loss.backward()
    assert logits.grad.data.argmin(axis=1).tolist() == [0, 1]


def test_distributions_as_labels():
    logits = leaf(np.zeros((1, 2)))
    target = np.array([[1.0, 0.0]])
    loss = tg.cross_entropy(logits, target)
    target[:] = [[0.0, 1.0]]
    loss.backward()
    assert logits.grad.tolist() == [[-0.5, 0.5]]


def test_axes_given_as_a_list():
    x = leaf(np.arange(24.0).reshape(2, 3, 4))
    axes = [2, 0, 1]
    y = x.transpose(axes)
    axes[:] = [0, 1, 2]
    weights = np.arange(24.0).reshape(4, 2, 3)
    (y * weights).sum().backward()
    np.testing.assert_array_equal(x.grad.data, weights.transpose(1, 2, 0))


def test_arrays_among_the_parameters_of_an_op():
    masked = tg.define_op(lambda x, mask: x * mask, name="masked", x=lambda g, mask: g * mask)
    x, mask = leaf([1, 2]), np.array([1.0, 0.0])
    y = masked(x, mask)
    mask[:] = 5
    y.sum().backward()
    assert x.grad.tolist() == [1, 0]


def test_seeds():
    x, seed = leaf([1, 2]), np.array([1.0, 1.0])
    (x + 0).backward(seed)
    x.backward(seed)
    seed[:] = 100
    assert x.grad.tolist() == [2, 2]


# --- writes to Tensors --------------------------------------------------------------------------


def test_a_write_to_a_weight_after_its_transpose_was_used():
    """The result of `W.T` is a view of W's array."""
    X, W = leaf([[1, 2]]), leaf([[3, 4], [5, 6]])
    out = X @ W.T
    with tg.no_grad():
        W[0, 0] = 1000
        W *= 0
    out.backward([[1, 1]])
    assert X.grad.tolist() == [[8, 10]]
    assert W.grad.tolist() == [[1, 2], [1, 2]]
    assert W.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t.T,
        lambda t: t.reshape(4),
        lambda t: t[0],
        lambda t: t[::-1],
        lambda t: t.broadcast_to((3, 2, 2)),
        lambda t: t.expand_dims(0),
        lambda t: t[None].squeeze(0),
        lambda t: t.swapaxes(0, 1),
        lambda t: t.detach(),
    ],
)
def test_a_write_to_the_base_of_a_view_result(view):
    t = tg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    part = view(t)
    w = leaf(np.ones(part.shape))
    y = (w * part).sum()
    before = part.tolist()
    t[...] = 100
    t += 1
    assert part.tolist() == before
    y.backward()
    assert w.grad.tolist() == before


def test_a_weight_updated_between_forward_and_backward():
    w = leaf([1, 2], name="w")
    y = w * w
    with tg.no_grad():
        w -= 0.5
    y.sum().backward()
    assert w.tolist() == [0.5, 1.5]
    assert w.grad.tolist() == [2, 4]
    assert w.requires_grad
    assert w.name == "w"
    assert w.is_leaf


def test_a_write_into_a_view_result_raises_and_says_how():
    t = tg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(RuntimeError, match=r"write t\[0, 1\] = v instead of t\[0\]\[1\] = v"):
        t[0][1] = 5
    with pytest.raises(RuntimeError, match="view"):
        t.T[0, 0] = 5
    with pytest.raises(RuntimeError, match="view"):
        t.reshape(4)[0] = 5
    assert t.tolist() == [[1, 2], [3, 4]]
    t[0, 1] = 5
    assert t.tolist() == [[1, 5], [3, 4]]
    t[0] += 1
    assert t.tolist() == [[2, 6], [3, 4]]


def test_in_place_on_a_leaf_raises_before_anything_changes():
    def write(t):
        t[0] = 9

    def add(t):
        t += 1

    def multiply(t):
        t *= 2

    def subtract(t):
        t -= 1

    def divide(t):
        t /= 2

    def power(t):
        t **= 2

    for change, symbol in (
        (write, "t[...] = v"),
        (add, "t += v"),
        (subtract, "t -= v"),
        (multiply, "t *= v"),
        (divide, "t /= v"),
        (power, "t **= v"),
    ):
        w = leaf([1, 2], name="w")
        node = w._node
        with pytest.raises(RuntimeError, match="no_grad") as caught:
            change(w)
        assert symbol in str(caught.value)
        assert "'w'" in str(caught.value)
        assert w.tolist() == [1, 2]
        assert w._node is node
        with tg.no_grad():
            change(w)
        assert w.tolist() != [1, 2]
        assert w._node is node


def test_a_write_under_no_grad_to_a_recorded_result_raises():
    x = leaf([1, 2])
    y = x * 2
    with tg.no_grad(), pytest.raises(RuntimeError, match="no_grad"):
        y[0] = 5
    assert y.tolist() == [2, 4]


def test_in_place_operators_give_the_same_object_a_new_array():
    t = tg.Tensor([1.0, 2.0], name="t")
    alias, data = t, t.data
    t += 1
    t *= [2, 3]
    assert alias is t
    assert t.tolist() == [4, 9]
    assert data.tolist() == [1, 2]
    assert t.name == "t"
    m = tg.Tensor(np.eye(2) * 2)
    m @= np.array([[1.0, 2.0], [3.0, 4.0]])
    assert m.tolist() == [[2, 4], [6, 8]]


def test_in_place_operators_are_recorded():
    x = leaf([1, 2])
    y = x * 2
    y += x
    y *= y
    y.sum().backward()
    assert x.grad.tolist() == [18, 36]
    t = tg.Tensor([1.0, 1.0])
    t += x
    assert t.requires_grad
    t.backward([1, 1])
    assert x.grad.tolist() == [19, 37]


def test_in_place_operators_keep_dtype_and_shape():
    t = tg.Tensor(np.ones(3, np.float32))
    t += np.ones(3)
    t *= np.float64(2)
    assert t.dtype == np.float32
    assert t.tolist() == [4, 4, 4]
    with pytest.raises(ValueError, match=r"t \+= v would change Tensor \(3,\).* \(2, 3\)"):
        t += np.ones((2, 3))
    whole = tg.Tensor([1, 2])
    with pytest.raises(TypeError, match=r"t \+= v would change .*int64 to float64"):
        whole += 0.5
    with pytest.raises(TypeError, match="t /= v"):
        whole /= 2
    assert whole.tolist() == [1, 2]
    assert t.tolist() == [4, 4, 4]


# --- recorded writes ----------------------------------------------------------------------------


def test_setitem_gradients():
    x, v = leaf([1, 2, 3]), leaf([10, 20])
    y = x * 1
    y[1:] = v
    (y * [1, 2, 3]).sum().backward()
    assert y.tolist() == [1, 10, 20]
    assert x.grad.tolist() == [1, 0, 0]
    assert v.grad.tolist() == [2, 3]


def test_setitem_of_a_broadcast_value():
    v = leaf(5)
    y = tg.Tensor(np.zeros((2, 3)))
    y[:, 1:] = v
    assert y.requires_grad
    y.sum().backward()
    assert y.tolist() == [[0, 5, 5], [0, 5, 5]]
    assert v.grad.item() == 4


def test_setitem_of_constants_into_a_recorded_value():
    x = leaf([1, 2, 3])
    y = x * x
    y[0] = 0
    y[np.array([False, True, False])] = -1
    y.sum().backward()
    assert x.grad.tolist() == [0, 0, 6]


def test_setitem_twice_at_the_same_place():
    a, b = leaf(1), leaf(2)
    y = tg.Tensor([0.0, 0.0])
    y[0] = a
    y[0] = b
    y.sum().backward()
    assert a.grad.item() == 0
    assert b.grad.item() == 1


def test_setitem_with_its_own_value():
    x = leaf([1, 2, 3])
    y = x * 1
    y[0] = y[1] * y[2]
    y[0].backward()
    assert x.grad.tolist() == [0, 3, 2]


def test_setitem_with_repeated_indices():
    """NumPy keeps the value that was written last; the others have no say."""
    v = leaf([10, 20, 30])
    y = tg.Tensor(np.zeros(2))
    y[np.array([0, 0, 1])] = v
    assert y.tolist() == [20, 30]
    y.backward([1, 100])
    assert v.grad.tolist() == [0, 1, 100]


def test_setitem_keeps_the_dtype():
    y = tg.Tensor(np.zeros(2, np.float32))
    v = leaf([1.5])
    y[:1] = v
    assert y.dtype == np.float32
    y.sum().backward()
    assert v.grad.dtype == np.float64


def test_setitem_does_not_drop_a_gradient_into_integers():
    t, v = tg.Tensor([1, 2, 3]), leaf(2.5)
    with pytest.raises(TypeError, match="int64"):
        t[0] = v
    assert t.tolist() == [1, 2, 3]


def test_second_derivative_through_setitem():
    def f(x, v):
        y = x * x
        y[1] = v**3
        return y * y

    assert tg.gradcheck(f, [np.array([0.4, 0.7, -0.3]), np.array(0.8)], order=2)


# --- never a silent detach ----------------------------------------------------------------------


def test_a_tensor_of_a_tensor():
    x = leaf([1, 2], name="x")
    with pytest.raises(TypeError, match=r"'x'.*detach\(\)"):
        tg.Tensor(x)
    with pytest.raises(TypeError, match="detach"):
        tg.Tensor(x * 2)
    copied = tg.Tensor(x.detach())
    assert copied.tolist() == [1, 2]
    assert not copied.requires_grad
    assert tg.Tensor(tg.Tensor([1, 2])).tolist() == [1, 2]


@pytest.mark.parametrize("make", [tg.Tensor, np.array, np.asarray, lambda v: tg.Tensor([1]) + v])
def test_a_list_of_tensors_names_stack(make):
    x = leaf([1, 2])
    for values in ([x, x], [x[0], x[1]], [[x[0]], [1.0]], (x, x)):
        with pytest.raises(TypeError, match="stack"):
            make(values)


def test_a_list_of_constant_tensors_is_just_data():
    t = tg.Tensor([1, 2])
    assert tg.Tensor([t, t]).tolist() == [[1, 2], [1, 2]]


@pytest.mark.parametrize("make", [np.asarray, np.array, np.ascontiguousarray])
def test_an_array_of_a_tensor_that_needs_a_gradient(make):
    for t in (leaf([1, 2]), leaf([1, 2]) * 2, leaf(3)):
        with pytest.raises((TypeError, NotImplementedError), match=r"\.numpy\(\)"):
            make(t)


def test_asarray_raises_a_type_error():
    with pytest.raises(TypeError, match=r"\.numpy\(\).*\.detach\(\)"):
        np.asarray(leaf([1, 2]))
    with pytest.raises(TypeError, match=r"\.numpy\(\).*\.detach\(\)"):
        np.array(leaf([1, 2]))
    array = np.zeros(2)
    with pytest.raises(TypeError, match=r"\.detach\(\)"):
        array[:] = leaf([1, 2])
    assert array.tolist() == [0, 0]


def test_asarray_of_a_constant_is_read_only_and_array_a_copy():
    t = tg.Tensor([1.0, 2.0])
    seen = np.asarray(t)
    assert not seen.flags.writeable
    assert np.shares_memory(seen, t.data)
    own = np.array(t)
    own[0] = 5
    assert t.tolist() == [1, 2]
    assert np.asarray(t, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.asarray(t, dtype=np.float32, copy=False)


def test_data_is_read_only():
    for t in (tg.Tensor([1.0]), leaf([1]), tg.Tensor(2.0), leaf([1]) * 2, leaf([1, 2]).sum()):
        for array in (t.data, t.numpy()):
            assert isinstance(array, np.ndarray)
            assert not array.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 5
    with pytest.raises(AttributeError):
        tg.Tensor([1.0]).data = np.zeros(1)


def test_gradients_are_read_only_too():
    x = leaf([1, 2])
    (x * x).sum().backward()
    with pytest.raises(ValueError, match="read-only"):
        x.grad.data[0] = 5


# --- ufunc forms --------------------------------------------------------------------------------


def test_ufunc_out():
    t, x = tg.Tensor([1.0, 2.0]), leaf([1, 2])
    out = np.zeros(2)
    assert np.add(t, 1, out=out) is out
    assert out.tolist() == [2, 3]
    with pytest.raises(TypeError, match="out="):
        np.add(x, 1, out=out)
    with pytest.raises(TypeError, match="out="):
        np.add(1, 1, out=t)
    with pytest.raises(TypeError, match="out="):
        np.add(np.ones(2), 1, out=x)
    assert out.tolist() == [2, 3]
    assert t.tolist() == [1, 2]


def test_an_array_in_place_with_a_tensor():
    array = np.ones(2)
    array += tg.Tensor([1.0, 2.0])
    array *= tg.Tensor([2.0, 2.0])
    assert isinstance(array, np.ndarray)
    assert array.tolist() == [4, 6]
    for change in ("__iadd__", "__isub__", "__imul__", "__itruediv__", "__imatmul__"):
        with pytest.raises(TypeError, match=r"array = array \+ t"):
            getattr(array, change)(leaf(np.ones((2, 2)) if "mat" in change else [1, 2]))
    assert array.tolist() == [4, 6]


def test_ufunc_where():
    with pytest.raises(TypeError, match="where="):
        np.add(leaf([1, 2]), 1, where=[True, False])


@pytest.mark.parametrize("method", ["outer", "reduceat"])
def test_ufunc_methods_without_an_op(method):
    arguments = {"outer": ([1.0],), "reduceat": ([0, 1],)}.get(method, ())
    with pytest.raises(NotImplementedError, match=rf"np\.add\.{method}"):
        getattr(np.add, method)(leaf([1, 2]), *arguments)


def test_ufunc_at():
    array = np.zeros(2)
    with pytest.raises((TypeError, NotImplementedError), match=r"np\.add"):
        np.add.at(array, [0], leaf([1]))
    with pytest.raises((TypeError, NotImplementedError), match=r"np\.add"):
        np.add.at(leaf([1, 2]), [0], 1.0)
    assert array.tolist() == [0, 0]


def test_ufunc_reduce():
    x = leaf([[1, 2], [3, 5]])
    assert np.add.reduce(x).tolist() == [4, 7]
    assert np.add.reduce(x, axis=None).item() == 11
    assert np.maximum.reduce(x, axis=1, keepdims=True).tolist() == [[2], [5]]
    np.minimum.reduce(x, axis=1).sum().backward()
    assert x.grad.tolist() == [[1, 0], [1, 0]]
    assert np.add.reduce(x, initial=5).tolist() == [9, 12]
    assert np.add.reduce(x, where=np.array([True, False])).tolist() == [4, 0]
    with pytest.raises(NotImplementedError, match=r"np\.divide\.reduce"):
        np.divide.reduce(x)


# --- comparison and identity --------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [[1, 5], (1, 5), np.array([1, 5]), tg.Tensor([1.0, 5.0])],
    ids=lambda o: type(o).__name__,
)
def test_equality_is_elementwise(other):
    t = leaf([1, 2])
    for result, expected in (
        (t == other, [True, False]),
        (t != other, [False, True]),
        (other == t, [True, False]),
        (other != t, [False, True]),
    ):
        assert isinstance(result, tg.Tensor)
        assert result.dtype == bool
        assert not result.requires_grad
        assert result.tolist() == expected
    assert (t == 1).tolist() == [True, False]
    assert (np.float32(1) == t).tolist() == [True, False]


def test_equality_with_something_that_is_no_number():
    t = tg.Tensor([1.0])
    assert (t == "a") is False
    assert (t != None) is True  # noqa: E711
    assert t not in ["a", None]


def test_hash_is_identity():
    a, b = tg.Tensor([1.0]), tg.Tensor([1.0])
    assert hash(a) != hash(b)
    table = {a: 1, b: 2}
    assert (table[a], table[b]) == (1, 2)
    a += 1
    assert table[a] == 1


def test_the_truth_value_of_several_elements_raises():
    with pytest.raises(ValueError, match=r"\(2,\).*\.any\(\)"):
        bool(tg.Tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"\(0,\)"):
        bool(tg.Tensor([]))
    assert tg.Tensor([[2.0]])
    assert not tg.Tensor(0.0)


# --- copies and pickles -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, copy.copy, lambda t: pickle.loads(pickle.dumps(t))]
)
def test_duplicates_of_leaves(duplicate):
    w = tg.Tensor(np.array([1, 2], np.float32), requires_grad=True, name="w")
    (w * w).sum().backward()
    twin = duplicate(w)
    assert type(twin) is tg.Tensor
    assert twin is not w
    assert (twin.name, twin.dtype, twin.requires_grad) == ("w", np.float32, True)
    assert twin.tolist() == [1, 2]
    assert twin.grad.tolist() == [2, 4]
    assert twin.grad is not w.grad
    (twin * 1).sum().backward()
    assert w.grad.tolist() == [2, 4]
    with tg.no_grad():
        twin += 1
    assert w.tolist() == [1, 2]


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, copy.copy, lambda t: pickle.loads(pickle.dumps(t))]
)
def test_duplicates_of_data(duplicate):
    for t in (tg.Tensor([1, 2], name="data"), tg.Tensor(3.5), tg.Tensor([1.0]) * 2, tg.Tensor([])):
        twin = duplicate(t)
        assert not twin.requires_grad
        assert twin.grad is None
        assert (twin.name, twin.dtype, twin.shape) == (t.name, t.dtype, t.shape)
        assert twin.tolist() == t.tolist()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, pickle.dumps])
def test_results_cannot_be_duplicated(duplicate):
    with pytest.raises(RuntimeError, match=r"result of an operation.*detach\(\)"):
        duplicate(leaf([1, 2]) * 2)


def test_deepcopy_of_a_structure_keeps_identity():
    w = leaf([1, 2])
    twins = copy.deepcopy({"a": w, "b": [w, w]})
    assert twins["a"] is twins["b"][0] is twins["b"][1]
    assert twins["a"] is not w


def test_a_recorded_gradient_is_duplicated_without_its_graph():
    x = leaf([1, 2])
    (x**3).sum().backward(create_graph=True)
    twin = copy.deepcopy(x)
    assert twin.grad.tolist() == [3, 12]
    assert not twin.grad.requires_grad


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda w, a: w.__isub__(a), r"subtract\(x: Tensor 'w' \(3, 2\) .*, y: array 'a' \(5,\)"),
        (lambda w, a: w.__imul__(a), r"multiply\(x: Tensor 'w' \(3, 2\) .*, y: array 'a' \(5,\)"),
        (lambda w, a: w.__imatmul__(a), r"matmul\(x: Tensor 'w' \(3, 2\) .*, y: array 'a' \(5,\)"),
    ],
    ids=["-=", "*=", "@="],
)
def test_writes_that_do_not_fit_name_both_operands(write, said):
    w = tg.Tensor(np.ones((3, 2)), requires_grad=True, name="w")
    with tg.no_grad(), pytest.raises(ValueError, match=said):
        write(w, np.ones(5))
    np.testing.assert_array_equal(w.data, np.ones((3, 2)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_write_computes_once(dtype, recorded):
    w = tg.Tensor(np.ones(2, np.float32), requires_grad=True)
    with warnings.catch_warnings(record=True) as seen, tg.no_grad():
        warnings.simplefilter("always")
        with tg.record() if recorded else contextlib.nullcontext():
            w /= np.zeros(2, dtype)
    assert [str(w.message) for w in seen] == ["divide by zero encountered in divide"]
    assert w.tolist() == [np.inf, np.inf]
    vector = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.no_grad(), pytest.raises(ValueError, match="would change"):
        vector @= np.array([1.0, 1.0])


# --- ownership ------------------------------------------------------------------------------------


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_view_from_before_does_not_write_into_an_assigned_value(requires_grad):
    state = tg.Tensor(np.zeros(4), requires_grad=requires_grad)
    with tg.no_grad():
        for view_of in (
            lambda v: v[:],
            lambda v: v[::2],
            lambda v: v.reshape(2, 2),
            lambda v: v.T,
            lambda v: np.frombuffer(v),
            lambda v: np.asarray(memoryview(v)),
            lambda v: v,
        ):
            values = np.ones(4)
            view = view_of(values)
            state.assign(values)
            view[...] = 9.0
            assert state.tolist() == [1.0] * 4


def test_a_view_that_outlives_the_array():
    views = []

    def values():
        array = np.ones(4)
        views.append(array[1:])
        return array

    state = tg.Tensor(np.zeros(4), requires_grad=True)
    with tg.no_grad():
        state.assign(values())
    views[0][:] = 9.0
    np.testing.assert_array_equal(state.detach(), np.ones(4))


def test_an_array_that_nobody_else_holds_is_taken_over():
    state = tg.Tensor(np.zeros(1000), requires_grad=True)
    arrays = [np.ones(1000)]
    place = address(arrays[0])
    with tg.no_grad():
        state.assign(arrays.pop())
    assert address(state.data) == place
    assert not state.data.flags.writeable


@pytest.mark.parametrize("optimizer", [tg.nn.Adam, tg.nn.RMSprop, tg.nn.AdaGrad])
def test_optimizers_hand_their_state_over_without_a_copy(optimizer, monkeypatch):
    w = tg.Tensor(np.ones(5), requires_grad=True)
    chosen = optimizer([w])
    w.sum().backward()
    copies = []
    monkeypatch.setattr(tensor, "as_array", lambda *args, **kwargs: copies.append(args))
    chosen.step()
    assert copies == []


def test_a_rule_that_keeps_its_state_for_itself_does_not_share_it():
    class Keeping(tg.nn.Optimizer):
        state_names = ("sum",)

        def update(self, g, lr, t, total):
            self.last = total + g
            return lr * g, self.last

    w = tg.Tensor(np.ones(2), requires_grad=True)
    optimizer = Keeping([w], 0.1)
    w.sum().backward()
    optimizer.step()
    optimizer.last[:] = 7
    np.testing.assert_array_equal(optimizer.state["sum"], np.ones(2))


def test_a_rule_with_too_few_arrays_changes_nothing():
    class Short(tg.nn.Optimizer):
        state_names = ("a", "b")

        def update(self, g, lr, t, a, b):
            return lr * g, a

    w = tg.Tensor(np.ones(2), requires_grad=True)
    optimizer = Short([w], 0.1)
    w.sum().backward()
    with pytest.raises(ValueError, match=r"gave 1 arrays after the change, not one for each of"):
        optimizer.step()
    np.testing.assert_array_equal(w.detach(), np.ones(2))
    assert optimizer.steps == 0
