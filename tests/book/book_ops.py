"""The book's own numerics, declared with `define_op`.

`nnfs.init()` replaces `np.dot` by a float64 product rounded to float32. With that `np.dot` in
the forward and in the rules, these operations round exactly where the book's classes round; all
else in a run (adding biases, ReLU, cross-entropy, penalties, optimizers) is the framework's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import nn
from tinygrad_np import Tensor, define_op

dot = define_op(
    lambda x, w: np.dot(x, w),
    name="dot",
    x=lambda g, w: np.dot(g, w.T),
    w=lambda g, x: np.dot(x.T, g),
)

# The same with a bias. The result holds float32 values in a float64 array, so that a float64
# gradient comes back unrounded: the book's dropout masks and sine targets are float64.
wide_dense = define_op(
    lambda x, w, b: (np.dot(x, w) + b.astype(np.float32)).astype(np.float64),
    name="wide_dense",
    x=lambda g, w: np.dot(g, w.T),
    w=lambda g, x: np.dot(x.T, g),
    b=lambda g: np.sum(g, axis=0),
)

sigmoid = define_op(
    lambda x: 1 / (1 + np.exp(-x)),
    name="book_sigmoid",
    x=lambda g, out: g * (1 - out) * out,
)


def _bce(probs, target):
    p = np.clip(probs, 1e-7, 1 - 1e-7)
    losses = -(target * np.log(p) + (1 - target) * np.log(1 - p))
    return np.mean(np.mean(losses, axis=-1))


def _bce_rule(g, probs, target):
    p = np.clip(probs, 1e-7, 1 - 1e-7)
    d = -(target / p - (1 - target) / (1 - p)) / probs.shape[1]
    return g * (d / len(probs))


binary_cross_entropy = define_op(_bce, name="book_bce", probs=_bce_rule, target=None)

mse_loss = define_op(
    lambda prediction, target: np.mean(np.mean((target - prediction) ** 2, axis=-1)),
    name="book_mse",
    prediction=lambda g, prediction, target: (
        g * (-2 * (target - prediction) / prediction.shape[1] / len(prediction))
    ),
    target=None,
)


class Linear(nn.Linear):
    """Dense layer on the book's numerics."""

    def forward(self, x: Any) -> Tensor:
        return dot(x, self.weight) + self.bias


class WideLinear(nn.Linear):
    """Dense layer to which a float64 gradient comes back.

    The book sums it to a float64 gradient of the float32 biases, and so the optimizer's state
    for them is float64. Here the biases are a float64 parameter; `round_biases` after each step
    brings them back to float32 values.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.bias = nn.Parameter(self.bias.numpy(), dtype=np.float64)

    def forward(self, x: Any) -> Tensor:
        return wide_dense(x, self.weight, self.bias)

    def regularization_loss(self) -> Tensor | float:
        w, b = self.weight, self.bias.astype(np.float32)
        strengths = self.penalties
        return strengths["weight_l2"] * (w * w).sum() + strengths["bias_l2"] * (b * b).sum()

    def round_biases(self) -> None:
        self.bias[...] = self.bias.numpy().astype(np.float32)


class Dropout(nn.Dropout):
    """Dropout with the book's masks: float64, drawn from `np.random.binomial`."""

    def forward(self, x: Any) -> Tensor:
        if not self.training:
            return x
        return x * (np.random.binomial(1, 1 - self.p, size=x.shape) / (1 - self.p))


class Sigmoid(nn.Module):
    """The logistic function as the book writes it."""

    def forward(self, x: Any) -> Tensor:
        return sigmoid(x)
