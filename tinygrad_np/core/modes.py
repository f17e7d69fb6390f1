"""The modes of a thread or task: what is recorded, and who watches.

Both are context-local: each thread and each asyncio task has its own.
"""

from __future__ import annotations

import functools
import inspect
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from .switch import Switch
from .tracebacks import shorten_traceback

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from .exits import Exit
    from .node import Node
    from .op import Op
    from .tensor import Tensor


class Watcher(Protocol):
    """Somebody who is told of each step of a computation, and changes nothing by it.

    Gradients are arrays, or Tensors where they are recorded themselves.
    """

    def made(
        self, node: Node, value: Any, operands: tuple[Any, ...], params: tuple[Any, ...] = ()
    ) -> None:
        """An op was called and recorded: its result, its inputs' arrays, its other arguments."""

    def reached(self, node: Node, g: Any) -> None:
        """Backward has the whole gradient of a node."""

    def flowed(
        self, node: Node, position: int, parent: Node, contribution: Any, total: Any
    ) -> None:
        """A rule of a node gave its input `parent` a contribution; the sum so far is `total`."""

    def wrote(self, leaf: Tensor, new: np.ndarray) -> None:
        """A leaf that needs a gradient is about to get new values."""

    def left(self, exit: Exit, node: Node) -> None:
        """The value of a node, which needs a gradient, became a bare number."""

    def unrecorded(self, op: Op, operands: tuple[Any, ...]) -> None:
        """An op was called and not recorded, though one of these needs a gradient: `no_grad()`."""


class Unrecorded:
    """The mode inside of `no_grad()` while somebody watches: false, but it knows whom to tell."""

    __slots__ = ("watcher",)

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    def __bool__(self) -> bool:
        return False


# Whether nodes are made: True, or the watcher that is told of each one; False, or `Unrecorded`.
recording: ContextVar[Any] = ContextVar("recording", default=True)

# Who is told what happens, also while nothing is recorded; None if nobody is.
watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def is_grad_enabled() -> bool:
    """Return True if operations are recorded here, False inside of `no_grad()`."""
    return bool(recording.get())


class Recorded:
    """A block of the library's own that is recorded, for a quarter of what `enable_grad` costs.

    An interrupt that falls in between leaves, at worst, the usual mode on in the block around it.
    """

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = recording.set(watcher.get() or True)

    def __exit__(self, *error: object) -> None:
        recording.reset(self._token)


class _Recording(Switch):
    """Set the recording mode of this thread or task: `with no_grad():` or `@no_grad()`."""

    variables = (recording,)

    _mode: bool

    def __new__(cls, function: Callable | None = None) -> Any:
        """Make a mode, or decorate the function that is given: `@no_grad` does as `@no_grad()`."""
        mode = Switch.__new__(cls)
        if function is None:
            return mode
        try:
            return mode(function)
        except TypeError as error:
            shorten_traceback(error)
            raise

    def _values(self) -> tuple[Any, ...]:
        watching = watcher.get()
        if self._mode:
            return (watching or True,)
        return (watching is not None and Unrecorded(watching),)

    def __call__(self, function: Callable) -> Callable:
        """Decorate a function, or a coroutine function, to run in this mode."""
        if not callable(function):
            raise TypeError(f"{type(self).__name__} decorates functions, not {function!r}")
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
