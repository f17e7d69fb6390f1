"""The doors by which values come in: arrays, numbers that change from call to call, random draws.

Each asks whether a recording for `compile` is under way in this thread or task, which then answers.
Outside of one all of this is plain NumPy and Python, and nobody else in the engine knows of it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NUMERIC", "Number", "as_array", "beside", "draw"]

NUMERIC = "biufc"

# The recording for `compile` that is under way in this thread or task, and how many are in all:
# a plain number, so that everybody else pays nothing for asking.
tape: ContextVar[Any] = ContextVar("tape", default=None)
taping = 0


def as_array(data: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    """`data` as an array of numbers; clear errors for what is not one."""
    if taping and (recording := tape.get()) is not None and recording.takes(data):
        return recording.array(data, dtype, copy)
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
        if isinstance(data, np.ndarray):
            given = f"an array of dtype {data.dtype}"
        elif isinstance(data, (list, tuple)):
            given = f"a {given} that NumPy makes an array of {array.dtype} of"
        raise TypeError(f"expected numbers or an array of numbers, not {given}")
    return array


def beside(arrays: list[Any], params: tuple[Any, ...]) -> list[Any]:
    """The operands of one call. In a recording, beside what is computed in it no array is bare."""
    if not taping or (recording := tape.get()) is None or not recording.holds((*arrays, params)):
        return arrays
    return [as_array(a) if isinstance(a, np.ndarray) else a for a in arrays]


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
        """`f(value)`. In a compiled function f is called anew each time, whatever it does."""
        held = self.value
        return f(held) if isinstance(held, (int, float)) else held.apply(f)

    def __repr__(self) -> str:
        return f"Number({self.value!r})"


def draw(rng: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    """`rng.method(*args, **kwargs)`; a compiled function draws anew on each call.

    `rng` is a NumPy Generator, or a function without arguments that gives one.
    """
    if taping and (recording := tape.get()) is not None:
        return recording.draw(rng, method, args, kwargs)
    return getattr(rng() if callable(rng) else rng, method)(*args, **kwargs)
