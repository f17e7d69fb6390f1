"""Findings and captions of a page: what others have to say about its nodes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.tensor import Tensor, node_of
from ..pictures.style import one_line
from ..recording.findings import Answer, Finding, Place

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from ..pictures.snapshot import Snapshot

MOST_NAMES = 12  # that an error lists


def findings_of(graph: Snapshot, findings: Any) -> list[dict[str, Any]]:
    """Return findings as dictionaries that become JSON, with its node, if it is in the graph.

    Args:
        findings: what `lint` or `why` returned, a `Finding`, or a list of these.

    Raises:
        TypeError: something else.
    """
    ids = {node.serial: number for node, number in graph.ids.items()}
    entries = []
    for finding in dict.fromkeys(_flat(findings)):
        entry: dict[str, Any] = {"kind": finding.kind, "what": finding.what}
        where = finding.where
        if isinstance(where, Place) and where.serial in ids:
            entry["node"] = ids[where.serial]
        entries.append(entry | {"place": str(where), "remedy": finding.remedy})
    return entries


def _flat(findings: Any) -> Iterator[Finding]:
    if isinstance(findings, Answer):
        yield findings.finding
    elif isinstance(findings, Finding):
        yield findings
    elif isinstance(findings, (list, tuple)):
        for finding in findings:
            yield from _flat(finding)
    else:
        raise TypeError(
            "findings are what tg.lint() and tg.why() return, or a list of these, "
            f"not {type(findings).__name__}"
        )


class Captions(NamedTuple):
    """Captions by the number of a node, and by the path of a module."""

    nodes: dict[int, str]
    modules: dict[str, str]


def captions_of(
    graph: Snapshot, names: list[str], notes: Mapping[Any, str], framed: Container[str]
) -> Captions:
    """Return the captions of nodes and modules.

    Args:
        names: the name of each node on the page, such as `h₂` of the second `h`.
        notes: captions by Tensor, parameter, module, or name of one of these.
        framed: the paths of the modules that have a frame; that of another is one of its result.

    Raises:
        TypeError: a caption that is no text.
        ValueError: a key that is not in the graph.
    """
    captions = Captions({}, {})
    for key, note in notes.items():
        if not isinstance(note, str):
            raise TypeError(f"a note is a text, not {type(note).__name__}: notes[{_shown(key)}]")
        nodes = list(_nodes_of(graph, names, key))
        path = _path_of(graph, key)
        if not nodes and path is None:
            raise ValueError(_unknown(graph, key))
        captions.nodes.update(dict.fromkeys(nodes, note))
        if path is not None and path in framed:
            captions.modules[path] = note
        elif path is not None:
            captions.nodes[_inside(graph, path)[-1]] = note
    return captions


def _nodes_of(graph: Snapshot, names: list[str], key: Any) -> Iterable[int]:
    """Return the numbers of the nodes that a Tensor, or a name, means."""
    if isinstance(key, Tensor):
        number = graph.ids.get(node_of(key))
        return [] if number is None else [number]
    if not isinstance(key, str):
        return []
    return [node.id for node, name in zip(graph.nodes, names) if key in (node.name, name)]


def _path_of(graph: Snapshot, key: Any) -> str | None:
    """Return the path of a module of the graph, given by itself or by its path."""
    path = key
    if not isinstance(key, (str, Tensor)):
        path = None if graph.reading is None else graph.reading.path(key)
    if not isinstance(path, str) or not path:
        return None
    return path if _inside(graph, path) else None


def _inside(graph: Snapshot, path: str) -> list[int]:
    """Return the nodes of a module and of those in it."""
    return [node.id for node in graph.nodes if f"{node.module}.".startswith(f"{path}.")]


def _shown(key: Any) -> str:
    if isinstance(key, Tensor):
        return f"a Tensor {key.name or key.shape}"
    is_module = hasattr(key, "named_parameters")
    return f"a {type(key).__name__}" if is_module else one_line(repr(key))


def _unknown(graph: Snapshot, key: Any) -> str:
    names = Counter(node.name for node in graph.nodes if node.name)
    names.update(dict.fromkeys(graph.modules, 1))
    known = ", ".join(list(names)[:MOST_NAMES])
    more = ", …" if len(names) > MOST_NAMES else ""
    return (
        f"notes are for what is in this graph, and {_shown(key)} is not; keys are Tensors, "
        f"parameters, modules or names: {known}{more}"
    )
