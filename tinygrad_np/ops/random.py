"""The one random generator behind everything random: initial weights, dropout, shuffling."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from ..core.doors import Tracer

# Made on first use: numpy.random is a third of what importing NumPy and this package costs.
_generator: Generator | None = None

# The seeds of this process, of which each process that it forks gets its own: copies of a generator
# would draw the same numbers.
_seeds: Any = None
_seeds_of_child: Any = None


def default_generator() -> Generator:
    """Return the generator used wherever no `rng=` is given; unseeded until `manual_seed`."""
    return _generator or _restart(None)


def manual_seed(seed: int) -> Generator:
    """Restart the default generator at `seed`, so that a run can be repeated, and return it.

    The generator is NumPy's `Generator`, apart from `np.random.seed` and its global state. A forked
    process draws other numbers than its parent and its siblings, and those can be repeated too.
    """
    return _restart(seed)


def _restart(seed: int | None) -> Generator:
    global _generator, _seeds
    _generator = np.random.default_rng(seed)
    _seeds = _generator.bit_generator.seed_seq
    return _generator


def _before_fork() -> None:
    global _seeds_of_child
    if _seeds is not None:
        (_seeds_of_child,) = _seeds.spawn(1)


def _in_child() -> None:
    global _seeds
    if _generator is not None:  # the same object: who holds it draws the new numbers
        _seeds = _seeds_of_child
        bits = _generator.bit_generator
        bits.state = type(bits)(_seeds).state


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)


def generator_of(name: str, rng: Any) -> Any:
    """Return the generator to draw from, or the function that gives the default one."""
    if rng is None:
        return default_generator
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{name}: rng must be a NumPy Generator, such as np.random.default_rng(0), not {rng!r}"
        )
    return rng


def draws(tracer: Tracer | None) -> Any:
    """Return a mark of how far the default generator has come; `tracer` may count for itself."""
    return default_generator().bit_generator.state if tracer is None else tracer.draws()


@contextlib.contextmanager
def drawn_again(tracer: Tracer | None, since: Any) -> Iterator[None]:
    """Give inside what the default generator gave after such a mark, in the same order."""
    if tracer is not None:
        with tracer.drawn_again(since):
            yield
        return
    bits = default_generator().bit_generator
    now = bits.state
    bits.state = since
    try:
        yield
    finally:
        bits.state = now
