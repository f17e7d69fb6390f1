"""Functions of rows as files: what follows their number, and what is refused, with its line."""

import importlib.util
import inspect
import itertools

import numpy as np
import pytest

import tinygrad_np as tg

rng = np.random.default_rng(3)
X = rng.standard_normal((6, 4)).astype("f4")
W = tg.Tensor(rng.standard_normal((4, 3)).astype("f4"), name="W", requires_grad=True)
BIG = rng.standard_normal((4, 9)).astype("f4")
MASK = np.array([True, False, True, True, False, True, False, True, True])
numbers = itertools.count()


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def exported(tmp_path):
    def export(f, example=X, **options):
        path = tg.export_numpy(f, example, tmp_path / f"file{next(numbers)}.py", **options)
        return load(path)

    return export


def same_bits(got, right):
    assert (got.dtype, got.shape) == (right.dtype, right.shape)
    assert got.tobytes() == right.tobytes()


# --- what follows ---------------------------------------------------------------------------------


def row_numbers(x):
    return x[np.arange(len(x)), np.arange(len(x)) % 1]


def last_rows(x):
    flat = x.reshape(2 * len(x), 2)
    return flat[np.arange(1, 2 * len(x), 2)]


def column_of_places(x):
    return x[np.arange(len(x))[:, None], np.array([2, 0, 3, 1])]


FUNCTIONS = {
    "a product": lambda x: tg.tanh(x @ W),
    "a length in a shape": lambda x: x.reshape(len(x) * 2, 2).reshape(len(x), -1),
    "slices": lambda x: tg.concatenate([x, x])[: len(x)] + x[-len(x) :],
    "zeros for each row": lambda x: x + np.zeros((len(x), 4), "f4"),
    "an array for each row": lambda x: x * np.stack([BIG[:, 2]] * len(x)),
    "an array for each row, turned": lambda x: (x.T * np.stack([BIG[:, 2]] * len(x), 1)).T,
    "the numbers of the rows": row_numbers,
    "the last of each two rows": last_rows,
    "the numbers of the rows, as a column": column_of_places,
    "a constant of booleans": lambda x: tg.where(MASK, x @ BIG, 0),
    "a transposed constant": lambda x: x @ np.asfortranarray(BIG),
    "two rows for one": lambda x: tg.repeat(x, 2, axis=0),
}


@pytest.mark.parametrize("embed", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_number_of_rows(name, embed, exported):
    f = FUNCTIONS[name]
    alone = exported(f, embed=embed)
    for n in (1, 2, 3, 7, 50, 999):
        x = rng.standard_normal((n, 4)).astype("f4")
        with tg.no_grad():
            right = f(tg.Tensor(x)).numpy()
        same_bits(alone.predict(x), right)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_rows_are_computed_or_refused(name, exported):
    alone = exported(FUNCTIONS[name])
    try:
        right = FUNCTIONS[name](tg.Tensor(X[:0]))
    except ValueError:
        with pytest.raises(ValueError, match="x has no rows"):
            alone.predict(X[:0])
    else:
        same_bits(alone.predict(X[:0]), right.numpy())


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y, z: y * z - x,
        lambda x, y, z: z[:, :1] / y,
        lambda x, y, z: x.reshape(len(z), 2, 2),
    ],
    ids=["read in another order", "the first is not read", "only a length is read"],
)
def test_arguments_are_those_of_the_function(f, exported):
    arrays = X, np.abs(X) + 1, X[:, ::-1].copy()
    module = exported(f, arrays)
    assert list(inspect.signature(module.predict).parameters) == ["x", "y", "z"]
    same_bits(module.predict(*arrays), f(*map(tg.Tensor, arrays)).numpy())


def test_results_in_containers_come_back_as_they_are(exported):
    alone = exported(lambda x: {"a": x @ W, "b": (tg.exp(x), None, "t", 3.5)})
    got = alone.predict(X)
    assert list(got) == ["a", "b"]
    assert got["b"][1:] == (None, "t", 3.5)
    same_bits(got["a"], X @ W.numpy())


def test_numbers_of_the_file_are_expressions_of_n(tmp_path):
    def f(x):
        pairs = x.reshape(len(x) * 2, 2)
        return pairs[: 2 * len(x) - 1 + 1]

    text = tg.export_numpy(f, X, tmp_path / "a.py").read_text(encoding="utf-8")
    assert "np.reshape(x, (2 * n, 2))" in text
    assert "[:2 * n]" in text
    assert "# (2 * n, 2) float32" in text
    assert text.count("n = len(x)") == 1
    text = tg.export_numpy(tg.tanh, X, tmp_path / "b.py").read_text(encoding="utf-8")
    assert "len(x)" not in text


def test_one_row_as_an_example(exported):
    alone = exported(lambda x: tg.softmax(x @ W, axis=1), X[:1])
    with tg.no_grad():
        same_bits(alone.predict(X), tg.softmax(tg.Tensor(X) @ W, axis=1).numpy())


# --- names ----------------------------------------------------------------------------------------

NAMES = ("n", "predict", "len", "map", "any", "np", "constants", "checked", "sys", "str", "digest")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_file_and_of_the_function_do_not_meet(name, tmp_path):
    values = tg.Tensor(BIG, name=name)
    space = {"values": values}
    exec(f"def f({name}):\n    y = {name} @ values\n    return y + 1", space)
    module = load(tg.export_numpy(space["f"], X, tmp_path / "names.py"))
    same_bits(module.predict(X), X @ BIG + 1)
    with pytest.raises(ValueError, match="but this file takes"):
        module.predict(X[0])


# --- what does not --------------------------------------------------------------------------------


def loop_over_rows(x):
    rows = []
    for row in x:  # here
        rows.append(tg.tanh(row @ W))
    return tg.stack(rows)


def mean_of_the_batch(x):
    h = x @ W
    return h - h.mean(axis=0)  # here


def largest_of_the_batch(x):
    top = x.max(axis=0, keepdims=True)  # here
    return x / top


def attention_between_rows(x):
    scores = x @ x.T  # here
    return tg.softmax(scores, axis=1) @ x


def sums_along_rows(x):
    c = tg.cumsum(x, axis=0)  # here
    return c @ W


def sorted_rows(x):
    return tg.sort(x, axis=0)  # here


def rows_in_another_order(x):
    return tg.flip(x @ W, axis=0)  # here


def loss(x):
    return (x @ W).sum()  # here


def branch_on_the_number(x):
    if len(x) > 6:
        return x * 2  # here
    return x + 1


def share_of_each_row(x):
    return x * (1 / len(x))  # here


def square_of_the_number(x):
    return x[: len(x) ** 2 // 4]  # here


def random_numbers(x):
    return x + tg.randn(4)  # here


def random_array(x):
    return x + np.random.default_rng().random((len(x), 1))  # here


def branch_on_a_value(x):
    if x.sum() > 0:  # here
        return x
    return -x


state = tg.Tensor(np.zeros(4), name="state")


def change_of_state(x):
    state.assign(state + 1)  # here
    return x + state


REFUSED = {
    loop_over_rows: "other operations",
    mean_of_the_batch: "from several rows together",
    largest_of_the_batch: "from several rows together",
    attention_between_rows: "from several rows together",
    sums_along_rows: "from several rows together",
    sorted_rows: "from several rows together",
    rows_in_another_order: "from several rows together",
    loss: "from several rows together",
    branch_on_the_number: "other operations",
    share_of_each_row: "0.2, then 0.125",
    square_of_the_number: "the numbers 6, 16, 42, which are not",
    random_numbers: "draws random numbers",
    random_array: "an array that holds other numbers",
    branch_on_a_value: "branches on a value",
    change_of_state: "changes state",
}


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_what_does_not_follow_is_an_error_with_its_line(f, tmp_path):
    lines, first = inspect.getsourcelines(f)
    line = first + next(k for k, text in enumerate(lines) if "# here" in text)
    with pytest.raises(tg.CompileError, match=REFUSED[f]) as caught:
        tg.export_numpy(f, X, tmp_path / "file.py")
    assert f"{__file__}:{line}: " in str(caught.value)
    assert not list(tmp_path.iterdir())
    assert not state.numpy().any()


def test_one_row_that_loses_its_axis(tmp_path):
    with pytest.raises(tg.CompileError, match=r"with 1 row than .* a result of shape \(\)"):
        tg.export_numpy(lambda x: tg.squeeze(x[:, :1] + 0.0), X, tmp_path / "file.py")


def test_rows_that_meet_only_beside_the_result_are_fine(exported):
    """A depthwise convolution computes numbers across the borders of images, and drops them."""
    images = rng.standard_normal((5, 4, 6, 6)).astype("f4")
    weight = rng.standard_normal((4, 1, 3, 3)).astype("f4")
    alone = exported(lambda x: tg.conv2d(x, weight, groups=4), images)
    for n in (1, 2, 5):
        same_bits(alone.predict(images[:n]), tg.conv2d(images[:n], weight, groups=4))


@pytest.mark.parametrize(
    ("example", "said"),
    [
        (X[:0], r"not of shape \(0, 4\)"),
        (np.float32(2), r"not of shape \(\)"),
        ((), r"not of shape \(\)"),
        ((X, X[:2]), r"not of shape \(6, 4\), \(2, 4\)"),
    ],
)
def test_examples_without_rows(example, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        tg.export_numpy(lambda *x: x[0], example, tmp_path / "file.py")


# --- files ----------------------------------------------------------------------------------------


def test_what_was_there_stays_if_the_export_fails(tmp_path):
    path = tmp_path / "file.py"
    tg.export_numpy(lambda x: x @ BIG, X, path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(tg.CompileError):
        tg.export_numpy(loop_over_rows, X, path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    assert sorted(before) == ["file.npz", "file.py"]


def test_paths_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match=r"writes \.py files, not 'model\.onnx'"):
        tg.export_numpy(abs, X, tmp_path / "model.onnx")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        tg.export_numpy(abs, X, tmp_path / "missing" / "file.py")
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        tg.export_numpy(abs, X, tmp_path / "folder.py")


def test_a_saved_model_is_not_written_over(tmp_path):
    np.savez(tmp_path / "model.npz", weight=X)
    with pytest.raises(FileExistsError, match="it would be lost"):
        tg.export_numpy(lambda x: x @ BIG, X, tmp_path / "model.py")
    with np.load(tmp_path / "model.npz") as content:
        assert content["weight"].shape == X.shape
    (tmp_path / "model.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(FileExistsError, match="it would be lost"):
        tg.export_numpy(lambda x: x @ BIG, X, tmp_path / "model.py")
    tg.export_numpy(lambda x: x @ BIG, X, tmp_path / "model.py", embed=True)


def test_arrays_of_another_export_are_refused(tmp_path):
    tg.export_numpy(lambda x: x @ BIG, X, tmp_path / "a.py")
    tg.export_numpy(lambda x: x @ (BIG + 1), X, tmp_path / "b.py")
    (tmp_path / "b.npz").replace(tmp_path / "a.npz")
    with pytest.raises(RuntimeError, match="was written for another one"):
        load(tmp_path / "a.py")


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i8", "u1", "?", "c8"])
def test_arrays_as_text_are_exact(kind, exported):
    values = (rng.standard_normal((4, 30)) * 10).astype(kind)
    if kind in ("f4", "f8"):
        values[0, :4] = [-0.0, np.inf, np.nan, np.finfo(kind).tiny / 3]
    alone = exported(lambda x: tg.where(x[:, :1] > 9, 0, tg.Tensor(values)[:1]), embed=True)
    assert not hasattr(alone, "constants")
    expected = np.repeat(np.where(False, 0, values[:1]), len(X), axis=0)
    same_bits(alone.predict(X * 0), expected)
