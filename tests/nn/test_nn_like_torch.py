"""Layers against PyTorch's: shapes, values, gradients, ten steps of training."""

import numpy as np
import pytest
from torch_twins import close, copy_parameters, leaves, same_training

import nn
import tinygrad_np as tg

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    tg.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


F8 = {"dtype": np.float64}

# Name, arguments, and the shape of x; the arguments are the same for both.
LAYERS = {
    "Conv1d": [
        ((3, 4, 3), {}, (2, 3, 10)),
        ((3, 4, 3), {}, (3, 10)),
        ((4, 6, 3), {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}, (2, 4, 11)),
        ((3, 4, 4), {"padding": "same", "dilation": 3, "bias": False}, (2, 3, 12)),
        ((3, 4, 3), {"padding": "valid"}, (2, 3, 9)),
        ((3, 4, 3), {"padding": 2, "padding_mode": "circular"}, (2, 3, 9)),
    ],
    "Conv2d": [
        ((3, 4, 3), {}, (2, 3, 7, 8)),
        ((3, 4, 3), {}, (3, 7, 8)),
        ((4, 6, (2, 3)), {"stride": (2, 1), "padding": (0, 2), "groups": 2}, (2, 4, 7, 8)),
        ((4, 8, 3), {"groups": 4, "padding": 1, "bias": False}, (2, 4, 6, 6)),
        ((3, 4, (3, 4)), {"padding": "same"}, (2, 3, 6, 7)),
        ((3, 4, 3), {"padding": 1, "padding_mode": "reflect"}, (2, 3, 6, 7)),
        ((3, 4, 3), {"padding": 1, "padding_mode": "replicate"}, (2, 3, 6, 7)),
        ((2, 3, 1), {"stride": 3}, (1, 2, 7, 7)),
    ],
    "ConvTranspose1d": [
        ((4, 3, 3), {}, (2, 4, 6)),
        ((4, 3, 3), {}, (4, 6)),
        (
            (4, 6, 3),
            {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2, "dilation": 2},
            (2, 4, 5),
        ),
    ],
    "ConvTranspose2d": [
        ((4, 3, 3), {}, (2, 4, 5, 6)),
        ((4, 6, (3, 2)), {"stride": 2, "padding": 1, "output_padding": (1, 0)}, (2, 4, 5, 6)),
        ((4, 6, 3), {"groups": 2, "dilation": 2, "bias": False}, (4, 5, 6)),
    ],
    "MaxPool1d": [
        ((3,), {}, (2, 3, 10)),
        ((3,), {"stride": 2, "padding": 1, "ceil_mode": True}, (2, 3, 10)),
        ((2,), {"stride": 1, "dilation": 3}, (3, 10)),
    ],
    "MaxPool2d": [
        ((2,), {}, (2, 3, 7, 8)),
        (((3, 2),), {"stride": (2, 1), "padding": (1, 0)}, (2, 3, 7, 8)),
        ((3,), {"stride": 2, "ceil_mode": True}, (2, 3, 8, 7)),
        ((2,), {"stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True}, (3, 8, 7)),
    ],
    "AvgPool1d": [
        ((3,), {}, (2, 3, 10)),
        ((3,), {"stride": 2, "padding": 1, "count_include_pad": False}, (2, 3, 10)),
        ((4,), {"stride": 3, "padding": 2, "ceil_mode": True}, (3, 10)),
    ],
    "AvgPool2d": [
        ((2,), {}, (2, 3, 7, 8)),
        ((3,), {"stride": 2, "padding": 1}, (2, 3, 7, 8)),
        ((3,), {"stride": 2, "padding": 1, "count_include_pad": False}, (2, 3, 7, 8)),
        ((3,), {"stride": 2, "padding": 1, "ceil_mode": True}, (2, 3, 8, 8)),
        (
            (3,),
            {"stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
            (3, 8, 8),
        ),
    ],
    "AdaptiveAvgPool1d": [((4,), {}, (2, 3, 10)), ((10,), {}, (2, 3, 4))],
    "AdaptiveAvgPool2d": [
        ((1,), {}, (2, 3, 7, 8)),
        (((3, 4),), {}, (2, 3, 7, 8)),
        (((None, 9),), {}, (3, 7, 8)),
    ],
    "Flatten": [((), {}, (2, 3, 4)), ((0, 1), {}, (2, 3, 4)), ((), {}, (0, 3, 4))],
    "Unflatten": [((1, (2, -1)), {}, (2, 6)), ((-1, (3, 2)), {}, (2, 6))],
    "BatchNorm1d": [
        ((3,), {}, (5, 3)),
        ((3,), {"momentum": None, "eps": 1e-3}, (5, 3, 4)),
        ((3,), {"affine": False}, (5, 3)),
        ((3,), {"track_running_stats": False}, (5, 3)),
    ],
    "BatchNorm2d": [((3,), {"momentum": 0.3}, (2, 3, 4, 5))],
    "LayerNorm": [
        ((4,), {}, (2, 3, 4)),
        (((3, 4),), {"eps": 1e-2}, (2, 3, 4)),
        ((4,), {"elementwise_affine": False}, (2, 3, 4)),
        ((4,), {"bias": False}, (2, 3, 4)),
    ],
    "RMSNorm": [((4,), {}, (2, 3, 4)), (((3, 4),), {"eps": 0.1}, (2, 3, 4))],
    "GroupNorm": [((2, 6), {}, (3, 6, 4, 5)), ((3, 6), {"affine": False}, (3, 6))],
    "InstanceNorm1d": [((3,), {}, (2, 3, 6)), ((3,), {"affine": True}, (2, 3, 6))],
    "InstanceNorm2d": [((3,), {"affine": True}, (2, 3, 4, 5))],
    "RNN": [
        ((3, 4), {}, (5, 2, 3)),
        ((3, 4), {"nonlinearity": "relu", "bias": False}, (5, 2, 3)),
        ((3, 4), {"num_layers": 2, "bidirectional": True}, (5, 2, 3)),
    ],
    "LSTM": [
        ((3, 4), {}, (5, 2, 3)),
        ((3, 4), {}, (5, 3)),
        ((3, 4), {"num_layers": 2, "bidirectional": True, "batch_first": True}, (2, 5, 3)),
        ((3, 4), {"bias": False}, (1, 2, 3)),
    ],
    "GRU": [
        ((3, 4), {}, (5, 2, 3)),
        ((3, 4), {"num_layers": 3, "batch_first": True}, (2, 5, 3)),
        ((3, 4), {"bidirectional": True}, (5, 3)),
    ],
    "RNNCell": [((3, 4), {}, (2, 3)), ((3, 4), {"nonlinearity": "relu"}, (3,))],
    "LSTMCell": [((3, 4), {}, (2, 3)), ((3, 4), {"bias": False}, (3,))],
    "GRUCell": [((3, 4), {}, (2, 3)), ((3, 4), {}, (3,))],
    "PReLU": [((), {}, (3, 4)), ((4,), {"init": 0.1}, (3, 4)), ((3,), {}, (2, 3, 5))],
    "CELU": [((0.5,), {}, (3, 4))],
    "ELU": [((0.5,), {}, (3, 4))],
    "GELU": [((), {}, (3, 4)), (("tanh",), {}, (3, 4))],
    "GLU": [((), {}, (3, 4)), ((0,), {}, (4, 3))],
    "Hardsigmoid": [((), {}, (30, 4))],
    "Hardswish": [((), {}, (30, 4))],
    "Hardtanh": [((-0.5, 0.25), {}, (3, 4))],
    "Identity": [((), {}, (3, 4))],
    "LeakyReLU": [((), {}, (3, 4)), ((0.3,), {}, (3, 4))],
    "LogSigmoid": [((), {}, (3, 4))],
    "LogSoftmax": [((-1,), {}, (3, 4)), ((0,), {}, (3, 4))],
    "Mish": [((), {}, (3, 4))],
    "ReLU": [((), {}, (3, 4))],
    "ReLU6": [((), {}, (30, 4))],
    "SELU": [((), {}, (3, 4))],
    "SiLU": [((), {}, (3, 4))],
    "Sigmoid": [((), {}, (3, 4))],
    "Softmax": [((-1,), {}, (3, 4)), ((0,), {}, (3, 4))],
    "Softplus": [((), {}, (3, 4)), ((2.5,), {}, (3, 4)), ((30.0, 15.0), {}, (3, 4))],
    "Softsign": [((), {}, (3, 4))],
    "Tanh": [((), {}, (3, 4))],
}
CASES = [(name, k) for name, cases in LAYERS.items() for k in range(len(cases))]


def layers(name, k):
    args, named, shape = LAYERS[name][k]
    theirs = getattr(torch.nn, name)(*args, **named)
    own = getattr(nn, name)
    has_dtype = any(True for _ in theirs.parameters()) or name.startswith(("Batch", "Layer"))
    own_named = {**named, **F8} if has_dtype or "Norm" in name else named
    return own(*args, **own_named), theirs, shape


@pytest.mark.parametrize(("name", "k"), CASES)
def test_a_layer_trains_as_pytorchs_does(name, k):
    ours, theirs, shape = layers(name, k)
    # Its hardsigmoid multiplies by a sixth that is rounded to single precision.
    tolerance = 1e-7 if name == "Hardsigmoid" else 1e-9
    steps = 10 if ours.parameters() else 1
    same_training(ours, theirs, 3 * normal(*shape), steps=steps, tolerance=tolerance)


@pytest.mark.parametrize(("name", "k"), [case for case in CASES if layers(*case)[0].state_dict()])
def test_weights_come_from_pytorch_and_go_back(name, k):
    ours, theirs, shape = layers(name, k)
    if name.startswith("Batch"):
        theirs(torch.tensor(normal(*shape, seed=1)))  # statistics that are not the first ones
    x = normal(*shape)
    y = theirs.eval()(torch.tensor(x))
    loaded = nn.load_torch(ours, theirs, check=(x, y))
    assert [weight.name for weight in loaded] == list(theirs.state_dict())
    for own, right in zip(leaves(ours.eval()(x)), leaves(y)):
        close(own.numpy(), right.detach())
    back = layers(name, k)[1].eval()
    back.load_state_dict({n: torch.from_numpy(a) for n, a in nn.to_torch(ours).items()})
    for own, right in zip(leaves(back(torch.tensor(x))), leaves(y)):
        assert torch.equal(own, right)


@pytest.mark.parametrize("name", ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"])
def test_compiled_convolutions(name):
    ours, theirs, shape = layers(name, 1)
    same_training(ours, theirs, normal(*shape), steps=4, compiled=True)


@pytest.mark.parametrize(
    ("name", "k"),
    [(n, k) for n, k in CASES if n in ("MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d")],
)
def test_compiled_pooling(name, k):
    pool, their_pool, shape = layers(name, k)
    ours = nn.Sequential(nn.Conv2d(3, 3, 1, **F8), pool)
    theirs = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1), their_pool)
    same_training(ours, theirs, normal(*shape), steps=4, compiled=True)


@pytest.mark.parametrize(
    "name", ["BatchNorm1d", "BatchNorm2d", "GroupNorm", "RMSNorm", "RNN", "LSTM", "GRU", "PReLU"]
)
def test_compiled_layers_with_a_state(name):
    ours, theirs, shape = layers(name, 0)
    same_training(ours, theirs, normal(*shape), steps=6, compiled=True)


@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d"])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_statistics_and_evaluation(name, momentum):
    ours = getattr(nn, name)(3, momentum=momentum, **F8)
    theirs = getattr(torch.nn, name)(3, momentum=momentum)
    shape = (6, 3) if name == "BatchNorm1d" else (2, 3, 4, 4)
    for k in range(4):
        x = normal(*shape, seed=k) * 2 + k
        ours(tg.Tensor(x))
        theirs(torch.tensor(x))
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        close(getattr(ours, name).numpy(), getattr(theirs, name))
    assert set(ours.state_dict()) == set(theirs.state_dict())
    x = normal(*shape, seed=9)
    close(ours.predict(x), theirs.eval()(torch.tensor(x)).detach())
    close(ours.num_batches_tracked.numpy(), 4)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"])
def test_recurrent_layers_go_on_from_a_state(name):
    ours, theirs, shape = layers(name, 0)
    copy_parameters(ours, theirs)
    x = normal(*shape)
    size = (2, 4) if "Cell" in name else (1, 2, 4)
    state = normal(*size, seed=1), normal(*size, seed=2)
    state = state if "LSTM" in name else state[0]
    our_state, their_state = (
        tuple(map(kind, state)) if "LSTM" in name else kind(state)
        for kind in (tg.Tensor, torch.tensor)
    )
    out, expected = ours(x, our_state), theirs(torch.tensor(x), their_state)
    for own, right in zip(leaves(out), leaves(expected), strict=True):
        close(own.numpy(), right.detach())


def test_embedding():
    indices = np.array([[0, 2, 2], [1, 4, 0]])
    for padding in (None, 2, -1):
        ours = nn.Embedding(5, 3, padding_idx=padding, **F8)
        theirs = torch.nn.Embedding(5, 3, padding_idx=padding)
        if padding is not None:
            assert not ours.weight.numpy()[padding].any()
        same_training(ours, theirs, indices, steps=5)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(
    "kind", ["plain", "masked", "floats", "padded", "causal", "single", "heads"]
)
def test_multihead_attention(kind, batch_first):
    ours = nn.MultiheadAttention(8, 2, batch_first=batch_first, **F8)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=batch_first)
    copy_parameters(ours, theirs)
    shapes = [(5, 3, 8), (6, 3, 8), (6, 3, 8)]
    if batch_first:
        shapes = [(b, a, c) for a, b, c in shapes]
    if kind == "single":
        shapes = [(5, 8), (6, 8), (6, 8)]
    arrays = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    rng = np.random.default_rng(3)
    named = {}
    if kind == "masked":
        named["attn_mask"] = np.triu(np.ones((5, 6), bool), 2)
    if kind == "floats":
        named["attn_mask"] = normal(5, 6, seed=8)
    if kind == "heads":
        named["attn_mask"] = normal(6, 5, 6, seed=8)
    if kind == "padded":
        named["key_padding_mask"] = rng.random((3, 6)) < 0.3
        named["attn_mask"] = np.triu(np.ones((5, 6), bool), 3)
    if kind == "causal":
        named = {"attn_mask": np.triu(np.ones((5, 6), bool), 1)}
    out, weights = ours(*arrays, **({"is_causal": True} if kind == "causal" else named))
    their_named = {name: torch.tensor(value) for name, value in named.items()}
    expected, their_weights = theirs(*map(torch.tensor, arrays), **their_named)
    close(out.numpy(), expected.detach())
    close(weights.numpy(), their_weights.detach())
    alone, none = ours(
        *arrays, need_weights=False, **({"is_causal": True} if kind == "causal" else named)
    )
    assert none is None
    close(alone.numpy(), expected.detach())


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_transformer_layers(norm_first, batch_first, activation):
    named = {"norm_first": norm_first, "batch_first": batch_first, "dropout": 0.0}
    functions = getattr(tg, activation), getattr(torch.nn.functional, activation)
    ours = nn.TransformerEncoderLayer(8, 2, 12, activation=activation, **named, **F8)
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 12, activation=activation, **named)
    same_training(ours, theirs, normal(4, 3, 8), steps=10)
    ours = nn.TransformerDecoderLayer(8, 2, 12, activation=functions[0], **named, **F8)
    theirs = torch.nn.TransformerDecoderLayer(8, 2, 12, activation=functions[1], **named)
    same_training(ours, theirs, normal(4, 3, 8), normal(4, 3, 8, seed=1), steps=10)


def test_an_unknown_activation():
    for library in (nn, torch.nn):
        with pytest.raises((ValueError, RuntimeError), match="swish"):
            library.TransformerEncoderLayer(8, 2, activation="swish")


def test_a_causal_encoder():
    ours = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, **F8)
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0)
    copy_parameters(ours, theirs)
    x = normal(4, 3, 8)
    mask = torch.triu(torch.ones(4, 4, dtype=torch.bool), 1)
    close(
        ours(x, is_causal=True).numpy(),
        theirs(torch.tensor(x), src_mask=mask, is_causal=True).detach(),
    )


@pytest.mark.parametrize(
    "options",
    [
        {"scale_factor": 1},
        {"scale_factor": 2},
        {"scale_factor": (3, 1.5)},
        {"scale_factor": 0.4},
        {"size": 7},
        {"size": (2, 10)},
        {"size": (1, 5)},
    ],
    ids=str,
)
def test_upsample(options):
    """Images and sequences; elements mixed as cells, and as corners."""
    modes = [{"mode": "nearest"}, {"mode": "bilinear"}, {"mode": "bilinear", "align_corners": True}]
    for mode in modes:
        ours, theirs = (lib.Upsample(**options, **mode) for lib in (nn, torch.nn))
        same_training(ours, theirs, normal(2, 3, 4, 5))
    one = {key: value[1] if isinstance(value, tuple) else value for key, value in options.items()}
    for mode in ("nearest", "linear"):
        ours, theirs = (lib.Upsample(**one, mode=mode) for lib in (nn, torch.nn))
        same_training(ours, theirs, normal(2, 3, 5))
    volumes = normal(1, 2, 3, 2, 3)
    right = torch.nn.functional.interpolate(torch.tensor(volumes), scale_factor=2)
    close(nn.interpolate(volumes, scale_factor=2).numpy(), right)


def test_initial_values_are_spread_as_pytorchs():
    for name in ("Conv2d", "ConvTranspose2d", "Conv1d", "LSTM", "MultiheadAttention"):
        args = {"LSTM": (64, 32), "MultiheadAttention": (64, 4)}.get(name, (32, 16, 5))
        ours, theirs = getattr(nn, name)(*args), getattr(torch.nn, name)(*args)
        parameters = dict(theirs.named_parameters())
        assert [own for own, _ in ours.named_parameters()] == list(parameters)
        for own, value in ours.named_parameters():
            if "weight" in own:
                spread = parameters[own].detach().numpy().max()
                np.testing.assert_allclose(value.numpy().max(), spread, rtol=0.02)
