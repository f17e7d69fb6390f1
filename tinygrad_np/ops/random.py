"""The one random generator behind everything random: initial weights, dropout, shuffling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["default_generator", "generator_of", "manual_seed"]

# Made on first use: numpy.random is a third of what importing NumPy and this package costs.
_generator: Generator | None = None


def default_generator() -> Generator:
    """Return the generator used wherever no `rng=` is given; unseeded until `manual_seed`."""
    global _generator
    if _generator is None:
        _generator = np.random.default_rng()
    return _generator


def manual_seed(seed: int) -> Generator:
    """Restart the default generator at `seed`, so that a run can be repeated, and return it.

    The generator is NumPy's `Generator`, apart from `np.random.seed` and its global state.
    """
    global _generator
    _generator = np.random.default_rng(seed)
    return _generator


def generator_of(name: str, rng: Any) -> Any:
    """Return the generator to draw from, or the function that gives the default one."""
    if rng is None:
        return default_generator
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{name}: rng must be a NumPy Generator, such as np.random.default_rng(0), not {rng!r}"
        )
    return rng
