"""The exits by which a value leaves the graph unsaid: `float(t)`, `math.exp(t)`, `array[i] = t`.

A bare number has no gradient. `.item()`, `.numpy()` and `.detach()` say that this is meant; what
Python and NumPy convert by themselves is noted here. When backward() starts, `cuts` looks for these
numbers in what it starts from, and warns. A transform owns what it traces: there it is an error.

A note holds a number and a place in the user's code, and no Tensor alive. A thread keeps its last
few, so a loop that prints its loss a million times takes no more memory than one that does it once.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections import deque
from contextvars import ContextVar
from sys import _getframe
from typing import TYPE_CHECKING, Any, Protocol

from . import modes, tracebacks
from .callsite import INSIDE, array_written, is_looked_at, line_of, outside, short_place
from .node import next_serial

if TYPE_CHECKING:
    from types import CodeType

    import numpy as np

    from .node import Node

used = False  # by anybody so far: backward need not look until then

MOST = 64  # notes of a thread
LIVES = 4  # so many calls of backward() look for a number


REMEDY = (
    "Compute with the Tensor itself (np.exp(t), not math.exp(t); tinygrad_np.stack([...]) for an "
    "array), or write t.item() where the number alone is meant."
)


class DetachedWarning(UserWarning):
    """A Tensor became a bare number on the way to a loss, and no gradient flows through that.

    Given once per line. Write `.item()` where the number alone is meant; where its gradient is,
    compute with the Tensor itself (`np.exp(t)` in the place of `math.exp(t)`).
    """


class Transform(Protocol):
    """Somebody who runs a function to differentiate it, and lets none of its values leave."""

    what: str

    def traces(self, node: Node) -> bool:
        """Say whether a value depends on what the function is differentiated by."""


# Whose functions are running in this thread or task, outer ones first.
transforms: ContextVar[tuple[Transform, ...]] = ContextVar("transforms", default=())


class Exit:
    """A value that became a bare number.

    Attributes:
        number: the number.
        call: the conversion, as users write it.
        title: the value in messages.
        serial: as for nodes: what is newer was made after.
        code, lasti: the user's code, and the offset of the call in it.
        lives: how often backward() still looks for the number.
        use: what became of the number, as a sentence; "" as long as nothing is known.
    """

    __slots__ = (
        "_node",
        "_reader",
        "call",
        "code",
        "lasti",
        "lives",
        "number",
        "serial",
        "title",
        "use",
    )

    def __init__(self, node: Node, number: Any, call: str, code: CodeType, lasti: int) -> None:
        self._node = weakref.ref(node)
        self.number = number
        self.call = call
        self.title = _title(node)
        self.serial = next_serial()
        self.code = code
        self.lasti = lasti
        self.lives = LIVES
        self.use = ""
        self._reader = self._node

    @property
    def node(self) -> Node | None:
        """The node of the value; None once nothing else needs it."""
        return self._node()

    @property
    def reader(self) -> Node | None:
        """The node of the op that reads the number as data, or else that of the value."""
        return self._reader()

    @property
    def place(self) -> tuple[str, int]:
        """The user's file and line."""
        return self.code.co_filename, line_of(self.code, self.lasti)

    def found(self, use: str, reader: Node | None = None) -> None:
        """Keep what became of the number, and which op reads it."""
        self.use = use
        if reader is not None:
            self._reader = weakref.ref(reader)

    def __str__(self) -> str:
        return (
            f"{self.call} made a bare number of {self.title} at {short_place(self.place)}, and "
            f"{self.use}"
        )

    def warn(self) -> None:
        """Warn at the line of the conversion."""
        text = f"{self}. No gradient flows through a bare number. {REMEDY}"
        warnings.warn_explicit(text, DetachedWarning, *self.place, registry=_warned)


_warned: dict[Any, Any] = {}  # as the `__warningregistry__` of a module: once per line


def _title(node: Node) -> str:
    if node.name:
        return f"{node.name!r}"
    if node.op is None:
        return "a leaf that requires grad"
    return f"the result of {node.op.name}"


class _Waiting(threading.local):
    """The notes of a thread that no backward() has settled yet."""

    def __init__(self) -> None:
        self.exits: deque[Exit] = deque(maxlen=MOST)


waiting = _Waiting()

# Arrays that a value was written into, by id, each with what was written last.
arrays: dict[int, tuple[weakref.ref, Exit]] = {}


def leave(node: Node | None, number: Any, call: str) -> None:
    """Note that a value became a bare number, asked for by the caller's caller.

    Raises:
        TypeError: a transform traces the value.
    """
    if node is None or not node.needs_grad or not modes.recording.get():
        return
    for transform in transforms.get():
        if transform.traces(node):
            raise _refusal(transform, node, call)
    frame: Any = _getframe(2)
    while frame.f_code.co_filename == tracebacks.__file__:  # which decorates `float(t)`
        frame = frame.f_back
    code, lasti = frame.f_code, frame.f_lasti
    if INSIDE[code.co_filename] or is_looked_at(code, lasti):
        return
    if _is_settled(node):
        return
    array = array_written(frame)
    if array is not None:
        call = "array[i] = t"
    user = outside(frame)
    exit = Exit(node, number, call, user.f_code, user.f_lasti)
    global used
    used = True
    waiting.exits.append(exit)
    watcher = modes.watcher.get()
    if watcher is not None:
        watcher.left(exit, node)
    if array is not None:
        key = id(array)
        arrays[key] = weakref.ref(array, lambda _: arrays.pop(key, None)), exit


def _refusal(transform: Transform, node: Node, call: str) -> TypeError:
    value = repr(node.name) if node.name else "a value"
    error = TypeError(
        f"{call} of {value} that {transform.what} differentiates would silently drop its gradient. "
        "Use t.item() or t.detach() where that is meant; np functions on the Tensor "
        "(np.exp(t), not math.exp(t)) and tinygrad_np.stack([...]) where it is not"
    )
    error.explains_itself = True  # type: ignore[attr-defined]
    return error


def check_array(array: np.ndarray) -> None:
    """Warn if an array that a recorded op reads as data has a value that left the graph."""
    owner = array if array.base is None else array.base
    _, exit = arrays.get(id(owner), (None, None))
    if exit is not None and (array == array.dtype.type(exit.number)).any():
        exit.found("an op that needs a gradient reads this array as data")
        exit.warn()


def settle() -> None:
    """Forget the values that backward has gone through: what comes later is not on its way."""
    exits = waiting.exits
    if exits:
        open_ends = [exit for exit in exits if not _is_settled(exit.node)]
        exits.clear()
        exits.extend(open_ends)


def _is_settled(node: Node | None) -> bool:
    return node is not None and node.op is not None and node.saved is None
