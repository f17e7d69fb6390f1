"""Loops over flat typed buffers, as data: what a program comes to where all shapes are known.

A `View` says where in a buffer the elements of an array lie. All that NumPy decides from shapes and
dtypes is in the views: transposes, slices and broadcasting are offsets and strides, promotion is
the dtype of a buffer. So a backend needs eight forms of loops, and knows nothing of NumPy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


COPY = "copy"


def dense_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of an array in C order."""
    strides, run = [], 1
    for n in reversed(shape):
        strides.append(run)
        run *= n
    return tuple(reversed(strides))


@dataclass(eq=False, slots=True)
class Buffer:
    """Memory for elements of one dtype.

    Attributes:
        size: number of elements.
        role: "input" (read from outside), "state" (an input that each step gives new values),
            "constant", "scratch" (made by the loops), or "number" (an argument of the loops in C).
        values: what is in it before the first step; None for scratch.
    """

    dtype: np.dtype
    size: int
    role: str = "scratch"
    values: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Elements of a buffer: those of an array of this shape; offset and strides count elements."""

    buffer: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def span(self) -> tuple[int, int]:
        """The first place in the buffer that it may touch, and the last."""
        reach = [(n - 1) * s for n, s in zip(self.shape, self.strides)]
        low = self.offset + sum(r for r in reach if r < 0)
        return low, low + sum(map(abs, reach))

    def placed(self, shape: tuple[int, ...], strides: tuple[int, ...], shift: int = 0) -> View:
        """Look at the same buffer in another way."""
        return View(self.buffer, self.offset + shift, tuple(shape), tuple(strides), self.dtype)

    def broadcast(self, shape: tuple[int, ...]) -> View:
        """Stretch to a shape, as NumPy does."""
        lead = len(shape) - len(self.shape)
        strides = [0] * lead
        for n, wanted, step in zip(self.shape, shape[lead:], self.strides):
            strides.append(step if n == wanted else 0)
        return self.placed(shape, tuple(strides))

    def axes(self, order: list[int]) -> View:
        """Take these axes, in this order."""
        shape = tuple(self.shape[k] for k in order)
        return self.placed(shape, tuple(self.strides[k] for k in order))

    def turned(self) -> View:
        """Take the axes from the last to the first."""
        return self.axes([*range(len(self.shape))][::-1])

    def along(self, axis: int) -> View:
        """Put an axis last."""
        order = [*range(len(self.shape))]
        order.append(order.pop(axis))
        return self.axes(order)

    def reshaped(self, shape: tuple[int, ...]) -> View:
        """Look at dense memory as of another shape."""
        return self.placed(shape, dense_strides(shape))

    def widened(self, axis: int, length: int = 1) -> View:
        """Put in an axis along which the same elements come again."""
        shape = (*self.shape[:axis], length, *self.shape[axis:])
        return self.placed(shape, (*self.strides[:axis], 0, *self.strides[axis:]))

    def overlaps(self, other: View) -> bool:
        """Say whether it may share a place with another view, which is not just the same."""
        if self.buffer != other.buffer or self == other or not (self.size and other.size):
            return False
        (low, high), (other_low, other_high) = self.span, other.span
        return low <= other_high and other_low <= high


@dataclass(eq=False, slots=True, kw_only=True)
class Loop:
    """One loop.

    Attributes:
        statement: position in the program of the statement that it belongs to; None for the copies
            that put new state in place.
        place: file and line of the user's code.
        section: "forward", "backward" or "update".
    """

    statement: int | None = None
    place: tuple[str, int] | None = None
    section: str = "forward"

    @property
    def work(self) -> int:
        """The number of times that the innermost line runs."""
        return 1

    @property
    def reads(self) -> list[View]:
        """The views that it reads."""
        return []

    @property
    def write(self) -> View | None:
        """The view that it writes to; None for a check."""
        return None


@dataclass(eq=False, slots=True, kw_only=True)
class Computation(Loop):
    """A loop that gives all elements of a view their values, `out`."""

    out: View

    @property
    def work(self) -> int:
        return self.out.size

    @property
    def write(self) -> View:
        return self.out


@dataclass(eq=False, slots=True, kw_only=True)
class Map(Computation):
    """Compute out[i] = function(operands[0][i], ...): views of one shape, operands stretched.

    Attributes:
        function: a ufunc's name, or "copy", which converts, "where", "clip".
        dtype: what operands are taken as, and none loses anything by it; the first operand of
            "where" is a truth, the second one of "ldexp" an integer.
    """

    function: str
    dtype: np.dtype
    operands: tuple[View, ...]

    @property
    def reads(self) -> list[View]:
        return list(self.operands)


@dataclass(eq=False, slots=True, kw_only=True)
class Reduce(Computation):
    """Compute out[i] = function over source[i, ...]: the axes that source has more than out.

    They run in this order, the last one fastest, and sums are added in it.

    Attributes:
        function: "add", "multiply", "maximum", "minimum", "any", "all", "argmax" or "argmin".
        pairwise: whether the last axis is added in pairs, as NumPy adds what lies side by side.
    """

    function: str
    source: View
    pairwise: bool = False

    @property
    def reads(self) -> list[View]:
        return [self.source]

    @property
    def work(self) -> int:
        return self.source.size


@dataclass(eq=False, slots=True, kw_only=True)
class Scan(Computation):
    """Compute running sums ("add"), products, maxima or minima along the last axis of both."""

    function: str
    source: View

    @property
    def reads(self) -> list[View]:
        return [self.source]


@dataclass(eq=False, slots=True, kw_only=True)
class Matmul(Computation):
    """Multiply matrices: out (..., m, n) = left (..., m, k) times right (..., k, n)."""

    left: View
    right: View

    @property
    def reads(self) -> list[View]:
        return [self.left, self.right]

    @property
    def work(self) -> int:
        return self.out.size * self.left.shape[-1]


@dataclass(frozen=True, slots=True)
class Pick:
    """An index array: the place moves by index · stride; negative ones count from the end.

    Attributes:
        index: view of the loop's shape.
        size: of the axis; an index beyond it is an error.
    """

    index: View
    stride: int
    size: int


@dataclass(eq=False, slots=True, kw_only=True)
class Gather(Loop):
    """Read or write elements where index arrays say.

    Attributes:
        mode: "get" (other = base[picks]), "set" (base[picks] = other), or an operation that is done
            once for each index: "add", "subtract", "maximum", "minimum", "multiply".
        other, base: views of one shape; the picks move base on.
    """

    mode: str
    other: View
    base: View
    picks: tuple[Pick, ...]

    @property
    def work(self) -> int:
        return self.other.size

    @property
    def reached(self) -> View:
        """All places that the indices may lead to."""
        shape = (*self.base.shape, *(pick.size for pick in self.picks))
        strides = (*self.base.strides, *(pick.stride for pick in self.picks))
        return self.base.placed(shape, strides)

    @property
    def reads(self) -> list[View]:
        views = [*(pick.index for pick in self.picks), self.reached]  # what is not written to stays
        return views if self.mode == "get" else [*views, self.other]

    @property
    def write(self) -> View:
        return self.other if self.mode == "get" else self.reached


@dataclass(eq=False, slots=True, kw_only=True)
class Sort(Computation):
    """Sort along the last axis, equal ones in the order that they had.

    Attributes:
        function: "sort" for the values, "argsort" for their positions.
    """

    function: str
    source: View

    @property
    def reads(self) -> list[View]:
        return [self.source]

    @property
    def work(self) -> int:
        return self.out.size * max(1, self.out.shape[-1].bit_length())


@dataclass(eq=False, slots=True, kw_only=True)
class Draw(Computation):
    """Draw random numbers into a dense view, in C order.

    Attributes:
        method: "random", "standard_normal", "integers" or "permutation".
        generator: position among the program's generators.
        low, high: of integers, the high end excluded.
    """

    method: str
    generator: int
    low: int = 0
    high: int = 0


@dataclass(eq=False, slots=True, kw_only=True)
class Guard(Loop):
    """Stop unless the one element of a view is what it was in the recording."""

    view: View
    expected: float

    @property
    def reads(self) -> list[View]:
        return [self.view]
