"""Slots that a tape answers for: the data of Tensors, gradients of leaves, values of Numbers.

While a tape runs, descriptors stand in their place. So the engine itself asks nothing of anybody
when there is no tape, and with one no read or write can go unseen.
"""

from __future__ import annotations

import threading
from typing import Any

from ..core import doors
from ..core.doors import Number
from ..core.hooks import Watch
from ..core.node import Leaf
from ..core.tensor import Tensor

SLOTS: dict[str, dict[type, Any]] = {
    "tensor": {Tensor: Tensor.__dict__["_data"]},
    "grad": {Leaf: Leaf.__dict__["grad"], Watch: Watch.__dict__["grad"]},
    "number": {Number: Number.__dict__["value"]},
}
SLOT_NAMES = {"tensor": "_data", "grad": "grad", "number": "value"}


def slot_of(kind: str, source: Any) -> Any:
    """Return the slot of an object, whoever answers for it at the moment."""
    return next(slot for owner, slot in SLOTS[kind].items() if isinstance(source, owner))


class _Interposed:
    """Descriptor in the place of a slot: asks the tape of this thread, if there is one."""

    def __init__(self, kind: str, slot: Any) -> None:
        self._kind = kind
        self._slot = slot

    def __get__(self, source: Any, owner: Any = None) -> Any:
        if source is None:
            return self
        state = _state()
        if state is None:
            return self._slot.__get__(source)
        return state.get(self._kind, source, self._slot)

    def __set__(self, source: Any, value: Any) -> None:
        state = _state()
        if state is None:
            self._slot.__set__(source, value)
        else:
            state.set(self._kind, source, value, self._slot)


def _state() -> Any:
    """Return what the recording of this thread knows of the outside; None without one."""
    tracer = doors.tracer.get()
    return None if tracer is None else tracer.state


_lock = threading.Lock()
_running: set[Any] = set()  # the tapes that run, in any thread


def interpose(tape: Any) -> None:
    """Let the tape of each thread answer for the slots as long as one runs."""
    with _lock:
        if not _running:
            for kind, slots in SLOTS.items():
                for owner, slot in slots.items():
                    setattr(owner, SLOT_NAMES[kind], _Interposed(kind, slot))
        _running.add(tape)
    doors.begin(tape)


def withdraw(tape: Any) -> None:
    """Give the slots back when the last tape has run; to do it twice does no harm."""
    with _lock:
        _running.discard(tape)
        if not _running:
            for kind, slots in SLOTS.items():
                for owner, slot in slots.items():
                    setattr(owner, SLOT_NAMES[kind], slot)
    doors.end(tape)
