"""The built-in layout, first half: the layer of every node, and the order within each layer.

The method is the usual one for layered drawings (Sugiyama, Tagawa and Toda 1981): nodes in
layers so that all edges point down, long edges through a place in every layer between, and
sweeps that put each node at the mean position of its neighbours to undo crossings.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..snapshot import Edge, Graph

__all__ = ["Layered", "assign_layers", "span"]

SWEEPS = 8
MAX_PLACES = 20_000  # how many places long edges may take; beyond, they are drawn straight


class Layered(NamedTuple):
    """Items 0 ... n-1 are the nodes; the items after them are places that long edges pass.

    `order` lists the items of each layer from left to right. `lanes` are the long lines: from a
    source, with a gradient or without, the places that it passes, one in each layer. `comes_from`
    says for each edge which item the line into its target starts at: the source, or a place of
    its lane. `above` and `below` are the neighbours of each item in the layers next to its own,
    `above` in the order of the arguments. `depth` is the number of ops in the longest way to
    each node.
    """

    order: list[list[int]]
    lanes: dict[tuple[int, bool], range]
    comes_from: list[int]
    above: list[list[int]]
    below: list[list[int]]
    depth: list[int]


def assign_layers(graph: Graph) -> Layered:
    """Layers from top (inputs) to bottom (outputs), ordered so that few edges cross."""
    depth, layer = _layers(graph)
    lanes, comes_from = _lanes(graph.edges, layer)
    above: list[list[int]] = [[] for _ in layer]
    below: list[list[int]] = [[] for _ in layer]
    links = [(upper, edge.target) for upper, edge in zip(comes_from, graph.edges)]
    for (source, _), places in lanes.items():
        links += pairwise([source, *places])
    for upper, lower in dict.fromkeys(links):
        if layer[lower] == layer[upper] + 1:
            above[lower].append(upper)
            below[upper].append(lower)
    order = _first_order(graph, layer, comes_from, above)
    return Layered(_uncross(order, above), lanes, comes_from, above, below, depth)


def span(graph: Graph) -> int:
    """How many layers all edges together go down: what the time of a layout grows with."""
    layer = _layers(graph)[1]
    return sum(layer[edge.target] - layer[edge.source] for edge in graph.edges)


def _layers(graph: Graph) -> tuple[list[int], list[int]]:
    """The depth of each node, which is the first layer that it can be in, and its layer."""
    sources: list[list[int]] = [[] for _ in graph.nodes]
    targets: list[list[int]] = [[] for _ in graph.nodes]
    for edge in graph.edges:
        sources[edge.target].append(edge.source)
        targets[edge.source].append(edge.target)
    depth = [0] * len(graph.nodes)
    for i, above in enumerate(sources):
        depth[i] = max((depth[s] + 1 for s in above), default=0)
    layer = list(depth)
    for i in reversed(range(len(layer))):
        # Down to the first use, unless that makes more lines long than it makes short. Leaves
        # move along, or have one line for all their uses.
        tied = sum(bool(sources[s]) for s in sources[i])
        if targets[i] and tied <= len(targets[i]):
            layer[i] = min(layer[t] for t in targets[i]) - 1
    return depth, layer


def _lanes(
    edges: tuple[Edge, ...], layer: list[int]
) -> tuple[dict[tuple[int, bool], range], list[int]]:
    """The lanes, and what each edge comes from (see `Layered`); appends the places to `layer`.

    Edges from the same source share a lane, so that a weight used a hundred times gives one line
    with a hundred branches.
    """
    depth: dict[tuple[int, bool], int] = {}
    for edge in edges:
        key = edge.source, edge.gradient
        depth[key] = max(depth.get(key, 0), layer[edge.target])
    spare = MAX_PLACES
    lanes: dict[tuple[int, bool], range] = {}
    for key in sorted(depth, key=lambda k: depth[k] - layer[k[0]]):  # short ones first
        between = range(layer[key[0]] + 1, depth[key])
        if len(between) > spare:
            break
        if between:
            spare -= len(between)
            lanes[key] = range(len(layer), len(layer) + len(between))
            layer.extend(between)
    comes_from = []
    for edge in edges:
        passed = layer[edge.target] - layer[edge.source] - 1
        lane = lanes.get((edge.source, edge.gradient))
        comes_from.append(lane[passed - 1] if lane and passed else edge.source)
    return lanes, comes_from


def _first_order(
    graph: Graph, layer: list[int], comes_from: list[int], above: list[list[int]]
) -> list[list[int]]:
    """An order to start from: walk up from the outputs, first argument first.

    A tree has no crossings in it.
    """
    order: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    sources = defaultdict(list)
    for upper, edge in zip(comes_from, graph.edges):
        sources[edge.target].append(upper)
    used = {edge.source for edge in graph.edges}
    waiting = [node.id for node in reversed(graph.nodes) if node.id not in used]
    seen = set()
    while waiting:
        item = waiting.pop()
        if item not in seen:
            seen.add(item)
            order[layer[item]].append(item)
            waiting.extend(reversed(sources.get(item) or above[item]))
    return order


def _uncross(order: list[list[int]], above: list[list[int]]) -> list[list[int]]:
    """The best order found by sweeping down and up."""
    best, fewest = order, _crossings(order, above)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        order = [list(items) for items in order]
        layers = range(1, len(order)) if sweep % 2 == 0 else range(len(order) - 2, -1, -1)
        for n in layers:
            key = _from_above(order, above, n) if sweep % 2 == 0 else _from_below(order, above, n)
            _sort_some(order[n], key)
        crossings = _crossings(order, above)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _from_above(order: list[list[int]], above: list[list[int]], n: int) -> dict[int, float]:
    """For the items of layer n, the mean position of their neighbours above."""
    position = {item: k for k, item in enumerate(order[n - 1])}
    return {
        item: sum(map(position.__getitem__, above[item])) / len(above[item])
        for item in order[n]
        if above[item]
    }


def _from_below(order: list[list[int]], above: list[list[int]], n: int) -> dict[int, float]:
    """For the items of layer n, the mean position below, arguments of one op in their order."""
    positions: dict[int, list[float]] = defaultdict(list)
    for k, target in enumerate(order[n + 1]):
        for argument, item in enumerate(above[target]):
            positions[item].append(k + (argument + 1) / (len(above[target]) + 1))
    return {item: sum(ks) / len(ks) for item, ks in positions.items()}


def _sort_some(items: list[int], key: dict[int, float]) -> None:
    """Sort in place by key; items without one keep their places."""
    free = [k for k, item in enumerate(items) if item in key]
    for k, item in zip(free, sorted((items[k] for k in free), key=key.__getitem__)):
        items[k] = item


def _crossings(order: list[list[int]], above: list[list[int]]) -> int:
    """How many pairs of lines between neighbouring layers cross."""
    crossings = 0
    position: dict[int, int] = {}
    for items in order:
        passed: list[int] = []  # upper ends of the lines further left, sorted
        for item in items:
            ends = [position[upper] for upper in above[item]]
            crossings += sum(len(passed) - bisect_right(passed, end) for end in ends)
            # Arguments whose order is not that of the layer above cross before the box.
            crossings += sum(a > b for k, a in enumerate(ends) for b in ends[k + 1 :])
            for end in ends:
                insort(passed, end)
        position = {item: k for k, item in enumerate(items)}
    return crossings
