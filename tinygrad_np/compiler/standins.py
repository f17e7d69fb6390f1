"""Stand-ins for arrays and numbers while a function is recorded.

They hold the real value, compute with it, and tell the tape what was called. Ops and rules, which
are plain NumPy, run on them unchanged: so the program sees the inside of a softmax or of a
convolution.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..core.protocols import NumPyProtocols
from .statements import OPERATORS

if TYPE_CHECKING:
    from .statements import Var
    from .tape import Tape

__all__ = ["StandIn", "TracedArray", "TracedNumber", "stand_in"]

# Functions that only ask for shapes and dtypes: answered at once, they leave no trace.
_QUERIES = {
    np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.can_cast,
    np.common_type, np.min_scalar_type, np.may_share_memory, np.shares_memory,
}  # fmt: skip
_SIZED_BY_VALUES = {
    np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.extract, np.compress, np.trim_zeros,
    np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d,
}  # fmt: skip
_PRINTERS = {np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez}


class StandIn:
    """A value of the recording that tells its tape what is done with it.

    Attributes:
        tape: the `Tape` that it belongs to.
        symbol: the `Var` of the program that it stands for.
        value: its real value in this run.
    """

    __slots__ = ("symbol", "tape", "value")

    # NumPy's own arrays leave operators to these.
    __array_priority__ = 1000

    def __init__(self, tape: Tape, symbol: Var, value: Any) -> None:
        self.tape = tape
        self.symbol = symbol
        self.value = value

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(i, NumPyProtocols) for i in inputs):
            return NotImplemented  # the Tensor records the op
        return self.tape.ufunc(ufunc, "" if method == "__call__" else method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        if any(issubclass(kind, NumPyProtocols) for kind in types):
            return NotImplemented
        if func in _QUERIES:
            return func(*self.tape.values(args), **self.tape.values(kwargs))
        if func in _PRINTERS:
            self.tape.printable(self)
            return func(*self.tape.values(args), **self.tape.values(kwargs))
        if func in _SIZED_BY_VALUES:
            self.tape.refuse(
                f"asks np.{func.__name__} of a value that is computed in each call: the size of "
                "the result would change from call to call",
                "do that outside of the compiled function",
            )
        if func is np.copyto:
            return self.tape.write("function", func, args, kwargs, args[0])
        return self.tape.call("function", func, args, kwargs)

    def __bool__(self) -> bool:
        return self.tape.truth(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self.tape.refuse(
            "makes a plain array of a value that is computed in each call (np.array, np.asarray, "
            "or writing it into a NumPy array)"
        )
        return np.array(self.value, dtype)

    def _number(self, what: str) -> Any:
        return self.tape.number(self, what)

    def __float__(self) -> float:
        return float(self._number("float()"))

    def __int__(self) -> int:
        return int(self._number("int()"))

    def __index__(self) -> int:
        return operator.index(self._number("an index"))

    def __complex__(self) -> complex:
        return complex(self._number("complex()"))

    def __repr__(self) -> str:
        return repr(self.tape.printable(self))

    def __str__(self) -> str:
        return str(self.tape.printable(self))

    def __format__(self, spec: str) -> str:
        return format(self.tape.printable(self), spec)

    def __hash__(self) -> int:
        return object.__hash__(self)


class TracedArray(StandIn, NDArrayOperatorsMixin):
    """Stand-in for an array."""

    __slots__ = ()
    __hash__ = object.__hash__

    base = None
    flags = np.empty(0).flags

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def dtype(self) -> np.dtype:
        return self.value.dtype

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def itemsize(self) -> int:
        return self.value.itemsize

    @property
    def nbytes(self) -> int:
        return self.value.nbytes

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        return self.tape.call("method", "transpose", (self,), {})

    mT = property(lambda self: np.swapaxes(self, -1, -2))  # noqa: N815
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))
    flat = property(lambda self: self.ravel())

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self.value)))

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        for part in parts:
            mask = isinstance(part, TracedArray) and part.dtype.kind == "b"
            if mask and part.symbol.constant is None:
                self.tape.refuse(
                    "picks elements with a mask that is computed in each call: how many there "
                    "are would change from call to call",
                    "use tinygrad_np.where(mask, x, 0), or give the mask as a constant",
                )
        return self.tape.call("getitem", operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self.tape.write("setitem", operator.setitem, (self, index, value), {}, self)

    def __pow__(self, power: Any) -> Any:
        # NumPy's operator takes shorter ways for some numbers, with their own rounding.
        shorter = _POWERS.get(power) if isinstance(power, (int, float)) else None
        floats = self.dtype.kind in "fc"
        if shorter and (floats or power == 2):
            return shorter(self)
        return np.power(self, power)

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Do nothing: values never change here anyway."""

    def item(self, *args: Any) -> Any:
        return self.tape.number(self, ".item()")

    def tolist(self) -> Any:
        self.tape.refuse("makes a list of a value that is computed in each call (.tolist())")
        return self.value.tolist()


_POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal, 1: np.positive}


def _method(name: str) -> Any:
    def call(self: TracedArray, *args: Any, **kwargs: Any) -> Any:
        return self.tape.call("method", name, (self, *args), kwargs)

    call.__name__ = name
    return call


_METHODS = (
    "all", "any", "argmax", "argmin", "argsort", "astype", "choose", "clip", "compress", "conj",
    "conjugate", "copy", "cumprod", "cumsum", "diagonal", "flatten", "max", "mean", "min",
    "prod", "ravel", "repeat", "reshape", "round", "searchsorted", "squeeze", "std", "sum",
    "swapaxes", "take", "trace", "transpose", "var", "view", "dot",
)  # fmt: skip
for _name in _METHODS:
    setattr(TracedArray, _name, _method(_name))


class TracedNumber(StandIn):
    """Stand-in for a Python number, such as the count of steps or the learning rate."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __neg__(self) -> Any:
        return 0 - self  # type: ignore[operator]

    def apply(self, f: Any) -> Any:
        """Return `f` of the number: recorded where it is arithmetic, else called in each run."""
        return self.tape.apply(f, self)


def _operator(symbol: str, reflected: bool = False) -> Any:
    def call(self: TracedNumber, other: Any = None) -> Any:
        if not isinstance(other, (TracedNumber, int, float)):
            return NotImplemented
        operands = (other, self) if reflected else (self, other)
        return self.tape.call("operator", symbol, operands, {})

    return call


for _symbol, _function in OPERATORS.items():
    _name = _function.__name__
    setattr(TracedNumber, f"__{_name}__", _operator(_symbol))
    if _symbol[0] not in "<>=!":
        setattr(TracedNumber, f"__r{_name}__", _operator(_symbol, reflected=True))


def stand_in(tape: Tape, var: Var, value: Any) -> StandIn:
    """Make the stand-in for a value, of the kind that fits."""
    is_array = isinstance(value, (np.ndarray, np.generic))
    kind = TracedArray if is_array else TracedNumber
    return kind(tape, var, value)
