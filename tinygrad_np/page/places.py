"""Places of boxes and lines: each group's inside is laid out on its own, once.

The page draws an open group in its place among its neighbours, which give way; so whatever is open,
each group looks like a layout that was made for it. Values enter a group at its top and leave it at
its bottom, at ports.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ..pictures import style
from ..pictures.columns import columns
from ..pictures.layers import assign_layers
from ..pictures.snapshot import Edge, GraphNode, Snapshot
from .groups import Group, ways_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..pictures.layers import Layered
    from .telling import Captions

PORT_WIDTH = 2.0
LEAST_WIDTH, SIGN_WIDTH = 120.0, 46.0  # of a closed group's box; beside its title
LONGEST_NOTE, NOTE_PADDING = 40, 30  # characters of a caption in a box; beside it


class Line(NamedTuple):
    """A line in a group.

    Attributes:
        value: the node whose value it carries.
        start, end: the members that it leads from and to; None for a port.
        argument: of the op that it ends at; -1 for a group and a port.
    """

    value: int
    start: Any
    end: Any
    argument: int


def places_of(drawn: Snapshot, whole: Group, captions: Captions) -> list[dict[str, Any]]:
    """Return all groups of a graph as dictionaries that become JSON, outer ones first.

    `drawn` is the graph with the names that its boxes show. A caption widens a box, and a group
    that is a module has it as its `note`.

    A group has a `title`, how many `ops` are in it, its `members` (numbers of nodes; of groups,
    counted on from there) and the `width` of its title. Its items are the values that `enter`, the
    members, the values that `leave`, and places that long lines pass. `rows` are the items of each
    layer from left to right, `xs` the centre of each, `widths` those of the members. A line has the
    value that it carries, the item it starts at, the item it ends at, the argument, 1 if a gradient
    flows, and of the places that it passes the first and how many.
    """
    groups = list(whole.walk())
    numbers: dict[Any, int] = {group: len(drawn.nodes) + k for k, group in enumerate(groups)}
    lines = _lines_by_group(drawn, whole)
    inside = [_Inside(drawn, group, lines[group], numbers) for group in groups]
    return [part.entry(captions) for part in inside]


def _lines_by_group(graph: Snapshot, whole: Group) -> dict[Group, dict[Line, bool]]:
    """Return the lines in each group, and for each whether a gradient flows.

    An edge is a line where its ends are in one group; else several: from each group up to where
    the ways meet, and down from there.
    """
    ways = ways_in(whole)
    lines: dict[Group, dict[Line, bool]] = {group: {} for group in whole.walk()}
    for edge in graph.edges:
        for group, line in _pieces(edge, ways):
            known = lines[group].get(line, False)
            lines[group][line] = known or edge.gradient
    return lines


def _pieces(edge: Edge, ways: dict[int, tuple[Group, ...]]) -> Iterator[tuple[Group, Line]]:
    """Yield the lines of an edge, each with its group."""
    value, target = edge.source, edge.target
    source_way, target_way = ways[value], ways[target]
    meet = sum(a is b for a, b in zip(source_way, target_way))
    up: list[Any] = [*source_way[meet:], value]
    down: list[Any] = [*target_way[meet:], target]
    for group, inner in pairwise(up):
        yield group, Line(value, inner, None, -1)
    start = up[0]
    around = target_way[meet - 1]
    for end in down:
        argument = edge.argument if end == target else -1
        yield around, Line(value, start, end, argument)
        start = None
        around = end


class _Inside:
    """The inside of a group while it is laid out.

    Attributes:
        enter, leave: the values that come in from outside, and those that are used there.
        items: the place among all items of the members and of the ports.
    """

    def __init__(
        self,
        graph: Snapshot,
        group: Group,
        lines: dict[Line, bool],
        numbers: dict[Any, int],
    ) -> None:
        self.graph = graph
        self.group = group
        self.lines = lines
        self.numbers = numbers
        self.enter = list(dict.fromkeys(line.value for line in lines if line.start is None))
        self.leave = list(dict.fromkeys(line.value for line in lines if line.end is None))
        order: list[Any] = [("enter", value) for value in self.enter]
        order += group.members
        order += [("leave", value) for value in self.leave]
        self.items = {item: k for k, item in enumerate(order)}

    def entry(self, captions: Captions) -> dict[str, Any]:
        """Return the group as a dictionary, see `places_of`."""
        count = len(self.items)
        top = set(range(len(self.enter)))
        bottom = set(range(count - len(self.leave), count))
        nodes = tuple(GraphNode(k, "op", None, None, None, None) for k in range(count))
        ends = self._ends()
        layered = assign_layers(Snapshot(nodes, tuple(ends.values())), top, bottom)
        group = self.group
        widths = [self._width(member, captions) for member in group.members]
        room = [PORT_WIDTH] * len(top)
        room += widths
        room += [PORT_WIDTH] * len(bottom)
        xs = columns(layered, room, firm=top)
        return {
            "title": group.title,
            "kind": group.kind,
            "note": captions.modules.get(group.path, ""),
            "ops": group.ops,
            "members": [self.numbers.get(member, member) for member in group.members],
            "width": round(_title_width(group)),
            "enter": self.enter,
            "leave": self.leave,
            "rows": layered.order,
            "xs": list(map(round, xs)),
            "widths": list(map(round, widths)),
            "lines": list(_lines(ends, layered)),
        }

    def _ends(self) -> dict[Line, Edge]:
        """Return each line as an edge between items, those into one item in order."""
        entering: Counter[int] = Counter()
        edges = {}
        for line, gradient in self.lines.items():
            start = line.start
            if start is None:
                start = "enter", line.value
            end = line.end
            if end is None:
                end = "leave", line.value
            target = self.items[end]
            argument = entering[target] if line.argument < 0 else line.argument
            entering[target] += 1
            edges[line] = Edge(self.items[start], target, argument, gradient)
        order = sorted(edges, key=lambda line: (edges[line].target, edges[line].argument))
        return {line: edges[line] for line in order}

    def _width(self, member: Any, captions: Captions) -> float:
        if isinstance(member, Group):
            title = _title_width(member) + SIGN_WIDTH
            return max(LEAST_WIDTH, title, _note_width(captions.modules.get(member.path)))
        box, _ = style.box_size(self.graph.nodes[member])
        return max(box, _note_width(captions.nodes.get(member)))


def _note_width(note: str | None) -> float:
    text = style.one_line(note or "", LONGEST_NOTE)
    return style.text_width(text, style.QUIET_SIZE) + NOTE_PADDING


def _lines(ends: dict[Line, Edge], layered: Layered) -> Iterator[list[int]]:
    """Yield the numbers of each line."""
    for (line, edge), upper in zip(ends.items(), layered.comes_from):
        numbers = [line.value, edge.source, edge.target, line.argument, int(edge.gradient)]
        if upper != edge.source:
            first = layered.lanes[edge.source, edge.gradient].start
            numbers += [first, upper - first + 1]
        yield numbers


def _title_width(group: Group) -> float:
    return style.text_width(group.title, style.BOLD_SIZE)
