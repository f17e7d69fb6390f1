"""Models and optimizers as functions: the same numbers as the objects, gradients by transforms."""

import numpy as np
import pytest

import nn
import tinygrad_np as tg

RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 3))
Y = RNG.standard_normal((20, 2))


def network():
    tg.manual_seed(0)
    dense = {"dtype": np.float64}
    return nn.Sequential(nn.Linear(3, 4, **dense), tg.tanh, nn.Linear(4, 2, **dense))


# --- vectors -------------------------------------------------------------------------------------


def test_a_tree_as_a_vector_and_back():
    tree = {"w": np.ones((2, 3), "f4"), "rest": [np.arange(3), (2.5, None)]}
    vector, unravel = tg.ravel_tree(tree)
    assert isinstance(vector, np.ndarray)
    np.testing.assert_array_equal(vector, [1] * 6 + [0, 1, 2, 2.5])
    back = unravel(vector * 2)
    np.testing.assert_array_equal(back["w"], np.full((2, 3), 2.0))
    assert back["w"].dtype == np.float32
    np.testing.assert_array_equal(back["rest"][0], [0, 2, 4])
    assert back["rest"][1][1] is None
    with pytest.raises(ValueError, match=r"shape \(10,\), not \(9,\)"):
        unravel(vector[1:])
    empty, again = tg.ravel_tree({})
    assert empty.shape == (0,)
    assert again(empty) == {}


def test_gradients_flow_through_both_ways():
    tree = {"a": np.array([1.0, 2.0]), "b": np.array([[3.0]])}
    vector, unravel = tg.ravel_tree(tree)

    def f(v):
        return (unravel(v)["a"] ** 2).sum() + unravel(v)["b"].sum()

    np.testing.assert_array_equal(tg.grad(f)(vector), [2, 4, 1])

    def g(t):
        return (tg.ravel_tree(t)[0] ** 2).sum()

    np.testing.assert_array_equal(tg.grad(g)(tree)["b"], [[6.0]])


# --- calls ---------------------------------------------------------------------------------------


def test_a_call_with_other_parameters():
    model = network()
    before = model.state_dict()
    vector, unravel = nn.ravel(model)
    assert vector.shape == (sum(p.size for p in model.parameters()),)
    out = nn.functional_call(model, unravel(vector * 2), X)
    other = network()
    other.load_state_dict({name: 2 * value for name, value in before.items()})
    np.testing.assert_array_equal(out.numpy(), other(X).numpy())
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())
    part = nn.functional_call(model, {"0.bias": np.zeros(4)}, X)
    assert part.shape == (20, 2)
    with pytest.raises(KeyError, match=r"no 1\.weight; it has 0\.weight"):
        nn.functional_call(model, {"1.weight": np.zeros(4)}, X)
    with pytest.raises(ValueError, match=r"0\.bias has shape \(4,\), not \(3,\)"):
        nn.functional_call(model, {"0.bias": np.zeros(3)}, X)
    with pytest.raises(ValueError, match="needs inputs"):
        nn.functional_call(model, unravel(vector), X[:, :2])
    assert isinstance(model[0].bias, nn.Parameter)


def test_gradients_are_those_of_backward():
    model = network()
    vector, unravel = nn.ravel(model)

    def loss(v):
        return nn.mse_loss(nn.functional_call(model, unravel(v), X), Y)

    g = tg.grad(loss)(vector)
    nn.mse_loss(model(X), Y).backward()
    grads = {name: p.grad for name, p in model.named_parameters()}
    np.testing.assert_allclose(g, tg.ravel_tree(grads)[0].numpy(), rtol=1e-12)
    hessian = tg.hessian(loss)(vector)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12)


def test_shared_parameters_are_replaced_everywhere():
    class Tied(nn.Module):
        def __init__(self):
            self.one = nn.Linear(2, 2, dtype=np.float64)
            self.two = nn.Linear(2, 2, dtype=np.float64)
            self.two.weight = self.one.weight

        def forward(self, x):
            return self.two(self.one(x))

    model = Tied()
    new = {"one.weight": np.eye(2), "one.bias": np.zeros(2), "two.bias": np.ones(2)}
    x = RNG.standard_normal((3, 2))
    np.testing.assert_allclose(nn.functional_call(model, new, x).numpy(), x + 1)
    assert model.two.weight is model.one.weight


def test_scipy_minimizes_a_model():
    optimize = pytest.importorskip("scipy.optimize")
    model = network()
    vector, unravel = nn.ravel(model)

    def loss(v):
        return nn.mse_loss(nn.functional_call(model, unravel(v), X), Y)

    first = loss(vector).item()
    found = optimize.minimize(tg.value_and_grad(loss), vector, jac=True, method="BFGS")
    model.load_state_dict(unravel(found.x))
    assert nn.mse_loss(model(X), Y).item() == pytest.approx(found.fun)
    assert found.fun < first / 2


# --- optimizers ----------------------------------------------------------------------------------

OPTIMIZERS = [
    (nn.SGD, {"lr": 0.1}),
    (nn.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (nn.AdaGrad, {}),
    (nn.RMSprop, {"weight_decay": 0.01}),
    (nn.Adam, {"lr": nn.InverseTimeDecay(0.1, 0.5)}),
    (nn.AdamW, {"lr": 0.1, "amsgrad": True}),
    (nn.Adadelta, {}),
    (nn.Adamax, {}),
    (nn.NAdam, {"weight_decay": 0.1}),
    (nn.RAdam, {"lr": 0.1}),
    (nn.Lion, {"weight_decay": 0.1}),
]


@pytest.mark.parametrize(("kind", "options"), OPTIMIZERS)
def test_a_pure_optimizer_takes_the_same_steps(kind, options):
    model = network()
    params = {name: p.numpy().copy() for name, p in model.named_parameters()}
    optimizer = kind(model.parameters(), **options)
    opt = nn.pure(kind, **options)
    state = opt.init(params)

    def loss(p):
        return nn.mse_loss(nn.functional_call(model, p, X), Y)

    for k in range(5):
        grads = tg.grad(loss)(params)
        kept = {name: value.copy() for name, value in params.items()}
        updates, state = opt.update(grads, state, params)
        assert all(np.array_equal(params[n], kept[n]) for n in params)
        params = nn.apply_updates(params, updates)
        optimizer.zero_grad()
        nn.mse_loss(model(X), Y).backward()
        optimizer.step()
        assert state.steps == k + 1
        for name, p in model.named_parameters():
            np.testing.assert_allclose(params[name], p.numpy(), rtol=1e-12)


def test_weight_decay_needs_the_parameters():
    opt = nn.pure(nn.AdamW, lr=0.1)
    params = [np.ones(3, "f4")]
    state = opt.init(params)
    with pytest.raises(TypeError, match="needs the parameters"):
        opt.update(params, state)
    updates, _ = opt.update(params, state, params)
    assert updates[0].dtype == np.float32


def test_groups_of_pure_optimizers_take_the_same_steps():
    model = network()
    first, last = model[0], model[2]
    own = {"lr": nn.InverseTimeDecay(0.1, 0.5)}, {"weight_decay": 0.1, "betas": (0.5, 0.8)}
    layers = [{"params": layer.parameters(), **o} for layer, o in zip((first, last), own)]
    optimizer = nn.Adam(layers, lr=0.01)
    opt = nn.pure(nn.Adam, [{"params": n, **o} for n, o in zip(("0", ["2"]), own)], lr=0.01)
    params = {name: p.numpy().copy() for name, p in model.named_parameters()}
    state = opt.init(params)

    def loss(p):
        return nn.mse_loss(nn.functional_call(model, p, X), Y)

    for _ in range(5):
        updates, state = opt.update(tg.grad(loss)(params), state, params)
        assert list(updates) == list(params)
        params = nn.apply_updates(params, updates)
        optimizer.zero_grad()
        nn.mse_loss(model(X), Y).backward()
        optimizer.step()
        for name, p in model.named_parameters():
            np.testing.assert_allclose(params[name], p.numpy(), rtol=1e-12)
    with pytest.raises(ValueError, match=r"2\.weight must be in one group, but is in 0"):
        nn.pure(nn.Adam, [{"params": "0"}]).init(params)
    with pytest.raises(ValueError, match=r"0\.weight must be in one group, but is in 2"):
        nn.pure(nn.Adam, [{"params": ["0.weight", "2"]}, {"params": "0"}]).init(params)
    with pytest.raises(TypeError, match='group 0 has no "params"'):
        nn.pure(nn.Adam, [{"lr": 0.1}])
