"""A trained model everywhere: in PyTorch, in onnxruntime and in its NumPy file, and back again."""

import importlib.util

import numpy as np
import pytest

import nn
import tinygrad_np as tg

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.oracle

rng = np.random.default_rng(3)
LABELS = np.arange(24) % 3
IMAGES = (rng.standard_normal((24, 1, 8, 8)) + LABELS.reshape(-1, 1, 1, 1)).astype("f4")
SEQUENCES = (rng.standard_normal((24, 5, 6)) + LABELS.reshape(-1, 1, 1)).astype("f4")


def convnet(library):
    return library.Sequential(
        library.Conv2d(1, 4, 3),
        library.BatchNorm2d(4),
        library.ReLU(),
        library.MaxPool2d(2),
        library.Flatten(),
        library.Linear(36, 3),
    )


def network(library, layer):
    """A class of either library: a layer over sequences, and a dense one on the last of them."""

    class Network(library.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer(library)
            self.head = library.Linear(6, 3)

        def forward(self, x):
            out = self.layer(x)
            return self.head((out[0] if isinstance(out, tuple) else out)[:, -1])

    return Network()


def lstm(library):
    return network(library, lambda lib: lib.LSTM(6, 6, batch_first=True))


def transformer(library):
    return network(
        library, lambda lib: lib.TransformerEncoderLayer(6, 2, 12, dropout=0.0, batch_first=True)
    )


@pytest.mark.parametrize(
    ("make", "x"), [(convnet, IMAGES), (lstm, SEQUENCES), (transformer, SEQUENCES)]
)
def test_a_trained_model_everywhere(make, x, tmp_path):
    tg.manual_seed(0)
    model = make(nn)
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    nn.fit(
        model, x, LABELS, loss="cross_entropy", optimizer=optimizer, epochs=30, batch_size=8,
        progress=False,
    )  # fmt: skip
    model.eval()
    theirs = make(torch.nn)
    state = {name: torch.from_numpy(array) for name, array in nn.to_torch(model).items()}
    theirs.load_state_dict(state)
    theirs.eval()
    path = nn.export_onnx(model, x[:8], tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(path))
    nn.export_numpy(model, x[:8], tmp_path / "predict.py")
    spec = importlib.util.spec_from_file_location("predict", tmp_path / "predict.py")
    file = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(file)
    for rows in (1, 5, 24):
        expected = model.predict(x[:rows])
        with torch.no_grad():
            there = theirs(torch.from_numpy(x[:rows])).numpy()
        (run,) = session.run(None, {session.get_inputs()[0].name: x[:rows]})
        np.testing.assert_allclose(there, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(run, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(file.predict(x[:rows]), expected)


@pytest.mark.parametrize(
    ("make", "x"), [(convnet, IMAGES), (lstm, SEQUENCES), (transformer, SEQUENCES)]
)
def test_a_model_trained_in_pytorch_comes_back(make, x):
    torch.manual_seed(0)
    theirs = make(torch.nn)
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.02)
    for _ in range(20):
        loss = torch.nn.functional.cross_entropy(theirs(torch.from_numpy(x)), torch.tensor(LABELS))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        expected = theirs.eval()(torch.from_numpy(x))
    model = make(nn)
    nn.load_torch(model, theirs, check=(x, expected))
    np.testing.assert_allclose(model.predict(x), expected.numpy(), rtol=1e-4, atol=1e-5)
    assert nn.accuracy(model.predict(x), LABELS) > 0.9
