"""Tracebacks of the library's errors: they end at the user's line, and show no other error."""

import math
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from tinygrad_np.core.callsite import INSIDE

ROOT = Path(__file__).parents[2]
ONLY_USERS = sys.version_info >= (3, 11)  # before, the frame that raises again can't be taken out

t = tg.Tensor(np.ones((2, 3)), requires_grad=True)
u = tg.Tensor(np.ones((2, 4)))


def user_rule(g):
    return g.no_such_method()


def user_forward(x):
    return x + np.ones(77)


def own_error(x):
    raise KeyError("mine")


with_rule = tg.define_op(lambda x: x * 2, name="with_rule", x=user_rule)
with_forward = tg.define_op(user_forward, name="with_forward", x=lambda g: g)

# A call, and the function in which its traceback ends if that is not the call itself.
CALLS = {
    "operator": (lambda: t + u, None),
    "reflected": (lambda: np.ones(7) @ t, None),
    "in place": (lambda: u.__iadd__(np.ones(9)), None),
    "ufunc": (lambda: np.add(t, u), None),
    "function": (lambda: np.sum(t, axis=7), None),
    "method": (lambda: t.sum(axis=7), None),
    "argument": (lambda: tg.sum(t, dimension=1), None),
    "reshape": (lambda: t.reshape(5), None),
    "index": (lambda: t[9], None),
    "write": (lambda: u.__setitem__((0, 99), 1.0), None),
    "labels": (lambda: tg.cross_entropy(t, np.array([0, 7])), None),
    "array": (lambda: np.array(t), None),
    "unsupported": (lambda: np.fft.fft(t), None),
    "layer": (lambda: nn.Linear(2, 3)(np.ones((4, 5))), None),
    "layers": (lambda: nn.Sequential(nn.Tanh(), nn.Linear(2, 3))(np.ones((4, 5))), None),
    "backward": (lambda: (t * 2).backward(), None),
    "frozen": (lambda: u.sum().backward(), None),
    "grad of a vector": (lambda: tg.grad(lambda x: x * 2)(np.ones(3)), None),
    "jvp": (lambda: tg.jvp(lambda x: x, (1.0,), (np.ones(3),)), None),
    "pull": (lambda: tg.vjp(lambda x: x, 1.0)[1](np.ones(3)), None),
    "user's rule": (lambda: with_rule(t).sum().backward(), "user_rule"),
    "user's forward": (lambda: with_forward(t), "user_forward"),
    "user's error": (lambda: tg.grad(own_error)(1.0), "own_error"),
    "op in grad": (lambda: tg.grad(lambda x: (x @ np.ones(7)).sum())(np.ones(3)), "<lambda>"),
    "op in hessian": (lambda: tg.hessian(lambda x: (x @ np.ones(7)).sum())(np.ones(3)), "<lambda>"),
    "number in grad": (lambda: tg.grad(lambda x: x * math.exp(x))(1.0), "<lambda>"),
}


@pytest.mark.parametrize(("call", "last"), CALLS.values(), ids=CALLS)
def test_the_last_frame_is_the_users(call, last):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of many kinds
        call()
    error = caught.value
    frames = traceback.extract_tb(error.__traceback__)
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert "During handling" not in text
    assert "direct cause" not in text
    if ONLY_USERS:
        assert not [frame for frame in frames if INSIDE[frame.filename]]
    if ONLY_USERS or last:
        assert frames[-1].filename == __file__
        assert frames[-1].name == (last or call.__name__)


def test_what_the_library_has_handled_is_still_there():
    with pytest.raises(ValueError, match="add") as caught:
        t + u
    assert "broadcast" in str(caught.value.__context__)


def test_an_error_that_the_user_handles_stays_in_view():
    def handling():
        try:
            raise KeyError("first")
        except KeyError:
            tg.grad(lambda x: x * 2)(np.ones(3))

    with pytest.raises(TypeError) as caught:
        handling()
    assert isinstance(caught.value.__context__, KeyError)
    assert not caught.value.__suppress_context__


def test_a_cause_that_the_user_gives_stays_in_view():
    def f(x):
        raise KeyError("mine") from ValueError("why")

    with pytest.raises(KeyError) as caught:
        tg.grad(f)(1.0)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("call", [lambda: tg.exp(t).sum(), lambda: tg.grad(tg.exp)(1.0)])
def test_a_bug_of_the_library_is_shown_in_full(call, monkeypatch):
    monkeypatch.setattr("tinygrad_np.ops.apply.record", None)
    with pytest.raises(TypeError, match="NoneType") as caught:
        call()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].filename.endswith("apply.py")


def test_a_failing_rule_of_the_library_is_shown_in_full():
    y = tg.exp(t)
    y._node.saved = ((None,),)
    with pytest.raises(RuntimeError, match="the rule of exp") as caught:
        y.sum().backward()
    assert isinstance(caught.value.__cause__, TypeError)
    assert traceback.extract_tb(caught.value.__traceback__)[-1].filename.endswith("backward.py")


def test_all_frames_on_request(monkeypatch):
    monkeypatch.setenv("TINYGRAD_NP_TRACEBACK", "full")
    with pytest.raises(ValueError, match="add") as caught:
        t + u
    assert caught.value.__cause__ is not None
    assert INSIDE[traceback.extract_tb(caught.value.__traceback__)[-1].filename]


@pytest.mark.skipif(not ONLY_USERS, reason="the library's last frame stays")
def test_what_a_script_prints(tmp_path):
    script = tmp_path / "train.py"
    lines = ["import numpy as np", "import tinygrad_np as tg", "x = tg.Tensor(np.ones((2, 3)))"]
    script.write_text("\n".join([*lines, "y = x @ np.ones((2, 3))"]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    head, place, *_, message = done.stderr.strip().splitlines()
    assert head == "Traceback (most recent call last):"
    assert place.strip() == f'File "{script}", line 4, in <module>'
    assert message.startswith("ValueError: matmul(x: ")
    assert done.stderr.count("Traceback") == done.stderr.count("File ") == 1


def test_errors_in_threads():
    caught = []

    def work():
        try:
            t @ u
        except ValueError as error:
            caught.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(error) for error in caught}) == 4
    if ONLY_USERS:
        assert {len(traceback.extract_tb(error.__traceback__)) for error in caught} == {1}
