"""How values are recorded: a `Node` is one call of an `Op`.

It says which op made a value, from which nodes, and keeps the arrays that the op's derivative
rules will read. Nodes hold no Tensors, so the graph has no reference cycles.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from .frames import INSIDE, line_of, outside
from .op import Op

if TYPE_CHECKING:
    from types import CodeType

__all__ = ["Constant", "Leaf", "Node", "OutputGradients", "Pending", "next_serial", "part", "record"]

next_serial = itertools.count().__next__
_new = object.__new__
_frame = sys._getframe


class Node:
    """How one value was made. Created by calling an op; read by `backward` and the graph tools.

    Parents are made before their children, so a larger `serial` never comes before a smaller one:
    newest first is a topological order of the graph, and no recursion is needed anywhere.
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

    op: Op | None
    parents: tuple[Any, ...]  # nodes; a Python number or None stands for itself
    saved: tuple[Any, ...] | None  # per input: what its rule reads, or None; all None once freed
    serial: int
    shape: Any
    dtype: Any
    name: str | None
    code: CodeType | None  # the user's code object and the offset in it, or None; see `place`
    lasti: int
    watch: Any  # hooks on the gradient, see `hooks.Watch`; not set unless somebody watches

    def __init__(
        self,
        op: Op | None,
        parents: tuple[Any, ...],
        saved: tuple[Any, ...],
        shape: Any = None,
        dtype: Any = None,
        name: str | None = None,
        made_at: tuple[CodeType | None, int] = (None, 0),
    ) -> None:
        self.op = op
        self.parents = parents
        self.saved = saved
        self.serial = next_serial()
        self.shape = shape
        self.dtype = dtype
        self.name = name
        self.code, self.lasti = made_at

    def __repr__(self) -> str:
        made = self.op.name if self.op else type(self).__name__.lower()
        return f"<{made} {self.name or ''}{self.shape} {self.dtype}>"

    @property
    def place(self) -> tuple[str, int] | None:
        """File name and line number of the user's that made this value; None if not known."""
        if self.code is None:
            return None
        return self.code.co_filename, line_of(self.code, self.lasti)


class Constant(Node):
    """A value that needs no gradient: data, labels, a frozen parameter."""

    __slots__ = ()
    needs_grad = False

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, name: str | None = None):
        super().__init__(None, (), (), shape, dtype, name)


class Leaf(Constant):
    """A value that somebody wants the gradient of; `grad` holds it (a Tensor, or None)."""

    __slots__ = ("grad",)
    needs_grad = True
    grad: Any

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, name: str | None = None):
        super().__init__(shape, dtype, name)
        self.grad = None


def record(
    mode: Any, op: Op, parents: tuple, saved: tuple, out: Any, operands: tuple, params: tuple = ()
) -> Node:
    """The node of an op that was called; whoever watches (`mode`, see `modes`) is told.

    As `Node(...)` with the user's place, without the cost of calling a class.
    """
    frame = _frame(2)
    code = frame.f_code
    if INSIDE[code.co_filename]:
        frame = outside(frame)
        code = frame.f_code
    node = _new(Node)
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
    if mode is not True:
        mode.made(node, out, operands, params)
    return node


class Pending:
    """In the place of a gradient that lies in the memory of a compiled program.

    The program overwrites it in its next call; whoever asks for the gradient gets a copy.
    """

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray) -> None:
        self.array = array


class OutputGradients(tuple):
    """The incoming gradients of an op with several outputs, `None` for one that was not used.

    It adds like a gradient, so that `backward` need not know how many outputs an op has.
    """

    __slots__ = ()
    shape = dtype = None  # the same as the node's: nothing to fit
    requires_grad = None  # its parts say it

    def __add__(self, other: tuple) -> OutputGradients:
        pairs = zip(self, other, strict=True)
        return OutputGradients(b if a is None else a if b is None else a + b for a, b in pairs)

    def setflags(self, write: bool) -> None:
        for g in self:
            if isinstance(g, np.ndarray):
                g.setflags(write=write)


# --- one of several outputs ----------------------------------------------------------------------


def _pick(outs, k, n):
    """One output of an op that has several."""
    return outs[k]


def _pick_rule(g, k, n):
    return OutputGradients(g if j == k else None for j in range(n))


_PART = Op(
    _pick,
    "output",
    {"outs": _pick_rule},
    keeps=(),
    variadic=False,
    elementwise=False,
    text="{outs}",
    doc="One output of an op that has several.",
    kinks="",
    domain=(-np.inf, np.inf),
    samples=None,
    numpy=(),
)


def part(node: Node, k: int, outs: tuple) -> Node | None:
    """The node of output k of an op that has several, or None if it is not of floats."""
    if outs[k].dtype.kind not in "fc":
        return None
    made_at = node.code, node.lasti
    saved = ((k, len(outs)),)
    return Node(_PART, (node,), saved, outs[k].shape, outs[k].dtype, made_at=made_at)
