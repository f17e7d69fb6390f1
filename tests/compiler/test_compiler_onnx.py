"""Functions of rows as .onnx files: what follows the rows, and what is refused, with its line."""

import inspect
import os

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.compiler.onnx.wire import message, varint
from tinygrad_np.core.containers import leaves

rng = np.random.default_rng(3)
X = rng.standard_normal((6, 4)).astype("f4")
IDS = rng.integers(0, 7, (6, 5))
SEQUENCE = rng.standard_normal((6, 5, 4)).astype("f4")
W = tg.Tensor(rng.standard_normal((4, 3)).astype("f4"), name="W", requires_grad=True)
TABLE = tg.Tensor(rng.standard_normal((7, 4)).astype("f4"), requires_grad=True)


def session_of(path):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])


def of_rows(arrays, n):
    return [array[np.arange(n) % len(array)] for array in arrays]


def check(f, example, path, sizes=(1, 3, 50)):
    """Export a function, and compare what onnxruntime computes."""
    session = session_of(tg.export_onnx(f, example, path))
    names = [entry.name for entry in session.get_inputs()]
    for n in sizes:
        arrays = of_rows(example if isinstance(example, tuple) else (example,), n)
        wanted = f(*map(tg.Tensor, arrays))
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        floats = [a.astype("f4") if a.dtype.kind == "f" else a for a in arrays]
        for got, right in zip(session.run(None, dict(zip(names, floats))), wanted, strict=True):
            assert got.shape == right.shape
            np.testing.assert_allclose(got, right.numpy(), rtol=1e-5, atol=1e-6)
    return session


# --- what follows the rows ------------------------------------------------------------------------


def in_place(x):
    y = np.exp(x.numpy())
    y += 1
    y /= 2
    return tg.Tensor(y)


def constant_in_place(x):
    zeros = np.zeros_like(x.numpy())
    before = x + zeros
    zeros += 1
    zeros[:, 1] = 3
    return before, x * zeros


def counted(x):
    return x[np.arange(len(x)), np.arange(len(x)) % 1]


FUNCTIONS = {
    "a product": (lambda x: tg.softmax(x @ W), X),
    "float64": (lambda x: tg.tanh(x @ W), X.astype("f8")),
    "a length in a shape": (lambda x: x.reshape(len(x) * 2, 2).reshape(len(x), -1), X),
    "two lengths in a shape": (lambda x: tg.zeros((len(x), len(x))) + x.sum(1), X),
    "a length as a number": (lambda x: x.sum(0) / len(x), X),
    "over the rows": (lambda x: (x - x.mean(0)) / (x.var(0, ddof=-1) + 1), X),
    "zeros of the rows": (lambda x: np.concatenate([x, np.zeros((len(x), 2), "f4")], 1), X),
    "numbers of the rows": (lambda x: x * np.arange(len(x))[:, None], X),
    "indices of the rows": (counted, X),
    "rows from the end": (lambda x: x[::-1, 1:-1], X),
    "rows repeated": (lambda x: np.repeat(x, 2, 0), X),
    "a part of the rows": (lambda x: tg.split(x, [len(x) - 1])[0], X),
    "padded rows": (lambda x: np.pad(x, ((0, 0), (1, 2))), X),
    "an embedding": (lambda ids: tg.embedding(ids, TABLE).mean(1), IDS),
    "an embedding, int32": (lambda ids: tg.embedding(ids, TABLE) * 2, IDS.astype("i4")),
    "an embedding without gradient": (lambda ids: tg.embedding(ids, TABLE.detach()), IDS),
    "positions too": (lambda ids: tg.embedding(ids, TABLE) + TABLE[np.arange(5)], IDS),
    "a mask of integers": (lambda ids: TABLE[ids] * (ids != 0)[:, :, None], IDS),
    "integers that wrap": (lambda ids: (ids + 250) * 2, IDS.astype("u1")),
    "shifts": (lambda ids: ((ids << 2) >> 1) & 5, IDS),
    "one-hot rows": (lambda ids: tg.one_hot(ids, 7) @ TABLE, IDS),
    "the largest": (lambda x: (x.argmax(1), np.sort(x, 1), tg.topk(x, 2)[0]), X),
    "picked by the largest": (lambda x: tg.embedding(x.argmax(1), TABLE), X),
    "a choice": (lambda x: tg.where(x > 0, x, x * 0.1), X),
    "truths": (lambda x: ((x > 0).any(1), (x > 0).all(1), (x > 0).sum(1)), X),
    "sums of truths": (
        lambda b: (b + b, b * ~b, np.minimum(b, ~b), tg.where(b, b[:, ::-1], ~b), np.cumsum(b, 1)),
        IDS > 3,
    ),
    "truths beside integers": (
        lambda ids: (
            np.concatenate([ids > 1, ids * 3], 1),
            tg.where(ids > 1, ids > 3, 5),
            np.sort(ids > 3, 1),
        ),
        IDS,
    ),
    "a choice of two numbers": (lambda x: tg.where(x > 0, 3, 2.5), X),
    "two inputs": (lambda x, ids: (x @ W, TABLE[ids].sum(1) * x), (X, IDS)),
    "attention": (lambda x: tg.scaled_dot_product_attention(x, x, x, causal=True), SEQUENCE),
    "attention with a mask": (
        lambda x, ids: tg.scaled_dot_product_attention(x, x, x, mask=(ids > 1)[:, None]),
        (SEQUENCE, IDS),
    ),
    "an einsum": (lambda x: np.einsum("bti,bui->btu", x, x), SEQUENCE),
    "a norm of layers": (lambda x: tg.layer_norm(x, 4, TABLE[0], TABLE[1]), X),
    "arrays of NumPy": (lambda x: tg.Tensor(np.tanh(x.numpy()) * 2), X),
    "arrays that are written to": (in_place, X),
    "constants that are written to": (constant_in_place, X),
    "without gradients": (tg.no_grad(lambda x: tg.softmax(tg.gelu(x) @ W)), X),
    "an input as a result": (lambda x: (x, x, x * 1), X),
    "a constant as a result": (lambda x: (x @ W, W), X),
    "an own op": (tg.define_op(lambda x: np.exp(x) + x, name="relu", x=lambda g: g), X),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_number_of_rows(name, tmp_path):
    check(*FUNCTIONS[name], tmp_path / "f.onnx")


def test_no_rows(tmp_path):
    session = check(lambda x: tg.relu(x @ W).reshape(len(x), 3, 1), X, tmp_path / "f.onnx", (0, 2))
    assert session.get_inputs()[0].shape == ["rows", 4]
    assert session.get_outputs()[0].shape == ["rows", 3, 1]


def test_names_types_and_shapes(tmp_path):
    def f(pixels, labels):
        rows = tg.concatenate([pixels, pixels])
        return {"twice": rows, "label": labels[:, 0], "all": (labels.sum(), pixels)}

    session = session_of(tg.export_onnx(f, (X, IDS.astype("u1")), tmp_path / "f.onnx"))
    inputs = {entry.name: (entry.type, entry.shape) for entry in session.get_inputs()}
    assert inputs == {
        "pixels": ("tensor(float)", ["rows", 4]),
        "labels": ("tensor(uint8)", ["rows", 5]),
    }
    outputs = {entry.name: (entry.type, entry.shape) for entry in session.get_outputs()}
    assert outputs == {
        "twice": ("tensor(float)", ["2 * rows", 4]),
        "label": ("tensor(int64)", ["rows"]),
        "all_0": ("tensor(int64)", []),
        "all_1": ("tensor(float)", ["rows", 4]),
    }


@pytest.mark.parametrize(
    ("f", "names"),
    [
        (lambda x: {"x": x * 2, "y": x * 3}, ["x_2", "y"]),
        (lambda output: output * 2, ["output_2"]),
        (lambda x: {"top-1": x * 2, "top 1": x * 3, "a": {"b": x}, "a_b": x + 1}, None),
    ],
    ids=["an input's", "a word", "alike"],
)
def test_no_two_values_have_one_name(f, names, tmp_path):
    session = session_of(tg.export_onnx(f, X, tmp_path / "f.onnx"))
    (given,) = session.get_inputs()
    found = [entry.name for entry in session.get_outputs()]
    assert names is None or found == names
    right = [leaf for _, leaf in leaves(f(tg.Tensor(X)))]
    assert len({given.name, *found}) == len(right) + 1
    for got, wanted in zip(session.run(None, {given.name: X}), right, strict=True):
        np.testing.assert_allclose(got, wanted.numpy())


def test_the_bytes_are_those_of_the_package(tmp_path):
    """The writer of the format writes what the package onnx writes of the same model."""
    onnx = pytest.importorskip("onnx")
    for number, name in enumerate(FUNCTIONS):
        path = tg.export_onnx(*FUNCTIONS[name], tmp_path / f"{number}.onnx")
        model = onnx.load(path)
        assert model.SerializeToString(deterministic=True) == path.read_bytes()
        assert (model.ir_version, model.opset_import[0].version) == (10, 20)


def test_the_encoding():
    """Examples of https://protobuf.dev/programming-guides/encoding."""
    assert varint(150) == b"\x96\x01"
    assert varint(-2) == b"\xfe" + b"\xff" * 8 + b"\x01"
    assert message({1: 150}) == b"\x08\x96\x01"
    assert message({2: "testing"}) == b"\x12\x07testing"
    assert (
        message({4: [3, 270], 3: message({1: 150})}) == b"\x1a\x03\x08\x96\x01\x20\x03\x20\x8e\x02"
    )
    assert message({2: 0.5}) == b"\x15\x00\x00\x00\x3f"


# --- what is refused ------------------------------------------------------------------------------


def line_of(f):
    return f"{os.path.basename(__file__)}:{inspect.getsourcelines(f)[1] + 1}: "


def running_product(x):
    return np.cumprod(x, 1)


def loop_over_rows(x):
    return tg.stack([row * 2 for row in x])


def branch_on_rows(x):
    return x * 2 if len(x) > 6 else x + 1


def branch_on_one_row(x):
    return x * 2 if len(x) == 1 else x + 1


def branch_on_many_rows(x):
    return x * 2 if len(x) > 20 else x + 1


def squeezed(x):
    return x[:, :1].squeeze()


def other_number(x):
    return x * (1 / len(x))


def picked_by_values(x):
    return x[x > 0]


def noisy(x):
    return x + tg.randn(4)


def number_of_a_value(x):
    return x * float(x.sum())


def compared_truths(x):
    return (x > 0) < (x > 1)


REFUSED = {
    running_product: "uses cumprod, and ONNX has no form for it; ONNX has no running product",
    loop_over_rows: "with 5 rows, 8, 13, 1 and 50: other operations",
    branch_on_rows: "with 5 rows, 8, 13, 1 and 50: other operations",
    branch_on_one_row: "with 5 rows, 8, 13, 1 and 50: other operations",
    branch_on_many_rows: "with 5 rows, 8, 13, 1 and 50: other operations",
    squeezed: "with 5 rows, 8, 13, 1 and 50",
    other_number: "an array that holds other numbers, and not the same for each row",
    picked_by_values: "picks elements with a mask that is computed in each call",
    noisy: "draws random numbers",
    compared_truths: "uses less, and ONNX has no form for booleans as operands of Less: cast them",
    number_of_a_value: "makes a Python number of a value",
}


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_what_has_no_form_is_an_error_with_its_line(f, tmp_path):
    path = tmp_path / "f.onnx"
    path.write_text("before")
    with pytest.raises(tg.CompileError) as raised:
        tg.export_onnx(f, X, path)
    assert line_of(f) in str(raised.value)
    assert REFUSED[f] in str(raised.value)
    assert f.__name__ in str(raised.value)
    assert [p.name for p in tmp_path.iterdir()] == ["f.onnx"]
    assert path.read_text() == "before"


def test_a_write_into_a_part_is_refused(tmp_path):
    def written_part(x):
        y = np.exp(x.numpy())
        row = y[:, 0]
        row += 1
        return tg.Tensor(y)

    with pytest.raises(tg.CompileError, match="a part of an array is written to in place"):
        tg.export_onnx(written_part, X, tmp_path / "f.onnx")


def test_a_number_of_a_value_that_the_library_reads_is_refused(tmp_path):
    def some(x):
        return tg.topk(x, x.argmax() % 2 + 1)[0]

    with pytest.raises(tg.CompileError, match="a number is read from a value that is computed"):
        tg.export_onnx(some, X, tmp_path / "f.onnx")


def test_truths_that_differ_from_row_to_row_are_refused(tmp_path):
    def every_other(x):
        return tg.where((np.arange(len(x)) % 2 == 0)[:, None], x, 0)

    with pytest.raises(tg.CompileError, match="not the same for each row"):
        tg.export_onnx(every_other, X, tmp_path / "f.onnx")


def test_what_changes_something_is_refused(tmp_path):
    state = tg.Tensor(np.zeros(4, "f4"), name="state")

    def step(x):
        state.assign(x[0])
        return x

    with pytest.raises(tg.CompileError, match="step changes state"):
        tg.export_onnx(step, X, tmp_path / "f.onnx")


@pytest.mark.parametrize(
    ("example", "shape"), [(X[:0], r"\(0, 4\)"), (np.float32(1), r"\(\)"), ((X, IDS[:2]), "2, 5")]
)
def test_examples_need_rows(example, shape, tmp_path):
    with pytest.raises(ValueError, match=rf"rows along its first axis.*{shape}"):
        tg.export_onnx(lambda x, y=0: x, example, tmp_path / "f.onnx")


def test_examples_hold_numbers_of_a_kind(tmp_path):
    with pytest.raises(TypeError, match="not an array of dtype <U1"):
        tg.export_onnx(abs, np.array(["a", "b"]), tmp_path / "f.onnx")
    with pytest.raises(tg.CompileError, match="numbers of complex128 have no form"):
        tg.export_onnx(tg.abs, X.astype(complex), tmp_path / "f.onnx")
    with pytest.raises(tg.CompileError, match="takes uint64, but the file would compute in int64"):
        tg.export_onnx(lambda x: x // 3, IDS.astype("u8"), tmp_path / "f.onnx")
    with pytest.raises(tg.CompileError, match="returns a str, and only arrays and numbers"):
        tg.export_onnx(lambda x: (x, "label"), X, tmp_path / "f.onnx")


def test_paths_that_cannot_be_written(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"writes \.onnx files, not 'model.py'"):
        tg.export_onnx(abs, X, tmp_path / "model.py")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        tg.export_onnx(abs, X, tmp_path / "nowhere" / "f.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        tg.export_onnx(abs, X, tmp_path / "folder.onnx")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        tg.export_onnx(abs, X, tmp_path / "f.onnx")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.onnx"]
