"""Programs in C against the same programs as NumPy statements: bit for bit."""

import re
import shutil
import subprocess
import threading
import warnings

import numpy as np
import pytest
from op_cases import CASES
from random_programs import program, run
from step_cases import TRAININGS, spiral_points

import nn
import tinygrad_np as tg
from tinygrad_np.compiler import errors
from tinygrad_np.compiler.native import library, ufuncs
from tinygrad_np.core.containers import flatten

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="there is no C compiler"
)


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    """A cache of these tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _every_note(monkeypatch):
    """Each note is given in each test, and is an error."""
    monkeypatch.setattr(errors, "_told", set())
    with warnings.catch_warnings():
        warnings.simplefilter("error", tg.CompileWarning)
        yield


def assert_same_bits(a, b):
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    np.testing.assert_array_equal(a, b)
    if a.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(a[a == a]), np.signbit(b[b == b]))


def plain(value):
    return np.asarray(getattr(value, "data", value))


def step_of(cases):
    """A function of Tensors: results of some ops, and gradients of weighted sums of them."""
    weights = [case.weights() for case in cases]

    def step(*inputs):
        results = []
        waiting = iter(inputs)
        for case, weight in zip(cases, weights):
            mine = [next(waiting) for _ in case.point()]
            out = case.call(case.function, mine)
            if isinstance(out, tg.Tensor) and out.requires_grad:
                (out * weight).sum().backward()
            results.append((out, *(t.grad for t in mine if t.grad is not None)))
        return results

    return step


def inputs_of(cases, dtype, call):
    points = [value for case in cases for value in case.point(dtype)]
    scaled = [np.asarray(v * (1 + call / 1024)).astype(v.dtype) for v in points]
    return [tg.Tensor(v, requires_grad=v.dtype.kind == "f") for v in scaled]


CHUNKS = [CASES[k : k + 12] for k in range(0, len(CASES), 12)]


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("cases", CHUNKS, ids=lambda cases: cases[0].op.name)
def test_ops_have_the_same_bits(cases, dtype):
    steps = [tg.compile(step_of(cases), backend=name) for name in ("numpy", "c")]
    for call in range(4):
        results = [step(*inputs_of(cases, dtype, call)) for step in steps]
        for a, b in zip(*map(flatten, results), strict=True):
            assert_same_bits(plain(a), plain(b))
    assert "c" in steps[1].sources


OFTEN = {("spiral", np.float32), ("noise", np.float64)}  # the others in long runs
RUNS = [(name, dtype) for name in TRAININGS for dtype in (np.float32, np.float64)]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [run if run in OFTEN else pytest.param(*run, marks=pytest.mark.oracle) for run in RUNS],
)
def test_trainings_have_the_same_bits(name, dtype):
    losses = []
    for backend in ("numpy", "c"):
        step = tg.compile(TRAININGS[name](dtype), backend=backend)
        losses.append([step().item() for _ in range(8)])
    assert losses[0] == losses[1]
    assert list(step.sources) == ["c", "lines", "numpy"]
    assert step.source == step.sources["c"]


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(24))
def test_random_programs_have_the_same_bits(seed):
    text = program(seed)
    try:
        numpy = run(text, seed, compiled=True)
    except (tg.CompileError, ValueError, IndexError, AssertionError):
        return
    native = run(text, seed, compiled=True, backend="c")
    for a, b in zip(numpy, native, strict=True):
        for x, y in zip(a, b, strict=True):
            assert_same_bits(x, y)


# --- compilers and caches that fail ---------------------------------------------------------------


def small_step(backend="c"):
    w = tg.Tensor(np.linspace(-1, 1, 12).reshape(4, 3), requires_grad=True, name="w")

    def step(x):
        w.grad = None
        loss = ((x @ w) ** 2 + abs(w).sum()).mean()
        loss.backward()
        return loss, w.grad

    return tg.compile(step, backend=backend)


X = np.linspace(0, 1, 20).reshape(5, 4)


def run_small(step):
    return [plain(value) for _ in range(4) for value in step(X)]


def noted(text, expected="numpy"):
    """Run a step, which gives a note, and the numbers of NumPy in any case."""
    step = small_step()
    with pytest.warns(tg.CompileWarning, match=text) as notes:
        results = run_small(step)
    assert len(notes) == 1
    assert next(iter(step.sources)) == expected
    for a, b in zip(results, run_small(small_step("numpy")), strict=True):
        assert_same_bits(a, b)


def fake_compiler(monkeypatch, folder, script):
    path = folder / "cc"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("CC", f"{path} -with options")


def test_no_compiler(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CC", raising=False)
    noted("no C compiler was found")


def test_compiler_that_is_none(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -O1")
    noted("no C compiler was found .CC=no-such-compiler")


def test_compiler_that_fails(monkeypatch, tmp_path):
    fake_compiler(monkeypatch, tmp_path, "echo 'cc: error: no space left on device' >&2; exit 3")
    noted("failed with 3: cc: error: no space left on device")


def test_compiler_that_makes_nothing(monkeypatch, tmp_path):
    fake_compiler(monkeypatch, tmp_path, "exit 0")
    noted("can't be written or compiled")


def test_compiler_that_makes_no_library(monkeypatch, tmp_path):
    fake_compiler(
        monkeypatch, tmp_path, 'while [ "$1" != -o ]; do shift; done; echo nothing > "$2"'
    )
    noted("can't be loaded")


def test_compiler_that_hangs(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "_SECONDS", 0.2)
    fake_compiler(monkeypatch, tmp_path, "sleep 30 & sleep 30")
    noted("took longer than 0.2 seconds")


def test_wrong_results(monkeypatch):
    """A compiler that makes another program: the proof finds it."""
    right = library.load
    monkeypatch.setattr(
        "tinygrad_np.compiler.native.backend.load",
        lambda text, exact: right(text.replace(" * ", " + "), exact=exact),
    )
    noted("in C .* differs by up to")


def test_cache_is_used_and_repaired(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    runs, run = [], library._run
    monkeypatch.setattr(library, "_run", lambda command: runs.append(run(command)))
    run_small(small_step())
    run_small(small_step())
    assert len(runs) == 1
    folder = tmp_path / "tinygrad_np"
    assert sorted(file.suffix for file in folder.iterdir()) == [".so", ".sum"]
    (file,) = folder.glob("*.so")
    whole = file.read_bytes()
    file.unlink()  # the file that is loaded stays as it is
    file.write_bytes(whole[: len(whole) // 2])
    step = small_step()
    run_small(step)
    assert len(runs) == 2
    assert next(iter(step.sources)) == "c"
    assert file.read_bytes() == whole


def test_nothing_is_run_from_where_others_can_write(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "tinygrad_np"
    folder.mkdir()
    folder.chmod(0o777)
    noted(f"others can write to {folder}", "c")
    assert not list(folder.iterdir())
    folder.rmdir()
    shared = tmp_path / "shared"
    (shared / "theirs").mkdir(parents=True)
    folder.symlink_to(shared / "theirs")
    shared.chmod(0o777)
    noted(f"others can write to {shared}", "c")
    assert not list((shared / "theirs").iterdir())
    folder.unlink()
    folder.write_text("a file")
    noted("there is no cache of compiled files", "c")


# --- in C as with NumPy ---------------------------------------------------------------------------


def test_auto_is_numpy_until_c_is_ready(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    right, ready = library.load, threading.Event()

    def load(text, exact):
        assert ready.wait(60)
        return right(text, exact=exact)

    monkeypatch.setattr("tinygrad_np.compiler.native.backend.load", load)
    losses, kinds = [], set()
    step = tg.compile(TRAININGS["spiral"](np.float32), backend="auto")
    for k in range(10):
        losses.append(step().item())
        kinds |= {next(iter(step.sources))} if k > 1 else set()
        if k == 4:
            assert kinds == {"numpy"}
            ready.set()
            for thread in threading.enumerate():
                if thread.name.startswith("C of"):
                    thread.join()
    assert kinds == {"numpy", "c"}
    numpy = tg.compile(TRAININGS["spiral"](np.float32))
    assert losses == [numpy().item() for _ in range(10)]


def test_errors_are_those_of_the_function():
    table = tg.Tensor(np.arange(12.0).reshape(6, 2), requires_grad=True)
    step = tg.compile(lambda rows: (table[rows] * 2).sum(axis=0), backend="c")
    rows = np.array([0, 5, -6])
    for _ in range(3):
        np.testing.assert_array_equal(step(rows).data, [20, 26])
    with pytest.raises(IndexError, match="6 is out of bounds"):
        step(np.array([0, 6, 1]))
    np.testing.assert_array_equal(step(rows).data, [20, 26])


def test_arrays_that_lie_otherwise():
    """What C takes for granted is checked in each call."""
    bias = tg.Tensor(np.arange(3.0), requires_grad=True)
    w = tg.Tensor(np.ones((2, 3)), requires_grad=True)
    step = tg.compile(lambda x: (x @ w + bias) * 2, backend="c")
    x = np.arange(8.0).reshape(4, 2)
    for _ in range(3):
        step(x)
    bias._data = np.arange(6.0)[::2]
    np.testing.assert_array_equal(step(x).data, (x @ w.data + [0, 2, 4]) * 2)
    np.testing.assert_array_equal(step(x[::-1]).data, (x[::-1] @ w.data + [0, 2, 4]) * 2)


def test_parts_at_computed_places():
    """A place that a number decides is another one in each call."""
    rows = np.arange(24.0).reshape(6, 4)
    table = tg.Tensor(np.ones((6, 4)), requires_grad=True)
    steps = []
    for backend in ("numpy", "c"):
        count = tg.Number(0)

        def step(x, count=count):
            k = count.value
            own = x * 2
            part = own[k] + 1
            own[k] = part * 0.5
            count.value = (k + 1) % 5
            return own * table, part - own[k + 1], np.add.reduce(own[k : k + 1] * 3, axis=0)

        steps.append(tg.compile(step, backend=backend, fallback=True))
    for _ in range(6):
        for a, b in zip(*(step(rows) for step in steps), strict=True):
            assert_same_bits(plain(a), plain(b))


def test_in_another_order():
    losses = []
    for exact in (True, False):
        step = tg.compile(TRAININGS["spiral"](np.float32), backend="c", exact=exact)
        losses.append([step().item() for _ in range(10)])
        assert "c" in step.sources
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_report_and_export(tmp_path):
    step = small_step()
    run_small(step)
    report = step.report(X)
    assert all(line.microseconds > 0 for line in report.lines if "run_" in line.code)
    path = step.export(tmp_path / "alone.py")
    assert "run_1" not in path.read_text()
    assert "run_1" in step.sources["lines"]


def test_numbers_beside_each_other():
    """Where C and NumPy may part ways: zeros with signs, nan, infinities, integers that wrap."""
    floats = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1.5, -2.5, 3e38], np.float32)
    left, right = (a.ravel().copy() for a in np.meshgrid(floats, floats))
    small = np.arange(-128, 128).astype(np.int8)

    def step(a, b, n):
        values = [np.maximum(a, b), np.minimum(a, b), a / b, a - b, np.where(a > b, a, b)]
        values += [np.sqrt(a), abs(b), np.rint(a), np.floor(b), np.isnan(a), a == b, ~(a < b)]
        values += [n * n, n + n, -n, n > 3, n & 6, abs(a) * True, np.logical_and(a, b), n * a[:1]]
        long = np.where(a == 0, 7, a).reshape(2, 32)[:, :27] * [[1], [0.5]]
        values += [long.max(axis=1), long[:, 9:].min(axis=1), np.maximum(n, 3).max()]
        wide = np.concatenate([np.minimum(a, 2), np.where(a != a, 2.5, a)]).reshape(2, 64)[:, :63]
        wide = np.concatenate([wide, wide / 2], axis=1)
        values += [wide.max(axis=1), wide[:, 9:].min(axis=1)]
        values += [a.reshape(8, 8).max(axis=0), a.reshape(8, 8).min(axis=1), n.astype(bool)]
        return values

    steps = [tg.compile(step, backend=name) for name in ("numpy", "c")]
    with np.errstate(all="ignore"):
        for _ in range(3):
            for a, b in zip(*(step(left, right, small) for step in steps), strict=True):
                assert_same_bits(a, b)
    assert "c" in steps[1].sources


def functions_of_numpy(a, b):
    """Functions that round as NumPy's own loops do, of arrays that lie in many ways."""
    with np.errstate(all="ignore"):
        values = [np.exp(a), np.log(a.T), np.tanh(a[:, 3:20]), np.sin(a * 1e4), np.log1p(abs(b))]
        values += [np.power(abs(a), b), np.arctan2(a, b), np.cbrt(a[1:, 1:]), np.exp(a[::2, ::2])]
        values += [np.exp(np.float64(2) * a), np.hypot(a[:1], b[:1]), np.floor_divide(a, b)]
        own = a * b
        np.cos(own, out=own)
        np.exp2(own[:, 5:9], out=own[:, :4])
        return [*values, own, np.tanh(own.sum(axis=1)), np.power(abs(a), b[0])]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_of_numpy_have_its_bits(dtype, monkeypatch):
    rng = np.random.default_rng(0)
    steps = [tg.compile(functions_of_numpy, backend=name) for name in ("numpy", "c")]
    for _ in range(4):
        a, b = rng.standard_normal((2, 33, 21)).astype(dtype) * 3
        a[0, :4] = np.inf, -np.inf, np.nan, 0
        results = [step(a, b) for step in steps]
        for x, y in zip(*results, strict=True):
            assert_same_bits(x, y)
    calls, lines = steps[1].sources["c"], re.sub("#.*", "", steps[1].sources["lines"])
    for name in ("exp", "log", "tanh", "sin", "power", "arctan2", "cbrt", "cos", "exp2"):
        assert f"(np_{name}_{np.dtype(dtype).str[1:]}, " in calls
    assert re.findall(r"np\.(?!empty|errstate)(\w+)\(", lines) == ["exp"]  # of every other element

    monkeypatch.setattr(ufuncs, "_addresses", lambda *of: None)
    step = tg.compile(functions_of_numpy, backend="c")
    for x, y in zip(*([step(a, b) for _ in range(3)][-1], results[0]), strict=True):
        assert_same_bits(x, y)
    assert "np_exp" not in step.sources["c"]
    assert "np.tanh" in step.sources["lines"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", "CF")
def test_products_with_vectors(order, dtype):
    rng = np.random.default_rng(0)

    def step(a, v, u):
        return a.dot(v), np.matmul(a, v), np.matmul(u, a), np.matmul(a.T, u), u.dot(a)

    for shape in ((512, 256), (2, 3), (7, 300), (300, 7), (33, 64)):
        a = np.asarray(rng.standard_normal(shape).astype(dtype), order=order)
        u, v = (rng.standard_normal(n).astype(dtype) for n in shape)
        compiled = tg.compile(step, backend="c")
        for _ in range(3):
            results = compiled(a, v, u)
        for x, y in zip(results, step(a, v, u), strict=True):
            assert_same_bits(x, y)
        assert compiled.source.count("gemv(101") == 5


def test_integers_stay_numpy_lines():
    """Of a negative power NumPy's loop raises an error of Python's."""
    step = tg.compile(lambda n, k: np.power(n, k) + n * k, backend="c")
    n = np.arange(1, 6)
    for _ in range(3):
        np.testing.assert_array_equal(step(n, n), n**n + n * n)
    with pytest.raises(ValueError, match="negative integer powers"):
        step(n, -n)


def test_arrays_of_one_number_are_literals():
    """All bits are the same: 0.0 is not -0.0, and nan is nan."""
    zeros = np.array([0.0, -0.0] * 4, np.float32)

    def step(x):
        levels = [np.full(8, level, np.float32) for level in (0.0, -0.0, np.nan, 0.1)]
        levels.append(np.array([-0.0, 0.0] * 4, np.float32))
        return [np.maximum(x, level) * 2 for level in levels]

    steps = [tg.compile(step, backend=name) for name in ("numpy", "c")]
    for _ in range(3):
        for x, y in zip(*(step(zeros) for step in steps), strict=True):
            assert_same_bits(x, y)
    _, loop = steps[1].source.split("LOOP void")
    assert loop.count("const float *restrict") == 2  # the argument, and the array of two numbers
    assert {"0.0f", "-0.0f", "NAN", "0.10000000149011612f"} <= set(loop.replace(";", " ").split())


def test_an_argument_that_a_rule_keeps_is_read_where_it_lies():
    w = tg.Tensor(np.ones((4, 3), np.float32), requires_grad=True)

    def step(x):
        w.grad = None
        loss = ((x @ w) ** 2).sum()
        loss.backward()
        return loss

    compiled = tg.compile(step, backend="c")
    x = np.arange(8.0, dtype=np.float32).reshape(2, 4)
    for _ in range(3):
        compiled(x)
    assert "x.T" not in compiled.sources["lines"]
    assert compiled.source.count("differs(x, ") == 1
    np.testing.assert_array_equal(w.grad.data, 2 * x.T @ (x @ w.data))


def test_fit_passes_the_backend_on():
    histories = []
    for backend in ("numpy", "c"):
        model = nn.Sequential(nn.Linear(4, 8, rng=np.random.default_rng(0)), nn.ReLU())
        optimizer = nn.SGD(model.parameters(), lr=0.01)
        fitted = nn.fit(
            model, X, np.ones((5, 8)), loss="mse", optimizer=optimizer, epochs=5, backend=backend
        )
        histories.append(fitted["loss"])
    assert histories[0] == histories[1]
    with pytest.raises(ValueError, match="no backend 'cuda'; there are numpy, c, auto"):
        tg.compile(lambda x: x, backend="cuda")


# --- a file of its own ----------------------------------------------------------------------------


def trained(path, steps=50):
    """Compile an exported file as its head says, run it, and return what it prints."""
    flags = ["-O3", "-ffp-contract=off", path.name, "-lm"]
    subprocess.run([library.compiler()[0], *flags], cwd=path.parent, check=True)
    run = subprocess.run(
        ["./a.out", str(steps)], cwd=path.parent, check=True, capture_output=True, text=True
    )
    return np.array([[float(x) for x in line.split()[2:]] for line in run.stdout.splitlines()])


@pytest.mark.parametrize(
    "name", ["spiral", *(pytest.param(n, marks=pytest.mark.oracle) for n in ("images", "waves"))]
)
def test_a_file_trains(name, tmp_path):
    step = tg.compile(TRAININGS[name](np.float32))
    losses = trained(step.export(tmp_path / "step.c"))
    expected = [step().item() for _ in range(50)]
    np.testing.assert_allclose(losses[:, 0], expected, rtol=1e-4)


def books_spiral(seed):
    """The book's network and optimizer; a step returns the loss and the accuracy."""
    tg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    points, arms = spiral_points(100, rng)
    x, y = tg.Tensor(points.astype(np.float32)), tg.Tensor(arms)
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))
    with tg.no_grad():
        for parameter in model.parameters():
            parameter.assign(0.01 * rng.standard_normal(parameter.shape) * (parameter.ndim > 1))
    optimizer = nn.Adam(model.parameters(), lr=nn.InverseTimeDecay(0.05, 5e-7), eps=1e-7)
    rows = np.arange(len(arms))

    def step():
        logits = model(x)
        loss = nn.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss, (logits[rows, y] == logits.max(axis=1)).mean()

    return tg.compile(step)


@pytest.mark.slow
def test_a_file_learns_the_spiral_as_numpy_does(tmp_path):
    """Over 10,000 epochs the runs part: NumPy's own in another order ends 2.5 points elsewhere."""
    accuracies = []
    for seed in range(8):
        step = books_spiral(seed)
        in_c = trained(step.export(tmp_path / "step.c"), 10_000)[:, 1]
        numpy = [step()[1].item() for _ in range(10_000)]
        accuracies.append((in_c[-10:].mean(), np.mean(numpy[99::100][-10:])))
    in_c, numpy = np.mean(accuracies, axis=0)
    assert numpy > 0.9
    assert in_c == pytest.approx(numpy, abs=0.01)


def test_a_file_computes_numbers_as_python(tmp_path):
    count = tg.Number(-7)

    def step():
        k = count.value
        count.value = k + 3
        return k // 3, k % 3, k // 2.0, k % -2.5, 0.9**k, k > 0

    whole = tg.compile(step)
    path = whole.export(tmp_path / "step.c")
    expected = [[float(plain(value)) for value in whole()] for _ in range(6)]
    np.testing.assert_allclose(trained(path, 6), expected, rtol=1e-8)


def test_a_file_that_needs_numpy_is_refused(tmp_path):
    step = tg.compile(TRAININGS["noise"](np.float32))
    with pytest.raises(tg.CompileError, match=r"step_cases.py:.*Generator.standard_normal needs"):
        step.export(tmp_path / "step.c")
    with pytest.raises(tg.CompileError, match=r"holds its data: .* needs x"):
        small_step().export(tmp_path / "step.c")
    assert not list(tmp_path.iterdir())
