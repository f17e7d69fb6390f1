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
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..core.protocols import NumPyProtocols
from .numpy_calls import answer
from .statements import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .statements import Var
    from .tape import Tape

__all__ = ["StandIn", "Traced", "TracedArray", "TracedNumber", "stand_in"]


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
        if any(isinstance(i, NumPyProtocols) for i in inputs):
            return NotImplemented  # the Tensor records the op
        return self.tape.ufunc(ufunc, "" if method == "__call__" else method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        if any(issubclass(kind, NumPyProtocols) for kind in types):
            return NotImplemented
        return answer(self, func, args, kwargs)

    def __bool__(self) -> bool:
        return self.tape.truth(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self.tape.refuse(
            "makes a plain array of a value that is computed in each call (np.array, np.asarray, "
            "or writing it into a NumPy array)"
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


class Traced(StandIn, NDArrayOperatorsMixin):
    """Stand-in for what NumPy computes with: an array, or one of its numbers."""

    __slots__ = ()
    __hash__ = StandIn.__hash__

    shape: Any
    dtype: Any
    ndim: Any
    size: Any

    @property
    def base(self) -> Any:
        """The array whose memory this one looks into, if it is a view."""
        root = self.symbol.root
        return None if root is self.symbol else stand_in(self.tape, root, root.value)

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        return self.tape.call("method", "transpose", (self,), {})

    @property
    def mT(self) -> Any:  # noqa: N802
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        return np.real(self)

    @real.setter
    def real(self, value: Any) -> None:
        np.real(self)[...] = value

    @property
    def imag(self) -> Any:
        return np.imag(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        np.imag(self)[...] = value

    @property
    def flat(self) -> Flat:
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[:] = value

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        for part in parts:
            mask = isinstance(part, Traced) and part.dtype.kind == "b"
            if mask and part.symbol.constant is None:
                self.tape.refuse(
                    "picks elements with a mask that is computed in each call: how many there "
                    "are would change from call to call",
                    "use tinygrad_np.where(mask, x, 0), or give the mask as a constant",
                )
        return self.tape.call("getitem", operator.getitem, (self, index), {})

    def __pow__(self, power: Any) -> Any:
        if isinstance(power, NumPyProtocols):
            return NotImplemented
        is_array = isinstance(self.value, np.ndarray)
        literal = type(power) in (int, float)
        if is_array and literal:
            return self._short_power(power)
        if is_array and np.ndim(power):
            return np.power(self, power)
        # Of scalars the operator is not the ufunc, to the last bit.
        return self.tape.call("function", operator.pow, (self, power), {})

    def __rpow__(self, base: Any) -> Any:
        if isinstance(self.value, np.ndarray):
            return np.power(base, self)
        return self.tape.call("function", operator.pow, (base, self), {})

    def __ipow__(self, power: Any) -> Any:
        if not isinstance(self.value, np.ndarray):
            return self**power
        if type(power) in (int, float):
            return self._short_power(power, out=(self,))
        return self.tape.ufunc(np.power, "", (self, power), {"out": (self,)})

    def _short_power(self, power: float, **out: Any) -> Any:
        """Raise to a number: NumPy's operator takes a shorter way for some of them."""
        ufunc = _POWERS.get(power)
        floats = self.dtype.kind in "fc"
        if ufunc is not None and (floats or power == 2):
            return ufunc(self, **out)
        return np.power(self, power, **out)

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Set the flags of an array that the function has made."""
        self.tape.set_flags(self, write)

    def item(self, *args: Any) -> Any:
        """Return the one element as a Python number, where the library asks."""
        if args:
            self._refuse("item")
            return self.value.item(*args)
        return self.tape.number(self, ".item()")

    def nonzero(self) -> Any:
        """Refuse: how many places there are would change from call to call."""
        self.tape.refuse_size(".nonzero()")
        return self.tape.call("method", "nonzero", (self,), {})

    def __copy__(self) -> Any:
        return self.tape.call("method", "copy", (self,), {"order": "K"})

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()


_POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal, 1: np.positive}


class TracedArray(Traced):
    """Stand-in for an array."""

    __slots__ = ()
    __hash__ = StandIn.__hash__

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self.value)))

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    def __setitem__(self, index: Any, value: Any) -> None:
        self.tape.check_assignment()
        self.tape.write("setitem", operator.setitem, (self, index, value), {}, self)


class TracedScalar(Traced):
    """Stand-in for a NumPy number."""

    __slots__ = ()
    __hash__ = StandIn.__hash__

    def __round__(self, ndigits: Any = None) -> Any:
        if ndigits is None:
            return round(self._number("round()"))
        return self.tape.call("method", "__round__", (self, ndigits), {})


def _known(name: str) -> Any:
    """Make an attribute that is the same in every call."""

    def get(self: Traced) -> Any:
        return getattr(self.value, name)

    def set_anyway(self: Traced, value: Any) -> None:
        self.tape.refuse(f"sets .{name} of an array", "make another one")
        setattr(self.value, name, value)

    return property(get, set_anyway)


for _name in ("shape", "dtype", "ndim", "size", "itemsize", "nbytes", "strides", "flags", "device"):
    setattr(Traced, _name, _known(_name))


def _method(name: str) -> Any:
    def call(self: Traced, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        if out is not None:
            return self.tape.write("method", name, (self, *args), kwargs, out)
        return self.tape.call("method", name, (self, *args), kwargs)

    call.__name__ = name
    return call


_METHODS = (
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "astype", "choose", "clip",
    "conj", "conjugate", "copy", "cumprod", "cumsum", "diagonal", "dot", "flatten", "getfield",
    "max", "mean", "min", "prod", "ravel", "repeat", "reshape", "round", "searchsorted", "squeeze",
    "std", "sum", "swapaxes", "take", "to_device", "trace", "transpose", "var", "view",
)  # fmt: skip
for _name in _METHODS:
    setattr(Traced, _name, _method(_name))


def _writer(name: str) -> Any:
    def call(self: TracedArray, *args: Any, **kwargs: Any) -> None:
        self.tape.write("method", name, (self, *args), kwargs, self)

    call.__name__ = name
    return call


for _name in ("fill", "partition", "put", "setfield", "sort"):
    setattr(TracedArray, _name, _writer(_name))


class Flat:
    """The elements of an array, one after the other: what its `.flat` gives."""

    def __init__(self, array: Any) -> None:
        self.base = array

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def copy(self) -> Any:
        """Return the elements as a vector of its own."""
        return self.base.flatten()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.base.__array__()

    def __getitem__(self, index: Any) -> Any:
        return self.base.reshape(-1)[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, (slice, int, type(...))):
            index = np.arange(len(self))[index]
        np.put(self.base, index, value)


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


def stand_in(tape: Tape, var: Var, value: Any) -> StandIn:
    """Make the stand-in for a value, of the kind that fits."""
    if isinstance(value, np.ndarray):
        return TracedArray(tape, var, value)
    kind = TracedScalar if isinstance(value, np.generic) else TracedNumber
    return kind(tape, var, value)
