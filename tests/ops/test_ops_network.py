"""nll_loss, one_hot, embedding, dropout, normalisation, attention: against PyTorch and by hand."""

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

rng = np.random.default_rng(8)


def normal(*shape):
    return rng.standard_normal(shape)


def leaf(data):
    return tg.Tensor(data, requires_grad=True)


LABELS = np.array([[0, 2, 1, 2], [1, 1, 0, 2]])
IDS = np.array([[1, 4, 1], [0, 4, 4]])
MASK = rng.random((4, 5)) > 0.4
MASK[:, 0] = True
ADDED = normal(2, 1, 4, 5)
MEAN, VAR = normal(3), np.abs(normal(3)) + 0.5


def attend(t, u, ours, theirs):
    return [
        (lambda q, k, v: tg.scaled_dot_product_attention(q, k, v, **ours)),
        (lambda F, torch, q, k, v: F.scaled_dot_product_attention(q, k, v, **theirs(torch))),
        [t, u, (*u[:-1], 6)],
    ]


CALLS = {
    "nll_loss": (
        lambda x: tg.nll_loss(x, LABELS[0]),
        lambda F, torch, x: F.nll_loss(x, torch.tensor(LABELS[0])),
        [(4, 3)],
    ),
    "nll_loss of images": (
        lambda x: tg.nll_loss(x, LABELS, axis=1, reduction="sum", ignore_index=2),
        lambda F, torch, x: F.nll_loss(x, torch.tensor(LABELS), reduction="sum", ignore_index=2),
        [(2, 3, 4)],
    ),
    "nll_loss, mean of some": (
        lambda x: tg.nll_loss(x, LABELS, axis=1, ignore_index=1),
        lambda F, torch, x: F.nll_loss(x, torch.tensor(LABELS), ignore_index=1),
        [(2, 3, 4)],
    ),
    "nll_loss of each": (
        lambda x: tg.nll_loss(x, LABELS[1].astype(np.uint8), reduction="none"),
        lambda F, torch, x: F.nll_loss(x, torch.tensor(LABELS[1]), reduction="none"),
        [(4, 3)],
    ),
    "embedding": (
        lambda w: tg.embedding(IDS, w),
        lambda F, torch, w: F.embedding(torch.tensor(IDS), w),
        [(5, 3)],
    ),
    "layer_norm": (
        lambda x, w, b: tg.layer_norm(x, 4, w, b),
        lambda F, torch, x, w, b: F.layer_norm(x, (4,), w, b),
        [(2, 3, 4), (4,), (4,)],
    ),
    "layer_norm of two axes": (
        lambda x, w: tg.layer_norm(x, (3, 4), w, eps=1e-2),
        lambda F, torch, x, w: F.layer_norm(x, (3, 4), w, eps=1e-2),
        [(2, 3, 4), (3, 4)],
    ),
    "batch_norm": (
        lambda x, w, b: tg.batch_norm(x, weight=w, bias=b),
        lambda F, torch, x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        [(4, 3, 2, 2), (3,), (3,)],
    ),
    "batch_norm with running statistics": (
        lambda x, w: tg.batch_norm(x, MEAN, VAR, w),
        lambda F, torch, x, w: F.batch_norm(x, torch.tensor(MEAN), torch.tensor(VAR), w),
        [(4, 3), (3,)],
    ),
    "attention": attend((4, 3), (5, 3), {}, lambda torch: {}),
    "attention of heads": attend((2, 3, 4, 3), (2, 3, 5, 3), {}, lambda torch: {}),
    "causal attention": attend(
        (2, 5, 3), (2, 5, 3), {"causal": True}, lambda torch: {"is_causal": True}
    ),
    "attention with a mask": attend(
        (2, 4, 3), (2, 5, 3), {"mask": MASK}, lambda torch: {"attn_mask": torch.tensor(MASK)}
    ),
    "attention with a float mask and scale": attend(
        (2, 3, 4, 3),
        (2, 3, 5, 3),
        {"mask": ADDED, "scale": 0.3},
        lambda torch: {"attn_mask": torch.tensor(ADDED), "scale": 0.3},
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_same_as_torch(name):
    torch = pytest.importorskip("torch")
    ours, theirs, shapes = CALLS[name]
    arrays = [normal(*s) for s in shapes]
    t = [leaf(a) for a in arrays]
    u = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, expected = ours(*t), theirs(torch.nn.functional, torch, *u)
    np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=1e-11, atol=1e-12)
    weights = normal(*out.shape)
    (out * weights).sum().backward()
    loss = (expected * torch.as_tensor(weights)).sum()
    for x, want in zip(t, torch.autograd.grad(loss, u), strict=True):
        np.testing.assert_allclose(x.grad.data, want.numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", CALLS)
def test_second_derivative(name):
    ours, _, shapes = CALLS[name]
    assert tg.gradcheck(ours, [normal(*s) for s in shapes], order=2)


@pytest.mark.parametrize("name", CALLS)
def test_float32_stays_and_arrays_give_arrays(name):
    ours, _, shapes = CALLS[name]
    if "statistics" in name or "float mask" in name:
        return  # the statistics and the mask here are float64
    arrays = [normal(*s).astype(np.float32) for s in shapes]
    t = [leaf(a) for a in arrays]
    out = ours(*t)
    assert out.dtype == np.float32
    out.sum().backward()
    assert all(x.grad.dtype == np.float32 for x in t)
    bare = ours(*arrays)
    assert isinstance(bare, (np.ndarray, np.generic))
    np.testing.assert_array_equal(bare, out.data)


def test_nll_loss_of_log_softmax_is_cross_entropy():
    x = normal(4, 3)
    a = tg.nll_loss(tg.log_softmax(tg.Tensor(x)), LABELS[0]).item()
    assert a == pytest.approx(tg.cross_entropy(tg.Tensor(x), LABELS[0]).item(), rel=1e-14)


# --- labels -------------------------------------------------------------------------------------


def test_one_hot():
    rows = tg.one_hot(np.array([2, 0], np.uint8), 3)
    assert rows.dtype == np.float32
    assert rows.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert isinstance(tg.one_hot(tg.Tensor([1]), 2), tg.Tensor)
    assert tg.one_hot(1, 2, dtype=bool).tolist() == [False, True]
    assert tg.one_hot(np.zeros((0,), int), 4).shape == (0, 4)


def test_embedding_adds_up_repeated_rows():
    w = leaf(normal(5, 2))
    tg.embedding(tg.Tensor([1, 1, 3, 1]), w).sum().backward()
    np.testing.assert_array_equal(w.grad.data[:, 0], [0, 3, 0, 1, 0])


# --- dropout ------------------------------------------------------------------------------------


def test_dropout_keeps_the_mean_and_drops_p():
    x = leaf(np.ones(100_000, np.float32))
    out = tg.dropout(x, 0.3, rng=np.random.default_rng(0))
    assert out.dtype == np.float32
    assert set(np.unique(out.data)) == {np.float32(0), np.float32(1) / np.float32(0.7)}
    assert np.mean(out.data == 0) == pytest.approx(0.3, abs=0.01)
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.data, out.data)


def test_dropout_can_be_repeated():
    x = normal(50)
    first = tg.dropout(x, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(first, tg.dropout(x, rng=np.random.default_rng(3)))
    tg.manual_seed(4)
    second = tg.dropout(x)
    tg.manual_seed(4)
    np.testing.assert_array_equal(second, tg.dropout(x))


def test_dropout_without_training_and_at_the_ends():
    x = leaf(normal(5))
    assert tg.dropout(x, 0.5, training=False) is x
    assert tg.dropout(x, 0) is x
    assert not tg.dropout(x, 1).data.any()


# --- normalisation and attention ----------------------------------------------------------------


def test_batch_norm_along_another_axis():
    x = normal(4, 5, 3)
    out = tg.batch_norm(x, axis=-1)
    np.testing.assert_allclose(out, np.moveaxis(tg.batch_norm(np.moveaxis(x, -1, 1)), 1, -1))


def test_gradient_flows_to_given_statistics():
    mean, var = leaf(MEAN), leaf(VAR)
    x = normal(4, 3)
    tg.batch_norm(x, mean, var).sum().backward()
    np.testing.assert_allclose(mean.grad.data, -4 / np.sqrt(VAR + 1e-5))
    assert var.grad.data.any()


def test_a_query_that_sees_no_key_gives_zeros():
    q, k, v = leaf(normal(2, 3)), leaf(normal(4, 3)), leaf(normal(4, 2))
    mask = np.array([[True, False, True, True], [False] * 4])
    out = tg.scaled_dot_product_attention(q, k, v, mask=mask)
    assert not out.data[1].any()
    out.sum().backward()
    for t in (q, k, v):
        assert np.isfinite(t.grad.data).all()
    assert not q.grad.data[1].any()
    assert not v.grad.data[1].any()


def test_a_mask_and_causality_combine():
    q, k, v = (normal(5, 3) for _ in range(3))
    mask = rng.random((5, 5)) > 0.3
    mask[:, 0] = True
    both = tg.scaled_dot_product_attention(q, k, v, mask=mask, causal=True)
    lower = np.tril(np.ones((5, 5), bool))
    np.testing.assert_array_equal(both, tg.scaled_dot_product_attention(q, k, v, mask=mask & lower))


X = tg.Tensor(normal(4, 3))
BAD = {
    "nll label": (lambda: tg.nll_loss(X, [0, 3, 1, 1]), ValueError, "nll_loss: label 3 at row 1"),
    "nll floats": (lambda: tg.nll_loss(X, normal(4, 3)), TypeError, "must be integers"),
    "nll shape": (lambda: tg.nll_loss(X, [0, 1]), ValueError, r"nll_loss: .*\(4,\), not \(2,\)"),
    "nll axis": (lambda: tg.nll_loss(X, [0, 1], axis=2), IndexError, "nll_loss.*axis 2"),
    "nll reduction": (lambda: tg.nll_loss(X, [0] * 4, reduction="avg"), ValueError, "avg"),
    "nll of nothing": (
        lambda: tg.nll_loss(X, [1] * 4, ignore_index=1),
        ValueError,
        "mean over no targets",
    ),
    "nll of a number": (lambda: tg.nll_loss(1.0, 0), ValueError, "axis of classes"),
    "one_hot range": (lambda: tg.one_hot([0, 3], 3), ValueError, r"label 3 at \(1,\)"),
    "one_hot negative": (lambda: tg.one_hot([-1], 3), ValueError, "label -1"),
    "one_hot floats": (lambda: tg.one_hot([1.0], 3), TypeError, "integer, not float64"),
    "embedding range": (lambda: tg.embedding([[0, 4]], X), ValueError, "there are 4 entries"),
    "embedding negative": (lambda: tg.embedding(-1, X), ValueError, "index -1"),
    "embedding floats": (lambda: tg.embedding([0.5], X), TypeError, "integer"),
    "embedding weight": (lambda: tg.embedding([0], X[0]), ValueError, "entries, features"),
    "dropout p": (lambda: tg.dropout(X, 1.5), ValueError, "between 0 and 1, not 1.5"),
    "dropout of integers": (lambda: tg.dropout(np.arange(3)), TypeError, "needs floats"),
    "layer_norm shape": (lambda: tg.layer_norm(X, 4), ValueError, r"does not end in \(4,\)"),
    "layer_norm weight": (
        lambda: tg.layer_norm(X, 3, np.ones(4)),
        ValueError,
        r"weight: array \(4,\) float64\): weight must have shape \(3,\)",
    ),
    "layer_norm of integers": (lambda: tg.layer_norm(np.arange(3), 3), TypeError, "needs floats"),
    "batch_norm mean": (lambda: tg.batch_norm(X, MEAN), ValueError, "both mean and var"),
    "batch_norm bias": (lambda: tg.batch_norm(X, bias=np.ones(4)), ValueError, "bias must have"),
    "batch_norm var": (lambda: tg.batch_norm(X, MEAN, VAR[:2]), ValueError, "var must have"),
    "batch_norm axis": (lambda: tg.batch_norm(X, axis=2), IndexError, "batch_norm.*axis 2"),
    "attention shapes": (
        lambda: tg.scaled_dot_product_attention(X, X[:, :2], X),
        ValueError,
        r"query: Tensor 'X' \(4, 3\) .*, key: Tensor \(4, 2\)",
    ),
    "attention mask": (
        lambda: tg.scaled_dot_product_attention(X, X, X, mask=np.ones((3, 4), bool)),
        ValueError,
        r"mask: array \(3, 4\) bool\): the mask does not broadcast to \(4, 4\)",
    ),
    "attention mask dtype": (
        lambda: tg.scaled_dot_product_attention(X, X, X, mask=np.ones((4, 4), int)),
        TypeError,
        "booleans or floats",
    ),
    "attention of integers": (
        lambda: tg.scaled_dot_product_attention(np.eye(2, dtype=int), X, X),
        TypeError,
        "needs floats",
    ),
}


@folded
@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


def test_statistics_of_nothing_are_an_error():
    with pytest.raises(ValueError, match=r"standardize.*no elements"):
        tg.batch_norm(tg.Tensor(np.zeros((0, 3))))
    assert tg.layer_norm(tg.Tensor(np.zeros((0, 3))), 3).shape == (0, 3)
