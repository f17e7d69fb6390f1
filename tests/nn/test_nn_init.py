"""Initialisers: bounds and variances by their formulas, on fixed seeds."""

import inspect

import numpy as np
import pytest

import nn
import tinygrad_np as tg

SHAPE = FAN_IN, FAN_OUT = 400, 250  # 100,000 numbers: a variance is known to about 0.5 %


def draw(function, seed=0):
    return function(SHAPE, FAN_IN, FAN_OUT, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("function", "bound"),
    [
        (nn.init.fan_in_uniform, 1 / np.sqrt(FAN_IN)),
        (nn.init.glorot_uniform, np.sqrt(6 / (FAN_IN + FAN_OUT))),
        (nn.init.he_uniform, np.sqrt(6 / FAN_IN)),
    ],
)
def test_uniform(function, bound):
    w = draw(function)
    assert w.shape == SHAPE
    assert np.abs(w).max() <= bound
    assert w.max() > 0.999 * bound
    assert w.min() < -0.999 * bound
    assert w.var() == pytest.approx(bound**2 / 3, rel=0.02)
    assert abs(w.mean()) < 5 * w.std() / np.sqrt(w.size)
    # The flat density: a quarter of the numbers in each quarter of the interval.
    shares = np.histogram(w, bins=4, range=(-bound, bound))[0] / w.size
    assert np.allclose(shares, 0.25, atol=0.01)


@pytest.mark.parametrize(
    ("function", "std"),
    [
        (nn.init.normal(), 0.01),
        (nn.init.normal(0.1), 0.1),
        (nn.init.glorot_normal, np.sqrt(2 / (FAN_IN + FAN_OUT))),
        (nn.init.he_normal, np.sqrt(2 / FAN_IN)),
    ],
)
def test_normal(function, std):
    w = draw(function)
    assert w.shape == SHAPE
    assert w.std() == pytest.approx(std, rel=0.01)
    assert abs(w.mean()) < 5 * std / np.sqrt(w.size)
    for deviations, share in ((1, 0.6827), (2, 0.9545), (3, 0.9973)):
        assert (np.abs(w) < deviations * std).mean() == pytest.approx(share, abs=0.005)


def test_the_books_weights_are_scaled_standard_normals():
    expected = 0.01 * np.random.default_rng(3).standard_normal(SHAPE)
    assert np.array_equal(draw(nn.init.normal(0.01), seed=3), expected)


def test_zeros():
    assert not draw(nn.init.zeros).any()
    assert draw(nn.init.zeros).dtype == np.float64


def test_all_are_listed():
    functions = {name for name, value in vars(nn.init).items() if inspect.isfunction(value)}
    assert set(nn.init.__all__) == {name for name in functions if not name.startswith("_")}


# --- in a layer --------------------------------------------------------------------------------


def test_default_of_a_layer_is_pytorchs():
    layer = nn.Linear(*SHAPE, rng=np.random.default_rng(0))
    bound = 1 / np.sqrt(FAN_IN)
    for p in layer.parameters():
        assert np.abs(p.numpy()).max() <= bound * (1 + 1e-6)
        assert p.numpy().std() == pytest.approx(bound / np.sqrt(3), rel=0.1)


def test_fans_are_handed_over_in_the_right_order():
    seen = []

    def spy(shape, fan_in, fan_out, rng):
        seen.append((shape, fan_in, fan_out))
        return np.full(shape, len(seen))

    layer = nn.Linear(4, 7, weight_init=spy, bias_init=spy)
    assert seen == [((4, 7), 4, 7), ((7,), 4, 7)]
    assert set(layer.weight.numpy().ravel()) == {1}
    assert set(layer.bias.numpy()) == {2}
    assert layer.weight.dtype == np.float32


def test_reproducible_with_manual_seed():
    def weights(seed):
        tg.manual_seed(seed)
        return [p.tolist() for p in nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)).parameters()]

    assert weights(1) == weights(1)
    assert weights(1) != weights(2)


def test_own_generator_leaves_the_default_one_alone():
    state = tg.manual_seed(0).bit_generator.state
    first = nn.Linear(2, 3, rng=np.random.default_rng(1))
    second = nn.Linear(2, 3, rng=np.random.default_rng(1))
    assert tg.default_generator().bit_generator.state == state
    assert first.weight.tolist() == second.weight.tolist()


def test_an_initialiser_of_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"weight.*\(2, 3\).*\(3, 2\)"):
        nn.Linear(2, 3, weight_init=lambda shape, fan_in, fan_out, rng: np.zeros(shape[::-1]))


# --- in place, by PyTorch's names ----------------------------------------------------------------


IN_PLACE = {
    "normal_": ({"mean": 1.0, "std": 0.5}, (80, 90)),
    "uniform_": ({"a": -1.0, "b": 3.0}, (80, 90)),
    "trunc_normal_": ({"std": 2.0, "a": -1.0, "b": 3.0}, (80, 90)),
    "xavier_uniform_": ({"gain": 2.0}, (80, 90)),
    "xavier_normal_": ({}, (80, 90)),
    "kaiming_uniform_": ({"a": 5**0.5}, (80, 90)),
    "kaiming_normal_": ({"mode": "fan_out", "nonlinearity": "relu"}, (80, 90)),
    "constant_": ({"val": 3.0}, (2, 3)),
    "zeros_": ({}, (2, 3)),
    "ones_": ({}, (2, 3)),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("kernel", [(), (3, 4)])
def test_parameters_are_spread_as_pytorch_does(name, kernel):
    torch = pytest.importorskip("torch")
    named, shape = IN_PLACE[name]
    parameter = nn.Parameter(np.full((*shape, *kernel), 7.0), dtype=np.float32)
    assert getattr(nn.init, name)(parameter, **named) is parameter
    # A dense weight lies the other way round there.
    theirs = torch.empty(*(shape if kernel else shape[::-1]), *kernel)
    getattr(torch.nn.init, name)(theirs, **named)
    ours, right = parameter.numpy(), theirs.numpy()
    assert parameter.dtype == np.float32
    assert parameter.requires_grad
    np.testing.assert_allclose(ours.std(), right.std(), rtol=0.06, atol=1e-6)
    np.testing.assert_allclose(ours.mean(), right.mean(), atol=0.06)
    if "uniform" in name or "trunc" in name:
        np.testing.assert_allclose([ours.min(), ours.max()], [right.min(), right.max()], rtol=0.02)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 3)])
def test_orthogonal(shape):
    w = nn.init.orthogonal_(nn.Parameter(np.zeros(shape)), 2.0).numpy().reshape(shape[0], -1)
    small = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_gains_are_pytorchs():
    torch = pytest.importorskip("torch")
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
        assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert nn.init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain(
        "leaky_relu", 0.3
    )


def test_what_gets_no_initial_values():
    with pytest.raises(ValueError, match="one of leaky_relu"):
        nn.init.calculate_gain("gelu2")
    with pytest.raises(ValueError, match="no inputs and outputs"):
        nn.init.xavier_normal_(nn.Parameter(np.zeros(3)))
    with pytest.raises(ValueError, match="'fan_in' or 'fan_out'"):
        nn.init.kaiming_normal_(nn.Parameter(np.zeros((3, 3))), mode="fan")
    with pytest.raises(ValueError, match="hardly any"):
        nn.init.trunc_normal_(nn.Parameter(np.zeros(3)), a=5.0, b=6.0)
    with pytest.raises(TypeError, match="parameters and buffers"):
        nn.init.zeros_(nn.Parameter(np.zeros(3)) * 2)


def test_a_seed_repeats_them_and_compiled_steps_see_them():
    zeros = [nn.Parameter(np.zeros(3)) for _ in range(2)]
    draws = [nn.init.normal_(p, rng=np.random.default_rng(3)).numpy() for p in zeros]
    assert np.array_equal(*draws)
    layer = nn.Linear(2, 3)
    step = tg.compile(lambda x: layer(x).sum())
    x = np.ones((1, 2), "f4")
    for _ in range(4):
        step(x)
    nn.init.ones_(layer.weight)
    nn.init.zeros_(layer.bias)
    assert step(x).item() == 6
