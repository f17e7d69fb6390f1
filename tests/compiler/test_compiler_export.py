"""Exported files compute alone what the compiled function computes, or say that they can't."""

import collections
import contextlib
import importlib.util
import itertools
import signal

import numpy as np
import pytest

import nn
import tinygrad_np as tg

X = np.arange(12.0).reshape(3, 4)
numbers = itertools.count()


@pytest.fixture
def exported(tmp_path):
    """Return a function that compiles with three calls, and imports the exported file."""

    def export(f, *args):
        compiled = tg.compile(f)
        for _ in range(3):
            compiled(*args)
        path = compiled.export(tmp_path / f"alone{next(numbers)}.py")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return compiled, module

    return export


def plain(value):
    return value.numpy() if isinstance(value, tg.Tensor) else value


# --- another shape --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "was"),
    [
        (X[:1], r"x is \(1, 4\) float64, but this file computes with \(3, 4\) float64"),
        (X[:, :1], r"x is \(3, 1\) float64, but this file computes with \(3, 4\)"),
        (X.astype("f4"), r"x is \(3, 4\) float32, but this file computes with \(3, 4\) float64"),
        (np.tile(X, (2, 1)), r"x is \(6, 4\) float64, but"),
        (2.0, r"x is \(\) float64, but"),
    ],
)
def test_another_shape_is_an_error_that_names_both(bad, was, exported):
    _, alone = exported(lambda x: tg.sum(tg.Tensor(x)), X)
    with pytest.raises(ValueError, match=was):
        alone.call(bad)
    assert alone.call(X) == X.sum()
    assert alone.call(X.tolist()) == X.sum()


def test_a_model_refuses_other_batches_and_keeps_its_state(exported):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten())
    images = np.ones((7, 2, 5, 5), np.float32)
    compiled, alone = exported(lambda x: model(x), images)
    for rows in (1, 20):
        with pytest.raises(ValueError, match=rf"x is \({rows}, 2, 5, 5\) .* \(7, 2, 5, 5\)"):
            alone.call(np.ones((rows, 2, 5, 5), np.float32))
    np.testing.assert_array_equal(alone.call(images), compiled(images).numpy())


# --- names ----------------------------------------------------------------------------------------

NAMES = ("state", "call", "Path", "constants", "checked", "np", "returned", "GuardFailed")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_file_and_of_the_program_do_not_meet(name, exported):
    w = nn.Parameter(np.ones(4), name=name)
    space = {"tg": tg, "w": w}
    text = f"""
def {name}({name}):
    loss = tg.sum(tg.tanh(w * {name}) * 2)
    w.grad = None
    loss.backward()
    with tg.no_grad():
        w.assign(w - 0.1 * w.grad)
    return loss
"""
    exec(text, space)
    compiled, alone = exported(space[name], X)
    for k in range(3):
        np.testing.assert_array_equal(alone.call(X + k), compiled(X + k).numpy())


def test_names_of_arguments_are_those_of_the_function(exported):
    w = tg.Tensor(np.ones(4))

    def step(state, w_new, unused, settings):
        return settings["scale"] * (tg.tanh(w * state) + w_new)

    right = step(X, X + 1, X[0], {"scale": X + 2}).numpy()
    _, alone = exported(step, X, X + 1, X[0], {"scale": X + 2})
    got = alone.call(state=X, w_new=X + 1, unused=X[0], settings_scale=X + 2)
    np.testing.assert_allclose(got, right)
    np.testing.assert_allclose(alone.call(X, X + 1, X[0], X + 2), right)
    with pytest.raises(ValueError, match=r"unused is \(3, 4\)"):
        alone.call(X, X + 1, X, X + 2)


# --- state ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_generators_go_on_where_they_were(bits, exported):
    rng = np.random.Generator(getattr(np.random, bits)(3))
    compiled, alone = exported(lambda x: x + tg.randn(3, 4, rng=rng), X)
    for _ in range(3):
        np.testing.assert_array_equal(alone.call(X), compiled(X).numpy())


def test_what_is_only_written_is_part_of_the_state(exported):
    last, count = tg.Tensor(np.zeros((3, 4)), name="last"), tg.Number(0)

    def step(x):
        last.assign(x * 2)
        count.value = 5
        return x

    _, alone = exported(step, X)
    alone.call(X + 1)
    np.testing.assert_array_equal(alone.state["last"], (X + 1) * 2)
    assert 5 in [value for value in alone.state.values() if isinstance(value, int)]


# --- results --------------------------------------------------------------------------------------

Pair = collections.namedtuple("Pair", "first second")

RESULTS = {
    "nothing": lambda x: None,
    "one of a tuple": lambda x: (x * 2,),
    "list": lambda x: [x * 2, [x + 1, ()]],
    "dict": lambda x: {"loss": x.sum(), "parts": [x * 2, None], 3: ("a", 1.5, float("inf"))},
    "a constant": lambda x: (x, 7, "name", None, True, -0.0),
    "one value twice": lambda x: [x + 1] * 2,
}


def same(got, right):
    assert type(got) is type(right) or isinstance(right, np.ndarray | np.generic)
    if isinstance(right, dict):
        assert list(got) == list(right)
        got, right = list(got.values()), list(right.values())
    if isinstance(right, list | tuple):
        assert len(got) == len(right)
        for a, b in zip(got, right, strict=True):
            same(a, b)
    elif right is not None:
        assert np.array_equal(got, right)
        assert str(got) == str(right)


@pytest.mark.parametrize("kind", RESULTS)
def test_results_come_back_as_they_are(kind, exported):
    _, alone = exported(RESULTS[kind], X)
    same(alone.call(X + 1), RESULTS[kind](X + 1))


def test_a_named_tuple_comes_back_as_a_tuple(exported):
    _, alone = exported(lambda x: Pair(x, x + 1), X)
    first, second = alone.call(X)
    np.testing.assert_array_equal(second, first + 1)


def test_what_text_cannot_say_is_refused(exported, tmp_path):
    thing = object()
    with pytest.raises(tg.CompileError, match="a object is returned"):
        exported(lambda x: (x * 2, thing), X)
    assert not list(tmp_path.iterdir())


# --- files ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def files_of_at_most(size):
    """A disk that is full after so many bytes of a file, as far as this process can tell."""
    resource = pytest.importorskip("resource")
    signals = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, signals)


def export(w, path):
    if path.name.startswith("step"):
        step = tg.compile(lambda: w * 2)
        step()
        step()
        return step.export(path)
    function = tg.export_onnx if path.suffix == ".onnx" else tg.export_numpy
    return function(lambda x: x @ w, X, path)


@pytest.mark.parametrize("name", ["step.py", "step.c", "predict.py", "predict.onnx"])
def test_a_disk_that_is_full_leaves_the_old_files(name, tmp_path):
    path = tmp_path / name
    assert export(tg.rand(4, 2), path) == path
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with files_of_at_most(100_000), pytest.raises(OSError, match="too large"):
        export(tg.rand(4, 20_000), path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_paths_that_cannot_be_written(tmp_path):
    step = tg.compile(lambda: tg.Tensor(1.0) * 2)
    with pytest.raises(ValueError, match=r"writes \.py and \.c files, not 'step\.txt'"):
        step.export(tmp_path / "step.txt")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        step.export(tmp_path / "missing" / "step.c")
