"""Groups of nodes that open and close in the page: modules, loops, and the turns of a loop.

The ops of a group follow each other in the order of recording, so what a group reads was made
before it, and a closed group can stand as one box in the graph without a cycle.
"""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

from ..pictures.clusters import label, nesting
from ..pictures.folding import Part, part_of, repeats
from ..pictures.style import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..pictures.snapshot import Snapshot

    Members = list["int | Group"]
    Way = tuple["Group", ...]  # the groups around a node, outermost first
    Turn = tuple[Part, ...]  # of a loop

FEWEST_TURNS, FEWEST_OPS = 3, 9  # of a loop that gets a group
MOST_BRANCHES = 4  # that look alike and stand beside each other, such as q, k and v


class Group:
    """Nodes that are drawn as one box, or in one frame.

    Attributes:
        title: the words on its box.
        kind: "module", "loop", "turn" of a loop, or "all", the outermost group.
        members: the numbers of nodes, and groups.
        path: of a module.
        ops: how many ops are in it, those of the groups in it included.
    """

    def __init__(self, title: str, kind: str, members: Members, path: str = "") -> None:
        self.title = title
        self.path = path
        self.kind = kind
        self.members = members
        counts = [member.ops if isinstance(member, Group) else 1 for member in members]
        self.ops: int = sum(counts)

    def walk(self) -> Iterator[Group]:
        """Yield the group and all in it, outer ones first."""
        yield self
        for member in self.members:
            if isinstance(member, Group):
                yield from member.walk()


def groups_of(graph: Snapshot) -> Group:
    """Return the outermost group, whose members are all nodes of the graph."""
    return _Grouping(graph).everything()


class _Grouping:
    """The groups of a graph while they are made: first of its ops, then the leaves join them."""

    def __init__(self, graph: Snapshot) -> None:
        self.graph = graph
        self.nests = nesting(graph)
        self.sources: list[list[int]] = [[] for _ in graph.nodes]
        self.users: list[list[int]] = [[] for _ in graph.nodes]
        for edge in graph.edges:
            self.sources[edge.target].append(edge.source)
            self.users[edge.source].append(edge.target)

    def everything(self) -> Group:
        ops = [node.id for node in self.graph.nodes if node.op is not None]
        whole = Group("", "all", self._members(ops, 0))
        self._add_leaves(whole)
        whole.members = _worth_a_box(whole.members)
        return whole

    # --- ops ---------------------------------------------------------------------------------

    def _members(self, ops: list[int], level: int) -> Members:
        """Return ops of one module as members: those of modules in it, and loops, as groups."""
        paths: dict[Any, str] = {}  # of the parts that are modules
        parts = []
        for path, run in groupby(ops, lambda i: self._path(i, level)):
            ids = tuple(run)
            pieces = [ids] if path else [(i,) for i in ids]
            for piece in pieces:
                nodes = [self.graph.nodes[i] for i in piece]
                parts.append(part_of(self.graph, nodes, self.sources, path))
                if path:
                    paths[piece] = path
        members: Members = []
        for part in repeats(parts):
            members += self._members_of(part, paths, level)
        return members

    def _path(self, op: int, level: int) -> str:
        """Return the module of this level that an op is in, or ""."""
        nest = self.nests[op]
        return nest[level] if len(nest) > level else ""

    def _members_of(self, part: Part, paths: dict[Any, str], level: int) -> Members:
        """Return a part as members: a loop or a module is one, of what is too short each op."""
        if not part.inside:
            path = paths.get(part.ops)
            return list(part.ops) if path is None else [self._module(part, path, level)]
        turns = _turns(part)
        inside: list[Members] = []
        for turn in turns:
            members = [self._members_of(piece, paths, level) for piece in turn]
            inside.append(list(chain(*members)))
        if not self._is_loop(turns):
            return list(chain(*inside))
        return [Group(_loop_title(turns), "loop", list(_turn_groups(inside)))]

    def _module(self, part: Part, path: str, level: int) -> Group:
        """Return a module as a group; one that is a loop and nothing else, as a loop."""
        members = self._members(list(part.ops), level + 1)
        title = one_line(label(self.graph, path))
        if level:
            outer = self.nests[part.ops[0]][level - 1]
            title = title.removeprefix(f"{outer}.")
        first = members[0]
        if len(members) > 1 or not isinstance(first, Group) or first.kind != "loop":
            return Group(title, "module", members, path)
        if path in self.graph.modules:  # a layer that is called in a loop, else a list of layers
            title = f"{title} ×{len(first.members)}"
        else:
            title = f"{title} · {first.title}"
        return Group(title, "loop", first.members, path)

    def _is_loop(self, turns: list[Turn]) -> bool:
        """Say whether turns are worth a group: enough, and of a few each reads the one before."""
        if (
            len(turns) < FEWEST_TURNS
            or sum(len(part.ops) for turn in turns for part in turn) < FEWEST_OPS
        ):
            return False
        first, second = ({op for part in turn for op in part.ops} for turn in turns[:2])
        reads = {source for op in second for source in self.sources[op]}
        return len(turns) > MOST_BRANCHES or not first.isdisjoint(reads)

    # --- leaves ------------------------------------------------------------------------------

    def _add_leaves(self, whole: Group) -> None:
        """Add each leaf to the group that it is drawn in, before the ops."""
        ways = ways_in(whole)
        first_ops: dict[Group, int] = {}
        for op, way in sorted(ways.items()):
            for group in way:
                first_ops.setdefault(group, op)
        leaves: dict[Group, list[int]] = {}
        per_turn = self._data_of_turns(ways)
        for node in self.graph.nodes:
            if node.op is not None:
                continue
            users = self.users[node.id]
            if node.kind == "data":
                home = per_turn.get(node.id, whole)
            else:
                own = self._group_of_module(node.id, ways)
                way = _common([ways[user] for user in users]) if users else (whole,)
                # A group that has a value for somebody before it would make a cycle.
                home = own if own and min(users) >= first_ops[own] else way[-1]
            leaves.setdefault(home, []).append(node.id)
        for home, ids in leaves.items():
            home.members = [*ids, *home.members]

    def _data_of_turns(self, ways: dict[int, Way]) -> dict[int, Group]:
        """Return the loop of all data of which each turn reads one: it stands beside the turns."""
        alike: dict[Any, list[int]] = {}
        for node in self.graph.nodes:
            if node.kind != "data" or not self.users[node.id]:
                continue
            users = self.users[node.id]
            loops = [group for group in _common([ways[i] for i in users]) if group.kind == "loop"]
            if loops:
                readers = tuple(self.graph.nodes[user].op for user in users)
                key = loops[-1], node.shape, node.dtype, readers
                alike.setdefault(key, []).append(node.id)
        found = {}
        for key, ids in alike.items():
            if len(ids) >= FEWEST_TURNS:
                found.update(dict.fromkeys(ids, key[0]))
        return found

    def _group_of_module(self, leaf: int, ways: dict[int, Way]) -> Group | None:
        """Return the group of the parameter's module, which others may use too."""
        nest = self.nests[leaf]
        inside = [user for user in self.users[leaf] if self.nests[user][: len(nest)] == nest]
        if not nest or not inside:
            return None
        return _common([ways[user] for user in inside])[-1]


def ways_in(whole: Group) -> dict[int, Way]:
    """Return the groups around each node, outermost first."""
    around: dict[Group, Way] = {whole: (whole,)}
    ways = {}
    for group in whole.walk():
        for member in group.members:
            if isinstance(member, Group):
                around[member] = (*around[group], member)
            else:
                ways[member] = around[group]
    return ways


def _worth_a_box(members: Members) -> Members:
    """Return the members, those of a group of one instead of the group."""
    kept: Members = []
    for member in members:
        if isinstance(member, Group):
            member.members = _worth_a_box(member.members)
            if len(member.members) == 1:
                kept += member.members
                continue
        kept.append(member)
    return kept


def _turns(part: Part) -> list[Turn]:
    """Return the parts of each turn of a loop."""
    inside = part.inside
    if part.times == len(inside) * inside[0].times:  # one part a turn, or a loop of them
        turns = [_turns(piece) if piece.inside else [(piece,)] for piece in inside]
        return list(chain(*turns))
    period = len(inside) // part.times
    return [inside[k : k + period] for k in range(0, len(inside), period)]


def _loop_title(turns: list[Turn]) -> str:
    """Return a loop's title, `(matmul → … → tanh) ×12`."""
    labels = [piece.label if not piece.inside else "loop" for piece in turns[0]]
    if len(labels) > 3:
        labels[1:-1] = ["…"]
    body = " → ".join(labels)
    return f"({body}) ×{len(turns)}" if len(labels) > 1 else f"{body} ×{len(turns)}"


def _turn_groups(turns: list[Members]) -> Iterator[int | Group]:
    """Yield each turn of a loop as a group, unless it is one op or one module already."""
    for k, members in enumerate(turns, 1):
        if len(members) == 1:
            yield members[0]
        else:
            yield Group(f"{k} of {len(turns)}", "turn", members)


def _common(ways: list[Way]) -> Way:
    """Return the groups that all of these ways begin with."""
    shared = ways[0]
    for way in ways[1:]:
        depth = sum(a is b for a, b in zip(shared, way))
        shared = shared[:depth]
    return shared
