"""fit: it is the loop one would write by hand; and History, evaluate."""

import numpy as np
import pytest

import nn
import tinygrad_np as tg


def data(n=10, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 2)).astype(np.float32), rng.integers(0, 3, n).astype(np.uint8)


def network(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(2, 8, rng=rng), nn.ReLU(), nn.Dropout(0.2, rng=rng), nn.Linear(8, 3, rng=rng)
    )


class Noting(nn.Module):
    """x·w, and notes the rows it was given and the mode."""

    def __init__(self):
        self.w = nn.Parameter(np.ones((1, 1)), dtype=np.float32)
        self.inner = nn.ReLU()
        self.rows, self.modes = [], []

    def forward(self, x):
        self.rows.append(x.numpy().ravel().tolist())
        self.modes.append(self.training)
        return x @ self.w


# Noting makes lists of its input, which a compiled step cannot: fit warns and runs it as it is.
runs_uncompiled = pytest.mark.filterwarnings("ignore:.* runs uncompiled:tinygrad_np.CompileWarning")


def fit_noting(n=10, model=None, **options):
    """Fit a Noting model on the rows 0 … n - 1; returns it and the history."""
    model = model or Noting()
    x = np.arange(n, dtype=np.float32)[:, None]
    options = {"loss": nn.mse_loss, "progress": False, **options}
    return model, nn.fit(model, x, x, optimizer=nn.SGD(model.parameters(), lr=1e-4), **options)


# --- the loop ------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("make", [nn.SGD, nn.Adam])
def test_fit_is_the_loop_by_hand_bit_for_bit(batch_size, make):
    x, y = data()
    model, by_hand = network(), network()
    history = nn.fit(
        model,
        x,
        y,
        loss=nn.cross_entropy,
        optimizer=make(model.parameters(), lr=0.05),
        epochs=7,
        batch_size=batch_size,
        progress=False,
        rng=np.random.default_rng(42),
    )
    optimizer, rng = make(by_hand.parameters(), lr=0.05), np.random.default_rng(42)
    losses = []
    for _ in range(7):
        order = np.arange(len(x))
        if batch_size is not None:
            rng.shuffle(order)
        total = 0.0
        for start in range(0, len(x), batch_size or len(x)):
            rows = order[start : start + (batch_size or len(x))]
            loss = nn.cross_entropy(by_hand(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows) / len(x)
        losses.append(total)
    for p, q in zip(model.parameters(), by_hand.parameters()):
        assert np.array_equal(p.numpy(), q.numpy())
    assert np.allclose(history["loss"], losses, rtol=1e-14)


@runs_uncompiled
@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [(10, 4, [4, 4, 2]), (10, 5, [5, 5]), (10, 1, [1] * 10), (10, 10, [10]), (10, 99, [10]),
     (1, 1, [1]), (10, None, [10])],
)  # fmt: skip
def test_batches(n, batch_size, sizes):
    model, _ = fit_noting(n, batch_size=batch_size, epochs=2)
    assert [len(rows) for rows in model.rows] == sizes * 2
    for epoch in (model.rows[: len(sizes)], model.rows[len(sizes) :]):
        assert sorted(row for rows in epoch for row in rows) == list(range(n))


@runs_uncompiled
def test_without_shuffling_the_order_is_kept():
    model, _ = fit_noting(batch_size=4, epochs=2, shuffle=False)
    assert model.rows == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] * 2


@runs_uncompiled
def test_shuffling_is_new_each_epoch_and_by_the_generator():
    def rows(seed):
        return fit_noting(20, batch_size=5, epochs=2, rng=np.random.default_rng(seed))[0].rows

    assert rows(1) == rows(1)
    assert rows(1) != rows(2)
    assert rows(1)[:4] != rows(1)[4:]
    assert rows(1)[:4] != [[*range(k, k + 5)] for k in range(0, 20, 5)]


@runs_uncompiled
def test_shuffling_by_the_default_generator():
    def rows():
        tg.manual_seed(3)
        return fit_noting(20, batch_size=5)[0].rows

    assert rows() == rows()


@runs_uncompiled
def test_full_batches_draw_nothing():
    state = tg.manual_seed(0).bit_generator.state
    model, _ = fit_noting(5)
    assert model.rows == [[0, 1, 2, 3, 4]]
    assert tg.default_generator().bit_generator.state == state


@runs_uncompiled
def test_inputs_and_targets_stay_together():
    x = np.arange(30, dtype=np.float32)[:, None]
    seen = []

    def loss(output, target):
        seen.append((output.numpy().copy(), target.numpy().copy()))
        return nn.mse_loss(output, target)

    model = Noting()
    optimizer = nn.SGD(model.parameters(), lr=0.0)
    nn.fit(model, x, 2 * x, loss=loss, optimizer=optimizer, batch_size=7, epochs=2, progress=False)
    assert len(seen) == 10
    assert all(np.array_equal(2 * output, target) for output, target in seen)


# --- metrics -------------------------------------------------------------------------------------


@runs_uncompiled
def test_metrics_are_averaged_by_sample_counts():
    _, history = fit_noting(
        batch_size=4,
        shuffle=False,
        epochs=2,
        metrics={"size": lambda out, y: len(y), "mean": lambda out, y: y.numpy().mean()},
    )
    assert history["size"] == [pytest.approx((4 * 4 + 4 * 4 + 2 * 2) / 10)] * 2
    assert history["mean"] == [pytest.approx(4.5)] * 2


def test_metrics_are_those_before_the_update():
    x, y = data()
    model = nn.Linear(2, 3)
    before = model.predict(x)
    history = nn.fit(
        model,
        x,
        y,
        loss=nn.cross_entropy,
        optimizer=nn.SGD(model.parameters(), lr=10.0),
        metrics={"accuracy": nn.accuracy},
        progress=False,
    )
    assert history["accuracy"] == [nn.accuracy(before, y)]
    assert history["loss"] == [pytest.approx(float(nn.cross_entropy(before, y)), rel=1e-6)]
    assert history["lr"] == [10]


def test_validation_is_after_the_epoch_and_in_evaluation_mode():
    x, y = data()
    val_x, val_y = data(6, seed=1)
    model = network()
    measured = []

    def note(epoch, history):
        out = model.predict(val_x)
        measured.append((float(nn.cross_entropy(out, val_y)), nn.accuracy(out, val_y)))

    history = nn.fit(
        model,
        x,
        y,
        loss=nn.cross_entropy,
        optimizer=nn.SGD(model.parameters(), lr=0.1),
        epochs=4,
        batch_size=5,
        validation_data=(val_x, val_y),
        metrics={"accuracy": nn.accuracy},
        on_epoch=note,
        progress=False,
    )
    assert list(history) == ["loss", "accuracy", "lr", "val_loss", "val_accuracy"]
    assert history["val_loss"] == [pytest.approx(loss, rel=1e-6) for loss, _ in measured]
    assert history["val_accuracy"] == [score for _, score in measured]


@runs_uncompiled
def test_training_goes_on_in_training_mode_after_validation():
    x = np.ones((2, 1), np.float32)
    model, _ = fit_noting(2, epochs=2, validation_data=(x, x))
    assert model.modes == [True, False, True, False]


def test_evaluate():
    x, y = data()
    model = network()
    values = nn.evaluate(model, x, y, loss=nn.cross_entropy, metrics={"accuracy": nn.accuracy})
    out = model.predict(x)
    expected = {"loss": float(nn.cross_entropy(out, y)), "accuracy": nn.accuracy(out, y)}
    assert values == pytest.approx(expected, rel=1e-6)
    assert model.training


def test_history():
    history = nn.History()
    assert len(history) == 0
    assert repr(history) == "History(0 epochs)"
    history.append({"loss": 2.0})
    history.append({"loss": 1.0, "val_loss": 3.0})
    assert len(history) == 2
    assert history["loss"] == [2, 1]
    assert list(history) == ["loss", "val_loss"]
    assert "loss" in history
    assert "accuracy" not in history
    assert repr(history) == "History(2 epochs; last: loss 1, val_loss 3)"
    with pytest.raises(KeyError, match="no metric 'accuracy'; there are loss, val_loss"):
        history["accuracy"]


# --- epochs and modes ----------------------------------------------------------------------------


@runs_uncompiled
def test_on_epoch_sees_each_epoch():
    seen = []
    _, history = fit_noting(epochs=3, on_epoch=lambda n, h: seen.append((n, len(h), h)))
    assert [(n, length) for n, length, _ in seen] == [(1, 1), (2, 2), (3, 3)]
    assert all(h is history for *_, h in seen)


@runs_uncompiled
def test_on_epoch_that_returns_false_ends_the_training():
    _, history = fit_noting(epochs=100, on_epoch=lambda n, h: n < 4)
    assert len(history) == 4


@runs_uncompiled
@pytest.mark.parametrize("returned", [None, 0, ""])
def test_only_false_ends_the_training(returned):
    assert len(fit_noting(epochs=3, on_epoch=lambda n, h: returned)[1]) == 3


def test_no_epochs():
    model, history = fit_noting(epochs=0)
    assert len(history) == 0
    assert model.rows == []


@runs_uncompiled
@pytest.mark.parametrize("modes", [(True, False), (False, False), (False, True)])
@pytest.mark.parametrize("fails", [False, True])
def test_modes_are_put_back(modes, fails):
    model = Noting()
    model.training, model.inner.training = modes

    def note(epoch, history):
        assert model.training
        assert model.inner.training
        if fails:
            raise KeyboardInterrupt

    if fails:
        with pytest.raises(KeyboardInterrupt):
            fit_noting(model=model, on_epoch=note)
    else:
        fit_noting(model=model, on_epoch=note)
    assert (model.training, model.inner.training) == modes


# --- kinds of data -------------------------------------------------------------------------------


@runs_uncompiled
def test_floats_are_cast_to_the_parameters_dtype():
    seen = set()

    def loss(output, target):
        seen.add((output.dtype, target.dtype))
        return nn.mse_loss(output, target)

    x = np.ones((4, 1), np.float64)
    model = Noting()
    optimizer = nn.SGD(model.parameters())
    nn.fit(model, x, x, loss=loss, optimizer=optimizer, validation_data=(x, x), progress=False)
    assert seen == {(np.dtype(np.float32), np.dtype(np.float32))}
    assert model.w.grad.dtype == np.float32


def test_labels_keep_their_dtype():
    x, y = data()
    seen = set()

    def loss(output, target):
        seen.add(target.dtype)
        return nn.cross_entropy(output, target)

    model = network()
    nn.fit(model, x, y, loss=loss, optimizer=nn.SGD(model.parameters()), progress=False)
    assert seen == {np.dtype(np.uint8)}


@pytest.mark.parametrize("kind", [lambda a: a.tolist(), np.asarray, tg.Tensor])
def test_lists_arrays_and_tensors_train_alike(kind):
    x, y = data()

    def losses(kind):
        model = network()
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        options = {"loss": nn.cross_entropy, "optimizer": optimizer, "epochs": 3, "batch_size": 4}
        rng = np.random.default_rng(0)
        return nn.fit(model, kind(x), kind(y), **options, progress=False, rng=rng)["loss"]

    assert losses(kind) == losses(np.asarray)


def test_data_are_left_as_they_were():
    x, y = data()
    arrays, tensors = (x.copy(), y.copy()), (tg.Tensor(x), tg.Tensor(y))
    model = network()
    for given in (arrays, tensors):
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        nn.fit(
            model, *given, loss=nn.cross_entropy, optimizer=optimizer, batch_size=3, progress=False
        )
    assert all(np.array_equal(a, b) for a, b in zip(arrays, (x, y)))
    assert all(np.array_equal(t.numpy(), b) for t, b in zip(tensors, (x, y)))
    assert [t.name for t in tensors] == [None, None]


@runs_uncompiled
def test_changes_to_the_data_during_training_do_not_reach_it():
    x = np.ones((4, 1), np.float32)
    model = Noting()

    def spoil(epoch, history):
        x[...] = np.nan

    optimizer = nn.SGD(model.parameters(), lr=0.0)
    history = nn.fit(
        model,
        x,
        x,
        loss=nn.mse_loss,
        optimizer=optimizer,
        epochs=2,
        on_epoch=spoil,
        progress=False,
    )
    assert history["loss"] == [0, 0]
