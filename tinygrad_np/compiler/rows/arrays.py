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

    One number, a block that comes n times, or whole numbers that go up from row to row. The last
    statement makes it; none are returned if there are no such.
    """
    first = arrays[0]
    shape = _shape(arrays, sizes)
    axes = [axis for axis, length in enumerate(shape) if isinstance(length, Rows)]
    if len(axes) != 1 or shape[axes[0]].b or any(a.dtype != first.dtype for a in arrays):
        return []
    axis = axes[0]
    every = [_blocks(a, axis, n) for a, n in zip(arrays, sizes)]
    block, step = every[0][0], 0
    if first.dtype.kind in "iu":
        step = int(every[0][1].flat[0]) - int(block.flat[0])
    if not all(np.array_equal(blocks, _steps(block, step, len(blocks))) for blocks in every):
        return []
    value = Var(first, hint)
    value.shape = shape
    if step:
        return [] if axis or step < 0 else _rising(block, step, value)
    number = block.flat[0]
    if block.tobytes() == number.tobytes() * block.size:
        return [Statement("function", np.full, (shape, number.item(), first.dtype), outs=(value,))]
    times = tuple(Rows(1) if k == axis else 1 for k in range(first.ndim))
    return [Statement("function", np.tile, (constant(block, hint), times), outs=(value,))]


def _shape(arrays: Sequence[Any], sizes: Sequence[int]) -> tuple[Any, ...]:
    """Return the shape of arrays, with a `Rows` for each axis that follows the sizes."""
    shapes = [np.shape(array) for array in arrays]
    if len(set(map(len, shapes))) > 1:
        return ()
    return tuple(
        lengths[0] if len(set(lengths)) == 1 else Rows.through(sizes, lengths)
        for lengths in zip(*shapes)
    )


def _blocks(array: np.ndarray, axis: int, n: int) -> np.ndarray:
    """Return the n blocks of an array along an axis, one after the other."""
    length = array.shape[axis] // n
    split = array.reshape(*array.shape[:axis], n, length, *array.shape[axis + 1 :])
    return np.ascontiguousarray(np.moveaxis(split, axis, 0))


def _steps(block: np.ndarray, step: int, count: int) -> np.ndarray:
    """Return the block so many times, each by a step above the one before."""
    if not step:
        return np.broadcast_to(block, (count, *block.shape))
    return np.add.outer(np.arange(count) * step, block)


def _rising(block: np.ndarray, step: int, value: Var) -> list[Statement]:
    """Return statements that make blocks of whole numbers along the first axis."""
    start, dtype = int(block.flat[0]), block.dtype
    if block.shape == (1,):
        ends = (start, Rows(step, start), step, dtype)
        return [Statement("function", np.arange, ends, outs=(value,))]
    table = Var(_steps(block, step, len(value.value) // len(block)), "table")
    counts = Var(table.value[:, 0], "counts")
    counts.shape, table.shape = (Rows(1),), (Rows(1), *block.shape)
    return [
        Statement("function", np.arange, (0, Rows(step), step, dtype), outs=(counts,)),
        Statement("ufunc", np.add, (counts, constant(block)), outs=(table,), method="outer"),
        Statement("method", "reshape", (table, value.shape), outs=(value,)),
    ]
