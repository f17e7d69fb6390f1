"""Ties: equal elements of which an op takes one, as the largest of a row.

Each of them alone is at a kink, where a rule may choose. Moved together they are not: what their
gradients add up to is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops.labels import first_place
from .diagnosis import Mistake
from .differences import directional_slope
from .trials import at_index

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .differences import Change, Slopes

MOST = 16  # values of tied elements that are looked at


def wrong_ties(
    points: Sequence[np.ndarray],
    gradients: Sequence[np.ndarray],
    found: Sequence[Slopes],
    change: Callable[[list[np.ndarray]], Change],
) -> tuple[int, Mistake] | None:
    """Return the first mistake at ties, and which of the arrays has it.

    Args:
        points: the arrays that can be moved.
        gradients: what the rules answered for them.
        found: their slopes by finite differences.
        change: takes other arrays in their place, and returns how the result changes.
    """
    kinks = [slopes.kinks for slopes in found]
    tied = [x[mask] for x, mask in zip(points, kinks)]
    values, counts = np.unique(np.concatenate([np.zeros(0), *tied]), return_counts=True)
    for value in values[counts > 1][:MOST]:
        masks = [mask & (x == value) for x, mask in zip(points, kinks)]

        def line(distance: Any, masks: list[np.ndarray] = masks) -> Change:
            moved = [x + distance * mask for x, mask in zip(points, masks)]
            return change(moved)

        slope = directional_slope(line, abs(float(value)))
        parts = [g[mask] for g, mask in zip(gradients, masks)]
        total = float(sum(part.sum() for part in parts))
        size = float(sum(np.abs(part).sum() for part in parts))
        slack = 1e-4 * size + 10 * float(slope.error)
        if not np.isfinite(slope.error) or abs(total - slope.values) <= slack:
            continue
        k = next(k for k, mask in enumerate(masks) if mask.any())
        count = sum(int(mask.sum()) for mask in masks)
        text = (
            f"it is wrong at ties: the gradients of {count} equal elements ({value:g}, the first"
            f"{at_index(first_place(masks[k]))}) add up to {total:.6g}, but moving them together "
            f"changes the result by {float(slope.values):.6g}: give it to one of the tied "
            "elements, or share it"
        )
        return k, Mistake("ties", text)
    return None
