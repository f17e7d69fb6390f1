"""Stand-ins for arrays and NumPy's numbers: all that an array has, recorded or refused."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..core.protocols import NumPyProtocols
from .callers import is_assignment
from .standins import StandIn, TracedNumber

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .statements import Var
    from .tape import Tape


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
        if not is_assignment():
            self.tape.refuse(
                "lets a function of another library write into an array (rng.shuffle)",
                "do that outside of the compiled function",
            )
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


def stand_in(tape: Tape, var: Var, value: Any) -> StandIn:
    """Make the stand-in for a value, of the kind that fits."""
    if isinstance(value, np.ndarray):
        return TracedArray(tape, var, value)
    kind = TracedScalar if isinstance(value, np.generic) else TracedNumber
    return kind(tape, var, value)
