"""Numbers and arrays that follow the number of rows n: a·n + b, and statements that make arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..statements import Statement, Var, constant

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Rows:
    """The number a·n + b, where n is the number of rows."""

    a: int
    b: int = 0

    @classmethod
    def through(cls, sizes: Sequence[int], numbers: Sequence[int]) -> Rows | None:
        """Find the one that has these values at these sizes; None if there is none."""
        a, rest = divmod(numbers[1] - numbers[0], sizes[1] - sizes[0])
        found = cls(a, numbers[0] - a * sizes[0])
        fits = not rest and [found.at(n) for n in sizes] == list(numbers)
        return found if fits else None

    def at(self, n: int) -> int:
        """Return its value for n rows."""
        return self.a * n + self.b

    def __repr__(self) -> str:  # as an expression of the emitted text
        product = {1: "n", -1: "-n"}.get(self.a, f"{self.a} * n")
        if not self.b:
            return product
        return f"{product} {'-' if self.b < 0 else '+'} {abs(self.b)}"


def array_of_rows(arrays: Sequence[np.ndarray], sizes: Sequence[int], hint: str) -> list[Statement]:
    """Return statements that make, for n rows, what these arrays are for these sizes.

    Whole numbers in even steps, one number, or a block that comes n times. The last statement makes
    it; none are returned if there are no such.
    """
    first = arrays[0]
    shape = _shape(arrays, sizes)
    axes = [axis for axis, length in enumerate(shape) if isinstance(length, Rows)]
    if len(axes) != 1 or any(array.dtype != first.dtype for array in arrays):
        return []
    axis = axes[0]
    value = Var(first, hint)
    value.shape = shape
    if first.dtype.kind in "iu" and first.size == first.shape[axis]:
        ends = _ends(arrays, shape[axis])
        if ends is not None:
            return _steps(ends, value)
    if shape[axis].b:
        return []
    blocks = [_blocks(array, axis, n) for array, n in zip(arrays, sizes)]
    block = blocks[0][0]
    if any(part.tobytes() != block.tobytes() for parts in blocks for part in parts):
        return []
    number = block.flat[0]
    if block.tobytes() == number.tobytes() * block.size:
        full = (shape, number.item(), first.dtype)
        return [Statement("function", np.full, full, outs=(value,))]
    times = [1] * first.ndim
    times[axis] = Rows(1)
    return [Statement("function", np.tile, (constant(block, hint), tuple(times)), outs=(value,))]


def _shape(arrays: Sequence[Any], sizes: Sequence[int]) -> tuple[Any, ...]:
    """Return the shape of arrays, with a `Rows` for each axis that follows the sizes."""
    shapes = [np.shape(array) for array in arrays]
    if len(set(map(len, shapes))) > 1:
        return ()
    return tuple(
        lengths[0] if len(set(lengths)) == 1 else Rows.through(sizes, lengths)
        for lengths in zip(*shapes)
    )


def _ends(arrays: Sequence[np.ndarray], count: Rows) -> tuple[Any, ...] | None:
    """Return start, stop and step of whole numbers, which stand along one axis; None for others."""
    start, second = map(int, arrays[0].flat[:2])
    step = second - start
    for array in arrays:
        if not np.array_equal(array.ravel(), start + step * np.arange(array.size)):
            return None
    return (start, Rows(step * count.a, step * count.b + start), step) if step else None


def _steps(ends: tuple[Any, ...], value: Var) -> list[Statement]:
    """Return statements that make whole numbers in steps along one axis."""
    dtype = value.dtype
    if len(value.shape) == 1:
        return [Statement("function", np.arange, (*ends, dtype), outs=(value,))]
    numbers = Var(value.value.ravel(), "numbers")
    numbers.shape = (next(length for length in value.shape if length != 1),)
    return [
        Statement("function", np.arange, (*ends, dtype), outs=(numbers,)),
        Statement("method", "reshape", (numbers, value.shape), outs=(value,)),
    ]


def _blocks(array: np.ndarray, axis: int, n: int) -> np.ndarray:
    """Return the n blocks of an array along an axis, one after the other."""
    length = array.shape[axis] // n
    split = array.reshape(*array.shape[:axis], n, length, *array.shape[axis + 1 :])
    return np.moveaxis(split, axis, 0)
