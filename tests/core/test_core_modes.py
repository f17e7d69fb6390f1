"""no_grad and enable_grad: nested, as decorators, per thread and per task."""

import asyncio
import threading

import pytest

import tinygrad_np as tg


@pytest.fixture
def x():
    return tg.Tensor([1.0, 2.0], requires_grad=True)


def test_on_by_default(x):
    assert tg.is_grad_enabled()
    assert (x * 2).requires_grad


def test_nesting(x):
    with tg.no_grad():
        assert not tg.is_grad_enabled()
        with tg.enable_grad():
            assert tg.is_grad_enabled()
            assert (x * 2).requires_grad
            with tg.no_grad(), tg.no_grad():
                assert not (x * 2).requires_grad
            assert tg.is_grad_enabled()
        assert not tg.is_grad_enabled()
    assert tg.is_grad_enabled()


def test_one_object_may_be_entered_again():
    mode = tg.no_grad()
    with mode:
        with mode:
            assert not tg.is_grad_enabled()
        assert not tg.is_grad_enabled()
    assert tg.is_grad_enabled()


def test_an_error_restores_the_mode():
    with pytest.raises(KeyError), tg.no_grad():
        raise KeyError
    assert tg.is_grad_enabled()


def test_as_decorator(x):
    @tg.no_grad()
    def double(t, depth=0):
        """Doubles."""
        assert not tg.is_grad_enabled()
        return double(t, depth - 1) if depth else t * 2

    assert not double(x, depth=3).requires_grad
    assert double.__name__ == "double"
    assert double.__doc__ == "Doubles."
    assert tg.is_grad_enabled()

    @tg.enable_grad()
    def recorded(t):
        return t * 2

    with tg.no_grad():
        assert recorded(x).requires_grad


def test_a_decorated_function_in_many_threads_at_once(x):
    inside = threading.Barrier(8)
    seen = []

    @tg.no_grad()
    def work():
        inside.wait(timeout=10)
        seen.append(tg.is_grad_enabled())
        inside.wait(timeout=10)

    def thread():
        work()
        seen.append(not tg.is_grad_enabled())

    threads = [threading.Thread(target=thread) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert seen == [False] * 16


def test_threads_do_not_see_each_others_mode(x):
    entered, leave = threading.Event(), threading.Event()

    def silent():
        with tg.no_grad():
            entered.set()
            leave.wait(timeout=10)

    thread = threading.Thread(target=silent)
    thread.start()
    entered.wait(timeout=10)
    try:
        assert tg.is_grad_enabled()
        assert (x * 2).requires_grad
    finally:
        leave.set()
        thread.join()


def test_tasks_do_not_see_each_others_mode(x):
    async def silent(entered, leave):
        with tg.no_grad():
            entered.set()
            await leave.wait()
            return tg.is_grad_enabled()

    async def main():
        entered, leave = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(silent(entered, leave))
        await entered.wait()
        here = tg.is_grad_enabled(), (x * 2).requires_grad
        leave.set()
        return here, await task

    assert asyncio.run(main()) == ((True, True), False)


def test_backward_in_another_thread(x):
    loss = (x * x).sum()
    thread = threading.Thread(target=loss.backward)
    thread.start()
    thread.join()
    assert x.grad.tolist() == [2, 4]


def test_decorated_coroutines_and_generators_run_in_the_mode():
    """Or decorating them is an error; but the mode must not be silently without effect."""

    async def coroutine():
        return tg.is_grad_enabled()

    def generator():
        yield tg.is_grad_enabled()

    try:
        decorated = tg.no_grad()(coroutine)
    except TypeError:
        decorated = None
    assert decorated is None or asyncio.run(decorated()) is False
    try:
        decorated = tg.no_grad()(generator)
    except TypeError:
        decorated = None
    assert decorated is None or list(decorated()) == [False]
