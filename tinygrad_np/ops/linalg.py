"""Matrix products."""

from __future__ import annotations

import numpy as np

from .define import define_op

__all__ = ["matmul"]


def _swap(x):
    """The last two axes swapped: the transpose of each matrix in a stack."""
    return np.swapaxes(x, -1, -2)


def _matmul_x(g, y, x_shape):
    if y.ndim == len(x_shape) == 2:
        return g @ y.T
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if len(x_shape) == 1:
        return (y @ np.expand_dims(g, -1)).squeeze(-1)
    return g @ _swap(y)


def _matmul_y(g, x, y_shape):
    if x.ndim == len(y_shape) == 2:
        return x.T @ g
    if x.ndim == 1:
        return x * g if len(y_shape) == 1 else np.expand_dims(x, -1) * np.expand_dims(g, -2)
    if len(y_shape) == 1:
        return (_swap(x) @ np.expand_dims(g, -1)).squeeze(-1)
    if len(y_shape) == 2 and x.ndim > 2:  # one matrix for a whole stack: a single product
        return x.reshape(-1, x.shape[-1]).T @ g.reshape(-1, g.shape[-1])
    return _swap(x) @ g


matmul = define_op(
    np.matmul,
    x=_matmul_x,
    y=_matmul_y,
    text="{x} @ {y}",
    doc="Matrix product: the last axis of x with the second to last of y (the only one if 1-D).",
    samples=lambda r: [
        ((r(3, 4), r(4, 2)), {}),
        ((r(4), r(4)), {}),
        ((r(4), r(4, 2)), {}),
        ((r(3, 4), r(4)), {}),
        ((r(5, 3, 4), r(4, 2)), {}),
        ((r(5, 3, 4), r(4)), {}),
        ((r(4), r(5, 4, 2)), {}),
        ((r(5, 1, 3, 4), r(2, 4, 2)), {}),
        ((r(3, 0), r(0, 2)), {}),
    ],
)
