"""200 epochs of every kind of run in float64, against plain NumPy written from the formulas."""

from __future__ import annotations

import book_numpy
import book_plain
import numpy as np
import pytest
from book_draws import Draws

EPOCHS = 200


def spiral(optimizer: dict, **more) -> dict:
    dataset = {"name": "spiral", "samples": 100, "classes": 3}
    setup = {"dataset": dataset, "layers": [2, 64, 3], "head": "softmax_ce", "init_scale": 0.01}
    return {**setup, "optimizer": optimizer, **more}


ADAM = {"name": "adam", "lr": 0.02, "decay": 5e-7}
TWO_CLASSES = {"name": "spiral", "samples": 100, "classes": 2}
SINE = {"name": "sine", "samples": 300}

SETUPS = {
    "sgd": spiral({"name": "sgd", "lr": 1.0}),
    "decay": spiral({"name": "sgd", "lr": 1.0, "decay": 1e-2}),
    "momentum": spiral({"name": "sgd", "lr": 1.0, "decay": 1e-3, "momentum": 0.9}),
    "adagrad": spiral({"name": "adagrad", "lr": 1.0, "decay": 1e-4}),
    "rmsprop": spiral({"name": "rmsprop", "lr": 0.02, "decay": 1e-5, "rho": 0.999}),
    "adam": spiral({"name": "adam", "lr": 0.05, "decay": 5e-7}),
    "l2": spiral(ADAM, l2_first_layer=5e-4),
    "dropout": spiral(ADAM, l2_first_layer=5e-4, dropout=0.1),
    "binary": spiral(ADAM, head="sigmoid_bce", layers=[2, 64, 1], dataset=TWO_CLASSES),
    "regression": spiral(
        {"name": "adam", "lr": 0.005, "decay": 1e-3},
        head="linear_mse",
        layers=[1, 64, 64, 1],
        dataset=SINE,
        init_scale=0.1,
    ),
}


# The masks of DrawnDropout come from outside of the step: fit warns and runs it uncompiled.
@pytest.mark.filterwarnings("ignore:.* runs uncompiled:tinygrad_np.CompileWarning")
@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_same_training_as_plain_numpy(setup):
    history, model = book_plain.train(setup, np.float64, EPOCHS)
    losses, parameters = book_numpy.train(setup, Draws(setup), EPOCHS)
    assert losses[-1] < losses[0] - 0.01  # something was learned
    np.testing.assert_allclose(history["loss"], losses, rtol=0, atol=1e-6)
    for ours, theirs in zip(model.parameters(), parameters, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=1e-3)
    rate, decay = setup["optimizer"]["lr"], setup["optimizer"].get("decay", 0.0)
    assert history["lr"] == pytest.approx([rate / (1 + decay * t) for t in range(EPOCHS)])
