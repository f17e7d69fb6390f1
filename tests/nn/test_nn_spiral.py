"""The main job in small: 500 epochs on the real spiral data, as they come, learn the spiral."""

import subprocess
import sys

import numpy as np
import pytest

import nn
import tinygrad_np as tg


def test_spiral_is_learned():
    spiral_data = pytest.importorskip("nnfs.datasets").spiral_data
    np.random.seed(0)
    x, y = spiral_data(samples=100, classes=3)
    assert x.dtype == np.float64, "nnfs.init() must not have run here"
    assert y.dtype == np.uint8
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))
    history = nn.fit(
        model,
        x,
        y,
        loss=nn.cross_entropy,
        optimizer=nn.Adam(model.parameters(), lr=nn.InverseTimeDecay(0.05, 5e-7)),
        epochs=500,
        metrics={"accuracy": nn.accuracy},
        progress=False,
    )
    assert len(history) == 500
    assert history["accuracy"][0] < 0.6
    assert history["accuracy"][-1] > 0.85
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert nn.accuracy(model.predict(x), y) > 0.85
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float32)}


@pytest.mark.oracle
def test_nnfs_init_does_not_change_the_numbers():
    """`nnfs.init()` replaces NumPy functions in the whole process: a float64 run stays as it is."""
    pytest.importorskip("nnfs")
    code = """
import sys, numpy as np
if sys.argv[1] == "init":
    import nnfs
    nnfs.init()
import nn, tinygrad_np as tg
tg.manual_seed(0)
rng = np.random.default_rng(0)
x, y = rng.standard_normal((9, 2)), rng.integers(0, 3, 9)
model = nn.Sequential(
    nn.Linear(2, 4, weight_l2=1e-3, dtype=np.float64),
    nn.Tanh(),
    nn.Dropout(0.1),
    nn.Linear(4, 3, weight_init=nn.init.glorot_normal, bias_init=nn.init.zeros, dtype=np.float64),
)
optimizer = nn.AdamW(model.parameters(), lr=0.05)
history = nn.fit(
    model, x, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=5, batch_size=4,
    validation_data=(x, np.eye(3)[y]), progress=False,
)
print(list(map(float.hex, history["loss"] + history["val_loss"])))
print(nn.categorical_crossentropy(nn.Softmax()(model(x)), y).item().hex())
print([p.numpy().tobytes().hex() for p in model.parameters()], model.summary((2, 2)))
"""
    with_init, without = (
        subprocess.run(
            [sys.executable, "-c", code, how], capture_output=True, text=True, check=True
        ).stdout
        for how in ("init", "plain")
    )
    assert with_init == without
    assert "0x1" in without
