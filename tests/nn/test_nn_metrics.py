"""Metrics by counting."""

import numpy as np
import pytest

import nn
import tinygrad_np as tg

SCORES = [[3.0, 1, 2], [0, 5, 1], [1, 2, 9], [4, 2, 0]]


@pytest.mark.parametrize("kind", [list, np.array, tg.Tensor])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_accuracy_counts_rows(kind, dtype):
    for labels, right in [([0, 1, 2, 0], 4), ([0, 1, 1, 1], 2), ([1, 2, 0, 2], 0)]:
        score = nn.accuracy(kind(SCORES), kind(np.array(labels, dtype)))
        assert type(score) is float
        assert score == right / 4


def test_accuracy_against_one_hot_and_distributions():
    rows = np.array([[0.9, 0.1, 0], [0.1, 0.9, 0], [0.4, 0.6, 0], [0.4, 0.3, 0.3]])
    assert nn.accuracy(SCORES, rows) == 0.75
    assert nn.accuracy(SCORES, np.eye(3, dtype=int)[[0, 1, 2, 0]]) == 1


def test_accuracy_over_more_axes_and_a_single_row():
    scores = np.random.default_rng(0).standard_normal((4, 5, 3))
    target = np.random.default_rng(1).integers(0, 3, (4, 5))
    right = sum(
        int(max(range(3), key=lambda k: scores[i, j, k]) == target[i, j])
        for i in range(4)
        for j in range(5)
    )
    assert nn.accuracy(scores, target) == right / 20
    assert nn.accuracy([1.0, 2.0], 1) == 1


def test_accuracy_of_a_tensor_that_needs_a_gradient():
    scores = tg.Tensor(SCORES, requires_grad=True) * 2
    assert nn.accuracy(scores, [0, 1, 2, 1]) == 0.75


@pytest.mark.parametrize("shape", [(3,), (4, 1), (4, 2), (1, 4), (), (4, 3, 1)])
def test_accuracy_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"outputs \(4, 3\) and target"):
        nn.accuracy(SCORES, np.zeros(shape, int))


def test_accuracy_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no predictions"):
        nn.accuracy(np.zeros((0, 3)), np.zeros(0, int))
    with pytest.raises(ValueError, match="do not fit"):
        nn.accuracy(1.0, 1)


@pytest.mark.parametrize("kind", [list, np.array, tg.Tensor])
def test_binary_accuracy(kind):
    probs, target = [[0.9], [0.2], [0.6], [0.4]], [[1], [0], [0], [1]]
    assert nn.binary_accuracy(kind(probs), kind(target)) == 0.5
    assert nn.binary_accuracy(kind([[2.0], [-1.0]]), kind([[1], [0]]), threshold=0) == 1
    assert nn.binary_accuracy(kind(probs), kind(target), threshold=0.3) == 0.75


def test_binary_accuracy_on_the_threshold_is_0():
    assert nn.binary_accuracy([0.5, 0.5], [0, 1]) == 0.5
    assert nn.binary_accuracy([0.5, 0.5], [False, False]) == 1


def test_binary_accuracy_refuses_other_shapes_and_nothing():
    with pytest.raises(ValueError, match=r"\(2, 1\).*\(2,\)"):
        nn.binary_accuracy(np.zeros((2, 1)), np.zeros(2))
    with pytest.raises(ValueError, match="no predictions"):
        nn.binary_accuracy(np.zeros(0), np.zeros(0))


def test_a_single_class_is_no_classification():
    with pytest.raises(ValueError, match="binary_accuracy"):
        nn.accuracy(np.ones((4, 1)), np.zeros(4, int))


@pytest.mark.parametrize("metric", [nn.accuracy, nn.binary_accuracy])
def test_words_are_no_classes(metric):
    with pytest.raises(TypeError, match="numbers"):
        metric(np.eye(3), ["a", "b", "c"])
