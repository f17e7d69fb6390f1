"""Elementwise losses: mse, mae and binary cross-entropy, against PyTorch and formulas."""

import inspect

import numpy as np
import pytest
from folded import folded

import nn
import tinygrad_np as tg

SHAPES = [(5,), (4, 1), (3, 2), (2, 3, 2), ()]
PAIRS = {
    "mse_loss": "mse_loss",
    "mae_loss": "l1_loss",
    "binary_cross_entropy": "binary_cross_entropy",
    "binary_cross_entropy_with_logits": "binary_cross_entropy_with_logits",
}
LOSSES = [getattr(nn, name) for name in PAIRS]


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def sample(name, shape, seed=0):
    """Predictions and targets on which the loss is defined."""
    rng = np.random.default_rng(seed)
    prediction, target = rng.standard_normal(shape), rng.standard_normal(shape)
    if name == "binary_cross_entropy":
        prediction = rng.uniform(0.01, 0.99, shape)
    if name.startswith("binary"):
        target = rng.uniform(0, 1, shape)
    return np.asarray(prediction), np.asarray(target)


def run(loss, x, target, upstream=None, **options):
    x = tg.Tensor(x, requires_grad=True)
    out = loss(x, target, **options)
    out.backward(upstream)
    return out.numpy(), x.grad.numpy()


@folded
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_values_and_gradients_are_pytorchs(torch, name, shape, reduction):
    x, t = sample(name, shape)
    upstream = np.random.default_rng(1).standard_normal(shape) if reduction == "none" else None
    ours, our_t = tg.Tensor(x, requires_grad=True), tg.Tensor(t, requires_grad=True)
    out = getattr(nn, name)(ours, our_t, reduction=reduction)
    out.backward(upstream)
    theirs, their_t = (torch.tensor(a, requires_grad=True) for a in (x, t))
    expected = getattr(torch.nn.functional, PAIRS[name])(theirs, their_t, reduction=reduction)
    expected.backward(None if upstream is None else torch.tensor(upstream))
    assert np.allclose(out.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    assert np.allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-11, atol=1e-14)
    assert np.allclose(our_t.grad.numpy(), their_t.grad.numpy(), rtol=1e-11, atol=1e-14)


# --- by formula ----------------------------------------------------------------------------------


def test_mse_by_hand():
    value, gradient = run(nn.mse_loss, [1.0, 2.0, 4.0], [1.0, 0.0, 1.0])
    assert value == pytest.approx((0 + 4 + 9) / 3)
    assert np.allclose(gradient, [0, 4 / 3, 6 / 3])


def test_mae_by_hand():
    value, gradient = run(nn.mae_loss, [1.0, 2.0, -4.0], [1.0, 0.0, 1.0])
    assert value == pytest.approx((0 + 2 + 5) / 3)
    assert np.allclose(gradient, [0, 1 / 3, -1 / 3])


def test_binary_cross_entropy_by_hand():
    value, gradient = run(nn.binary_cross_entropy, [0.25, 0.8], [1.0, 0.0], reduction="sum")
    assert value == pytest.approx(np.log(4) + np.log(5))
    assert np.allclose(gradient, [-4, 5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_of_exactly_0_and_1_are_clipped(dtype):
    p, t = np.array([0, 0, 1, 1], dtype), np.array([0, 1, 0, 1], dtype)
    value, gradient = run(nn.binary_cross_entropy, p, t, np.ones(4), reduction="none")
    edge = np.asarray(1 - 1e-7, dtype)
    expected = [-np.log(edge), -np.log(1e-7), -np.log(1 - edge), -np.log(edge)]
    assert np.allclose(value, expected, rtol=1e-6)
    assert not gradient.any()
    assert value.dtype == dtype


@pytest.mark.parametrize("t", [0, 0.3, 1])
def test_gradient_of_logits_0_is_exact(t):
    value, gradient = run(nn.binary_cross_entropy_with_logits, [0.0, -0.0], [t, t], [1, 1],
                          reduction="none")  # fmt: skip
    assert np.allclose(value, np.log(2), rtol=1e-15)
    assert gradient.tolist() == [0.5 - t, 0.5 - t]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits_are_exact(dtype):
    z, t = np.array([800, 800, -800, -800, 800], dtype), np.array([0, 1, 0, 1, 0.5], dtype)
    loss = nn.binary_cross_entropy_with_logits
    value, gradient = run(loss, z, t, np.ones(5), reduction="none")
    assert value.tolist() == [800, 0, 0, 800, 400]
    assert gradient.tolist() == [1, 0, 0, -1, 0.5]
    assert value.dtype == gradient.dtype == dtype


def test_from_logits_is_from_probabilities_of_their_sigmoid():
    z, t = sample("binary_cross_entropy_with_logits", (6, 1))
    p = 1 / (1 + np.exp(-z))
    direct = nn.binary_cross_entropy_with_logits(z, t).item()
    assert nn.binary_cross_entropy(p, t).item() == pytest.approx(direct, rel=1e-12)


def test_second_derivative_of_logits():
    z = tg.Tensor([0.5, -2.0], requires_grad=True)
    out = nn.binary_cross_entropy_with_logits(z, [1.0, 0.0], reduction="sum")
    out.backward(create_graph=True)
    first, z.grad = z.grad, None
    first.sum().backward()
    s = 1 / (1 + np.exp(-z.numpy()))
    assert np.allclose(z.grad.numpy(), s * (1 - s))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float32])
def test_targets_of_other_dtypes(loss, dtype):
    x, t = np.array([0.2, 0.7, 0.4]), np.array([0, 1, 1])
    value, gradient = run(loss, x, t.astype(np.float64))
    other_value, other_gradient = run(loss, x, t.astype(dtype))
    assert other_value == value
    assert np.array_equal(other_gradient, gradient)


@pytest.mark.parametrize("loss", LOSSES)
def test_lists_and_float32(loss):
    assert loss([0.5, 0.25], [1.0, 0.0]).shape == ()
    x = np.array([0.5, 0.25], np.float32)
    value, gradient = run(loss, x, np.array([1, 0], np.float32))
    assert value.dtype == gradient.dtype == np.float32


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shapes", [((4, 1), (4,)), ((4,), (4, 1)), ((1, 3), (3, 1, 1))], ids=str)
def test_shapes_that_would_broadcast_are_refused_with_the_fix(loss, shapes):
    x, t = (np.full(shape, 0.5) for shape in shapes)
    with pytest.raises(ValueError, match="would fit") as raised:
        loss(tg.Tensor(x, requires_grad=True), t)
    message = str(raised.value)
    assert all(str(shape) in message for shape in shapes)
    assert f"target.reshape({shapes[0]})" in message
    assert loss(x, t.reshape(shapes[0])).shape == ()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_transposed_target_is_not_reshaped(loss):
    x, t = np.full((2, 3), 0.5), np.arange(6.0).reshape(3, 2)
    with pytest.raises(ValueError, match=r"target\.T would fit"):
        loss(x, t)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shapes", [((4, 1), (3, 1)), ((4, 3), ()), ((4, 3), (3,))], ids=str)
def test_other_shapes_are_refused(loss, shapes):
    with pytest.raises(ValueError, match="differ") as raised:
        loss(*(np.full(shape, 0.5) for shape in shapes))
    assert "reshape" not in str(raised.value)


@pytest.mark.parametrize("loss", [*LOSSES, nn.categorical_crossentropy, nn.accuracy])
def test_shape_errors_name_both_operands_and_their_lines(loss):
    line = inspect.currentframe().f_lineno
    scores = tg.Tensor(np.full((4, 2), 0.5))
    wanted = tg.Tensor([1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="scores") as raised:
        loss(scores, wanted)
    for name, shape, at in (("scores", "(4, 2)", line + 1), ("wanted", "(3,)", line + 2)):
        made = f"made at test_nn_losses.py:{at}"
        assert f"Tensor {name!r} {shape} float64 {made}" in str(raised.value)
    bare = np.ones(3)
    with pytest.raises(ValueError, match=r"target: array 'bare' \(3,\) float64"):
        loss(scores, bare)


@pytest.mark.parametrize(
    "loss", [nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("labels", [[-1, 1, 1], [1, 2, 1], np.uint8([0, 1, 3])], ids=str)
def test_integers_that_are_not_0_and_1(loss, labels):
    x = np.full(3, 0.5)
    with pytest.raises(ValueError, match=r"the classes are 0 and 1, but there is (-1|2|3)$"):
        loss(x, labels)
    with pytest.raises(ValueError, match="the classes are 0 and 1"):
        tg.compile(loss)(x, np.asarray(labels))
    for right in ([0, 1, 1], [False, True, True]):
        assert loss(x, right).item() == pytest.approx(loss(x, [0.0, 1.0, 1.0]).item())


@pytest.mark.parametrize("loss", LOSSES)
def test_empty_batch(loss):
    x, t = np.zeros((0, 1)), np.zeros((0, 1))
    with pytest.raises(ValueError, match="mean of no elements"):
        loss(x, t)
    assert loss(x, t, reduction="sum").item() == 0
    assert loss(x, t, reduction="none").shape == (0, 1)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("reduction", ["avg", None, True])
def test_unknown_reduction(loss, reduction):
    with pytest.raises(ValueError, match="reduction must be one of mean, sum, none, not"):
        loss([0.5], [1.0], reduction=reduction)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("wrong", ["abc", None, [[1.0], [1.0, 2.0]]])
def test_what_is_not_numbers_is_refused(loss, wrong):
    with pytest.raises((TypeError, ValueError), match=r"expected numbers|lengths differ"):
        loss(wrong, [1.0])


# --- outputs and targets of other kinds -----------------------------------------------------------

LOSSES = [
    nn.mse_loss,
    nn.mae_loss,
    nn.binary_cross_entropy,
    nn.binary_cross_entropy_with_logits,
]


@folded
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.int64])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_targets_of_integers_are_those_of_floats(loss, dtype, kind):
    output = np.array([[0.25], [0.75], [0.5]], kind)
    target = np.array([[0], [1], [1]])
    got = loss(tg.Tensor(output), target.astype(dtype))
    assert got.dtype == kind
    assert got.item() == loss(tg.Tensor(output), target.astype(kind)).item()


@pytest.mark.parametrize("bad", [-0.5, 1.5, 30.0, -np.inf])
@pytest.mark.parametrize("loss", [nn.binary_cross_entropy, nn.categorical_crossentropy])
def test_outputs_that_are_no_probabilities(loss, bad):
    """Clipped they would look certain, and learn nothing."""
    probs = np.array([[0.25, 0.75], [bad, 0.5]])
    for call in (loss, tg.compile(loss)):
        with pytest.raises(ValueError, match=rf"between 0 and 1, but there is {bad:g}; for logits"):
            call(probs, np.array([[0.0, 1.0], [1.0, 0.0]]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("loss", [nn.binary_cross_entropy, nn.categorical_crossentropy])
def test_rounded_probabilities_and_nan_are_no_mistake(loss, dtype):
    step = np.finfo(dtype).eps
    probs = np.array([[0.0, 1.0], [1 + step, -step], [np.nan, 0.5]], dtype)
    target = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]], dtype)
    losses = loss(tg.Tensor(probs), target, reduction="none").numpy().ravel()
    assert np.isnan(losses[-2:]).any()
    assert np.isfinite(losses[:2]).all()
