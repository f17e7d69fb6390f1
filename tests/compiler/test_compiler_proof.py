"""A program proves itself before it is used; where it is wrong, the function itself runs."""

import sys
import warnings

import numpy as np
import pytest
from pass_sets import EXACT

import nn
import tinygrad_np as tg
from tinygrad_np.compiler import assembly, passes, proof
from tinygrad_np.compiler.copies import copy_together

X = np.random.default_rng(0).standard_normal((6, 4))


class Training:
    """Steps of one kind, compiled and as they are, from the same values."""

    def __init__(self, passes=EXACT):
        self.weights = [nn.Parameter(np.ones((4, 3)), name="w"), nn.Parameter(np.zeros(3))]
        self.optimizer = nn.Adam(self.weights, lr=0.1)
        self.draws = np.random.default_rng(5)
        self.compiled = tg.compile(self.step, passes=passes)

    def step(self, x):
        w, b = self.weights
        noise = tg.randn(6, 3, rng=self.draws) * 0.01
        loss = (tg.tanh(x @ w + b + noise) ** 2).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self):
        arrays = [w.numpy() for w in self.weights]
        arrays += [w.grad.numpy() for w in self.weights if w.grad is not None]
        arrays += [value.numpy() for value in self.optimizer.state.values()]
        return [*map(np.copy, arrays), self.optimizer.steps, self.draws.bit_generator.state]


def compare(one, other):
    for a, b in zip(one.state(), other.state(), strict=True):
        if isinstance(a, dict):
            assert a == b
        else:
            np.testing.assert_array_equal(a, b)


def train_beside_eager(calls=5):
    """Train compiled and uncompiled; return the compiled one's warnings."""
    eager, training = Training(), Training()
    said = []
    for k in range(calls):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loss = training.compiled(X + k)
        said += [str(w.message) for w in caught if w.category is tg.CompileWarning]
        np.testing.assert_array_equal(loss.numpy(), eager.step(X + k).numpy())
        compare(eager, training)
    return said


def wrong_product(program):
    """Break a program as a mistaken pass would."""
    for statement in program.statements:
        if statement.target is np.tanh:
            statement.target = np.sin


def fails(program):
    raise KeyError("a mistake in a pass")


MISTAKES = {
    wrong_product: "DifferenceError",
    fails: "KeyError in fails",
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda f: f.__name__)
def test_a_mistake_of_a_pass_costs_speed_and_no_number(mistake, monkeypatch):
    monkeypatch.setitem(passes.PASSES, "dead", mistake)
    (text,) = train_beside_eager()
    assert text.startswith("Training.step runs uncompiled: its program could not be made")
    assert MISTAKES[mistake] in text
    assert "please report" in text


TEXTS = {
    "a name that is not there": ("np.tanh(", "np.tanh(nowhere + "),
    "text that is no Python": ("def step(", "def step (("),
    "a constant": ("np.square", "np.positive"),
    "a draw in another place": (".standard_normal(", ".random("),
}


@pytest.mark.parametrize("change", TEXTS)
def test_a_mistake_of_the_text_costs_speed_and_no_number(change, monkeypatch):
    emit = assembly.emit

    def emit_wrong(*args):
        emitted = emit(*args)
        old, new = TEXTS[change]
        assert old in emitted.source
        emitted.source = emitted.source.replace(old, new)
        return emitted

    monkeypatch.setattr(assembly, "emit", emit_wrong)
    assert len(train_beside_eager()) == 1


def test_memory_that_is_used_twice_at_once(monkeypatch):
    plan = assembly.memory.plan

    def plan_wrong(program, **how):
        memory = plan(program, **how)
        first = {}
        for var in list(memory.holder):
            if var not in program.placed:
                memory.holder[var] = first.setdefault((var.shape, var.dtype), var)
        return memory

    monkeypatch.setattr(assembly.memory, "plan", plan_wrong)
    assert len(train_beside_eager()) == 1


def test_what_comes_back_must_not_lie_in_memory_that_is_used_again(monkeypatch):
    emit = assembly.emit

    def emit_wrong(*args):
        emitted = emit(*args)
        emitted.source = emitted.source.replace(".copy()", "")
        return emitted

    monkeypatch.setattr(assembly, "emit", emit_wrong)
    compiled, x = tg.compile(lambda x: x[1:], passes=EXACT), X.copy()
    with pytest.warns(tg.CompileWarning, match="memory that the next call writes to"):
        first, second = compiled(x), compiled(x)
    x[:] = 0
    np.testing.assert_array_equal(first, second)


def drop_zeros(program):
    """Take x + 0.0 for x: right but for -0.0, which it turns into 0.0."""
    for statement in program.statements:
        if statement.target is np.add:
            statement.target, statement.args = np.positive, statement.args[:1]


@pytest.mark.parametrize(("number", "used"), [(1.0, True), (np.nan, True), (-0.0, False)])
def test_values_are_compared_to_the_last_bit(number, used, monkeypatch):
    monkeypatch.setitem(passes.PASSES, "dead", drop_zeros)
    x = np.array([number, 1.0])
    compiled = tg.compile(lambda x: x + 0.0, passes=EXACT)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(4):
            out = compiled(x)
    assert bool(caught) is not used
    assert not np.signbit(out[0])
    np.testing.assert_array_equal(out, x)


def test_sums_that_cancel_are_left_in_their_order(recwarn):
    x = np.random.default_rng(0).standard_normal((64, 3))
    x[32:] = -x[:32]

    def step(x):
        return 1.0 / (tg.Tensor(x).sum(axis=0) + 1e-18)

    compiled = tg.compile(step)
    for k in range(6):
        value = compiled(x * (k + 1))
    np.testing.assert_array_equal(value.numpy(), step(x * 6).numpy())
    assert compiled.source
    assert not recwarn.list


def test_functions_of_the_user_are_not_called_for_the_proof():
    def rate(steps):
        return 0.1 if steps < 3 else 0.05

    counts = []

    def profile(frame, event, arg):
        if event == "call" and frame.f_code.co_name == "rate":
            counts[-1] += 1

    w = nn.Parameter(np.ones(3))
    optimizer = nn.SGD([w], lr=rate)

    @tg.compile
    def step(x):
        optimizer.zero_grad()
        (w * x).sum().backward()
        optimizer.step()

    sys.setprofile(profile)
    try:
        for _ in range(5):
            counts.append(0)
            step(np.ones(3))
    finally:
        sys.setprofile(None)
    assert counts[1] == counts[0]  # the second one made the program too
    assert counts[2:] == [1, 1, 1]
    np.testing.assert_allclose(w.numpy(), 1 - 0.1 * 3 - 0.05 * 2)


def test_the_switch_for_tests_shows_what_the_compiler_does_alone(monkeypatch):
    monkeypatch.setattr(proof, "ENABLED", False)
    monkeypatch.setitem(passes.PASSES, "dead", fails)
    training = Training()
    before = training.state()
    training.compiled(X)
    with pytest.raises(KeyError, match="a mistake in a pass"):
        training.compiled(X)
    assert before[-1] != training.state()[-1]
    assert training.optimizer.steps == 1
    monkeypatch.setitem(passes.PASSES, "dead", wrong_product)
    eager = Training()
    training = Training()
    for _ in range(3):
        wrong, right = training.compiled(X), eager.step(X)
    assert wrong.item() != right.item()


def test_copies_lie_in_memory_as_the_arrays_do():
    base = np.arange(48.0).reshape(6, 8)
    windows = np.lib.stride_tricks.sliding_window_view(base, (2, 2))
    arrays = [
        base, base.T, base[::-1, 1:3], base[2], windows, np.broadcast_to(base[0], (3, 8)),
        np.ones((3, 4), "f4", order="F"), np.empty((0, 3)), np.array(5.0), np.array([True]),
    ]  # fmt: skip
    copies = copy_together(arrays)
    for array, twin in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(twin, array)
        assert (twin.strides, twin.dtype) == (array.strides, array.dtype)
        assert not array.size or array.ctypes.data % 64 == twin.ctypes.data % 64
        assert not np.may_share_memory(twin, array)
    copies[0][2, 1] = -1.0
    assert copies[1][1, 2] == copies[3][1] == copies[4][1, 1, 1, 0] == -1.0
    assert base[2, 1] == 17.0


# --- ops with an effect ---------------------------------------------------------------------------


def messenger():
    """Declare an op that tells what it is given, forward and backward."""
    log = []

    def forward(x):
        log.append(x)
        return x

    def rule(g):
        log.append(g)
        return g * 2

    return tg.define_op(forward, name="tell", effect=True, x=rule), log


def test_an_effect_happens_once_in_each_call_and_in_order():
    tell, log = messenger()
    w = nn.Parameter(np.ones(3), name="w")

    def step(x):
        y = tell(w * x)
        tell(tg.Tensor(np.arange(3.0)))  # of a constant, and the result is not used
        tell(w * x)  # the same once more
        loss = (y * y).sum()
        w.grad = None
        loss.backward()
        return loss

    compiled = tg.compile(step)
    for k in range(5):
        compiled(np.arange(3.0) + k)
        assert len(log) == 4 * (k + 1)
    got, log[:] = list(log[-4:]), []
    gradient = w.grad.numpy()
    step(np.arange(3.0) + 4)
    np.testing.assert_array_equal(got, log)  # values are not written to afterwards
    np.testing.assert_array_equal(gradient, w.grad.numpy())


def test_the_rule_of_an_effect_may_call_its_op():
    calls = []

    def forward(x):
        calls.append(x)
        return x * 2

    double = tg.define_op(forward, name="double", effect=True, x=lambda g: double(g))
    second = tg.compile(tg.grad(lambda x: (tg.grad(lambda t: (double(t) ** 3).sum())(x)).sum()))
    x = np.array([0.5, 2.0])
    for _ in range(4):
        del calls[:]
        np.testing.assert_allclose(second(x), 2 * 2 * 2 * 6 * x)
        assert len(calls) == 4  # forward; its rule; and the rules of both


def test_checks_come_before_an_effect():
    tell, log = messenger()
    w = nn.Parameter(np.ones((3, 3)), name="w")

    @tg.compile
    def step(x, y):
        return nn.cross_entropy(tell(x @ w), y)

    x, y = np.ones((2, 3)), np.array([0, 2])
    for _ in range(3):
        step(x, y)
    del log[:]
    with pytest.raises(ValueError, match="label 3 at row 1"):
        step(x, np.array([0, 3]))
    assert len(log) == 1  # the function itself


def test_a_check_of_what_comes_of_an_effect_is_refused():
    tell, _ = messenger()
    compiled = tg.compile(lambda x, y: tg.cross_entropy(x, tell(tg.Tensor(y))))
    compiled(np.ones((2, 3)), np.array([0, 1]))
    with pytest.raises(tg.CompileError, match="checked after an op with an effect"):
        compiled(np.ones((2, 3)), np.array([0, 1]))


def test_an_effect_is_not_repeated_when_the_program_fails():
    tell, log = messenger()
    compiled = tg.compile(lambda a: tg.inv(tell(tg.Tensor(a))))
    for _ in range(3):
        compiled(np.eye(2))
    del log[:]
    with pytest.raises(np.linalg.LinAlgError):
        compiled(np.zeros((2, 2)))
    assert len(log) == 1
