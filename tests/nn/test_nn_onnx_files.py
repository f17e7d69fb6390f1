"""Models as .onnx files: onnxruntime predicts what the model predicts, for any number of rows."""

import os

import numpy as np
import pytest

import nn
import tinygrad_np as tg

rng = np.random.default_rng(5)
X = rng.standard_normal((8, 6)).astype("f4")
IMAGES = rng.standard_normal((4, 3, 8, 8)).astype("f4")
SEQUENCES = rng.standard_normal((4, 5, 6)).astype("f4")
WORDS = rng.integers(0, 12, (6, 5))


class LastState(nn.Module):
    """A recurrent layer, and a dense one on its last state."""

    def __init__(self, kind, **options):
        super().__init__()
        self.layer = kind(6, 7, batch_first=True, **options)
        self.head = nn.Linear(14 if options.get("bidirectional") else 7, 3)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


class Reader(nn.Module):
    """Words and their positions through a layer of a transformer that does not look at padding."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(12, 8)
        self.places = nn.Embedding(5, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, words):
        x = self.words(words) + self.places(np.arange(5))
        x = self.layer(x, src_key_padding_mask=words == 0)
        return self.head(x.mean(1))


class Both(nn.Module):
    """Two inputs, a dict of results."""

    def __init__(self):
        super().__init__()
        self.numbers = nn.Linear(6, 4)
        self.words = nn.Embedding(12, 4)

    def forward(self, numbers, words):
        x = self.numbers(numbers) * self.words(words).sum(1)
        return {"score": x, "best": x.argmax(1)}


def convnet():
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=2), nn.GELU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(6, 4), nn.Softmax(),
    )  # fmt: skip
    for _ in range(3):
        model(IMAGES * 2 + 1)  # running statistics
    return model


MODELS = {
    "mlp": (
        lambda: nn.Sequential(
            nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3), nn.Softmax()
        ),
        X,
    ),
    "convnet": (convnet, IMAGES),
    "lstm": (lambda: LastState(nn.LSTM, num_layers=2), SEQUENCES),
    "lstm both ways": (lambda: LastState(nn.LSTM, bidirectional=True), SEQUENCES),
    "gru": (lambda: LastState(nn.GRU), SEQUENCES),
    "rnn": (lambda: LastState(nn.RNN), SEQUENCES),
    "transformer": (lambda: nn.TransformerEncoderLayer(6, 2, 12, batch_first=True), SEQUENCES),
    "words": (Reader, WORDS),
    "embedding": (
        lambda: nn.Sequential(nn.Embedding(12, 4), nn.Flatten(), nn.Linear(20, 2)),
        WORDS.astype("i4"),
    ),
}


def session_of(path):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])


@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_predicts_the_same(name, tmp_path):
    build, x = MODELS[name]
    tg.manual_seed(0)
    model = build()
    session = session_of(nn.export_onnx(model, x, tmp_path / "model.onnx"))
    (argument,) = session.get_inputs()
    for n in (1, 3, 50):
        rows = x[np.arange(n) % len(x)]
        (got,) = session.run(None, {argument.name: rows})
        np.testing.assert_allclose(got, model.predict(rows), rtol=1e-5, atol=1e-6)


def test_several_arguments_and_results(tmp_path):
    model = Both()
    session = session_of(nn.export_onnx(model, (X[:6], WORDS), tmp_path / "model.onnx"))
    assert [entry.name for entry in session.get_inputs()] == ["numbers", "words"]
    assert [entry.name for entry in session.get_outputs()] == ["score", "best"]
    got = session.run(["best", "score"], {"numbers": X[:2], "words": WORDS[:2]})
    right = model(X[:2], WORDS[:2])
    np.testing.assert_array_equal(got[0], right["best"].numpy())
    np.testing.assert_allclose(got[1], right["score"].numpy(), rtol=1e-5, atol=1e-6)


def test_float64_becomes_float32(tmp_path):
    model = nn.Sequential(nn.Linear(6, 5, dtype=np.float64), nn.Tanh())
    session = session_of(nn.export_onnx(model, X.astype("f8"), tmp_path / "model.onnx"))
    assert session.get_inputs()[0].type == "tensor(float)"
    (got,) = session.run(None, {session.get_inputs()[0].name: X})
    np.testing.assert_allclose(got, model.predict(X), rtol=1e-5, atol=1e-6)


def test_the_model_is_as_it_was(tmp_path):
    """In training mode with a frozen layer, and without any gradient."""
    model = convnet()
    model[0].requires_grad_(False)
    before = model.state_dict()
    nn.export_onnx(model, IMAGES, tmp_path / "model.onnx")
    assert all(module.training for module in model.modules())
    assert [p.requires_grad for p in model.parameters()] == [False, *[True] * 6]
    assert all(p.grad is None for p in model.parameters())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_frozen_layers_are_taken_as_a_whole(tmp_path):
    """Behind an embedding nothing needs a gradient but the parameters."""
    onnx = pytest.importorskip("onnx")

    def kinds(model):
        path = nn.export_onnx(model, WORDS, tmp_path / "model.onnx")
        return [node.op_type for node in onnx.load(path).graph.node]

    model = nn.Sequential(nn.Embedding(12, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2))
    assert kinds(model.requires_grad_(False)) == kinds(model.requires_grad_(True))
    assert "Gelu" in kinds(model)


def test_weights_have_their_names(tmp_path):
    onnx = pytest.importorskip("onnx")
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
    graph = onnx.load(nn.export_onnx(model, X, tmp_path / "model.onnx")).graph
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert arrays.keys() == {"0.weight", "0.bias", "2.weight", "2.bias"}
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(arrays[name], array)


def test_what_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(TypeError, match=r"takes a Module, not .*; tg.export_onnx\(\) takes a"):
        nn.export_onnx(np.tanh, X, path)
    model = nn.Sequential(nn.Linear(6, 4))
    with pytest.raises(ValueError, match=r"rows along its first axis.*\(0, 6\)"):
        nn.export_onnx(model, X[:0], path)
    with pytest.raises(ValueError, match="Linear"):
        nn.export_onnx(model, X[:, :3], path)
    model = nn.Sequential(nn.Linear(6, 4), lambda x: np.cumprod(x, 1))
    with pytest.raises(tg.CompileError) as raised:
        nn.export_onnx(model, X, path)
    assert f"{os.path.basename(__file__)}:" in str(raised.value)
    assert "uses cumprod, and ONNX has no form for it" in str(raised.value)
    assert not list(tmp_path.iterdir())
