"""Distributions against PyTorch's and against their own samples."""

import numpy as np
import pytest

import tinygrad_np as tg
from nn import distributions as dist

RNG = np.random.default_rng(0)
COVARIANCE = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]])

# Name: the parameters, those of a second distribution, and values.
CASES = {
    "Normal": (
        {"loc": [0.5, -1.0, 2.0], "scale": [[0.3], [2.0]]},
        {"loc": 0.1, "scale": 1.5},
        RNG.standard_normal((4, 2, 3)),
    ),
    "Laplace": (
        {"loc": [0.5, -1.0, 2.0], "scale": [[0.3], [2.0]]},
        {"loc": 0.1, "scale": 1.5},
        RNG.standard_normal((2, 3)),
    ),
    "StudentT": (
        {"df": [1.5, 7.0, 30.0], "loc": 0.3, "scale": [[0.3], [2.0]]},
        None,
        RNG.standard_normal((2, 3)),
    ),
    "Uniform": (
        {"low": [0.0, -1.0], "high": [1.0, 3.0]},
        {"low": -2.0, "high": 3.5},
        np.array([0.5, 2.9]),
    ),
    "Gamma": (
        {"concentration": [0.4, 1.0, 9.0], "rate": [[0.5], [2.0]]},
        {"concentration": 1.3, "rate": 0.7},
        RNG.gamma(2.0, size=(2, 3)),
    ),
    "Beta": (
        {"concentration1": [0.4, 1.0, 9.0], "concentration0": [[0.5], [2.0]]},
        {"concentration1": 1.3, "concentration0": 0.7},
        RNG.uniform(size=(2, 3)),
    ),
    "Bernoulli": ({"probs": [0.1, 0.5, 0.9]}, {"probs": 0.3}, np.array([1.0, 0.0, 1.0])),
    "Bernoulli of logits": (
        {"logits": [-2.0, 0.0, 30.0]},
        {"logits": 0.5},
        np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]),
    ),
    "Categorical": (
        {"probs": [[0.1, 0.2, 0.7], [3.0, 2.0, 1.0]]},
        {"probs": [0.3, 0.3, 0.4]},
        np.array([2, 0]),
    ),
    "Categorical of logits": (
        {"logits": [[0.1, 0.2, 5.0], [3.0, 2.0, 1.0]]},
        {"logits": [0.3, 0.3, 0.4]},
        np.array([[2, 0], [1, 1], [0, 2]]),
    ),
    "MultivariateNormal": (
        {"loc": [0.5, -1.0, 2.0], "covariance_matrix": COVARIANCE},
        {"loc": [0.0, 1.0, 0.0], "covariance_matrix": np.eye(3) * 2},
        RNG.standard_normal((4, 3)),
    ),
    "Dirichlet": (
        {"concentration": [[0.5, 1.0, 3.0], [2.0, 2.0, 9.0]]},
        {"concentration": [1.0, 2.0, 1.5]},
        RNG.dirichlet([1.0, 2.0, 3.0], 2),
    ),
}
every = pytest.mark.parametrize("name", CASES)


def leaves(parameters):
    return {k: tg.Tensor(np.array(v, float), requires_grad=True) for k, v in parameters.items()}


def make(name, parameters):
    return getattr(dist, name.split()[0])(**parameters)


def close(a, b, **named):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), **({"rtol": 1e-9} | named))


@pytest.mark.oracle
@every
def test_densities_entropies_and_divergences_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    parameters, others, values = CASES[name]
    kind = getattr(torch.distributions, name.split()[0])

    def twin(parameters):
        tensors = {k: torch.tensor(v, dtype=torch.float64) for k, v in parameters.items()}
        for tensor in tensors.values():
            tensor.requires_grad_()
        return tensors, kind(**tensors)

    def compare(value, right, ours, theirs):
        assert value.shape == tuple(right.shape)
        close(value.numpy(), right.detach(), atol=1e-12)
        weights = RNG.standard_normal(value.shape)
        (value * weights).sum().backward()
        (right * torch.tensor(weights)).sum().backward()
        for key, own in ours.items():
            grad = own.grad.numpy() if own.grad is not None else 0
            their_grad = 0 if theirs[key].grad is None else theirs[key].grad.numpy()
            if key == "covariance_matrix":  # of a symmetric matrix, only the sum has a meaning
                grad, their_grad = grad + grad.T, their_grad + their_grad.T
            close(grad, their_grad, rtol=1e-7, atol=1e-9)

    wanted = ["log_prob", "entropy"] + (["kl"] if others else [])
    for what in wanted:
        ours = leaves(parameters)
        own = make(name, ours)
        theirs, their = twin(parameters)
        if what == "log_prob":
            value, right = own.log_prob(values), their.log_prob(torch.tensor(values))
        elif what == "entropy":
            value, right = own.entropy(), their.entropy()
        else:
            value = dist.kl_divergence(own, make(name, leaves(others)))
            right = torch.distributions.kl_divergence(their, twin(others)[1])
        compare(value, right, ours, theirs)


@every
def test_gradients_are_those_of_differences(name):
    parameters, _, values = CASES[name]
    names = list(parameters)
    if name == "MultivariateNormal":
        return  # a single element of the matrix can't be changed alone
    arrays = [np.array(parameters[n], float) for n in names]
    tg.gradcheck(lambda *p: make(name, dict(zip(names, p))).log_prob(values), arrays)
    tg.gradcheck(lambda *p: make(name, dict(zip(names, p))).entropy(), arrays)


@every
def test_samples_have_the_entropy_and_the_shape(name):
    tg.manual_seed(0)
    parameters, _, _ = CASES[name]
    d = make(name, parameters)
    draws = d.sample((4000,))
    assert draws.shape == (4000, *d.batch_shape, *d.event_shape)
    assert not draws.requires_grad
    surprise = -d.log_prob(draws).numpy()
    error = surprise.std(axis=0) / np.sqrt(4000)
    assert (np.abs(surprise.mean(axis=0) - d.entropy().numpy()) < 5 * error + 1e-6).all()
    again = [d.sample(3, rng=np.random.default_rng(5)).numpy() for _ in range(2)]
    assert np.array_equal(*again)


@pytest.mark.parametrize("name", ["Normal", "Laplace", "StudentT", "Uniform", "MultivariateNormal"])
def test_gradients_flow_through_draws(name):
    parameters = leaves(CASES[name][0])
    draws = make(name, parameters).rsample((20_000,), rng=np.random.default_rng(1))
    (draws * 3).mean().backward()
    place = parameters["low"] if name == "Uniform" else parameters["loc"]
    share = 0.5 if name == "Uniform" else 1.0
    close(place.grad.numpy().sum(), 3 * share, rtol=0.02)


def test_distributions_without_such_a_way_say_so():
    with pytest.raises(NotImplementedError, match="has sample"):
        dist.Gamma(1.0).rsample()


def test_densities_outside_are_zero():
    inf = -np.inf
    close(dist.Uniform(0.0, 1.0).log_prob([-0.1, 0.0, 0.5, 1.0]).numpy(), [inf, 0, 0, inf])
    close(dist.Gamma(1.0).log_prob([-1.0, 0.0]).numpy(), [inf, 0], atol=1e-12)
    close(dist.Beta(1.0, 1.0).log_prob([-0.1, 0.3, 1.1]).numpy(), [inf, 0, inf], atol=1e-12)
    close(dist.Bernoulli(0.5).log_prob([0.0, 0.5, 2.0]).numpy(), [np.log(0.5), inf, inf])
    close(dist.Bernoulli(0.0).log_prob([0.0, 1.0]).numpy(), [0, inf])
    assert dist.kl_divergence(dist.Uniform(0.0, 2.0), dist.Uniform(0.0, 1.0)).item() == np.inf


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: dist.Normal(0.0, [1.0, 0.0]), ValueError, "Normal: scale must be positive"),
        (lambda: dist.Gamma(-1.0), ValueError, "concentration must be positive"),
        (lambda: dist.Uniform(1.0, 1.0), ValueError, "less than high"),
        (lambda: dist.Bernoulli(1.5), ValueError, "between 0 and 1"),
        (lambda: dist.Bernoulli(), TypeError, "either probs or logits"),
        (lambda: dist.Categorical([0.5, -0.1]), ValueError, "not be negative"),
        (lambda: dist.Categorical([0.5, 0.5]).log_prob(2), (IndexError, ValueError), "2"),
        (lambda: dist.Dirichlet(1.0), ValueError, "axis of shares"),
        (lambda: dist.MultivariateNormal([0.0], np.eye(2)), ValueError, r"\(\.\.\., n, n\)"),
        (lambda: dist.MultivariateNormal([0.0, 0.0], -np.eye(2)), ValueError, "positive definite"),
        (
            lambda: dist.kl_divergence(dist.Normal(0.0, 1.0), dist.Laplace(0.0, 1.0)),
            TypeError,
            "Normal and Laplace",
        ),
    ],
)
def test_what_is_no_distribution(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_classes_that_never_come():
    d = dist.Categorical([0.5, 0.0, 0.5])
    close(d.log_prob([0, 1]).numpy(), [np.log(0.5), -np.inf])
    close(d.entropy().item(), np.log(2))
    assert set(d.sample((100,)).tolist()) == {0, 2}


def test_dtypes_follow_the_parameters():
    loc = tg.Tensor(np.zeros(3, "f4"))
    d = dist.Normal(loc, 1.0)
    assert d.sample().dtype == np.float32
    assert d.log_prob(np.zeros(3, "f4")).dtype == np.float32
    assert d.entropy().shape == (3,)


def test_a_variational_step_compiles():
    mean = tg.Tensor(np.zeros(2), requires_grad=True)
    spread = tg.Tensor(np.zeros(2), requires_grad=True)

    def loss(target):
        q = dist.Normal(mean, tg.exp(spread))
        z = q.rsample(rng=rng)
        value = ((z - target) ** 2).sum()
        value = value + dist.kl_divergence(q, dist.Normal(0.0, 1.0)).sum()
        mean.grad = spread.grad = None
        value.backward()
        return value

    results = []
    for run in (loss, tg.compile(loss)):
        rng = np.random.default_rng(3)
        results.append([(run(np.ones(2)).item(), *mean.grad.tolist()) for _ in range(5)])
    close(results[1], results[0])
