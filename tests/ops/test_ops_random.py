"""The default generator in other processes: no two draw the same numbers."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_np as tg

# Of Python and JAX, about threads that other tests have started.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:.*fork")]

ROOT = Path(__file__).parent.parent.parent
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.fixture(autouse=True)
def _seeded():
    yield
    tg.manual_seed(0)


def in_child(f):
    """What f returns in a forked process, a list of floats."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(write, np.array(f()).tobytes())
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        values = np.frombuffer(pipe.read()).tolist()
    assert os.waitpid(child, 0)[1] == 0
    return values


def draw():
    return tg.default_generator().random(3).tolist()


def children_of_children():
    """Draws of a process, of two that it forks, and of one that the first of these forks."""

    def family():
        return draw() + in_child(draw)

    return draw() + in_child(family) + in_child(draw)


@forks
@pytest.mark.parametrize("seed", [0, 1, None])
def test_forked_processes_draw_other_numbers(seed):
    if seed is None:
        tg.default_generator()
    else:
        tg.manual_seed(seed)
    drawn = draw()
    for _ in range(3):
        drawn += in_child(draw)
    drawn += in_child(children_of_children) + draw()
    assert len(set(drawn)) == len(drawn) == 27


@forks
def test_what_forked_processes_draw_can_be_repeated():
    def run():
        tg.manual_seed(7)
        return [in_child(draw), draw(), in_child(children_of_children), draw()]

    assert run() == run()


@forks
def test_forking_changes_nothing_in_the_parent():
    expected = np.random.default_rng(3).random(6).tolist()
    tg.manual_seed(3)
    first = draw()
    in_child(draw)
    assert first + draw() == expected


@forks
def test_whoever_holds_the_generator_draws_the_new_numbers():
    rng = tg.manual_seed(0)
    drawn = in_child(lambda: rng.random(3)) + rng.random(3).tolist()
    assert len(set(drawn)) == 6
    assert in_child(lambda: [float(rng is tg.default_generator())]) == [1.0]


@forks
def test_a_seed_set_in_the_child_is_that_seed():
    def seeded():
        tg.manual_seed(5)
        return draw()

    tg.manual_seed(0)
    assert in_child(seeded) == np.random.default_rng(5).random(3).tolist()


@forks
def test_a_generator_first_used_after_forking():
    program = """
import os, sys
import tinygrad_np as tg
for _ in range(3):
    if os.fork() == 0:
        print(tg.default_generator().random(), flush=True)
        os._exit(0)
    os.wait()
print(tg.default_generator().random())
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert len(set(run.stdout.split())) == 4, run.stderr


def _dropped(t):
    """In a worker: what dropout leaves of a Tensor that came through a pipe."""
    return tg.dropout(t, 0.5).tolist()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_multiprocessing(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    tg.manual_seed(0)
    t = tg.ones(64)
    with multiprocessing.get_context(method).Pool(3) as pool:
        results = [pool.apply_async(_dropped, (t,)) for _ in range(6)]
        masks = [tuple(result.get(60)) for result in results]
    masks.append(tuple(_dropped(t)))
    assert len(set(masks)) == 7
