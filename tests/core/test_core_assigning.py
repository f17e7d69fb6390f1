"""`assign_all`: many values at once, all of them or none."""

import numpy as np
import pytest

import tinygrad_np as tg


def targets():
    leaf = tg.Tensor([1.0, 2.0], requires_grad=True, name="leaf")
    state = tg.Tensor(np.zeros((2, 3), np.float32), name="state")
    return leaf, state, tg.Tensor(5), tg.Number(7)


def test_all_get_their_values():
    leaf, state, count, number = targets()
    node = leaf._node
    values = [np.array([3.0, 4.0]), np.ones((2, 3)), 6, 8]
    tg.assign_all([leaf, state, count, number], values)
    assert leaf.tolist() == [3.0, 4.0]
    assert leaf._node is node
    assert leaf.requires_grad
    assert state.numpy().tolist() == np.ones((2, 3)).tolist()
    assert (state.dtype, state.name) == (np.float32, "state")
    assert (count.item(), number.value) == (6, 8)
    assert values == []


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (np.ones(3), "shape"),
        (np.ones((2, 3)) * 1j, "complex"),
        ("text", "numbers"),
        (np.ma.masked_array(np.ones((2, 3))), "masked"),
    ],
)
def test_an_error_changes_nothing(bad, error):
    leaf, state, count, number = targets()
    with pytest.raises((ValueError, TypeError), match=error):
        tg.assign_all([number, leaf, state, count], [8, np.ones(2), bad, 6])
    assert leaf.tolist() == [1.0, 2.0]
    assert (state.numpy() == 0).all()
    assert (count.item(), number.value) == (5, 7)


@pytest.mark.parametrize("count", [3, 5])
def test_another_number_of_values_changes_nothing(count):
    tensors = [tg.Tensor(float(k)) for k in range(4)]
    with pytest.raises(ValueError, match="argument 2"):
        tg.assign_all(tensors, [9.0] * count)
    assert [t.item() for t in tensors] == [0.0, 1.0, 2.0, 3.0]


def test_an_array_given_twice_is_copied():
    leaf, *_ = targets()
    other = tg.Tensor([0.0, 0.0])
    tg.assign_all([leaf, other], [np.full(2, 3.0)] * 2)
    assert not np.shares_memory(leaf.data, other.data)


def test_results_are_not_written_to():
    leaf, *_ = targets()
    result = leaf * 2
    with pytest.raises(RuntimeError, match="the result of an operation"):
        tg.assign_all([result], [np.ones(2)])
    assert result.tolist() == [2.0, 4.0]


def test_arrays_that_others_hold_are_copied():
    leaf, state, *_ = targets()
    mine, base = np.array([3.0, 4.0]), np.ones((3, 2), np.float32)
    view = base.T
    tg.assign_all([leaf, state], [mine, base.T])
    mine[0] = view[0, 0] = 99.0
    assert leaf.tolist() == [3.0, 4.0]
    assert (state.numpy() == 1).all()
    tg.assign_all([leaf], [tg.Tensor([5.0, 6.0])])
    assert leaf.tolist() == [5.0, 6.0]


def test_arrays_that_nobody_holds_are_taken_over():
    leaf, *_ = targets()
    values = [np.array([3.0, 4.0])]
    address = values[0].ctypes.data
    tg.assign_all([leaf], values)
    assert leaf.numpy().ctypes.data == address
    assert not leaf.numpy().flags.writeable


def test_gradients_belong_to_the_values_before():
    leaf, state, *_ = targets()
    loss = (leaf * leaf * tg.Tensor([1.0, 1.0])).sum()
    tg.assign_all([leaf, state], [np.array([30.0, 40.0]), np.ones((2, 3), np.float32)])
    loss.backward()
    assert leaf.grad.tolist() == [2.0, 4.0]


def test_records_see_the_writes_to_leaves():
    leaf, state, *_ = targets()
    with tg.record() as r:
        tg.assign_all([leaf, state], [np.array([3.0, 4.0]), np.ones((2, 3))])
    (update,) = r.updates
    assert (update.before.tolist(), update.after.tolist()) == ([1.0, 2.0], [3.0, 4.0])


def test_compiled_functions_assign_anew_each_time():
    total, number = tg.Tensor(np.zeros(2)), tg.Number(0)

    @tg.compile
    def step(x):
        tg.assign_all([total, number], [total.numpy() + x, number.value + 1])
        return total * 1

    for k in range(1, 6):
        assert step(np.array([1.0, 2.0])).tolist() == [k, 2 * k]
    assert (total.tolist(), number.value) == ([5.0, 10.0], 5)
