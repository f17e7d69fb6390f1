"""Train one of the book's networks with this framework on the book's own numerics.

    python tests/book/book_train.py ch10-adam-0.05-a [last epoch]

prints as JSON what the book's program prints at the epochs of the published log. It calls
`nnfs.init()`, which changes NumPy for the whole process and can't be undone.
"""

from __future__ import annotations

import itertools
import json
import sys
import time

import book_data
import book_ops
import nnfs
import numpy as np
from book_plain import ACCURACIES, optimizer
from nnfs.datasets import sine_data, spiral_data

import nn
from tinygrad_np import Tensor, no_grad


def dataset(about: dict) -> tuple[np.ndarray, np.ndarray]:
    """The arrays of the book's dataset, drawn from np.random where random."""
    if about["name"] == "sine":
        return sine_data(about["samples"])
    X, y = spiral_data(about["samples"], about["classes"])
    return X, y if about["classes"] > 2 else y.reshape(-1, 1)


def build(setup: dict) -> nn.Sequential:
    """The network of an entry, its dense layers drawn from first to last."""
    sizes = setup["layers"]
    l2 = setup.get("l2_first_layer", 0.0)
    dropout = setup.get("dropout", 0.0)
    layers: list[nn.Module] = []
    for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        last = k == len(sizes) - 2
        wide = last if setup["head"] == "linear_mse" else dropout and k == 0
        layers.append(
            (book_ops.WideLinear if wide else book_ops.Linear)(
                n_in,
                n_out,
                weight_init=lambda shape, *_: setup["init_scale"] * np.random.randn(*shape),
                bias_init=nn.init.zeros,
                weight_l2=l2 if k == 0 else 0.0,
                bias_l2=l2 if k == 0 else 0.0,
            )
        )
        if not last:
            layers.append(nn.ReLU())
        if dropout and k == 0:
            layers.append(book_ops.Dropout(dropout))
    if setup["head"] == "sigmoid_bce":
        layers.append(book_ops.Sigmoid())
    return nn.Sequential(*layers)


def optimizers(setup: dict, model: nn.Module) -> list[nn.Optimizer]:
    """One optimizer for the float32 parameters, and one for float64 ones if there are any."""
    parameters = model.parameters()
    by_dtype = ([p for p in parameters if p.dtype == d] for d in (np.float32, np.float64))
    return [optimizer(setup, group) for group in by_dtype if group]


HEADS = {
    "softmax_ce": nn.cross_entropy,
    "sigmoid_bce": book_ops.binary_cross_entropy,
    "linear_mse": book_ops.mse_loss,
}


@no_grad()
def measure(head: str, output: Tensor, y: Tensor) -> tuple[float, float]:
    """Accuracy and data loss as the book prints them."""
    if head == "softmax_ce":  # from probabilities: clipped, where the gradient's loss is exact
        loss = nn.categorical_crossentropy(nn.Softmax()(output), y)
    else:
        loss = HEADS[head](output, y)
    return ACCURACIES[head](output, y), loss.item()


def train(entry: dict, last_epoch: int | None = None) -> list[dict]:
    """The lines that the book's program prints, at the epochs of the entry's log."""
    setup = entry["setup"]
    head = setup["head"]
    loss = HEADS[head]
    nnfs.init()
    np.random.standard_normal(setup["normals_before"])
    X, y = map(Tensor, dataset(setup["dataset"]))
    model = build(setup)
    steppers = optimizers(setup, model)
    wide = [layer for layer in model if isinstance(layer, book_ops.WideLinear)]
    wanted = {line["epoch"] for line in book_data.printed_lines(entry, last_epoch)}
    end = setup["iterations"] if last_epoch is None else last_epoch + 1
    lines = []
    lr = steppers[0].lr
    for epoch in range(end):
        output = model(X)
        penalty = nn.regularization_loss(model)
        total = loss(output, y) + penalty
        if epoch in wanted:
            acc, printed = measure(head, output, y)
            lines.append(
                {
                    "epoch": epoch,
                    "acc": acc,
                    "loss": printed + float(penalty),
                    "data_loss": printed,
                    "reg_loss": float(penalty),
                    "lr": lr,
                }
            )
        lr = steppers[0].lr
        model.zero_grad()
        total.backward()
        for stepper in steppers:
            stepper.step()
        with no_grad():
            for layer in wide:
                layer.round_biases()
    if "validation" in wanted:
        X_test, y_test = map(Tensor, dataset(setup["test"]))
        model.eval()
        with no_grad():
            output = model(X_test)
        acc, printed = measure(head, output, y_test)
        lines.append({"epoch": "validation", "acc": acc, "loss": printed})
    return lines


def main() -> None:
    entry = book_data.ENTRIES[sys.argv[1]]
    last_epoch = int(sys.argv[2]) if len(sys.argv) > 2 else None
    start = time.perf_counter()
    lines = train(entry, last_epoch)
    print(json.dumps({"seconds": time.perf_counter() - start, "lines": lines}))


if __name__ == "__main__":
    main()
