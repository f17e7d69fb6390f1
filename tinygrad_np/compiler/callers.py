"""Questions about the callers of recorded code, answered from the frames on the stack."""

from __future__ import annotations

import functools
import os
import sys
from dis import opname
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import backward
from ..core.callsite import INSIDE, asks_inside, assigned_name, modules_in, place_of
from ..ops import apply

if TYPE_CHECKING:
    from types import FrameType

_BACKWARD, _BACKWARD_TO = backward.backward.__code__, backward.backward_to.__code__
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


def asked_by_the_library() -> bool:
    """Say whether the library's code asks a stand-in for its value, and not the user's code.

    The methods of Tensor ask on behalf of their callers.
    """
    return asks_inside(sys._getframe(2), __package__)


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
        self.name: str | None = None

    def now(self) -> dict[str, Any]:
        """Return the fields of a `Statement` that say where the call under way comes from.

        `name` is then the variable that takes its result, in an op, a rule or user code.
        """
        frame: FrameType | None = sys._getframe(2)
        in_backward = False
        caller = None
        while frame is not None and INSIDE[frame.f_code.co_filename]:
            code = frame.f_code
            if caller is None and not code.co_filename.startswith((_HERE, _NUMPY)):
                caller = frame
            in_backward = in_backward or code is _BACKWARD or code is _BACKWARD_TO
            frame = frame.f_back
        caller = caller or frame
        self.name = None
        # What every op calls its result says nothing.
        if caller is not None and caller.f_code.co_filename != apply.__file__:
            self.name = assigned_name(caller.f_code, caller.f_lasti)
        self._after_backward = self._after_backward or in_backward
        origin: dict[str, Any] = {"section": "forward", "errstate": self._errstate()}
        if in_backward:
            origin["section"] = "backward"
        elif self._after_backward:
            origin["section"] = "update"
        if frame is not None:
            origin["place"] = place_of(frame.f_code, frame.f_lasti)
        return origin

    def _errstate(self) -> dict[str, Any]:
        """Return the handling of floating-point errors, where `np.errstate` has changed it."""
        errors = np.geterr()
        if errors == self._errors:
            return _AS_OUTSIDE
        return {kind: how for kind, how in errors.items() if how != self._errors[kind]}


_AS_OUTSIDE: dict[str, Any] = {}
