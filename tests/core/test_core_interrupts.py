"""Interrupts that come at any moment: no mode stays on, no gradient is half there."""

import contextlib
import ctypes
import random
import signal
import threading
import time

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from tinygrad_np.core import exits, modes

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

timer = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="this system has no timer that interrupts"
)


@pytest.fixture
def by_timer():
    """Give a function that runs another until an interrupt comes, at a random moment."""
    rng = random.Random(0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)

    def interrupted(work):
        with contextlib.suppress(KeyboardInterrupt):
            try:
                # Again after a while: Python loses one that comes in a destructor.
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(2e-5, 1e-3), 0.1)
                while True:
                    work()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)

    yield interrupted
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def state():
    return modes.recording.get(), modes.watcher.get(), exits.transforms.get(), np.geterr()


def nested_modes():
    with tg.no_grad(), tg.enable_grad(), tg.no_grad():
        pass


@tg.no_grad()
def decorated():
    return 1


def record():
    with tg.record():
        pass


def debug(debug=tg.debug):  # loaded before interrupts come
    with debug():
        pass


def transform(f=tg.grad(lambda x: x * x)):  # noqa: B008
    return f(2.0)


@timer
@pytest.mark.parametrize("work", [nested_modes, decorated, record, debug, transform])
def test_modes_are_restored(work, by_timer):
    before = state()
    for _ in range(300):
        by_timer(work)
        assert state() == before


@timer
def test_a_training_step_leaves_recording_on(by_timer):
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    optimizer = nn.Adam(model.parameters())
    x = np.ones((4, 2), np.float32)

    def step():
        optimizer.zero_grad()
        (model(x) ** 2).mean().backward()
        optimizer.step()

    for _ in range(150):
        by_timer(step)
        assert tg.is_grad_enabled()
    step()


@timer
def test_gradients_are_added_to_all_leaves_or_none(by_timer):
    leaves = [tg.Tensor(1.0, requires_grad=True) for _ in range(20)]
    loss = sum(leaves)

    def backward():
        loss.backward(retain_graph=True)

    backward()
    for _ in range(300):
        by_timer(backward)
        assert len({leaf.grad.item() for leaf in leaves}) == 1


@timer
def test_values_are_assigned_to_all_or_none(by_timer):
    tensors = [tg.Tensor(0.0, requires_grad=True) for _ in range(20)]

    def assign():
        tg.assign_all(tensors, [np.array(t.item() + 1) for t in tensors])

    for _ in range(300):
        by_timer(assign)
        assert len({t.item() for t in tensors}) == 1


def test_exceptions_set_by_another_thread():
    """As debuggers and notebooks stop a cell."""
    before = state()
    rounds = 100
    running = threading.Event()
    main = threading.get_ident()
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def interrupt():
        rng = random.Random(1)
        for _ in range(rounds):
            running.wait()
            running.clear()
            time.sleep(rng.uniform(0, 3e-4))
            raise_in(ctypes.c_ulong(main), ctypes.py_object(KeyboardInterrupt))

    thread = threading.Thread(target=interrupt)
    thread.start()
    for _ in range(rounds):
        with contextlib.suppress(KeyboardInterrupt):
            running.set()
            while True:
                nested_modes()
        assert state() == before
    thread.join()


# --- switches do what context managers do ------------------------------------------------------


def test_a_stack_of_managers():
    mode = tg.no_grad()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mode)
        assert not tg.is_grad_enabled()
        stack.enter_context(tg.enable_grad())
        stack.enter_context(mode)
        assert not tg.is_grad_enabled()
        r = stack.enter_context(tg.record())
        assert isinstance(r, tg.Record)
    assert tg.is_grad_enabled()
    assert modes.watcher.get() is None


def test_entered_and_left_by_hand():
    mode = tg.no_grad()
    mode.__enter__()
    mode.__enter__()
    mode.__exit__(None, None, None)
    assert not tg.is_grad_enabled()
    mode.__exit__(None, None, None)
    assert tg.is_grad_enabled()


def test_errors_go_through():
    with pytest.raises(ZeroDivisionError), tg.no_grad(), tg.record():
        raise ZeroDivisionError
    assert state()[:3] == (True, None, ())


def test_a_record_inside_of_a_record_sees_both_ways():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.record() as outer:
        with tg.record() as inner:
            y = x * 2
        z = y + 1
    assert list(outer.forward) == [y._node, z._node]
    assert list(inner.forward) == [y._node]
