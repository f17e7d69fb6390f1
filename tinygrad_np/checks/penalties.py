"""Penalties λ₁ Σ|w| and λ₂ Σw² of the book's layers, whose gradients their backward adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .parameters import Parameter

if TYPE_CHECKING:
    from .parameters import Path

_KINDS = {"weights": "weight", "weight": "weight", "biases": "bias", "bias": "bias"}


def penalties(layer: Any, parameter: Parameter) -> dict[str, np.ndarray]:
    """Return the gradients of a parameter's penalties, by the attribute with the strength."""
    owner_path: Path = parameter.path[:-1]
    owner = Parameter(owner_path, owner_path).get(layer)
    kind = _KINDS.get(parameter.path[-1])
    w = np.asarray(parameter.get(layer), np.float64)
    gradients = {"l1": np.where(w < 0, -1.0, 1.0), "l2": 2 * w}
    terms = {}
    for power, gradient in gradients.items():
        name = f"{kind}_regularizer_{power}"
        strength = getattr(owner, name, 0)
        if strength:
            terms[f"{name} = {strength:g}"] = strength * gradient
    return terms
