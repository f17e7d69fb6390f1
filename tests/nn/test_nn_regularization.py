"""L1 and L2 penalties: value and gradient against the formula, and that training adds them."""

import numpy as np
import pytest

import nn

STRENGTHS = {"weight_l1": 0.3, "weight_l2": 0.05, "bias_l1": 0.7, "bias_l2": 0.11}


def layer(**strengths):
    made = nn.Linear(2, 3, dtype=np.float64, **strengths)
    made.load_state_dict({"weight": [[1.5, -2, 0], [0.25, 3, -1]], "bias": [-0.5, 0, 2]})
    return made


def formula(made, strengths):
    """Value, and gradients of weight and bias: λ·Σ|w| and λ·Σw², sign(0) = 0."""
    value, gradients = 0.0, {"weight": 0.0, "bias": 0.0}
    for kind in gradients:
        w = getattr(made, kind).numpy()
        l1, l2 = strengths.get(f"{kind}_l1", 0), strengths.get(f"{kind}_l2", 0)
        value += l1 * np.abs(w).sum() + l2 * (w**2).sum()
        gradients[kind] = l1 * np.sign(w) + 2 * l2 * w
    return value, gradients


@pytest.mark.parametrize("names", [*([name] for name in STRENGTHS), list(STRENGTHS)])
def test_penalty_and_its_gradient(names):
    strengths = {name: STRENGTHS[name] for name in names}
    made = layer(**strengths)
    value, gradients = formula(made, strengths)
    penalty = made.regularization_loss()
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx(value, rel=1e-14)
    penalty.backward()
    for kind, expected in gradients.items():
        g = getattr(made, kind).grad
        assert np.allclose(0 if g is None else g.numpy(), expected, rtol=1e-14)


def test_without_strengths_there_is_none():
    assert layer().regularization_loss() == 0
    assert nn.regularization_loss(nn.Sequential(layer(), nn.ReLU(), layer(weight_l2=0))) == 0


def test_the_mode_does_not_matter():
    model = nn.Sequential(layer(weight_l1=0.5))
    assert nn.regularization_loss(model.eval()).item() == 0.5 * 7.75


def test_without_bias_only_the_weight_counts():
    made = nn.Linear(2, 3, bias=False, weight_l2=1, bias_l2=1)
    assert made.regularization_loss().item() == pytest.approx((made.weight.numpy() ** 2).sum())


def test_penalties_of_a_model_are_summed_over_layers_each_once():
    first, second = layer(weight_l1=0.5), layer(bias_l2=2.0)
    inner = nn.ModuleDict({"b": second, "again": first})
    model = nn.Sequential(first, nn.ReLU(), nn.Sequential(first, inner))
    expected = 0.5 * np.abs(first.weight.numpy()).sum() + 2 * (second.bias.numpy() ** 2).sum()
    assert nn.regularization_loss(model).item() == pytest.approx(expected)


def test_penalty_keeps_float32():
    assert nn.Linear(2, 3, weight_l1=0.1, weight_l2=0.1).regularization_loss().dtype == np.float32


def test_frozen_weights_count_but_learn_nothing():
    made = layer(weight_l2=0.1)
    made.weight.requires_grad = False
    assert made.regularization_loss().item() == pytest.approx(0.1 * (made.weight.data**2).sum())
    assert not made.regularization_loss().requires_grad


def test_fit_adds_the_penalty_to_the_loss():
    model = layer(**STRENGTHS)
    penalty, gradients = formula(model, STRENGTHS)
    before = {name: p.numpy().copy() for name, p in model.named_parameters()}
    x, y = np.array([[1.0, 2.0], [0.5, -1.0]]), np.zeros((2, 3))
    out = x @ before["weight"] + before["bias"]
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    history = nn.fit(model, x, y, loss=nn.mse_loss, optimizer=optimizer, progress=False)
    assert history["data_loss"] == [pytest.approx((out**2).mean(), rel=1e-12)]
    assert history["reg_loss"] == [pytest.approx(penalty, rel=1e-12)]
    assert history["loss"][0] == pytest.approx((out**2).mean() + penalty, rel=1e-12)
    g = 2 * out / out.size
    gradients["weight"] += x.T @ g
    gradients["bias"] += g.sum(axis=0)
    for name, p in model.named_parameters():
        assert np.allclose(p.numpy(), before[name] - 0.1 * gradients[name], rtol=1e-12)


def test_loss_is_data_loss_plus_reg_loss_in_every_epoch():
    model = layer(**STRENGTHS)
    history = nn.fit(
        model,
        np.random.default_rng(0).standard_normal((10, 2)),
        np.ones((10, 3)),
        loss=nn.mse_loss,
        optimizer=nn.Adam(model.parameters(), lr=0.1),
        epochs=5,
        batch_size=4,
        progress=False,
    )
    total = np.add(history["data_loss"], history["reg_loss"])
    assert np.allclose(history["loss"], total, rtol=1e-12)
    assert min(history["reg_loss"]) > 0


def test_history_without_penalties_has_only_the_loss():
    model = layer()
    optimizer = nn.SGD(model.parameters())
    x, y = np.ones((2, 2)), np.ones((2, 3))
    history = nn.fit(model, x, y, loss=nn.mse_loss, optimizer=optimizer, progress=False)
    assert set(history) == {"loss", "lr"}


def test_evaluate_leaves_the_penalty_out():
    model = layer(**STRENGTHS)
    x, y = np.ones((2, 2)), np.zeros((2, 3))
    expected = (model.predict(x) ** 2).mean()
    assert nn.evaluate(model, x, y, loss=nn.mse_loss)["loss"] == pytest.approx(expected)
