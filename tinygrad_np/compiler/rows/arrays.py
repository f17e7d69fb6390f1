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
        more = sizes[1] - sizes[0]
        a, rest = divmod(numbers[1] - numbers[0], more)
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
        sign = "-" if self.b < 0 else "+"
        return f"{product} {sign} {abs(self.b)}"


def array_of_rows(arrays: Sequence[np.ndarray], sizes: Sequence[int], hint: str) -> list[Statement]:
    """Return statements that make, for n rows, what these arrays are for these sizes.

    Whole numbers in even steps, one number, or a block that comes n times. The last statement makes
    it; none are returned if there are no such.
    """
    shape = _shape(arrays, sizes)
    axes = [axis for axis, length in enumerate(shape) if isinstance(length, Rows)]
    dtypes = {array.dtype for array in arrays}
    if len(axes) != 1 or len(dtypes) != 1:
        return []
    value = Var(arrays[0], hint)
    value.shape = shape
    axis = axes[0]
    return _steps(arrays, axis, value) or _repeated(arrays, axis, sizes, value)


def _shape(arrays: Sequence[Any], sizes: Sequence[int]) -> tuple[Any, ...]:
    """Return the shape of arrays, with a `Rows` for each axis that follows the sizes."""
    shapes = [np.shape(array) for array in arrays]
    if len(set(map(len, shapes))) > 1:
        return ()
    lengths = []
    for numbers in zip(*shapes):
        is_one = len(set(numbers)) == 1
        lengths.append(numbers[0] if is_one else Rows.through(sizes, numbers))
    return tuple(lengths)


def _call(function: Any, args: tuple, value: Var) -> Statement:
    return Statement("function", function, args, outs=(value,))


def _steps(arrays: Sequence[np.ndarray], axis: int, value: Var) -> list[Statement]:
    """Return statements for whole numbers in even steps along the only axis that is not 1."""
    first = arrays[0]
    if first.dtype.kind not in "iu" or first.size != first.shape[axis]:
        return []
    start = int(first.flat[0])
    step = int(first.flat[1]) - start
    for array in arrays:
        wanted = start + step * np.arange(array.size)
        if not step or not np.array_equal(array.ravel(), wanted):
            return []
    count = value.shape[axis]
    end = Rows(step * count.a, step * count.b + start)
    numbers = value
    if first.ndim > 1:
        numbers = Var(first.ravel(), "numbers")
        numbers.shape = (count,)
    ends = (start, end, step, first.dtype)
    made = _call(np.arange, ends, numbers)
    if numbers is value:
        return [made]
    return [made, _call(np.reshape, (numbers, value.shape), value)]


def _repeated(
    arrays: Sequence[np.ndarray], axis: int, sizes: Sequence[int], value: Var
) -> list[Statement]:
    """Return the statement for a block that comes n times along an axis."""
    if value.shape[axis].b:
        return []
    block = _blocks(arrays[0], axis, sizes[0])[0]
    content = block.tobytes()
    for array, n in zip(arrays, sizes):
        for part in _blocks(array, axis, n):
            if part.tobytes() != content:
                return []
    number = block.flat[0]
    full = (value.shape, number.item(), block.dtype)
    if content == number.tobytes() * block.size:
        return [_call(np.full, full, value)]
    times: list[Any] = [1] * block.ndim
    times[axis] = Rows(1)
    operand = constant(block, value.hint)
    return [_call(np.tile, (operand, tuple(times)), value)]


def _blocks(array: np.ndarray, axis: int, n: int) -> np.ndarray:
    """Return the n blocks of an array along an axis, one after the other."""
    shape = list(array.shape)
    length = shape[axis] // n
    shape[axis : axis + 1] = [n, length]
    split = array.reshape(shape)
    return np.moveaxis(split, axis, 0)
