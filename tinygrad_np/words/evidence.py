"""What is known of a recorded computation: names, values, and who came from whom.

Values come from a `Record`, and without one from what the graph has saved for backward.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import variables
from ..core.node import Node
from ..core.tensor import Tensor
from ..formulas.derivatives import rule_of
from ..graphs.gathering import ancestors_of, variable_names
from ..recording.owners import Owners
from .text import shape_text, where_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from ..recording.recorder import Record

__all__ = ["Evidence", "bare", "tensors_in"]


class Evidence:
    """What is known about the ancestors of some nodes, and about everything in a record.

    Attributes:
        order: the nodes, oldest first.
        record: the record, or None.
    """

    def __init__(
        self, roots: Iterable[Node], record: Record | None, frame: FrameType, model: Any = None
    ) -> None:
        self.record = record
        self.order = ancestors_of([*roots, *(record.forward if record is not None else ())])
        self._owners = Owners(self.order, model, record)
        self._variables = variable_names(self.order, frame)
        self._children: dict[Node, list[Node]] | None = None

    # --- names ---------------------------------------------------------------------------------

    def name(self, node: Any) -> str | None:
        """What the user calls a value, if that is known."""
        if not isinstance(node, Node):
            return None if node is None else f"{node:.6g}" if isinstance(node, float) else str(node)
        return self._owners.name(node) or node.name or self._variables.get(node)

    def made_by(self, node: Node) -> str:
        """The op that made a value: `relu`, or `relu (module 1)` inside a model."""
        assert node.op is not None
        module = self._owners.module(node)
        return f"{node.op.name} (module {module})" if module else node.op.name

    def at(self, node: Node) -> str:
        """An op and where it was called: `relu at spiral.py:31`."""
        where = where_text(node.place)
        return self.made_by(node) + (f" at {where}" if where else "")

    def shaped(self, node: Node) -> str:
        """A value by its name, or what made it, and its shape: `pred (30, 1)`, `data (30,)`."""
        plain = self.at(node) if node.op is not None else "data" if not node.needs_grad else "leaf"
        name = self.name(node)
        return f"{f'`{name}`' if name else plain} {node.shape}"

    def place(self, node: Node) -> str:
        """The user's line that made a value, "" if it is not known."""
        return where_text(node.place)

    def input_name(self, node: Node, position: int) -> str:
        """What the user calls an input of an op; else what the op does."""
        assert node.op is not None
        parent = node.parents[position]
        known = self.name(parent) if isinstance(parent, Node) else None
        return known or node.op.input_name(position)

    def called(self, node: Any) -> str:
        """A value by its name and origin: "`h` (relu at spiral.py:31)", "`W1`", "data 300×2"."""
        name = self.name(node)
        if not isinstance(node, Node):
            return f"{name}"
        if node.op is not None:
            return f"`{name}` ({self.at(node)})" if name else f"the result of {self.at(node)}"
        if name:
            return f"`{name}`"
        return f"{'data' if not node.needs_grad else 'a leaf'} ({shape_text(node.shape)})"

    # --- relations -----------------------------------------------------------------------------

    def children(self, node: Node) -> list[Node]:
        """The ops that read a value, oldest first."""
        if self._children is None:
            self._children = {}
            for child in self.order:
                for parent in dict.fromkeys(child.parents):
                    if isinstance(parent, Node):
                        self._children.setdefault(parent, []).append(child)
        return self._children.get(node, [])

    def descendants(self, node: Node) -> dict[Node, None]:
        """Everything that was computed from a value, oldest first."""
        found: set[Node] = set()
        waiting = [node]
        while waiting:
            for child in self.children(waiting.pop()):
                if child not in found:
                    found.add(child)
                    waiting.append(child)
        return dict.fromkeys(sorted(found, key=lambda n: n.serial))

    def cut(self, nodes: Iterable[Node]) -> tuple[str, Node] | None:
        """Where the value of one of these nodes went on without its graph, newest first.

        A sentence, and the op that computed with the value as with data. Needs a record.
        """
        if self.record is None:
            return None
        data: list[tuple[Node, Any]] = [
            (child, bare(step.operands[k]))
            for child, step in self.record.forward.items()
            for k, parent in enumerate(child.parents)
            if isinstance(parent, Node) and parent.op is None and not parent.needs_grad
        ]
        for node in reversed(list(nodes)):
            value = self.value(node)
            for child, operand in data:
                if value is None or np.shape(operand) != np.shape(value):
                    continue
                called = f"{self.at(child)} reads {self.called(node)}"
                if operand is value or _same_memory(operand, value):
                    return f"{called} as data, after .detach()", child
                if np.size(value) > 1 and np.array_equal(operand, value):
                    return f"{called} as data, a copy, as by .numpy()", child
        return None

    # --- values --------------------------------------------------------------------------------

    def value(self, node: Any) -> Any:
        """The value of a node, or None if it is not known any more."""
        if not isinstance(node, Node):
            return node
        if self.record is not None and node in self.record.forward:
            return bare(self.record.forward[node].value)
        found = self._saved(node, "out") if node.op is not None else None
        if found is not None:
            return found
        for child in self.children(node):
            position = child.parents.index(node)
            found = self.operand(child, position)
            if found is not None:
                return found
        return self._computed_again(node)

    def _computed_again(self, node: Node) -> Any:
        """The value of an elementwise op, from what its rules read of its inputs."""
        if node.op is None or not node.op.elementwise or node.op.keeps:
            return None
        operands = [self.operand(node, k) for k in range(len(node.parents))]
        if any(x is None for x in operands):
            return None
        with np.errstate(all="ignore"):
            return node.op.forward(*operands)

    def operand(self, node: Node, position: int) -> Any:
        """What an op computed with, or None if it is not known any more."""
        parent = node.parents[position]
        if not isinstance(parent, Node):
            return parent
        if self.record is not None and node in self.record.forward:
            return bare(self.record.forward[node].operands[position])
        assert node.op is not None
        if node.op.variadic:
            held = self._saved(node, node.op.inputs[0])
            return None if held is None else held[position]
        return self._saved(node, node.op.inputs[position])

    def _saved(self, node: Node, what: str) -> Any:
        """One of the values that the rules of a node read, if they are still there."""
        op = node.op
        if op is None or node.saved is None or what not in op.layout:
            return None
        slot = op.layout.index(what)
        for k, reads in enumerate(node.saved[: len(node.parents)]):
            slots = op.slots[0] if op.variadic else op.slots[k]
            if reads is not None and slot in slots:
                return bare(reads[slots.index(slot)])
        if op.keeps and slot < len(node.saved[-1]):
            return bare(node.saved[-1][slot])
        return None

    def slope(self, node: Node, position: int) -> np.ndarray | None:
        """The derivative of an elementwise op with respect to one input, in the result's shape.

        None for other ops, and where what its rule reads is not known any more.
        """
        op = node.op
        rule = None if op is None else rule_of(op, position)
        if op is None or rule is None or not op.elementwise or op.keeps:
            return None
        known: dict[str, Any] = {"out": self.value(node)}
        for k, name in enumerate(op.inputs):
            known[name] = self.operand(node, k)
            known[f"{name}_shape"] = np.shape(known[name])
        reads = [known[op.layout[slot]] for slot in op.slots[position]]
        if any(value is None for value in reads):
            return None
        with np.errstate(all="ignore"):
            made = rule(np.ones(node.shape, node.dtype), *reads)
        return np.broadcast_to(made, node.shape)


def bare(value: Any) -> Any:
    """The array of a Tensor; other values, such as arrays, as they are."""
    if isinstance(value, tuple):
        return tuple(map(bare, value))
    return value.data if isinstance(value, Tensor) else value


def _same_memory(a: Any, b: Any) -> bool:
    both = isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.size > 0
    return both and np.may_share_memory(a, b)


def tensors_in(frame: FrameType) -> list[Tensor]:
    """The Tensors that variables of a running function or module hold."""
    return [value for _, value in variables(frame) if isinstance(value, Tensor)]
