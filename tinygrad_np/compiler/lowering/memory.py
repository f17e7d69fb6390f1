"""Memory of a lowered program: buffers, and the view of each value in them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..errors import CompileError
from ..statements import Var
from .loops import Buffer, View, dense_strides

_KINDS = "biuf"
_NUMBERS: dict[type, Any] = {bool: np.bool_, int: np.int64, float: np.float64}


class LoweringError(CompileError):
    """A program can't be written as loops: the message names the call, the reason and the line."""


class Unsupported(Exception):  # noqa: N818 - becomes a LoweringError, which names the statement
    """A statement can't be lowered; the text says why."""


def element_type(dtype: Any) -> np.dtype:
    """Return the dtype in which values are held; Python numbers have one too."""
    dtype = np.dtype(_NUMBERS.get(dtype, dtype))
    if dtype.kind not in _KINDS or dtype.itemsize > 8 or dtype == np.float16:
        raise Unsupported(f"{dtype} arrays")
    if not dtype.isnative:
        raise Unsupported("arrays in another byte order")
    return dtype


class Memory:
    """The buffers of a program.

    Attributes:
        buffers: in the order of their numbers.
        views: of the values that have memory so far.
    """

    def __init__(self) -> None:
        self.buffers: list[Buffer] = []
        self.views: dict[Var, View] = {}
        self._constants: dict[Any, View] = {}

    def _buffer(self, dtype: np.dtype, size: int, role: str, values: Any = None) -> int:
        self.buffers.append(Buffer(dtype, size, role, values))
        return len(self.buffers) - 1

    def scratch(self, shape: tuple[int, ...], dtype: Any) -> View:
        """Make memory in C order."""
        dtype = element_type(dtype)
        number = self._buffer(dtype, math.prod(shape), "scratch")
        return View(number, 0, tuple(shape), dense_strides(shape), dtype)

    def laid_out(self, value: Any, role: str = "scratch") -> View:
        """Make memory laid out as NumPy laid out an array: sums run in the order of the memory.

        Unless it is scratch, it has the array's values from the start.
        """
        value = np.asarray(value)
        dtype = element_type(value.dtype)
        steps = _steps(value)
        low, high = View(0, 0, value.shape, steps, dtype).span
        size = 0
        if value.size:
            size = 1 + high - low
        values = None
        if role != "scratch":
            values = np.zeros(size, dtype)
            place = as_strided(values[-low:], value.shape, value.strides)
            np.copyto(place, value)
        number = self._buffer(dtype, size, role, values)
        return View(number, -low, value.shape, steps, dtype)

    def input(self, var: Var) -> View:
        """Make memory for a value from outside."""
        self.views[var] = self.laid_out(_as_array(var, var.value), "input")
        return self.views[var]

    def constant(self, value: Any, dtype: Any = None, *, named: bool = False) -> View:
        """Return a view of values that never change: one for all that are the same.

        Values of the program, which may have names, lie apart from numbers in its code.
        """
        value = np.asarray(value, dtype)
        element_type(value.dtype)
        key = (value.dtype, value.shape, value.tobytes(), named)
        if key not in self._constants:
            array = np.ascontiguousarray(value).reshape(value.shape)
            self._constants[key] = self.laid_out(array, "constant")
        return self._constants[key]

    def view(self, var: Var) -> View:
        """Return the view of a value: memory of its own, or a look into another's."""
        view = self.views.get(var)
        if view is None:
            view = self.views[var] = self._place(var)
        return view

    def _place(self, var: Var) -> View:
        if var.constant is not None:
            array = _as_array(var, var.constant)
            return self.constant(array, named=True)
        if var.shape is None:
            return self.scratch((), var.dtype)
        if var.root is var:
            return self.laid_out(var.value)
        if var.root.constant is not None:
            return self.constant(var.value)
        return self.inside(self.view(var.root), var.root.value, var.value)

    @staticmethod
    def inside(whole: View, array: Any, part: Any) -> View:
        """Return the view of a part of an array, from where it lies in the array's memory."""
        if part.dtype.itemsize != array.dtype.itemsize:
            raise Unsupported(f"a view of {array.dtype} as {part.dtype}")
        shift = (address(part) - address(array)) // array.itemsize
        return whole.placed(part.shape, _steps(part), shift)


def _steps(array: np.ndarray) -> tuple[int, ...]:
    """Return the strides of an array in elements."""
    size = array.itemsize
    if any(stride % size for stride in array.strides):
        raise Unsupported("arrays whose elements lie at odd distances")
    return tuple(stride // size for stride in array.strides)


def _as_array(var: Var, value: Any) -> np.ndarray:
    """Return a value as an array, a Python number too."""
    return np.asarray(value, element_type(var.dtype) if var.shape is None else None)


def address(array: Any) -> int:
    """Return where the first element of an array lies."""
    return np.asarray(array).__array_interface__["data"][0]
