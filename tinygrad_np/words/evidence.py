"""Names, places and cuts of a recorded computation, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.callsite import variables
from ..core.node import Node
from ..core.tensor import Tensor
from ..recording.findings import Place
from ..recording.reading import Reading, ancestors_of, bare
from .text import shape_text, where_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from types import FrameType

    from ..core.exits import Exit
    from ..recording.recorder import Record


class Cut(NamedTuple):
    """An op that computed with a value as with data.

    Attributes:
        sentence: what it read, and how.
        reader: its node.
        explicit: whether somebody wrote `.detach()`.
    """

    sentence: str
    reader: Node
    explicit: bool


class Evidence(Reading):
    """The ancestors of some nodes and everything in a record, with words for them."""

    def __init__(
        self, roots: Iterable[Node], record: Record | None, frame: FrameType, model: Any = None
    ) -> None:
        recorded = () if record is None else record.forward
        super().__init__(ancestors_of([*roots, *recorded]), record, frame, model)

    def name(self, node: Any) -> str | None:
        """Return the user's name for a value, if it is known; a number as text."""
        if isinstance(node, Node):
            return super().name(node)
        if node is None:
            return None
        return f"{node:.6g}" if isinstance(node, float) else str(node)

    def made_by(self, node: Node) -> str:
        """Name the op that made a value: `relu`, or `relu (module 1)` inside a model."""
        assert node.op is not None
        module = self.module(node)
        return f"{node.op.name} (module {module})" if module else node.op.name

    def at(self, node: Node) -> str:
        """Name an op and the line that called it: `relu at spiral.py:31`."""
        place = self.place(node)
        return self.made_by(node) + (f" at {place}" if place else "")

    def place(self, node: Node) -> str:
        """Return the user's line that made a value, "" if it is not known."""
        return Place(where_text(self.source(node)), node.serial)

    def shaped(self, node: Node) -> str:
        """Describe a value by its name, or its origin, and shape: `pred (30, 1)`, `data (30,)`."""
        name = self.name(node)
        if name:
            return f"`{name}` {node.shape}"
        if node.op is not None:
            return f"{self.at(node)} {node.shape}"
        return f"{'leaf' if node.needs_grad else 'data'} {node.shape}"

    def input_name(self, node: Node, position: int) -> str:
        """Return the user's name for an input of an op; else the op's own."""
        assert node.op is not None
        parent = node.parents[position]
        name = self.name(parent) if isinstance(parent, Node) else None
        return name or node.op.input_name(position)

    def called(self, node: Any) -> str:
        """Describe a value by name and origin: "`h` (relu at spiral.py:31)", "data 300×2"."""
        name = self.name(node)
        if not isinstance(node, Node):
            return f"{name}"
        if node.op is not None:
            return f"`{name}` ({self.at(node)})" if name else f"the result of {self.at(node)}"
        if name:
            return f"`{name}`"
        return f"{'a leaf' if node.needs_grad else 'data'} ({shape_text(node.shape)})"

    def cut(self, nodes: Iterable[Node]) -> Cut | None:
        """Find an op that read the value of one of these nodes without its graph, newest first.

        None without a record.
        """
        uses = self._uses_of_data()
        for node in reversed(list(nodes)):
            value = self.value(node)
            for child, operand in uses:
                if value is None or np.shape(operand) != np.shape(value):
                    continue
                reads = f"{self.at(child)} reads {self.called(node)} as data"
                if operand is value or _same_memory(operand, value):
                    return Cut(f"{reads}, after .detach()", child, True)
                if np.size(value) > 1 and np.array_equal(operand, value):
                    return Cut(f"{reads}, a bare array, as by .numpy() or .data", child, False)
        return None

    def exit(self, nodes: Collection[Node]) -> Exit | None:
        """Return the last of these values that became a bare number on the way, or None."""
        recorded = () if self.record is None else self.record.exits
        exits = [exit for exit, node in recorded if exit.use and node in nodes]
        return exits[-1] if exits else None

    def unseen(self, nodes: Iterable[Node]) -> str:
        """Name the op that read the last of these values under `no_grad()`, and its line."""
        known = {} if self.record is None else self.record.unseen
        for node in reversed(list(nodes)):
            if node in known:
                op, place = known[node]
                line = where_text(place)
                return f"{op.name} at {line} reads {self.called(node)} under no_grad()"
        return ""

    def _uses_of_data(self) -> list[tuple[Node, Any]]:
        """Return each recorded op that reads data, with that operand."""
        steps = () if self.record is None else self.record.forward.values()
        return [
            (node, bare(operand))
            for node, _, operands, *_ in steps
            for parent, operand in zip(node.parents, operands)
            if isinstance(parent, Node) and parent.op is None and not parent.needs_grad
        ]


def _same_memory(a: Any, b: Any) -> bool:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return False
    return a.size > 0 and np.may_share_memory(a, b)


def tensors_in(frame: FrameType) -> list[Tensor]:
    """Return the Tensors that variables of a running function or module hold."""
    return [value for _, value in variables(frame) if isinstance(value, Tensor)]
