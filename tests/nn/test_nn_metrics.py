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


# --- outputs and targets that are none ------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.array, tg.Tensor])
@pytest.mark.parametrize("place", [(0, 0), (2, 1), (3, 2)])
@pytest.mark.parametrize("target", [[0, 0, 0, 0], np.eye(3)[[0, 1, 2, 0]]])
def test_accuracy_of_outputs_that_are_nan_is_nan(kind, place, target):
    scores = np.array(SCORES)
    scores[place] = np.nan
    assert np.isnan(nn.accuracy(kind(scores), target))
    assert np.isnan(nn.binary_accuracy(kind(scores[:, :1]), np.zeros((4, 1)))) == (place[1] == 0)


def test_infinite_outputs_have_a_largest_one():
    assert nn.accuracy([[np.inf, 0], [-np.inf, -np.inf], [0, np.inf]], [0, 0, 0]) == 2 / 3
    assert nn.binary_accuracy([np.inf, -np.inf], [1, 1]) == 0.5


def test_a_target_that_is_nan_is_no_class():
    rows = np.eye(3)[[0, 1, 2, 0]]
    rows[1, 1] = np.nan
    assert np.isnan(nn.accuracy(SCORES, rows))
    assert np.isnan(nn.binary_accuracy([0.2, 0.8], [0, np.nan]))
    with pytest.raises(ValueError, match="label nan at row 1, but outputs have 3 columns"):
        nn.accuracy(SCORES, [0, np.nan, 1, 2])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float32])
@pytest.mark.parametrize("label", [3, 200, -1, 0.5])
def test_accuracy_refuses_labels_that_are_no_class(dtype, label):
    labels = np.array([0, 1, label, 0]).astype(dtype)
    if labels[2] in (0, 1, 2):
        pytest.skip("a class in this dtype")
    with pytest.raises(
        ValueError, match=r"label -?\d+(\.\d+)? at row 2, but outputs have 3 columns"
    ):
        nn.accuracy(SCORES, labels)


def test_the_place_of_a_wrong_label_among_more_axes():
    target = np.zeros((4, 5), int)
    target[2, 3] = 7
    with pytest.raises(ValueError, match=r"label 7 at row \(2, 3\)"):
        nn.accuracy(np.zeros((4, 5, 3)), target)


def test_rows_that_do_not_count():
    labels = np.array([0, -100, 2, 1])
    assert nn.accuracy(SCORES, labels, ignore_index=-100) == 2 / 3
    assert nn.accuracy(SCORES, [0, 1, 2, 1], ignore_index=1) == 1
    with pytest.raises(ValueError, match="label 3 at row 2"):
        nn.accuracy(SCORES, [0, -100, 3, 1], ignore_index=-100)
    with pytest.raises(ValueError, match="no predictions"):
        nn.accuracy(SCORES, [1, 1, 1, 1], ignore_index=1)


@pytest.mark.parametrize("label", [2, -1, 255])
def test_binary_accuracy_refuses_labels_beyond_0_and_1(label):
    with pytest.raises(
        ValueError, match=f"label {label} at row 1, but the two classes are 0 and 1"
    ):
        nn.binary_accuracy([0.2, 0.8, 0.9], [0, label, 1])


def test_binary_accuracy_of_targets_between_the_classes():
    assert nn.binary_accuracy([0.2, 0.8, 0.9], [0.1, 0.9, 0.4]) == 2 / 3
