"""Threads that share leaves, graphs, generators and modules on their first use."""

import contextlib
import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def restless():
    """Let Python change threads after every few instructions."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(function, count=4):
    """Run `function(k)` in threads, and raise what one of them raised."""
    errors = []
    start = threading.Barrier(count)

    def run(k):
        start.wait()
        try:
            function(k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("size", "times"), [((), 300), ((7,), 200), ((200_000,), 40)])
def test_no_contribution_is_lost(size, times, seed):
    x = tg.Tensor(np.ones(size), requires_grad=True)
    b = tg.Tensor(0.0, requires_grad=True)
    factors = random.Random(seed).choices(range(1, 9), k=4)

    def backwards(k):
        for _ in range(times):
            (x * factors[k] + b).mean().backward()

    in_threads(backwards)
    np.testing.assert_allclose(x.grad, np.full(size, sum(factors) * times / x.size))
    assert b.grad.item() == pytest.approx(4 * times)


def test_recorded_gradients_add_up_too():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)

    def backwards(k):
        for _ in range(30):
            (x * x).sum().backward(create_graph=True)

    in_threads(backwards)
    np.testing.assert_allclose(x.grad.detach(), 2 * 120 * x.numpy())


def test_retained_gradients_and_hooks():
    x = tg.Tensor(np.ones(50), requires_grad=True)
    h = x * 3
    h.retain_grad()
    seen = []
    h.register_hook(lambda g: seen.append(1))
    loss = h.sum()

    def backwards(k):
        for _ in range(100):
            loss.backward(retain_graph=True)

    in_threads(backwards)
    assert len(seen) == 400
    np.testing.assert_array_equal(h.grad, np.full(50, 400.0))
    np.testing.assert_array_equal(x.grad, np.full(50, 1200.0))


def test_a_graph_that_another_thread_has_freed_adds_all_or_nothing():
    for _ in range(50):
        x = tg.Tensor(np.ones(5), requires_grad=True)
        loss = tg.exp(x * 0.5).sum()
        outcomes = []

        def backward(k, loss=loss, outcomes=outcomes):
            with contextlib.suppress(RuntimeError):
                loss.backward()
                outcomes.append(k)

        in_threads(backward)
        assert outcomes
        np.testing.assert_allclose(x.grad, np.full(5, 0.5 * np.exp(0.5) * len(outcomes)))


def test_reading_and_clearing_while_others_add():
    """What is read is a sum of whole contributions; what is cleared does not come back."""
    x = tg.Tensor(np.ones(20_000), requires_grad=True)
    most = 0.0

    def work(k):
        nonlocal most
        if k:
            for _ in range(150):
                (x * 2).sum().backward()
            return
        for turn in range(2_000):
            g = x.grad
            if g is not None:
                values = g.numpy()
                assert values.min() == values.max()
                assert values[0] % 2 == 0
                most = max(most, values[0])
            if turn % 10 == 0:
                x.grad = None

    in_threads(work)
    x.grad = None
    assert most <= 2 * 450
    (x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad, np.full(20_000, 2.0))


def test_modes_and_records_belong_to_their_thread():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)

    def work(k):
        for _ in range(100):
            if k % 2:
                with tg.no_grad():
                    assert not (x * 2).requires_grad
            else:
                with tg.record() as r:
                    loss = (x * 2).sum()
                assert len(r.forward) == 2
                assert loss.requires_grad

    in_threads(work)


def test_draws_of_the_default_generator_are_shared_out():
    tg.manual_seed(3)
    expected = sorted(tg.rand(1).item() for _ in range(400))
    tg.manual_seed(3)
    drawn = [[] for _ in range(4)]
    in_threads(lambda k: drawn[k].extend(tg.rand(1).item() for _ in range(100)))
    assert sorted(number for own in drawn for number in own) == expected


FIRST_USE = """
import sys, threading
sys.setswitchinterval(1e-6)
import tinygrad_np as tg
names = [name for name in tg.__all__ if name not in vars(tg)] + ["nn"]
assert len(names) > 20
errors = []
start = threading.Barrier(6)
def use(k):
    start.wait()
    try:
        own = names[k * 5:] + names[:k * 5]
        for name in own:
            assert getattr(tg, name) is not None
        x = tg.Tensor([1.0, 2.0], requires_grad=True)
        tg.dropout(x * 2, 0.5).sum().backward()
        assert tg.hessian(lambda x: (x ** 3).sum())(x).shape == (2, 2)
        tg.nn.Linear(2, 3)
        str(tg.graph((x * x).sum()))
    except BaseException as error:
        errors.append(error)
threads = [threading.Thread(target=use, args=(k,)) for k in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(errors)
"""


@pytest.mark.parametrize("run", range(3))
def test_first_use_in_several_threads_at_once(run):
    done = subprocess.run(
        [sys.executable, "-c", FIRST_USE], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
