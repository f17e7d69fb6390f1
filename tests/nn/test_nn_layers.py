"""Layers: dense and activations against PyTorch and formulas, dropout against statistics."""

import inspect

import numpy as np
import pytest

import nn
import tinygrad_np as tg


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# --- Linear ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 4), (4,), (2, 3, 4), (0, 4), (1, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_pytorchs_with_transposed_weight(torch, shape, bias):
    ours = nn.Linear(4, 3, bias=bias, dtype=np.float64)
    theirs = torch.nn.Linear(4, 3, bias=bias, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(ours.weight.numpy().T.copy()))
        if bias:
            theirs.bias.copy_(torch.tensor(ours.bias.numpy()))
    x, g = normal(*shape), normal(*shape[:-1], 3, seed=1)
    our_x = tg.Tensor(x, requires_grad=True)
    their_x = torch.tensor(x, requires_grad=True)
    out, expected = ours(our_x), theirs(their_x)
    out.backward(g)
    expected.backward(torch.tensor(g))
    assert np.allclose(out.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    assert np.allclose(our_x.grad.numpy(), their_x.grad.numpy(), rtol=1e-12, atol=1e-12)
    assert np.allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy().T, rtol=1e-12)
    if bias:
        assert np.allclose(ours.bias.grad.numpy(), theirs.bias.grad.numpy(), rtol=1e-12)
    else:
        assert ours.bias is None


def test_linear_by_hand():
    layer = nn.Linear(2, 2, dtype=np.float64)
    layer.load_state_dict({"weight": [[1, 2], [3, 4]], "bias": [10, 20]})
    out = layer([[1.0, 1.0], [0.0, 2.0]])
    assert out.tolist() == [[14, 26], [16, 28]]
    out.backward([[1.0, 0.0], [0.0, 1.0]])
    assert layer.weight.grad.tolist() == [[1, 0], [1, 2]]
    assert layer.bias.grad.tolist() == [1, 1]


def test_linear_shapes_dtypes_and_names():
    layer = nn.Linear(2, 64)
    assert (layer.weight.shape, layer.bias.shape) == ((2, 64), (64,))
    assert layer.weight.dtype == layer.bias.dtype == np.float32
    assert (layer.weight.name, layer.bias.name) == ("weight", "bias")
    assert layer(np.ones((3, 2), np.float32)).dtype == np.float32
    assert nn.Linear(2, 3, dtype=np.float64).weight.dtype == np.float64
    assert nn.Linear(np.int64(2), np.uint8(3)).weight.shape == (2, 3)


@pytest.mark.parametrize(
    "given", [(3,), (), (2, 3), (4, 2, 1), (4, 0)], ids=lambda shape: f"shape{shape}"
)
def test_linear_refuses_other_widths(given):
    with pytest.raises(ValueError, match=r"Linear\(2, 5\) needs inputs of shape \(\.\.\., 2\)"):
        nn.Linear(2, 5)(np.ones(given))


def test_a_wrong_width_names_the_lines_of_layer_and_input():
    line = inspect.currentframe().f_lineno
    layer = nn.Linear(2, 5)
    batch = tg.Tensor(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"not \(2, 3\)") as raised:
        layer(batch)
    here = "test_nn_layers.py"
    assert str(raised.value).endswith(
        f": x is Tensor 'batch' (2, 3) float64 made at {here}:{line + 2}, the weight Tensor "
        f"'weight' (2, 5) float32 made at {here}:{line + 1}. Did you mean x.T?"
    )
    assert layer(batch.T).shape == (3, 5)
    with pytest.raises(ValueError, match=r"float32 made at \S+$"):
        layer(np.ones((4, 3)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"in_features": 0}, "in_features must be a positive integer, not 0"),
        ({"out_features": -1}, "out_features must be a positive integer, not -1"),
        ({"in_features": 2.0}, r"in_features must be a positive integer, not 2\.0"),
        ({"out_features": "3"}, "out_features must be a positive integer, not '3'"),
        ({"weight_l1": -1e-3}, r"weight_l1 must not be negative, it is -0\.001"),
        ({"bias_l2": -1}, "bias_l2 must not be negative"),
    ],
)
def test_linear_refuses_bad_options(options, said):
    with pytest.raises(ValueError, match=said):
        nn.Linear(**{"in_features": 2, "out_features": 3, **options})


def test_linear_refuses_unknown_options_and_integer_parameters():
    with pytest.raises(TypeError, match="weight_l3"):
        nn.Linear(2, 3, weight_l3=1)
    with pytest.raises(TypeError, match="only floats"):
        nn.Linear(2, 3, dtype=int)


@pytest.mark.parametrize("wrong", ["abc", [[1.0, 2.0], [1.0]], np.array([object()])])
def test_linear_refuses_what_is_not_numbers(wrong):
    with pytest.raises((TypeError, ValueError), match=r"expected numbers|lengths differ"):
        nn.Linear(2, 3)(wrong)


# --- activations -----------------------------------------------------------------------------

ACTIVATIONS = [
    (nn.ReLU(), "ReLU", {}),
    (nn.Sigmoid(), "Sigmoid", {}),
    (nn.Tanh(), "Tanh", {}),
    (nn.Softmax(), "Softmax", {"dim": -1}),
    (nn.Softmax(axis=0), "Softmax", {"dim": 0}),
    (nn.LogSoftmax(), "LogSoftmax", {"dim": -1}),
    (nn.LogSoftmax(axis=1), "LogSoftmax", {"dim": 1}),
]


@pytest.mark.parametrize(("layer", "name", "options"), ACTIVATIONS)
@pytest.mark.parametrize("scale", [1, 1000])
def test_activations_are_pytorchs(torch, layer, name, options, scale):
    x, g = normal(4, 3, 5) * scale, normal(4, 3, 5, seed=1)
    x[0, 0] = 0
    ours = tg.Tensor(x, requires_grad=True)
    theirs = torch.tensor(x, requires_grad=True)
    out, expected = layer(ours), getattr(torch.nn, name)(**options)(theirs)
    out.backward(g)
    expected.backward(torch.tensor(g))
    assert np.allclose(out.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    assert np.allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-11, atol=1e-14)


def test_activations_by_formula():
    x = normal(4, 3)
    assert np.array_equal(nn.ReLU()(tg.Tensor(x)).numpy(), np.where(x > 0, x, 0))
    assert np.allclose(nn.Sigmoid()(tg.Tensor(x)).numpy(), 1 / (1 + np.exp(-x)))
    assert np.allclose(nn.Tanh()(tg.Tensor(x)).numpy(), np.tanh(x))
    rows = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    assert np.allclose(nn.Softmax()(tg.Tensor(x)).numpy(), rows)
    assert np.allclose(nn.LogSoftmax()(tg.Tensor(x)).numpy(), np.log(rows))


@pytest.mark.parametrize(("layer", "name", "options"), ACTIVATIONS)
def test_activations_keep_float32(layer, name, options):
    x = tg.Tensor(normal(2, 3), dtype=np.float32, requires_grad=True)
    out = layer(x)
    out.sum().backward()
    assert out.dtype == x.grad.dtype == np.float32


def test_softmax_of_an_axis_that_is_not_there():
    with pytest.raises(np.exceptions.AxisError, match="axis 2"):
        nn.Softmax(axis=2)(tg.Tensor(normal(2, 3)))


# --- dropout -----------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_and_scales(p):
    n = 100_000
    x = np.linspace(1, 2, n)
    out = nn.Dropout(p, rng=np.random.default_rng(0))(tg.Tensor(x)).numpy()
    kept = out != 0
    assert np.allclose(out[kept], x[kept] / (1 - p), rtol=1e-12)
    assert abs(kept.mean() - (1 - p)) < 5 * np.sqrt(p * (1 - p) / n)
    assert abs(out.mean() - x.mean()) < 5 * np.sqrt(p / (1 - p) * np.mean(x * x) / n)
    # Drops are independent: neighbours go together as often as chance has it.
    assert abs((kept[1:] & kept[:-1]).mean() - (1 - p) ** 2) < 0.01


def test_dropout_gradient_is_the_mask():
    x = tg.Tensor(normal(50, 4), requires_grad=True)
    out = nn.Dropout(0.3)(x)
    g = normal(50, 4, seed=1)
    out.backward(g)
    mask = np.where(out.numpy() == 0, 0, 1 / 0.7)
    assert 0 < np.count_nonzero(mask) < mask.size
    assert np.allclose(x.grad.numpy(), g * mask)


def test_dropout_in_evaluation_and_with_p_0_is_the_identity():
    x = tg.Tensor(normal(5, 4))
    state = tg.manual_seed(0).bit_generator.state
    assert nn.Dropout(0.9).eval()(x) is x
    assert nn.Dropout(0)(x) is x
    assert tg.default_generator().bit_generator.state == state


def test_dropout_draws_anew_each_time():
    layer, x = nn.Dropout(0.5), tg.Tensor(np.ones(64))
    assert layer(x).tolist() != layer(x).tolist()


def test_dropout_is_reproducible():
    x = tg.Tensor(np.ones(64))
    tg.manual_seed(5)
    first = nn.Dropout(0.5)(x).tolist()
    tg.manual_seed(5)
    assert nn.Dropout(0.5)(x).tolist() == first
    tg.manual_seed(6)
    assert nn.Dropout(0.5)(x).tolist() != first
    own = [nn.Dropout(0.5, rng=np.random.default_rng(7))(x).tolist() for _ in range(2)]
    assert own[0] == own[1]


def test_dropout_with_its_own_generator_leaves_the_default_one_alone():
    state = tg.manual_seed(0).bit_generator.state
    nn.Dropout(0.5, rng=np.random.default_rng(7))(tg.Tensor(np.ones(9)))
    assert tg.default_generator().bit_generator.state == state


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_keeps_the_dtype(dtype):
    assert nn.Dropout(0.3)(tg.Tensor(np.ones(4), dtype=dtype)).dtype == dtype


def test_dropout_takes_arrays():
    out = nn.Dropout(0.5)(np.ones((3, 2)))
    assert isinstance(out, tg.Tensor)
    assert set(np.unique(out.numpy())) <= {0, 2}


@pytest.mark.parametrize("p", [-0.1, 1, 1.5, np.nan, np.inf])
def test_dropout_refuses_what_is_no_probability(p):
    with pytest.raises(ValueError, match=r"\[0, 1\), not"):
        nn.Dropout(p)
