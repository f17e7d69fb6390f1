"""Variables of a function, and the part of the graph between them and its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.node import Constant, Node
from ..core.tensor import Tensor, wrap
from ..ops import TABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["outside", "path_to", "variable"]

_COPY = TABLE["copy"]


def variable(data: Any, source: Node | None, name: str | None = None) -> Tensor:
    """A Tensor with these values: a copy of what `source` made, or of a constant (None)."""
    parents = (source or Constant(data.shape, data.dtype),)
    saved = (() if source else None,)
    return wrap(data, Node(data.shape, data.dtype, name, _COPY, parents, saved))


def _flows(node: Node) -> list[Node]:
    """The inputs of a node that gradients flow to."""
    saved = node.saved or (True,) * len(node.parents)
    pairs = zip(node.parents, saved)
    return [p for p, reads in pairs if reads is not None and getattr(p, "needs_grad", False)]


def _below(roots: Iterable[Node], since: int) -> set[Node]:
    """The roots and all that they depend on, seen no further than nodes older than `since`."""
    found: set[Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            if node.serial >= since:
                waiting.extend(_flows(node))
    return found


def outside(roots: Iterable[Node], since: int, others: Collection[Any] = ()) -> list[Node]:
    """The nodes older than `since`, or among `others`, that the roots depend on."""
    found = [n for n in _below(roots, since) if n.serial < since or n in others]
    return sorted(found, key=lambda node: node.serial)


def path_to(ends: Collection[Node], roots: Iterable[Node], since: int) -> set[Node]:
    """The nodes from the roots down to the ends through which a gradient gets there."""
    path: set[Node] = set()
    for node in sorted(_below(roots, since), key=lambda node: node.serial):
        if node in ends or (node.serial >= since and any(p in path for p in _flows(node))):
            path.add(node)
    return path
