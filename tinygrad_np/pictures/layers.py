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

from .clusters import nesting, together

if TYPE_CHECKING:
    from collections.abc import Collection

    from .snapshot import Edge, Snapshot

SWEEPS = 8
MAX_PLACES = 20_000  # how many places long edges may take; beyond, they are drawn straight

Distances = list[list[tuple[int, int]]]  # per item: those below it, and how far at least


class Layered(NamedTuple):
    """Items 0 ... n-1 are the nodes; the items after them are places that long edges pass.

    `order` lists the items of each layer from left to right. `lanes` are the long lines: from a
    source, with a gradient or without, the places that it passes, one in each layer. `comes_from`
    says for each edge which item the line into its target starts at: the source, or a place of
    its lane. `above` and `below` are the neighbours of each item in the layers next to its own,
    `above` in the order of the arguments. `depth` is the number of ops in the longest way to
    each node. `nests` are the modules that each node is drawn in.
    """

    order: list[list[int]]
    lanes: dict[tuple[int, bool], range]
    comes_from: list[int]
    above: list[list[int]]
    below: list[list[int]]
    depth: list[int]
    nests: list[tuple[str, ...]]


def assign_layers(
    graph: Snapshot, top: Collection[int] = (), bottom: Collection[int] = ()
) -> Layered:
    """Return the layers from top (inputs) to bottom (outputs), ordered so that few edges cross.

    The nodes `top`, which have no sources, stay in the first layer; `bottom`, which have no
    targets, in the last one, alone.
    """
    nests = nesting(graph)
    depth, layer = _layers(graph, nests, top)
    last = 1 + max((row for i, row in enumerate(layer) if i not in bottom), default=0)
    layer = [last if i in bottom else row for i, row in enumerate(layer)]
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
    order = _uncross(order, above, nests)
    return Layered(order, lanes, comes_from, above, below, depth, nests)


def span(graph: Snapshot) -> int:
    """Count the layers that all edges together go down; the time of a layout grows with it."""
    layer = _layers(graph, nesting(graph))[1]
    return sum(layer[edge.target] - layer[edge.source] for edge in graph.edges)


def _layers(
    graph: Snapshot, nests: list[tuple[str, ...]], top: Collection[int] = ()
) -> tuple[list[int], list[int]]:
    """Return the depth of each node, which is the longest way to it in ops, and its layer."""
    sources: list[list[int]] = [[] for _ in graph.nodes]
    targets: list[list[int]] = [[] for _ in graph.nodes]
    for edge in graph.edges:
        sources[edge.target].append(edge.source)
        targets[edge.source].append(edge.target)
    n = len(graph.nodes)
    depth = [0] * n
    for i, above in enumerate(sources):
        depth[i] = max((depth[s] + 1 for s in above), default=0)
    below, sequence = _constraints(sources, nests)
    layer = [0] * len(below)
    for i in sequence:
        for t, distance in below[i]:
            layer[t] = max(layer[t], layer[i] + distance)
    for i in reversed(sequence):
        # Down to the first use, unless that makes more lines long than it makes short. Leaves
        # move along, or have one line for all their uses.
        moves = (i - n) % 2 == 0  # the top of a frame stays close to what is in it
        if i < n:
            tied = sum(bool(sources[s]) for s in sources[i])
            moves = bool(targets[i]) and tied <= len(targets[i]) and i not in top
        if moves and below[i]:
            layer[i] = min(layer[t] - distance for t, distance in below[i])
    rows = sorted(set(layer[:n]))
    number = {row: k for k, row in enumerate(rows)}
    return depth, [number[row] for row in layer[:n]]


def _constraints(
    sources: list[list[int]], nests: list[tuple[str, ...]]
) -> tuple[Distances, list[int]]:
    """Return what must be how far below each item, and the items from top to bottom.

    After the nodes come two items for each module, the top and the bottom of its frame: what a
    module reads stands above it, what reads its results below it. That can't be where a module is
    called again with what was made of its results: it gets no such items.
    """
    n = len(sources)
    framed = list(dict.fromkeys(path for nest in nests for path in nest))
    while True:
        tops = {path: n + 2 * k for k, path in enumerate(framed)}
        below = _distances(sources, nests, tops)
        sequence = _top_down(below)
        if len(sequence) == len(below):
            return below, sequence
        above: Distances = [[] for _ in below]
        for i, targets in enumerate(below):
            for t, distance in targets:
                above[t].append((i, distance))
        stuck = set(range(len(below))).difference(sequence, _top_down(above))
        framed = [path for path in framed if tops[path] + 1 not in stuck]


def _distances(
    sources: list[list[int]], nests: list[tuple[str, ...]], tops: dict[str, int]
) -> Distances:
    """Return what must be how far below each item; the bottom of a frame comes after its top."""
    below: Distances = [[] for _ in range(len(sources) + 2 * len(tops))]
    for i, nest in enumerate(nests):
        for path in nest:
            if path in tops:
                below[tops[path]].append((i, 0))
                below[i].append((tops[path] + 1, 0))
    for target, read in enumerate(sources):
        # One more row for other leaves that the target reads, outside of the frame.
        others = any(not sources[o] and not nests[o] for o in read)
        for s in read:
            below[s].append((target, 1))
            for path in nests[target]:
                if path in tops and path not in nests[s]:
                    below[s].append((tops[path], 1))
            for path in nests[s]:
                if path in tops and path not in nests[target]:
                    below[tops[path] + 1].append((target, 2 if others else 1))
    return below


def _top_down(below: Distances) -> list[int]:
    """Return the items, each after all above it; without those in a cycle or below one."""
    waiting = [0] * len(below)
    for targets in below:
        for t, _ in targets:
            waiting[t] += 1
    sequence = [i for i, count in enumerate(waiting) if not count]
    for i in sequence:  # grows on the way
        for t, _ in below[i]:
            waiting[t] -= 1
            if not waiting[t]:
                sequence.append(t)
    return sequence


def _lanes(
    edges: tuple[Edge, ...], layer: list[int]
) -> tuple[dict[tuple[int, bool], range], list[int]]:
    """Return the lanes, and the start of each edge (see `Layered`); adds places to `layer`.

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
    graph: Snapshot, layer: list[int], comes_from: list[int], above: list[list[int]]
) -> list[list[int]]:
    """Return an order to start from: walk up from the outputs, first argument first.

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


def _uncross(
    order: list[list[int]], above: list[list[int]], nests: list[tuple[str, ...]]
) -> list[list[int]]:
    """Return the order with the fewest crossings, of some sweeps down and up."""
    framed = any(nests)
    if framed:
        order = [together(items, nests) for items in order]
    best, fewest = order, _crossings(order, above)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        order = [list(items) for items in order]
        down = sweep % 2 == 0
        mean_positions = _from_above if down else _from_below
        for n in range(1, len(order)) if down else range(len(order) - 2, -1, -1):
            _sort_some(order[n], mean_positions(order, above, n))
            if framed:
                order[n] = together(order[n], nests)
        crossings = _crossings(order, above)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _from_above(order: list[list[int]], above: list[list[int]], n: int) -> dict[int, float]:
    """Return, for the items of layer n, the mean position of their neighbours above."""
    position = {item: k for k, item in enumerate(order[n - 1])}
    return {
        item: sum(map(position.__getitem__, above[item])) / len(above[item])
        for item in order[n]
        if above[item]
    }


def _from_below(order: list[list[int]], above: list[list[int]], n: int) -> dict[int, float]:
    """Return, for the items of layer n, the mean position below, arguments in their order."""
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
    """Count the pairs of lines between neighbouring layers that cross."""
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
