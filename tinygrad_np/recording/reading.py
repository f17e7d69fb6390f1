"""`Reading`: all that is known of the nodes of a run, each thing derived in this one place.

Pictures, pages and words ask here. Values come from a `Record`; without one, from what the nodes
keep for backward.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.cuts import find
from ..core.exits import waiting
from ..core.node import Leaf, Node
from ..core.op import reads_of
from ..core.tensor import Tensor, gradient_of
from ..formulas.derivatives import rule_of
from ..formulas.values import call_values, values_read
from ..ops.replay import run_again
from .owners import Owners
from .variables import array_names, variable_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from types import FrameType

    from ..core.exits import Exit
    from .recorder import Flow, Record, Update


class Reading:
    """The nodes of a run, and all that is known of them.

    Attributes:
        order: the nodes, oldest first.
        record: the record, or None.
        classes: the class name of each module path that is used.
    """

    def __init__(
        self,
        order: list[Node],
        record: Record | None,
        frame: FrameType,
        model: Any = None,
    ) -> None:
        """Read nodes; `frame` is the user's, whose variables have names for their values."""
        self.order = order
        self.record = record
        self._forward = {} if record is None else record.forward
        self._gradients = {} if record is None else record.gradients
        self._owners = Owners(order, model, record)
        self.classes = self._owners.classes
        self._variables = variable_names(order, frame)
        unnamed = {
            node: self.value(node) for node in order if node.op is None and not self.name(node)
        }
        arrays = {node: value for node, value in unnamed.items() if isinstance(value, np.ndarray)}
        self._variables |= array_names(arrays, frame)
        self._sources: dict[tuple[int, int], tuple[str, int] | None] = {}  # by call

    # --- names ---------------------------------------------------------------------------------

    def name(self, node: Node) -> str | None:
        """Return the user's name for a value, if it is known."""
        return self._owners.name(node) or node.name or self._variables.get(node)

    def module(self, node: Node) -> str:
        """Return the path of the module that a node belongs to, or ""."""
        return self._owners.module(node)

    def path(self, module: Any) -> str | None:
        """Return the path of a module, None if it is not known here."""
        return self._owners.path(module)

    def source(self, node: Node) -> tuple[str, int] | None:
        """Return the user's file and line that made a value, if they are known."""
        call = id(node.code), node.lasti
        place = self._sources.get(call)
        if place is None:
            place = self._sources[call] = node.place
        return place

    # --- relations -----------------------------------------------------------------------------

    @cached_property
    def _children(self) -> dict[Node, list[Node]]:
        children: dict[Node, list[Node]] = {}
        for child in self.order:
            for parent in dict.fromkeys(child.parents):
                if isinstance(parent, Node):
                    children.setdefault(parent, []).append(child)
        return children

    def children(self, node: Node) -> list[Node]:
        """Return the ops that read a value, oldest first."""
        return self._children.get(node, [])

    def descendants(self, node: Node) -> dict[Node, None]:
        """Return everything that was computed from a value, oldest first."""
        return dict.fromkeys(_closure([node], self.children)[1:])

    # --- values --------------------------------------------------------------------------------

    def value(self, node: Any) -> Any:
        """Return the value of a node, or None if it is not known any more."""
        if not isinstance(node, Node):  # a number stands for itself
            return node
        if node in self._forward:
            return bare(self._forward[node].value)
        value = self._saved(node).get("out")
        if value is not None:
            return value
        for child in reversed(self.children(node)):  # a parameter's of the last step
            value = self.operand(child, child.parents.index(node))
            if value is not None:
                return value
        return self._value_again(node)

    def _value_again(self, node: Node) -> Any:
        """Compute the value of an elementwise op from what its rules read of its inputs."""
        op = node.op
        if op is None or not op.elementwise or op.keeps:
            return None
        operands = self._operands(node)
        if any(x is None for x in operands):
            return None
        with np.errstate(all="ignore"):
            return run_again(op, operands, {})

    def operand(self, node: Node, position: int) -> Any:
        """Return one of the values that an op computed with, or None if it is not known."""
        parent = node.parents[position]
        if not isinstance(parent, Node):
            return parent
        if node in self._forward:
            return bare(self._forward[node].operands[position])
        op = node.op
        assert op is not None
        saved = self._saved(node)
        if not op.variadic:
            return saved.get(op.inputs[position])
        inputs = saved.get(op.inputs[0])
        return None if inputs is None else inputs[position]

    def _operands(self, node: Node) -> list[Any]:
        return [self.operand(node, k) for k in range(len(node.parents))]

    def arguments(self, node: Node) -> dict[str, Any]:
        """Return the other arguments of an op by name, as far as they are known."""
        if node in self._forward:
            return self._forward[node].arguments
        op = node.op
        assert op is not None
        return {
            name: value
            for name, value in self._saved(node).items()
            if name in op.params and not isinstance(value, np.ndarray)
        }

    def _saved(self, node: Node) -> dict[str, Any]:
        """Return what the rules of a node read, by name, as far as it is still there."""
        op = node.op
        if op is None or not node.saved:
            return {}
        count = len(node.parents)
        saved: dict[str, Any] = {}
        if op.keeps:  # all that the call computed with, to compute the hidden outputs again
            saved = dict(zip(op.layout, map(bare, node.saved[-1])))
        slots_of_rules = op.slots * count if op.variadic else op.slots
        for slots, reads in zip(slots_of_rules, node.saved[:count]):
            names = [op.layout[slot] for slot in slots]
            saved |= zip(names, map(bare, reads or ()))
        return saved

    def exits(self, nodes: Collection[Node]) -> list[Exit]:
        """Return the values that became bare numbers on the way to these nodes, oldest first."""
        newest = max((node.serial for node in nodes), default=0)
        if self.record is None:
            return list(find([exit for exit in waiting.exits if exit.serial < newest], nodes))
        exits = [exit for exit, _ in self.record.exits if exit.serial < newest]
        find([exit for exit in exits if not exit.use], nodes)  # backward may have been here
        return [exit for exit in exits if exit.use]

    # --- derivatives ---------------------------------------------------------------------------

    def reads(self, node: Node, position: int) -> dict[str, Any] | None:
        """Return all that the rule for an input can read, by name; None without a record."""
        step = self._forward.get(node)
        if step is None:
            return None
        op = node.op
        assert op is not None
        operands = step.operands
        gradient = bare(self._gradients.get(node))
        return values_read(op, position, operands, step.arguments, out=step.value, g=gradient)

    def slope(self, node: Node, position: int) -> np.ndarray | None:
        """Return the derivative of an elementwise op by one input, in the result's shape.

        None for other ops, and where what its rule reads is not known any more.
        """
        op = node.op
        rule = None if op is None else rule_of(op, position)
        if op is None or rule is None or not op.elementwise or op.keeps:
            return None
        values = call_values(op, position, self._operands(node), {})
        values["out"] = self.value(node)
        reads = [values[name] for name in reads_of(rule)[1:]]
        if any(value is None for value in reads):
            return None
        with np.errstate(all="ignore"):
            slope = rule(np.ones(node.shape, node.dtype), *reads)
        return np.broadcast_to(slope, node.shape)

    # --- the last backward pass, and what came after -------------------------------------------

    def gradient(self, node: Node) -> Any:
        """Return the whole gradient that reached a node, or that a leaf holds; else None."""
        gradient = self._gradients.get(node)
        if gradient is None and isinstance(node, Leaf):
            gradient = gradient_of(node)
        return bare(gradient)

    @cached_property
    def contributions(self) -> dict[Node, list[Flow]]:
        """The flows into each node in the last backward pass that reached it, in order."""
        into: dict[Node, list[Flow]] = {}
        for flow in [] if self.record is None else self.record.flows:
            if flow.total is flow.contribution:  # the first one of a pass
                into[flow.parent] = []
            into.setdefault(flow.parent, []).append(flow)
        return into

    def updates(self) -> list[Update]:
        """Return the writes to these nodes after backward went through them, in order."""
        if self.record is None:
            return []
        nodes = set(self.order)
        flows = [k for k, flow in enumerate(self.record.flows, 1) if flow.node in nodes]
        if not flows:
            return []
        updates = self.record.updates
        return [u for u in updates if u.node in nodes and u.flows >= flows[-1]]


def ancestors_of(roots: Iterable[Node]) -> list[Node]:
    """Return the roots and everything that they were computed from, oldest first."""
    return _closure(roots, lambda node: [p for p in node.parents if isinstance(p, Node)])


def _closure(start: Iterable[Node], neighbours: Any) -> list[Node]:
    """Return the nodes that can be reached, those to start from included, oldest first."""
    nodes: set[Node] = set()
    waiting = list(start)
    while waiting:
        node = waiting.pop()
        if node not in nodes:
            nodes.add(node)
            waiting.extend(neighbours(node))
    return sorted(nodes, key=lambda node: node.serial)


def bare(value: Any) -> Any:
    """Return the array of a Tensor, also in a tuple; other values as they are."""
    if isinstance(value, tuple):
        return tuple(map(bare, value))
    return value.data if isinstance(value, Tensor) else value
