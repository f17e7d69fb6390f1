"""fit with bad input, with losses that are not finite, and its progress bar."""

import itertools
import re
import sys
import time
import types

import numpy as np
import pytest

import nn
import tinygrad_np as tg


def fit(model=None, x=None, y=None, **options):
    model = model or nn.Linear(2, 1)
    x = np.ones((4, 2)) if x is None else x
    y = np.ones((4, 1)) if y is None else y
    options = {"loss": nn.mse_loss, "progress": False, **options}
    if "optimizer" not in options:
        options["optimizer"] = nn.SGD(model.parameters(), lr=1e-3)
    return nn.fit(model, x, y, **options)


# Losses that count their calls or return numbers can't be compiled: fit warns and runs them.
runs_uncompiled = pytest.mark.filterwarnings("ignore:.* runs uncompiled:tinygrad_np.CompileWarning")


# --- losses that are not finite ------------------------------------------------------------------


@runs_uncompiled
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("penalty", [0, 0.1])
def test_a_loss_that_is_not_finite_stops_before_the_update(bad, penalty):
    model = nn.Linear(2, 1, weight_l2=penalty)
    optimizer = nn.Adam(model.parameters(), lr=0.1)
    calls = []

    def loss(output, target):
        calls.append((model.state_dict(), {k: v.copy() for k, v in optimizer.state.items()}))
        return nn.mse_loss(output, target) + (bad if len(calls) == 5 else 0)

    with pytest.raises(FloatingPointError, match=rf"the loss is {bad} in epoch 3.*learning rate"):
        fit(model, loss=loss, optimizer=optimizer, epochs=9, batch_size=2)
    assert len(calls) in (5, 6)  # the fifth is looked at once more, for the cause
    values, state = calls[4]
    assert all(np.array_equal(values[k], v) for k, v in model.state_dict().items())
    assert all(np.array_equal(state[k], v) for k, v in optimizer.state.items())
    assert optimizer.steps == 4
    assert model.training


def test_nan_in_the_data():
    model = nn.Linear(2, 1)
    before = model.state_dict()
    x = np.ones((4, 2))
    x[2, 1] = np.nan
    with pytest.raises(FloatingPointError, match="row 2 of x has nan in column 1"):
        fit(model, x)
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (np.ones((4, 2)), np.ones((3, 1)), r"same length: their shapes are \(4, 2\), \(3, 1\)"),
        (np.ones((0, 2)), np.ones((0, 1)), "x and y are empty"),
        (1.0, 2.0, r"same length: their shapes are \(\), \(\)"),
        (np.ones((4, 2)), 1.0, "same length"),
        ([[1.0, 2.0], [1.0]], np.ones((2, 1)), "lengths differ"),
        (np.ones((4, 3)), np.ones((4, 1)), r"needs inputs of shape \(\.\.\., 2\), not \(4, 3\)"),
        (np.ones((4, 2)), np.ones(4), r"would fit"),
    ],
    ids=["lengths", "empty", "numbers", "one-target", "ragged", "width", "column"],
)
def test_data_that_do_not_fit(x, y, said):
    with pytest.raises(ValueError, match=said):
        fit(x=x, y=y)


@pytest.mark.parametrize("x", ["abc", None, ["a", "b"], np.array([[object()] * 2] * 4)])
def test_data_that_are_not_numbers(x):
    with pytest.raises(TypeError, match="expected numbers"):
        nn.fit(nn.Linear(2, 1), x, x, loss=nn.mse_loss, optimizer=None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((np.ones((3, 2)), np.ones((2, 1))), "the validation data must have the same length"),
        ((np.ones((0, 2)), np.ones((0, 1))), "the validation data are empty"),
        ((np.ones((3, 2)),), "validation"),
        ((np.ones((3, 2)), np.ones((3, 1)), np.ones(3)), "validation"),
        (np.ones((3, 2)), "validation"),
    ],
    ids=["lengths", "empty", "one", "three", "array"],
)
def test_validation_data_are_checked_before_training_starts(given, said):
    model = nn.Linear(2, 1)
    before = model.state_dict()
    with pytest.raises((ValueError, TypeError), match=said):
        fit(model, validation_data=given)
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize("options", [{"epochs": -1}, {"batch_size": 0}, {"batch_size": -3}])
def test_numbers_that_must_be_positive(options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        fit(**options)


def test_labels_out_of_range():
    with pytest.raises(ValueError, match="label 3 at row 1, but logits have 3 columns"):
        fit(nn.Linear(2, 3), y=np.array([0, 3, 1, 2]), loss=nn.cross_entropy)


@runs_uncompiled
@pytest.mark.parametrize("penalty", [0, 0.1])
@pytest.mark.parametrize(
    "loss",
    [
        lambda out, y: nn.mse_loss(out, y, reduction="none"),
        lambda out, y: out,
        lambda out, y: nn.mse_loss(out, y).item(),
        lambda out, y: np.float64(0.5),
        lambda out, y: None,
    ],
    ids=["per-sample", "output", "number", "numpy-number", "none"],
)
def test_a_loss_that_is_no_scalar_tensor(loss, penalty):
    model = nn.Linear(2, 1, weight_l2=penalty)
    before = model.state_dict()
    with pytest.raises(ValueError, match="loss function must return a scalar Tensor, not"):
        fit(model, loss=loss)
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize("penalty", [0, 0.1])
def test_a_loss_that_was_cut_off_from_the_graph(penalty):
    model = nn.Linear(2, 1, weight_l2=penalty)
    before = model.state_dict()
    with pytest.raises(RuntimeError, match="the loss was not computed from any parameter"):
        fit(model, loss=lambda out, y: nn.mse_loss(out, y).detach())
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())


def test_everything_frozen():
    model = nn.Linear(2, 1)
    optimizer = nn.SGD(model.parameters())
    model.requires_grad_(False)
    with pytest.raises(RuntimeError, match="requires_grad=True"):
        fit(model, optimizer=optimizer)


def test_an_optimizer_of_another_model():
    with (
        pytest.warns(UserWarning, match="does not hold the model's weight, bias"),
        pytest.raises(RuntimeError, match="no parameter has a gradient"),
    ):
        fit(optimizer=nn.SGD(nn.Linear(2, 1).parameters()))


def test_a_part_frozen_trains_the_rest():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    model[0].requires_grad_(False)
    before = model.state_dict()
    fit(model)
    same = [np.array_equal(before[k], v) for k, v in model.state_dict().items()]
    assert same == [True, True, False, False]


def test_unknown_options():
    with pytest.raises(TypeError, match="batchsize"):
        fit(batchsize=3)


def test_fit_under_no_grad_says_why():
    with tg.no_grad(), pytest.raises(RuntimeError, match=r"no_grad\(\)"):
        fit()


# --- the progress bar ----------------------------------------------------------------------------


@pytest.fixture
def no_tqdm(monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "tqdm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tqdm", None)


@pytest.mark.parametrize("progress", [True, None])
def test_bar_shows_epochs_and_metrics(capsys, progress):
    pytest.importorskip("tqdm")
    fit(epochs=3, progress=progress, metrics={"score": lambda out, y: 0.123456})
    shown = capsys.readouterr().err
    assert "3/3" in shown
    assert "loss=" in shown
    assert "score=0.1235" in shown


def test_no_bar(capsys):
    fit(epochs=3, progress=False)
    captured = capsys.readouterr()
    assert captured.err == captured.out == ""


@pytest.mark.parametrize("fails", [False, True])
def test_bar_is_closed(monkeypatch, fails):
    package = pytest.importorskip("tqdm.auto")
    bars = []

    class Bar(package.tqdm):
        closed = False

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            bars.append(self)

        def close(self):
            self.closed = True
            super().close()

    def fail(epoch, history):
        raise KeyboardInterrupt

    monkeypatch.setattr(package, "tqdm", Bar)
    if fails:
        with pytest.raises(KeyboardInterrupt):
            fit(progress=True, on_epoch=fail)
    else:
        fit(progress=True)
    assert [bar.closed for bar in bars] == [True]


def test_without_tqdm_there_is_no_bar(no_tqdm, capsys):
    assert len(fit(epochs=2, progress=None)) == 2
    assert len(fit(epochs=2, progress=False)) == 2
    assert capsys.readouterr().err == ""


def test_without_tqdm_an_asked_for_bar_names_the_extra(no_tqdm):
    model = nn.Linear(2, 1)
    before = model.state_dict()
    with pytest.raises(ImportError, match=r'tqdm: pip install "tinygrad-np\[examples\]"'):
        fit(model, progress=True)
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())


@pytest.fixture
def notebook(monkeypatch, no_tqdm):
    """What IPython shows in a notebook: the text and the HTML of each display and update."""
    shown = []

    def display(value, display_id=False):
        shown.append((repr(value), value._repr_html_()))
        return types.SimpleNamespace(update=display)

    shell = types.SimpleNamespace(kernel=1)
    ipython = types.SimpleNamespace(
        get_ipython=lambda: shell, display=types.SimpleNamespace(display=display)
    )
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return shown


def share(html):
    return float(re.search(r'<progress value="([\d.]+)"', html)[1])


def tick(monkeypatch, seconds):
    """Let each look at the clock take so long."""
    clock = itertools.count(step=seconds)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))


@pytest.mark.parametrize("progress", [True, None])
def test_a_notebook_shows_a_bar_without_tqdm(notebook, monkeypatch, capsys, progress):
    tick(monkeypatch, 1.0)
    losses = []
    fit(
        epochs=3, progress=progress, metrics={"<b>": lambda out, y: 0.123456},
        on_epoch=lambda epoch, history: losses.append(f"{history['loss'][-1]:.4g}"),
    )  # fmt: skip
    texts = [text for text, _ in notebook]
    assert texts[0] == "epoch 0 / 3"
    metrics = [f"loss {loss} · <b> 0.1235" for loss in losses]
    assert f"epoch 2 / 3 · {metrics[1]} · 3.0 s left" in texts  # three looks in a third
    assert re.fullmatch(r"3 epochs in \d+\.0 s · " + re.escape(metrics[2]), texts[-1])
    shares = [share(html) for _, html in notebook]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert all("&lt;b&gt; 0.1235" in html for _, html in notebook[1:])
    assert capsys.readouterr() == ("", "")


def test_a_bar_in_a_notebook_goes_on_in_an_epoch_and_stands_where_it_was_stopped(
    notebook, monkeypatch
):
    tick(monkeypatch, 70.0)

    def stop(epoch, history):
        if epoch == 2:
            raise KeyboardInterrupt

    options = {"epochs": 100, "batch_size": 1, "progress": None, "on_epoch": stop}
    with pytest.raises(KeyboardInterrupt):
        fit(**options)
    assert [share(html) * 400 for _, html in notebook[:6]] == pytest.approx([0, 1, 2, 3, 4, 4])
    assert "epoch 1 / 100 · loss " in notebook[1][0]  # of the batch
    assert re.search(r" · \d+:\d\d:\d\d left$", notebook[3][0])
    assert re.match(r"2 epochs in 0:\d\d:\d\d · loss ", notebook[-1][0])
    assert share(notebook[-1][1]) == 0.02


def test_a_bar_in_a_notebook_is_not_shown_too_often_and_not_unasked(notebook):
    fit(epochs=300, progress=None)
    assert 2 <= len(notebook) < 100
    assert notebook[-1][0].startswith("300 epochs in ")
    notebook.clear()
    fit(epochs=0, progress=True)
    assert [text for text, _ in notebook] == ["epoch 0 / 0", "0 epochs in 0.0 s"]
    notebook.clear()
    fit(epochs=3, progress=False)
    assert notebook == []


# --- arrays that are more than an array -----------------------------------------------------------


def test_masked_data_is_refused():
    """999 is not trained on."""
    X = np.ma.masked_array([[1.0, 999.0], [1.0, 2.0], [0.0, 1.0]], mask=[[0, 1], [0, 0], [0, 0]])
    y = np.zeros((3, 1))
    model = nn.Sequential(nn.Linear(2, 1))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    before = model[0].weight.numpy().copy()
    for data in ((X, y), (X.filled(0.0), np.ma.masked_array(y, y == 0))):
        with pytest.raises(TypeError, match=r"mask.*\.filled"):
            nn.fit(model, *data, loss=nn.mse_loss, optimizer=optimizer, progress=False)
    np.testing.assert_array_equal(model[0].weight.numpy(), before)


def test_a_frame_and_a_series_are_the_arrays_that_they_hold():
    pd = pytest.importorskip("pandas")
    X = np.random.default_rng(0).normal(size=(20, 3))
    y = (X[:, 0] > 0).astype(int)
    losses = []
    for data in ((X, y), (pd.DataFrame(X, index=range(100, 120)), pd.Series(y))):
        tg.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 2))
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        history = nn.fit(
            model,
            *data,
            loss=nn.cross_entropy,
            optimizer=optimizer,
            epochs=2,
            batch_size=5,
            progress=False,
        )
        losses.append(history["loss"])
    assert losses[0] == losses[1]


def hidden(array):
    return np.ma.masked_array(array, mask=np.ones(np.shape(array), bool))


def optimizer_state(part):
    layer = nn.Linear(2, 1)
    optimizer = nn.Adam(layer.parameters(), lr=0.1)
    optimizer.load_state_dict(optimizer.state_dict() | part)


def hook_that_hides():
    t = tg.Tensor([1.0, 2.0], requires_grad=True)
    y = t * 2
    y.register_hook(lambda g: hidden(g.numpy()))
    y.sum().backward()


ROWS = np.ones((4, 2))
HIDING = {
    "state": lambda: nn.Linear(2, 1).load_state_dict({"weight": hidden(ROWS[:2, :1]), "bias": [0]}),
    "moments": lambda: optimizer_state({"m": hidden([1.0, 2.0, 3.0])}),
    "rate": lambda: optimizer_state({"lr": hidden(0.1)}),
    "learning rate": lambda: nn.SGD([nn.Parameter([1.0])], lr=hidden(0.1)),
    "saved": lambda: nn.save({"a": hidden([1.0])}, "never_written.npz"),
    "rows": lambda: nn.data.batches(hidden(ROWS), ROWS),
    "a list": lambda: nn.data.batches([hidden(ROWS[0])] * 4, ROWS),
    "targets": lambda: nn.data.batches(ROWS, hidden(ROWS)),
    "split": lambda: nn.data.split(hidden(ROWS), ROWS),
    "statistics": lambda: nn.data.Standardizer(hidden(ROWS)),
    "standardized": lambda: nn.data.Standardizer(ROWS)(hidden(ROWS)),
    "hook": hook_that_hides,
    "probe": lambda: tg.gradcheck(lambda x: (x * x).sum(), hidden(ROWS)),
}


@pytest.mark.parametrize("way", HIDING.values(), ids=HIDING)
def test_hidden_numbers_come_in_nowhere(way):
    with pytest.raises(TypeError, match="masked array"):
        way()
