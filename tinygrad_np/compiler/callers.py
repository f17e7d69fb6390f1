"""Who is calling, while a function is recorded: seen from the frames on the stack."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import numpy as np

from ..core.callsite import INSIDE, assigned_name, modules_in
from ..core.protocols import NumPyProtocols
from ..core.tensor import Tensor

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["asked_by_the_library", "local_name", "module_name"]

_TENSOR = {Tensor.__module__, NumPyProtocols.__module__}
_HERE = os.path.dirname(__file__)
_NUMPY = os.path.dirname(np.__file__)


def module_name(frame: FrameType | None) -> list[str]:
    """What the innermost module that is being called is called by the one around it."""
    modules = modules_in(frame)
    if len(modules) < 2:
        return []
    outer, inner = modules[-2:]
    return [name for name, child in vars(outer).items() if child is inner]


def local_name() -> str | None:
    """The variable that the code which called NumPy, an op's or a rule's, assigns the result to."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith((_HERE, _NUMPY)):
        frame = frame.f_back
    return assigned_name(frame.f_code, frame.f_lasti) if frame is not None else None


def asked_by_the_library() -> bool:
    """Whether what a stand-in is asked comes from the library's code, not from the user's.

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
