"""The built-in layout, second half: where the items of each layer stand across.

Items that follow each other are joined to blocks that stand straight above each other, as in
Brandes and Köpf (2001): the main line of a computation and long edges come out vertical. Then
the blocks move towards what they are connected to, as far as their neighbours allow.
"""

from __future__ import annotations

import math
from bisect import bisect
from itertools import pairwise
from typing import TYPE_CHECKING

from .clusters import PADDING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .layers import Layered

__all__ = ["columns", "spread"]

NODE_GAP, LINE_GAP = 22, 14  # between neighbours in a layer; beside a line that passes it
PASSES = 12


def columns(layered: Layered, widths: Sequence[float]) -> list[float]:
    """The centre of every item, in pixels from anywhere: in order, without overlaps.

    `widths` are those of the nodes; the items after them are lines, and take no room.
    """
    order, above, below = layered.order, layered.above, layered.below
    n = len(widths)
    leaf = [i < n and not above[i] for i in range(len(above))]
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
        offsets = [0.0]
        for gap in gaps:
            offsets.append(offsets[-1] + gap)
        wanted, weights = [], []
        for i in items:
            free = leaf[i] and below[i] and all(block[t] != block[i] for t in below[i])
            wanted.append(sum(xs[t] for t in below[i]) / len(below[i]) if free else xs[i])
            weights.append(1.0 if free else 1e9)
        for i, x in zip(items, spread(wanted, offsets, weights)):
            xs[i] = x
    return xs


def spread(
    wanted: Sequence[float], offsets: Sequence[float], weights: Sequence[float]
) -> list[float]:
    """The positions nearest to the wanted ones (least squares) that keep order and distance.

    `offsets` are the positions of all when they stand as close as they may. Subtracting them
    leaves an isotonic regression, solved by pooling neighbours that are in each other's way.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, offset, weight in zip(wanted, offsets, weights):
        mean, count = want - offset, 1
        while pools and pools[-1][0] > mean:
            other, other_weight, other_count = pools.pop()
            mean += (other - mean) * other_weight / (weight + other_weight)
            weight += other_weight
            count += other_count
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets)]


def _distance(a: int, b: int, widths: Sequence[float], nests: list[tuple[str, ...]]) -> float:
    n = len(widths)
    half = (widths[a] if a < n else 0) / 2 + (widths[b] if b < n else 0) / 2
    frames = set(nests[a] if a < n else ()) ^ set(nests[b] if b < n else ())
    return half + (NODE_GAP if a < n and b < n else LINE_GAP) + PADDING * len(frames)


def _blocks(layered: Layered, leaf: list[bool], n: int) -> list[int]:
    """For each item the top item of its block: what shall stand in one vertical line."""
    block = list(range(len(leaf)))
    for upper_items, items in pairwise(layered.order):
        position = {item: k for k, item in enumerate(upper_items)}
        place = {item: k for k, item in enumerate(items)}
        candidates = []
        for v in items:
            firm = [u for u in layered.above[v] if not leaf[u] or v >= n]
            for u in _middle(firm, position):
                if v in _middle(layered.below[u], place):
                    # First the main line of ops, then long lines, then the ends of these.
                    rank = 0 if u < n and v < n else 1 if u >= n and v >= n else 2
                    depth = layered.depth[u] if u < n else 0
                    candidates.append((rank, -depth, position[u], place[v], u, v))
        joined: list[tuple[int, int]] = []
        for *_, p, q, u, v in sorted(candidates):
            k = bisect(joined, (p, q))
            free_left = k == 0 or (joined[k - 1][0] < p and joined[k - 1][1] < q)
            free_right = k == len(joined) or (joined[k][0] > p and joined[k][1] > q)
            if free_left and free_right:
                joined.insert(k, (p, q))
                block[v] = block[u]
    return block


def _middle(items: list[int], position: dict[int, int]) -> list[int]:
    """The item in the middle, or the two of an even number."""
    items = sorted(items, key=position.__getitem__)
    return items[(len(items) - 1) // 2 : len(items) // 2 + 1]


def _settle(
    order: list[list[int]],
    distances: list[list[float]],
    block: list[int],
    near: list[list[int]],
) -> list[float]:
    """Where the blocks stand, for each item: from a first arrangement, in passes."""
    before: dict[int, dict[int, float]] = {b: {} for b in block}  # left neighbours, distances
    after: dict[int, dict[int, float]] = {b: {} for b in block}
    for items, gaps in zip(order, distances):
        for (left, right), gap in zip(pairwise(items), gaps):
            a, b = block[left], block[right]
            after[a][b] = before[b][a] = max(gap, after[a].get(b, 0.0))
    sequence = list(_left_to_right(before, after))
    low: dict[int, float] = {}
    for b in sequence:
        low[b] = max((low[a] + gap for a, gap in before[b].items()), default=0.0)
    rightmost = max(low.values())
    high: dict[int, float] = {}
    for b in reversed(sequence):
        high[b] = min((high[c] - gap for c, gap in after[b].items()), default=rightmost)
    xs = {b: (low[b] + high[b]) / 2 for b in sequence}
    for step in range(PASSES):
        for b in sequence if step % 2 else reversed(sequence):
            if near[b]:
                want = sum(map(xs.__getitem__, near[b])) / len(near[b])
                least = max((xs[a] + gap for a, gap in before[b].items()), default=-math.inf)
                most = min((xs[c] - gap for c, gap in after[b].items()), default=math.inf)
                xs[b] = min(max(want, least), most)
    return [xs[b] for b in block]


def _left_to_right(
    before: dict[int, dict[int, float]], after: dict[int, dict[int, float]]
) -> Iterator[int]:
    """The blocks, each after all that stand left of it."""
    waiting = {b: len(lefts) for b, lefts in before.items()}
    ready = [b for b, count in waiting.items() if not count]
    while ready:
        b = ready.pop()
        yield b
        for c in after[b]:
            waiting[c] -= 1
            if not waiting[c]:
                ready.append(c)
