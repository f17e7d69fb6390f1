"""Tracebacks that end at the user's line.

An error that the library raises on purpose is about a call of the user's: where the library has
noticed it tells them nothing. So a function that users call ends in

    except Exception as error:
        shorten_traceback(error)
        raise

The bare `raise` adds no entry for its own frame (from Python 3.11 on). An error that nobody in the
library has raised on purpose is a bug of the library: its traceback stays as it is, and so do all
if the environment has TINYGRAD_NP_TRACEBACK=full.
"""

from __future__ import annotations

import contextlib
import dis
import os
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import doors
from .callsite import INSIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable)

__all__ = ["shorten_traceback", "shortened"]


def shorten_traceback(error: BaseException) -> None:
    """Take the library's frames, and the errors that it has handled, out of a traceback.

    For the end of a function that users call: `except Exception as error:
    tg.shorten_traceback(error); raise`. Nothing is done to an error that the library did not raise
    on purpose, nor where the environment has TINYGRAD_NP_TRACEBACK=full.
    """
    entries = _entries(error)
    if doors.tracing or os.environ.get("TINYGRAD_NP_TRACEBACK") == "full":
        return  # while a program is taken down, its maker reads where errors come from
    if getattr(error, "is_internal", False):
        return
    known = getattr(error, "is_shortened", False)
    if not known and _is_inside(entries[-1]) and not _is_on_purpose(error, entries[-1]):
        return
    with contextlib.suppress(AttributeError):  # an exception with slots
        error.is_shortened = True  # type: ignore[attr-defined]
    kept = [entry for entry in entries if not _is_inside(entry)]
    handled = _entries(error.__cause__ or error.__context__)
    if handled and _is_inside(handled[0]):  # by the library, which tells of it
        known_frames = [entry.tb_frame for entry in kept]
        for entry in handled:  # of a function of the user's
            if not _is_inside(entry) and entry.tb_frame not in known_frames:
                kept.append(entry)
        error.__cause__ = None
        error.__suppress_context__ = True
    trace = None
    for entry in reversed(kept):
        trace = TracebackType(trace, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    entries[0].tb_next = trace  # of the frame that raises again; up to Python 3.10 it stays
    error.__traceback__ = trace


def shortened(function: Function) -> Function:
    """Decorate a function that users call, so that its errors end at their line."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            shorten_traceback(error)
            raise

    # `functools.wraps` takes four times as long, and transforms decorate what they return.
    call.__dict__.update(function.__dict__)
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(call, name, getattr(function, name))
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def _entries(error: BaseException | None) -> list[TracebackType]:
    """Return the entries of a traceback, the outermost first."""
    entries = []
    entry = None if error is None else error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    return entries


def _is_inside(entry: TracebackType) -> bool:
    return INSIDE[entry.tb_frame.f_code.co_filename]


def _is_on_purpose(error: BaseException, entry: TracebackType) -> bool:
    """Return True if a `raise` statement made the entry, and no assertion."""
    opcode = entry.tb_frame.f_code.co_code[entry.tb_lasti]
    return dis.opname[opcode] == "RAISE_VARARGS" and not isinstance(error, AssertionError)
