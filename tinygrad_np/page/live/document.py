"""The live mode of a page: a training step as loops, and what is what in its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...compiler.lowering import lower, record_step
from ...core.node import Leaf, Node
from ...formulas.derivatives import SUBSCRIPTS
from ...pictures.style import one_line
from .data import live_data, live_kernels, view_data
from .film import film_data
from .plane import find_plane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...compiler.lowering import Lowered, StepRecording, View
    from ...compiler.statements import Var
    from ...pictures.snapshot import Snapshot
    from .film import Film


class Name(NamedTuple):
    """A name of a place in the memory of a live step.

    Attributes:
        node: id in the graph, of the node itself or of the one whose gradient it is; else None.
        role: "value" or "gradient" of a node, "state" (of an optimizer, of a layer), "inner".
    """

    text: str
    node: int | None
    role: str
    view: View


def live_document(
    graph: Snapshot, names: Sequence[str], step: Callable[[], Any], film: Film | None = None
) -> tuple[dict[str, Any], str]:
    """Return the data of the live mode, and the scalar functions that it needs as JavaScript.

    `names` are those of the graph's nodes.

    Raises:
        LoweringError: the step can't be run in a browser.
        CompileError: the step can't be recorded.
        ValueError: the step computes something else than the graph; a film of other parameters.
        TypeError: the step is no function without arguments.
    """
    recording = record_step(step)
    nodes = _matched(graph, recording)
    lowered = lower(recording.program)
    document = _Document(graph, names, recording, lowered, nodes)
    return document.data(film), live_kernels(lowered)


def _matched(graph: Snapshot, recording: StepRecording) -> dict[int, Node]:
    """Return the node of the recording for each id of the graph, from the loss on upwards.

    Raises:
        ValueError: they are not of the same computation.
    """
    name = recording.program.name
    loss = next(iter(recording.gradients), None)  # backward came to it first
    if loss is None:
        raise ValueError(f"{name} calls no backward(): step= takes the whole training step")
    output = _output(graph)
    pairs = [(next(node for node, i in graph.ids.items() if i == output), loss)]
    matched: dict[Node, Node] = {}
    for mine, theirs in pairs:
        if mine in matched:
            continue
        if not _is_alike(mine, theirs):
            raise ValueError(
                f"{name} computes something else than this graph: it has {_described(theirs)} "
                f"where the graph has {_described(mine)}. step= takes the function that does what "
                "was recorded, on the same model and data"
            )
        matched[mine] = theirs
        both = zip(mine.parents, theirs.parents)
        pairs += [(a, b) for a, b in both if isinstance(a, Node) and isinstance(b, Node)]
    return {graph.ids[mine]: theirs for mine, theirs in matched.items() if mine in graph.ids}


def _output(graph: Snapshot) -> int:
    return next(node.id for node in graph.nodes if node.kind == "output")


def _is_alike(mine: Node, theirs: Node) -> bool:
    if isinstance(mine, Leaf) or isinstance(theirs, Leaf):
        return mine is theirs
    same = mine.op is theirs.op and mine.shape == theirs.shape and mine.dtype == theirs.dtype
    return same and len(mine.parents) == len(theirs.parents)


def _described(node: Node) -> str:
    if node.op is not None:
        return f"{node.op.name} {node.shape}"
    kind = "the parameter" if isinstance(node, Leaf) else "data"
    return " ".join(filter(None, [kind, node.name, str(node.shape)]))


class _Document:
    """The data of a live mode while it is put together."""

    def __init__(
        self,
        graph: Snapshot,
        names: Sequence[str],
        recording: StepRecording,
        lowered: Lowered,
        nodes: dict[int, Node],
    ) -> None:
        self.graph = graph
        self.node_names = names
        self.recording = recording
        self.lowered = lowered
        self.nodes = nodes
        self.names: list[Name] = []
        self.values: dict[int, int] = {}  # positions in names, by node
        self._name_nodes()
        self.taken = {name.text for name in self.names}
        self._name_state()
        self._name_inner()

    def data(self, film: Film | None) -> dict[str, Any]:
        plane = find_plane(self.graph, self._node_views(), self.lowered)
        parameters = [n for n in self.graph.nodes if n.kind == "parameter"]
        first = max(parameters, key=lambda node: len(node.shape or ()))
        return {
            "program": live_data(self.lowered, self._loss()),
            "names": [[n.text, n.node, n.role, view_data(n.view)] for n in self.names],
            "forward": self._end_of_forward(),
            "parameters": [node.id for node in parameters],
            "first": self.values[first.id],
            "rates": [view_data(view) for view in self._rates()],
            "plane": plane and plane.data(),
            "way": [self.values[i] for i in plane.way] if plane else [],
            "film": film and film_data(film, self._sources()),
        }

    # --- names -------------------------------------------------------------------------------

    def _view(self, var: Var | None) -> View | None:
        return None if var is None else self.lowered.views.get(var)

    def _node_views(self) -> dict[int, View]:
        return {i: self.names[k].view for i, k in self.values.items()}

    def _name_nodes(self) -> None:
        recording = self.recording
        for i, node in self.nodes.items():
            view = self._view(recording.values.get(node))
            if view is not None and i not in self.values:
                self.values[i] = len(self.names)
                self.names.append(Name(self.node_names[i], i, "value", view))
        for i, node in self.nodes.items():
            view = self._view(recording.gradients.get(node))
            if view is not None:
                self.names.append(Name(f"∂L/∂{self.node_names[i]}", i, "gradient", view))

    def _unlike_others(self, text: str) -> str:
        """Return a name of its own: with a number if there is another of the name."""
        plain = name = one_line(text)
        number = 2
        while name in self.taken:
            subscript = str(number).translate(SUBSCRIPTS)
            name = plain + subscript
            number += 1
        self.taken.add(name)
        return name

    def _name_state(self) -> None:
        """Name the inputs that are no nodes: an optimizer's averages, its numbers, buffers."""
        known = {name.view.buffer for name in self.names}
        for entry in self.recording.program.inputs:
            view = self._view(entry.var)
            if view is not None and entry.var.hint and view.buffer not in known:
                known.add(view.buffer)
                text = self._unlike_others(entry.var.hint)
                self.names.append(Name(text, None, "state", view))

    def _name_inner(self) -> None:
        """Name the values within ops after the library's variables; those without stay unnamed."""
        known = {name.view.buffer for name in self.names}
        for statement in self.recording.program.statements:
            call: Any = statement.target
            unnamed = ("", call, getattr(call, "__name__", ""))
            for var in statement.outs:
                view = self._view(var)
                if view is None or view.buffer in known or var.hint in unnamed:
                    continue
                known.add(view.buffer)
                self.names.append(Name(self._unlike_others(var.hint), None, "inner", view))

    # --- loops -------------------------------------------------------------------------------

    def _loss(self) -> View:
        return self.names[self.values[_output(self.graph)]].view

    def _end_of_forward(self) -> int:
        """Return how many loops it takes to have the loss."""
        loss = self._loss().buffer
        writes = [loop.write and loop.write.buffer for loop in self.lowered.loops]
        return 1 + max(k for k, buffer in enumerate(writes) if buffer == loss)

    def _rates(self) -> list[View]:
        """Return the learning rates that can be changed."""
        rates = []
        for entry in self.recording.program.inputs:
            name = entry.var.hint.split(".")[-1]
            if entry.kind == "number" and name in ("lr", "rate"):
                rates.append(self.lowered.views[entry.var])
        return rates

    def _sources(self) -> dict[int, View]:
        """Return where the Tensors are that the step reads, by their ids."""
        inputs = self.recording.program.inputs
        tensors = [entry for entry in inputs if entry.kind == "tensor"]
        return {id(entry.source): self.lowered.views[entry.var] for entry in tensors}
