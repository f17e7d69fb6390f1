"""Many values at once: all of them are assigned, or none.

Ctrl-C can come between any two calls that Python code makes, and a training step that has written
half of its parameters is lost. So the new arrays are made first, and then put in place by one call
of a function in C, in the middle of which no interrupt comes.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from . import doors, modes
from .doors import Number, as_array
from .node import Constant, Leaf, Node
from .switch import consume
from .tensor import Tensor, as_operand, wrap
from .tracebacks import shorten_traceback

_array = np.ndarray


def assign_all(targets: list[Any], values: list[Any]) -> None:
    """Give Tensors other values of their shape and dtype, and Numbers other numbers.

    All of them change, or none, whatever error or interrupt (Ctrl-C) comes. For optimizers, and
    all else that keeps a state of several parts. It does as `t.assign(value)` under `no_grad()`.

    Args:
        targets: Tensors and Numbers.
        values: an array (or a Tensor, or a number) for each; the list is emptied, and an array that
            nobody else holds is taken over without a copy.

    Raises:
        RuntimeError: a Tensor that is the recorded result of an operation.
        ValueError: another shape, or another number of values than of targets.
        TypeError: values that the dtype can't hold.
    """
    try:
        attributes: list[str] = []
        contents: list[Any] = []
        results: list[Tensor] = []  # those of ops, which get a node of their own
        nodes: list[Any] = []
        tracing = doors.tracing
        for target, value in zip(targets, values, strict=True):
            if isinstance(target, Number):
                attributes.append("value")
                contents.append(value)
                continue
            data, node = target._data, target._node
            own = type(value) is _array and value.base is None and getrefcount(value) <= _ALONE
            if not own or value.shape != data.shape or value.dtype is not data.dtype:
                value = _fitted(target, value)
            if tracing:
                doors.told_of_write(target, value)
            value.setflags(False)
            attributes.append("_data")
            contents.append(value)
            if node is not None and type(node) is not Leaf:
                results.append(target)
                nodes.append(_successor(target, node))
        values.clear()
        watcher = modes.watcher.get()
        if watcher is not None:
            for target, attribute, value in zip(targets, attributes, contents):
                if attribute == "_data" and type(target._node) is Leaf:
                    watcher.wrote(target, value)
        if results:
            targets = [*targets, *results]
            attributes += ["_node"] * len(results)
            contents += nodes
        consume(map(setattr, targets, attributes, contents))
    except Exception as error:
        shorten_traceback(error)
        raise


def _references() -> int:
    """Count the references to a value of a list that nobody else has."""
    values = [np.empty(0)]
    counts = [getrefcount(value) for _, value in zip([None], values, strict=True)]
    return counts[0]


_ALONE = _references()


def _fitted(target: Tensor, value: Any) -> Any:
    """Return what a Tensor would hold after `target.assign(value)`."""
    data = value._data if isinstance(value, Tensor) else as_operand(value)
    if type(data) is not np.ndarray or data.base is not None or data is value:
        data = as_array(data, None, copy=True)
    return target._fitting(wrap(data, None), "assign_all()")._data


def _successor(target: Tensor, node: Node) -> Node | None:
    """Return the node of a Tensor's next value: who knows the old one has the old value."""
    with modes.no_grad():
        target._check_write("assign_all()")
    return None if node.name is None else Constant(node.shape, node.dtype, node.name)
