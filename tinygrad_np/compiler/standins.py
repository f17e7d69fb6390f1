"""Stand-ins for arrays and numbers while a function is recorded.

They hold the real value, compute with it, and tell the tape what was called. Ops and rules, which
are plain NumPy, run on them unchanged: that is how the program gets to know what is inside of a
softmax or a convolution.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..core.protocols import NumPyProtocols
from .statements import OPERATORS

__all__ = ["TracedArray", "TracedNumber"]

# Functions that only ask for shapes and dtypes: answered at once, they leave no trace.
_ABOUT = {
    np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.can_cast,
    np.common_type, np.min_scalar_type, np.may_share_memory, np.shares_memory,
}  # fmt: skip
_SIZED_BY_VALUES = {
    np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.extract, np.compress, np.trim_zeros,
    np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d,
}  # fmt: skip
_SHOWS = {np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez}


class _Value:
    __slots__ = ("symbol", "tape", "value")

    # NumPy's own arrays leave operators to these.
    __array_priority__ = 1000

    def __init__(self, tape: Any, symbol: Any, value: Any) -> None:
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
        if func in _ABOUT:
            return func(*self.tape.real(args), **self.tape.real(kwargs))
        if func in _SHOWS:
            self.tape.shown(self)
            return func(*self.tape.real(args), **self.tape.real(kwargs))
        if func in _SIZED_BY_VALUES:
            raise self.tape.error(
                f"asks np.{func.__name__} of a value that is computed in each call: the size of "
                "the result would change from call to call",
                "do that outside of the compiled function",
            )
        if func is np.copyto:
            return self.tape.write("function", func, args, kwargs, args[0])
        return self.tape.call("function", func, args, kwargs)

    def __bool__(self) -> bool:
        return self.tape.decided(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise self.tape.error(
            "makes a plain array of a value that is computed in each call (np.array, np.asarray, "
            "or writing it into a NumPy array)"
        )

    def _left(self, what: str) -> Any:
        return self.tape.number(self, what)

    def __float__(self) -> float:
        return float(self._left("float()"))

    def __int__(self) -> int:
        return int(self._left("int()"))

    def __index__(self) -> int:
        return operator.index(self._left("an index"))

    def __complex__(self) -> complex:
        return complex(self._left("complex()"))

    def __repr__(self) -> str:
        return repr(self.tape.shown(self))

    def __str__(self) -> str:
        return str(self.tape.shown(self))

    def __format__(self, spec: str) -> str:
        return format(self.tape.shown(self), spec)

    def __hash__(self) -> int:
        return object.__hash__(self)


class TracedArray(_Value, NDArrayOperatorsMixin):
    """Stands for an array."""

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
        for part in index if isinstance(index, tuple) else (index,):
            if (
                isinstance(part, TracedArray)
                and part.dtype.kind == "b"
                and part.symbol.constant is None
            ):
                raise self.tape.error(
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
        return shorter(self) if shorter and (floats or power == 2) else np.power(self, power)

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Values never change here anyway."""

    def item(self, *args: Any) -> Any:
        return self.tape.number(self, ".item()")

    def tolist(self) -> Any:
        raise self.tape.error("makes a list of a value that is computed in each call (.tolist())")


_POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal, 1: np.positive}


def _method(name: str) -> Any:
    def call(self: TracedArray, *args: Any, **kwargs: Any) -> Any:
        return self.tape.call("method", name, (self, *args), kwargs)

    call.__name__ = name
    return call


for _name in [
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "astype",
    "choose",
    "clip",
    "compress",
    "conj",
    "conjugate",
    "copy",
    "cumprod",
    "cumsum",
    "diagonal",
    "flatten",
    "max",
    "mean",
    "min",
    "prod",
    "ravel",
    "repeat",
    "reshape",
    "round",
    "searchsorted",
    "squeeze",
    "std",
    "sum",
    "swapaxes",
    "take",
    "trace",
    "transpose",
    "var",
    "view",
    "dot",
]:
    setattr(TracedArray, _name, _method(_name))


class TracedNumber(_Value):
    """Stands for a Python number, such as the count of steps or the learning rate."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __neg__(self) -> Any:
        return 0 - self  # type: ignore[operator]

    def apply(self, f: Any) -> Any:
        """`f` of the number: traced through where it is arithmetic, else called in each run."""
        return self.tape.applied(f, self)


def _operator(symbol: str, function: Any, reflected: bool = False) -> Any:
    def call(self: TracedNumber, other: Any = None) -> Any:
        if not isinstance(other, (TracedNumber, int, float)):
            return NotImplemented
        return self.tape.call("operator", symbol, (other, self) if reflected else (self, other), {})

    return call


for _symbol, _function in OPERATORS.items():
    _word = _function.__name__
    setattr(TracedNumber, f"__{_word}__", _operator(_symbol, _function))
    if _symbol[0] not in "<>=!":
        setattr(TracedNumber, f"__r{_word}__", _operator(_symbol, _function, True))
