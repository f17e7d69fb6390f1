"""`fold(graph)`: a module's ops as one node, and what repeats in a row as one node with a count.

Only nodes that follow each other in the order of recording are joined. Whatever comes between two
nodes in the graph also comes between them in this order, so a fold never makes a cycle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .snapshot import Edge, GraphNode, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = TypeVar("Kind", bound=Snapshot)

LONGEST = 40  # ops of one repeat


class Part(NamedTuple):
    """Nodes that are drawn as one: `ops` in order, and the leaves that only they use.

    What repeats `times` in a row was joined from the parts `inside`, those of one turn after those
    of another.
    """

    ops: tuple[int, ...]
    label: str
    module: str
    times: int
    signature: Any
    inside: tuple[Part, ...] = ()


def fold(graph: Kind) -> Kind:
    """The folded graph; with a note on how much it stands for. Output nodes stay as they are."""
    sources: list[list[int]] = [[] for _ in graph.nodes]
    for edge in graph.edges:
        sources[edge.target].append(edge.source)
    return _joined(graph, repeats(list(_modules(graph, sources))))


def repeats(parts: list[Part]) -> list[Part]:
    """Return the parts, with what repeats in a row as one; also what then repeats of these."""
    while True:
        fewer = list(_once_joined(parts))
        if len(fewer) == len(parts):
            return parts
        parts = fewer


def _modules(graph: Snapshot, sources: list[list[int]]) -> Iterator[Part]:
    """The ops in order, those of one module that follow each other as one part.

    The module is the outermost that computes something itself, which a mere container does not.
    """
    computing = {node.module for node in graph.nodes if node.op is not None and node.module}
    outermost = {path: _outermost(path, computing) for path in computing | {""}}
    run: list[GraphNode] = []
    for node in graph.nodes:
        if node.op is None:
            continue
        module = outermost[node.module]
        joins = run and node.kind == run[-1].kind == "op" and module == outermost[run[-1].module]
        joins = joins and module != ""
        if run and not joins:
            yield part_of(graph, run, sources, outermost[run[0].module])
            run = []
        run.append(node)
    if run:
        yield part_of(graph, run, sources, outermost[run[0].module])


def _outermost(path: str, computing: set[str]) -> str:
    names = path.split(".")
    prefixes = (".".join(names[:k]) for k in range(1, len(names) + 1))
    return next((prefix for prefix in prefixes if prefix in computing), "")


def part_of(graph: Snapshot, run: list[GraphNode], sources: list[list[int]], module: str) -> Part:
    """Return ops that follow each other as one part, with what tells it from others."""
    ids = {node.id for node in run}
    looks: Any = tuple(
        (
            node.op,
            node.shape,
            node.dtype,
            tuple(_look(graph.nodes[s]) for s in sources[node.id] if s not in ids),
        )
        for node in run
    )
    label = graph.modules.get(module, module) if len(run) > 1 else str(run[0].op)
    if run[0].kind == "output":
        looks = run[0].id  # like nothing else
    return Part(tuple(node.id for node in run), label, module, 1, (label, looks))


def _look(source: GraphNode) -> tuple[Any, ...]:
    kind = source.kind if source.kind in ("parameter", "number") else "value"
    return kind, source.shape, source.dtype


def _once_joined(parts: list[Part]) -> Iterator[Part]:
    """The parts, with every stretch that is repeated at once joined to one."""
    n = len(parts)
    keys: dict[Any, int] = {}
    looks = [keys.setdefault(part.signature, len(keys)) for part in parts]
    # same[p][i]: how many parts from i on equal the one p later.
    same = [[0] * (n + 1) for _ in range(min(LONGEST, n // 2) + 1)]
    for period in range(1, len(same)):
        lengths = same[period]
        for i in range(n - period - 1, -1, -1):
            lengths[i] = lengths[i + 1] + 1 if looks[i] == looks[i + period] else 0
    i = 0
    while i < n:
        period, times = 1, 1
        for p in range(1, len(same)):
            repeats = same[p][i] // p + 1
            if repeats > 1 and repeats * p > period * times:
                period, times = p, repeats
        if times == 1:
            yield parts[i]
        else:
            yield _several(parts[i : i + period * times], period, times)
        i += period * times


def _several(parts: list[Part], period: int, times: int) -> Part:
    once = parts[:period]
    ops = tuple(node for part in parts for node in part.ops)
    if period == 1:
        label, times = once[0].label, times * once[0].times
    else:
        label = " → ".join(p.label if p.times == 1 else f"({p.label} ×{p.times})" for p in once)
    signature = (times, tuple(part.signature for part in once))
    module = _common([part.module for part in parts])
    return Part(ops, label, module, times, signature, tuple(parts))


def _common(paths: list[str]) -> str:
    """The module that all of these are in."""
    split = [path.split(".") for path in paths]
    shared: list[str] = []
    for names in zip(*split):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return ".".join(shared)


def _joined(graph: Kind, parts: list[Part]) -> Kind:
    """The graph with each part of several ops as one node."""
    # Of each folded op: its part, and in which repeat of the part it is.
    turn = {
        op: (k, position * part.times // len(part.ops))
        for k, part in enumerate(parts)
        if len(part.ops) > 1
        for position, op in enumerate(part.ops)
    }
    belongs = {op: k for op, (k, _) in turn.items()}
    users: list[set[tuple[int, int]]] = [set() for _ in graph.nodes]
    for edge in graph.edges:
        users[edge.source].add(turn.get(edge.target, (-1, edge.target)))
    for node in graph.nodes:
        # A weight that several repeats share stays outside, where it can be seen.
        if node.op is None and node.kind != "data" and len(users[node.id]) == 1:
            (user,) = users[node.id]
            if user[0] >= 0:
                belongs[node.id] = user[0]
    data = _data_of_repeats(graph, parts)
    members: dict[int, list[GraphNode]] = {}
    for node in graph.nodes:
        if node.id in belongs:
            members.setdefault(belongs[node.id], []).append(node)
    nodes: list[GraphNode] = []
    new: dict[int, int] = {}
    for node in graph.nodes:
        k = belongs.get(node.id)
        first, *rest = data.get(node.id, [node])
        if node is not first:
            new[node.id] = new[first.id]
        elif k is None:
            new[node.id] = len(nodes)
            if rest:
                name = _name_of_all([first, *rest])
                node = node._replace(name=name, value=None, place=None)
            nodes.append(node._replace(id=len(nodes)))
        elif node.id == parts[k].ops[-1]:
            # In place of its last op: all that a block reads was made before, in any order.
            new.update((member.id, len(nodes)) for member in members[k])
            nodes.append(_block(len(nodes), parts[k], members[k], node))
    edges: dict[tuple[int, int], Edge] = {}
    place: dict[int, int] = {}
    for edge in graph.edges:
        source, target = new[edge.source], new[edge.target]
        if source == target:
            continue
        if edge.target not in belongs:
            edges[len(edges), -1] = edge._replace(source=source, target=target)
            continue
        known = edges.get((source, target))
        if known is None:
            argument = place[target] = place.get(target, -1) + 1
            edges[source, target] = Edge(source, target, argument, edge.gradient)
        elif edge.gradient:
            edges[source, target] = known._replace(gradient=True)
    note = f"{len(graph.nodes):,} nodes folded to {len(nodes):,} (collapse=False draws all)"
    ordered = sorted(edges.values(), key=lambda e: (e.target, e.argument))
    return type(graph)(
        tuple(nodes),
        tuple(ordered),
        modules=graph.modules,
        title=graph.title,
        totals=graph.totals,
        note=note if len(nodes) < len(graph.nodes) else "",
    )


def _data_of_repeats(graph: Snapshot, parts: list[Part]) -> dict[int, list[GraphNode]]:
    """Return, for what each repeat of a part reads at the same place, all that is read there."""
    places: dict[int, tuple[int, int]] = {}  # of ops: the part, and the position in its repeat
    for k, part in enumerate(parts):
        length = len(part.ops) // part.times
        if part.times > 1:
            for i, op in enumerate(part.ops):
                places[op] = k, i % length
    readers: dict[int, list[Edge]] = {}
    for edge in graph.edges:
        readers.setdefault(edge.source, []).append(edge)
    alike: dict[Any, list[GraphNode]] = {}
    for node in graph.nodes:
        reads = readers.get(node.id, ())
        if node.kind != "data" or len(reads) != 1:
            continue
        (read,) = reads
        if read.target in places:
            key = places[read.target], read.argument, node.shape, node.dtype
            alike.setdefault(key, []).append(node)
    found = {}
    for nodes in alike.values():
        if len(nodes) > 1:
            found.update(dict.fromkeys((node.id for node in nodes), nodes))
    return found


def _name_of_all(nodes: list[GraphNode]) -> str:
    """Name what several repeats read: `sequence[0] … sequence[19]`, `data ×20`."""
    first, last = nodes[0].name, nodes[-1].name
    if first and last and first != last:
        return f"{first} … {last}"
    return f"{first or 'data'} ×{len(nodes):,}"


def _block(number: int, part: Part, members: list[GraphNode], last: GraphNode) -> GraphNode:
    def total(amounts: list[Any]) -> Any:
        known = [amount for amount in amounts if amount is not None]
        return sum(known) if known else None

    return GraphNode(
        id=number,
        kind="block",
        op=part.label,
        name=last.name,
        shape=last.shape,
        dtype=last.dtype,
        value=last.value,
        module=part.module,
        gradient=last.gradient,
        bytes=total([m.bytes for m in members]),
        flops=total([m.flops for m in members]),
        place=last.place,
        seconds=total([m.seconds for m in members]),
        repeats=part.times,
        parameters=sum(m.parameters for m in members),
    )
