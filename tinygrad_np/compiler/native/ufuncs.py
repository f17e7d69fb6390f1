"""Functions whose bits are NumPy's own, such as exp: NumPy's own loops, called from C."""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..lowering.axes import merge_neighbours
from ..lowering.loops import Computation, View
from ..lowering.memory import Unsupported
from ..lowering.reductions import memory_order

if TYPE_CHECKING:
    from ..lowering.loops import Map


class _Ufunc(ctypes.Structure):
    """The beginning of a ufunc, which is the same in all versions of NumPy's C API."""

    _fields_ = (
        ("head", ctypes.c_byte * object.__basicsize__),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_char)),
    )


@dataclass(eq=False, slots=True, kw_only=True)
class Call(Computation):
    """An elementwise function by NumPy's own loop, once for each row of elements side by side.

    Attributes:
        function: the ufunc's name.
        operands: of the shape of `out`.
        rows: the operands and `out` with few axes, the last one through elements side by side.
        addresses: of the loop, and of what it is given besides.
    """

    function: str
    operands: tuple[View, ...]
    rows: list[View]
    addresses: tuple[int, int]

    @property
    def reads(self) -> list[View]:
        return list(self.operands)

    @property
    def symbol(self) -> str:
        """The name of the loop in the text, with its dtype."""
        return f"{self.function}_{self.out.dtype.str[1:]}"


def call_of(loop: Map) -> Call:
    """Return a loop as a call of NumPy's own.

    Raises:
        Unsupported: NumPy has none for these dtypes, or it could raise an error of Python's.
    """
    views = (*loop.operands, loop.out)
    dtypes = {loop.dtype, *(view.dtype for view in views)}
    if len(dtypes) > 1 or loop.dtype.kind != "f":
        raise Unsupported(f"{loop.function} of other dtypes than one of floats")
    order = memory_order(loop.out)
    rows = merge_neighbours([view.axes(order) for view in views])
    if any(view.strides[-1:] not in ((), (1,)) for view in rows):
        raise Unsupported(f"{loop.function} of elements that lie apart")
    addresses = _addresses(loop.function, loop.dtype, len(loop.operands))
    if addresses is None:
        raise Unsupported(f"{loop.function}, of which NumPy has no loop that can be called")
    return Call(
        function=loop.function, out=loop.out, operands=loop.operands, rows=rows,
        addresses=addresses, statement=loop.statement, place=loop.place, section=loop.section,
    )  # fmt: skip


@functools.lru_cache(maxsize=256)
def _addresses(name: str, dtype: np.dtype, count: int) -> tuple[int, int] | None:
    """Find NumPy's loop of a function of so many operands of one dtype, and its data."""
    ufunc = getattr(np, name, None)
    if not isinstance(ufunc, np.ufunc):
        return None
    head = _Ufunc.from_address(id(ufunc))
    sizes = (head.nin, head.nout, head.nargs, head.ntypes)
    if sizes != (count, 1, count + 1, ufunc.ntypes) or head.name != name.encode():
        return None
    signature = f"{dtype.char * count}->{dtype.char}"
    if signature not in ufunc.types:
        return None
    k = ufunc.types.index(signature)
    numbers = head.types[k * (count + 1) : (k + 1) * (count + 1)]
    function = head.functions[k]
    if numbers != bytes([dtype.num] * (count + 1)) or not function:
        return None
    return function, head.data[k] or 0
