"""Tracebacks of the library's errors: they end at the user's line, and show no other error."""

import inspect
import math
import pickle
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


def own_error(*_):
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
    "composed": (lambda: tg.einsum("ij,jk", t, t), None),
    "composed of composed": (lambda: tg.average(t, axis=5), None),
    "foreign argument": (lambda: tg.average(t, dim=1), None),
    "data": (lambda: tg.Tensor("text"), None),
    "copied data": (lambda: tg.Tensor(t), None),
    "item": (lambda: t.item(), None),
    "truth": (lambda: bool(t), None),
    "number": (lambda: float(t), None),
    "assign": (lambda: u.assign(np.ones(9)), None),
    "grad": (lambda: setattr(t, "grad", u), None),
    "data of a Tensor": (lambda: setattr(t, "data", 1.0), None),
    "requires_grad": (lambda: setattr(tg.Tensor([1]), "requires_grad", True), None),
    "changed copy": (lambda: t.at[9].add(1.0), None),
    "absent name": (lambda: t.view, None),
    "absent function": (lambda: tg.tensor, None),
    "absent layer": (lambda: nn.Model, None),
    "mode": (lambda: tg.no_grad(3), None),
    "too few arguments": (lambda: tg.grad(lambda x, y: x)(1.0), None),
    "compiled": (lambda: tg.compile(own_error)(1.0), "own_error"),
    "no program": (lambda: tg.compile(own_error).source, None),
    "no source": (lambda: tg.compile(lambda x: float(x))(np.ones(1)), None),
    "layer's arguments": (lambda: nn.Dropout(7), None),
    "attribute": (lambda: setattr(nn.Linear(2, 3), "w", t), None),
    "state": (lambda: nn.Linear(2, 3).load_state_dict({}), None),
    "loss": (lambda: nn.mse_loss(t, u), None),
    "optimizer": (lambda: nn.SGD([], lr=-1), None),
    "step": (lambda: nn.SGD([nn.Parameter([1.0])], lr=1).step(), None),
    "initialiser": (lambda: nn.init.orthogonal_(nn.Parameter([1.0])), None),
    "data set": (lambda: nn.data.blobs(samples=-1), None),
    "items": (lambda: list(nn.data.batches(np.ones(3), np.ones(4))), None),
    "distribution": (lambda: nn.distributions.Normal(0.0, -1.0), None),
    "user's loss": (lambda: fit(loss=own_error), "own_error"),
    "user's layer": (lambda: nn.Sequential(own_error)(t), "own_error"),
    "user's hook": (lambda: hooked(t).backward(), "own_error"),
    "op in a user's loss": (lambda: fit(loss=lambda p, y: p @ np.ones(7)), "<lambda>"),
    "fit": (lambda: nn.fit(None, None, None, loss=None, optimizer=None, epochs=0), None),
}


def fit(loss):
    model = nn.Linear(3, 1)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    x, y = np.ones((4, 3)), np.ones((4, 1))
    nn.fit(model, x, y, loss=loss, optimizer=optimizer, epochs=1, progress=False)


def hooked(x):
    y = x * 2
    y.register_hook(own_error)
    return y.sum()


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


class Strange:
    """What no function of numbers can take."""


PACKAGES = {"tg": tg, "nn": nn, "init": nn.init, "data": nn.data, "dist": nn.distributions}
PUBLIC = {
    f"{package}.{name}": getattr(module, name)
    for package, module in PACKAGES.items()
    for name in module.__all__
    if callable(getattr(module, name)) and name not in ("manual_seed", "save")
}


def methods(value):
    """The public methods of an object, and those by which operators and functions call it."""
    names = [name for name in dir(value) if not name.startswith("_")]
    names += ["__getitem__", "__setitem__", "__float__", "__len__", "__format__", "__call__"]
    names = [n for n in names if callable(getattr(type(value), n, None)) and hasattr(value, n)]
    return {f"{type(value).__name__}.{name}": getattr(value, name) for name in names}


def library_frames(error):
    return [f for f in traceback.extract_tb(error.__traceback__) if INSIDE[f.filename]]


@pytest.mark.skipif(not ONLY_USERS, reason="the library's last frame stays")
@pytest.mark.filterwarnings("ignore")
def test_every_public_function_refuses_bad_arguments_at_the_users_line():
    """A bug of the library shows its frames: the last is no `raise` statement then."""
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    objects = [t, t * 2, tg.Tensor(1.0), model, nn.SGD([nn.Parameter([1.0])], lr=0.1)]
    objects += [tg.compile(own_error), nn.distributions.Normal(0.0, 1.0), nn.History()]
    functions = dict(PUBLIC)
    for value in objects:
        functions.update(methods(value))
    strange = Strange()
    refused = 0
    for name, function in functions.items():
        for arguments in ((strange,), ("text",), (t, strange), (np.ones((2, 2, 2, 2, 2)),)):
            try:
                list(function(*arguments))
            except Exception as error:
                inside = library_frames(error)
                refused += not inside
                assert not inside or not inside[-1].line.startswith("raise"), (name, arguments)
        with pytest.raises(Exception) as caught:  # noqa: PT011
            list(function(no_such_argument=1))
        assert not library_frames(caught.value), name
    assert len(functions) > 500
    assert refused > 1500


def test_imports_of_names_that_are_not_there():
    with pytest.raises(ImportError, match=r"'tensor' from 'tinygrad_np': write tinygrad_np.Tensor"):
        from tinygrad_np import tensor  # noqa: F401
    with pytest.raises(ImportError, match=r"'Model' from 'nn': write nn.Module"):
        from nn import Model  # noqa: F401
    with pytest.raises(ImportError, match=r"'nonsense' from 'nn'$"):
        from nn import nonsense  # noqa: F401
    assert not hasattr(tg, "tensor")


def test_what_is_decorated_stays_what_it_was():
    for function in (tg.einsum, tg.grad, nn.mse_loss, nn.init.zeros_, nn.data.blobs):
        assert pickle.loads(pickle.dumps(function)) is function
    assert list(inspect.signature(nn.Linear).parameters)[:3] == [
        "in_features",
        "out_features",
        "bias",
    ]
    assert "def einsum" in inspect.getsource(tg.einsum)
    assert isinstance(inspect.getattr_static(tg.Tensor, "grad"), property)
    assert nn.l1_loss is nn.mae_loss


def test_warnings_point_at_the_users_line():
    module = nn.Module()
    module.table = tg.Tensor([1.0])
    with pytest.warns(UserWarning, match="leaves out") as caught:
        module.state_dict()
    with pytest.warns(RuntimeWarning, match="Degrees of freedom") as others:
        tg.cov(np.ones((2, 1)))
    assert {warning.filename for warning in [*caught, others[0]]} == {__file__}


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
