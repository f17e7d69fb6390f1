"""The modules of a graph as frames around their nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .snapshot import Snapshot

__all__ = ["PADDING", "Band", "bands", "label", "nesting", "together"]

PADDING = 11  # between a frame and what is in it


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


def nesting(graph: Snapshot) -> list[tuple[str, ...]]:
    """For each node the modules that it is drawn in, outermost first.

    A module has no frame if there would be only one box or one other frame in it.
    """
    held: dict[str, int] = {}
    for node in graph.nodes:
        if node.module:
            held[node.module] = held.get(node.module, 0) + (node.kind != "number")
    used = set(held)
    children: dict[str, set[str]] = {}
    for path in used:
        parent, _, _ = path.rpartition(".")
        while parent:
            children.setdefault(parent, set()).add(path)
            path, (parent, _, _) = parent, parent.rpartition(".")
    shown = {path for path, count in held.items() if count + len(children.get(path, ())) > 1}
    shown |= {parent for parent, inside in children.items() if len(inside) > 1}
    found: dict[str, tuple[str, ...]] = {"": ()}
    for path in used:
        names = path.split(".")
        prefixes = (".".join(names[: k + 1]) for k in range(len(names)))
        found[path] = tuple(prefix for prefix in prefixes if prefix in shown)
    return [found[node.module] for node in graph.nodes]


def label(graph: Snapshot, path: str) -> str:
    """What stands on the frame of a module: `0 · Linear`."""
    kind = graph.modules.get(path)
    return path if kind is None or kind == path else f"{path} · {kind}"


def together(items: Sequence[int], nests: list[tuple[str, ...]], level: int = 0) -> list[int]:
    """The items of a layer with those of one module beside each other, else in their order."""
    groups: dict[tuple[str, int], list[int]] = {}
    places: dict[tuple[str, int], float] = {}
    for place, item in enumerate(items):
        nest = nests[item] if item < len(nests) else ()
        key = (nest[level], -1) if len(nest) > level else ("", item)
        groups.setdefault(key, []).append(item)
        places[key] = places.get(key, 0.0) + place
    found: list[int] = []
    for key in sorted(groups, key=lambda k: places[k] / len(groups[k])):
        group = groups[key]
        found += together(group, nests, level + 1) if key[0] and len(group) > 1 else group
    return found


def bands(
    nests: list[tuple[str, ...]],
    row: Sequence[int],
    xs: Sequence[float],
    widths: Sequence[float],
) -> list[Band]:
    """The frames, outer ones first: one for each module, more where others stand in between.

    A frame never covers a node of another module: a module that is called twice, with other ops
    between, has two.
    """
    members: dict[str, list[int]] = {}
    depth: dict[str, int] = {}
    for i, nest in enumerate(nests):
        for level, path in enumerate(nest):
            members.setdefault(path, []).append(i)
            depth[path] = level
    deepest = {
        path: max(len(nests[i]) for i in inside) - depth[path] - 1
        for path, inside in members.items()
    }
    found = []
    for path in sorted(members, key=lambda p: (depth[p], members[p][0])):
        inside = set(members[path])
        pad = PADDING * (deepest[path] + 1)
        foreign: dict[int, list[int]] = {}
        for i in range(len(nests)):
            if i not in inside:
                foreign.setdefault(row[i], []).append(i)
        rows: dict[int, list[int]] = {}
        for i in members[path]:
            rows.setdefault(row[i], []).append(i)
        open_band: Band | None = None
        for k in sorted(rows):
            left = min(xs[i] - widths[i] / 2 for i in rows[k]) - pad
            right = max(xs[i] + widths[i] / 2 for i in rows[k]) + pad
            alone = Band(path, k, k, left, right, deepest[path])
            if open_band is not None:
                joined = open_band._replace(
                    last=k, left=min(left, open_band.left), right=max(right, open_band.right)
                )
                if not _covers(joined, foreign, xs, widths):
                    open_band = joined
                    continue
                found.append(open_band)
            open_band = alone
        if open_band is not None:
            found.append(open_band)
    return found


def _covers(
    band: Band, foreign: dict[int, list[int]], xs: Sequence[float], widths: Sequence[float]
) -> bool:
    return any(
        xs[i] - widths[i] / 2 < band.right and xs[i] + widths[i] / 2 > band.left
        for k in range(band.first, band.last + 1)
        for i in foreign.get(k, ())
    )
