"""Backward: gradients flow from a loss back to the leaves.

The gradient of a value says how the loss changes when the value changes. That of the loss itself is
1. Each op has rules that turn the gradient of its result into those of its inputs, so one walk over
the recorded nodes, from the loss back to the leaves, finds them all. A value that was used twice
gets two contributions, and its gradient is their sum: this is the chain rule.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from . import errors, modes
from .doors import NUMERIC, as_array
from .kernels import sum_of_rows
from .lifting import lifted_reads

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .node import Node, Shape

_ARRAYS = frozenset({np.ndarray, np.float32, np.float64})
_NUMBERS = frozenset({int, float, bool})
_SCALAR = np.generic


def fit(g: Any, shape: Shape, dtype: np.dtype, result: Shape | None = None) -> Any:
    """Return the gradient `g` in the shape and dtype of the value that it belongs to.

    Axes along which the value was broadcast are summed; axes that a reduction dropped are
    broadcast back: the two are each other's adjoint, and here is the only place that does either.
    One that needs both must have the shape of the op's `result`, or it belongs to neither. Works on
    arrays and on Tensors.

    Raises:
        TypeError: a complex gradient for a real value.
        ValueError: a shape that does not belong to the value's.
    """
    before = g.shape
    if before != shape:
        if g.dtype.char == "e":  # float16, which loses the sum of many numbers
            g = g.astype(np.float32)
        new = g.ndim - len(shape)  # axes that broadcasting put in front
        if new == 1:
            g = sum_of_rows(g)
        elif new > 1:
            g = np.add.reduce(g, tuple(range(new)))
    if g.shape != shape:
        first = len(shape) - g.ndim
        lengths = zip(g.shape, shape[first:], strict=True)
        stretched = [axis for axis, (have, want) in enumerate(lengths) if have != want == 1]
        if stretched:
            g = np.add.reduce(g, tuple(stretched), keepdims=True)
        if g.shape != shape:
            is_summed = g.shape != before
            fits = all(have in (want, 1) for have, want in zip(g.shape, shape[first:]))
            if not fits or (is_summed and before != result):
                raise errors.misfit(before, shape, result)
            g = np.broadcast_to(g, shape)
    if g.dtype != dtype:
        kind = g.dtype.kind
        if kind == "c" and dtype.kind != "c":
            raise TypeError(f"a complex gradient ({g.dtype}) reached a real value ({dtype})")
        if kind not in NUMERIC:
            raise TypeError(f"a gradient of dtype {g.dtype} reached a value of {dtype}")
        g = g.astype(dtype)
    return g


def _gradient(answer: Any, dtype: np.dtype, recorded: bool) -> Any:
    """Return what a rule has answered as something that adds up: an array, or a recorded Tensor."""
    if type(answer) in _NUMBERS:
        return np.asarray(answer, dtype)
    is_tensor = getattr(answer, "requires_grad", None) is not None
    if is_tensor and not recorded:
        return answer._data
    if isinstance(answer, np.ndarray):
        return as_array(answer)  # of a subclass
    if answer is not None and not hasattr(answer, "dtype"):
        raise TypeError(f"it gave a {type(answer).__name__}, not an array")
    return answer


def _flow(
    gradients: dict[Node, Any],
    lift: Callable,
    *,
    retain_graph: bool,
    recorded: bool,
    ends: Collection[Node] = (),
    path: Collection[Node] | None = None,
) -> list[tuple[Node, Any]]:
    """Return each leaf below the given nodes with its gradient.

    Args:
        gradients: those of the nodes to start from.
        lift: makes a Tensor of an array and its node.
        retain_graph: keep what the rules have read.
        recorded: run the rules on Tensors, so that the gradients have a graph of their own.
        ends: nodes to stop at, as at leaves.
        path: the only nodes to go through; None for all.
    """
    watcher = modes.watcher.get()
    plain = frozenset(map(type, gradients.values())) if recorded else _ARRAYS
    results: list[tuple[Node, Any]] = []
    queue = [(-node.serial, node) for node in gradients if node.op and node not in ends]
    heapify(queue)
    while queue:
        # The newest node first. All uses of its value are newer, so they have contributed
        # by now: the gradient is whole.
        node = heappop(queue)[1]
        g = gradients.pop(node)
        if node.watch is not None:
            g = node.watch.run_hooks(node, g, lift)
            if node.watch.retains and path is None:
                results.append((node, g.copy()))
        if watcher is not None:
            watcher.reached(node, g)

        saved = node.saved
        if saved is None:
            raise errors.graph_freed(node)
        if not retain_graph:
            node.saved = None  # the arrays go as backward proceeds, not at its end
        op: Any = node.op
        if recorded:
            saved = lifted_reads(node, saved, lift)
        elif not isinstance(g, _SCALAR):
            g.setflags(False)  # several rules may be handed the same array

        position = -1  # counted by hand: enumerate() would cost 3 % of a small op
        for parent, rule, reads in zip(node.parents, op.rules, saved):
            position += 1
            if reads is None or (path is not None and parent not in path):
                continue
            try:
                contribution = rule(g, *reads)
                if type(contribution) not in plain:
                    contribution = _gradient(contribution, parent.dtype, recorded)
                    if contribution is None:  # a rule may say that nothing flows this time
                        continue
                    if recorded and not hasattr(contribution, "requires_grad"):
                        contribution = lift(contribution, None)
                # Rules know nothing of broadcasting: their answer is fitted here.
                if contribution.shape != parent.shape or contribution.dtype is not parent.dtype:
                    contribution = fit(contribution, parent.shape, parent.dtype, node.shape)
            except Exception as error:
                raise errors.rule_failed(node, position, error) from error

            total = contribution
            if parent in gradients:
                total = gradients[parent] + contribution
            elif parent.op and parent not in ends:
                # Its first contribution: it waits for the others in the queue.
                heappush(queue, (-parent.serial, parent))
            gradients[parent] = total
            if watcher is not None:
                watcher.flowed(node, position, parent, contribution, total)

    returned: set[int] = set()
    for node, g in reversed(gradients.items()):  # what is left are the leaves
        if node.watch is not None:
            g = node.watch.run_hooks(node, g, lift)
        if watcher is not None:
            watcher.reached(node, g)
        # They own their gradients: no two share an array, nor is one a view of another.
        array = g._data if recorded else g
        if array.base is not None or id(g) in returned:
            g = g.copy()
        returned.add(id(g))
        results.append((node, g))
    return results


def backward(
    root: Node,
    seed: Any,
    *,
    retain_graph: bool,
    create_graph: bool,
    lift: Callable,
) -> list[tuple[Node, Any]]:
    """Return the gradient of every leaf below `root`, given that of `root` itself, `seed`.

    Pairs (node, gradient), for leaves and for nodes that retain their gradient: arrays, or
    Tensors with `create_graph`, which also keeps the graph. No `.grad` is touched.
    """
    if not create_graph:
        return _flow({root: seed}, lift, retain_graph=retain_graph, recorded=False)
    with modes.Recorded():
        return _flow({root: seed}, lift, retain_graph=True, recorded=True)


def backward_to(
    ends: Collection[Node],
    path: Collection[Node],
    seeds: dict[Node, Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    lift: Callable,
) -> dict[Node, Any]:
    """Return the gradients of the nodes `ends` alone, given those of the nodes in `seeds`.

    Rules run, and arrays are freed, only on the `path`: the nodes that depend on one of the ends,
    the ends themselves among them. Nothing flows on beyond an end.
    """
    start = {node: g for node, g in seeds.items() if node in path}
    along: Any = {"ends": ends, "path": path}
    if not create_graph:
        return dict(_flow(start, lift, retain_graph=retain_graph, recorded=False, **along))
    with modes.Recorded():
        return dict(_flow(start, lift, retain_graph=True, recorded=True, **along))
