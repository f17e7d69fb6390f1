"""Errors of functions that can't be compiled: they name line and remedy, and change nothing."""

import inspect
import os
import re

import numpy as np
import pytest

import nn
import tinygrad_np as tg

X = np.arange(6.0).reshape(2, 3)


def calls(function, *args, times=4):
    compiled = tg.compile(function)
    return [compiled(*args) for _ in range(times)]


def branch(x):
    if x.sum() > 3:
        return x
    return -x


def loop(x):
    while x.sum() < 100:
        x = x * 2
    return x


def as_item(x):
    return x * x.sum().item()


def as_float(x):
    return x * float(x.sum())


def as_int(x):
    return x * int(x.sum())


def printed(x):
    print(x)
    return x


def formatted(x):
    return f"{x.sum():.2f}"


def as_list(x):
    return x.tolist()


def as_array(x):
    return np.array(x) if isinstance(x, tg.Tensor) else np.asarray(x)


def masked(x):
    return x[x > 2]


def nonzero(x):
    return np.flatnonzero(x.numpy())


def into_a_captured_array(x):
    BUFFER[0] = x[0, 0]
    return x


def added_to_a_captured_array(x):
    buffer = BUFFER
    buffer += x
    return x


BUFFER = np.zeros((2, 3))

IMPOSSIBLE = {
    branch: "branches",
    loop: "branches",
    as_item: r"\.item\(\)",
    as_float: r"float\(\)|\.item\(\)",
    as_int: r"int\(\)|\.item\(\)",
    printed: "prints",
    formatted: "prints|item",
    as_list: "tolist",
    as_array: "plain array",
    masked: "mask",
    nonzero: "size of the result",
    into_a_captured_array: "array|float",
    added_to_a_captured_array: "NumPy array",
}


@pytest.mark.parametrize("function", IMPOSSIBLE, ids=lambda f: f.__name__)
def test_what_is_impossible_says_where_and_what_to_do(function):
    with pytest.raises(tg.CompileError) as error:
        calls(function, tg.Tensor(X))
    text = str(error.value)
    lines, first = inspect.getsourcelines(function)
    place = re.match(rf"{re.escape(__file__)}:(\d+): {function.__name__} ", text)
    assert place, text
    assert first < int(place[1]) < first + len(lines), text
    assert re.search(IMPOSSIBLE[function], text), text
    assert "Instead: " in text
    assert not BUFFER.any()


def test_a_number_that_changes_is_named_by_its_line(tmp_path):
    file = tmp_path / "numbers"
    file.write_text("")

    def step(x):
        return x * os.path.getsize(str(file))  # this line

    compiled = tg.compile(step)
    compiled(X)
    file.write_text(".")
    with pytest.raises(tg.CompileError, match="differs from call to call") as error:
        compiled(X)
    line = inspect.getsourcelines(step)[1] + 1
    assert f"{__file__}:{line}: the Python number 0, later 1," in str(error.value)
    assert "tinygrad_np.Number" in str(error.value)


def test_random_numbers_of_numpy():
    compiled = tg.compile(lambda x: x + np.random.default_rng().standard_normal(3))
    compiled(X)
    with pytest.raises(tg.CompileError, match="a NumPy array differs"):
        compiled(X)


def test_python_values_that_the_function_changes():
    seen, counts = [], {"n": 0}

    def appends(x):
        seen.append(1)
        return x * 1.0

    def counts_up(x):
        counts["n"] += 1
        return x * 1.0

    for function, name in ((appends, "seen"), (counts_up, "counts.n")):
        compiled = tg.compile(function)
        compiled(X)
        with pytest.raises(tg.CompileError, match=f"changes {name}, a Python value"):
            compiled(X)


def test_another_structure_in_each_call(tmp_path):
    file = tmp_path / "functions"
    functions = [tg.sin, tg.cos, tg.exp, tg.tanh]
    compiled = tg.compile(lambda x: functions[os.path.getsize(str(file))](x))
    for k in range(2):
        file.write_text("." * k)
        compiled(X)
    file.write_text("..")
    with pytest.raises(tg.CompileError, match="does something else in each call"):
        compiled(X)


def test_a_number_counts_from_call_to_call():
    count = tg.Number(0)

    @tg.compile
    def step(x):
        count.value += 1
        return x * count.value + count.apply(lambda n: 10.0 if n < 3 else 20.0)

    for k in range(1, 6):
        np.testing.assert_array_equal(step(X), X * k + (10.0 if k < 3 else 20.0))
    assert count.value == 5
    count.value = 1
    np.testing.assert_array_equal(step(X), X * 2 + 10.0)


class Training:
    def __init__(self):
        self.layer = nn.Linear(3, 3, rng=np.random.default_rng(0))
        self.optimizer = nn.Adam(self.layer.parameters())

    def step(self, x, y):
        loss = nn.cross_entropy(self.layer(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self):
        values = [p.numpy() for p in self.layer.parameters()]
        values += [p.grad.numpy() for p in self.layer.parameters() if p.grad is not None]
        values += [v.numpy() for v in self.optimizer.state.values()]
        return [v.copy() for v in values] + [self.optimizer.steps]


@pytest.mark.parametrize("before", [0, 1, 2, 5])
def test_labels_out_of_range_are_the_same_error_and_change_nothing(before):
    training = Training()
    step = tg.compile(training.step)
    x = np.ones((4, 3), np.float32)
    for _ in range(before):
        step(x, np.array([0, 1, 2, 0], np.uint8))
    state = training.state()
    with pytest.raises(ValueError, match="label 3 at row 2, but logits have 3 columns"):
        step(x, np.array([0, 1, 3, 0], np.uint8))
    for a, b in zip(state, training.state(), strict=True):
        np.testing.assert_array_equal(a, b)
    step(x, np.array([0, 1, 2, 0], np.uint8))
    assert training.optimizer.steps == before + 1


def test_a_floating_point_error_changes_nothing():
    training = Training()
    step = tg.compile(training.step)
    x, y = np.ones((4, 3), np.float32), np.array([0, 1, 2, 0])
    for _ in range(3):
        step(x, y)
    state = training.state()[:2] + training.state()[4:]
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        step(np.full((4, 3), np.float32(3e38)), y)
    for a, b in zip(state, training.state()[:2] + training.state()[-3:], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_result_of_outside_ops_as_argument():
    t = tg.Tensor(X, requires_grad=True) * 2
    with pytest.raises(tg.CompileError, match=r"no gradient would flow back.*detach"):
        tg.compile(lambda x: x * 2)(t)


def test_a_tensor_that_is_given_and_captured():
    w = tg.Tensor(X)
    compiled = tg.compile(lambda t: t * w)
    with pytest.raises(tg.CompileError, match="uses it as w too: give it, or capture it, not both"):
        compiled(w)


def test_many_signatures_are_warned_of():
    compiled = tg.compile(lambda x: x * 2.0)
    arrays = [np.ones(1 + k // 2) for k in range(18)]
    with pytest.warns(tg.CompileWarning, match="was compiled 9 times") as seen:
        list(map(compiled, arrays))
    assert seen[0].filename == __file__


def test_fallback_runs_what_cannot_be_compiled():
    compiled = tg.compile(branch, fallback=True)
    with pytest.warns(tg.CompileWarning, match="branch runs uncompiled: .*branches"):
        out = compiled(X)
    np.testing.assert_array_equal(out, X)
    np.testing.assert_array_equal(compiled(-X), X)


@pytest.mark.parametrize("count", [1, 3])
def test_calls_with_other_arguments_are_the_callers_error(count, tmp_path, recwarn):
    def difference(x, y):
        return x - y

    arrays = (X,) * count
    uses = [
        lambda: tg.compile(difference)(*arrays),
        lambda: tg.export_numpy(difference, arrays, tmp_path / "f.py"),
        lambda: tg.export_onnx(difference, arrays, tmp_path / "f.onnx"),
    ]
    for use in uses:
        with pytest.raises(TypeError, match=r"difference\(\) (missing 1 req|takes 2 pos)"):
            use()
    assert not list(recwarn)


def test_bad_arguments_of_compile():
    with pytest.raises(TypeError, match="compile\\(\\) takes a function, not int"):
        tg.compile(3)
    with pytest.raises(ValueError, match="no pass 'magic'; there are fold"):
        tg.compile(branch, passes=["magic"])
    with pytest.raises(RuntimeError, match="has no program yet"):
        _ = tg.compile(branch).source
