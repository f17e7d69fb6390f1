"""The modules of a graph as frames around their nodes."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .snapshot import Snapshot

PADDING = 11  # between a frame and what is in it
Nest = tuple[str, ...]  # modules, outermost first
Span = tuple[float, float]  # from left to right


class Band(NamedTuple):
    """A frame before its height is known: rows `first` to `last`, from `left` to `right`.

    `inside` counts the frames nested in it.
    """

    path: str
    first: int
    last: int
    left: float
    right: float
    inside: int


def nesting(graph: Snapshot) -> list[Nest]:
    """Return, for each node, the modules that it is drawn in, outermost first.

    A module has no frame if there would be only one box or one other frame in it.
    """
    boxes: Counter[str] = Counter()
    for node in graph.nodes:
        if node.module:
            boxes[node.module] += node.kind != "number"
    lines = {path: _prefixes(path) for path in boxes}
    children: dict[str, set[str]] = defaultdict(set)
    for line in lines.values():
        for parent, child in pairwise(line):
            children[parent].add(child)
    framed = {path for path in boxes if boxes[path] + len(children[path]) > 1}
    framed |= {parent for parent, inside in children.items() if len(inside) > 1}
    nests: dict[str, Nest] = {"": ()}
    for path, line in lines.items():
        nests[path] = tuple(prefix for prefix in line if prefix in framed)
    return [nests[node.module] for node in graph.nodes]


def _prefixes(path: str) -> list[str]:
    """Return the modules around a module and itself, outermost first: `a`, `a.b`, `a.b.c`."""
    names = path.split(".")
    return [".".join(names[:end]) for end in range(1, len(names) + 1)]


def label(graph: Snapshot, path: str) -> str:
    """Return the label on the frame of a module: `0 · Linear`."""
    kind = graph.modules.get(path)
    return path if kind is None or kind == path else f"{path} · {kind}"


def together(items: Sequence[int], nests: list[Nest], level: int = 0) -> list[int]:
    """Sort the items of a layer: those of one module together, else in their order."""
    groups: dict[tuple[str, int], list[int]] = {}
    places: dict[tuple[str, int], float] = {}
    for place, item in enumerate(items):
        key = "", item
        if item < len(nests) and len(nests[item]) > level:
            key = nests[item][level], -1
        groups.setdefault(key, []).append(item)
        places[key] = places.get(key, 0.0) + place
    items_together: list[int] = []
    for key in sorted(groups, key=lambda k: places[k] / len(groups[k])):
        group = groups[key]
        if key[0] and len(group) > 1:
            group = together(group, nests, level + 1)
        items_together += group
    return items_together


def bands(
    nests: list[Nest],
    row: Sequence[int],
    xs: Sequence[float],
    widths: Sequence[float],
) -> list[Band]:
    """Return the frames, outer ones first: one a module, more where others stand in between.

    A frame never covers a node of another module: a module that is called twice, with other ops
    between, has two.
    """
    members: dict[str, list[int]] = {}
    depth: dict[str, int] = {}
    for i, nest in enumerate(nests):
        for level, path in enumerate(nest):
            members.setdefault(path, []).append(i)
            depth[path] = level
    spans = [(x - width / 2, x + width / 2) for x, width in zip(xs, widths)]
    frames: list[Band] = []
    for path in sorted(members, key=lambda p: (depth[p], members[p][0])):
        nodes = members[path]
        deepest = max(len(nests[i]) for i in nodes)
        inside = deepest - depth[path] - 1
        pad = PADDING * (inside + 1)
        others = set(range(len(nests))).difference(nodes)
        foreign = _by_row(others, row, spans)
        rows = _by_row(nodes, row, spans)
        own: list[Band] = []
        for k in sorted(rows):
            left = min(start for start, _ in rows[k]) - pad
            right = max(end for _, end in rows[k]) + pad
            band = Band(path, k, k, left, right, inside)
            if own:
                joined = _joined(own[-1], band)
                if not _covers(joined, foreign):
                    own[-1] = joined
                    continue
            own.append(band)
        frames += own
    return frames


def _by_row(items: Iterable[int], row: Sequence[int], spans: list[Span]) -> dict[int, list[Span]]:
    """Sort the spans of items by their row."""
    rows: dict[int, list[Span]] = defaultdict(list)
    for i in items:
        rows[row[i]].append(spans[i])
    return rows


def _joined(upper: Band, lower: Band) -> Band:
    """Return a frame around two of one module."""
    left = min(upper.left, lower.left)
    right = max(upper.right, lower.right)
    return upper._replace(last=lower.last, left=left, right=right)


def _covers(band: Band, foreign: dict[int, list[Span]]) -> bool:
    """Return True if a node of another module would stand in the frame."""
    for k in range(band.first, band.last + 1):
        for start, end in foreign.get(k, ()):
            if start < band.right and end > band.left:
                return True
    return False
