"""Ctrl-C while training: a step is done or not done, and what was learned is kept."""

import copy
import itertools
import os
import signal
import sys
import threading
from contextvars import copy_context

import numpy as np
import pytest

import nn
import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

OPTIMIZERS = {
    "SGD": lambda params: nn.SGD(params, lr=0.1),
    "momentum": lambda params: nn.SGD(params, lr=0.1, momentum=0.9),
    "Adam": lambda params: nn.Adam(params, lr=0.1),
    "AdamW": lambda params: nn.AdamW(params, lr=0.1),
}


def interrupted(run, at):
    """Run with a Ctrl-C before line number `at` of the files that write; True if there was one.

    Lines are counted as they run.
    """
    files = {f"{name}.py" for name in ("base", "flat_parameters", "assigning")}
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        if os.path.basename(frame.f_code.co_filename) not in files:
            return None
        count += event == "line"
        if event == "line" and count == at:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def state_of(optimizer):
    values = [p.numpy().copy() for p in (*optimizer.params, *optimizer.state.values())]
    return [*values, np.array(optimizer.steps)]


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("reached", [(True, True, True), (True, False, True)])
def test_an_interrupted_step_is_done_or_not_done(name, reached):
    params = [nn.Parameter(np.full(n, 2.0)) for n in (2, 3, 1)]
    optimizer = OPTIMIZERS[name](params)

    def step():
        for p, is_reached in zip(params, reached, strict=True):
            p.grad = tg.Tensor(np.ones(p.shape)) if is_reached else None
        optimizer.step()

    step()
    start = copy.deepcopy(optimizer.state_dict()), [p.numpy() for p in params]
    step()
    end = state_of(optimizer)
    outcomes = []
    for at in itertools.count(1):
        optimizer.load_state_dict(start[0])
        with tg.no_grad():
            for p, w in zip(params, start[1], strict=True):
                p.assign(w)
        before = state_of(optimizer)
        was_interrupted = interrupted(step, at)
        after = state_of(optimizer)
        assert tg.is_grad_enabled()
        if not was_interrupted:
            assert equal(after, end)
            break
        assert equal(after, before) or equal(after, end)
        outcomes.append(equal(after, end))
    assert outcomes == sorted(outcomes)  # not done, and from some place on, done
    assert outcomes.count(False) > 20
    assert outcomes.count(True) > 0


def test_the_steps_after_an_interrupted_one_are_as_if_it_had_not_been():
    def run(at):
        w, u = nn.Parameter([3.0, -2.0]), nn.Parameter(1.0)
        optimizer = nn.Adam([w, u], lr=0.1)
        for k in range(6):
            optimizer.zero_grad()
            (w * w * u).sum().backward()
            if k == 3 and at:
                assert interrupted(optimizer.step, at)
            if optimizer.steps == k:
                optimizer.step()
        return w.tolist(), u.item()

    assert run(1) == run(10) == run(30) == run(50) == run(None)


# --- fit ------------------------------------------------------------------------------------------


def problem():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((12, 2)), rng.integers(0, 3, 12)
    model = nn.Sequential(nn.Linear(2, 8, rng=rng), nn.Tanh(), nn.Linear(8, 3, rng=rng))
    return model, x, y, nn.Adam(model.parameters(), lr=0.1)


def train(epochs, compile, when=lambda epoch: None, metric=lambda out, y: 0.0):
    model, x, y, optimizer = problem()
    options = {"loss": nn.cross_entropy, "optimizer": optimizer, "epochs": epochs}
    options |= {"progress": False, "compile": compile, "metrics": {"metric": metric}}
    options |= {"batch_size": 5, "rng": np.random.default_rng(1)}
    history = None
    try:
        history = nn.fit(model, x, y, **options, on_epoch=lambda n, _: when(n))
    except KeyboardInterrupt as stop:
        history = getattr(stop, "history", nn.History())  # none before the first epoch
    return model, optimizer, history


def interrupt_in(epoch):
    def when(n):
        if n == epoch:
            raise KeyboardInterrupt

    return when


@pytest.mark.parametrize("compile", [None, True, False])
def test_an_interrupted_training_keeps_its_history_and_its_model(compile):
    model, optimizer, history = train(100, compile, interrupt_in(7))
    _, other_optimizer, whole = train(7, compile)
    assert history.metrics == whole.metrics
    assert len(history) == 7
    assert optimizer.steps == other_optimizer.steps == 7 * 3
    assert equal(state_of(optimizer), state_of(other_optimizer))
    assert model.training


@pytest.mark.parametrize("compile", [None, False])
def test_an_interrupt_within_an_epoch_keeps_whole_updates_and_whole_epochs(compile):
    calls = []

    def metric(output, target):
        calls.append(None)
        if len(calls) == 3 * 4 + 2:  # after the update from the second batch of epoch 5
            raise KeyboardInterrupt
        return 0.0

    _, optimizer, history = train(100, compile, metric=metric)
    assert len(history) == 4
    assert {len(numbers) for numbers in history.metrics.values()} == {4}
    assert optimizer.steps == 3 * 4 + 2
    assert history["loss"] == train(4, compile)[2]["loss"]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
@pytest.mark.parametrize("compile", [None, False])
def test_ctrl_c_at_any_time_keeps_whole_updates_and_whole_epochs(compile):
    _, _, whole = train(60, compile)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    stopped = lost = 0
    try:
        for k in itertools.count():
            if stopped == 10:
                break
            main = threading.main_thread().ident
            timer = threading.Timer(0.02 + 0.004 * k, signal.pthread_kill, (main, signal.SIGINT))
            try:
                timer.start()
                # In a context of its own, which takes its modes with it.
                _, optimizer, history = copy_context().run(train, 5000, compile)
            except KeyboardInterrupt:  # on a slow machine, before the training was under way
                continue
            finally:
                timer.join()
            if len(history) == 5000:  # Python loses one that comes in a destructor, or a hook of gc
                lost += 1
                assert lost < 3
                continue
            stopped += 1
            assert optimizer.steps - 3 * len(history) in (0, 1, 2, 3)
            if not len(history):
                continue
            n = min(len(history), 60)
            assert history["loss"][:n] == whole["loss"][:n]
            assert {len(numbers) for numbers in history.metrics.values()} == {len(history)}
    finally:
        signal.signal(signal.SIGINT, previous)


def test_a_training_that_fails_has_its_history_too():
    model, x, y, optimizer = problem()
    calls = []

    def loss(output, target):
        calls.append(None)
        return nn.cross_entropy(output, target) * (np.nan if len(calls) == 4 else 1.0)

    with pytest.raises(FloatingPointError, match="the loss is nan in epoch 4") as failed:
        nn.fit(model, x, y, loss=loss, optimizer=optimizer, epochs=9, progress=False, compile=False)
    assert len(failed.value.history) == 3
    assert optimizer.steps == 3
