"""Variables of the user's code that hold the values of a graph."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import assigned_name, variables
from ..core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from ..core.node import Node

MOST_ROWS = 10_000  # of a variable whose rows are looked at

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


def array_names(values: Mapping[Node, np.ndarray], frame: FrameType) -> dict[Node, str]:
    """Return the variable that holds each of these values, or a row of it: `X`, `sequence[3]`.

    What an op was given as an array was copied, so numbers are compared. A value has no name if
    several arrays hold it, or if all of its elements are the same.
    """
    keys = {node: content(value) for node, value in values.items()}
    keys = {node: key for node, key in keys.items() if key is not None}
    forms = {(values[node].shape, values[node].dtype) for node in keys}
    spaces = [variables(frame)]
    if frame.f_code.co_flags & inspect.CO_NEWLOCALS:
        spaces.append(list(frame.f_globals.items()))
    names: dict[Node, str] = {}
    for space in spaces:
        holders: dict[Any, dict[int, str]] = {}  # names of the arrays with a content, by their ids
        for name, value in space:
            for key, part in _parts(name, value, forms):
                names_of_key = holders.setdefault(key, {})
                names_of_key.setdefault(id(value), part)
        for node, key in keys.items():
            if len(holders.get(key, ())) == 1:
                names.setdefault(node, *holders[key].values())
    return names


def _parts(name: str, value: Any, forms: Any) -> Iterator[tuple[Any, str]]:
    """Yield contents of a variable, or of its rows, in each of these shapes and dtypes."""
    array = value.data if isinstance(value, Tensor) else value
    if not isinstance(array, np.ndarray) or not name.isidentifier():
        return
    for shape, dtype in forms:
        if not np.can_cast(array.dtype, dtype, "same_kind"):
            continue
        with np.errstate(all="ignore"):
            if array.shape == shape:
                yield content(array.astype(dtype)), name
            elif array.shape[1:] == shape and array.ndim > 0 and len(array) <= MOST_ROWS:
                for k, row in enumerate(array.astype(dtype)):
                    yield content(row), f"{name}[{k}]"


def content(array: np.ndarray) -> Any:
    """Return what is the same for arrays with the same shape, dtype and bits.

    None where all elements are equal: any mask or start value could be such an array.
    """
    if array.size < 2 or (array == array.flat[0]).all():
        return None
    bits = hash(array.tobytes())
    return array.shape, array.dtype, bits
