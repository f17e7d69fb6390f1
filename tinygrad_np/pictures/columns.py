"""The built-in layout, second half: the place of each item across its layer.

Items that follow each other are joined to blocks that stand straight above each other, as in
Brandes and Köpf (2001): the main line of a computation and long edges come out vertical. Then
the blocks move towards what they are connected to, as far as their neighbours allow.
"""

from __future__ import annotations

import math
from bisect import bisect
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from .clusters import PADDING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from .layers import Layered

NODE_GAP, LINE_GAP = 22, 14  # between neighbours in a layer; beside a line that passes it
PASSES = 12

Neighbours = dict[int, dict[int, float]]  # per block: its neighbours, and how far apart


def columns(layered: Layered, widths: Sequence[float], firm: Collection[int] = ()) -> list[float]:
    """Return the centre of every item, in pixels from anywhere: in order, without overlaps.

    `widths` are those of the nodes; the items after them are lines, and take no room. Of the nodes
    without sources, those that are `firm` stand straight above what reads them.
    """
    order = layered.order
    above = layered.above
    below = layered.below
    n = len(widths)
    leaf = [i < n and not above[i] and i not in firm for i in range(len(above))]
    block = _blocks(layered, leaf, n)
    nests = layered.nests
    distances = [[_distance(a, b, widths, nests) for a, b in pairwise(items)] for items in order]
    near: list[list[int]] = [[] for _ in above]  # per block, the blocks that it is drawn to
    for i, upper in enumerate(above):
        for u in upper:
            if block[u] != block[i] and not leaf[u]:
                near[block[i]].append(block[u])
            if block[u] != block[i]:
                near[block[u]].append(block[i])
    xs = _settle(order, distances, block, near)
    # Leaves give way to the ops: only now they get as near to their uses as there is room.
    for items, gaps in zip(order, distances):
        wishes, weights = [], []
        for i in items:
            uses = below[i]
            if leaf[i] and uses and all(block[use] != block[i] for use in uses):
                wishes.append(sum(xs[use] for use in uses) / len(uses))
                weights.append(1.0)
            else:
                wishes.append(xs[i])
                weights.append(1e9)
        offsets = list(accumulate(gaps, initial=0.0))
        for i, x in zip(items, spread(wishes, offsets, weights)):
            xs[i] = x
    return xs


def spread(
    wishes: Sequence[float], offsets: Sequence[float], weights: Sequence[float]
) -> list[float]:
    """Return the positions nearest to the wishes (least squares) that keep order and distance.

    `offsets` are the positions of all when they stand as close as they may. Subtracting them
    leaves an isotonic regression, solved by pooling neighbours that are in each other's way.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for wish, offset, weight in zip(wishes, offsets, weights):
        mean = wish - offset
        count = 1
        while pools and pools[-1][0] > mean:
            other, other_weight, other_count = pools.pop()
            mean += (other - mean) * other_weight / (weight + other_weight)
            weight += other_weight
            count += other_count
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets)]


def _distance(a: int, b: int, widths: Sequence[float], nests: list[tuple[str, ...]]) -> float:
    """Return the least distance between the centres of two neighbours."""
    n = len(widths)
    nodes = [item for item in (a, b) if item < n]
    half = sum(widths[node] / 2 for node in nodes)
    frames: set[str] = set()
    for node in nodes:
        frames ^= set(nests[node])
    gap = NODE_GAP if len(nodes) == 2 else LINE_GAP
    return half + gap + PADDING * len(frames)


def _blocks(layered: Layered, leaf: list[bool], n: int) -> list[int]:
    """Return, for each item, the top item of its block: all that stands in one vertical line."""
    block = list(range(len(leaf)))
    for upper_items, items in pairwise(layered.order):
        position = {item: k for k, item in enumerate(upper_items)}
        place = {item: k for k, item in enumerate(items)}
        candidates = []
        for v in items:
            firm = [u for u in layered.above[v] if not leaf[u] or v >= n]
            for u in _middle(firm, position):
                if v in _middle(layered.below[u], place):
                    depth = layered.depth[u] if u < n else 0
                    rank = _rank(u < n, v < n)
                    candidates.append((rank, -depth, position[u], place[v], u, v))
        lines: list[tuple[int, int]] = []  # from a place above to one below, left to right
        for *_, p, q, u, v in sorted(candidates):
            k = bisect(lines, (p, q))
            crossing = [line for line in lines[max(k - 1, 0) : k] if line[0] >= p or line[1] >= q]
            crossing += [line for line in lines[k : k + 1] if line[0] <= p or line[1] <= q]
            if not crossing:
                lines.insert(k, (p, q))
                block[v] = block[u]
    return block


def _rank(from_node: bool, to_node: bool) -> int:
    """Rank a connection: first the main line of ops, then long lines, then the ends of these."""
    if from_node != to_node:
        return 2
    return 0 if from_node else 1


def _middle(items: list[int], position: dict[int, int]) -> list[int]:
    """Return the item in the middle, or the two of an even number."""
    items = sorted(items, key=position.__getitem__)
    first = (len(items) - 1) // 2
    last = len(items) // 2
    return items[first : last + 1]


def _settle(
    order: list[list[int]],
    distances: list[list[float]],
    block: list[int],
    near: list[list[int]],
) -> list[float]:
    """Return the place of each item: its block's, from a first arrangement and in passes."""
    before: Neighbours = {b: {} for b in block}
    after: Neighbours = {b: {} for b in block}
    for items, gaps in zip(order, distances):
        for (left, right), gap in zip(pairwise(items), gaps):
            a, b = block[left], block[right]
            distance = max(gap, after[a].get(b, 0.0))
            after[a][b] = distance
            before[b][a] = distance
    sequence = list(_left_to_right(before, after))
    low: dict[int, float] = {}
    for b in sequence:
        low[b] = _least(low, before[b], 0.0)
    rightmost = max(low.values())
    high: dict[int, float] = {}
    for b in reversed(sequence):
        high[b] = _most(high, after[b], rightmost)
    xs = {b: (low[b] + high[b]) / 2 for b in sequence}
    for step in range(PASSES):
        for b in sequence if step % 2 else reversed(sequence):
            if near[b]:
                wish = sum(map(xs.__getitem__, near[b])) / len(near[b])
                least = _least(xs, before[b], -math.inf)
                most = _most(xs, after[b], math.inf)
                xs[b] = min(max(wish, least), most)
    return [xs[b] for b in block]


def _least(xs: dict[int, float], lefts: dict[int, float], default: float) -> float:
    """Return the least place that the left neighbours, each with its distance, allow."""
    return max((xs[a] + gap for a, gap in lefts.items()), default=default)


def _most(xs: dict[int, float], rights: dict[int, float], default: float) -> float:
    """Return the greatest place that the right neighbours, each with its distance, allow."""
    return min((xs[c] - gap for c, gap in rights.items()), default=default)


def _left_to_right(before: Neighbours, after: Neighbours) -> Iterator[int]:
    """Yield the blocks, each after all that stand left of it."""
    waiting = {b: len(lefts) for b, lefts in before.items()}
    ready = [b for b, count in waiting.items() if not count]
    while ready:
        b = ready.pop()
        yield b
        for c in after[b]:
            waiting[c] -= 1
            if not waiting[c]:
                ready.append(c)
