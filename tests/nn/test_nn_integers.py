"""Inputs of integers and booleans: layers and losses compute in floats, those of the parameters."""

import numpy as np
import pytest

import nn
import tinygrad_np as tg

INTEGERS = [np.int64, np.int8, np.uint8, bool]
ROWS, CHANNELS, IMAGES = (4, 4), (2, 4, 6), (2, 4, 6, 6)
LAYERS = {
    "Linear": (lambda: nn.Linear(4, 2), ROWS),
    "PReLU": (nn.PReLU, ROWS),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4), ROWS),
    "BatchNorm1d, bare": (lambda: nn.BatchNorm1d(4, affine=False), ROWS),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4), IMAGES),
    "LayerNorm": (lambda: nn.LayerNorm(4), ROWS),
    "LayerNorm, bare": (lambda: nn.LayerNorm(4, elementwise_affine=False), ROWS),
    "RMSNorm": (lambda: nn.RMSNorm(4), ROWS),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), CHANNELS),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(4), CHANNELS),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4), IMAGES),
    "Conv1d": (lambda: nn.Conv1d(4, 2, 2), CHANNELS),
    "Conv2d": (lambda: nn.Conv2d(4, 2, 2), IMAGES),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 2, 2), IMAGES),
    "AvgPool1d": (lambda: nn.AvgPool1d(2), CHANNELS),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), IMAGES),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), IMAGES),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(2), CHANNELS),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(4), IMAGES),
    "Upsample": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), IMAGES),
    "Dropout": (lambda: nn.Dropout(0.5), ROWS),
    "Dropout2d": (lambda: nn.Dropout2d(0.5), IMAGES),
    "RNN": (lambda: nn.RNN(4, 2), CHANNELS[:1] + ROWS),
    "GRUCell": (lambda: nn.GRUCell(4, 2), ROWS),
    "LSTMCell": (lambda: nn.LSTMCell(4, 2), ROWS),
    "encoder": (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (2, 5, 4)),
    "flat": (lambda: nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(24, 2)), CHANNELS),
}
ACTIVATIONS = ["Tanh", "Sigmoid", "GELU", "ELU", "CELU", "SELU", "SiLU", "Mish", "Softplus", "GLU"]
ACTIVATIONS += ["Softsign", "LeakyReLU", "ReLU6", "Hardtanh", "Hardsigmoid", "Hardswish"]
ACTIVATIONS += ["LogSigmoid", "Softmax", "LogSoftmax"]
LAYERS |= {name: (getattr(nn, name), ROWS) for name in ACTIVATIONS}


def run(make, x, dtype):
    tg.manual_seed(3)
    layer = make()
    out = layer(x.astype(dtype))
    out = out[0] if isinstance(out, tuple) else out
    if out.requires_grad:
        (out * out).sum().backward()
    return out, layer.state_dict(), [p.grad for p in layer.parameters()]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
def test_layers_compute_in_the_dtype_of_their_parameters(make, shape, dtype):
    x = np.random.default_rng(0).integers(0, 5, shape).astype(dtype)
    out, state, gradients = run(make, x, dtype)
    expected, floats, others = run(make, x, np.float32)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out.data, expected.data)
    for name, values in state.items():
        np.testing.assert_array_equal(values, floats[name], strict=True)
    for g, other in zip(gradients, others, strict=True):
        np.testing.assert_array_equal(g.data, other.data, strict=True)


def test_parameters_of_other_dtypes():
    x = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for layer in (nn.Linear(4, 2, dtype=np.float64), nn.LayerNorm(4, dtype=np.float64)):
        assert layer(x).dtype == np.float64


LOSSES = {
    "mse_loss": 2,
    "mae_loss": 2,
    "huber_loss": 2,
    "smooth_l1_loss": 2,
    "poisson_nll_loss": 2,
    "cosine_similarity": 2,
    "triplet_margin_loss": 3,
    "binary_cross_entropy_with_logits": 2,
}


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", LOSSES)
def test_differences_of_integers_do_not_wrap_around(name, dtype):
    rng = np.random.default_rng(1)
    arrays = [rng.integers(0, 2 if "bin" in name else 120, (5, 3)) for _ in range(LOSSES[name])]
    loss = getattr(nn, name)
    integers = loss(*(a.astype(dtype) for a in arrays))
    floats = loss(*(a.astype(dtype).astype(np.float64) for a in arrays))
    np.testing.assert_allclose(integers.data, floats.data, rtol=1e-12)
