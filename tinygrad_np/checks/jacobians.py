"""The Jacobian of a small function, column by column, by finite differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .differences import Change, directional_slope

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 20_000  # elements of the matrix


def jacobian(output: Callable[[np.ndarray], Any], x: np.ndarray) -> np.ndarray | None:
    """Return the derivative of each result (rows) by each element of `x` (columns).

    None if it is large, or not known at every place.
    """
    at = np.ravel(output(x))
    size = x.size * at.size
    if size == 0 or size > MOST:
        return None
    columns = []
    for k in range(x.size):

        def line(distance: np.ndarray, k: int = k) -> Change:
            moved = x.flatten()
            moved[k] += distance[0]
            out = np.ravel(output(moved.reshape(x.shape)))
            return Change(out - at, np.abs(out), np.abs(at))

        own = abs(float(x.flat[k]))
        slopes = directional_slope(line, own, at.shape)
        if not slopes.known.all():
            return None
        columns.append(slopes.values)
    return np.stack(columns, axis=1)
