"""Mini-batches, splits, sets, and files of real ones."""

import gzip
import os
import pickle
import struct

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from nn import data

X = np.arange(22.0).reshape(11, 2)
Y = np.arange(11) % 3


# --- batches -----------------------------------------------------------------------------------


def test_every_row_comes_once_in_each_loop():
    loader = data.batches(X, Y, 4, rng=np.random.default_rng(0))
    assert len(loader) == 3
    orders = []
    for _ in range(2):
        parts = list(loader)
        assert [len(xb) for xb, _ in parts] == [4, 4, 3]
        rows = np.concatenate([xb[:, 0] for xb, _ in parts]) / 2
        assert np.array_equal(np.concatenate([yb for _, yb in parts]), Y[rows.astype(int)])
        assert sorted(rows) == list(range(11))
        orders.append(rows.tolist())
    assert orders[0] != orders[1]
    again = data.batches(X, Y, 4, rng=np.random.default_rng(0))
    assert [xb[0, 0] for xb, _ in again] == [2 * orders[0][k] for k in (0, 4, 8)]


def test_without_shuffling_nothing_is_copied():
    parts = list(data.batches(X, None, 5, shuffle=False, drop_last=True))
    assert [p.shape for p in parts] == [(5, 2), (5, 2)]
    assert all(np.shares_memory(p, X) for p in parts)
    assert len(data.batches(X, None, 11, drop_last=True)) == 1
    assert len(data.batches(X[:0])) == 0


def test_kinds_of_data():
    tensor = tg.Tensor(X, requires_grad=True)
    (xb, yb) = next(iter(data.batches(tensor, Y.tolist(), 4)))
    assert isinstance(xb, tg.Tensor)
    assert xb.requires_grad
    assert yb.dtype == np.int64
    doubled = data.batches(X, Y, 4, shuffle=False, transform=lambda x, y: (x * 2, y))
    np.testing.assert_array_equal(next(iter(doubled))[0], X[:4] * 2)


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_frames(package):
    module = pytest.importorskip(package)
    frame = module.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    np.testing.assert_array_equal(next(iter(data.batches(frame, None, 11, shuffle=False))), X)


def test_a_loop_trains():
    tg.manual_seed(0)
    x, y = data.moons(50)
    model = nn.Sequential(nn.Linear(2, 16), tg.tanh, nn.Linear(16, 2))
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    for _ in range(30):
        for xb, yb in data.batches(x, y, 20):
            optimizer.zero_grad()
            nn.cross_entropy(model(xb), yb).backward()
            optimizer.step()
    assert nn.accuracy(model(x), y) > 0.95


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: data.batches(X, Y[:5]), ValueError, "same length, not 11 and 5"),
        (lambda: data.batches(X, Y, 0), ValueError, "batch_size must be at least 1"),
        (lambda: data.batches(X, Y, 2.5), TypeError, "whole number"),
        (lambda: data.batches(3.0), ValueError, "axis of rows"),
        (lambda: data.batches(["a", "b"]), TypeError, "must hold numbers"),
        (lambda: data.batches(X, Y, rng=3), TypeError, "NumPy Generator"),
        (lambda: data.split(X, Y, (0.5, 0.6)), ValueError, "sum to 1"),
        (lambda: data.split(X, stratify=True), ValueError, "stratify needs classes"),
        (lambda: data.Standardizer(np.array([[1.0], [np.nan]])), ValueError, "nan or infinite"),
        (lambda: data.Standardizer(X[:0]), ValueError, "no rows"),
    ],
)
def test_what_cannot_be_divided(call, error, text):
    with pytest.raises(error, match=text):
        call()


# --- splits and scales -------------------------------------------------------------------------


def test_a_split_has_every_row_once():
    parts = data.split(X, Y, (0.6, 0.2, 0.2), rng=np.random.default_rng(0))
    assert [len(x) for x, _ in parts] == [7, 2, 2]
    rows = np.concatenate([x[:, 0] for x, _ in parts]) / 2
    assert sorted(rows) == list(range(11))
    for x, y in parts:
        np.testing.assert_array_equal(y, Y[(x[:, 0] / 2).astype(int)])
    first, rest = data.split(X, None, (0.5, 0.5), shuffle=False)
    np.testing.assert_array_equal(np.concatenate([first, rest]), X)


def test_a_stratified_split_keeps_the_shares_of_the_classes():
    y = np.repeat([0, 1, 2], [100, 50, 10])
    x = np.arange(160.0)[:, None]
    (_, train), (_, test) = data.split(x, y, (0.8, 0.2), stratify=True)
    assert np.bincount(train).tolist() == [80, 40, 8]
    assert np.bincount(test).tolist() == [20, 10, 2]


def test_a_standardizer_is_a_layer_that_is_saved(tmp_path):
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(5, 3, 100), np.full(100, 7.0)]).astype("f4")
    scale = data.Standardizer(x)
    z = scale(x).numpy()
    assert z.dtype == np.float32
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=0), [1, 0], atol=1e-5)
    np.testing.assert_allclose(scale.inverse(z).numpy(), x, rtol=1e-5)
    nn.save(scale, tmp_path / "a.npz")
    other = data.Standardizer(x[:2])
    nn.load(tmp_path / "a.npz", other)
    np.testing.assert_array_equal(other(x).numpy(), z)
    assert data.Standardizer(np.arange(6).reshape(3, 2))([[1, 2]]).dtype == np.float32


# --- sets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["spiral", "vertical", "moons", "circles", "blobs"])
def test_sets_of_classes(name):
    make = getattr(data, name)
    x, y = make(50, rng=np.random.default_rng(0))
    classes = 2 if name in ("moons", "circles") else 3
    assert (x.shape, y.shape) == ((50 * classes, 2), (50 * classes,))
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    assert np.bincount(y).tolist() == [50] * classes
    np.testing.assert_array_equal(make(50, rng=np.random.default_rng(0))[0], x)


@pytest.mark.parametrize("name", ["spiral", "vertical"])
def test_the_books_sets_are_those_of_nnfs(name):
    sets = pytest.importorskip("nnfs.datasets")
    np.random.seed(0)
    theirs, labels = getattr(sets, f"{name}_data")(2000, 3)
    x, y = getattr(data, name)(2000, 3, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(y, labels)
    for k in range(3):
        ours, right = x[y == k], theirs[labels == k]
        np.testing.assert_allclose(ours.mean(axis=0), right.mean(axis=0), atol=0.03)
        np.testing.assert_allclose(np.cov(ours.T), np.cov(right.T), atol=0.02)


def test_the_sine_is_that_of_nnfs():
    sets = pytest.importorskip("nnfs.datasets")
    for ours, right in zip(data.sine(), sets.sine_data()):
        np.testing.assert_allclose(ours, right, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("digits", (1797, 64)),
        ("iris", (150, 4)),
        ("wine", (178, 13)),
        ("breast_cancer", (569, 30)),
        ("diabetes", (442, 10)),
    ],
)
def test_real_sets(name, shape):
    pytest.importorskip("sklearn")
    x, y = getattr(data, name)()
    assert x.shape == shape
    assert x.dtype == np.float32
    assert y.shape == ((442, 1) if name == "diabetes" else shape[:1])
    assert y.dtype.kind == ("f" if name == "diabetes" else "i")


def test_what_a_real_set_needs(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"pip install .tinygrad-np\[sklearn\]"):
        data.digits()


# --- files ---------------------------------------------------------------------------------------


def idx(array, code):
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.astype(data.files.IDX_TYPES[code]).tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("code", data.files.IDX_TYPES)
def test_idx_files(tmp_path, pack, code):
    array = np.arange(24).reshape(2, 3, 4)
    (tmp_path / "a").write_bytes(pack(idx(array, code)))
    read = data.read_idx(tmp_path / "a")
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.dtype(data.files.IDX_TYPES[code]).newbyteorder("=")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_files_that_are_none(tmp_path, pack):
    whole = idx(np.arange(24).reshape(2, 3, 4), 8)
    path = tmp_path / "a"
    huge = struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 2**31)
    for content in [b"", b"\0", whole[:7], whole[:-1], whole + b"\0", b"PK" + whole, huge]:
        path.write_bytes(pack(content))
        with pytest.raises(ValueError, match=str(path)):
            data.read_idx(path)
    path.write_bytes(gzip.compress(whole)[:-9])
    with pytest.raises(ValueError, match=str(path)):
        data.read_idx(path)
    with pytest.raises(FileNotFoundError):
        data.read_idx(tmp_path / "b")


def test_cifar_batches(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 3072), np.uint8)
    path = tmp_path / "data_batch_1"
    for labels in (b"labels", b"fine_labels"):
        content = {b"data": images, labels: [3, 1, 2, 0, 9], b"batch_label": b"batch 1 of 5"}
        path.write_bytes(pickle.dumps(content, protocol=2))
        x, y = data.read_cifar(path)
        np.testing.assert_array_equal(x, images.reshape(5, 3, 32, 32))
        assert y.tolist() == [3, 1, 2, 0, 9]


def test_a_pickle_that_would_run_something_does_not(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    path = tmp_path / "data_batch_1"
    for content in [Bomb(), {b"data": Bomb()}, [1, 2], {b"data": np.zeros((2, 5), np.uint8)}]:
        path.write_bytes(pickle.dumps(content, protocol=2))
        with pytest.raises(ValueError, match="no batch of CIFAR"):
            data.read_cifar(path)
    path.write_bytes(b"garbage")
    with pytest.raises(ValueError, match="no batch of CIFAR"):
        data.read_cifar(path)
    assert not (tmp_path / "executed").exists()


def test_tables(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\ufeffsize, rooms,price\n50,2,100.5\n80,3,200\n", encoding="utf-8")
    x, y, names = data.read_csv(path, "price")
    np.testing.assert_array_equal(x, [[50, 2], [80, 3]])
    np.testing.assert_array_equal(y, np.float32([100.5, 200]))
    assert names == ["size", "rooms"]
    path.write_text("a;b;kind\n1;2;cat\n3;4;dog\n\n5;6;cat\n", encoding="utf-8")
    x, y, names = data.read_csv(path, -1, delimiter=";")
    np.testing.assert_array_equal(x, [[1, 2], [3, 4], [5, 6]])
    assert y.tolist() == [0, 1, 0]
    path.write_text("1,2\n3,4\n", encoding="utf-8")
    x, y, names = data.read_csv(path)
    assert (x.shape, y, names) == ((2, 2), None, ["0", "1"])


@pytest.mark.parametrize(
    ("text", "target", "error", "message"),
    [
        ("", None, ValueError, "is empty"),
        ("a,b\n1,2\n3\n", None, ValueError, r"a\.csv:3 has 1 cells, but the first line has 2"),
        ("a,b\n1,2\n3,x\n", None, ValueError, r"a\.csv:3, column b: 'x' is no number"),
        ("a,b\n1,2\n3,x\n", "b", ValueError, r"a\.csv:3, column b: 'x' is no number"),
        ("a,b\n1,2\n", "c", KeyError, "no column 'c'; it has a, b"),
        ("a,b\n1,2\n", 2, KeyError, "no column 2; it has 2"),
    ],
)
def test_tables_that_are_none(tmp_path, text, target, error, message):
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=message):
        data.read_csv(path, target)
