"""`explain`: an op, a value, or a whole computation in plain language."""

from __future__ import annotations

from typing import Any

from ..ops.op import Op
from .operations import about_op
from .text import Text

__all__ = ["explain"]


def explain(thing: Any) -> Text:
    if isinstance(thing, Op):
        return about_op(thing)
    if isinstance(getattr(thing, "op", None), Op):
        return about_op(thing.op)
    raise TypeError
