"""Layers that are given what they can't use say so, and say what they need."""

import numpy as np
import pytest
from folded import folded

import nn
import tinygrad_np as tg

X = np.ones((2, 3, 8, 8), "f4")

WRONG = {
    "channels": (lambda: nn.Conv2d(4, 2, 3)(X), ValueError, r"inputs of shape \(rows, 4, height"),
    "rank": (lambda: nn.Conv1d(3, 2, 3)(X), ValueError, r"\(rows, 3, length\), not \(2, 3, 8, 8\)"),
    "groups": (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "multiple of groups"),
    "zero channels": (lambda: nn.Conv2d(0, 4, 3), ValueError, "in_channels must be a positive"),
    "kernel": (
        lambda: nn.Conv2d(3, 4, (3, 3, 3)),
        ValueError,
        "an integer, or 2 of them",
    ),
    "half": (lambda: nn.Conv2d(3, 4, 2.5), ValueError, "kernel_size must be"),
    "word": (lambda: nn.Conv2d(3, 4, 3, padding="full"), ValueError, "'same' or 'valid'"),
    "same": (lambda: nn.Conv2d(3, 4, 3, 2, "same"), ValueError, "needs stride 1"),
    "mode": (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), ValueError, "zeros, reflect"),
    "pairs": (lambda: nn.Conv2d(3, 4, 3, padding=((1, 1),)), ValueError, "2 pairs"),
    "pool rank": (lambda: nn.MaxPool2d(2)(np.ones((2, 3))), ValueError, "needs 4 axes"),
    "pool": (lambda: nn.MaxPool2d(9, ceil_mode=True)(X), ValueError, "longer windows"),
    "pool padding": (lambda: nn.AvgPool2d(2, padding=2), ValueError, "at most half"),
    "adaptive": (lambda: nn.AdaptiveAvgPool2d(0), ValueError, "positive integers or None"),
    "flatten": (lambda: nn.Flatten(3)(np.ones((2, 3))), ValueError, "no axes to join"),
    "upsample": (lambda: nn.Upsample(), ValueError, "give either size or scale_factor"),
    "upsample, both": (lambda: nn.Upsample(2, 2), ValueError, "give either size or scale_factor"),
    "upsample, mode": (lambda: nn.Upsample(2, mode="area"), ValueError, "mode must be one of"),
    "upsample, corners": (
        lambda: nn.Upsample(2, align_corners=True),
        ValueError,
        "align_corners is for the modes that mix",
    ),
    "interpolate, axes": (
        lambda: nn.interpolate(np.zeros((2, 3, 4)), 2, mode="bilinear"),
        ValueError,
        r"needs 4 axes, rows and channels first, not \(2, 3, 4\)",
    ),
    "interpolate, factors": (
        lambda: nn.interpolate(np.zeros((2, 3, 4)), scale_factor=(2, 2)),
        ValueError,
        "must have 1 factors",
    ),
    "interpolate, nothing left": (
        lambda: nn.interpolate(np.zeros((2, 3, 4)), scale_factor=0.1),
        ValueError,
        r"sizes must be positive, not \(4,\) and \(0,\)",
    ),
    "batch": (lambda: nn.BatchNorm1d(4)(np.ones((5, 3))), ValueError, "second of length 4"),
    "one row": (lambda: nn.BatchNorm1d(3)(np.ones((1, 3))), ValueError, "more than one value"),
    "images": (lambda: nn.BatchNorm2d(3)(np.ones((5, 3))), ValueError, "needs 4 axes"),
    "layer": (lambda: nn.LayerNorm(4)(np.ones((5, 3))), ValueError, "4"),
    "rms": (lambda: nn.RMSNorm((2, 4))(np.ones((2, 3))), ValueError, r"ends in \(2, 4\)"),
    "group": (lambda: nn.GroupNorm(2, 3), ValueError, "multiple of num_groups"),
    "group x": (lambda: nn.GroupNorm(3, 3)(np.ones((2, 4))), ValueError, "3 channels"),
    "prelu": (lambda: nn.PReLU(3)(np.ones((2, 4))), ValueError, "3 weights, x 4 channels"),
    "features": (lambda: nn.LSTM(4, 2)(np.ones((5, 2, 3))), ValueError, r"\(length, rows, 4\)"),
    "state": (
        lambda: nn.GRU(3, 2)(np.ones((5, 2, 3), "f4"), np.ones((1, 3, 2))),
        ValueError,
        r"state of shape \(1, 2, 2\), not \(1, 3, 2\)",
    ),
    "states": (
        lambda: nn.LSTM(3, 2)(np.ones((5, 2, 3), "f4"), np.ones((1, 2, 2))),
        ValueError,
        r"state \(h, c\), not 1",
    ),
    "sizes": (lambda: nn.RNN(3, 0), ValueError, "hidden_size must be a positive"),
    "kind": (lambda: nn.RNN(3, 2, nonlinearity="sigmoid"), ValueError, "'tanh' or 'relu'"),
    "drop": (lambda: nn.LSTM(3, 2, dropout=1.0), ValueError, r"in \[0, 1\)"),
    "heads": (lambda: nn.MultiheadAttention(6, 4), ValueError, "multiple of num_heads"),
    "query": (
        lambda: nn.MultiheadAttention(4, 2)(*[np.ones((3, 2, 6), "f4")] * 3),
        ValueError,
        "needs a query",
    ),
    "mask": (
        lambda: nn.MultiheadAttention(4, 2)(
            *[np.ones((3, 2, 4), "f4")] * 3, attn_mask=np.ones((3, 3), int)
        ),
        TypeError,
        "booleans or floats",
    ),
    "padding_idx": (lambda: nn.Embedding(3, 2, padding_idx=3), ValueError, "none of 3 things"),
    "index": (lambda: nn.Embedding(3, 2)([0, 3]), ValueError, "3"),
    "float index": (lambda: nn.Embedding(3, 2)([0.5]), TypeError, "integer"),
    "dropout": (lambda: nn.Dropout2d()(np.ones((2, 3))), ValueError, "needs 4 axes, not 2"),
    "softplus": (lambda: nn.Softplus(0), ValueError, "beta must be positive"),
}


@folded
@pytest.mark.parametrize("case", WRONG)
def test_what_a_layer_cannot_use(case):
    call, kinds, text = WRONG[case]
    with pytest.raises(kinds, match=text):
        call()


def test_asymmetric_and_negative_padding():
    x = tg.Tensor(np.random.default_rng(0).standard_normal((1, 2, 6, 7)), requires_grad=True)
    layer = nn.Conv2d(2, 3, 3, padding=((2, -1), (0, 1)), dtype=np.float64)
    wide = np.pad(x.numpy()[:, :, :-1], [(0, 0), (0, 0), (2, 0), (0, 1)])
    plain = nn.Conv2d(2, 3, 3, dtype=np.float64)
    plain.load_state_dict(layer.state_dict())
    np.testing.assert_allclose(layer(x).numpy(), plain(wide).numpy())
    layer(x).sum().backward()
    assert not x.grad.numpy()[:, :, -1].any()


def test_dropout_of_channels():
    tg.manual_seed(0)
    x = np.ones((50, 40, 3, 3), "f4")
    out = nn.Dropout2d(0.25)(x).numpy()
    whole = out.reshape(50, 40, 9)
    assert (whole == whole[:, :, :1]).all()
    np.testing.assert_allclose(np.unique(whole), [0, 4 / 3], rtol=1e-6)
    assert abs((whole[:, :, 0] == 0).mean() - 0.25) < 0.03
    layer = nn.Dropout1d(0.5).eval()
    assert np.array_equal(layer(x[0]).numpy(), x[0])
    assert nn.Dropout1d(0.5)(x[0, :, 0]).shape == (40, 3)


def test_reprs_say_how_to_make_the_layer():
    for text in (
        "Conv2d(3, 4, kernel_size=3, stride=2, padding=1)",
        "Conv1d(3, 4, kernel_size=3, padding='same', bias=False)",
        "LSTM(3, 4, num_layers=2, batch_first=True)",
        "GroupNorm(2, 4, eps=1e-05)",
        "Embedding(5, 3, padding_idx=0)",
        "MultiheadAttention(8, 2)",
        "Upsample(scale_factor=2.5, mode='bilinear')",
        "Upsample(size=(3, 4), mode='bilinear', align_corners=True)",
    ):
        assert repr(eval(f"nn.{text}")) == text


def test_tied_weights_are_trained_and_named_once():
    tg.manual_seed(0)
    model = nn.ModuleDict({"tokens": nn.Embedding(5, 3)})
    out = tg.matmul(model["tokens"]([1, 2]), model["tokens"].weight.T)
    nn.cross_entropy(out, [2, 1]).backward()
    assert [name for name, _ in model.named_parameters()] == ["tokens.weight"]
    grad = model["tokens"].weight.grad.numpy()
    assert grad.any(axis=1).all()
