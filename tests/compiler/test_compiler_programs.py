"""Training steps and random programs, compiled: they leave what they leave uncompiled."""

import copy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_sets import EXACT, every_pass_set

import nn
import tinygrad_np as tg

OPTIMIZERS = {
    "sgd": lambda p: nn.SGD(p, 0.1),
    "momentum": lambda p: nn.SGD(p, 0.1, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda p: nn.SGD(p, nn.InverseTimeDecay(0.1, 0.01), momentum=0.9, nesterov=True),
    "adagrad": lambda p: nn.AdaGrad(p, 0.1),
    "rmsprop": lambda p: nn.RMSprop(p, 0.01),
    "adam": lambda p: nn.Adam(p, lambda t: 0.01 if t < 3 else 0.005),
    "adamw": lambda p: nn.AdamW(p, 0.01),
}
X = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 3, 12).astype(np.uint8)


class Problem:
    """A network and its optimizer, always with the same initial values."""

    def __init__(self, optimizer="adam", dropout=0.0, dtype=np.float32):
        rng = np.random.default_rng(7)
        self.hidden = nn.Linear(5, 6, weight_l2=1e-3, rng=rng, dtype=dtype)
        layers = {"hidden": self.hidden, "tanh": nn.Tanh(), "drop": nn.Dropout(dropout)}
        self.model = nn.Sequential({**layers, "out": nn.Linear(6, 3, rng=rng, dtype=dtype)})
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())

    def step(self, x, y):
        loss = nn.cross_entropy(self.model(x), y) + nn.regularization_loss(self.model)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self):
        parameters = {k: v.copy() for k, v in self.model.state_dict().items()}
        gradients = {k: p.grad for k, p in self.model.named_parameters()}
        gradients = {k: None if g is None else g.numpy().copy() for k, g in gradients.items()}
        kept = {k: v.numpy().copy() for k, v in self.optimizer.state.items()}
        return {"p": parameters, "g": gradients, "s": kept, "n": self.optimizer.steps}


def assert_same(a, b, exact=True):
    for part in ("p", "g", "s"):
        for key, value in a[part].items():
            if exact:
                np.testing.assert_array_equal(b[part][key], value, err_msg=key)
            else:
                np.testing.assert_allclose(b[part][key], value, 1e-4, 1e-6, err_msg=key)
    assert a["n"] == b["n"]


@every_pass_set
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_leaves_what_it_leaves_uncompiled(optimizer, passes):
    plain, other = Problem(optimizer), Problem(optimizer)
    compiled = tg.compile(other.step, passes=passes)
    for _ in range(20):
        a, b = plain.step(X, Y), compiled(X, Y)
        np.testing.assert_allclose(b.item(), a.item(), 1e-5)
        assert_same(plain.state(), other.state(), exact=passes != tg.PASSES)
    assert "1 program" in repr(compiled)


def test_hundreds_of_steps_in_float64():
    x = X.astype(float)
    losses = {}
    for how in ("plain", "compiled"):
        problem = Problem("adam", dtype=np.float64)
        step = problem.step if how == "plain" else tg.compile(problem.step)
        losses[how] = [step(x, Y).item() for _ in range(400)]
    np.testing.assert_allclose(losses["compiled"], losses["plain"], rtol=1e-5)
    assert losses["plain"][-1] < 0.5 * losses["plain"][0]


def test_steps_of_both_kinds_continue_from_each_other():
    plain, other = Problem(), Problem()
    compiled = tg.compile(other.step, passes=EXACT)
    for k in range(12):
        plain.step(X, Y)
        (other.step if k % 3 == 1 else compiled)(X, Y)
        assert_same(plain.state(), other.state())


def test_what_others_hold_never_changes():
    problem = Problem()
    compiled = tg.compile(problem.step)
    held = []
    for _ in range(6):
        loss = compiled(X, Y)
        weight = problem.hidden.weight
        for array in (weight.numpy(), weight.grad.numpy(), loss.numpy(), weight.numpy()[1:, :2]):
            assert not array.flags.writeable
            held.append((array, array.copy()))
    for array, before in held:
        np.testing.assert_array_equal(array, before)


def test_a_graph_recorded_before_a_compiled_step_keeps_its_values():
    problem = Problem()
    compiled = tg.compile(problem.step)
    for _ in range(3):
        compiled(X, Y)
    w = problem.hidden.weight
    before = w.numpy().copy()
    y = (w * w).sum()
    compiled(X, Y)
    w.grad = None
    y.backward()
    np.testing.assert_array_equal(w.grad.numpy(), 2 * before)


def test_dropout_draws_the_same_numbers():
    runs = []
    for how in ("plain", "compiled"):
        problem = Problem(dropout=0.3)
        step = problem.step if how == "plain" else tg.compile(problem.step, passes=EXACT)
        tg.manual_seed(3)
        losses = [step(X, Y).item() for _ in range(6)]
        tg.manual_seed(4)
        losses += [step(X, Y).item() for _ in range(3)]
        runs.append((losses, tg.default_generator().random()))
    assert runs[0] == runs[1]
    assert len(set(runs[0][0])) == 9


def test_evaluation_mode_is_another_program():
    problem = Problem(dropout=0.5)
    forward = tg.compile(lambda x: problem.model(x))
    tg.manual_seed(0)
    assert len({forward(X).numpy().tobytes() for _ in range(5)}) == 5
    problem.model.eval()
    assert len({forward(X).numpy().tobytes() for _ in range(5)}) == 1
    np.testing.assert_array_equal(forward(X).numpy(), problem.model(X).numpy())
    problem.model.train()
    assert len({forward(X).numpy().tobytes() for _ in range(5)}) == 5


def test_changes_of_what_was_captured_are_seen():
    plain, other = Problem("sgd"), Problem("sgd")
    compiled = tg.compile(other.step, passes=EXACT)

    def both(change):
        for problem, step in ((plain, plain.step), (other, compiled)):
            change(problem)
            for _ in range(4):
                step(X, Y)
        assert_same(plain.state(), other.state())

    both(lambda problem: None)
    both(lambda problem: setattr(problem.optimizer, "lr", 0.01))
    both(lambda problem: setattr(problem.optimizer, "weight_decay", 0.1))
    both(lambda problem: problem.hidden.bias.__setattr__("requires_grad", False))
    both(lambda problem: problem.hidden.bias.__setattr__("requires_grad", True))
    state = {k: v + 1 for k, v in plain.model.state_dict().items()}
    both(lambda problem: problem.model.load_state_dict(state))
    both(lambda problem: setattr(problem.hidden, "penalties", {}))


def test_gradients_add_up_without_zero_grad():
    plain, other = Problem(), Problem()

    def backward(problem, x, y):
        nn.cross_entropy(problem.model(x), y).backward()

    compiled = tg.compile(lambda x, y: backward(other, x, y))
    for _ in range(5):
        backward(plain, X, Y)
        compiled(X, Y)
    assert_same(plain.state(), other.state(), exact=False)


def test_a_parameter_that_is_never_reached_keeps_its_own_count():
    def make():
        problem = Problem("adam")
        problem.optimizer = nn.Adam([*problem.model.parameters(), nn.Parameter(np.ones(3, "f"))])
        return problem

    plain, other = make(), make()
    compiled = tg.compile(other.step, passes=EXACT)
    for _ in range(6):
        plain.step(X, Y)
        compiled(X, Y)
    assert_same(plain.state(), other.state())


def test_arguments_in_containers_keywords_and_static_values():
    def f(batch, scale, *, power=1, names=("a",)):
        total = sum(batch[name] for name in names)
        return {"out": (total * scale) ** power, "rest": [batch["a"], None, "text"]}

    compiled = tg.compile(f)
    for k in range(5):
        batch = {"a": tg.Tensor([1.0, 2.0 + k]), "b": np.array([3.0, k])}
        for options in ({}, {"power": 2}, {"names": ("a", "b")}):
            expected, got = f(batch, 2.0, **options), compiled(batch, 2.0, **options)
            np.testing.assert_array_equal(np.asarray(got["out"]), np.asarray(expected["out"]))
            assert got["rest"][1:] == [None, "text"]
            assert type(got["rest"][0]) is tg.Tensor


def test_argument_tensors_that_are_written_to():
    def f(t, u):
        t += u
        return t * 1.0

    compiled = tg.compile(f)
    for k in range(4):
        t = tg.Tensor([1.0, k])
        out = compiled(t, np.array([10.0, 20.0]))
        np.testing.assert_array_equal(t.numpy(), [11.0, 20.0 + k])
        np.testing.assert_array_equal(out.numpy(), t.numpy())


def test_arrays_in_arrays_out_and_always_fresh():
    compiled = tg.compile(lambda x: (x, x.T, np.exp(x), 2.0))
    outs = [compiled(np.full((2, 3), float(k))) for k in range(5)]
    for k, (same, turned, e, two) in enumerate(outs):
        np.testing.assert_array_equal(same, np.full((2, 3), float(k)))
        np.testing.assert_array_equal(turned, np.full((3, 2), float(k)))
        np.testing.assert_array_equal(e, np.exp(np.full((2, 3), float(k))))
        assert two == 2.0


def test_transforms_inside():
    def f(w, x):
        return tg.sum(tg.tanh(x @ w) ** 2)

    def both(w, x):
        value, g = tg.value_and_grad(f)(w, x)
        return value, g, tg.grad(lambda v: tg.grad(f)(v, x) @ w)(w)

    compiled = tg.compile(both)
    rng = np.random.default_rng(0)
    for _ in range(4):
        w, x = rng.standard_normal(3), rng.standard_normal((4, 3))
        for a, b in zip(both(w, x), compiled(w, x), strict=True):
            np.testing.assert_allclose(np.asarray(b), np.asarray(a), rtol=1e-12)


def test_captured_arrays_are_read_live():
    data = np.ones(3)
    compiled = tg.compile(lambda t: t * data)
    t = tg.Tensor([1.0, 2.0, 3.0])
    for k in range(5):
        data[:] = k
        np.testing.assert_array_equal(compiled(t).numpy(), k * t.numpy())


def test_what_plain_numpy_makes_of_a_captured_array_is_never_stale():
    data = np.arange(3.0)

    def f(t):
        return t * float(data.max())

    compiled = tg.compile(f)
    t = tg.Tensor([1.0, 2.0])
    for k in range(9):
        data[2] = k // 3
        np.testing.assert_array_equal(compiled(t).numpy(), f(t).numpy())


def test_graphs_and_copies_after_a_compiled_step():
    problem = Problem()
    compiled = tg.compile(problem.step)
    for _ in range(3):
        compiled(X, Y)
    weight = problem.hidden.weight
    graph = tg.graph(problem.model(X).sum())
    shown = next(node for node in graph.nodes if node.shape == weight.shape)
    np.testing.assert_array_equal(shown.gradient, weight.grad.numpy())
    compiled(X, Y)
    other = copy.deepcopy(weight)
    np.testing.assert_array_equal(other.grad.numpy(), weight.grad.numpy())
    assert copy.deepcopy(problem.optimizer).steps == 4


class Settings:
    scale = 1.0
    flag = True


def test_settings_of_objects_classes_and_arguments_are_seen():
    settings = Settings()

    def inner(t, by):
        return t * by.scale if by.flag else t * 100.0

    def f(t, by):
        return inner(t, settings) + inner(t, by)

    compiled = tg.compile(f)
    other = Settings()
    t = tg.Tensor([1.0, 2.0])
    changes = [lambda: setattr(other, "scale", 3.0), lambda: setattr(settings, "flag", False)]
    changes += [lambda: setattr(Settings, "scale", 7.0), lambda: None]
    try:
        for change in changes:
            for _ in range(3):
                np.testing.assert_array_equal(compiled(t, other).numpy(), f(t, other).numpy())
            change()
    finally:
        Settings.scale = 1.0


def test_a_model_as_an_argument_in_its_other_mode():
    model = nn.Sequential(nn.Linear(5, 3), nn.Dropout(0.5))
    forward = tg.compile(lambda model, x: model(x))
    for _ in range(3):
        forward(model, X)
    model.eval()
    np.testing.assert_array_equal(forward(model, X).numpy(), model(X).numpy())


def test_the_same_tensor_twice():
    def f(a, b):
        (a * b).sum().backward()
        return a.grad, b.grad

    compiled = tg.compile(f)
    for _ in range(4):
        a, b = (tg.Tensor([2.0, 3.0 + k], requires_grad=True) for k in range(2))
        np.testing.assert_array_equal(compiled(a, b)[0].numpy(), b.numpy())
        c = tg.Tensor([2.0, 5.0], requires_grad=True)
        np.testing.assert_array_equal(compiled(c, c)[0].numpy(), 2 * c.numpy())


def test_zeros_of_both_signs_as_static_arguments():
    compiled = tg.compile(lambda t, zero: np.copysign(t, zero))
    for zero in (0.0, -0.0, 0.0, -0.0, 0.0, -0.0):
        assert np.signbit(compiled(np.ones(2), zero)).all() == np.signbit(zero)


def test_captured_tensors_are_constants_until_they_change():
    x = tg.Tensor([1.0, 2.0])
    compiled = tg.compile(lambda t: t * np.exp(x))
    t = tg.Tensor([10.0, 100.0])
    for k in range(12):
        if k >= 4:
            x.assign(np.array([1.0, float(k)]))
        np.testing.assert_array_equal(compiled(t).numpy(), t.numpy() * np.exp(x.numpy()))
    assert "2 programs" in repr(compiled)


def test_hooks_that_come_later_are_called():
    problem = Problem()
    compiled = tg.compile(problem.step)
    for _ in range(3):
        compiled(X, Y)
    handle = problem.hidden.bias.register_hook(lambda g: g * 0)
    before = problem.hidden.bias.numpy().copy()
    for _ in range(3):
        compiled(X, Y)
        assert not problem.hidden.bias.grad.numpy().any()
    handle.remove()
    compiled(X, Y)
    assert not np.array_equal(problem.hidden.bias.numpy(), before)


def test_a_record_sees_what_a_compiled_function_does():
    problem = Problem()
    compiled = tg.compile(problem.step)
    for _ in range(3):
        compiled(X, Y)
    with tg.record() as run:
        compiled(X, Y)
    assert {node.op.name for node in run.forward} >= {"matmul", "tanh", "cross_entropy"}


def test_threads_take_turns():
    compiled = tg.compile(lambda x: tg.softmax(np.tanh(x) @ np.ones((300, 300)), -1) * 1.0)
    inputs = [np.full((300, 300), k / 100) + np.arange(300) / 1000 for k in range(8)]
    expected = [compiled(x) for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            for a, b in zip(expected, pool.map(compiled, inputs), strict=True):
                np.testing.assert_array_equal(b, a)


# --- random programs ------------------------------------------------------------------------------

UNARY = [tg.tanh, tg.exp, tg.sigmoid, tg.relu, abs, np.sin, lambda t: t * 0.5, lambda t: t.T.T]
BINARY = [
    tg.add, tg.multiply, tg.subtract, tg.maximum, lambda a, b: a / (1 + b * b),
    lambda a, b: tg.where(a > b, a, b), lambda a, b: (a @ b.T) @ b / 9,
]  # fmt: skip
REDUCE = [
    lambda t: t.sum(), lambda t: t.mean(axis=0).sum(), lambda t: (t.max(axis=1) ** 2).sum(),
    lambda t: tg.logsumexp(t, axis=-1).mean(), lambda t: t[1:, ::2].sum() + t[0, 0],
    lambda t: tg.softmax(t, axis=0)[0].sum(), lambda t: t.std(),
]  # fmt: skip


@st.composite
def programs(draw):
    """A function of three 4×3 parameters: a random graph, reduced to a number."""
    nodes = [
        (draw(st.sampled_from(UNARY)), draw(st.integers(0, k + 2)), None)
        if draw(st.booleans())
        else tuple(draw(part) for part in (st.sampled_from(BINARY), *[st.integers(0, k + 2)] * 2))
        for k in range(draw(st.integers(1, 8)))
    ]  # fmt: skip
    reduce = draw(st.sampled_from(REDUCE))

    def f(a, b, c):
        values = [a, b, c]
        for op, x, y in nodes:
            out = op(values[x]) if y is None else op(values[x], values[y])
            values.append(tg.tanh(out))
        return reduce(values[-1] + 0.1 * sum(values))

    return f


@pytest.mark.oracle
@settings(max_examples=60, deadline=None)
@given(programs(), st.integers(0, 2**16), st.sampled_from([tg.PASSES, EXACT, ()]))
def test_random_programs(f, seed, passes):
    def make():
        rng = np.random.default_rng(seed)
        return [tg.Tensor(rng.standard_normal((4, 3)), requires_grad=True) for _ in range(3)]

    def step_of(parameters):
        optimizer = nn.SGD(parameters, 0.05, momentum=0.5)

        def step():
            optimizer.zero_grad()
            loss = f(*parameters)
            loss.backward()
            optimizer.step()
            return loss

        return step

    plain, other = make(), make()
    step, compiled = step_of(plain), tg.compile(step_of(other), passes=passes)
    for _ in range(5):
        a, b = step(), compiled()
        for x, y in zip((a, *plain), (b, *other), strict=True):
            if passes == tg.PASSES:
                np.testing.assert_allclose(y.numpy(), x.numpy(), rtol=1e-6, atol=1e-8)
            else:
                np.testing.assert_array_equal(y.numpy(), x.numpy())


# --- after nnfs.init() -----------------------------------------------------------------------


@pytest.mark.oracle
def test_after_nnfs_init():
    """It replaces np.dot, np.zeros, np.eye: in a process of its own."""
    code = """
import sys, numpy as np
if sys.argv[1] == "init":
    import nnfs
    nnfs.init()
sys.path[:0] = ["tests", "tests/compiler"]
from test_compiler_programs import EXACT, OPTIMIZERS, Problem, X, Y, tg
for name in OPTIMIZERS:
    for passes in (EXACT, tg.PASSES):
        problem = Problem(name)
        step = tg.compile(problem.step, passes=passes)
        print(name, [step(X, Y).item().hex() for _ in range(6)])
"""
    outs = [
        subprocess.run(
            [sys.executable, "-c", code, how], capture_output=True, text=True, check=True
        ).stdout
        for how in ("init", "plain")
    ]
    assert outs[0] == outs[1]
    assert "adamw" in outs[0]
