"""`Switch`: context variables with other values inside of a `with` block, whatever interrupts it.

A KeyboardInterrupt can come between any two calls that Python code makes: after an `__enter__` in
Python has set a variable, but before its block has begun, or before an `__exit__` has set it back.
Then `no_grad` would stay on for the rest of the process. No interrupt comes while C code runs, so
what sets and resets here is put together from functions in C. The `with` statement looks them up
before it calls the first: that much runs in Python, and has changed nothing yet.
"""

from __future__ import annotations

import io
from collections import deque
from contextvars import ContextVar
from functools import partial
from itertools import chain, compress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Self = TypeVar("Self", bound="Switch")

_get, _set = ContextVar.get, ContextVar.set
consume: Any = deque(maxlen=0).extend  # takes from an iterator until it ends, and keeps nothing


class _Enter:
    """The `__enter__` of a switch, made anew for each block."""

    def __get__(self, switch: Any, kind: type) -> Callable[..., Any]:
        """Return a function that sets the variables and returns the switch."""
        if switch is None:  # contextlib.ExitStack asks the class
            return lambda switch: switch.__enter__()
        variables = switch.variables
        restoring: Any = map(_set, variables, tuple(map(_get, variables)))
        outer = switch.close  # of a block around this one, or of an earlier one
        if outer is not None:
            restoring = chain(restoring, map(setattr, (switch,), ("close",), (outer,)))
        switch.close = partial(consume, restoring)
        setting = map(_set, variables, switch._values())
        is_set = map(all, (setting,))  # takes all of it: tokens are true
        return compress((switch,), is_set).__next__


class Switch(io.IOBase):
    """A context manager that sets `variables` to its `_values()` for the time of a block.

    Files have the one `__exit__` in C that calls what Python code has put together, namely
    `close()`, and takes no notice of its arguments. Nothing else of a file is here.
    """

    variables: tuple[ContextVar, ...]

    close: Any = None  # sets the variables back
    closed = True  # there is nothing to do when the switch goes

    def _values(self) -> tuple[Any, ...]:
        """Return the values inside of the block that is about to be entered."""
        raise NotImplementedError

    if TYPE_CHECKING:

        def __enter__(self: Self) -> Self: ...

        def __exit__(self, *error: object) -> None: ...
    else:
        __enter__ = _Enter()
