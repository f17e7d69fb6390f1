"""Stand-ins for arrays and numbers while a function is recorded.

They hold the real value, compute with it, and tell the tape what was called. Ops and rules, which
are plain NumPy, run on them unchanged: so the program sees the inside of a softmax or of a
convolution. A stand-in says that it is what it stands for: `isinstance`, attributes and methods
answer as those of the real value, or raise a CompileError.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import doors
from ..core.protocols import NumPyProtocols
from .numpy_calls import answer
from .statements import OPERATORS

if TYPE_CHECKING:
    from .statements import Var
    from .tape import Tape


def _answers_first(kind: type) -> bool:
    """Say whether it is for objects of this kind to do what NumPy is asked for.

    A Tensor records the op, and the stand-in of a transform inside computes with those of the tape.
    """
    if issubclass(kind, StandIn):
        return False
    return issubclass(kind, (NumPyProtocols, doors.StandIn))


class StandIn(doors.StandIn):
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

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # what `isinstance` asks
        return type(self.value)

    def __getattr__(self, name: str) -> Any:
        kind = type(self.value)
        if name.startswith("__array") or not hasattr(kind, name):  # NumPy asks __array__ next
            raise AttributeError(f"{kind.__qualname__!r} object has no attribute {name!r}")
        if not callable(getattr(kind, name)):
            self._refuse(name)
            return getattr(self.value, name)

        def method(*args: Any, **kwargs: Any) -> Any:
            self._refuse(name)
            return getattr(self.value, name)(*self.tape.values(args), **self.tape.values(kwargs))

        return method

    def _refuse(self, name: str) -> None:
        self.tape.refuse(f"asks a value that is computed in each call for its .{name}")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(_answers_first(type(x)) for x in inputs):
            return NotImplemented
        return self.tape.ufunc(ufunc, "" if method == "__call__" else method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        if any(map(_answers_first, types)):
            return NotImplemented
        return answer(self, func, args, kwargs)

    def __bool__(self) -> bool:
        return self.tape.truth(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self.tape.refuse(
            "makes a plain array of a value that is computed in each call (np.array, np.asarray, "
            "or writing it into a NumPy array)",
            "return it, and do that with what comes back; to index an array with it, make that "
            "array a Tensor, or use tinygrad_np.take",
        )
        return np.array(self.value, dtype)

    def _number(self, action: str) -> Any:
        return self.tape.number(self, action)

    def __float__(self) -> float:
        return float(self._number("float()"))

    def __int__(self) -> int:
        return int(self._number("int()"))

    def __index__(self) -> int:
        return operator.index(self._number("an index"))

    def __complex__(self) -> complex:
        return complex(self._number("complex()"))

    def __hash__(self) -> int:
        if isinstance(self.value, np.ndarray):
            return hash(self.value)  # which raises
        return hash(self._number("hash()"))

    def __repr__(self) -> str:
        return repr(self.tape.printable(self))

    def __str__(self) -> str:
        return str(self.tape.printable(self))

    def __format__(self, spec: str) -> str:
        return format(self.tape.printable(self), spec)

    def __sizeof__(self) -> int:
        return self.value.__sizeof__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        self.tape.refuse("saves (or pickles) a value that is computed in each call")
        return self.value.__reduce_ex__(protocol)


class TracedNumber(StandIn):
    """Stand-in for a Python number, such as the count of steps or the learning rate."""

    __slots__ = ()
    __hash__ = StandIn.__hash__

    def __neg__(self) -> Any:
        return 0 - self  # type: ignore[operator]

    @property
    def real(self) -> Any:
        return self.tape.call("host", _real, (self,), {})

    @property
    def imag(self) -> Any:
        return self.tape.call("host", _imag, (self,), {})


_real, _imag = operator.attrgetter("real"), operator.attrgetter("imag")


def _operator(symbol: str, reflected: bool = False) -> Any:
    def call(self: TracedNumber, other: Any = None) -> Any:
        if not isinstance(other, (int, float, complex)):
            return NotImplemented
        operands = (other, self) if reflected else (self, other)
        return self.tape.call("operator", symbol, operands, {})

    return call


for _symbol, _function in OPERATORS.items():
    _name = _function.__name__
    setattr(TracedNumber, f"__{_name}__", _operator(_symbol))
    if _symbol[0] not in "<>=!":
        setattr(TracedNumber, f"__r{_name}__", _operator(_symbol, reflected=True))


def _host(function: Any, reflected: bool = False) -> Any:
    """Make a method that calls a function of the number anew in each run."""

    def call(self: TracedNumber, *others: Any) -> Any:
        operands = (*others, self) if reflected else (self, *others)
        return self.tape.call("host", function, operands, {})

    return call


for _function in (abs, operator.pos, operator.invert):
    setattr(TracedNumber, f"__{_function.__name__}__", _host(_function))
for _function in (
    divmod, operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift
):  # fmt: skip
    _name = _function.__name__.strip("_")
    setattr(TracedNumber, f"__{_name}__", _host(_function))
    setattr(TracedNumber, f"__r{_name}__", _host(_function, reflected=True))
