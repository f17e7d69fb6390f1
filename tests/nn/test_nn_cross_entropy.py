"""cross_entropy (from logits) and categorical_crossentropy (from probabilities)."""

import numpy as np
import pytest
from folded import folded

import nn
import tinygrad_np as tg

INTEGERS = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64]


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def run(loss, x, target, upstream=None, **options):
    """The value and the gradient of x."""
    x = tg.Tensor(x, requires_grad=True)
    out = loss(x, target, **options)
    out.backward(upstream)
    return out.numpy(), x.grad.numpy()


def compare(torch, logits, target, axis=1, **options):
    """Values and gradients are PyTorch's, whose classes are on axis 1."""
    upstream = None
    if options.get("reduction") == "none":
        upstream = normal(*np.delete(logits.shape, axis), seed=9)
    value, gradient = run(nn.cross_entropy, logits, target, upstream, axis=axis, **options)
    theirs = torch.tensor(np.moveaxis(logits, axis, 1).copy(), requires_grad=True)
    their_target = target if target.dtype.kind != "f" else np.moveaxis(target, axis, 1).copy()
    if target.dtype.kind != "f":
        their_target = target.astype(np.int64)
    expected = torch.nn.functional.cross_entropy(theirs, torch.tensor(their_target), **options)
    expected.backward(None if upstream is None else torch.tensor(upstream))
    assert np.allclose(value, expected.detach().numpy(), rtol=1e-11, atol=1e-13)
    their_gradient = np.moveaxis(theirs.grad.numpy(), 1, axis)
    assert np.allclose(gradient, their_gradient, rtol=1e-10, atol=1e-14)


# --- against PyTorch -----------------------------------------------------------------------------


@folded
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0, 0.1, 1])
@pytest.mark.parametrize("shape", [(6, 4), (1, 4), (6, 1), (3, 4, 2), (2, 5, 3, 2)])
def test_classes(torch, reduction, smoothing, shape):
    target = np.random.default_rng(1).integers(0, shape[1], (shape[0], *shape[2:]))
    compare(torch, normal(*shape), target, reduction=reduction, label_smoothing=smoothing)


@folded
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignored", [-100, 0, 2, 255])
@pytest.mark.parametrize("smoothing", [0, 0.3])
def test_ignore_index(torch, reduction, ignored, smoothing):
    target = np.array([0, 2, ignored, 1, ignored, 2])
    compare(
        torch,
        normal(6, 3),
        target,
        reduction=reduction,
        ignore_index=ignored,
        label_smoothing=smoothing,
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0, 0.25])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4)])
def test_distributions(torch, reduction, smoothing, shape):
    target = np.moveaxis(softmax(normal(shape[0], *shape[2:], shape[1], seed=4)), -1, 1).copy()
    compare(torch, normal(*shape), target, reduction=reduction, label_smoothing=smoothing)


def test_rows_of_floats_that_do_not_sum_to_1(torch):
    compare(torch, normal(5, 3), np.abs(normal(5, 3, seed=1)))


@folded
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("kind", ["classes", "distributions"])
def test_axis(torch, axis, reduction, kind):
    shape = (3, 4, 5)
    target = np.random.default_rng(1).integers(0, shape[axis], np.delete(shape, axis))
    if kind == "distributions":
        target = np.abs(normal(*shape, seed=3))
    compare(torch, normal(*shape), target, axis % 3, reduction=reduction)
    negative = nn.cross_entropy(normal(*shape), target, axis=axis, reduction=reduction)
    positive = nn.cross_entropy(normal(*shape), target, axis=axis % 3, reduction=reduction)
    assert np.array_equal(negative, positive)


@pytest.mark.parametrize("scale", [1e-3, 30, 1000])
def test_logits_of_all_sizes(torch, scale):
    compare(torch, normal(20, 5) * scale, np.arange(20) % 5)


# --- by formula ----------------------------------------------------------------------------------


def test_value_and_gradient_by_formula():
    z, y = normal(6, 3), np.array([0, 1, 2, 2, 1, 0])
    value, gradient = run(nn.cross_entropy, z, y)
    p = softmax(z)
    assert value == pytest.approx(-np.mean(np.log(p[np.arange(6), y])))
    assert np.allclose(gradient, (p - np.eye(3)[y]) / 6)


def test_huge_logits_are_exact():
    value, gradient = run(
        nn.cross_entropy, [[1000.0, -1000, 0], [-1000, 1000, 0]], [1, 1], reduction="sum"
    )
    assert value == 2000
    assert gradient.tolist() == [[1, -1, 0], [0, 0, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_of_the_logits_is_kept(dtype):
    value, gradient = run(nn.cross_entropy, normal(4, 3).astype(dtype), np.array([0, 1, 2, 0]))
    assert value.dtype == gradient.dtype == dtype


@folded
@pytest.mark.parametrize("dtype", [*INTEGERS, np.longlong, ">i4", ">u2"])
@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.categorical_crossentropy])
def test_labels_of_every_integer_dtype(dtype, loss):
    x, labels = softmax(normal(5, 3)), [0, 2, 1, 1, 0]
    expected = run(loss, x, labels)
    value, gradient = run(loss, x, np.array(labels, dtype))
    assert value == expected[0]
    assert np.array_equal(gradient, expected[1])


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.categorical_crossentropy])
def test_one_hot_floats_are_classes(loss):
    x, labels = softmax(normal(5, 3)), np.array([0, 2, 1, 1, 0])
    value, gradient = run(loss, x, np.eye(3)[labels])
    expected, expected_gradient = run(loss, x, labels)
    assert value == pytest.approx(expected)
    assert np.allclose(gradient, expected_gradient)


def test_a_single_row_without_a_batch():
    z = normal(3)
    assert nn.cross_entropy(z, np.array(2)) == pytest.approx(-np.log(softmax(z)[2]))


def test_gradient_of_the_target_distribution():
    z, t = normal(4, 3), softmax(normal(4, 3, seed=1))
    target = tg.Tensor(t, requires_grad=True)
    nn.cross_entropy(z, target).backward()
    assert np.allclose(target.grad.numpy(), -np.log(softmax(z)) / 4)


def test_labels_may_change_after_the_forward():
    z, labels = normal(3, 3), np.array([0, 1, 2])
    expected = run(nn.cross_entropy, z, labels.copy())[1]
    x = tg.Tensor(z, requires_grad=True)
    out = nn.cross_entropy(x, labels)
    labels[:] = 0
    out.backward()
    assert np.array_equal(x.grad.numpy(), expected)


# --- categorical_crossentropy --------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("kind", ["classes", "distributions"])
def test_from_probabilities_by_formula(reduction, kind):
    p, labels = softmax(normal(5, 3)), np.array([0, 2, 1, 1, 0])
    target = labels if kind == "classes" else softmax(normal(5, 3, seed=2))
    t = np.eye(3)[labels] if kind == "classes" else target
    losses, gradient = -(t * np.log(p)).sum(axis=1), -t / p
    upstream = normal(5, seed=3) if reduction == "none" else None
    value, got = run(nn.categorical_crossentropy, p, target, upstream, reduction=reduction)
    if reduction == "none":
        gradient *= upstream[:, None]
    else:
        losses = losses.sum() / (5 if reduction == "mean" else 1)
        gradient /= 5 if reduction == "mean" else 1
    assert np.allclose(value, losses, rtol=1e-12)
    assert np.allclose(got, gradient, rtol=1e-12)


def test_softmax_and_categorical_is_cross_entropy(torch):
    z, labels = normal(5, 3), np.array([0, 2, 1, 1, 0])
    value, gradient = run(lambda x, t: nn.categorical_crossentropy(tg.softmax(x), t), z, labels)
    theirs = torch.tensor(z, requires_grad=True)
    torch.nn.functional.nll_loss(
        torch.log(torch.softmax(theirs, 1)), torch.tensor(labels)
    ).backward()
    assert value == pytest.approx(float(nn.cross_entropy(z, labels)))
    assert np.allclose(gradient, theirs.grad.numpy(), rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", [[0, 1], [[1.0, 0.0], [0.0, 1.0]]])
def test_probabilities_of_exactly_0_and_1_are_clipped(dtype, target):
    target = np.array(target, np.asarray(target).dtype.kind + "4")
    p = np.array([[0, 1], [0, 1]], dtype)
    value, gradient = run(nn.categorical_crossentropy, p, target, np.ones(2), reduction="none")
    assert np.allclose(value, [-np.log(1e-7), -np.log1p(-1e-7)], rtol=1e-6, atol=1e-7)
    assert value.dtype == dtype
    assert not gradient.any()


# --- bad input -----------------------------------------------------------------------------------

LOSSES = [nn.cross_entropy, nn.categorical_crossentropy]


@folded
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1, 3, 7], r"label 3 at row 2, but \w+ have 3 columns"),
        ([-1, 1, 2, 0], r"label -1 at row 0, but \w+ have 3 columns"),
        (np.array([0, 1, 2, 255], np.uint8), "label 255 at row 3"),
        (np.array([0, -128, 2, 0], np.int8), "label -128 at row 1"),
        (np.array([0, -1, 2, 0], ">i4"), "label -1 at row 1"),
        (np.array([0, 1, 2, 2**64 - 1], np.uint64), f"label {2**64 - 1} at row 3"),
    ],
    ids=["3", "-1", "uint8", "int8", "bytes swapped", "uint64"],
)
def test_labels_out_of_range(loss, tensor, labels, said):
    x = softmax(normal(4, 3))
    with pytest.raises(ValueError, match=said):
        loss(tg.Tensor(x, requires_grad=tensor), tg.Tensor(labels) if tensor else labels)


def test_labels_out_of_range_where_some_are_ignored():
    with pytest.raises(ValueError, match="label 3 at row 2"):
        nn.cross_entropy(normal(4, 3), [0, -100, 3, 1], ignore_index=-100)
    with pytest.raises(ValueError, match=r"label 4 at row \(1, 0\), but logits have 3"):
        nn.cross_entropy(normal(2, 3, 2), np.array([[0, 1], [4, 2]]), axis=1)


@folded
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("target", "error", "said"),
    [
        (np.zeros((4, 1), int), ValueError, r"must have shape \(4,\), not \(4, 1\)"),
        (np.zeros(3, int), ValueError, r"must have shape \(4,\), not \(3,\)"),
        (np.zeros((), int), ValueError, r"must have shape \(4,\), not \(\)"),
        (np.eye(3, dtype=int)[[0, 1, 2, 0]], ValueError, r"must have shape \(4,\), not \(4, 3\)"),
        (np.zeros(4), ValueError, r"\(4, 3\).*\(4,\)"),
        (np.zeros((4, 2)), ValueError, r"\(4, 3\).*\(4, 2\)"),
        (np.zeros(4, bool), TypeError, "must be integers .* or floats, not bool"),
        (np.zeros(4, complex), TypeError, "must be integers .* or floats, not complex"),
        (["a", "b", "c", "a"], TypeError, "expected numbers"),
        (None, TypeError, "expected numbers"),
    ],
    ids=[
        "column",
        "short",
        "scalar",
        "one-hot",
        "floats",
        "width",
        "bool",
        "complex",
        "strings",
        "none",
    ],
)
def test_targets_that_do_not_fit(loss, target, error, said):
    with pytest.raises(error, match=said):
        loss(tg.Tensor(softmax(normal(4, 3)), requires_grad=True), target)


@pytest.mark.parametrize("loss", LOSSES)
def test_one_hot_integers_get_advice(loss):
    with pytest.raises(ValueError, match=r"one-hot rows must be floats: target.astype\(float\)"):
        loss(softmax(normal(4, 3)), np.eye(3, dtype=int)[[0, 1, 2, 0]])


@pytest.mark.parametrize("loss", LOSSES)
def test_a_column_of_classes_gets_advice(loss):
    with pytest.raises(ValueError, match=r"\(4, 1\); target\.reshape\(\(4,\)\) would fit"):
        loss(softmax(normal(4, 3)), np.zeros((4, 1), int))
    with pytest.raises(ValueError, match=r"not \(3, 1\)$"):
        loss(softmax(normal(4, 3)), np.zeros((3, 1), int))


@pytest.mark.parametrize("loss", LOSSES)
def test_empty_batch(loss):
    x = tg.Tensor(np.zeros((0, 3)), requires_grad=True)
    with pytest.raises(ValueError, match="not defined"):
        loss(x, np.zeros(0, int))
    assert loss(x, np.zeros(0, int), reduction="sum").item() == 0
    out = loss(x, np.zeros(0, int), reduction="none")
    out.backward(np.zeros(0))
    assert out.shape == (0,)
    assert x.grad.shape == (0, 3)


def test_everything_ignored():
    x = tg.Tensor(normal(3, 2), requires_grad=True)
    with pytest.raises(ValueError, match="mean over no predictions"):
        nn.cross_entropy(x, [9, 9, 9], ignore_index=9)
    total = nn.cross_entropy(x, [9, 9, 9], ignore_index=9, reduction="sum")
    total.backward()
    assert total.item() == 0
    assert not x.grad.numpy().any()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("reduction", ["avg", None, "MEAN", ""])
def test_unknown_reduction(loss, reduction):
    with pytest.raises(ValueError, match="reduction must be one of mean, sum, none, not"):
        loss(softmax(normal(4, 3)), [0, 1, 2, 0], reduction=reduction)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, np.nan])
def test_label_smoothing_outside_of_its_range(smoothing):
    with pytest.raises(ValueError, match="label_smoothing must lie between 0 and 1"):
        nn.cross_entropy(normal(4, 3), [0, 1, 2, 0], label_smoothing=smoothing)


def test_shapes_without_classes():
    with pytest.raises(ValueError, match="single number"):
        nn.cross_entropy(tg.Tensor(1.0), 0)
    with pytest.raises(ValueError, match="label 0 at row 0, but logits have 0 columns"):
        nn.cross_entropy(tg.Tensor(np.zeros((2, 0))), [0, 0])
    with pytest.raises(np.exceptions.AxisError, match="axis 2"):
        nn.cross_entropy(tg.Tensor(normal(2, 3)), [0, 0], axis=2)
    with pytest.raises(ValueError, match=r"probs must have shape \(n, classes\), not \(3,\)"):
        nn.categorical_crossentropy(softmax(normal(3)), 0)


def test_unknown_options():
    with pytest.raises(TypeError, match="unexpected keyword argument 'weights'"):
        nn.cross_entropy(normal(2, 3), [0, 1], weights=[1, 2, 3])


def test_ignore_index_goes_with_classes():
    with pytest.raises(ValueError, match="ignore_index"):
        nn.cross_entropy(np.zeros((2, 3)), np.full((2, 3), 1 / 3), ignore_index=0)
