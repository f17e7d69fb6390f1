"""Losses as functions and as layers against PyTorch's: values and gradients."""

import inspect

import numpy as np
import pytest
from folded import folded

import nn
import tinygrad_np as tg

torch = pytest.importorskip("torch")
functional = torch.nn.functional
pytestmark = pytest.mark.oracle

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((6, 4)), RNG.standard_normal((6, 4))
ZEROES = np.where(RNG.random((6, 4)) < 0.5, 0.0, Y)
SHARES = RNG.dirichlet(np.ones(4), 6)
LOG_SHARES = np.log(RNG.dirichlet(np.ones(4), 6))
CLASSES = np.array([0, 3, 1, 1, 2, 0])
SIGNS = np.array([1, -1, 1, -1, -1, 1])
WEIGHTS = np.array([0.5, 1.0, 2.0, 0.1])
COUNTS = RNG.poisson(2.0, (6, 4)).astype(float)
PROBS, BITS = RNG.uniform(0.05, 0.95, (6, 4)), (Y > 0).astype(float)
MEANS = [{"reduction": r} for r in ("mean", "sum", "none")]

# Our name, PyTorch's function and layer, the arguments, and options.
CASES = {
    "cross_entropy": (
        "CrossEntropyLoss",
        (X, CLASSES),
        [
            *({"weight": WEIGHTS} | r for r in MEANS),
            {"weight": WEIGHTS, "label_smoothing": 0.2},
            {"weight": WEIGHTS, "label_smoothing": 0.2, "ignore_index": 1},
            {"weight": WEIGHTS, "ignore_index": 1},
            {"label_smoothing": 0.2},
        ],
    ),
    "cross_entropy of shares": (
        "CrossEntropyLoss",
        (X, SHARES),
        [{"weight": WEIGHTS}, {"weight": WEIGHTS, "label_smoothing": 0.2}, *MEANS],
    ),
    "nll_loss": (
        "NLLLoss",
        (LOG_SHARES, CLASSES),
        [{}, *({"weight": WEIGHTS} | r for r in MEANS), {"weight": WEIGHTS, "ignore_index": 0}],
    ),
    "binary_cross_entropy": ("BCELoss", (PROBS, BITS), [*MEANS, {"weight": WEIGHTS}]),
    "binary_cross_entropy_with_logits": (
        "BCEWithLogitsLoss",
        (X, BITS),
        [*MEANS, {"weight": WEIGHTS}, {"pos_weight": WEIGHTS}],
    ),
    "mse_loss": ("MSELoss", (X, Y), MEANS),
    "l1_loss": ("L1Loss", (X, Y), MEANS),
    "huber_loss": ("HuberLoss", (X, Y), [*MEANS, {"delta": 0.3}, {"delta": 2.0}]),
    "smooth_l1_loss": ("SmoothL1Loss", (X, Y), [*MEANS, {"beta": 0.3}, {"beta": 0.0}]),
    "kl_div": (
        "KLDivLoss",
        (LOG_SHARES, SHARES * (SHARES > 0.1)),
        [*MEANS, {"reduction": "batchmean"}],
    ),
    "kl_div of logarithms": (
        "KLDivLoss",
        (LOG_SHARES, np.log(SHARES)),
        [{"log_target": True}, {"log_target": True, "reduction": "none"}],
    ),
    "poisson_nll_loss": (
        "PoissonNLLLoss",
        (X, COUNTS),
        [*MEANS, {"full": True}],
    ),
    "poisson_nll_loss of rates": (
        "PoissonNLLLoss",
        (np.exp(X), COUNTS),
        [{"log_input": False}, {"log_input": False, "full": True}],
    ),
    "gaussian_nll_loss": (
        "GaussianNLLLoss",
        (X, Y, RNG.uniform(0.1, 2.0, (6, 4))),
        [*MEANS, {"full": True}, {"eps": 0.5}],
    ),
    "cosine_embedding_loss": ("CosineEmbeddingLoss", (X, Y, SIGNS), [*MEANS, {"margin": 0.2}]),
    "hinge_embedding_loss": (
        "HingeEmbeddingLoss",
        (np.abs(X), np.sign(Y)),
        [*MEANS, {"margin": 0.3}],
    ),
    "margin_ranking_loss": (
        "MarginRankingLoss",
        (X[:, 0], Y[:, 0], SIGNS),
        [*MEANS, {"margin": 0.4}],
    ),
    "triplet_margin_loss": (
        "TripletMarginLoss",
        (X, Y, ZEROES),
        [*MEANS, {"margin": 0.3, "p": 1.0}, {"swap": True}],
    ),
}
RUNS = [(name, k) for name, (_, _, options) in CASES.items() for k in range(len(options))]


@folded
@pytest.mark.parametrize(("name", "k"), RUNS)
@pytest.mark.parametrize("as_layer", [False, True])
def test_values_and_gradients(name, k, as_layer):
    layer, arrays, options = CASES[name]
    named = options[k]
    their_named = {n: torch.tensor(v) if n.endswith("weight") else v for n, v in named.items()}
    ours = [tg.Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    theirs = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    function = getattr(nn, layer)(**named) if as_layer else None
    got = function(*ours) if as_layer else getattr(nn, name.split()[0])(*ours, **named)
    want = getattr(torch.nn, layer)(**their_named)(*theirs)
    assert got.shape == tuple(want.shape)
    np.testing.assert_allclose(got.numpy(), want.detach().numpy(), rtol=1e-9, atol=1e-12)
    if named.get("reduction") == "none":
        return
    got.backward()
    want.backward()
    for own, their in zip(ours, theirs):
        if own.grad is None or their.grad is None:
            assert own.grad is their.grad
            continue
        right = their.grad.numpy()
        known = ~np.isnan(right)  # PyTorch has nan at probabilities of 0
        np.testing.assert_allclose(own.grad.numpy()[known], right[known], rtol=1e-7, atol=1e-10)


def test_cosine_similarity():
    for axis in (0, 1, -1):
        ours = nn.CosineSimilarity(axis)(X, Y)
        theirs = torch.nn.CosineSimilarity(axis)(torch.tensor(X), torch.tensor(Y))
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-9)
    tg.gradcheck(nn.cosine_similarity, [X, Y])
    assert nn.cosine_similarity(np.zeros((1, 3)), np.ones((1, 3))).item() == 0


def test_every_layer_is_that_of_a_function():
    for layer, *_ in CASES.values():
        kind = getattr(nn, layer)
        name = inspect.cleandoc(kind.__doc__).split("`")[1]
        assert getattr(nn, name) is kind.function


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: nn.cross_entropy(X, CLASSES, weight=np.ones(3)), ValueError, "4 classes need as"),
        (lambda: nn.cross_entropy(X, CLASSES + 2, weight=WEIGHTS), ValueError, "4 columns"),
        (lambda: nn.cross_entropy(X, SHARES[:3], weight=WEIGHTS), ValueError, "logits' shape"),
        (lambda: nn.huber_loss(X, Y, delta=0), ValueError, "delta must be positive"),
        (lambda: nn.gaussian_nll_loss(X, Y, -np.ones(4)), ValueError, "negative"),
        (lambda: nn.margin_ranking_loss(X, Y, BITS), ValueError, "1 and -1"),
        (lambda: nn.HuberLoss(beta=2.0), TypeError, "HuberLoss has no option 'beta'; it has"),
        (lambda: nn.MSELoss([1.0], [2.0]), TypeError, r"MSELoss\(\)\(prediction, target\)$"),
        (lambda: nn.kl_div(X, Y[:3]), ValueError, "the shapes differ"),
        (lambda: nn.CrossEntropyLoss(reduction="avg")(X, CLASSES), ValueError, "reduction"),
    ],
)
def test_what_a_loss_cannot_use(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_compiled_weighted_cross_entropy():
    w = tg.Tensor(np.zeros((4, 4)), requires_grad=True)

    def step(x, y):
        loss = nn.cross_entropy(x @ w, y, weight=WEIGHTS, label_smoothing=0.1)
        w.grad = None
        loss.backward()
        return loss

    compiled = tg.compile(step)
    for k in range(4):
        x, y = X + k, np.roll(CLASSES, k)
        want, right = step(tg.Tensor(x), tg.Tensor(y)).item(), w.grad.numpy().copy()
        assert compiled(tg.Tensor(x), tg.Tensor(y)).item() == pytest.approx(want, rel=1e-12)
        np.testing.assert_allclose(w.grad.numpy(), right, rtol=1e-10)
