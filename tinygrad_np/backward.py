"""How gradients flow back: the rules of the recorded ops, the newest node first."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from .modes import enable_grad, recorder
from .node import Node, part

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["backward", "backward_to", "fit"]


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


def _lifted(node: Node, lift: Callable) -> Iterator[tuple[Any, ...] | None]:
    """What the rules of `node` read, as Tensors that are recorded from here on."""
    op, saved = node.op, node.saved
    assert op is not None and saved is not None
    n = len(op.inputs)

    def lift_input(array: Any, parent: Any) -> Any:
        # Labels, masks and numbers stay what they are.
        floats = isinstance(parent, Node) and parent.dtype.kind in "fc"
        return lift(array, parent) if floats else array

    def lift_read(value: Any, slot: int) -> Any:
        if slot < n:
            if op.variadic:
                return tuple(map(lift_input, value, node.parents))
            return lift_input(value, node.parents[slot])
        if slot == n:
            if isinstance(value, tuple):
                return tuple(lift(o, part(node, k, value)) for k, o in enumerate(value))
            return lift(value, node)
        return value

    keeps: tuple = ()
    if op.keeps:
        # Hidden outputs depend on the inputs too: compute them again, recorded.
        inputs = tuple(map(lift_read, saved[-1][:n], range(n)))
        keeps = op.forward(*inputs, **dict(zip(op.params, saved[-1][n + 1 :])))
        keeps = keeps[-len(op.keeps) :]
    first_keep = op.layout.index(op.keeps[0]) if op.keeps else 0
    slots = repeat(op.slots[0]) if op.variadic else op.slots
    for reads, where in zip(saved, slots):
        if reads is None:
            yield None
            continue
        yield tuple(
            keeps[slot - first_keep]
            if 0 <= slot - first_keep < len(keeps)
            else lift_read(value, slot)
            for value, slot in zip(reads, where, strict=True)
        )


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


def _flowing(
    gradients: dict[Node, Any],
    *,
    retain_graph: bool,
    recorded: bool,
    lift: Callable,
    ends: Collection[Node] = (),
    path: Collection[Node] | None = None,
) -> Iterator[tuple[Any, Any]]:
    """Yield every leaf below the given nodes, with its gradient: the newest node goes first.

    The rules run on arrays or, where the gradients are to be `recorded`, on Tensors: then
    `lift(array, node)` makes the Tensor that stands for a saved array. Leaves own their
    gradients: no two share an array, and none is a view of something else. With a `path`,
    gradients flow along its nodes only, and are yielded at its `ends`.
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
        if recorded:
            saved = tuple(_lifted(node, lift))
        else:
            g.setflags(False)  # several rules may be handed the same array
        for parent, rule, reads in zip(node.parents, node.op.rules, saved):
            if reads is None or (path is not None and parent not in path):
                continue
            try:
                contribution = rule(g, *reads)
                if contribution is None:
                    continue
                if type(contribution) in _NUMBERS:
                    contribution = np.asarray(contribution, parent.dtype)
                if recorded and not hasattr(contribution, "requires_grad"):
                    contribution = lift(contribution, None)
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


def _is_view(value: Any) -> bool:
    """Whether an array, or that of a Tensor, looks into the memory of another."""
    return getattr(getattr(value, "_data", value), "base", None) is not None


def backward(
    root: Node, seed: Any, *, retain_graph: bool, create_graph: bool, lift: Callable
) -> list[tuple[Any, Any]]:
    """The gradient of every leaf below `root`, given the gradient `seed` of `root` itself.

    Returns pairs (node, gradient): arrays, or Tensors with `create_graph`, which also keeps the
    graph. The nodes are leaves, and those that retain their gradient. No `.grad` is touched.
    """
    flowing = _flowing(
        {root: seed}, retain_graph=retain_graph or create_graph, recorded=create_graph, lift=lift
    )
    if not create_graph:
        return list(flowing)
    with enable_grad():
        return list(flowing)


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
    flowing = _flowing(
        {node: g for node, g in seeds.items() if node in path},
        retain_graph=retain_graph or create_graph,
        recorded=create_graph,
        lift=lift,
        ends=ends,
        path=path,
    )
    if not create_graph:
        return dict(flowing)
    with enable_grad():
        return dict(flowing)
