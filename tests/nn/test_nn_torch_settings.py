"""Settings of layers that PyTorch's module and the model of `nn` do not have alike."""

import numpy as np
import pytest

import nn


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("kind", "own", "their", "setting"),
    [
        ("BatchNorm1d", (4,), {"eps": 1e-3}, "eps is 1e-05 here, but 0.001"),
        ("LayerNorm", (4,), {"eps": 1e-12}, "eps"),
        ("Conv2d", (4, 4, 3), {"padding": 1, "padding_mode": "circular"}, "padding"),
        ("Conv2d", (4, 4, 3), {"dilation": 2}, "dilation"),
        ("RNN", (4, 4), {"nonlinearity": "relu"}, "nonlinearity"),
        ("GRU", (4, 4), {"batch_first": True}, "batch_first"),
        ("MultiheadAttention", (4, 4), {"add_zero_attn": True}, "add_zero_attn is False here"),
        ("Embedding", (4, 4), {"max_norm": 0.5}, "max_norm is None here, but 0.5"),
        ("TransformerEncoderLayer", (4, 2, 8), {"norm_first": True}, "norm_first"),
        ("LeakyReLU", (), {"negative_slope": 0.2}, "negative_slope"),
        ("GELU", (), {"approximate": "tanh"}, "approximate"),
        ("Softmax", (1,), {"dim": 0}, "axis is 1 here, but 0"),
    ],
)
def test_settings_that_differ(torch, kind, own, their, setting):
    layers = nn.Sequential(nn.Linear(4, 4), getattr(nn, kind)(*own))
    args = () if "dim" in their else own
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 4), getattr(torch.nn, kind)(*args, **their))
    before = layers.state_dict()
    with pytest.raises(ValueError, match=f"^1: {setting}.*in PyTorch's {kind}"):
        nn.load_torch(layers, theirs)
    assert all(np.array_equal(a, before[n]) for n, a in layers.state_dict().items())
    nn.load_torch(layers, theirs.state_dict())


@pytest.mark.oracle
def test_settings_of_training_may_differ(torch):
    layers = nn.Sequential(
        nn.Conv1d(2, 4, 3, padding=1), nn.BatchNorm1d(4, momentum=None), nn.Dropout(0.1)
    )
    theirs = torch.nn.Sequential(
        torch.nn.Conv1d(2, 4, 3, padding="same"), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.9)
    )
    x = torch.randn(3, 2, 5)
    nn.load_torch(layers, theirs, check=(x.numpy(), theirs.eval()(x)))
    nn.load_torch(
        nn.Sequential(nn.Linear(4, 4), nn.Softmax()),
        torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Softmax(dim=1)),
    )
    renamed = nn.ModuleDict({"conv": layers[0], "norm": layers[1]})
    nn.load_torch(renamed, theirs, rename={"0.": "conv.", "1.": "norm."})
    theirs[1].eps = 0.1
    with pytest.raises(ValueError, match=r"norm: eps is 1e-05 here, but 0\.1"):
        nn.load_torch(renamed, theirs, rename={"0.": "conv.", "1.": "norm."})
