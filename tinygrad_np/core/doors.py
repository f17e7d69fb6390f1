"""The doors by which values come in from outside: arrays, Numbers and random draws.

A `Tracer` takes down a program while the user's code runs. It must see every value that comes in,
since the program will read it anew each time. So all of them come in here, and a tracer of this
thread or task, if there is one, answers. Else all of this is plain NumPy and Python.
"""

from __future__ import annotations

import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

NUMERIC = "biufc"  # kinds of dtypes that a Tensor may have


class Tracer(Protocol):
    """Who answers for arrays, Numbers and random draws while a function is taken down, or runs
    for many arguments at once.

    It hands out stand-ins, which do what arrays and numbers do and take it down.

    Attributes:
        state: who answers for the slots of Tensors, gradients and Numbers meanwhile, if anybody.
    """

    state: Any

    def takes(self, data: Any) -> bool:
        """Say whether `array` is to be asked for the array of `data`."""

    def array(self, data: Any, dtype: Any, copy: bool | None) -> Any:
        """Do as `np.array(data, dtype=dtype, copy=copy)`."""

    def holds(self, tree: Any) -> bool:
        """Say whether there are stand-ins among nested arguments."""

    def target(self, array: Any, sources: tuple[Any, ...]) -> Any:
        """Do as `as_target` below."""
        return array

    def draw(self, rng: Any, method: str, args: tuple, kwargs: dict) -> Any:
        """Do as `draw` below."""

    def draws(self) -> Any:
        """Return a mark of how far the default generator has come."""

    def drawn_again(self, since: Any) -> AbstractContextManager[None]:
        """Give inside what the default generator gave after such a mark, in the same order."""

    def apply(self, f: Callable, number: Any) -> Any:
        """Apply a Python function to the value of a `Number`: its arithmetic is taken down."""

    def act(self, function: Callable, args: tuple, kwargs: dict) -> Any:
        """Do as `act` below."""

    def writes(self, tensor: Any, new: Any) -> None:
        """Be told that a Tensor is about to get other values; raise if it may not."""
        return

    def accumulates(self, node: Any) -> None:
        """Be told that `backward()` is about to add to the `.grad` of a node's Tensor; likewise."""
        return


_modules = sys.modules  # `numpy.ma` is among them once somebody makes a masked array

# The tracer of this thread or task, and how many there are in all: a plain number, so that
# everybody else pays nothing for asking.
tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)
tracing = 0
_tracers: set[Tracer] = set()
_counting = threading.Lock()


def begin(answer: Tracer) -> None:
    """Count a tracer that is about to run, in whatever thread."""
    _count(_tracers.add, answer)


def end(answer: Tracer) -> None:
    """Count it no more; to do it twice does no harm."""
    _count(_tracers.discard, answer)


def _count(change: Callable[[Tracer], None], answer: Tracer) -> None:
    global tracing
    with _counting:
        change(answer)
        tracing = len(_tracers)


class StandIn:
    """A value of a tracer's that stands for an array while a function runs."""

    __slots__ = ()


def as_array(data: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    """Return `data` as an array of numbers: a plain one, whatever kind of array it comes in.

    Raises:
        TypeError: what is not numbers, and masked arrays.
        ValueError: nested lists of unequal lengths.
    """
    if "numpy.ma" in _modules and type(data) is not np.ndarray and _is_masked(data):
        raise TypeError(
            "expected numbers or an array of numbers, not a masked array, whose hidden numbers "
            "would count: .filled(value) has others in their place, and .compressed() has those "
            "alone that are not hidden"
        )
    if tracing and (answer := tracer.get()) is not None and answer.takes(data):
        return answer.array(data, dtype, copy)
    try:
        array = np.array(data, dtype=dtype, copy=copy)
    except ValueError as error:
        if "inhomogeneous" in str(error):
            raise ValueError(
                "can't make an array of nested lists whose lengths differ: every row needs the "
                "same length"
            ) from error
        raise
    if array.dtype.kind not in NUMERIC:
        given = type(data).__name__
        if hasattr(data, "dtype"):  # a Series
            given = f"a {given} of {data.dtype}"
        for name in getattr(data, "columns", ()):  # a table of pandas or polars
            given = f"a {type(data).__name__} whose columns of several kinds make an array of "
            given += f"{array.dtype} together: .astype('float64') makes them of one"
            kind = np.asarray(data[name]).dtype
            if kind.kind not in NUMERIC:
                given = f"a {type(data).__name__} whose column {name!r} is of {kind}"
                break
        if isinstance(data, np.ndarray):
            given = f"an array of dtype {data.dtype}"
        elif isinstance(data, (list, tuple)):
            given = f"a {given} that NumPy makes an array of {array.dtype} of"
        raise TypeError(f"expected numbers or an array of numbers, not {given}")
    return array


def operand_array(value: Any) -> np.ndarray:
    """Return an operand of an op as an array; a matrix is none, since `*` differs there."""
    if isinstance(value, np.matrix):
        raise TypeError(
            "an np.matrix multiplies as matrices do, and a Tensor element by element: give "
            "np.asarray(m), and write @ for the product of matrices"
        )
    return as_array(value)


def _is_masked(data: Any) -> bool:
    """Say whether `data` is a masked array, or a nested list that has one among its first parts."""
    masked = _modules["numpy.ma"]
    if not isinstance(data, (list, tuple)):
        return isinstance(data, masked.MaskedArray)
    for part in data:
        if isinstance(part, (int, float)):  # a list of numbers
            return False
        if _is_masked(part):
            return True
    return False


def differentiable(dtype: np.dtype) -> np.dtype:
    """Return the dtype if it is one of floats, else raise."""
    if dtype.kind != "f":
        remedy = "complex gradients are not supported" if dtype.kind == "c" else "use dtype=float"
        raise TypeError(f"only floats can need a gradient, not {dtype}: {remedy}")
    return dtype


class NoArrayError(Exception):
    """Raised by a stand-in that is asked for its array: it answers for the whole call.

    Attributes:
        stand_in: its `answer(op, args)` is the result of the call.
    """

    def __init__(self, stand_in: Any) -> None:
        super().__init__("a stand-in for an array has none")
        self.stand_in = stand_in


def told_of_write(tensor: Any, new: Any) -> None:
    """Tell that a Tensor is about to get other values."""
    if tracing and (answer := tracer.get()) is not None:
        answer.writes(tensor, new)


def told_of_gradient(node: Any) -> None:
    """Tell that the Tensor of a node is about to get a gradient."""
    if tracing and (answer := tracer.get()) is not None:
        answer.accumulates(node)


def own_array(array: np.ndarray) -> np.ndarray:
    """Let in an array that the engine has made itself, such as the first gradient."""
    return as_array(array) if tracing else array


def beside(arrays: list[Any], params: tuple[Any, ...]) -> list[Any]:
    """Let in the bare arrays among the operands of a call, if there are stand-ins beside them."""
    if not tracing or (answer := tracer.get()) is None or not answer.holds((*arrays, params)):
        return arrays
    return [as_array(a) if isinstance(a, np.ndarray) else a for a in arrays]


def as_target(array: Any, *sources: Any) -> Any:
    """Return an array as one that indices and values of the sources' kind can be used with.

    Where one of these is a stand-in, no array of NumPy's can be read at it, or hold it.
    """
    if tracing and (answer := tracer.get()) is not None:
        return answer.target(array, sources)
    return array


class Number:
    """A Python number that a compiled function reads anew on each call, and may change.

        count = tg.Number(0)

        @tg.compile
        def step(x):
            count.value += 1
            return x / count.value

    A plain Python number is a constant of the compiled program; one that changes is an error.

    Attributes:
        value: an int, float or bool; assign to change it.
    """

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value: Any = value

    def apply(self, f: Callable[[Any], Any]) -> Any:
        """Return `f(value)`. In a compiled function f is called anew each time."""
        if tracing and (answer := tracer.get()) is not None:
            return answer.apply(f, self.value)
        return f(self.value)

    def __repr__(self) -> str:
        return f"Number({self.value!r})"


def draw(rng: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    """Return `rng.method(*args, **kwargs)`; a program draws anew on each call.

    `rng` is a NumPy Generator, or a function without arguments that gives one.
    """
    if tracing and (answer := tracer.get()) is not None:
        return answer.draw(rng, method, args, kwargs)
    return getattr(rng() if callable(rng) else rng, method)(*args, **kwargs)


def act(function: Callable, args: tuple, kwargs: dict) -> Any:
    """Return `function(*args, **kwargs)`, which has an effect; a program calls it as a whole."""
    if tracing and (answer := tracer.get()) is not None:
        return answer.act(function, args, kwargs)
    return function(*args, **kwargs)


class BorrowedGradient:
    """Placeholder in `.grad` for a gradient in memory that its owner will overwrite.

    Whoever asks for the gradient gets a copy, and the placeholder goes.
    """

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
