"""The book's exact values: first layer, softmax, loss and every gradient of a 2-3-3 network."""

from __future__ import annotations

from typing import Any

import book_data
import numpy as np
import pytest
from book_draws import Draws
from book_plain import build

import nn
from tinygrad_np import Tensor

CASES = [(entry, name) for entry in book_data.PROBES for name in entry["values"]]


def forward_backward(setup: dict, dtype: Any) -> dict[str, Any]:
    """Everything that a probe may ask for, by the file's names."""
    draws = Draws(setup)
    model = build(setup, draws, dtype)
    dense = [layer for layer in model if isinstance(layer, nn.Linear)]
    X = Tensor(draws.X, dtype=dtype)
    logits = model(X)
    probs = nn.Softmax()(logits)
    loss = nn.cross_entropy(logits, draws.y)
    loss.backward()
    values = {
        "dense1_output_5": dense[0](X)[:5].numpy(),
        "output_5": probs[:5].numpy(),
        "loss": loss.numpy(),
        "loss_from_probabilities": nn.categorical_crossentropy(probs, draws.y).numpy(),
        "acc": np.array(nn.accuracy(probs, draws.y)),
    }
    for k, layer in enumerate(dense, 1):
        values[f"dense{k}_weights"] = layer.weight.numpy()
        values[f"dense{k}_dweights"] = layer.weight.grad.numpy()
        values[f"dense{k}_dbiases"] = layer.bias.grad.numpy().reshape(1, -1)
    return values


def assert_close(got: np.ndarray, expected: Any, tolerance: float) -> None:
    """Within `tolerance` of the largest entry, as the file's own figures are meant."""
    assert got.shape == np.shape(expected)
    assert np.abs(got - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("entry", "name"), CASES, ids=lambda c: c if isinstance(c, str) else c["id"]
)
def test_probe(entry, name, dtype):
    values = forward_backward(entry["setup"], dtype)
    tolerance = entry["rel_tol"].get(name, entry["rel_tol"]["default"])
    assert_close(values[name], entry["values"][name], tolerance)
    if name == "loss":
        assert_close(values["loss_from_probabilities"], entry["values"][name], tolerance)
