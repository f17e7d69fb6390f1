"""Each pass alone: what it does to a program, and that the results stay what they were."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

import nn
import tinygrad_np as tg

X = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32)
W = tg.Tensor(np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32))


def compiled(f, *args, passes):
    program = tg.compile(f, passes=passes)
    for _ in range(4):
        out = program(*args)
    expected = f(*args)
    if not isinstance(out, tuple):
        out, expected = (out,), (expected,)
    for a, b in zip(out, expected, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)
    return program


def body(program):
    """The statements of the program, without comments."""
    source = program.source
    lines = source[source.index("\ndef ") :].splitlines()
    return [line.split("  # ")[0].strip() for line in lines if not line.strip().startswith("#")]


def count(program, words):
    return sum(words in line for line in body(program))


def test_fold_computes_constants_once():
    def f(x):
        return x * np.exp(tg.Tensor(np.arange(3.0))).numpy().sum()

    x = np.ones(3)
    assert count(compiled(f, x, passes=()), "np.exp") == 1
    assert count(compiled(f, x, passes=("fold",)), "np.exp") == 0


def test_fold_asks_once_if_constant_labels_are_classes():
    def f(x):
        return tg.cross_entropy(x, np.arange(40) % 5)

    assert count(compiled(f, X, passes=()), "GuardFailed") == 1
    assert count(compiled(f, X, passes=("fold",)), "GuardFailed") == 0


def test_algebra_drops_what_changes_nothing():
    def f(x):
        return np.exp((x * 1.0).reshape(x.shape).astype(x.dtype) / 1)

    assert len(body(compiled(f, X, passes=()))) > 5
    program = compiled(f, X, passes=("algebra",))
    assert "exp = np.exp(x)" in body(program)
    assert count(program, " = ") == 1


def test_algebra_keeps_a_copy_that_is_written_to():
    def f(x):
        y = x.copy()
        y[0] = 5.0
        return x * 1.0, y * 1.0

    for passes in ((), ("algebra",), tg.PASSES):
        program = tg.compile(f, passes=passes)
        for k in range(4):
            x = np.full(3, float(k))
            same, changed = program(x)
            np.testing.assert_array_equal(same, np.full(3, float(k)))
            np.testing.assert_array_equal(changed, [5.0, k, k])


def test_common_computes_the_same_thing_once():
    def f(x):
        return np.tanh(x) * np.tanh(x) + np.tanh(x * 2)

    assert count(compiled(f, X, passes=()), "np.tanh") == 3
    assert count(compiled(f, X, passes=("common",)), "np.tanh") == 2


def test_common_does_not_merge_random_draws():
    def f(x):
        return x + tg.rand(3).numpy(), x + tg.rand(3).numpy()

    program = tg.compile(f)
    for _ in range(4):
        a, b = program(np.zeros(3))
        assert not np.array_equal(a, b)


def test_dead_drops_what_nobody_reads():
    def f(x):
        np.sin(x)
        return np.cos(x)

    assert count(compiled(f, X, passes=()), "np.sin") == 1
    assert count(compiled(f, X, passes=("dead",)), "np.sin") == 0


def test_sums_become_products():
    def f(x):
        return np.add.reduce(x, axis=0)

    assert count(compiled(f, X, passes=()), "np.add.reduce") == 1
    assert count(compiled(f, X, passes=("sums",)), "ones.dot(x)") == 1


def test_sums_that_are_compared_keep_their_order():
    def f(x):
        total = np.add.reduce(x, axis=1)
        return np.equal(total, x.sum(axis=1)), np.add.reduce(x, axis=0)

    program = compiled(f, X, passes=tg.PASSES)
    assert count(program, ".dot(") == 1
    assert program(X)[0].all()


def test_cheaper_takes_rows_apart():
    def f(x):
        return np.maximum.reduce(x, axis=1)

    short = compiled(f, X, passes=("cheaper",))
    assert count(short, "np.maximum(") == 4
    assert count(short, "reduce") == 0


def test_products_take_the_extremes_of_a_transposed_copy():
    def f(x):
        return np.maximum.reduce(x, axis=1)

    longer = compiled(f, X[:, :1] + np.arange(12, dtype="f"), passes=("products",))
    assert count(longer, "np.maximum.reduce(copy, axis=0)") == 1


def test_products_copy_transposes():
    w = np.random.default_rng(2).standard_normal((30, 5)).astype(np.float32)
    assert count(compiled(lambda x: x @ w.T, X, passes=()), "copyto") == 0
    program = compiled(lambda x: x @ w.T, X, passes=("products", "buffers"))
    assert count(program, "np.matmul(x, copy") == 1


def test_a_number_that_becomes_zero_divides_as_numpy_does():
    n = tg.Number(1.0)
    program = tg.compile(lambda x: 2.0 * (x / n.value))
    for value in (1.0, 1.0, 1.0, 0.0):
        n.value = value
        with np.errstate(divide="ignore"):
            out = program(np.ones(3, np.float32))
    assert np.isinf(out).all()


def test_buffers_and_in_place():
    def f(x):
        return np.exp(np.sin(np.cos(x))).sum()

    assert count(compiled(f, X, passes=()), "out=") == 0
    own = compiled(f, X, passes=("buffers",))
    shared = compiled(f, X, passes=("buffers", "in_place"))
    assert count(own, "out=") == count(shared, "out=") == 3
    assert own.source.count("np.empty") == 2  # cos has died when exp needs memory
    assert shared.source.count("np.empty") == 1


def test_place_writes_parts_where_they_belong():
    def f(x):
        return np.concatenate([np.sin(x[:, 0]), np.cos(x[:, 1])]) * 2

    placed = compiled(f, X, passes=tg.PASSES)
    assert count(placed, "np.concatenate") == 0
    assert "sin = concatenate[0:40]" in placed.source


def test_place_computes_rows_of_a_stack_in_it():
    def f(x):
        rows = [np.sin(x * k) for k in (1, 2)]
        joined = np.concatenate(
            [rows[0][:2] * 3, rows[1] + 1, (rows[0] - 1).reshape(-1, x.shape[1])]
        )
        twice = np.stack([rows[0] / 3] * 2)
        return np.stack(rows) * 2, joined * 2, twice * 2, np.stack(rows, axis=1) * 2

    placed = compiled(f, X, passes=tg.PASSES)
    assert count(placed, "np.concatenate") == 0
    assert "sin_2 = stack[1]" in placed.source
    assert count(placed, "np.stack") == 1  # not along another axis
    assert count(placed, "np.copyto") == 1  # the second of two rows that are the same


def test_an_array_that_joins_parts_is_a_part_itself():
    """Its memory has the parts: it is copied into the longer one."""

    def f(x):
        inner = np.concatenate([np.sin(x).ravel(), np.cos(x).ravel()])
        return np.concatenate([inner, np.exp(x[0])]) * 2

    placed = compiled(f, X, passes=tg.PASSES)
    assert "sin = inner[0:200]" in placed.source
    assert count(placed, "np.copyto") == 1


def test_parts_that_are_joined_in_another_dtype_or_into_an_array():
    def f(x):
        whole, rows = x * 0, np.stack([x, x]) * 0
        np.concatenate([x[:20] * 2, x[20:] * 3], out=whole)
        np.stack([x * 2, x * 3], out=rows)
        return whole, rows, np.concatenate([x * 2, x * 3], dtype=np.float64) * 2

    compiled(f, X, passes=tg.PASSES)


def test_buffers_are_laid_out_as_in_the_recording():
    def f(x):
        y = np.exp(x)
        return y.reshape(-1)[:5] * 1.0, y.T.reshape(-1) * 1.0

    compiled(lambda x: f(x)[0], np.asfortranarray(X), passes=tg.PASSES)
    compiled(lambda x: f(x)[1], X, passes=tg.PASSES)


# --- looking at programs -------------------------------------------------------------------------


def training():
    rng = np.random.default_rng(3)
    model = nn.Sequential(nn.Linear(5, 6, rng=rng), nn.ReLU(), nn.Linear(6, 3, rng=rng))
    optimizer = nn.Adam(model.parameters(), lr=nn.InverseTimeDecay(0.05, 1e-3))

    def step(x, y):
        logits = model(x)
        loss = nn.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return model, optimizer, step


Y = np.arange(40) % 3


def test_the_text_reads_like_the_program():
    _, _, step = training()
    program = tg.compile(step).lower(X, Y)
    text = program.source
    for words in ("# --- forward ---", "# --- backward ---", "# --- update ---",
                  "np.add(", "out=logits)", "# (40, 3) float32", "weight_0", "d_weight_2",
                  "loss = nn.cross_entropy(logits, y)"):  # fmt: skip
        assert words in text, words
    assert "np.dot" not in text
    assert "np.zeros" not in text


def test_lower_leaves_everything_as_it_was():
    model, optimizer, step = training()
    before = model.state_dict()
    program = tg.compile(step).lower(X, Y)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert all(p.grad is None for p in model.parameters())
    assert optimizer.steps == 0
    program.report(X, Y)
    assert optimizer.steps == 0
    np.testing.assert_array_equal(model.state_dict()["0.weight"], before["0.weight"])


def test_the_report_counts():
    _, _, step = training()
    program = tg.compile(step).lower(X, Y)
    report = program.report(X, Y)
    first = next(line for line in report.lines if ".dot(" in line.code)
    assert first.flops == 2 * 40 * 5 * 6
    assert {line.section for line in report.lines} == {"forward", "backward", "update"}
    assert report.microseconds == pytest.approx(sum(line.microseconds for line in report.lines))
    assert report.memory < report.values
    assert "--- backward:" in str(report)
    assert repr(report) == str(report)
    with pytest.raises(RuntimeError, match="no program for these arguments"):
        program.report(X[:3], Y[:3])


def test_a_program_draws_as_a_graph():
    _, _, step = training()
    graph = tg.compile(step).lower(X, Y).graph
    assert any(node.op == "dot" for node in graph.nodes)
    by_name = {node.name: node for node in graph.nodes}
    assert by_name["0.weight"].kind == "parameter"
    assert by_name["m"].kind == "data"
    gradient, flat = by_name["d_0.weight"], by_name["g"]
    assert (gradient.id, flat.id) in {(edge.source, edge.target) for edge in graph.edges}
    assert by_name["0.weight (new)"].kind == "output"
    assert "<svg" in graph.svg("builtin")


def test_export_runs_with_numpy_alone(tmp_path):
    _, optimizer, step = training()
    program = tg.compile(step)
    for _ in range(3):
        program(X, Y)
    path = program.export(tmp_path / "step.py")
    code = f"""
import sys, importlib.util, numpy as np
spec = importlib.util.spec_from_file_location("step", {str(path)!r})
step = importlib.util.module_from_spec(spec)
spec.loader.exec_module(step)
data = np.load({str(tmp_path / "data.npz")!r})
print([float(step.call(data["x"], data["y"])).hex() for _ in range(4)])
print(step.state["steps"], "tinygrad_np" in sys.modules)
"""
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    losses = [program(X, Y).item().hex() for _ in range(4)]
    assert done.stdout == f"{losses}\n7 False\n"
    assert optimizer.steps == 7


def test_export_of_a_captured_array(tmp_path):
    data = np.arange(3.0)
    program = tg.compile(lambda x: x * tg.Tensor(data)).lower(X[:, :3].astype(float))
    path = program.export(tmp_path / "times.py")
    spec = importlib.util.spec_from_file_location("times", path)
    times = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(times)
    x = np.ones((40, 3))
    np.testing.assert_array_equal(times.call(x), x * data)


def test_export_says_what_it_cannot_hold(tmp_path):
    number = tg.Number(1)
    program = tg.compile(lambda x: x * number.apply(lambda n: 2.0 if n else 3.0)).lower(X)
    with pytest.raises(tg.CompileError, match="calls Python functions"):
        program.export(tmp_path / "step.py")
    assert not list(tmp_path.iterdir())


def test_a_compiled_method_belongs_to_its_object():
    class Counter:
        def __init__(self, factor):
            self.factor = factor

        @tg.compile
        def scaled(self, x):
            return x * self.factor

    one, two = Counter(2.0), Counter(3.0)
    for _ in range(4):
        np.testing.assert_array_equal(one.scaled(X), X * 2)
        np.testing.assert_array_equal(two.scaled(X), X * 3)
    one.factor = 5.0
    np.testing.assert_array_equal(one.scaled(X), X * 5)
