"""Memory of a program as its NumPy text has it: what C reads and writes there."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..copies import memory_of
from ..lowering.builder import Builder
from ..lowering.loops import COPY, Map, View, dense_strides
from ..lowering.memory import Memory, Unsupported, element_type

if TYPE_CHECKING:
    from ..memory import Memory as Plan
    from ..program import Program
    from ..statements import Var


class Places(Memory):
    """The buffers of a program, in the places that the memory plan has chosen.

    Attributes:
        owners: for each buffer that is an array of the text, the value whose name it has.
        origins: where in a buffer the first element of that array lies.
        resident: NumPy scalars that C computes for itself alone.
        moving: views whose place a number decides in each call.
    """

    def __init__(self, program: Program, plan: Plan) -> None:
        super().__init__()
        self.placed = program.placed
        self.plan = plan
        self.owners: dict[int, Var] = {}
        self.origins: dict[int, int] = {}
        self.resident: set[Var] = set()
        self.moving = _moving(program)

    def _place(self, var: Var) -> View:
        root = var.root
        if var.constant is not None:
            return self._fixed(var.constant)
        if var in self.moving:
            raise Unsupported("a part whose place is computed")
        if var in self.resident:
            return self.scratch((), var.dtype)
        if not var.is_array:
            return self._number(var)
        if var in self.placed:
            whole, start = self.placed[var]
            return self.view(whole).placed(var.shape, dense_strides(var.shape), start)
        if root is not var:
            if root.constant is not None:
                return self._fixed(var.value)
            return self._look(self.view(root), root.value, var.value)
        first = self.plan.holder.get(var, var)
        if first is not var:
            view = self.view(first)
            return view if view.shape == var.shape else view.reshaped(var.shape)
        return self._array(var)

    def _array(self, var: Var) -> View:
        """Make a buffer for an array of the text."""
        fresh = var in self.plan.fresh  # memory in C order
        view = self.laid_out(np.empty(var.shape, var.dtype) if fresh else var.value)
        self.owners[view.buffer] = var
        self.origins[view.buffer] = view.offset
        return view

    def _fixed(self, value: Any) -> View:
        """Return the view of a constant: numbers are literals, arrays stay where they are."""
        value = np.asarray(value)
        if not value.ndim:
            return self.constant(value)
        key = id(value)
        if key not in self._constants:
            view = self.laid_out(value)
            buffer = self.buffers[view.buffer]
            buffer.role, buffer.values = "constant", value
            self.origins[view.buffer] = view.offset
            self._constants[key] = view
        return self._constants[key]

    def _number(self, var: Var) -> View:
        """Return the view of a number that the text hands over."""
        dtype = element_type(var.dtype)
        if dtype.kind == "b":
            raise Unsupported("a truth that C would have to ask for")
        number = self._buffer(dtype, 1, "number")
        self.owners[number] = var
        return View(number, 0, (), (), dtype)

    def _look(self, whole: View, array: Any, part: Any) -> View:
        """Return the view of a part of an array, which may be of another dtype of that size."""
        if not part.size:
            raise Unsupported("nothing")
        (low, high), (first, end) = byte_bounds(array), byte_bounds(part)
        if first < low or end > high:  # of a copy that a pass has taken out, if it lay alike
            copy = memory_of(part)
            if (copy.shape, copy.strides, copy.dtype) != (array.shape, array.strides, array.dtype):
                raise Unsupported("memory that a pass has put elsewhere")
            array = copy
        view = self.inside(whole, array, part)
        return dataclasses.replace(view, dtype=element_type(part.dtype))

    def is_number(self, view: View) -> bool:
        """Say whether a view is a number that comes from outside, in each call."""
        return self.buffers[view.buffer].role == "number"


def _moving(program: Program) -> set[Var]:
    """Return the views that lie elsewhere in other calls, as a computed number says."""
    moving: set[Var] = set()
    for statement in program.statements:
        if not statement.is_view():
            continue
        root = statement.outs[0].root
        for var in statement.reads():
            decides = var.root is not root and var.constant is None
            if decides or var in moving:
                moving.update(statement.outs)
    return moving


class Loops(Builder):
    """Writer of the loops of statements, with axes as NumPy has them, so that they can be fused."""

    def __init__(self, program: Program, plan: Plan) -> None:
        super().__init__(program.changed())
        self.planned = Places(program, plan)
        self.memory = self.planned

    def converted(self, view: View, dtype: np.dtype) -> View:
        """Convert to a dtype; a number from outside is converted where it is read."""
        if self.planned.is_number(view):
            return dataclasses.replace(view, dtype=dtype)
        return super().converted(view, dtype)

    def map(self, function: str, out: View, *operands: View, dtype: np.dtype | None = None) -> None:
        """Write out = function(*operands), the operands stretched to the shape of `out`."""
        views = tuple(self.apart(out, a.broadcast(out.shape)) for a in operands)
        if out.size and not (function == COPY and views == (out,)):
            dtype = dtype or operands[0].dtype
            self.append(Map(function=function, dtype=dtype, out=out, operands=views))
