"""Errors and warnings of `compile`."""

from __future__ import annotations

import os

from ..core.callsite import short_place
from ..core.callsite import warn as warn_outside

_HERE = os.path.dirname(__file__)
_DOING = ("hooks.py", "calls.py", "attributes.py")  # what the user's code says
_COMPUTING = (
    "_record_all",
    "_perform",
    "perform",
    "draw",
    "apply",
    "run",
)  # functions here that call NumPy and the user's
_told: set[str] = set()  # notes that were given


class CompileError(RuntimeError):
    """A function does something that a straight-line program can't; the message names the line."""

    explains_itself = True  # so `core.errors` lets it out of a rule as it is


class CalledAgainError(Exception):
    """A program is called while it runs, by what it calls itself: its memory is in use."""


class CompileWarning(UserWarning):
    """A compiled function works, but not as fast as it could; the message says why."""


def warn(message: str) -> None:
    """Give a CompileWarning at the user's line that led here."""
    warn_outside(message, CompileWarning)


def tell(note: str) -> None:
    """Give a note as a CompileWarning, once in a process; "" is none."""
    if note and note not in _told:
        _told.add(note)
        warn(note)


def comes_of_recording(error: BaseException) -> bool:
    """Say whether the function raised an error because it was recorded.

    That is so for a CompileError, and where a stand-in can't do what an array does. Ctrl-C may
    come at any place.
    """
    if isinstance(error, CompileError):
        return True
    if not isinstance(error, Exception):
        return False
    cause: BaseException | None = error
    while cause is not None:
        file, function, _ = _innermost(cause)
        does_as_told = function in _COMPUTING or os.path.basename(file) in _DOING
        if file.startswith(_HERE) and not does_as_told:
            return True
        text = str(cause) if isinstance(cause, (AttributeError, TypeError)) else ""
        if "TracedArray" in text or "TracedNumber" in text:
            return True
        cause = cause.__cause__
    return False


def report_of(error: BaseException) -> str:
    """Say what to report of a failure of the compiler's own."""
    file, function, line = _innermost(error)
    what = f"{type(error).__name__} in {function} ({short_place((file, line))}): {error}"
    return (
        f"its program could not be made, or is wrong ({what}). Results are those of the function "
        "itself. This is a bug of tinygrad_np: please report this text with the function's code."
    )


def _innermost(error: BaseException) -> tuple[str, str, int]:
    """Return file, function and line in which an error was raised."""
    trace = error.__traceback__
    place = ("", "", 0)
    while trace is not None:
        code = trace.tb_frame.f_code
        place = (code.co_filename, code.co_name, trace.tb_lineno)
        trace = trace.tb_next
    return place
