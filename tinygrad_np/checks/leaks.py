"""Leaks: the lines of a program where values leave the graph, and how."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from ..core.callsite import INSIDE, name_of, outside, short_place
from ..core.modes import enable_grad, no_grad
from ..core.switch import Switch
from ..core.tensor import Tensor, node_of
from ..core.tracebacks import shortened
from ..transforms.functions import stop_gradient
from ..transforms.subgraph import path_to
from .values import is_float_array, same

if TYPE_CHECKING:
    from types import FrameType

    from ..core.node import Node

MOST = 3  # lines that are named

# Functions through which a value leaves, by their code, as users write the call.
_FUNCTIONS: dict[Any, str] = {
    Tensor.numpy: "{}.numpy()",
    Tensor.data.fget: "{}.data",  # type: ignore[attr-defined]
    Tensor.detach: "{}.detach()",
    Tensor.item: "{}.item()",
    Tensor.tolist: "{}.tolist()",
    Tensor.__float__: "float({})",
    Tensor.__int__: "int({})",
    stop_gradient: "stop_gradient({})",
}
_DOORS = {inspect.unwrap(function).__code__: text for function, text in _FUNCTIONS.items()}
_WRAPPERS = shortened.__code__.co_filename  # stand between the user and the library
_MADE = inspect.unwrap(Tensor.__init__).__code__
_ENTERED = type(vars(Switch)["__enter__"]).__get__.__code__


def leaks(f: Any, arguments: list[Any], position: int) -> list[str]:
    """Run `f` again, and name the lines where values that need one input's gradient leave.

    And those where Tensors are made of numbers that change with the input.
    """
    x = arguments[position]
    moved = Tensor(x.data * 1.01 + 1e-3, requires_grad=True)
    others = [*arguments[:position], moved, *arguments[position + 1 :]]
    exits, arrays = _watch(f, arguments, node_of(x))
    _, arrays_beside = _watch(f, others, node_of(moved))
    entries: dict[str, None] = {}
    for (place, array), (_, beside) in zip(arrays, arrays_beside):
        if not same(array, beside):
            entries[f"the Tensor that is made at {place} is made of bare numbers"] = None
    return [*list(exits)[:MOST], *list(entries)[:MOST]]


def _watch(f: Any, arguments: list[Any], source: Node) -> tuple[dict[str, None], list[Any]]:
    """Return the places where values leave, and the arrays that Tensors are made of.

    The profiler is told of every call for this time; one that runs is put back.
    """
    found: dict[str, None] = {}
    arrays: list[Any] = []

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        code, caller = frame.f_code, frame.f_back
        while caller is not None and caller.f_code.co_filename == _WRAPPERS:
            caller = caller.f_back
        if code is _MADE and is_float_array(frame.f_locals["data"]):
            arrays.append((_place(outside(frame)), frame.f_locals["data"].copy()))
        if code is _ENTERED and type(frame.f_locals["switch"]) is no_grad:
            place = _place(outside(frame))
            found[f"what is computed under no_grad() at {place} is not recorded"] = None
        elif code in _DOORS and caller is not None and not INSIDE[caller.f_code.co_filename]:
            value = frame.f_locals[code.co_varnames[0]]
            if isinstance(value, Tensor) and value.requires_grad and _leads(source, node_of(value)):
                name = name_of(caller, lambda other: other is value) or "(...)"
                call = _DOORS[code].format(name)
                found[f"{call} at {_place(caller)} takes a value out of the graph"] = None

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        with enable_grad():
            f(*arguments)
    finally:
        sys.setprofile(before)
    return found, arrays


def _leads(source: Node, node: Node) -> bool:
    return node is source or node in path_to([source], [node], source.serial)


def _place(frame: FrameType) -> str:
    return short_place((frame.f_code.co_filename, frame.f_lineno))
