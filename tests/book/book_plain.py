"""The book's networks in this framework's own layers and losses, on plain float32 or float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from book_draws import Draws

import nn
from tinygrad_np import Tensor


class DrawnDropout(nn.Dropout):
    """Dropout with the masks of a run's `Draws`."""

    def __init__(self, p: float, draws: Draws) -> None:
        super().__init__(p)
        self.draws = draws

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * self.draws.mask(x.shape, self.p).astype(x.dtype)


def build(setup: dict, draws: Draws, dtype: Any) -> nn.Sequential:
    """The network of a setup with the weights of its draws."""
    weights = iter(draws.weights)
    l2 = setup.get("l2_first_layer", 0.0)
    layers: list[nn.Module] = []
    for k, (n_in, n_out) in enumerate(zip(setup["layers"], setup["layers"][1:])):
        if k:
            layers.append(nn.ReLU())
        if k == 1 and "dropout" in setup:
            layers.append(DrawnDropout(setup["dropout"], draws))
        layers.append(
            nn.Linear(
                n_in,
                n_out,
                weight_init=lambda *_: next(weights),
                bias_init=nn.init.zeros,
                weight_l2=0.0 if k else l2,
                bias_l2=0.0 if k else l2,
                dtype=dtype,
            )
        )
    if setup["head"] == "sigmoid_bce":
        layers.append(nn.Sigmoid())
    return nn.Sequential(*layers)


KINDS = {"sgd": nn.SGD, "adagrad": nn.AdaGrad, "rmsprop": nn.RMSprop, "adam": nn.Adam}


def optimizer(setup: dict, parameters: list[nn.Parameter]) -> nn.Optimizer:
    """The optimizer of a setup: the book's rho is alpha here, and its epsilon is 1e-7."""
    options = dict(setup["optimizer"])
    kind = KINDS[options.pop("name")]
    options["lr"] = nn.InverseTimeDecay(options["lr"], options.pop("decay", 0.0))
    if "rho" in options:
        options["alpha"] = options.pop("rho")
    if kind is not nn.SGD:
        options["eps"] = 1e-7
    return kind(parameters, **options)


LOSSES = {
    "softmax_ce": nn.cross_entropy,
    "sigmoid_bce": nn.binary_cross_entropy,
    "linear_mse": nn.mse_loss,
}


def _close(output: Any, y: Any) -> float:
    """The share of outputs that are as near to the target as the book wants."""
    return float(np.mean(np.abs(output.numpy() - y.numpy()) < np.std(y.numpy()) / 250))


# Of softmax outputs from probabilities, not logits: two that round to the same number are a tie.
ACCURACIES = {
    "softmax_ce": lambda logits, y: nn.accuracy(nn.Softmax()(logits), y),
    "sigmoid_bce": nn.binary_accuracy,
    "linear_mse": _close,
}


def train(setup: dict, dtype: Any, epochs: int) -> tuple[nn.History, nn.Sequential]:
    """Train the network of a setup with `nn.fit`; its metrics per epoch, and the network."""
    draws = Draws(setup)
    model = build(setup, draws, dtype)
    head = setup["head"]
    y = draws.y.astype(dtype) if head == "sigmoid_bce" else draws.y
    history = nn.fit(
        model,
        draws.X,
        y,
        loss=LOSSES[head],
        optimizer=optimizer(setup, model.parameters()),
        epochs=epochs,
        metrics={"acc": ACCURACIES[head]},
        progress=False,
    )
    return history, model
