"""Constants that follow the number of rows n, as nodes that compute them from it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..rows.arrays import Rows
from ..rows.merging import PROOFS, SIZES
from .graph import FLOAT, INTEGER, TRUTH, Graph, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    Arrays = Sequence[np.ndarray]

COUNTS = (*SIZES, *PROOFS)  # of rows, with which a function is recorded
_FEW = 64  # so many numbers may each follow the rows in its own way


@dataclass(eq=False)
class Following:
    """Nodes for what follows the rows.

    Attributes:
        source: the input whose first length is n.
        graph: of the nodes, which stand before all others.
    """

    source: Value
    graph: Graph = field(default_factory=Graph)
    _made: dict[Rows, Value] = field(default_factory=dict)

    def value(self, arrays: Arrays) -> Value | None:
        """Return the value that is these arrays at `COUNTS`; None if none is known."""
        one = arrays[0]
        if all(_same(one, array) for array in arrays):
            return Value(one.dtype, one.shape, constant=one)
        if len({array.ndim for array in arrays}) > 1:
            return None
        return self._numbers(arrays) or self._filled(arrays) or self._repeated(arrays)

    def _numbers(self, arrays: Arrays) -> Value | None:
        """Return a few numbers, of which each is whole and follows the rows on its own."""
        one = arrays[0]
        if one.size > _FEW or len({array.shape for array in arrays}) > 1:
            return None
        found = _through([array.reshape(-1).tolist() for array in arrays])
        if found is None:
            return None
        vector = self.graph.cast(self._vector(found), one.dtype)
        return vector if one.ndim == 1 else self.graph.Reshape(vector, one.shape)

    def _filled(self, arrays: Arrays) -> Value | None:
        """Return one number everywhere, in a shape that follows the rows."""
        numbers = np.concatenate([array.reshape(-1) for array in arrays])
        shape = _through([array.shape for array in arrays])
        if shape is None or len({number.tobytes() for number in np.unique(numbers)}) > 1:
            return None
        number = self.graph.value(numbers[0])
        return self.graph.Expand(number, self._vector(shape))

    def _repeated(self, arrays: Arrays) -> Value | None:
        """Return blocks that come once for each row, each by a step of integers above the last."""
        shapes = zip(*(array.shape for array in arrays))
        axes = [k for k, lengths in enumerate(shapes) if len(set(lengths)) > 1]
        if len(axes) != 1:
            return None
        axis = axes[0]
        every = []
        for array, n in zip(arrays, COUNTS):
            if array.shape[axis] % n:
                return None
            every.append(_blocks(array, axis, n))
        block = every[0][0]
        if all((blocks == block).all() for blocks in every):
            times: list[Any] = [1] * block.ndim
            times[axis] = Rows(1)
            return self.graph.Tile(self.graph.value(block), self._vector(times))
        if block.dtype == TRUTH or not all(map(_is_whole, every)):
            return None
        step = every[0][1] - block
        for blocks in every:
            counts = np.arange(len(blocks))
            steps = np.multiply.outer(counts, step)
            if (blocks != block + steps).any():
                return None
        rising = self._rising(block.astype(INTEGER), axis, step.astype(INTEGER))
        return self.graph.cast(rising, block.dtype)

    def _rising(self, block: np.ndarray, axis: int, step: np.ndarray) -> Value:
        """Return n blocks side by side along an axis, each by the step above the last."""
        g = self.graph
        end = g.Squeeze(self._number(Rows(1)), [0])
        counts = g.Range(0, end, 1)
        column = g.Reshape(counts, [-1, *[1] * block.ndim])
        blocks = g.Add(g.Mul(column, step), block)
        order = list(range(1, block.ndim + 1))
        order.insert(axis, 0)
        shape = list(block.shape)
        shape[axis] = -1
        return g.Reshape(g.Transpose(blocks, perm=order), shape)

    def _vector(self, numbers: Sequence[Any]) -> Value:
        """Return integers, of which some follow the rows, as one vector."""
        parts: list[Any] = []
        for follows, group in itertools.groupby(numbers, lambda x: isinstance(x, Rows)):
            if follows:
                parts += map(self._number, group)
            else:
                parts.append([int(x) for x in group])
        return parts[0] if len(parts) == 1 else self.graph.Concat(*parts, axis=0)

    def _number(self, number: Rows) -> Value:
        """Return a·n + b as a vector of one."""
        if number not in self._made:
            if number == Rows(1):
                value = self.graph.Shape(self.source, start=0, end=1)
            elif number.b:
                value = self.graph.Add(self._number(Rows(number.a)), [number.b])
            else:
                value = self.graph.Mul(self._number(Rows(1)), [number.a])
            self._made[number] = value
        return self._made[number]


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=a.dtype == FLOAT)


def _is_whole(array: np.ndarray) -> bool:
    return bool((array == np.rint(array)).all())


def _through(columns: Sequence[Sequence[float]]) -> list[Any] | None:
    """Return whole numbers, as they are or as `Rows`; None if one of them is neither."""
    found: list[Any] = []
    for numbers in zip(*columns):
        if not all(float(number).is_integer() for number in numbers):
            return None
        same = len(set(numbers)) == 1
        found.append(numbers[0] if same else Rows.through(COUNTS, list(map(int, numbers))))
    return None if None in found else found


def _blocks(array: np.ndarray, axis: int, n: int) -> np.ndarray:
    """Return the n blocks of an array along an axis, one after the other."""
    return np.stack(np.split(array, n, axis))
