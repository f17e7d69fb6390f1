"""Errors and warnings of `compile`."""

import sys
import warnings

from ..core.callsite import INSIDE

__all__ = ["CompileError", "CompileWarning", "warn"]


class CompileError(RuntimeError):
    """A function does something that a straight-line program can't; the message names the line."""

    explains_itself = True  # so `core.errors` lets it out of a rule as it is


class CompileWarning(UserWarning):
    """A compiled function works, but not as fast as it could; the message says why."""


def warn(message: str) -> None:
    """Give a CompileWarning at the user's line that led here."""
    level, frame = 1, sys._getframe()
    while INSIDE[frame.f_code.co_filename] and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, CompileWarning, stacklevel=level)
