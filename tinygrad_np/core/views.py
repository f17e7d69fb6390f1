"""Views: Tensors whose arrays look into the memory of another Tensor's.

    row = t[0]
    row += 1      # NumPy lets this through to t

Here an array never changes: `row` would get a new one, and t would not follow. So this is refused
while t is in use. Two things that look the same from inside of `+=` go on working:

    t[0] += 1                    # Python writes the result back into t
    x = x.reshape(-1); x += 1    # nobody has the x from before
"""

from __future__ import annotations

import functools
import gc
import sys
import weakref
from collections.abc import Iterable, Iterator
from types import CellType, CoroutineType, FrameType, FunctionType
from typing import Any

import numpy as np

from . import doors
from .bytecode import is_read_after, writes_back
from .callsite import INSIDE, goes_into_a_container, outside, variables

# References to a Tensor that nobody has named, counted inside of `+=`: those of the expression, of
# the operator's own variable, and of the counting.
_UNNAMED = 3


def look_into(view: Any, operands: Iterable[Any]) -> None:
    """Note of which operand the result of an op is a view, if it is one of any.

    The note is weak. If the operand is a view itself, it names the Tensor at the root too.
    """
    array = view._data
    root = array.base
    if root is None:
        return
    for operand in operands:
        data = getattr(operand, "_data", None)
        if data is None:
            continue
        if data is root:
            view._bases = (weakref.ref(operand),)
        elif data.base is root or (type(root) is not np.ndarray and _share(array, data)):
            further = getattr(operand, "_bases", ())
            view._bases = (weakref.ref(operand), *further[-1:])


_share = np.may_share_memory  # also of stand-ins for arrays


def check_in_place(tensor: Any, action: str, references: int) -> None:
    """Raise if an in-place operator on a view would not reach a Tensor in use.

    Args:
        tensor: what the operator was called on.
        action: how that is written, `t += v`.
        references: how many of them the operator itself counts to `tensor`.
    """
    frame = outside(sys._getframe(2))
    code, lasti = frame.f_code, frame.f_lasti
    if references <= _UNNAMED:
        place = (id(code), lasti)
        if place in _written_back:
            return
        if writes_back(code, lasti):
            _written_back.add(place)
            return
    elif not _references_tell() and writes_back(code, lasti) and not goes_into_a_container(frame):
        return
    operator = action.split()[1].rstrip("=")
    _check(tensor, action, f"write to that one, or t = t {operator} v", frame)


# Where results were found to be written back, as `id` of the code and offset: reading code takes
# long, and the worst that an id used again can do is that nothing is said.
_written_back: set[tuple[int, int]] = set()


def _references_tell() -> bool:
    """Say whether only what the user named has references: no tracer, profiler or recording has."""
    return sys.gettrace() is None and sys.getprofile() is None and not doors.tracing


def check_item(tensor: Any) -> None:
    """Raise if `t[...] = v` on a view would not reach a Tensor in use."""
    remedy = "write t[0, 1] = v instead of t[0][1] = v"
    _check(tensor, "t[...] = v", remedy, outside(sys._getframe(2)))


def _check(tensor: Any, action: str, remedy: str, frame: FrameType) -> None:
    if tensor.size == 0:
        return
    for reference in getattr(tensor, "_bases", ()):
        base = reference()
        if base is None:
            continue
        name = _variable(base, frame)
        if name is not None or _is_held(base, frame):
            whose = f"{name!r}, " if name and not base.name else ""
            raise RuntimeError(
                f"{action}: {tensor._title()} is a view of {whose}{base._title()}, and a write "
                f"here would not reach that one: {remedy}, or take a .copy() first"
            )


def _variable(value: Any, frame: FrameType) -> str | None:
    """Return the user's variable that has a value, in this frame or in one that called it.

    Those of the callers count if they are read again: not that of `x = layer(x)`.
    """
    here: FrameType | None = frame
    while here is not None:
        code, lasti = here.f_code, here.f_lasti
        if not INSIDE[code.co_filename]:
            for name, other in variables(here):
                if other is not value or _of_the_shell(name):
                    continue
                if here is frame or is_read_after(code, lasti, name):
                    return name
        here = here.f_back
    return None


def _of_the_shell(name: Any) -> bool:
    """Say whether a name is one that an interactive shell gives to what it shows: `_`, `_12`."""
    return isinstance(name, str) and not name.strip("_0123456789")


_CONTAINERS = (dict, list, tuple, CellType, functools.partial)
_PASSING = (FrameType, CoroutineType, Iterator)
_CORE = __name__.rpartition(".")[0]
_ENGINE = _CORE.rpartition(".")[0] + "."


def _is_held(value: Any, frame: FrameType) -> bool:
    """Say whether something that the user has holds a value: an attribute, a container, a closure.

    What is only on its way (an argument, a variable of the library's own) is not held. To see that
    takes milliseconds, so it is looked at once for each way in which the frame was reached.
    """
    way = _way(frame)
    if way in _not_held:
        return False
    history = vars(sys.modules["__main__"]).get("_oh")  # what IPython has shown
    seen: dict[int, Any] = {}
    waiting = [value]
    own = (seen, waiting)
    while waiting and len(seen) < _MOST_HOLDERS:
        value = waiting.pop()
        for holder in gc.get_referrers(value):
            if id(holder) in seen or holder is history or any(holder is mine for mine in own):
                continue
            seen[id(holder)] = holder
            if isinstance(holder, dict):
                keys = [key for key, other in list(holder.items()) if other is value]
                if keys and all(map(_of_the_shell, keys)):
                    continue
            if type(holder) in _CONTAINERS:
                if _variable(holder, frame) is not None:
                    return True
                waiting.append(holder)
            elif not isinstance(holder, _PASSING) and not _is_the_engines(holder):
                return True
    _not_held.add(way)
    return False


_not_held: set[int] = set()
_MOST_HOLDERS = 1000  # enough for what a program has, and an end to what a debugger may add


def _way(frame: FrameType | None) -> int:
    """Return a number for the calls that are under way: code and offset of each."""
    calls = []
    while frame is not None:
        calls.append((id(frame.f_code), frame.f_lasti))
        frame = frame.f_back
    return hash(tuple(calls))


def _is_the_engines(holder: Any) -> bool:
    """Say whether the library holds something for itself, in a recording or a closure."""
    if isinstance(holder, FunctionType):
        return INSIDE[holder.__code__.co_filename]
    module = type(holder).__module__
    return module.startswith(_ENGINE) and not module.startswith(_CORE)
