"""Checkpoints: a training that was stopped anywhere goes on with the same numbers, bit for bit."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

ROOT = Path(__file__).parent.parent.parent
X = np.random.default_rng(0).standard_normal((22, 2)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)


class Count(nn.Module):
    """A layer with a state that is not saved with the model."""

    def __init__(self):
        self.calls = nn.Buffer(np.zeros(()), persistent=False)

    def forward(self, x):
        self.calls.assign(self.calls + 1)
        return x * (1 + 0.01 / (1 + self.calls)).astype(x.dtype)


def training(folder, *, epochs=8, seed=0, stop_at=None, width=8, x=X, y=Y, **options):
    """Train a network with dropout and batch norm; the history and everything that was learned."""
    tg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Linear(2, width, rng=rng),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Dropout(0.3, rng=rng),
        nn.Dropout(0.1),
        Count(),
        nn.Linear(width, 2, rng=rng),
    )
    optimizer = nn.Adam(model.parameters(), nn.InverseTimeDecay(0.05, 0.01))
    stop = nn.EarlyStopping("val_loss", patience=3, min_delta=0.001)
    best = nn.Checkpoint(folder / "best.npz", best="val_loss")
    last = nn.Checkpoint(folder / "last.npz", updates=options.pop("updates", None))
    updates = []

    class Kill(nn.Callback):
        def on_batch(self, run):
            updates.append(run.updates)
            if run.updates == stop_at:
                raise KeyboardInterrupt

    options = {"compile": False, "batch_size": 5, "rng": np.random.default_rng(7)} | options
    try:
        history = nn.fit(
            model, x, y, loss="cross_entropy", optimizer=optimizer, epochs=epochs,
            validation_data=(X[:9], Y[:9]), metrics=["accuracy", "f1"], progress=False,
            callbacks=[last, stop, Kill(), best], **options,
        )  # fmt: skip
    except KeyboardInterrupt as stopped:
        history = stopped.history
    state = {**model.state_dict(), **optimizer.state_dict(), "wait": stop.wait, "best": stop.best}
    return history.metrics, state, len(updates)


def same(one, other):
    assert one[0] == other[0]
    assert one[1].keys() == other[1].keys()
    for name, value in one[1].items():
        assert np.array_equal(value, other[1][name]), name


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda file: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return training(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("updates", [None, 1, 2])
@pytest.mark.parametrize("stop_at", [3, 5, 16, 29])
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(
    tmp_path, whole, stop_at, updates
):
    _, _, done = training(tmp_path, stop_at=stop_at, updates=updates)
    assert done == stop_at
    is_begun = (tmp_path / "last.npz").exists()
    resumed = training(tmp_path, seed=99 if is_begun else 0, resume=True, updates=updates)
    same(whole, resumed)
    # The Ctrl-C comes before the writing; an epoch of five updates is written at its end.
    written = [k for k in range(stop_at) if k % 5 == 0 or (updates and k % updates == 0)]
    assert resumed[2] == whole[2] - written[-1]


@pytest.mark.parametrize("options", [{"compile": None}, {"accumulate": 2}, {"batch_size": None}])
def test_compiled_accumulated_and_full_batches_go_on_too(tmp_path, options):
    (tmp_path / "whole").mkdir()
    expected = training(tmp_path / "whole", **options)
    training(tmp_path, stop_at=4, updates=1, **options)
    same(expected, training(tmp_path, resume=tmp_path / "last.npz", **options))


def test_a_training_that_was_complete_is_complete(tmp_path, whole):
    training(tmp_path)
    resumed = training(tmp_path, resume=True)
    same(whole, resumed)
    assert resumed[2] == 0


def test_more_epochs_after_a_complete_training(tmp_path, whole):
    training(tmp_path, epochs=3)
    same(whole, training(tmp_path, epochs=8, resume=True))


def test_the_best_epoch_is_in_the_other_file(tmp_path, whole):
    training(tmp_path)
    best = nn.load(tmp_path / "best.npz")
    losses = whole[0]["val_loss"]
    assert best["run.complete"] == int(np.argmin(losses)) + 1
    assert best["history.val_loss"][-1] == min(losses)


def test_resume_true_begins_where_there_is_no_file(tmp_path, whole):
    same(whole, training(tmp_path, resume=True))
    with pytest.raises(ValueError, match=r"needs an nn\.Checkpoint in callbacks"):
        nn.fit(
            nn.Linear(2, 2), X, Y, loss="cross_entropy", resume=True, progress=False,
            optimizer=nn.SGD([nn.Parameter([1.0])]),
        )  # fmt: skip


@pytest.mark.parametrize("compile", [None, False])
def test_a_rate_that_waits_for_a_plateau_goes_on_too(tmp_path, compile):
    def run(folder, epochs, **options):
        model = nn.Linear(2, 2, rng=np.random.default_rng(0))
        rate = nn.ReduceLROnPlateau(3.0, patience=1, factor=0.5)
        return nn.fit(
            model, X, Y, loss="cross_entropy", optimizer=nn.SGD(model.parameters(), rate),
            epochs=epochs, on_epoch=lambda n, h: rate.step(h["loss"][-1]), progress=False,
            batch_size=4, rng=np.random.default_rng(1), compile=compile,
            callbacks=[nn.Checkpoint(folder / "run.npz")], **options,
        ).metrics  # fmt: skip

    (tmp_path / "whole").mkdir()
    whole = run(tmp_path / "whole", 12)
    assert len(set(whole["lr"])) > 2
    run(tmp_path, 7)
    assert run(tmp_path, 12, resume=True) == whole


def test_averages_of_the_weights_go_on_too(tmp_path):
    def run(epochs, **options):
        model = nn.Linear(2, 2, rng=np.random.default_rng(0))
        ema = nn.EMA(model, decay=0.9)
        nn.fit(
            model, X, Y, loss="cross_entropy", optimizer=nn.SGD(model.parameters(), 0.1),
            epochs=epochs, batch_size=4, rng=np.random.default_rng(1), progress=False,
            callbacks=[nn.Checkpoint(tmp_path / "run.npz", updates=5), ema], **options,
        )  # fmt: skip
        return ema.state_dict()

    whole = run(4)
    assert whole["updates"] == 24
    run(3)
    again = run(4, resume=True)
    assert whole.keys() == again.keys()
    assert all(np.array_equal(whole[name], again[name]) for name in whole)


# --- what does not fit ----------------------------------------------------------------------------


def test_a_checkpoint_of_another_training_is_refused_and_nothing_changes(tmp_path):
    training(tmp_path, epochs=2)
    file = (tmp_path / "last.npz").read_bytes()
    for options, error, said in (
        ({"width": 9}, ValueError, r"0\.weight has shape \(2, 9\), but the state has \(2, 8\)"),
        ({"x": X[:20], "y": Y[:20]}, ValueError, r"other x: \(22, 2\) there, \(20, 2\) here"),
        ({"batch_size": 4}, ValueError, r"other batch_size: 5 there, 4 here"),
        ({"shuffle": False}, ValueError, r"other shuffle: True there, False here"),
        ({"resume": tmp_path / "none.npz"}, FileNotFoundError, "none.npz"),
    ):
        states = {}
        make = nn.Adam.__init__

        def keep(self, params, *args, make=make, states=states, **kwargs):
            make(self, params, *args, **kwargs)
            states["params"] = [(p, p.numpy().copy()) for p in self.params]
            states["optimizer"] = self, self.state_dict()

        options = {"resume": True, **options}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nn.Adam, "__init__", keep)
            with pytest.raises(error, match=said):
                training(tmp_path, **options)
        assert all(np.array_equal(p.numpy(), before) for p, before in states["params"])
        optimizer, before = states["optimizer"]
        assert all(np.array_equal(before[k], v) for k, v in optimizer.state_dict().items())
        assert (tmp_path / "last.npz").read_bytes() == file


def fit(**options):
    model = nn.Linear(2, 2)
    return nn.fit(
        model, X, Y, loss="cross_entropy", optimizer=nn.SGD(model.parameters()), progress=False,
        **options,
    )  # fmt: skip


def test_other_callbacks_metrics_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    fit(callbacks=[nn.Checkpoint(path), nn.EarlyStopping("loss")])
    with pytest.raises(ValueError, match="other callbacks: EarlyStopping, Checkpoint there, Check"):
        fit(callbacks=[nn.Checkpoint(path)], resume=path)
    with pytest.raises(ValueError, match="other metrics:  there, accuracy here"):
        fit(callbacks=[nn.Checkpoint(path), nn.EarlyStopping("loss")], metrics=["accuracy"],
            resume=path)  # fmt: skip
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"no whole \.npz file"):
        fit(callbacks=[nn.EarlyStopping("loss")], resume=path)
    nn.save(nn.Linear(2, 2), path)
    with pytest.raises(KeyError, match="the file has nothing of 'run'"):
        fit(resume=path)


# --- writing --------------------------------------------------------------------------------------


def test_what_can_not_be_written_is_said_before_the_training(tmp_path):
    seen = []
    options = {"on_epoch": lambda epoch, history: seen.append(epoch)}
    (tmp_path / "folder.npz").mkdir()
    for path, error, said in (
        (tmp_path / "nowhere" / "run.npz", FileNotFoundError, "there is no folder"),
        (tmp_path / "folder.npz", IsADirectoryError, "it is a folder"),
        (tmp_path / "run.pt", ValueError, r"must end in \.npz or \.safetensors"),
    ):
        with pytest.raises(error, match=said):
            fit(callbacks=[nn.Checkpoint(path)], **options)
    with pytest.raises(ValueError, match=r"no metric 'val_loss'; there are loss\. Those of valid"):
        fit(callbacks=[nn.Checkpoint(tmp_path / "a.npz", best="val_loss")], **options)
    assert seen == []
    assert [p.name for p in tmp_path.iterdir()] == ["folder.npz"]


def test_a_full_disk_ends_the_training_and_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    losses = fit(epochs=3, callbacks=[nn.Checkpoint(path)])["loss"]
    before = path.read_bytes()

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    class Fill(nn.Callback):
        def on_epoch(self, run):
            monkeypatch.setattr("os.fsync", full)

    with pytest.raises(OSError, match="No space left") as failed:
        fit(epochs=5, callbacks=[nn.Checkpoint(path), Fill()], resume=path)
    assert failed.value.history["loss"][:3] == losses
    assert len(failed.value.history) == 4
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_nn_checkpoints import training
count, sync = [0], os.fsync
def die(file):
    count[0] += 1
    if count[0] == {at}:
        os.write(file, b"half of a file")
        os.kill(os.getpid(), signal.SIGKILL)
    sync(file)
os.fsync = die
training(Path({folder!r}), resume=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_kill_in_the_middle_of_a_write(tmp_path, whole):
    for at in (4, 2, 1):
        code = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path), at=at)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert 0 < nn.load(tmp_path / "last.npz")["run.complete"] < 8
    same(whole, training(tmp_path, resume=True))
