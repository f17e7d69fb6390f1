"""`Row`: stand-in for the array of one example, while a function runs once for a whole batch.

The function computes with Rows as if they were arrays. Each holds the arrays of all examples, one
after the other along its first axis, and answers NumPy's calls for all of them at once (`calls`).
Ops and their derivative rules are plain NumPy, so they run on Rows unchanged.
"""

from __future__ import annotations

import math
import operator
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..core import backward
from ..core.callsite import asks_inside
from ..core.protocols import NumPyProtocols
from ..ops import apply
from .calls import NeedsLoopError, OfBatch, compute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from .batch import Batch

# Modules that run the code of ops.
_OPS = (apply.__name__, backward.__name__)


class Row(OfBatch, NDArrayOperatorsMixin):
    """Stand-in for the array of one example of a batch."""

    __slots__ = ()
    __array_priority__ = 1000  # NumPy's own arrays leave operators to these

    def __init__(self, batch: Batch, values: Any) -> None:
        self.batch = batch
        self.values = values

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # what `isinstance` asks
        return np.ndarray

    # --- what it holds ---------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape[1:]

    @property
    def ndim(self) -> int:
        return self.values.ndim - 1

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    @property
    def itemsize(self) -> int:
        return self.values.itemsize

    @property
    def nbytes(self) -> int:
        return self.itemsize * self.size

    @property
    def flags(self) -> Any:
        return self.values.flags

    @property
    def base(self) -> Any:
        """The array whose memory this one looks into, if it is a view."""
        base: Any = getattr(self.values, "base", None)
        return Row(self.batch, base) if getattr(base, "ndim", 0) else None

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        return np.transpose(self)

    @property
    def mT(self) -> Any:  # noqa: N802
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        return np.real(self)

    @property
    def imag(self) -> Any:
        return np.imag(self)

    # --- methods that differ from NumPy's functions ----------------------------------------

    def astype(self, dtype: Any, **options: Any) -> Any:
        return Row(self.batch, self.values.astype(dtype, **options))

    def copy(self, order: Any = "C") -> Any:
        return Row(self.batch, self.values.copy(order))

    def fill(self, value: Any) -> None:
        self[...] = value

    def flatten(self) -> Any:
        return np.ravel(self).copy()

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return np.reshape(self, _together(shape), **options)

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, _together(axes) if axes else None)

    def view(self, dtype: Any) -> Any:
        return Row(self.batch, self.values.view(dtype))

    # --- what NumPy and Python ask ---------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, kind: str, *inputs: Any, **kwargs: Any) -> Any:
        for x in inputs:
            if issubclass(type(x), NumPyProtocols):
                return NotImplemented  # the Tensor records the op
        function = ufunc if kind == "__call__" else getattr(ufunc, kind)
        return compute((ufunc, kind), function, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        if any(issubclass(kind, NumPyProtocols) for kind in types):
            return NotImplemented
        return compute(function, function, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return method(self, name)

    def __getitem__(self, index: Any) -> Any:
        return compute(operator.getitem, operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        compute(operator.setitem, operator.setitem, (self, index, value), {})

    def __pow__(self, power: Any) -> Any:
        if type(power) in (int, float):  # NumPy's operator takes a shorter way for some of them
            return Row(self.batch, self.values**power)
        return NDArrayOperatorsMixin.__pow__(self, power)

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    def __copy__(self) -> Any:
        return self.copy("K")

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __bool__(self) -> bool:
        if not self._needs_loop(sys._getframe(1)):
            raise self._error(
                "branches on",
                "write tinygrad_np.where(condition, a, b) in the place of if, while, and, or",
            )
        if self.size != 1:
            return bool(np.empty(self.shape))  # which raises as NumPy does
        truths = self.values.reshape(-1)
        if truths.all():
            return True
        if truths.any():
            raise NeedsLoopError
        return False

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise NeedsLoopError

    def item(self, *args: Any) -> Any:
        """Raise: there is a number for each row, and code asks for one."""
        if self._needs_loop(sys._getframe(1)):
            raise NeedsLoopError
        raise self._error("makes a Python number of", "compute with the Tensor itself")

    __float__ = __int__ = __index__ = __complex__ = tolist = item

    def __repr__(self) -> str:
        return f"<{self._title()}>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise self._error("saves", "return it, and save what comes back")

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Make the array writable or not, as NumPy does."""
        self.values.setflags(write=write)

    def _needs_loop(self, frame: FrameType) -> bool:
        """Say whether it is the code of an op that asks for a value, and not the function."""
        if asks_inside(frame, __name__):
            return True
        here: FrameType | None = frame
        while here is not None:
            module = here.f_globals.get("__name__")
            if module in _OPS:
                return True
            if here.f_locals.get("batch") is self.batch:  # who runs the function
                return False
            here = here.f_back
        return False

    def _title(self) -> str:
        return f"each of {self.batch.size} rows of {self.batch.what}: {self.shape} {self.dtype}"

    def _error(self, does: str, remedy: str) -> TypeError:
        error = TypeError(
            f"the function {does} a value that differs from row to row ({self._title()}), but "
            f"{self.batch.what} runs it once for all rows: {remedy}, or loop over the rows"
        )
        error.explains_itself = True  # type: ignore[attr-defined]
        return error


# --- methods of arrays ---------------------------------------------------------------------------


def method(row: Row, name: str) -> Any:
    """Return a method of arrays, for a Row: NumPy has most of them as functions too."""
    if name.startswith("__") or not callable(getattr(np.ndarray, name, None)):
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
    function = getattr(np, name, None)

    def call(*args: Any, **kwargs: Any) -> Any:
        if function is None or name in _IN_PLACE:
            of_each = operator.methodcaller(name, *args, **kwargs)
            return compute(name, of_each, (row,), {})
        return function(row, *args, **kwargs)

    return call


_IN_PLACE = ("partition", "put", "sort")


def _together(args: tuple) -> Any:
    """Return a shape or axes that are given to a method as one tuple or one by one."""
    return args[0] if len(args) == 1 else args
