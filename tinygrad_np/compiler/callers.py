"""Questions about the callers of recorded code, answered from the frames on the stack."""

from __future__ import annotations

import functools
import os
import sys
from dis import opname
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import backward
from ..core.callsite import INSIDE, assigned_name, line_of, modules_in
from ..core.protocols import NumPyProtocols
from ..core.tensor import Tensor
from ..core.tracebacks import shorten_traceback

if TYPE_CHECKING:
    from types import FrameType

__all__ = [
    "Origins",
    "asked_by_the_library",
    "function_name",
    "is_assignment",
    "local_name",
    "module_name",
]

_BACKWARD = {backward.backward.__code__, backward.backward_to.__code__}
_TENSOR = {Tensor.__module__, NumPyProtocols.__module__, shorten_traceback.__module__}
_HERE = os.path.dirname(__file__)
_NUMPY = os.path.dirname(np.__file__)


def function_name(f: Any) -> str:
    """Return what people call a function, a partial one, or an object that can be called."""
    while isinstance(f, functools.partial):
        f = f.func
    return getattr(f, "__qualname__", None) or type(f).__qualname__


def module_name(frame: FrameType | None) -> list[str]:
    """Return the names by which the module around it knows the innermost running module."""
    modules = modules_in(frame)
    if len(modules) < 2:
        return []
    outer, inner = modules[-2:]
    return [name for name, child in vars(outer).items() if child is inner]


def local_name() -> str | None:
    """Return the variable that takes the result of a NumPy call in an op, a rule or user code."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith((_HERE, _NUMPY)):
        frame = frame.f_back
    if frame is None:
        return None
    return assigned_name(frame.f_code, frame.f_lasti)


def asked_by_the_library() -> bool:
    """Say whether the library's code asks a stand-in for its value, and not the user's code.

    The methods of Tensor ask on behalf of their callers.
    """
    frame = sys._getframe(2)
    while frame.f_back is not None:
        file = frame.f_code.co_filename
        own = file.startswith(_HERE) or frame.f_globals.get("__name__") in _TENSOR
        if not own:
            return INSIDE[file]
        frame = frame.f_back
    return False


def is_assignment() -> bool:
    """Say whether it is an `array[index] = value` of Python's that called the caller.

    An extension module may write by random numbers or other values of its own: `rng.shuffle`.
    """
    frame = sys._getframe(2)
    opcode = frame.f_code.co_code[frame.f_lasti]
    return opname[opcode] in ("STORE_SUBSCR", "STORE_SLICE")


class Origins:
    """The origin of each statement: the user's line, and the section of the step."""

    def __init__(self) -> None:
        self._errors = dict(np.geterr())
        self._after_backward = False
        self._lines: dict[tuple[Any, int], int] = {}

    def now(self) -> dict[str, Any]:
        """Return the fields of a `Statement` that say where the call under way comes from."""
        frame: FrameType | None = sys._getframe(2)
        in_backward = False
        while frame is not None and INSIDE[frame.f_code.co_filename]:
            in_backward = in_backward or frame.f_code in _BACKWARD
            frame = frame.f_back
        self._after_backward = self._after_backward or in_backward
        origin: dict[str, Any] = {"section": "forward", "errstate": self._errstate()}
        if in_backward:
            origin["section"] = "backward"
        elif self._after_backward:
            origin["section"] = "update"
        if frame is not None:
            call = frame.f_code, frame.f_lasti
            if call not in self._lines:
                self._lines[call] = line_of(*call)
            origin["place"] = (frame.f_code.co_filename, self._lines[call])
        return origin

    def _errstate(self) -> dict[str, Any]:
        """Return the handling of floating-point errors, where `np.errstate` has changed it."""
        errors = np.geterr()
        return {kind: how for kind, how in errors.items() if how != self._errors[kind]}
