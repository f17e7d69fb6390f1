"""Named stand-ins for arrays: what is computed with them gives the text of the computation.

    g, out = (leaf(name, array) for name, array in values.items())
    (g * (1 - out * out)).text         'g · (1 − out · out)'

Each carries its value, too, which is computed when somebody asks for it: so a rule that runs on
symbols takes the branches that it takes on arrays, and its shapes are the true ones.
"""

from __future__ import annotations

import inspect
import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..core.doors import NoArrayError
from ..core.op import Op
from .text import ATOM, InexpressibleError, arguments, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_TEXT = 1000  # of a symbol: longer ones are names by then, or no formula


class TooLongError(InexpressibleError):
    """Raised where a text is too long to be read."""


class Unrecorded(NamedTuple):
    """A value of which no more than shape and dtype are known."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Symbol(NDArrayOperatorsMixin):
    """A stand-in for an array.

    Attributes:
        text: the formula of its value.
        binds: how strongly the text holds together, as in `_SIGNS`.
        ufunc: that between its operands, if there is one.
        known: whether all values that it is computed from are known, and not their shapes alone.
        calls: the functions of the table that this symbol and others were computed with.
    """

    def __init__(
        self,
        text: str,
        compute: Callable[[], Any],
        binds: float = ATOM,
        *,
        ufunc: np.ufunc | None = None,
        known: bool = True,
        calls: dict[str, str],
    ) -> None:
        if len(text) > LONGEST_TEXT:
            raise TooLongError
        self.text = text
        self.binds = binds
        self.ufunc = ufunc
        self.known = known
        self.calls = calls
        self._compute = compute
        self._value: Any = None

    # --- its value ---------------------------------------------------------------------------

    @property
    def value(self) -> Any:
        """The array; where values are unknown, one of the same shape and dtype."""
        if self._value is None:
            with np.errstate(all="ignore"):
                self._value = self._compute()
        return self._value

    def decide(self) -> Any:
        """Return the value for a decision, such as which branch runs.

        Raises:
            InexpressibleError: it is not known.
        """
        if not self.known:
            raise InexpressibleError(self.text)
        return self.value

    def __bool__(self) -> bool:
        return bool(self.decide())

    def __float__(self) -> float:
        return float(self.decide())

    def __int__(self) -> int:
        return int(self.decide())

    def __index__(self) -> int:
        return operator.index(self.decide())

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Symbol]:
        return (self[k] for k in range(len(self)))

    # --- what is computed with it --------------------------------------------------------------

    def _result(
        self, text: str, function: Callable, args: Any, named: Any = (), **details: Any
    ) -> Symbol:
        named = dict(named)
        known = all(symbol.known for symbol in _symbols([args, named]))
        compute = lambda: function(*_value(args), **_value(named))  # noqa: E731
        return Symbol(text, compute, known=known, calls=self.calls, **details)

    def _call(self, name: str, function: Callable, args: Any, named: Any) -> Symbol:
        return self._result(f"{name}({arguments(args, named)})", function, args, named)

    def __array__(self, *args: Any, **named: Any) -> Any:
        raise NoArrayError(self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **named: Any) -> Any:
        if method not in ("__call__", "reduce") or "out" in named:
            raise InexpressibleError(f"{ufunc.__name__}.{method}")
        if method == "reduce":
            return self._call(_REDUCTIONS[ufunc], ufunc.reduce, args, named)
        if ufunc is np.negative:
            return self._result(f"−{written(args[0], 3)}", ufunc, args, binds=3)
        if ufunc not in _SIGNS or named:
            name = "abs" if ufunc is np.absolute else ufunc.__name__
            return self._call(name, ufunc, args, named)
        sign, binds = _SIGNS[ufunc]
        first, second = args
        if ufunc is np.power and written(second) == "1":
            return first
        # From left to right, but a power; and a sum of sums needs no parentheses either way.
        left = binds + (ufunc is np.power or not binds)
        again = ufunc in (np.add, np.multiply) and getattr(second, "ufunc", None) is ufunc
        right = binds + (not again)
        text = f"{written(first, left)} {sign} {written(second, right)}"
        return self._result(text, ufunc, args, binds=binds, ufunc=ufunc)

    def __array_function__(self, function: Any, types: Any, args: Any, named: Any) -> Any:
        if function in _OF_SHAPES:
            return function(*_value(args), **_value(named))
        if function in _IN_PLACE:
            raise InexpressibleError(function.__name__)
        if function is np.expand_dims and not _value(args[0]).ndim:
            return args[0]  # a number: it is stretched anyway
        if function is np.swapaxes and set(args[1:]) == {-1, -2}:
            return args[0].mT
        name = function.__name__
        if function.__module__ == "numpy.linalg":
            name = f"linalg.{name}"
        return self._call(name, function, args, named)

    def answer(self, function: Any, args: tuple) -> Symbol:
        """Return the symbol of a call of the table, or of a function of the library.

        Args:
            function: an Op or a function.
            args: all of its arguments; of an op in the order of its inputs and parameters.
        """
        if isinstance(function, Op):
            name, doc, run = function.name, function.doc, function.forward
            defaults = function.defaults
            required = list(defaults.values()).count(inspect.Parameter.empty)
            named = dict(list(zip(defaults, args))[required:])
            named = {n: v for n, v in named.items() if not _equal(v, defaults[n])}
            args = args[:required]
            if function.keeps:
                raise InexpressibleError(name)
        else:
            name, doc, run, named = function.__name__, function.__doc__, function, {}
        self.calls[name] = doc.strip().split("\n")[0]
        return self._call(name, run, args, named)

    def __getitem__(self, index: Any) -> Symbol:
        several = isinstance(index, tuple) and index
        inside = ", ".join(map(written, index)) if several else written(index)
        return self._result(f"{written(self, ATOM)}[{inside}]", operator.getitem, (self, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise InexpressibleError("a write to an array")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(np.ndarray, name) or name in _CHANGES:
            raise AttributeError(name)
        if name in _OF_SHAPE:
            return getattr(self.value, name)
        own = written(self, ATOM)
        if not callable(getattr(np.ndarray, name)):
            transposed = (name in _TRANSPOSED and self.ndim == 2) or name in _SWAPPED
            text = f"{own}ᵀ" if transposed else f"{own}.{name}"
            return self._result(text, lambda x: getattr(x, name), (self,))

        def method(*args: Any, **named: Any) -> Any:
            if name in _SAYS:
                return getattr(self.decide(), name)(*args, **named)
            function = getattr(np.ndarray, name)
            if name in _SAME or (name in _CASTS and np.dtype(args[0]).kind in "fc"):
                kind = {"binds": self.binds, "ufunc": self.ufunc}
                return self._result(self.text, function, (self, *args), named, **kind)
            text = f"{own}.{name}({arguments(args, named)})"
            return self._result(text, function, (self, *args), named)

        return method


def leaf(name: str, value: Any, calls: dict[str, str]) -> Any:
    """Return the symbol of a value that has a name; of a list, one for each element.

    Args:
        name: how to call it.
        value: an array, an `Unrecorded`, or None if nothing is known.
        calls: see `Symbol`.
    """
    if isinstance(value, (tuple, list)) and not isinstance(value, Unrecorded):
        return [leaf(f"{name}[{k}]", part, calls) for k, part in enumerate(value)]
    if value is None:
        return Symbol(name, _missing, known=False, calls=calls)
    if isinstance(value, Unrecorded):
        number = np.ones((), value.dtype)
        array = np.broadcast_to(number, value.shape)
        return Symbol(name, lambda: array, known=False, calls=calls)
    return Symbol(name, lambda: value, calls=calls)


def _missing() -> Any:
    raise InexpressibleError("a value that is not known")


class _NamedInteger(int):
    """An integer that a formula calls by its name."""

    text: str
    binds = ATOM


def parameter(name: str, value: Any, calls: dict[str, str]) -> Any:
    """Return a stand-in for a number that has a name; what is no number as it is."""
    if type(value) is int:
        number = _NamedInteger(value)
        number.text = name
        return number
    return leaf(name, np.float64(value), calls) if isinstance(value, float) else value


# --- signs and names ------------------------------------------------------------------------------

_SIGNS: dict[np.ufunc, tuple[str, float]] = {
    np.logical_or: ("or", 0.3),
    np.bitwise_or: ("or", 0.3),
    np.logical_and: ("and", 0.5),
    np.bitwise_and: ("and", 0.5),
    np.greater: (">", 0),
    np.greater_equal: ("≥", 0),
    np.less: ("<", 0),
    np.less_equal: ("≤", 0),
    np.equal: ("=", 0),
    np.not_equal: ("≠", 0),
    np.add: ("+", 1),
    np.subtract: ("−", 1),
    np.multiply: ("·", 2),
    np.matmul: ("@", 2),
    np.divide: ("/", 2),
    np.floor_divide: ("//", 2),
    np.remainder: ("%", 2),
    np.power: ("^", 4),
}
_REDUCTIONS: dict[np.ufunc, str] = {
    np.add: "sum",
    np.multiply: "prod",
    np.maximum: "max",
    np.minimum: "min",
}
_OF_SHAPE = {"shape", "ndim", "size", "dtype", "itemsize", "nbytes"}
_OF_SHAPES = {np.shape, np.ndim, np.size, np.result_type}
_SWAPPED = {"mT"}
_TRANSPOSED = {"T"}  # the same for a matrix
_SAYS = {"item", "tolist"}
_SAME = {"copy"}  # the same number
_CASTS = {"astype"}  # to floats: the same number, but for rounding
_CHANGES = {"sort", "partition", "fill", "put", "resize", "setflags", "setfield", "byteswap"}
_IN_PLACE = {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}


# --- values ---------------------------------------------------------------------------------------


def _value(value: Any) -> Any:
    """Return a value with arrays in the place of symbols."""
    if isinstance(value, Symbol):
        return value.value
    if isinstance(value, (tuple, list)):
        return type(value)(map(_value, value))
    if isinstance(value, dict):
        return {name: _value(part) for name, part in value.items()}
    if isinstance(value, slice):
        return slice(*map(_value, (value.start, value.stop, value.step)))
    return value


def _equal(value: Any, default: Any) -> bool:
    """Say whether an argument is the default: an array, or what stands for one, is none."""
    if isinstance(value, tuple) and isinstance(default, int):
        return set(value) == {default}  # for each axis of an image
    plain = isinstance(value, (int, float, str, tuple, type(None)))
    return value is default or (plain and value == default)


def _symbols(value: Any) -> Iterator[Symbol]:
    """Yield the symbols among nested arguments."""
    if isinstance(value, Symbol):
        yield value
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from _symbols(part)
