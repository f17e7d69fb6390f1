"""Arrays as a page can hold them: all their elements, or a window, and statistics of the whole."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

__all__ = ["Arrays"]

LARGEST = 2_000  # elements that are kept whole
WINDOW_ROWS, WINDOW_COLUMNS = 24, 64
BINS = 24
STATISTICS = ("min", "max", "mean", "std")


class Arrays:
    """The arrays of a page, each one once, however often it is shown.

    `entries` is what the page stores. An entry has the shape and dtype; `rows` and `columns`, the
    indices of what is shown when the array is seen as a table of its last axis; `data`, those
    elements as little-endian float32 (or float64, see `wide`) in base64; and of the whole array
    `min`, `max`, `mean`, `std`, `zeros` (a share), `nan` and `inf` (how many), and for a window
    `bins`, its histogram. Statistics are of the finite elements, None where there are none.
    """

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def add(self, array: Any) -> int:
        """The number of the entry for this array."""
        array = np.asarray(array)
        key = array.shape, array.dtype.str, array.tobytes()
        if key not in self._known:
            self._known[key] = len(self.entries)
            self.entries.append(_entry(array))
        return self._known[key]


def _entry(array: np.ndarray) -> dict[str, Any]:
    table = _table(array)
    whole = array.size <= LARGEST
    rows = _every(table.shape[0], table.shape[0] if whole else WINDOW_ROWS)
    columns = _every(table.shape[1], table.shape[1] if whole else WINDOW_COLUMNS)
    shown = table[np.ix_(rows, columns)]
    entry: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if not whole:
        entry |= {"rows": rows, "columns": columns}
    if np.iscomplexobj(shown):
        shown = np.stack([shown.real, shown.imag], axis=-1)
    wide = shown.astype("<f8")
    with np.errstate(over="ignore", under="ignore"):
        narrow = wide.astype("<f4")
    if array.dtype.kind in "iu" or _changes(wide, narrow):
        entry["wide"] = True
        narrow = wide
    entry["data"] = base64.b64encode(narrow.tobytes()).decode("ascii")
    return entry | _statistics(array, bins=not whole)


def _table(array: np.ndarray) -> np.ndarray:
    """The array as rows of its last axis."""
    if array.ndim < 2:
        return array.reshape(1, -1)
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


def _every(count: int, most: int) -> list[int]:
    """At most this many indices, evenly spaced from the first on."""
    return list(range(0, count, -(-count // most) or 1)) if count else []


def _changes(wide: np.ndarray, narrow: np.ndarray) -> bool:
    """Whether float32 loses a number altogether: to infinity, or to zero."""
    return bool(np.any(np.isfinite(wide) & (~np.isfinite(narrow) | ((narrow == 0) & (wide != 0)))))


def _statistics(array: np.ndarray, *, bins: bool) -> dict[str, Any]:
    values = np.abs(array) if np.iscomplexobj(array) else array
    values = values.astype(np.float64).ravel()
    finite = values[np.isfinite(values)]
    found: dict[str, Any] = dict.fromkeys(STATISTICS)
    found["zeros"] = 0
    if values.size > finite.size:
        found["nan"] = int(np.isnan(values).sum())
        found["inf"] = int(np.isinf(values).sum())
    if finite.size == 0:
        return found
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = finite.min(), finite.max(), finite.mean(), finite.std()
    for name, number in zip(STATISTICS, numbers):
        found[name] = float(f"{number:.6g}") if math.isfinite(number) else None
    found["zeros"] = round(float((finite == 0).mean()), 4)
    if bins and math.isfinite(numbers[1] - numbers[0]):
        found["bins"] = np.histogram(finite, BINS)[0].tolist()
    return found
