"""What is recorded: the modes of a thread or task, and who watches.

The modes are context-local: each thread and each asyncio task has its own.
"""

from __future__ import annotations

import functools
import inspect
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["enable_grad", "is_grad_enabled", "no_grad", "recorder", "recording"]

# Whether nodes are made: False, True, or the recorder that wants to see each one.
recording: ContextVar[Any] = ContextVar("recording", default=True)

# What keeps values and gradients inside `with record():`, see `recorder.Record`.
recorder: ContextVar[Any] = ContextVar("recorder", default=None)


def is_grad_enabled() -> bool:
    """Whether operations are recorded here: True unless inside `no_grad()`."""
    return bool(recording.get())


class _Recording:
    """Sets the recording mode of this thread or task: `with no_grad():` or `@no_grad()`."""

    _mode: bool

    __slots__ = ("_tokens",)

    def __init__(self) -> None:
        self._tokens: list[Token[Any]] = []  # several: one object may be entered again inside

    def __enter__(self) -> None:
        self._tokens.append(recording.set(self._mode and (recorder.get() or True)))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        recording.reset(self._tokens.pop())

    def __call__(self, function: Callable) -> Callable:
        """Decorate a function, or a coroutine function, to run in this mode."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"a generator can't run in one mode, its caller runs in between: write `with "
                f"{type(self).__name__}():` inside {function.__qualname__}"
            )
        mode = type(self)  # a new one for each call, which may come from any thread
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                with mode():
                    return await function(*args, **kwargs)

            return coroutine

        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with mode():
                return function(*args, **kwargs)

        return decorated


class no_grad(_Recording):  # noqa: N801 - reads as a statement: with no_grad()
    """Nothing is recorded inside: results need no gradient. Context manager and decorator."""

    _mode = False


class enable_grad(_Recording):  # noqa: N801
    """Operations are recorded inside, also within `no_grad()`. Context manager and decorator."""

    _mode = True
