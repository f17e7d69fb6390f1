"""`Builder`: it writes the loops of one program, from views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..statements import Var
from .axes import inner_last
from .loops import COPY, Map, Matmul, Scan, View, dense_strides
from .memory import Memory, element_type

if TYPE_CHECKING:
    from ..statements import Statement
    from .loops import Loop


class Builder:
    """The loops so far, and the memory that they work in.

    Attributes:
        changed: the program's values whose memory is written to after they are made.
        moved: values that are views in NumPy, and have memory of their own here.
        memory: buffers and views.
        loops: in order.
        arrays: NumPy arrays of the user's, which no step changes, by their values.
        generators: that the program draws from, in the state that they have before a step.
        places: position among them, by the id of the user's generator.
        generator_of: position among them, by the value that stands for one.
        position, statement: what is being lowered.
    """

    def __init__(self, changed: set[Var]) -> None:
        self.changed = changed
        self.moved: set[Var] = set()
        self.memory = Memory()
        self.loops: list[Loop] = []
        self.arrays: dict[Var, Any] = {}
        self.generators: list[Any] = []
        self.places: dict[int, int] = {}
        self.generator_of: dict[Var, int] = {}
        self.position: int | None = None
        self.statement: Statement | None = None

    def append(self, loop: Loop) -> None:
        """Add a loop to those of the statement that is being lowered."""
        statement = self.statement
        if statement is not None:
            loop.statement = self.position
            loop.place, loop.section = statement.place, statement.section
        self.loops.append(loop)

    # --- operands -------------------------------------------------------------------------------

    def known(self, value: Any) -> Any:
        """Return what an operand is in every step, if that is known; else None."""
        if not isinstance(value, Var):
            return value
        return value.constant if value.constant is not None else self.arrays.get(value)

    @property
    def out(self) -> View:
        """The memory of the statement's result, or of what it changes."""
        statement = self.statement
        assert statement is not None
        var = statement.outs[0] if statement.outs else statement.writes
        assert var is not None
        return self.memory.view(var)

    def operand(self, value: Any, dtype: Any = None) -> View:
        """Return the view of an operand: a value of the program, an array, a Python number, a view.

        With a dtype, it is converted unless each of its values is the same number in that dtype.
        """
        if isinstance(value, View):
            view = value
        elif isinstance(value, Var):
            view = self.memory.view(value)
        else:
            weak = isinstance(value, (bool, int, float))
            view = self.memory.constant(value, element_type(dtype) if weak and dtype else None)
        return view if dtype is None else self.converted(view, element_type(dtype))

    def converted(self, view: View, dtype: np.dtype) -> View:
        """Convert to a dtype, if that changes a value."""
        if np.can_cast(view.dtype, dtype, "safe"):
            return view
        cell = self.memory.scratch(view.shape, dtype)
        self.map(COPY, cell, view)
        return cell

    def apart(self, out: View, view: View) -> View:
        """Copy an operand that would be overwritten before it is read."""
        return self.dense(view) if view.overlaps(out) else view

    def dense(self, view: View) -> View:
        """Copy to memory of its own, in C order."""
        copy = self.memory.scratch(view.shape, view.dtype)
        self.map(COPY, copy, view)
        return copy

    # --- loops ----------------------------------------------------------------------------------

    def map(self, function: str, out: View, *operands: View, dtype: np.dtype | None = None) -> None:
        """Write out = function(*operands), the operands stretched to the shape of `out`.

        With another dtype than the first operand's, they are taken as that.
        """
        if not out.size:
            return
        views = [self.apart(out, a.broadcast(out.shape)) for a in operands]
        first, *others = inner_last([out, *views])
        dtype = dtype or operands[0].dtype
        self.append(Map(function=function, dtype=dtype, out=first, operands=tuple(others)))

    def copy(self, out: View, source: View) -> None:
        """Write the elements of a view, in C order, into one that may have another shape."""
        if out.shape != source.shape:
            if out.strides == dense_strides(out.shape):
                out = out.reshaped(source.shape)
            else:
                source = self.dense(source).reshaped(out.shape)
        self.map(COPY, out, source)

    def fill(self, out: View, number: float) -> None:
        """Write one number everywhere."""
        self.map(COPY, out, self.memory.constant(number, out.dtype))

    def scan(self, function: str, out: View, source: View, axis: int) -> None:
        """Write running sums, products, maxima or minima along an axis."""
        if not out.size:
            return
        source = self.apart(out, source).along(axis)
        self.append(Scan(function=function, out=out.along(axis), source=source))

    def matmul(self, out: View, left: View, right: View) -> None:
        """Write a product of matrices or vectors, or of stacks of them, as NumPy's matmul."""
        if len(right.shape) == 1:
            right, out = right.widened(1), out.widened(len(out.shape))
        if len(left.shape) == 1:
            left, out = left.widened(0), out.widened(len(out.shape) - 1)
        if not out.size:
            return
        if not left.shape[-1]:
            self.fill(out, 0)
            return
        batch = out.shape[:-2]
        left = left.broadcast(batch + left.shape[-2:])
        right = right.broadcast(batch + right.shape[-2:])
        left, right = self.apart(out, left), self.apart(out, right)
        self.append(Matmul(out=out, left=left, right=right))
