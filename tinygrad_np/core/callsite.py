"""Where in the user's program something happened, and what the user calls the result.

"The user" is whoever calls this package, `nn` or NumPy from outside of them.
"""

from __future__ import annotations

import dis
import functools
import inspect
import os
import sys
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "INSIDE",
    "assigned_name",
    "line_of",
    "modules_in",
    "name_of",
    "outside",
    "short_place",
    "variables",
]


class _Inside(dict[str, bool]):
    """Whether a file belongs to the library, by its name: looked up once per file."""

    def __missing__(self, file: str) -> bool:
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        nn = os.path.join(os.path.dirname(here), "nn")
        roots = (here, nn, os.path.dirname(np.__file__))
        self[file] = inside = file.startswith(tuple(root + os.sep for root in roots))
        return inside


INSIDE = _Inside()


def outside(frame: FrameType) -> FrameType:
    """The innermost frame of the user's, from `frame` outwards; the outermost if there is none."""
    here: FrameType | None = frame
    while here is not None:
        if not INSIDE[here.f_code.co_filename]:
            return here
        frame, here = here, here.f_back
    return frame


def variables(frame: FrameType) -> list[tuple[str, Any]]:
    """The variables of a function or module that is running, and their values."""
    found = frame.f_locals
    pairs = list(found.items())
    copied = frame.f_code.co_flags & inspect.CO_OPTIMIZED and type(found) is dict
    if copied and sys.getrefcount(found) <= 3:
        # Up to Python 3.12 the frame keeps this copy of a function's variables, and with it every
        # value. Nobody but the frame and this function has it: the user did not call locals().
        found.clear()
    return pairs


def name_of(frame: FrameType, is_it: Callable[[Any], bool]) -> str | None:
    """What the user's running code calls a value: a variable, an attribute of `self`, a global."""
    held = variables(frame)
    for name, value in held:
        if is_it(value):
            return name
    for name, value in getattr(dict(held).get("self"), "__dict__", {}).items():
        if is_it(value):
            return f"self.{name}"
    return next((name for name, v in list(frame.f_globals.items()) if is_it(v)), None)


def line_of(code: CodeType, lasti: int) -> int:
    """The number of the line that the instruction at offset `lasti` belongs to."""
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= lasti < end and number is not None:
            line = number
    return line


def short_place(place: tuple[str, int]) -> str:
    """A file and line as messages and pictures show it: `spiral.py:31`."""
    file, line = place
    return f"{os.path.basename(file)}:{line}"


@functools.lru_cache(maxsize=512)
def assigned_name(code: CodeType, lasti: int) -> str | None:
    """The variable or attribute that the result of the call at `lasti` is assigned to at once.

    None where it is used in another way: as a part of an expression, as an argument.
    """
    following = (i for i in dis.get_instructions(code) if i.offset > lasti and i.opname != "CACHE")
    store = next(following, None)
    if store is None or not store.opname.startswith("STORE_"):
        return None
    if store.opname in _STORES_ONE:
        name = str(store.argval)
    elif store.opname in _STORES_THEN_MORE:  # since Python 3.13, two instructions in one
        name = str(store.argval[0])
    else:
        return None
    return name if name.isidentifier() else None  # pytest stores parts of an assertion


_STORES_ONE = frozenset({"STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "STORE_ATTR"})
_STORES_THEN_MORE = frozenset({"STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST"})


def modules_in(frame: FrameType | None) -> tuple[Any, ...]:
    """The modules whose call is under way in this frame, outer ones first."""
    found: list[Any] = []
    while frame is not None:
        if frame.f_code.co_name == "__call__":
            module = frame.f_locals.get("self")
            if hasattr(module, "named_modules"):
                found.append(module)
        frame = frame.f_back
    return tuple(reversed(found))
