"""`Node`: one call of an op, recorded.

    w = Tensor(..., requires_grad=True)      Leaf
    y = w * x                                Node(multiply, parents=(w's, x's))
    loss = y.sum()                           Node(sum, parents=(y's,))

A node says which op made a value and from which other nodes, and keeps the arrays that the op's
rules will read. It holds no Tensor, so there are no reference cycles: the graph goes when the last
Tensor that needs it goes.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from .callsite import INSIDE, line_of, outside
from .op import Op

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

Shape = tuple[int, ...]

next_serial = itertools.count().__next__


class Node:
    """The way in which one value came about.

    A value is computed after what it is computed from, so serial numbers grow from parents to
    children: newest first is a topological order of the graph, and nothing has to be searched.

    Attributes:
        op: what was called; None for a leaf or a constant.
        parents: a node for each input; a Python number or None stands for itself.
        saved: for each input, what its rule will read, or None where no gradient flows; all of
            it None once backward has been here and freed it.
        serial: the number of nodes that were made before.
        shape, dtype: the value's; None if the op has several outputs.
        name: what the user calls the value, if that was said.
        code, lasti: the user's code that made the value, and the offset of the call in it.
        watch: hooks on the gradient, see `hooks.Watch`; None if there are none.
    """

    __slots__ = (
        "__weakref__",
        "code",
        "dtype",
        "lasti",
        "name",
        "op",
        "parents",
        "saved",
        "serial",
        "shape",
        "watch",
    )

    needs_grad = True
    has_leaf = True  # it was computed from one, whether or not a gradient flows there

    def __init__(
        self,
        shape: Any,
        dtype: Any,
        name: str | None = None,
        op: Op | None = None,
        parents: tuple[Any, ...] = (),
        saved: tuple[Any, ...] = (),
        code: CodeType | None = None,
        lasti: int = 0,
    ) -> None:
        self.op = op
        self.parents = parents
        self.saved: tuple[Any, ...] | None = saved
        self.serial = next_serial()
        self.shape = shape
        self.dtype = dtype
        self.name = name
        self.code = code
        self.lasti = lasti
        self.watch: Any = None

    def __repr__(self) -> str:
        kind = type(self).__name__.lower()
        if self.op is not None:
            kind = self.op.name
        return f"<{kind} {self.name or ''}{self.shape} {self.dtype}>"

    @property
    def place(self) -> tuple[str, int] | None:
        """The user's file and line that made this value; None if not known."""
        if self.code is None:
            return None
        line = line_of(self.code, self.lasti)
        return self.code.co_filename, line


class Constant(Node):
    """A value that needs no gradient: data, labels, a frozen parameter."""

    __slots__ = ()
    needs_grad = False
    has_leaf = False


class Flat(Constant):
    """A value computed from leaves by way of a step function: its derivative is 0 everywhere.

    `cause` says which: the op (or its name), and the user's code and the offset of the call.
    """

    __slots__ = ("cause",)
    has_leaf = True
    cause: tuple[Any, CodeType, int]


class Leaf(Constant):
    """A value that somebody wants the gradient of; `grad` holds it (a Tensor, or None)."""

    __slots__ = ("grad",)
    needs_grad = True
    has_leaf = True

    def __init__(self, shape: Shape, dtype: np.dtype, name: str | None = None) -> None:
        Node.__init__(self, shape, dtype, name)
        self.grad: Any = None


class _Call(Node):
    """A node of `record`, which sets all attributes itself: calling __init__ would be felt."""

    __slots__ = ()
    __init__ = object.__init__


_frame = sys._getframe


def record(
    mode: Any,
    op: Op,
    parents: tuple[Any, ...],
    saved: tuple[Any, ...],
    out: Any,
    values: Any,
    params: Any = (),
) -> Node:
    """Make the node of a call: the one place where ops are recorded.

    Args:
        mode: True, or the watcher that is told of every node (see `modes.recording`).
        out: the result, an array or a tuple of arrays.
        values: the operands, and maybe more behind them.
        params: the other arguments of the call.
    """
    frame = _frame(2)
    code = frame.f_code
    if INSIDE[code.co_filename]:  # called by the library itself: go out to the user's line
        frame = outside(frame)
        code = frame.f_code
    node = _Call()
    node.op = op
    node.parents = parents
    node.saved = saved
    node.serial = next_serial()
    if type(out) is tuple:
        node.shape = node.dtype = None
    else:
        node.shape = out.shape
        node.dtype = out.dtype
    node.name = None
    node.code = code
    node.lasti = frame.f_lasti
    node.watch = None
    if mode is not True:
        operands = tuple(values[: len(parents)])
        mode.made(node, out, operands, tuple(params))
    return node


def flat(op: Any, parents: Iterable[Any], out: Any) -> Flat | None:
    """Make the node of a result through which no gradient flows, if one of the parents has a leaf.

    Args:
        op: what was called, an `Op` or the name of a function.
        parents: nodes, or None and numbers.
        out: the result, an array.
    """
    for parent in parents:
        if getattr(parent, "has_leaf", False):
            node = Flat(out.shape, out.dtype)
            if isinstance(parent, Flat):
                node.cause = parent.cause
            else:
                frame = outside(_frame(2))
                node.cause = (op, frame.f_code, frame.f_lasti)
            return node
    return None


# --- ops with several outputs --------------------------------------------------------------------
#
# The op has one node, whose value is the tuple of its outputs. Each output that is used has a node
# of its own, made by the op below, which picks it out of the tuple.


class OutputGradients(tuple):
    """The gradients of an op's outputs, `None` for one that was not used.

    It adds like a gradient, so that backward need not know how many outputs an op has.
    """

    __slots__ = ()
    shape = dtype = None  # the same as the node's: nothing to fit
    requires_grad = None  # as each of its parts says

    def __add__(self, other: tuple) -> OutputGradients:
        return OutputGradients(map(sum_of, self, other))

    def setflags(self, write: bool) -> None:
        for g in self:
            if isinstance(g, np.ndarray):
                g.setflags(write=write)


def sum_of(a: Any, b: Any) -> Any:
    """Add two values, of which None is nothing."""
    if a is None:
        return b
    return a if b is None else a + b


def _pick(outs, k, n):
    return outs[k]


def _pick_rule(g, k, n):
    return OutputGradients(g if position == k else None for position in range(n))


_PICK = Op(
    _pick,
    "output",
    {"outs": _pick_rule},
    text="{outs}",
    doc="One output of an op that has several.",
    formulas={"outs": lambda g: g},
)


def part(node: Node, k: int, outs: tuple) -> Node | None:
    """Make the node of output k of a call, or None if it is not of floats."""
    out = outs[k]
    if out.dtype.kind not in "fc":
        return None
    reads = (k, len(outs))
    code, lasti = node.code, node.lasti
    return Node(out.shape, out.dtype, None, _PICK, (node,), (reads,), code, lasti)
