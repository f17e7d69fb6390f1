"""The commonest mistakes in calls of ops, and the words of their errors."""

import re

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg
from tinygrad_np.ops import FUNCTIONS_BY_NAME


def leaf(*shape):
    return tg.Tensor(np.random.default_rng(0).uniform(0.2, 0.9, shape), requires_grad=True)


MISFITS = {
    "matrices": (
        lambda: leaf(4, 2) @ leaf(3, 5),
        "axis -1 of x has 2 elements, but axis -2 of y has 3: they must have the same length",
    ),
    "a matrix and a vector": (
        lambda: leaf(4, 2) @ leaf(3),
        "axis -1 of x has 2 elements, but axis -1 of y has 3:",
    ),
    "a vector and a matrix": (
        lambda: leaf(4) @ leaf(3, 4),
        "axis -1 of x has 4 elements, but axis -2 of y has 3:",
    ),
    "stacks": (
        lambda: leaf(2, 3, 4) @ leaf(5, 3, 2),
        "axis -1 of x has 4 elements, but axis -2 of y has 3:",
    ),
    "stacks of other lengths": (
        lambda: leaf(2, 3, 4) @ leaf(3, 4, 5),
        "the axes in front of the matrices do not broadcast: (2,) and (3,)",
    ),
    "a number": (lambda: leaf(3, 4) @ 2.0, "y must have at least 1 axis, not 0"),
    "solve": (
        lambda: np.linalg.solve(leaf(3, 3), leaf(2, 4)),
        "axis -2 of a has 3 elements, but axis -2 of b has 2:",
    ),
    "solve of a vector": (
        lambda: tg.solve(leaf(3, 3), leaf(2)),
        "axis -2 of a has 3 elements, but axis -1 of b has 2:",
    ),
    "broadcast_to": (
        lambda: tg.broadcast_to(leaf(5), (2, 3)),
        "the shape (5,) does not broadcast to (2, 3)",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_operands_that_do_not_fit(name):
    call, text = MISFITS[name]
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        call()
    message = str(caught.value)
    assert not re.search(r"gufunc|core dim|remapped|Input operand|newaxis", message)
    assert "made at test_ops_mistakes.py" in message


def test_the_lengths_are_those_of_the_operands():
    """What the message says of axes is so, for many shapes."""
    for x in ((2,), (3, 2), (4, 3, 2)):
        for y in ((3,), (3, 5), (4, 3, 5)):
            if x[-1] == (y[0] if len(y) == 1 else y[-2]):
                continue
            with pytest.raises(ValueError, match="must have the same length") as caught:
                leaf(*x) @ leaf(*y)
            found = re.findall(r"axis (-\d) of ([xy]) has (\d+)", str(caught.value))
            assert len(found) == 2
            for axis, name, length in found:
                assert {"x": x, "y": y}[name][int(axis)] == int(length)


SEQUENCES = leaf(1, 4, 5)

MISTAKES = {
    "a padding in words": (
        lambda: tg.conv1d(SEQUENCES, leaf(2, 4, 3), padding="valid"),
        r"^conv1d: padding must be an integer .*, not 'valid'$",
    ),
    "two strides for one axis": (
        lambda: tg.conv1d(SEQUENCES, leaf(2, 4, 3), stride=(1, 2)),
        r"^conv1d: stride must be one integer, not \(1, 2\)$",
    ),
    "a stride of 0": (
        lambda: tg.conv1d(SEQUENCES, leaf(2, 4, 3), stride=0),
        r"^conv1d: stride must be at least 1, not 0$",
    ),
    "other channels": (
        lambda: tg.conv1d(SEQUENCES, leaf(2, 3, 3)),
        r"^conv1d\(x: Tensor.* \(1, 4, 5\).*, weight: .*\(2, 3, 3\).*4 channels.* for 3",
    ),
    "a long kernel": (
        lambda: tg.conv1d(SEQUENCES, leaf(2, 4, 9)),
        r"^conv1d\(x: Tensor.* \(1, 4, 5\).*, weight: .*\(2, 4, 9\).*does not fit",
    ),
    "a window in words": (
        lambda: tg.max_pool1d(SEQUENCES, "2"),
        r"^max_pool1d: kernel_size must be an integer .*, not '2'$",
    ),
    "much padding": (
        lambda: tg.avg_pool1d(SEQUENCES, 2, padding=3),
        r"^avg_pool1d\(x: Tensor.* \(1, 4, 5\).*more than half",
    ),
    "no normalized_shape": (
        lambda: tg.layer_norm(leaf(2, 8), leaf(8), leaf(8)),
        r"^layer_norm\(x: .*normalized_shape: Tensor \(8,\).*must be the length of the last axis",
    ),
    "another normalized_shape": (
        lambda: tg.layer_norm(leaf(2, 8), 2),
        r"the shape does not end in \(2,\), normalized_shape$",
    ),
    "an axis that is a float": (lambda: leaf(2, 3).sum(axis=0.5), r"^sum\(.*, axis: 0\.5\): "),
    "a name for an axis": (lambda: leaf(2, 3).max(axis="rows"), r"^max\(.*, axis: 'rows'\): "),
    "an axis that is not there": (lambda: tg.prod(leaf(2), 1), r"^prod\(.*, axis: 1\): .*axis 1"),
    "average": (lambda: np.average(leaf(2), axis=1), r"^average: mean\(.*, axis: 1\): "),
    "ptp": (lambda: leaf(2, 3).ptp(axis=5), r"^ptp: max\(.*, axis: 5\): "),
    "divmod": (lambda: divmod(leaf(2), leaf(3)), r"^divmod: floor_divide\(x: .*\(2,\)"),
    "what is no number": (lambda: tg.average("abc"), r"^average: expected numbers.*not str$"),
    "a Tensor for a parameter": (
        lambda: tg.sum(leaf(2), leaf(2)),
        r"^sum: no gradient flows to a parameter \(axis, keepdims\), but Tensor \(2,\) float64",
    ),
    "a spec that is no text": (
        lambda: tg.contract([leaf(2)], 3),
        r"text such as 'ij,jk->ik', not 3",
    ),
    "a spec alone": (lambda: tg.einsum("ij->ji"), r"^einsum\('ij->ji'\) needs at least one array"),
    "a seed for a generator": (
        lambda: tg.dropout(leaf(2), rng=3),
        r"^dropout: rng must be .*, not 3$",
    ),
    "a shape of floats": (
        lambda: tg.zeros(leaf(2)),
        r"^zeros: shape must be .*, not Tensor \(2,\)",
    ),
    "a full of a gradient": (
        lambda: tg.full_like(leaf(2, 3), leaf(3)),
        r"np\.full is not supported .*Write np\.broadcast_to\(t, shape\)",
    ),
}


@folded
@pytest.mark.parametrize("name", MISTAKES)
def test_common_mistakes(name):
    call, text = MISTAKES[name]
    kinds = (TypeError, ValueError, NotImplementedError, np.exceptions.AxisError)
    with pytest.raises(kinds, match=text):
        call()


def test_delete_and_insert_at_positions_of_a_tensor():
    t = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    places = tg.Tensor([0, 2])
    assert np.delete(t, places).tolist() == [2]
    assert np.insert(t, places, 9.0).tolist() == [9, 1, 2, 9, 3]
    assert tg.delete(t, tg.Tensor([True, False, False])).tolist() == [2, 3]
    with pytest.raises((IndexError, ValueError)):
        np.delete(t, tg.Tensor([0.5]))


INTERNALS = r"gufunc|core dim|<lambda>|\b(call|answer)\(\)|NoneType' object|(?<!\w)_\w+\(\)"


@folded
@pytest.mark.parametrize("name", FUNCTIONS_BY_NAME)
@pytest.mark.parametrize("wrong", [None, "abc", object(), ["a", "b"]], ids=["0", "1", "2", "3"])
def test_no_function_speaks_of_internals_for_what_is_no_array(name, wrong):
    """One wrong first argument, and some right ones behind it."""
    function = getattr(tg, name)
    kinds, texts = set(), []
    for count in range(3):
        try:
            function(wrong, *[leaf(3, 3)] * count)
        except Exception as error:
            kinds.add(type(error))
            texts.append(str(error))
    plain = (TypeError, ValueError, IndexError, NotImplementedError)
    assert all(issubclass(kind, plain) for kind in kinds), texts
    for text in texts:
        assert not re.search(INTERNALS, text), text
