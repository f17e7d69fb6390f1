"""Writing to a Tensor: the same object gets a new array.

So the graph still has the array that was used before, and gradients stay right.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from . import modes
from .doors import told_of_write
from .node import Leaf, Node


class Writable:
    """The methods of a Tensor behind `t[i] = v`, `t += v` and `t.assign(v)`."""

    __slots__ = ()

    name: Any
    dtype: Any
    _bases: Any  # of a view, weak references to the Tensors that it looks into; else not there
    _data: Any
    _node: Node | None

    def _title(self) -> str:
        raise NotImplementedError

    def _check_write(self, action: str) -> None:
        """Raise, before anything changes, if this Tensor may not be written to."""
        node = self._node
        if node is None or not node.needs_grad:
            return
        if node.op is None and modes.recording.get():
            raise RuntimeError(
                f"{action} on {self._title()}, a leaf that requires grad: the gradient would no "
                "longer belong to it. Do it inside of `with no_grad():`, or on a copy: t.copy()"
            )
        if node.op is not None and not modes.recording.get():
            raise RuntimeError(
                f"{action} under no_grad() on {self._title()}, the result of an operation: later "
                "gradients would not know of this write. Write to t.detach(), or outside no_grad()"
            )

    def _not_replaced(self) -> AttributeError:
        """Make the error for `t.data = v`."""
        return AttributeError(
            f"the array of {self._title()} can't be replaced: write t.assign(values) or "
            "t[...] = values, for a parameter inside of `with no_grad():`"
        )

    def _fitting(self: Any, result: Any, action: str) -> Any:
        """Return `result`, which must fit in shape and dtype, in the dtype of this Tensor."""
        if result._data.shape != self._data.shape:
            raise ValueError(f"{action} would change {self._title()} to shape {result.shape}")
        if result._data.dtype != self._data.dtype:
            if not np.can_cast(result.dtype, self.dtype, "same_kind"):
                raise TypeError(f"{action} would change {self._title()} to {result.dtype}")
            result = result.astype(self.dtype)
        return result

    def _become(self: Any, result: Any, action: str) -> Any:
        """Take over the value of `result`, which must fit."""
        new, old = result._data, self._data
        if new.shape != old.shape or new.dtype is not old.dtype:
            result = self._fitting(result, action)
        told_of_write(self, result._data)
        node = self._node
        watcher = modes.watcher.get()
        if watcher is not None and result._node is None and isinstance(node, Leaf):
            watcher.wrote(self, result.data)
        self._data = result._data
        if result._node is not None:  # recorded: this object stands for the result from here on
            result._node.name = self.name
            self._node = result._node
        elif node is not None and (node.op is not None or not node.needs_grad):
            self._node = None
            self.name = node.name
        return self


class _Probe:
    def references(self, value: Any) -> int:
        return getrefcount(value)


# The references that a method counts to its argument if the caller has none.
ALONE = _Probe().references(np.empty(0))
