"""Causes of wrong sums of products: another factor, another matrix, another order of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .trials import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Explanations = Iterator[tuple[Any, str]]

# Products of the incoming gradient with a matrix that was read, as NumPy writes them.
PRODUCTS: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "{g} @ {v}.T": lambda g, v: g @ v.T,
    "{v}.T @ {g}": lambda g, v: v.T @ g,
    "{g} @ {v}": lambda g, v: g @ v,
    "{v} @ {g}": lambda g, v: v @ g,
    "{g}.T @ {v}": lambda g, v: g.T @ v,
    "{v} @ {g}.T": lambda g, v: v @ g.T,
    "{v}.T @ {g}.T": lambda g, v: v.T @ g.T,
}


def another_product(trial: Trial) -> Explanations:
    """Recognise the answer and the right gradient as two products with what was read."""
    if trial.g is None or trial.right.size < 2 or trial.got.shape != trial.right.shape:
        return
    g = np.asarray(trial.g, np.float64)
    for make in (_sums, _products):
        right = [text for text, product in make(trial, g) if trial.target.near(product)]
        if right:
            for text, product in make(trial, g):
                if text not in right and np.allclose(product, trial.got, rtol=1e-4, atol=1e-9):
                    yield text, f"it is {text}, and should be {right[0]}"


def _products(trial: Trial, g: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    for name, values in trial.reads.items():
        if values.ndim != 2 or g.ndim != 2:
            continue
        for text, multiply in PRODUCTS.items():
            try:
                product = multiply(g, values)
            except ValueError:  # the shapes do not fit
                continue
            if product.shape == trial.right.shape:
                yield text.format(g=trial.g_name, v=name), product


def _sums(trial: Trial, g: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield sums of the incoming gradient, times what was read, in the shape of the gradient."""
    shape = trial.right.shape
    if g.shape == shape or g.ndim < len(shape):
        return
    padded = (1,) * (g.ndim - len(shape)) + shape
    axes = tuple(axis for axis, n in enumerate(padded) if n == 1)
    factors = {trial.g_name: np.ones(())}
    factors.update({f"{trial.g_name} * {name}": values for name, values in trial.reads.items()})
    for text, values in factors.items():
        try:
            product = np.broadcast_to(values, g.shape) * g
        except ValueError:  # the shapes do not fit
            continue
        summed = product.sum(axis=axes, keepdims=True)
        if summed.size == trial.right.size:
            yield f"the sum of {text}", summed.reshape(shape)
