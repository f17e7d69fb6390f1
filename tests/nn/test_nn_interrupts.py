"""Ctrl-C while training: a step is done or not done, and what was learned is kept."""

import sys

import numpy as np
import pytest

import nn
import tinygrad_np as tg

OPTIMIZERS = {
    "SGD": lambda params: nn.SGD(params, lr=0.1),
    "momentum": lambda params: nn.SGD(params, lr=0.1, momentum=0.9),
    "Adam": lambda params: nn.Adam(params, lr=0.1),
    "AdamW": lambda params: nn.AdamW(params, lr=0.1),
}


class Interrupt:
    """Raise KeyboardInterrupt at the k-th line that runs in this project, its modes left out."""

    def __init__(self, k):
        self.left = k

    def __call__(self, frame, event, argument):
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(("nn.", "tinygrad_np.")) or module == "tinygrad_np.core.modes":
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


def interrupted(k, run):
    """Run until the k-th line; return True if that was reached."""
    before = sys.gettrace()
    sys.settrace(Interrupt(k))
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
def test_a_step_is_done_or_not_done_wherever_it_is_interrupted(name, reached):
    params = [nn.Parameter(np.full(n, 2.0)) for n in (2, 3, 1)]
    optimizer = OPTIMIZERS[name](params)

    def give_gradients():
        for p, is_reached in zip(params, reached, strict=True):
            p.grad = tg.Tensor(np.ones(p.shape)) if is_reached else None

    give_gradients()
    optimizer.step()
    undone = 0
    for k in range(1, 1000):
        give_gradients()
        before = state_of(optimizer)
        if not interrupted(k, optimizer.step):
            break
        after = state_of(optimizer)
        if equal(before, after):
            undone += 1
        else:  # all of it is done
            assert optimizer.steps == before[-1] + 1
            for p, was, is_reached in zip(params, before, reached, strict=False):
                assert (p.numpy() != was).all() == is_reached
        assert tg.is_grad_enabled()
    assert 20 < undone < k


def test_the_steps_after_an_interrupted_one_are_as_if_it_had_not_been():
    def run(interrupt_at):
        w = nn.Parameter([3.0, -2.0])
        optimizer = nn.Adam([w], lr=0.1)
        for k in range(6):
            optimizer.zero_grad()
            (w * w).sum().backward()
            if k == 3 and interrupt_at:
                assert interrupted(interrupt_at, optimizer.step)
            if optimizer.steps == k:
                optimizer.step()
        return w.tolist()

    for line in range(1, 60, 7):
        assert run(line) == run(None)


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
        history = stop.history
    return model, optimizer, history


def interrupt_in(epoch):
    def when(n):
        if n == epoch:
            raise KeyboardInterrupt

    return when


@pytest.mark.parametrize("compile", [None, True, False])
def test_an_interrupted_training_keeps_its_history_and_its_model(compile):
    model, optimizer, history = train(100, compile, interrupt_in(7))
    other, other_optimizer, whole = train(7, compile)
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


def test_an_interrupt_anywhere_in_fit_keeps_whole_updates():
    """Line by line through three epochs: parameters are those after some number of updates."""
    model, x, y, optimizer = problem()
    after = [state_of(optimizer)]
    for _ in range(3):
        optimizer.zero_grad()
        nn.cross_entropy(model(x.astype(np.float32)), y).backward()
        optimizer.step()
        after.append(state_of(optimizer))

    lines = 0
    for k in [*range(1, 200, 13), *range(200, 9000, 97)]:
        model, x, y, optimizer = problem()
        options = {"loss": nn.cross_entropy, "optimizer": optimizer, "compile": False}
        if not interrupted(k, lambda: nn.fit(model, x, y, **options, epochs=3, progress=False)):
            break
        lines += 1
        assert equal(state_of(optimizer), after[optimizer.steps])
    assert lines > 20


def test_a_training_that_fails_has_its_history_too():
    model, x, y, optimizer = problem()
    calls = []

    def loss(output, target):
        calls.append(None)
        return nn.cross_entropy(output, target) * (np.nan if len(calls) == 4 else 1.0)

    with pytest.raises(FloatingPointError, match="the loss is nan in epoch 4") as failed:
        nn.fit(
            model, x, y, loss=loss, optimizer=optimizer, epochs=9, progress=False, compile=False
        )
    assert len(failed.value.history) == 3
    assert optimizer.steps == 3
