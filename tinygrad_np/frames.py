"""Where in the user's program something happened, and what the user calls the result.

"The user" is whoever calls this package, `nn` or NumPy from outside of them.
"""

from __future__ import annotations

import dis
import functools
import os
from types import CodeType, FrameType

import numpy as np

__all__ = ["INSIDE", "assigned_name", "line_of", "outside"]


class _Inside(dict[str, bool]):
    """Whether a file belongs to the library, by its name: looked up once per file."""

    def __missing__(self, file: str) -> bool:
        here = os.path.dirname(os.path.abspath(__file__))
        nn = os.path.join(os.path.dirname(here), "nn")
        roots = (here, nn, os.path.dirname(np.__file__))
        self[file] = inside = file.startswith(tuple(root + os.sep for root in roots))
        return inside


INSIDE = _Inside()


def outside(frame: FrameType) -> FrameType:
    """The innermost frame of the user's, from `frame` outwards; the outermost if there is none."""
    while INSIDE[frame.f_code.co_filename] and frame.f_back is not None:
        frame = frame.f_back
    return frame


def line_of(code: CodeType, lasti: int) -> int:
    """The number of the line that the instruction at offset `lasti` belongs to."""
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= lasti < end and number is not None:
            line = number
    return line


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
        return str(store.argval)
    if store.opname in _STORES_THEN_MORE:  # since Python 3.13, two instructions in one
        return str(store.argval[0])
    return None


_STORES_ONE = frozenset({"STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "STORE_ATTR"})
_STORES_THEN_MORE = frozenset({"STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST"})
