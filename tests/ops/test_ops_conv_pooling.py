"""Convolution and pooling: against PyTorch, at edges and ties, and on bad input."""

import numpy as np
import pytest
from folded import folded
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_np as tg

rng = np.random.default_rng(7)


def normal(*shape):
    return rng.standard_normal(shape)


def leaf(data):
    return tg.Tensor(data, requires_grad=True)


def compare(ours, theirs, arrays, rtol=1e-10):
    """Value, gradient, and the gradient of the gradient's square sum, as PyTorch has them."""
    torch = pytest.importorskip("torch")
    t = [leaf(a) for a in arrays]
    u = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, expected = ours(*t), theirs(torch.nn.functional, *u)
    np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=rtol, atol=rtol)
    weights = normal(*out.shape).astype(out.dtype)
    (out * out * weights).sum().backward(create_graph=True)
    loss = (expected * expected * torch.from_numpy(weights)).sum()
    first = torch.autograd.grad(loss, u, create_graph=True)
    held = [x.grad for x in t]
    for got, want in zip(held, first, strict=True):
        assert got.dtype == out.dtype
        np.testing.assert_allclose(got.data, want.detach().numpy(), rtol=rtol, atol=rtol)
    for x in t:
        x.grad = None
    sum(((g * g).sum() for g in held), tg.Tensor(0.0)).backward()
    second = torch.autograd.grad(sum((g * g).sum() for g in first), u)
    for x, want in zip(t, second, strict=True):
        scale = float(np.abs(want.numpy()).max())
        np.testing.assert_allclose(x.grad.data, want.numpy(), rtol=rtol, atol=rtol * scale)


CALLS = {
    "conv1d": (
        lambda x, w, b: tg.conv1d(x, w, b),
        lambda f, x, w, b: f.conv1d(x, w, b),
        [(2, 3, 7), (4, 3, 3), (4,)],
    ),
    "conv1d with all arguments": (
        lambda x, w, b: tg.conv1d(x, w, b, stride=2, padding=3, dilation=2, groups=2),
        lambda f, x, w, b: f.conv1d(x, w, b, stride=2, padding=3, dilation=2, groups=2),
        [(2, 4, 9), (6, 2, 3), (6,)],
    ),
    "conv2d without bias": (
        lambda x, w: tg.conv2d(x, w, padding=(1, 0), stride=(2, 3)),
        lambda f, x, w: f.conv2d(x, w, padding=(1, 0), stride=(2, 3)),
        [(2, 3, 8, 9), (4, 3, 3, 2)],
    ),
    "conv2d of 1 x 1": (
        lambda x, w: tg.conv2d(x, w),
        lambda f, x, w: f.conv2d(x, w),
        [(2, 3, 4, 5), (4, 3, 1, 1)],
    ),
    "conv2d of windows that skip elements": (
        lambda x, w: tg.conv2d(x, w, stride=3),
        lambda f, x, w: f.conv2d(x, w, stride=3),
        [(2, 2, 9, 8), (3, 2, 2, 1)],
    ),
    "conv2d in float32": (
        lambda x, w, b: tg.conv2d(x, w, b, padding=1),
        lambda f, x, w, b: f.conv2d(x, w, b, padding=1),
        [(2, 3, 5, 5), (4, 3, 3, 3), (4,)],
    ),
    "conv2d to one channel": (
        lambda x, w: tg.conv2d(x, w),
        lambda f, x, w: f.conv2d(x, w),
        [(2, 3, 4, 5), (1, 3, 2, 2)],
    ),
    "conv2d from one channel": (
        lambda x, w: tg.conv2d(x, w),
        lambda f, x, w: f.conv2d(x, w),
        [(2, 1, 4, 5), (3, 1, 2, 2)],
    ),
    "conv2d depthwise": (
        lambda x, w, b: tg.conv2d(x, w, b, padding=(1, 3), dilation=(1, 2), groups=3),
        lambda f, x, w, b: f.conv2d(x, w, b, padding=(1, 3), dilation=(1, 2), groups=3),
        [(2, 3, 5, 4), (3, 1, 3, 2), (3,)],
    ),
    "conv2d depthwise with a stride": (
        lambda x, w: tg.conv2d(x, w, padding=1, stride=2, groups=3),
        lambda f, x, w: f.conv2d(x, w, padding=1, stride=2, groups=3),
        [(2, 3, 6, 5), (3, 1, 3, 3)],
    ),
    "conv2d depthwise to several channels": (
        lambda x, w: tg.conv2d(x, w, padding=1, groups=2),
        lambda f, x, w: f.conv2d(x, w, padding=1, groups=2),
        [(2, 2, 4, 5), (6, 1, 3, 3)],
    ),
    "conv_transpose2d depthwise": (
        lambda x, w, b: tg.conv_transpose2d(x, w, b, padding=1, dilation=2, groups=2),
        lambda f, x, w, b: f.conv_transpose2d(x, w, b, padding=1, dilation=2, groups=2),
        [(2, 2, 4, 3), (2, 1, 2, 3), (2,)],
    ),
    "conv_transpose2d": (
        lambda x, w: tg.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1),
        lambda f, x, w: f.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1),
        [(2, 3, 4, 5), (3, 2, 3, 3)],
    ),
    "max_pool2d": (
        lambda x: tg.max_pool2d(x, 2),
        lambda f, x: f.max_pool2d(x, 2),
        [(2, 3, 6, 7)],
    ),
    "max_pool2d overlapping": (
        lambda x: tg.max_pool2d(x, (3, 2), stride=(1, 2), padding=(1, 1)),
        lambda f, x: f.max_pool2d(x, (3, 2), stride=(1, 2), padding=(1, 1)),
        [(2, 3, 5, 6)],
    ),
    "max_pool1d": (
        lambda x: tg.max_pool1d(x, 3, stride=2, padding=1),
        lambda f, x: f.max_pool1d(x, 3, stride=2, padding=1),
        [(2, 3, 8)],
    ),
    "avg_pool2d": (
        lambda x: tg.avg_pool2d(x, (2, 3), padding=1),
        lambda f, x: f.avg_pool2d(x, (2, 3), padding=1),
        [(2, 3, 6, 7)],
    ),
    "avg_pool1d": (
        lambda x: tg.avg_pool1d(x, 3, stride=1),
        lambda f, x: f.avg_pool1d(x, 3, stride=1),
        [(2, 3, 8)],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_same_as_torch(name):
    ours, theirs, shapes = CALLS[name]
    single = "float32" in name
    arrays = [normal(*s).astype(np.float32 if single else np.float64) for s in shapes]
    compare(ours, theirs, arrays, rtol=2e-4 if single else 1e-10)


def test_arrays_give_arrays():
    x = normal(1, 2, 4, 4)
    assert isinstance(tg.conv2d(x, normal(3, 2, 2, 2)), np.ndarray)
    assert isinstance(tg.conv1d(x[0], normal(3, 4, 2)), np.ndarray)
    assert isinstance(tg.max_pool2d(x, 2), np.ndarray)
    assert isinstance(tg.avg_pool1d(x[0], 2), np.ndarray)


def test_windows_of_a_bare_array_can_not_be_written_to():
    x = normal(1, 1, 3, 3)
    with pytest.raises(ValueError, match="read-only"):
        tg.windows(x, 2)[...] = 0


def test_empty_batch():
    x, w = leaf(np.zeros((0, 2, 5, 5))), leaf(normal(3, 2, 3, 3))
    out = tg.conv2d(x, w)
    assert out.shape == (0, 3, 3, 3)
    out.sum().backward()
    assert x.grad.shape == (0, 2, 5, 5)
    np.testing.assert_array_equal(w.grad.data, np.zeros((3, 2, 3, 3)))
    assert tg.max_pool2d(x, 2).shape == (0, 2, 2, 2)


def test_integer_images():
    x = np.arange(16).reshape(1, 1, 4, 4)
    assert tg.max_pool2d(x, 2).tolist() == [[[[5, 7], [13, 15]]]]
    assert tg.max_pool2d(-x, 2, padding=1).max() == 0
    assert tg.conv2d(x, np.ones((1, 1, 2, 2), int)).dtype == int


def test_equal_largest_elements_of_a_window_share():
    x = leaf([[[[1.0, 1.0], [0.0, 1.0]]]])
    tg.max_pool2d(x, 2).sum().backward()
    np.testing.assert_allclose(x.grad.data, [[[[1 / 3, 1 / 3], [0, 1 / 3]]]])


def test_padding_never_wins():
    x = leaf(np.full((1, 1, 2, 2), -5.0))
    out = tg.max_pool2d(x, 2, padding=1)
    assert out.data.max() == out.data.min() == -5
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.ones((1, 1, 2, 2)))


def test_adjoints():
    """<conv(x), y> = <x, conv_transpose(y)> = <w, conv_weight(x, y)>, exactly defined numbers."""
    x, w = normal(2, 4, 8, 7), normal(6, 2, 3, 2)
    how = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}
    y = normal(*tg.conv2d(x, w, **how).shape)
    forward = np.sum(tg.conv2d(x, w, **how) * y)
    back = tg.conv_transpose2d(y, w, output_padding=(1, 0), **how)
    np.testing.assert_allclose(np.sum(back * x), forward, rtol=1e-12)
    weight = tg.conv2d_weight(x, y, (3, 2), **how)
    np.testing.assert_allclose(np.sum(weight * w), forward, rtol=1e-12)


X = tg.Tensor(normal(2, 4, 5, 5))
W = normal(6, 4, 3, 3)
BAD = {
    "no image": (lambda: tg.conv2d(X[0], W), ValueError, r"conv2d\(x: Tensor \(4, 5, 5\).*4 axes"),
    "no kernel": (lambda: tg.conv2d(X, W[0]), ValueError, "weight .* must have 4 axes"),
    "channels": (lambda: tg.conv2d(X, W[:, :3]), ValueError, "4 channels, but the weight is for 3"),
    "groups": (lambda: tg.conv2d(X, W[:5, :2], groups=2), ValueError, "split into 2 groups"),
    "no groups": (lambda: tg.conv2d(X, W, groups=0), ValueError, "groups must be a positive"),
    "bias": (lambda: tg.conv2d(X, W, np.ones(4)), ValueError, r"bias must have shape \(6,\)"),
    "too large": (lambda: tg.conv2d(X, W, dilation=3), ValueError, "height 7 does not fit .* 5"),
    "stride 0": (lambda: tg.conv2d(X, W, stride=0), ValueError, "stride must be at least 1"),
    "padding -1": (lambda: tg.conv2d(X, W, padding=-1), ValueError, "padding must be at least 0"),
    "padding text": (lambda: tg.conv2d(X, W, padding="full"), TypeError, "padding must be an int"),
    "half": (lambda: tg.conv2d(X, W, stride=1.5), TypeError, "stride must be an integer"),
    "three": (lambda: tg.conv2d(X, W, stride=(1, 1, 1)), ValueError, "pair"),
    "1d image": (lambda: tg.conv1d(X, W[0]), ValueError, r"conv1d\(x: .*\): x must have 3 axes"),
    "1d kernel": (lambda: tg.conv1d(X[0], W), ValueError, r"conv1d\(weight: .*\): weight must be"),
    "1d stride": (lambda: tg.conv1d(X[0], W[0], stride=(1, 2)), ValueError, "stride must be one"),
    "transposed": (lambda: tg.conv_transpose2d(X, W), ValueError, "4 channels, but the weight"),
    "output_padding": (
        lambda: tg.conv_transpose2d(X, W.swapaxes(0, 1), output_padding=1),
        ValueError,
        "less than stride",
    ),
    "all cropped": (
        lambda: tg.conv_transpose2d(X, W.swapaxes(0, 1), padding=4),
        ValueError,
        "the result would have height",
    ),
    "pool of a sequence": (lambda: tg.max_pool2d(X[0], 2), ValueError, "4 axes"),
    "pool of a number": (lambda: tg.max_pool2d(3.0, 2), ValueError, "4 axes"),
    "pool size": (lambda: tg.avg_pool2d(X, 0), ValueError, "kernel_size must be at least 1"),
    "pool padding": (lambda: tg.max_pool2d(X, 2, padding=2), ValueError, "more than half"),
    "pool too large": (lambda: tg.max_pool2d(X, 6), ValueError, "does not fit"),
    "windows": (
        lambda: tg.overlap_add(tg.windows(X, 2), (5, 6)),
        ValueError,
        r"an image \(5, 6\) has",
    ),
    "weight": (lambda: tg.conv2d_weight(X, X, 2), ValueError, r"y must have shape \(2, 4, 4, 4\)"),
}


@folded
@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


def test_depthwise_windows_do_not_run_over_the_edge():
    """An infinite pixel in the first column is at the left of three windows, and nowhere else."""
    x, w = normal(2, 1, 6, 7), normal(1, 1, 3, 3)
    x[0, 0, 2, 0] = np.inf
    with np.errstate(invalid="ignore"):
        y = tg.conv2d(x, w, groups=1)
        g = tg.conv2d_weight(x, np.ones_like(y), 3, groups=1)
    np.testing.assert_array_equal(np.argwhere(~np.isfinite(y)), [[0, 0, k, 0] for k in range(3)])
    np.testing.assert_array_equal(np.isfinite(g[0, 0]), [[False, True, True]] * 3)


SMALL, PAIR = st.integers(1, 3), st.tuples(st.integers(1, 2), st.integers(1, 2))


@settings(max_examples=30)
@given(
    groups=SMALL,
    channels=PAIR,
    size=st.tuples(SMALL, SMALL),
    room=st.tuples(SMALL, SMALL),
    stride=PAIR,
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    dilation=PAIR,
)
def test_convolutions_of_all_geometries(groups, channels, size, room, stride, padding, dilation):
    """Values and gradients as PyTorch has them, also where groups and channels are one."""
    torch = pytest.importorskip("torch")
    lengths = [d * (k - 1) + n for d, k, n in zip(dilation, size, room)]
    c, o = (groups * n for n in channels)
    arrays = normal(2, c, *lengths), normal(o, c // groups, *size), normal(o)
    ours = [leaf(a) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    how = (stride, padding, dilation, groups)
    y = tg.conv2d(*ours, *how)
    z = torch.nn.functional.conv2d(*theirs, *how)
    np.testing.assert_allclose(y.data, z.detach().numpy(), atol=1e-11)
    g = normal(*y.shape)
    y.backward(g)
    z.backward(torch.from_numpy(g))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.grad.data, other.grad.numpy(), atol=1e-11)
