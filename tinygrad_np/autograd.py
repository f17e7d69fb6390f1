"""How values are recorded, and how gradients flow back.

A `Node` says how one value was made: the op, the nodes of its inputs, and the arrays that the
op's derivative rules will read. `backward` walks these nodes newest first and calls the rules.
Nodes hold no Tensors, so the graph has no reference cycles.
"""

from __future__ import annotations

import itertools
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from .frames import line_of
from .modes import enable_grad, recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from types import CodeType

    from .ops.op import Op

__all__ = [
    "Constant",
    "Leaf",
    "Node",
    "OutputGradients",
    "Pending",
    "backward",
    "backward_to",
    "fit",
]

next_serial = itertools.count().__next__


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
        self.op = None
        self.parents = ()
        self.saved = ()
        self.serial = next_serial()
        self.shape = shape
        self.dtype = dtype
        self.name = name
        self.code = None
        self.lasti = 0


class Leaf(Constant):
    """A value that somebody wants the gradient of; `grad` holds it (a Tensor, or None)."""

    __slots__ = ("grad",)
    needs_grad = True
    grad: Any

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, name: str | None = None):
        super().__init__(shape, dtype, name)
        self.grad = None


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

    def __add__(self, other: tuple) -> OutputGradients:
        pairs = zip(self, other, strict=True)
        return OutputGradients(b if a is None else a if b is None else a + b for a, b in pairs)

    def setflags(self, write: bool) -> None:
        for g in self:
            if isinstance(g, np.ndarray):
                g.setflags(write=write)


# --- backward ----------------------------------------------------------------------------------


def fit(g: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """The gradient `g` in the given shape and dtype.

    Axes along which the input was broadcast are summed; axes that a reduction dropped are
    broadcast back: the two are each other's adjoint, and here is the only place that does either.
    Works on arrays and on Tensors.
    """
    if g.shape != shape:
        extra = g.ndim - len(shape)
        if extra > 0:
            g = np.add.reduce(g, axis=0 if extra == 1 else tuple(range(extra)))
    if g.shape != shape:
        pairs = zip(range(-g.ndim, 0), g.shape, shape[len(shape) - g.ndim :], strict=True)
        stretched = tuple(axis for axis, have, want in pairs if want == 1 and have != 1)
        if stretched:
            g = np.add.reduce(g, axis=stretched, keepdims=True)
        if g.shape != shape:
            g = np.broadcast_to(g, shape)
    if g.dtype != dtype:
        if g.dtype.kind == "c" and dtype.kind != "c":
            raise TypeError(f"a complex gradient ({g.dtype}) reached a real value ({dtype})")
        g = g.astype(dtype)
    return g


def _rule_failed(node: Node, position: int, error: Exception) -> Exception:
    if getattr(error, "explains_itself", False):
        return error
    assert node.op is not None
    where = f" (made at {node.place[0]}:{node.place[1]})" if node.place else ""
    text = f"the rule of {node.op.name} for its input {node.op.input_name(position)!r}{where}"
    return RuntimeError(f"{text} failed: {type(error).__name__}: {error}")


def _position(node: Node, saved: tuple, rule: Any, reads: Any) -> int:
    """Which input of the node this rule and what it reads are for."""
    assert node.op is not None
    pairs = zip(node.op.rules, saved)
    return next(k for k, pair in enumerate(pairs) if pair[0] is rule and pair[1] is reads)


def _freed(node: Node) -> RuntimeError:
    assert node.op is not None
    where = f" at {node.place[0]}:{node.place[1]}" if node.place else ""
    return RuntimeError(
        f"backward ran through this graph before, and the arrays saved by {node.op.name}{where} "
        "were freed then. Compute the loss again before calling backward again, or pass "
        "retain_graph=True to the first call."
    )


watching = False  # whether any node was ever watched, so that backward need not look at each


def _first_order(
    gradients: dict[Node, Any],
    retain_graph: bool,
    lift: Callable,
    ends: Collection[Node],
    path: Collection[Node] | None,
) -> Iterator[tuple[Any, Any]]:
    """Yield every leaf below the given nodes, with its gradient. The rules run on arrays.

    Leaves own their gradients: no two share an array, and none is a view of something else.
    With a `path`, gradients flow along its nodes only, and are yielded at its `ends`.
    """
    handed_out: set[int] = set()
    queue = [(-node.serial, node) for node in gradients]
    heapify(queue)
    look = watching
    observer = recorder.get()
    while queue:
        node = heappop(queue)[1]
        g = gradients.pop(node)
        if look and hasattr(node, "watch"):
            g = node.watch.seen(node, g, lift)
            if node.watch.retains and path is None:
                yield node, g.copy()
        if observer is not None:
            observer.reached(node, g)
        if node.op is None or (path is not None and node in ends):
            if id(g) in handed_out:
                g = g.copy()
            handed_out.add(id(g))
            yield node, g
            continue
        saved = node.saved
        if saved is None:
            raise _freed(node)
        if not retain_graph:
            node.saved = None
        if path is not None:
            saved = _narrowed(node, saved, path)
        g.setflags(False)  # several rules may be handed the same array
        for parent, rule, reads in zip(node.parents, node.op.rules, saved):
            if reads is None:
                continue
            try:
                contribution = rule(g, *reads)
                if contribution is None:
                    continue
                if type(contribution) in _NUMBERS:
                    contribution = np.asarray(contribution, parent.dtype)
                if contribution.shape != parent.shape or contribution.dtype != parent.dtype:
                    contribution = fit(contribution, parent.shape, parent.dtype)
            except Exception as error:
                raise _rule_failed(node, _position(node, saved, rule, reads), error) from error
            before = gradients.get(parent)
            if before is None:
                if parent.op is None and (contribution is g or _is_view(contribution)):
                    contribution = contribution.copy()
                gradients[parent] = contribution
                heappush(queue, (-parent.serial, parent))
            else:
                gradients[parent] = before + contribution
            if observer is not None:
                position = _position(node, saved, rule, reads)
                observer.flowed(node, position, parent, contribution, gradients[parent])


_NUMBERS = frozenset({int, float, bool})


def _narrowed(node: Node, saved: tuple, path: Collection[Node]) -> tuple:
    """What the rules of `node` read, for inputs on the path only."""
    return tuple(r if p in path else None for p, r in zip(node.parents, saved))


def _bare(value: Any) -> bool:
    """Whether this is an array (or stands for one in a recording), and not a Tensor."""
    return not hasattr(value, "requires_grad")


def _is_view(array: Any) -> bool:
    return getattr(array, "base", None) is not None


def _recorded(
    gradients: dict[Node, Any],
    lift: Callable,
    ends: Collection[Node],
    path: Collection[Node] | None,
) -> Iterator[tuple[Any, Any]]:
    """As `_first_order`, with the same rules running on Tensors, so that they are recorded.

    `lift(array, node)` makes the Tensor that stands for a saved array.
    """
    handed_out: set[int] = set()
    queue = [(-node.serial, node) for node in gradients]
    heapify(queue)
    look = watching
    observer = recorder.get()
    while queue:
        node = heappop(queue)[1]
        g = gradients.pop(node)
        if look and hasattr(node, "watch"):
            g = node.watch.seen(node, g, lift)
            if node.watch.retains and path is None:
                yield node, g.copy()
        if observer is not None:
            observer.reached(node, g)
        if node.op is None or (path is not None and node in ends):
            if id(g) in handed_out:
                g = g.copy()
            handed_out.add(id(g))
            yield node, g
            continue
        if node.saved is None:
            raise _freed(node)
        rules = zip(node.parents, node.op.rules, node.op.lifted(node, lift))
        for position, (parent, rule, reads) in enumerate(rules):
            if reads is None or (path is not None and parent not in path):
                continue
            try:
                contribution = rule(g, *reads)
                if contribution is None:
                    continue
                if type(contribution) in _NUMBERS:
                    contribution = lift(np.asarray(contribution, parent.dtype), None)
                elif not isinstance(contribution, OutputGradients) and _bare(contribution):
                    contribution = lift(contribution, None)
                if contribution.shape != parent.shape or contribution.dtype != parent.dtype:
                    contribution = fit(contribution, parent.shape, parent.dtype)
            except Exception as error:
                raise _rule_failed(node, position, error) from error
            before = gradients.get(parent)
            if before is None:
                if parent.op is None and (contribution is g or _is_view(contribution.data)):
                    contribution = contribution.copy()
                gradients[parent] = contribution
                heappush(queue, (-parent.serial, parent))
            else:
                gradients[parent] = before + contribution
            if observer is not None:
                observer.flowed(node, position, parent, contribution, gradients[parent])


def backward(
    root: Node, seed: Any, *, retain_graph: bool, create_graph: bool, lift: Callable
) -> list[tuple[Any, Any]]:
    """The gradient of every leaf below `root`, given the gradient `seed` of `root` itself.

    Returns pairs (node, gradient): arrays, or Tensors with `create_graph`, which also keeps the
    graph. The nodes are leaves, and those that retain their gradient. No `.grad` is touched.
    """
    if not create_graph:
        return list(_first_order({root: seed}, retain_graph, lift, (), None))
    with enable_grad():
        return list(_recorded({root: seed}, lift, (), None))


def backward_to(
    ends: Collection[Node],
    path: Collection[Node],
    seeds: dict[Node, Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    lift: Callable,
) -> dict[Node, Any]:
    """The gradients of the nodes `ends` alone, given those of the nodes in `seeds`.

    Rules run, and arrays are freed, only on the `path`: the nodes that depend on one of the ends,
    the ends themselves among them. Nothing flows on beyond an end.
    """
    seeds = {node: g for node, g in seeds.items() if node in path}
    if not create_graph:
        return dict(_first_order(seeds, retain_graph, lift, ends, path))
    with enable_grad():
        return dict(_recorded(seeds, lift, ends, path))
