"""Programs that test_nn_distributed.py starts on several ranks.

python rank_programs.py NAME FILE; the name "all" means all of RIGHT.
"""

import os
import signal
import sys
import time

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from nn import distributed as dist

X, Y = (array[:301] for array in nn.data.moons(151, rng=np.random.default_rng(0)))
X = X.astype(np.float64)
VALIDATION = nn.data.moons(51, rng=np.random.default_rng(1))


def network(hidden=32, layer=None):
    rng = np.random.default_rng(5)
    between = [layer] if layer is not None else []
    return nn.Sequential(
        nn.Linear(2, hidden, dtype=np.float64, rng=rng),
        *between,
        nn.ReLU(),
        nn.Linear(hidden, 2, dtype=np.float64, rng=rng),
    )


def weights(model):
    return np.concatenate([p.numpy().ravel() for p in model.parameters()])


def assert_same_everywhere(value):
    for other in dist.gather(value):
        np.testing.assert_array_equal(other, value)


# --- the parts ----------------------------------------------------------------------------------


def sums():
    """all_sum sums in rank order, any dtype and shape, and is its own derivative."""
    for dtype in ("f2", "f4", "f8", "i8", "c16"):
        for shape in ((), (3,), (2, 0), (4, 5)):
            parts = [
                (np.random.default_rng(k).standard_normal(shape) * 9).astype(dtype)
                for k in range(dist.size)
            ]
            total = parts[0]
            for part in parts[1:]:
                total = total + part
            result = dist.all_sum(parts[dist.rank])
            assert result.dtype == total.dtype
            np.testing.assert_array_equal(result, total)
    np.testing.assert_array_equal(dist.all_sum(X.T[:, ::2]), dist.size * X.T[:, ::2])
    x = np.arange(3.0) + dist.rank
    everyone = np.arange(3.0) + np.arange(dist.size)[:, None]
    norms = (everyone**2).sum(axis=0)

    def f(x):
        return (dist.all_sum(x * x) ** 2).sum()

    # Each rank has the loss, and all of them are summed: size times the derivative of one.
    np.testing.assert_allclose(tg.grad(f)(x), dist.size * 4 * norms * x)
    compiled = tg.compile(tg.grad(f))
    for _ in range(4):
        np.testing.assert_allclose(compiled(x), dist.size * 4 * norms * x)


def batch_norm():
    """A normalisation over the rows of all ranks is three lines, with the right gradient."""
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((2, 11, 3))

    def normalised(x, rows):
        mean = dist.all_sum(x.sum(axis=0)) / rows
        variance = dist.all_sum(((x - mean) ** 2).sum(axis=0)) / rows
        return (x - mean) / np.sqrt(variance + 1e-5)

    def whole(x):
        y = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
        return (y**3 * g).sum()

    part = dist.own_rows(len(x))

    def own(x):
        return (normalised(x, len(g)) ** 3 * g[part]).sum()

    expected = tg.grad(whole)(x)[part]
    np.testing.assert_allclose(tg.grad(own)(x[part]), expected, rtol=1e-10, atol=1e-12)
    compiled = tg.compile(tg.grad(own))
    for _ in range(4):
        np.testing.assert_allclose(compiled(x[part]), expected, rtol=1e-10, atol=1e-12)


def rows():
    for count in (0, 1, 3, 4, 301):
        parts = dist.gather(np.arange(count)[dist.own_rows(count)])
        assert np.concatenate(parts).tolist() == list(range(count))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def broadcasts():
    tg.manual_seed(dist.rank)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    model[1].running_mean.assign(np.full(4, dist.rank, np.float32))
    before = dist.gather(weights(model))
    assert not np.array_equal(before[0], before[1])
    dist.broadcast(model)
    np.testing.assert_array_equal(weights(model), before[0])
    np.testing.assert_array_equal(model[1].running_mean.numpy(), np.zeros(4))


# --- steps --------------------------------------------------------------------------------------


def bits():
    """A step is, bit for bit, that of one process which sums the parts in rank order."""
    for make in (
        lambda ps, **o: nn.SGD(ps, lr=0.1, momentum=0.9, weight_decay=0.5, **o),
        lambda ps, **o: nn.AdamW(ps, weight_decay=0.1, **o),
    ):
        model, alone = network(), network()
        optimizer = make(model.parameters(), reduce=dist.all_sum)
        own = dist.own_rows(len(X))
        share = (own.stop - own.start) / len(X)
        for _ in range(20):
            optimizer.zero_grad()
            (nn.cross_entropy(model(X[own]), Y[own]) * share).backward()
            optimizer.step()
        total = np.zeros(0)
        other = make(alone.parameters(), reduce=lambda g: total)  # noqa: B023 - in this round
        places = dist.gather(own)
        for _ in range(20):
            total = np.zeros(1)
            for place in places:
                other.zero_grad()
                loss = nn.cross_entropy(alone(X[place]), Y[place])
                (loss * ((place.stop - place.start) / len(X))).backward()
                flat = np.concatenate([p.grad.numpy().ravel() for p in alone.parameters()])
                total = total + flat
            other.step()
        np.testing.assert_array_equal(weights(model), weights(alone))


def steps():
    """300 steps by hand agree with one process; compiled, too, with the sum in the program."""
    part = dist.own_rows(len(X))
    x, y = tg.Tensor(X[part]), tg.Tensor(Y[part])
    share = len(x) / len(X)
    for compile in (False, True):
        model, alone = network(), network()
        optimizer = nn.Adam(model.parameters(), lr=0.01, weight_decay=0.01, reduce=dist.all_sum)
        other = nn.Adam(alone.parameters(), lr=0.01, weight_decay=0.01)

        def step(x, y, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = nn.cross_entropy(model(x), y) * share
            loss.backward()
            optimizer.step()
            return loss

        run = tg.compile(step) if compile else step
        for _ in range(300):
            run(x, y)
            other.zero_grad()
            nn.cross_entropy(alone(X), Y).backward()
            other.step()
        np.testing.assert_allclose(weights(model), weights(alone), rtol=0, atol=1e-8)
        assert_same_everywhere(weights(model))
        if compile:
            assert "= all_sum" in run.lower(x, y).source.replace("rank_sum", "all_sum")


def unreached():
    """A parameter that one rank does not reach takes part with zeros; a frozen one does not."""
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 3), nn.Linear(2, 3))
    dist.broadcast(model)
    model[2].weight.requires_grad = False
    before = [layer.weight.numpy().copy() for layer in model]
    optimizer = nn.SGD(model.parameters(), lr=1.0, reduce=dist.all_sum)
    x = np.ones((1, 2), np.float32)
    layer = model[0] if dist.rank == 0 else model[1]
    layer(x).sum().backward()
    optimizer.step()
    others = dist.size - 1
    np.testing.assert_allclose(model[0].weight.numpy(), before[0] - 1, rtol=1e-6)
    np.testing.assert_allclose(model[1].weight.numpy(), before[1] - others, rtol=1e-6)
    np.testing.assert_array_equal(model[2].weight.numpy(), before[2])


def clipping():
    """sum_gradients comes before clipping."""
    model, alone = network(), network()
    part = dist.own_rows(len(X))
    share = (part.stop - part.start) / len(X)
    (nn.cross_entropy(model(X[part]), Y[part]) * share).backward()
    dist.sum_gradients(model.parameters())
    nn.cross_entropy(alone(X), Y).backward()
    norms = [nn.clip_grad_norm_(net.parameters(), 0.1).item() for net in (model, alone)]
    assert norms[1] > 0.1
    np.testing.assert_allclose(*norms, rtol=1e-12)
    for p, q in zip(model.parameters(), alone.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-12, atol=1e-16)


# --- fit ----------------------------------------------------------------------------------------

FITS = [
    {},
    {"batch_size": 50},  # the last batch is a single row, which only one rank has
    {"batch_size": 75, "metrics": ["accuracy", "f1"], "validation_data": VALIDATION},
    {"batch_size": 50, "accumulate": 4, "clip_norm": 0.5},
    {"batch_size": 40, "class_weight": {0: 1.0, 1: 3.0}},
]


def trained(distributed, **options):
    model = network()
    optimizer = nn.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
    options = {"epochs": 3, "progress": False, "rng": np.random.default_rng(0), **options}
    history = nn.fit(
        model,
        X,
        Y,
        loss="cross_entropy",
        optimizer=optimizer,
        distributed=distributed,
        **options,
    )
    return model, history


def fits():
    for compile in (None, False)[: 4 // dist.size]:  # ranks that share a core wait for each other
        for options in FITS:
            model, history = trained(True, compile=compile, **options)
            alone, expected = trained(False, compile=False, **options)
            np.testing.assert_allclose(weights(model), weights(alone), rtol=0, atol=1e-12)
            assert list(history) == list(expected)
            for name in expected:
                np.testing.assert_allclose(history[name], expected[name], rtol=1e-12, atol=1e-15)
            assert_same_everywhere(weights(model))


def noise():
    """Ranks draw noise of their own, and a run that is resumed goes on with the same."""
    drawn = []

    class Noisy(nn.Module):
        def __init__(self):
            self.rng = np.random.default_rng(3)

        def forward(self, x):
            if self.training:
                drawn.append(self.rng.random(3))
            return x

    def train(epochs, **options):
        tg.manual_seed(dist.rank)  # not the same: the order is that of rank 0
        model = network(layer=nn.Dropout(0.5, rng=np.random.default_rng(7)))
        optimizer = nn.Adam(model.parameters(), lr=0.01)
        history = nn.fit(
            model,
            X,
            Y,
            loss="cross_entropy",
            optimizer=optimizer,
            epochs=epochs,
            batch_size=64,
            progress=False,
            distributed=True,
            callbacks=[nn.Checkpoint(sys.argv[2])],
            **options,
        )
        return model, history

    whole, expected = train(5)
    train(2)
    resumed, history = train(5, resume=True)
    assert history.metrics == expected.metrics
    np.testing.assert_array_equal(weights(resumed), weights(whole))
    assert_same_everywhere(weights(whole))
    model = nn.Sequential(Noisy(), network())
    optimizer = nn.SGD(model.parameters())
    options = {"distributed": True, "compile": False, "progress": False}
    nn.fit(model, X, Y, loss="cross_entropy", optimizer=optimizer, **options)
    ranks = dist.gather(drawn[0].tolist())
    assert len({tuple(row) for row in ranks}) == dist.size
    assert ranks[0] == np.random.default_rng(3).random(3).tolist()


def early():
    """All ranks stop at the same epoch, whoever wants to, and have the buffers of rank 0."""

    class Whim(nn.Callback):
        def on_epoch(self, run):
            if dist.rank == dist.size - 1 and run.epoch == 2:
                run.stop()

    model = network(layer=nn.BatchNorm1d(32, dtype=np.float64))
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    options = {"loss": "cross_entropy", "optimizer": optimizer, "distributed": True}
    options["progress"] = False
    stopping = nn.EarlyStopping("val_loss", patience=2, min_delta=10.0)
    history = nn.fit(
        model, X, Y, epochs=9, callbacks=[stopping], validation_data=VALIDATION, **options
    )
    assert len(history) == 3
    assert_same_everywhere(model[1].running_mean.numpy())
    assert_same_everywhere(history["val_loss"])
    assert len(nn.fit(model, X, Y, epochs=9, callbacks=[Whim()], **options)) == 2


def nans():
    """A nan on one rank is an error on all of them, and nothing was updated."""
    for compile in (None, False):
        for kind in ("loss", "gradient"):
            model = network()
            factor = tg.Number(1.0)

            def loss(output, target, kind=kind, factor=factor):
                value = nn.cross_entropy(output, target)
                if kind == "loss":
                    return value * factor.value
                # The gradient of a root is infinite at 0; times 0, it is nan.
                return value + (((output * 0 + factor.value) ** 0.5).sum() * 0)

            options = {
                "loss": loss,
                "optimizer": nn.Adam(model.parameters(), lr=0.01),
                "distributed": True,
                "compile": compile,
                "progress": False,
            }
            nn.fit(model, X, Y, epochs=4, **options)
            before = weights(model)
            if dist.rank == dist.size - 1:
                factor.value = np.nan if kind == "loss" else 0.0
            text = f"the {kind} is not finite" if kind == "loss" else f"rank {dist.size - 1}: "
            refused(FloatingPointError, text, lambda: nn.fit(model, X, Y, **options))  # noqa: B023
            np.testing.assert_array_equal(weights(model), before)


# --- what goes wrong ----------------------------------------------------------------------------


def refused(error, text, call):
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)


def disagree():
    text = "the ranks disagree: the model's 0.weight is float64 (2, 32) on rank 0, but float64 (2, "
    model = network(32 + dist.rank)
    refused(ValueError, text, lambda: dist.broadcast(model))
    optimizer = nn.SGD(model.parameters())
    options = {"loss": "cross_entropy", "optimizer": optimizer, "distributed": True}
    refused(ValueError, text, lambda: nn.fit(model, X, Y, **options))
    model = network()
    options |= {"optimizer": nn.SGD(model.parameters()), "progress": False}
    rows = 301 - dist.rank
    text = "fit's x is (301, 2) on rank 0, but (300, 2) on rank 1"
    refused(ValueError, text, lambda: nn.fit(model, X[:rows], Y[:rows], **options))
    other = X + dist.rank
    refused(ValueError, "fit's x's checksum is ", lambda: nn.fit(model, other, Y, **options))
    refused(
        ValueError,
        "fit's epochs is 1 on rank 0, but 2 on",
        lambda: nn.fit(model, X, Y, epochs=1 + dist.rank, **options),
    )
    validation = (VALIDATION[0] + dist.rank, VALIDATION[1])
    text = "fit's validation x's checksum is "
    refused(ValueError, text, lambda: nn.fit(model, X, Y, validation_data=validation, **options))
    within = {"callbacks": [nn.Checkpoint(sys.argv[2], updates=2)]}
    refused(ValueError, "write after epochs", lambda: nn.fit(model, X, Y, **within, **options))
    other = np.random.Generator(np.random.SFC64(0))
    refused(TypeError, "not one of SFC64", lambda: nn.fit(model, X, Y, rng=other, **options))
    batches = nn.data.batches(X, Y, 50)
    refused(TypeError, "needs arrays", lambda: nn.fit(model, batches, **options))
    options["optimizer"] = nn.SGD(model.parameters(), reduce=dist.all_sum)
    refused(ValueError, "make the optimizer without reduce", lambda: nn.fit(model, X, Y, **options))


def raises():
    if dist.rank == 1:
        raise KeyError("rank 1 is the one")
    dist.all_sum(np.ones(3))


def killed():
    dist.all_sum(np.ones(3))
    if dist.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.1)
    dist.all_sum(np.ones(3))


def exits():
    if dist.rank == 1:
        sys.exit(3)
    dist.all_sum(np.ones(3))


RIGHT = (
    sums,
    batch_norm,
    rows,
    broadcasts,
    bits,
    steps,
    unreached,
    clipping,
    fits,
    noise,
    early,
    nans,
    disagree,
)

if __name__ == "__main__":
    wanted, *_ = sys.argv[1:]
    for function in RIGHT if wanted == "all" else [globals()[wanted]]:
        function()
        print(f"<{function.__name__}>", flush=True)
