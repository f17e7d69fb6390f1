"""Variables of the user's code that hold the values of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.callsite import assigned_name, variables
from ..core.tensor import Tensor

if TYPE_CHECKING:
    from types import FrameType

    from ..core.node import Node

__all__ = ["variable_names"]

Call = tuple[int, int]  # the id of the code that calls, and the offset of the call in it


def variable_names(order: list[Node], frame: FrameType) -> dict[Node, str]:
    """Return the variable that holds each value, where that is certain.

    That is so for what a call returned and the code assigned at once, and for what a variable of
    the calling function holds now.
    """
    names = _assigned_names(order, _calls_under_way(frame))
    for name, value in variables(frame):
        if isinstance(value, Tensor) and value._node is not None and name.isidentifier():
            names.setdefault(value._node, name)
    return names


def _calls_under_way(frame: FrameType | None) -> set[Call]:
    """Return the calls that have not returned yet."""
    calls: set[Call] = set()
    while frame is not None:
        calls.add((id(frame.f_code), frame.f_lasti))
        frame = frame.f_back
    return calls


def _assigned_names(order: list[Node], under_way: set[Call]) -> dict[Node, str]:
    """Return the variable that each value was assigned to as the result of a call.

    Of the ops inside one call only the last can be its result, and none if the call has not
    returned yet.
    """
    names: dict[Node, str] = {}
    ops = [node for node in order if node.op is not None and node.code is not None]
    later: dict[Call, int] = {}  # the position of the next op of the same call
    other_function = len(ops)  # that of the next op of another function
    for k in reversed(range(len(ops))):
        node = ops[k]
        assert node.code is not None
        if k + 1 < len(ops) and ops[k + 1].code is not node.code:
            other_function = k + 1
        call = id(node.code), node.lasti
        again = later.get(call)
        # A loop makes the same call again, and what comes between is in the same function. If
        # anything else does, the call may not have returned in between.
        last = again is None or k + 1 < again <= other_function
        later[call] = k
        if last and call not in under_way:
            name = assigned_name(node.code, node.lasti)
            if name is not None:
                names[node] = name
    return names
