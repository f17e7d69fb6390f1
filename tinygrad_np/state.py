"""What `compile` sees besides Tensors: numbers that change from call to call, and random draws.

Outside of a recording for `compile` all of this is plain Python.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Number"]

# The recording for `compile` that is under way in this thread or task, and how many are in all:
# a plain number, so that everybody else pays nothing for asking.
tape: ContextVar[Any] = ContextVar("tape", default=None)
taping = 0


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
