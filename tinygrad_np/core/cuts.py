"""Cuts: numbers that left the graph on the way to a loss, found where backward starts.

`exits` notes which values became bare numbers. Here is the search for what became of the numbers.
Nothing follows a Python number, so it goes by two signs: backward passes the value itself; or the
very number came in again as data, as it was or as one function of `math` gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .callsite import short_place
from .exits import waiting
from .node import Constant, Node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .exits import Exit
    from .op import Op

MOST_DATA = 10_000  # elements of an array that is searched


def check(roots: Collection[Node]) -> None:
    """Warn of the numbers that left on the way to these values, where backward is to start.

    A number that left after they were computed can't be on the way, and the loss itself is at its
    end.
    """
    exits = waiting.exits
    if not exits:
        return
    newest = max(root.serial for root in roots)
    candidates = []
    later = []
    for exit in exits:
        if exit.serial > newest:
            later.append(exit)
        elif exit.node not in roots:
            candidates.append(exit)
    if candidates:
        oldest = min(map(_oldest, candidates))
        on_the_way = find(candidates, _ancestors(roots, oldest))
        for exit in candidates:
            exit.lives -= 1
            if exit in on_the_way:
                exit.warn()
            elif exit.lives:
                later.append(exit)
    exits.clear()
    exits.extend(later)


def _oldest(exit: Exit) -> int:
    node = exit.node
    return exit.serial if node is None else node.serial


def _ancestors(roots: Collection[Node], floor: int) -> set[Node]:
    """Return the roots and what they depend on, as far back as the serial number `floor`."""
    nodes = set(roots)
    stack = list(roots)
    while stack:
        for parent in stack.pop().parents:
            if not isinstance(parent, Node) or parent in nodes:
                continue
            if parent.needs_grad and parent.serial >= floor:
                nodes.add(parent)
                stack.append(parent)
    return nodes


def find(exits: Collection[Exit], nodes: Collection[Node]) -> set[Exit]:
    """Return those of the numbers that went into these nodes; their `use` says how."""
    found = set()
    for exit in exits:
        if exit.node in nodes:
            exit.found("if that went into this loss too, its gradient misses that part")
            found.add(exit)
    gone = [exit for exit in exits if exit not in found and type(exit.number) is float]
    if gone:
        oldest = min(exit.serial for exit in gone)
        images = _images([exit.number for exit in gone])
        for node in nodes:
            if node.op is not None and node.serial > oldest:
                found.update(_matches(node, gone, images))
    return found


_FUNCTIONS = (
    (np.sqrt, np.exp, np.expm1, np.log, np.log1p, np.log2, np.log10)
    + (np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan)
    + (np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh, np.square, np.abs)
)


def _images(numbers: list[float]) -> np.ndarray:
    """Return the numbers, and what a program makes of them in one step: a row for each function.

    Numbers with few digits are nan: they could be anybody's. A number as it left has more trust.
    """
    x = np.array(numbers)
    with np.errstate(all="ignore"):
        rows = np.stack([f(x) for f in _FUNCTIONS])
        made = np.concatenate([-x[None], 1 / x[None], rows, -rows, 1 / rows])
        made[_is_short(made)] = np.nan
    as_it_left = np.where(np.isin(x, (-1, 0, 1)), np.nan, x)
    return np.concatenate([as_it_left[None], made])


def _is_short(x: Any) -> Any:
    scaled = x * 1024
    return scaled == np.floor(scaled)


def _matches(node: Node, exits: list[Exit], images: np.ndarray) -> Iterator[Exit]:
    """Yield those whose number is among the data that a call has read."""
    assert node.op is not None
    place = f" at {short_place(node.place)}" if node.place else ""
    hits: Any
    for serial, data in _data(node, node.op):
        if isinstance(data, float):
            hits = np.isclose(images, data, rtol=1e-15, atol=0).any(axis=0)
        else:
            own = images[0].astype(data.dtype)
            hits = np.isin(own, data) & ~_is_short(own)
        for exit, hit in zip(exits, hits, strict=True):
            if hit and exit.serial < serial:
                exit.found(f"{node.op.name}{place} computes with it", node)
                yield exit


def _data(node: Node, op: Op) -> Iterator[tuple[int, Any]]:
    """Yield the numbers and arrays that a call has read as data, each with a serial number."""
    literals = set(map(id, node.code.co_consts)) if node.code is not None else ()
    for parent in node.parents:
        if type(parent) is float and id(parent) not in literals:
            yield node.serial, parent
    n = len(op.inputs)
    slots_of_rules = op.slots * len(node.parents) if op.variadic else op.slots
    for reads, slots in zip(node.saved or (), slots_of_rules):
        for value, slot in zip(reads or (), slots):
            if slot >= n:
                continue
            arrays = value if op.variadic else (value,)
            parents = node.parents if op.variadic else node.parents[slot : slot + 1]
            for array, parent in zip(arrays, parents):
                is_data = type(parent) is Constant and array.dtype.kind == "f"
                if is_data and 0 < array.size <= MOST_DATA:
                    yield parent.serial, array.item() if array.size == 1 else array
