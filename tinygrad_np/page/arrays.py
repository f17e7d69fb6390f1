"""Arrays as a page can hold them: all their elements, or a window, and statistics of the whole."""

from __future__ import annotations

import base64
import hashlib
import math
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Arrays"]

BINS = 24


class Window(NamedTuple):
    """How much of an array is shown.

    Attributes:
        largest: elements up to which it is shown whole.
        rows, columns: of the window into a larger one.
    """

    largest: int
    rows: int
    columns: int

    def elements(self, size: int) -> int:
        """About how many elements of an array of a size are shown."""
        return size if size <= self.largest else self.rows * self.columns


# The first that keeps the arrays of a page below this many elements, about 4 MB, is taken.
WINDOWS = (Window(2_000, 24, 64), Window(500, 16, 24), Window(120, 8, 12), Window(30, 4, 6))
MOST_ELEMENTS = 750_000

STATISTICS = ("min", "max", "mean", "std")


class Arrays:
    """The arrays of a page, each one once, however often it is shown.

    `entries()` is what the page stores. An entry has the shape and dtype; `rows` and `columns`, the
    indices of what is shown when the array is seen as a table of its last axis; `data`, those
    elements as little-endian float32 (or float64, see `wide`) in base64; and of the whole array
    `min`, `max`, `mean`, `std`, `zeros` (a share), `nan` and `inf` (how many), and for a window
    `bins`, its histogram. Statistics are of the finite elements, None where there are none.
    """

    def __init__(self) -> None:
        self._arrays: list[np.ndarray] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def add(self, array: Any) -> int:
        """The number of the entry for this array."""
        array = np.asarray(array)
        key = array.shape, array.dtype.str, hashlib.blake2b(array.tobytes()).digest()
        if key not in self._known:
            self._known[key] = len(self._arrays)
            self._arrays.append(array)
        return self._known[key]

    def entries(self) -> list[dict[str, Any]]:
        """What the page stores for each array, in the order of their numbers."""
        sizes = [array.size for array in self._arrays]
        fitting = (w for w in WINDOWS if sum(map(w.elements, sizes)) <= MOST_ELEMENTS)
        window = next(fitting, WINDOWS[-1])
        return [_entry(array, window) for array in self._arrays]


def _entry(array: np.ndarray, window: Window) -> dict[str, Any]:
    table = _table(array)
    whole = array.size <= window.largest
    rows = _every(table.shape[0], table.shape[0] if whole else window.rows)
    columns = _every(table.shape[1], table.shape[1] if whole else window.columns)
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
