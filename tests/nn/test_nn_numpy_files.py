"""Trained models as files that need NumPy alone, held against the models to the last bit."""

import importlib.util
import re
import subprocess
import sys

import numpy as np
import pytest

import nn
import tinygrad_np as tg

rng = np.random.default_rng(8)


def floats(*shape):
    return rng.standard_normal(shape).astype("f4")


class Convnet(nn.Module):
    def __init__(self):
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 4, 3, groups=4),
            nn.Flatten(),
            nn.Linear(16, 5),
        )

    def forward(self, images):
        return tg.softmax(self.body(images), axis=1)


class Attention(nn.Module):
    def __init__(self):
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        h, _ = self.attention(x, x, x, is_causal=True)
        return self.out(self.norm(x + h)[:, -1])


class Recurrent(nn.Module):
    def __init__(self, kind):
        self.cells = kind(3, 6, batch_first=True)
        self.out = nn.Linear(6, 2)

    def forward(self, x):
        h, _ = self.cells(x)
        return self.out(h[:, -1])


class Words(nn.Module):
    def __init__(self):
        self.embedding = nn.Embedding(10, 4, padding_idx=0)
        self.places = nn.Parameter(floats(6, 4))
        self.encoder = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.out = nn.Linear(4, 3)

    def forward(self, tokens):
        h = self.encoder(self.embedding(tokens) + self.places)
        return self.out(h.mean(axis=1))


def mlp():
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 3))


def trained(model, x):
    """The model after some steps: no bias is 0, no running mean as it was."""
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    for _ in range(3):
        optimizer.zero_grad()
        (model(x) ** 2).mean().backward()
        optimizer.step()
    return model


MODELS = {
    "mlp": (mlp, floats(9, 4)),
    "convnet": (Convnet, floats(6, 1, 8, 8)),
    "attention": (Attention, floats(6, 5, 8)),
    "LSTM": (lambda: Recurrent(nn.LSTM), floats(6, 4, 3)),
    "GRU": (lambda: Recurrent(nn.GRU), floats(6, 4, 3)),
    "words": (Words, rng.integers(0, 10, (6, 6))),
    "pixels": (lambda: nn.Sequential(nn.Linear(9, 4)), rng.integers(0, 256, (5, 9)).astype("u1")),
}


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def same_bits(got, right):
    assert (got.dtype, got.shape) == (right.dtype, right.shape)
    assert got.tobytes() == right.tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "predict.py"


# --- the same bits --------------------------------------------------------------------------------


@pytest.mark.parametrize("embed", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits_for_any_number_of_rows(name, embed, path):
    build, x = MODELS[name]
    model = trained(build(), x)
    assert nn.export_numpy(model, x, path, embed) == path
    assert model.training
    predict = load(path).predict
    for n in (*range(1, 51), 700):
        rows = x[rng.integers(0, len(x), n)]
        if rows.dtype.kind == "f":
            rows *= rng.random(rows.shape, np.float32)
        same_bits(predict(rows), model.predict(rows))
    if name in ("attention", "words"):  # which reshape to (n, -1, features)
        with pytest.raises(ValueError, match="has no rows"):
            predict(x[:0])
    else:
        same_bits(predict(x[:0]), model.predict(x[:0]))


class Shop(nn.Module):
    def __init__(self):
        self.embedding = nn.Embedding(10, 4)
        self.linear = nn.Linear(6, 3)

    def forward(self, item, features, *, scale=2.0):
        h = self.linear(tg.concatenate([self.embedding(item), features], axis=1))
        return {"scores": h * scale, "best": h.argmax(axis=1)}


ITEMS, FEATURES = rng.integers(0, 10, 7), floats(7, 2)


def test_several_arguments_have_the_names_of_the_forward(path):
    model = Shop()
    module = load(nn.export_numpy(model, (ITEMS, FEATURES), path))
    got = module.predict(features=FEATURES[:3], item=ITEMS[:3])
    with tg.no_grad():
        right = model(ITEMS[:3], FEATURES[:3])
    for name, value in right.items():
        same_bits(got[name], value.numpy())
    with pytest.raises(ValueError, match="item has 7 rows, but features 3"):
        module.predict(ITEMS, FEATURES[:3])


def test_floats_are_cast_as_predict_does(path):
    model = mlp()
    predict = load(nn.export_numpy(model, floats(5, 4).astype("f8"), path)).predict
    x = rng.standard_normal((3, 4))
    same_bits(predict(x), model.predict(x))
    same_bits(predict(x.tolist()), model.predict(x.tolist()))
    whole = rng.integers(-5, 5, (3, 4))
    same_bits(predict(whole), model.predict(whole))


# --- arguments that do not fit --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (floats(3, 5), r"x is \(3, 5\) float32, but this file takes \(n, 4\) float32"),
        (floats(4), r"x is \(4,\) float32, but this file takes \(n, 4\) float32"),
        (2.0, r"x is \(\) float64, but this file takes"),
        (floats(2, 4) + 1j, r"x is \(2, 4\) complex64, but"),
        (np.full((2, 4), "a"), r"x is \(2, 4\) <U1, but"),
    ],
)
def test_other_shapes_and_dtypes(bad, said, path):
    predict = load(nn.export_numpy(mlp(), floats(5, 4), path)).predict
    with pytest.raises(ValueError, match=said):
        predict(bad)


def test_masked_arrays(path):
    predict = load(nn.export_numpy(mlp(), floats(5, 4), path)).predict
    with pytest.raises(TypeError, match="x is a masked array"):
        predict(np.ma.masked_array(floats(2, 4), True))


def test_whole_numbers(path):
    model = Words()
    tokens = rng.integers(0, 10, (4, 6))
    predict = load(nn.export_numpy(model, tokens, path)).predict
    same_bits(predict(tokens.astype("i2")), model.predict(tokens))
    with pytest.raises(ValueError, match=r"tokens is \(4, 6\) float64, but .* \(n, 6\) int64"):
        predict(tokens * 1.0)
    with pytest.raises(ValueError, match=r"the model refuses.*\(test_nn_numpy_files.py:\d+\)"):
        predict(tokens + 10)
    pixels = nn.Sequential(nn.Linear(9, 4))
    predict = load(nn.export_numpy(pixels, MODELS["pixels"][1], path)).predict
    with pytest.raises(ValueError, match="x has numbers that uint8 can't hold"):
        predict(np.full((2, 9), 256))


# --- the file -------------------------------------------------------------------------------------


def test_the_file_says_what_it_is(path):
    text = nn.export_numpy(Convnet(), floats(4, 1, 8, 8), path).read_text(encoding="utf-8")
    doc = load(path).__doc__
    assert doc.startswith("predict(images) as NumPy statements, for any number of rows.\n")
    assert "(0): Conv2d(1, 4, kernel_size=3, padding=1)\n" in doc
    assert "images is (n, 1, 8, 8) float32; the result is (n, 5) float32.\n" in doc
    assert "# body.1: BatchNorm2d(4, eps=1e-05, momentum=0.1)\n" in text
    assert re.search(r"# test_nn_numpy_files.py:\d+: return tg.softmax\(self.body", text)
    assert re.search(r"np.matmul\(\w+, weight_6\) +# \(n, 5\) float32\n", text)
    imports = re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)
    assert set(imports) - set(sys.stdlib_module_names) == {"numpy"}


def test_a_repr_cannot_end_the_docstring(path):
    class Odd(nn.Module):
        def forward(self, x):
            return x * 2

        def __repr__(self):
            return 'Odd("""\\x")'

    text = nn.export_numpy(Odd(), floats(4, 2), path)
    assert 'Odd("""\\x")' in load(text).__doc__


def alone(path, *arguments):
    """Run a file in a Python that finds NumPy, and nothing of this checkout."""
    return subprocess.run(
        [sys.executable, "-I", str(path), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("embed", [False, True])
def test_as_a_program(embed, path):
    model = mlp()
    x = floats(5, 4)
    nn.export_numpy(model, x, path, embed)
    assert path.with_suffix(".npz").exists() is not embed
    table = path.with_name("data.csv")
    for header in ("", "a,b,c,d"):
        np.savetxt(table, x, delimiter=",", header=header, comments="")
        done = alone(path, table)
        assert done.returncode == 0, done.stderr
        printed = [line.split(",") for line in done.stdout.splitlines()]
        same_bits(np.array(printed, np.float32), model.predict(x))
    used = "import sys, predict; print([m for m in sys.modules if m in ('nn', 'tinygrad_np')])"
    done = subprocess.run(
        [sys.executable, "-c", used], capture_output=True, text=True, timeout=60, cwd=path.parent
    )
    assert done.stdout == "[]\n", done.stderr


def test_errors_of_the_program(path):
    nn.export_numpy(Shop(), (ITEMS, FEATURES), path)
    done = alone(path)
    assert done.returncode == 1
    assert "predict.py item.csv features.csv" in done.stderr
    items, features = path.with_name("items.csv"), path.with_name("features.csv")
    items.write_text("1\n2\n")
    features.write_text("0.5,1\n")
    done = alone(path, items, features)
    assert done.stderr == "item has 2 rows, but features 1\n"
    done = alone(path, items, items)
    assert done.stderr.endswith("items.csv has 1 columns, but a row is 2 numbers\n")
    done = alone(path, features, features)
    assert "could not convert string '0.5' to int64 at row 0, column 1" in done.stderr
    for text in ("0.5;1\n", "0.5\t1\n", '"0.5","1"\n'):  # no names, which would be left out
        features.write_text(text)
        assert "could not convert string" in alone(path, items, features).stderr
    done = alone(path, path.with_name("missing.csv"), features)
    assert "No such file" in done.stderr
    features.write_text("0.5,1\n2,3\n")
    done = alone(path, items, features)
    assert "'scores': array(" in done.stdout


def test_damaged_and_missing_arrays(path):
    nn.export_numpy(mlp(), floats(5, 4), path)
    arrays = path.with_suffix(".npz")
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(content)
    with pytest.raises(Exception, match="Bad CRC-32"):
        load(path)
    arrays.unlink()
    with pytest.raises(FileNotFoundError, match=r"predict\.npz"):
        load(path)


# --- models that are refused ----------------------------------------------------------------------


class Standardised(nn.Module):
    def forward(self, x):
        return x - x.mean(axis=0)


class Loop(nn.Module):
    def forward(self, x):
        return tg.stack([row * 2 for row in x])


@pytest.mark.parametrize(
    ("model", "said"),
    [(Standardised(), "from several rows together"), (Loop(), "other operations")],
)
def test_models_that_do_not_compute_row_by_row(model, said, path):
    with pytest.raises(tg.CompileError, match=rf"test_nn_numpy_files.py:\d+: .*{said}"):
        nn.export_numpy(nn.Sequential(nn.Linear(4, 4), model), floats(5, 4), path)
    assert not list(path.parent.iterdir())
    assert model.training


def test_what_is_no_model(path):
    with pytest.raises(TypeError, match=r"takes a Module, not .* tg.export_numpy\(\) takes"):
        nn.export_numpy(tg.tanh, floats(5, 4), path)
