"""Arrays of a page: their elements, or a window into them, and statistics of the whole."""

from __future__ import annotations

import base64
import hashlib
import math
from typing import Any, NamedTuple

import numpy as np

BINS = 24


class Window(NamedTuple):
    """The part of an array that is shown.

    Attributes:
        largest: elements up to which it is shown whole.
        rows, columns: of the window into a larger one.
    """

    largest: int
    rows: int
    columns: int

    def elements(self, size: int) -> int:
        """Return at most how many elements of an array of this size are shown, but of images."""
        return size if size <= self.largest else self.rows * self.columns


# The first that keeps the arrays of a page below this many elements, about 4 MB, is taken.
WINDOWS = (Window(2_000, 24, 64), Window(500, 16, 24), Window(120, 8, 12), Window(30, 4, 6))
MOST_ELEMENTS = 750_000

EXACT = 2**24  # up to here float32 has all whole numbers

STATISTICS = ("min", "max", "mean", "std")


class Arrays:
    """The arrays of a page, each one once, however often it is shown.

    `entries()` is what the page stores. An entry has the shape and dtype; `rows` and `columns`, the
    indices of what is shown when the array is seen as a table of its last axis; `data`, those
    elements as little-endian float32 (or float64, see `wide`) in base64, where a tenth or more of
    them are 0 without these: `kept` has a bit for each that is there; and of the whole array
    `min`, `max`, `mean`, `std`, `zeros` (a share), `nan` and `inf` (how many), and for a window
    `bins`, its histogram. Statistics are of the finite elements, None where there are none.
    """

    def __init__(self) -> None:
        self._arrays: list[np.ndarray] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def add(self, array: Any) -> int:
        """Return the number of the entry for this array."""
        array = np.asarray(array)
        content = hashlib.blake2b(array.tobytes())
        key = array.shape, array.dtype.str, content.digest()
        if key not in self._known:
            self._known[key] = len(self._arrays)
            self._arrays.append(array)
        return self._known[key]

    def entries(self) -> list[dict[str, Any]]:
        """Return what the page stores for each array, in the order of their numbers."""
        sizes = [array.size for array in self._arrays]
        for window in WINDOWS:
            if sum(map(window.elements, sizes)) <= MOST_ELEMENTS:
                break
        return [_entry(array, window) for array in self._arrays]


def _entry(array: np.ndarray, window: Window) -> dict[str, Any]:
    """Return what the page stores for an array."""
    entry: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    table = _table(array)
    is_whole = array.size <= window.largest
    if not is_whole:
        rows, columns = _part(array, window)
        entry["rows"] = rows
        entry["columns"] = columns
        table = table[np.ix_(rows, columns)]
    if np.iscomplexobj(table):
        table = np.stack([table.real, table.imag], axis=-1)
    numbers = table.astype("<f8")
    with np.errstate(over="ignore", under="ignore"):
        narrow = numbers.astype("<f4")
    whole_numbers = array.dtype.kind in "iu" and np.any(np.abs(numbers) > EXACT)
    if whole_numbers or _is_lossy(numbers, narrow):
        entry["wide"] = True
    else:
        numbers = narrow
    numbers = numbers.ravel()
    is_kept = (numbers != 0) | np.signbit(numbers)
    if 10 * np.count_nonzero(is_kept) < 9 * numbers.size:
        entry["kept"] = _encoded(np.packbits(is_kept, bitorder="little"))
        numbers = numbers[is_kept]
    entry["data"] = _encoded(numbers)
    return entry | _statistics(array, bins=not is_whole)


def _encoded(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def _table(array: np.ndarray) -> np.ndarray:
    """Return the array as rows of its last axis."""
    if array.ndim < 2:
        return array.reshape(1, -1)
    height = math.prod(array.shape[:-1])
    return array.reshape(height, array.shape[-1])


def _part(array: np.ndarray, window: Window) -> tuple[list[int], list[int]]:
    """Return the rows and columns of the table that are shown: of images the first ones, whole."""
    height, width = _table(array).shape
    image = math.prod(array.shape[-2:])
    if array.ndim == 4 and image <= window.largest:
        images = window.largest // image
        return list(range(images * array.shape[-2])), list(range(width))
    return _every(height, window.rows), _every(width, window.columns)


def _every(count: int, most: int) -> list[int]:
    """Return at most this many indices, evenly spaced from the first on."""
    if not count:
        return []
    step = -(-count // most)
    return list(range(0, count, step))


def _is_lossy(wide: np.ndarray, narrow: np.ndarray) -> bool:
    """Say whether float32 loses a number altogether: to infinity, or to zero."""
    overflow = np.isfinite(wide) & ~np.isfinite(narrow)
    underflow = (wide != 0) & (narrow == 0)
    return bool(np.any(overflow | underflow))


def _statistics(array: np.ndarray, *, bins: bool) -> dict[str, Any]:
    """Return statistics of the finite elements, and how many others there are."""
    values = np.abs(array) if np.iscomplexobj(array) else array
    values = values.astype(np.float64).ravel()
    finite = values[np.isfinite(values)]
    statistics: dict[str, Any] = dict.fromkeys(STATISTICS)
    statistics["zeros"] = 0
    if values.size > finite.size:
        statistics["nan"] = int(np.isnan(values).sum())
        statistics["inf"] = int(np.isinf(values).sum())
    if not finite.size:
        return statistics
    for name in STATISTICS:
        with np.errstate(over="ignore", invalid="ignore"):
            number = getattr(finite, name)()
        if math.isfinite(number):
            statistics[name] = float(f"{number:.6g}")
    zeros = np.mean(finite == 0)
    statistics["zeros"] = round(float(zeros), 4)
    if bins and math.isfinite(np.ptp(finite)):
        counts, _ = np.histogram(finite, BINS)
        statistics["bins"] = counts.tolist()
    return statistics
