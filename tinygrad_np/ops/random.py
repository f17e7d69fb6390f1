"""The one random generator behind everything random: initial weights, dropout, shuffling."""

from __future__ import annotations

import numpy as np

__all__ = ["default_generator", "manual_seed"]

_generator = np.random.default_rng()


def default_generator() -> np.random.Generator:
    """The generator that is used wherever no `rng=` is given."""
    return _generator


def manual_seed(seed: int) -> np.random.Generator:
    """Restart the default generator at `seed`, so that a run can be repeated; returns it.

    The generator is NumPy's `Generator`, apart from `np.random.seed` and its global state.
    """
    global _generator
    _generator = np.random.default_rng(seed)
    return _generator
