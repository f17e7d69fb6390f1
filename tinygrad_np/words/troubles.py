"""Kinds of gradients that are of no use: zero, nan, infinite, huge, tiny."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..recording.reading import bare
from .gradient_trail import GradientTrail
from .text import number_text, share_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..core.node import Node

HUGE = 1e6
TINY = 1e-9


class Trouble(NamedTuple):
    """A way in which a gradient can be of no use.

    Attributes:
        kind: a short name.
        test: tells whether a gradient is so.
        text: the gradient in words.
        reason: follows a recorded pass to the cause.
    """

    kind: str
    test: Callable[[np.ndarray], Any]
    text: Callable[[np.ndarray], str]
    reason: Callable[[GradientTrail, Node], str]


def _extent_text(kind: str, mask: np.ndarray) -> str:
    return f"{kind} for {share_text(mask)} elements" if np.ndim(mask) else kind


def range_text(g: Any) -> str:
    """Return the smallest and the largest element."""
    array = np.asarray(bare(g))
    if not array.size:
        return "empty"
    if array.ndim == 0:
        return number_text(array)
    return f"{number_text(array.min())} … {number_text(array.max())}"


TROUBLES = (
    Trouble(
        "zero gradient",
        lambda g: g.size and not np.any(g),
        lambda g: "all zero",
        GradientTrail.zero_reason,
    ),
    Trouble(
        "nan gradient",
        lambda g: np.isnan(g).any(),
        lambda g: _extent_text("nan", np.isnan(g)),
        GradientTrail.nan_reason,
    ),
    Trouble(
        "infinite gradient",
        lambda g: np.isinf(g).any(),
        lambda g: _extent_text("infinite", np.isinf(g)),
        GradientTrail.infinity_reason,
    ),
    Trouble(
        "huge gradient",
        lambda g: g.size and np.abs(g).max() >= HUGE,
        lambda g: f"huge, up to {number_text(np.abs(g).max())}",
        GradientTrail.huge_reason,
    ),
    Trouble(
        "tiny gradient",
        lambda g: g.size and np.abs(g).max() <= TINY,
        lambda g: f"tiny, at most {number_text(np.abs(g).max())}",
        GradientTrail.tiny_reason,
    ),
)
