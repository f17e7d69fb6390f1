"""Callbacks: hooks, early stopping, live curves; History's table and curves; find_lr."""

import sys
import types

import numpy as np
import pytest

import nn
import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

X = np.random.default_rng(0).standard_normal((20, 2)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)


def fit(values=None, *, epochs=None, model=None, **options):
    """Fit a small model; its metric "score" has the given value in each epoch."""
    model = model or nn.Linear(2, 2, rng=np.random.default_rng(0))
    values = [0.0] if values is None else values
    remaining = iter(values)
    options = {"metrics": {"score": lambda out, y: next(remaining)}} | options
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    return nn.fit(
        model, X, Y, loss="cross_entropy", optimizer=optimizer, epochs=epochs or len(values),
        progress=False, compile=False, **options,
    )  # fmt: skip


# --- hooks ----------------------------------------------------------------------------------------


class Note(nn.Callback):
    def __init__(self):
        self.seen = []

    def on_begin(self, run):
        self.seen.append(("begin", run.epochs, len(run.data)))

    def on_batch(self, run):
        self.seen.append(("batch", run.epoch, run.batch, run.updates, sorted(run.values)))

    def on_epoch(self, run):
        self.seen.append(("epoch", run.epoch, len(run.history), sorted(run.values)))

    def on_end(self, run):
        self.seen.append(("end", type(run.error).__name__, run.complete))


def test_hooks_come_in_order_and_see_the_run():
    note = Note()
    fit(epochs=2, metrics=None, batch_size=12, callbacks=[note], validation_data=(X, Y))
    names = ["loss", "lr", "val_loss"]
    assert note.seen == [
        ("begin", 2, 2),
        ("batch", 1, 1, 1, ["loss"]), ("batch", 1, 2, 2, ["loss"]), ("epoch", 1, 1, names),
        ("batch", 2, 1, 3, ["loss"]), ("batch", 2, 2, 4, ["loss"]), ("epoch", 2, 2, names),
        ("end", "NoneType", 2),
    ]  # fmt: skip


def test_a_callback_stops_and_an_error_reaches_the_end_of_all():
    class Stop(nn.Callback):
        def on_epoch(self, run):
            if run.values["score"] > 1:
                run.stop()

    assert len(fit([0, 1, 2, 3], callbacks=[Stop()])) == 3

    class Fail(nn.Callback):
        def on_batch(self, run):
            raise ZeroDivisionError

    note, later = Note(), Note()
    with pytest.raises(ZeroDivisionError) as failed:
        fit(epochs=2, metrics=None, callbacks=[note, Fail(), later])
    assert note.seen[-1] == later.seen[-1] == ("end", "ZeroDivisionError", 0)
    assert len(failed.value.history) == 0


def test_what_fails_at_its_beginning_ends_those_that_had_begun():
    class Fail(nn.Callback):
        def on_begin(self, run):
            raise ZeroDivisionError

        def on_end(self, run):
            raise AssertionError("it has not begun")

    note = Note()
    with pytest.raises(ZeroDivisionError):
        fit(callbacks=[note, Fail()])
    assert [hook for hook, *_ in note.seen] == ["begin", "end"]


# --- early stopping -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "options", "epochs", "best_epoch"),
    [
        ([5, 4, 4, 4, 1], {"patience": 2}, 4, 2),
        ([5, 4, 4.5, 3, 4, 4, 1], {"patience": 2}, 6, 4),
        ([5, 4.9, 4.8, 4.7, 1], {"patience": 2, "min_delta": 0.15}, 5, 5),
        ([5, 4.95, 4.9, 4.85, 1], {"patience": 2, "min_delta": 0.15}, 3, 1),
        ([1, 2, 2, 2, 2], {"patience": 3, "mode": "max"}, 5, 2),
        ([1, 2, 3, 2, 1, 9], {"patience": 2, "mode": "max"}, 5, 3),
        ([np.nan, np.nan, np.nan], {"patience": 2}, 2, 0),
        ([2, np.nan, 1, np.nan, np.nan, 0], {"patience": 2}, 5, 3),
        ([3, 2, 1], {"patience": 5}, 3, 3),
    ],
)
@pytest.mark.parametrize("restore_best", [True, False])
def test_early_stopping(values, options, epochs, best_epoch, restore_best):
    states = []
    model = nn.Linear(2, 2, rng=np.random.default_rng(0))
    stop = nn.EarlyStopping("score", **{"mode": "min", "restore_best": restore_best, **options})
    history = fit(
        values,
        model=model,
        callbacks=[stop],
        on_epoch=lambda n, h: states.append(model.state_dict()),
    )
    assert len(history) == epochs
    assert stop.best_epoch == best_epoch
    kept = states[best_epoch - 1 if restore_best and best_epoch else -1]
    assert all(np.array_equal(kept[k], v) for k, v in model.state_dict().items())


def test_a_stop_is_as_good_as_new_in_the_next_training():
    stop = nn.EarlyStopping("score", patience=2, mode="max")
    for _ in range(2):
        assert len(fit([3, 2, 1, 0], callbacks=[stop])) == 3


def test_the_better_side_of_a_metric_is_known_or_asked_for():
    assert len(fit([0.5, 0.4, 0.3, 0.2], callbacks=[nn.EarlyStopping("loss", 1)])) == 4
    for metric, said in (
        ("score", r"is 'score' better when it is small or when it is large\? Say mode='min'"),
        ("val_loss", r"no metric 'val_loss'; there are loss, score\. Those of validation need"),
        ("acc", r"no metric 'acc'; there are loss, score$"),
    ):
        with pytest.raises(ValueError, match=said):
            fit(callbacks=[nn.EarlyStopping(metric)])
    with pytest.raises(ValueError, match="mode must be 'min' or 'max', not 'low'"):
        fit(callbacks=[nn.EarlyStopping("loss", mode="low")])
    with pytest.raises(ValueError, match="patience must be at least 1"):
        nn.EarlyStopping(patience=0)


def test_ctrl_c_keeps_the_last_parameters():
    model = nn.Linear(2, 2)

    def interrupt(epoch, history):
        if epoch == 3:
            raise KeyboardInterrupt

    states = []
    stop = nn.EarlyStopping("score", mode="min")
    with pytest.raises(KeyboardInterrupt):
        fit([1, 2, 3], model=model, callbacks=[stop, Keep(model, states)], on_epoch=interrupt)
    assert all(np.array_equal(states[-1][k], v) for k, v in model.state_dict().items())


class Keep(nn.Callback):
    def __init__(self, model, states):
        self.model, self.states = model, states

    def on_epoch(self, run):
        self.states.append(self.model.state_dict())


# --- the history ----------------------------------------------------------------------------------


def history(epochs=12, bad=()):
    h = nn.History()
    for k in range(epochs):
        loss = np.nan if k in bad else 1 / (k + 1)
        h.append({"loss": loss, "accuracy": 0.5, "lr": 0.1 / (k + 1), "val_loss": (k - 5) ** 2 + 1})
    return h


def test_the_best_epoch():
    h = history()
    assert h.best() == (6, 1.0)
    assert h.best("loss") == (12, pytest.approx(1 / 12))
    h.append({"loss": 3.0, "accuracy": 0.75, "lr": 1.0, "val_loss": np.nan})
    assert h.best("accuracy") == (13, 0.75)
    assert h.best() == (6, 1.0)
    with pytest.raises(KeyError, match="no metric 'f1'"):
        h.best("f1")


def test_the_table_has_every_epoch_or_round_ones():
    lines = str(history().table()).splitlines()
    assert lines[0].split() == ["epoch", "loss", "accuracy", "lr", "val_loss"]
    assert lines[2].split() == ["1", "1", "0.5", "0.1", "26"]
    assert len(lines) == 14
    shown = [line.split()[0] for line in str(history(2345).table()).splitlines()[2:]]
    assert shown == ["1", *(f"{k:,}" for k in range(200, 2345, 200)), "2,345"]
    html = history()._repr_html_()
    assert html.count("<tr>") == 13
    assert '<td style="text-align: right">26</td>' in html
    nn.History().table()


@pytest.mark.parametrize(
    ("h", "panels"),
    [
        (history(1), ["loss", "accuracy"]),
        (history(), ["loss", "accuracy", "learning rate"]),
        (history(9, bad=(3, 4)), ["loss", "accuracy", "learning rate"]),
        (history(4, bad=range(4)), ["loss", "accuracy", "learning rate"]),
        (history(10_000, bad=(7,)), ["loss", "accuracy", "learning rate"]),
    ],
    ids=["one", "twelve", "nan", "all-nan", "many"],
)
def test_curves(h, panels, tmp_path):
    pytest.importorskip("matplotlib")
    figure = h.plot(tmp_path / "history.png")
    assert [axes.get_title(loc="left") for axes in figure.axes] == panels
    loss = figure.axes[0]
    labels = [text.get_text() for text in loss.get_legend().get_texts()]
    assert {"training", "validation"} - set(labels) <= ({"training"} if len(h) == 4 else set())
    assert loss.texts[0].get_text() == f"best: 1 in epoch {6:,}" or len(h) < 6
    sizes = [len(line.get_xdata()) for axes in figure.axes for line in axes.get_lines()]
    assert max(sizes) <= 1000
    assert (tmp_path / "history.png").read_bytes()[:4] == b"\x89PNG"
    assert figure._repr_png_()[:4] == b"\x89PNG"


def test_curves_of_nothing_and_without_matplotlib(monkeypatch):
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="without epochs"):
        nn.History().plot()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "tinygrad-np\[viz\]"'):
        history().plot()
    fit(callbacks=[nn.LiveCurve()])
    monkeypatch.setitem(sys.modules, "IPython", notebook([]))
    with pytest.raises(ImportError, match=r'pip install "tinygrad-np\[viz\]"'):
        fit(callbacks=[nn.LiveCurve()])


def notebook(shown):
    """An IPython in a notebook, which notes what it shows."""

    class Handle:
        def update(self, figure):
            shown.append(len(figure.axes))

    def display(figure, display_id):
        shown.append("new")
        return Handle()

    return types.SimpleNamespace(
        get_ipython=lambda: types.SimpleNamespace(kernel=1),
        display=types.SimpleNamespace(display=display),
    )


def test_live_curves_in_a_notebook_and_elsewhere(monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    shown = []
    fit([0, 0, 0], callbacks=[nn.LiveCurve()])
    assert capsys.readouterr() == ("", "")
    monkeypatch.setitem(sys.modules, "IPython", notebook(shown))
    fit([0, 0, 0], callbacks=[nn.LiveCurve(seconds=999)])
    assert shown == ["new", 2]  # the first epoch, and the end


# --- learning rates -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [nn.SGD, nn.Adam])
def test_find_lr_finds_the_steep_part_and_changes_nothing(make):
    tg.manual_seed(0)
    generator = np.random.default_rng(1)
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.2, rng=generator),
                          nn.Dropout(0.1), nn.Linear(8, 2))  # fmt: skip
    schedule = nn.InverseTimeDecay(0.1, 0.1)
    optimizer = make(model.parameters(), schedule)
    rng = np.random.default_rng(3)
    nn.fit(model, X, Y, loss="cross_entropy", optimizer=optimizer, progress=False, rng=rng)

    def state():
        arrays = {**model.state_dict(), **optimizer.state_dict()}
        generators = [g.bit_generator.state for g in (generator, rng, tg.default_generator())]
        return arrays, generators, [m.training for m in model.modules()], optimizer.lr

    before, grads = state(), [p.grad for p in model.parameters()]
    x = np.random.default_rng(5).standard_normal((600, 2))
    y = (x[:, 0] > 0).astype(int)
    options = {"loss": "cross_entropy", "optimizer": optimizer, "batch_size": 64}
    rates = nn.find_lr(model, x, y, rng=rng, **options)
    after = state()
    assert before[1:] == after[1:]
    assert all(np.array_equal(v, after[0][k]) for k, v in before[0].items())
    assert [p.grad for p in model.parameters()] == grads
    assert np.allclose(np.diff(np.log(rates.lrs)), np.log(1e8) / 99)
    assert 1e-3 < rates.suggestion < 10
    assert repr(rates).startswith("LearningRates(1e-07 to ")


def test_the_suggestion_is_where_a_known_curve_is_steepest():
    """Gradient descent on w²/2 from w = 1: the loss after rates that rise is known."""

    class Weight(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(np.ones(1))

        def forward(self, x):
            return x * self.w

    model = Weight()
    one = np.ones((1, 1))
    optimizer = nn.SGD(model.parameters())
    options = {"loss": lambda out, y: (out * out).mean() / 2, "optimizer": optimizer}
    found = nn.find_lr(model, one, one * 0, low=1e-4, high=1000, steps=50, **options)
    w, losses = 1.0, []
    for rate in np.geomspace(1e-4, 1000, 50):
        losses.append(w * w / 2)
        w -= rate * w
    losses = np.array(losses[: len(found.losses)])
    assert np.allclose(found.losses, losses)
    weights = 0.9 ** np.arange(len(losses))
    smooth = [
        np.average(losses[: k + 1][::-1], weights=weights[: k + 1]) for k in range(len(losses))
    ]
    assert np.allclose(found.smooth, smooth)
    falls = np.subtract(smooth[10:-10], smooth[20:])  # over ten steps, without the first ten
    assert found.suggestion == pytest.approx(found.lrs[15 + falls.argmax()])
    rising = nn.find_lr(model, one, one * 0, low=2.5, high=1e4, steps=50, **options)
    assert [loss > 4 * 0.5 for loss in rising.smooth] == [False, False, True]
    assert model.w.item() == 1


def test_a_trial_that_can_not_be_made():
    model = nn.Linear(2, 2)
    options = {"loss": "cross_entropy", "optimizer": nn.SGD(model.parameters())}
    for given, said in (
        ({"low": 0}, "0 < low < high"),
        ({"high": 1e-9}, "0 < low < high"),
        ({"steps": 2}, "steps must be at least 3"),
        ({"loss": lambda out, y: out.sum() * np.nan}, "not finite before any update"),
    ):
        with pytest.raises(ValueError, match=said):
            nn.find_lr(model, X, Y, **options | given)
    rates = nn.LearningRates([0.1, 0.2, 0.4], [1.0, 2.0, 3.0])
    assert rates.suggestion is None
    assert repr(rates) == "LearningRates(0.1 to 0.4; suggestion none)"


def test_the_picture_of_a_trial(tmp_path):
    pytest.importorskip("matplotlib")
    for losses in ([3.0, 2.0, 1.0, 0.5], [1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0]):
        rates = nn.LearningRates([0.1, 0.2, 0.4, 0.8], losses)
        figure = rates.plot(tmp_path / "rates.svg")
        assert bool(figure.axes[0].texts) == (rates.suggestion is not None)
    assert "<svg" in (tmp_path / "rates.svg").read_text(encoding="utf-8")


# --- films ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [1, 3, 9, 10, 11, 40, 137])
def test_a_film_is_evenly_spaced_and_has_first_and_last_step(epochs):
    film, model = nn.Film(frames=10), nn.Linear(2, 2, rng=np.random.default_rng(0))
    start = [p.data.copy() for p in model.parameters()]
    history = fit(epochs=epochs, metrics=None, model=model, callbacks=[film])
    assert film.steps[0] == 0
    assert film.steps[-1] == epochs
    assert min(10, epochs + 1) // 2 <= len(film.steps) <= 10
    assert len(set(np.diff(film.steps[:-1]))) <= 1
    for first, last, before, after in zip(
        film.arrays[0], film.arrays[-1], start, model.parameters(), strict=True
    ):
        np.testing.assert_array_equal(first, before)
        np.testing.assert_array_equal(last, after.data)
    losses = [history["loss"][step] for step in film.steps[:-1]]
    np.testing.assert_allclose(film.losses[:-1], losses, rtol=1e-6)
    assert np.isnan(film.losses[-1])


def test_frames_of_a_film_are_the_parameters_whose_loss_they_tell():
    film, model = nn.Film(frames=30), nn.Linear(2, 2, rng=np.random.default_rng(0))
    fit(epochs=25, metrics=None, model=model, callbacks=[film])
    for arrays, loss in zip(film.arrays[:-1], film.losses, strict=False):
        with tg.no_grad():
            for tensor, array in zip(film.tensors, arrays, strict=True):
                tensor.assign(array)
        assert float(nn.cross_entropy(model(X), Y)) == pytest.approx(loss, rel=1e-6)


def test_a_film_is_bounded_in_memory_and_begins_anew():
    film, model = nn.Film(megabytes=24e-6 * 5), nn.Linear(2, 2, rng=np.random.default_rng(0))
    fit(epochs=50, metrics=None, model=model, callbacks=[film])
    assert sum(a.nbytes for frame in film.arrays for a in frame) <= 120
    assert film.steps[-1] == 50
    fit(epochs=2, metrics=None, model=model, callbacks=[film])
    assert film.steps == [0, 1, 2]
    with pytest.raises(ValueError, match="frames"):
        nn.Film(frames=1)


def test_a_film_is_complete_up_to_an_error():
    film = nn.Film()

    def stop(epoch, history):
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(epochs=9, metrics=None, callbacks=[film], on_epoch=stop)
    assert film.steps == [0, 1, 2, 3]
