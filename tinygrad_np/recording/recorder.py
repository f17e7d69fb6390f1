"""`record()`: keep the values and gradients of everything that is recorded inside.

An ordinary graph keeps what its rules will read, and only until backward. Inside `with record():`
every value, every gradient, every contribution to one and every update of a parameter is kept, in
the order in which they came, for the tools that show or check them.
"""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core import doors, modes
from ..core.callsite import assigned_name, line_of, modules_in, outside
from ..core.switch import Switch
from ..ops.replay import prepared

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType

    from ..core.exits import Exit
    from ..core.node import Node
    from ..core.op import Op
    from ..core.tensor import Tensor
    from .optimizer_rule import UpdateRule


class Forward(NamedTuple):
    """One op that was computed.

    Attributes:
        node: how the value was made.
        value: its array; a tuple of arrays for an op with several outputs.
        operands: what the op computed with, one for each of `node.parents`: arrays, or numbers.
        variable: the name that the user's code gave to the value at once, if it did.
        modules: the `nn.Module`s that were being called, outer ones first.
        params: the other arguments of the op, one for each of `node.op.params`.
    """

    node: Node
    value: Any
    operands: tuple[Any, ...]
    variable: str | None
    modules: tuple[Any, ...]
    params: tuple[Any, ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """The other arguments of the op by name."""
        assert self.node.op is not None
        return dict(zip(self.node.op.params, self.params))

    def replay_seconds(self, times: int = 3) -> float:
        """Return how long the op's forward takes, the fastest of several runs on its operands."""
        assert self.node.op is not None
        fastest = math.inf
        for _ in range(times):
            call = prepared(self.node.op, self.operands, self.arguments)
            start = time.perf_counter()
            call()
            fastest = min(fastest, time.perf_counter() - start)
        return fastest


class Flow(NamedTuple):
    """A contribution that one rule of `node` sent to one of its inputs during backward.

    Attributes:
        node: whose rule ran.
        position: which input the rule is for.
        parent: the node of that input.
        contribution: what the rule gave, in the input's shape and dtype.
        total: the sum of all contributions to the input so far, this one included.
    """

    node: Node
    position: int
    parent: Node
    contribution: Any
    total: Any


class Update(NamedTuple):
    """New values that were written to a leaf that needs a gradient.

    Attributes:
        node: the leaf's.
        before, after: its arrays.
        place: file name and line number of the user's that did it.
        flows: how many rules of backward had run before.
        rule: the optimizer's; None for a write of the user's own, which has none of the rest.
        gradient: what the optimizer was given, weight decay included.
        change: what was subtracted.
        state: the optimizer's arrays for this parameter, by name: before and after.
        reads: as those of the rule, where they differ from parameter to parameter.
    """

    node: Node
    before: Any
    after: Any
    place: tuple[str, int]
    flows: int
    rule: UpdateRule | None = None
    gradient: Any = None
    change: Any = None
    state: dict[str, tuple[Any, Any]] = {}  # noqa: RUF012 - never written to
    reads: dict[str, Any] = {}  # noqa: RUF012


class Record(Switch):
    """All that was computed inside `with record() as r:`. Create one by `record()`.

    Attributes:
        forward: a `Forward` for each op that was recorded, by node, in order. Under `no_grad()`,
            and where nothing needs a gradient, nothing is.
        gradients: the whole gradient that reached each node, by node, in backward's order.
        flows: a `Flow` for each rule that ran, in order.
        updates: an `Update` for each write to a leaf that needs a gradient, in order.
        exits: for each value that became a bare number (`float(t)`), how and where, and its node.
        unseen: the first op that read a value under `no_grad()`, and the user's line, by node.
    """

    variables = (modes.watcher, modes.recording)

    def __init__(self) -> None:
        self.forward: dict[Node, Forward] = {}
        self.gradients: dict[Node, Any] = {}
        self.flows: list[Flow] = []
        self.updates: list[Update] = []
        self.exits: list[tuple[Exit, Node]] = []
        self.unseen: dict[Node, tuple[Op, tuple[str, int]]] = {}
        self._outer: Any = None  # what recorded before this, and goes on seeing everything
        self._last: tuple[Node, tuple[CodeType, int]] | None = None

    def _values(self) -> tuple[Any, ...]:
        outer = modes.watcher.get()
        if outer is not self:
            self._outer = outer
        return self, modes.recording.get() and self

    def __repr__(self) -> str:
        roots = [node for node in self.gradients if node.op is not None]
        passes = f", backward from {roots[0].op.name}" if roots and roots[0].op else ""
        updates = f", {len(self.updates)} updates" if self.updates else ""
        return f"<Record: {len(self.forward)} ops{passes or ', no backward'}{updates}>"

    # --- called by the engine ------------------------------------------------------------------

    def made(
        self, node: Node, value: Any, operands: tuple[Any, ...], params: tuple[Any, ...] = ()
    ) -> None:
        """Keep an op that was computed and recorded."""
        assert node.code is not None
        call = (node.code, node.lasti)
        if self._last is not None and self._last[1] == call:
            # A step on the way to what this call of the user's returns, which has the name.
            before = self._last[0]
            self.forward[before] = self.forward[before]._replace(variable=None)
        self._last = (node, call)
        variable = assigned_name(*call)
        modules = modules_in(sys._getframe(2))
        self.forward[node] = Forward(node, value, operands, variable, modules, params)
        for outer in self._others():
            outer.made(node, value, operands, params)

    def reached(self, node: Node, g: Any) -> None:
        """Keep the whole gradient of a node."""
        self.gradients[node] = g
        for outer in self._others():
            outer.reached(node, g)

    def flowed(
        self, node: Node, position: int, parent: Node, contribution: Any, total: Any
    ) -> None:
        """Keep a contribution of one rule."""
        self.flows.append(Flow(node, position, parent, contribution, total))
        for outer in self._others():
            outer.flowed(node, position, parent, contribution, total)

    def wrote(self, leaf: Tensor, new: np.ndarray) -> None:
        """Keep the old and the new values of a leaf that is about to be written."""
        frame = outside(sys._getframe(1))
        place = frame.f_code.co_filename, line_of(frame.f_code, frame.f_lasti)
        assert leaf._node is not None
        self.updates.append(Update(leaf._node, leaf.data, new, place, len(self.flows)))
        for outer in self._others():
            outer.wrote(leaf, new)

    def left(self, exit: Exit, node: Node) -> None:
        """Keep a value that became a bare number."""
        self.exits.append((exit, node))
        for outer in self._others():
            outer.left(exit, node)

    def unrecorded(self, op: Op, operands: tuple[Any, ...]) -> None:
        """Keep the first op that read a value that needs a gradient under `no_grad()`."""
        if not self.gradients:  # updates come later
            nodes = [getattr(operand, "_node", None) for operand in operands]
            new = [n for n in nodes if n is not None and n.needs_grad and n not in self.unseen]
            if new:
                frame = outside(sys._getframe(1))
                place = frame.f_code.co_filename, line_of(frame.f_code, frame.f_lasti)
                self.unseen.update(dict.fromkeys(new, (op, place)))
        for outer in self._others():
            outer.unrecorded(op, operands)

    # --- called by optimizers --------------------------------------------------------------------

    def watch_update(
        self, optimizer: Any, arguments: Sequence[Any], state_names: Sequence[str], note: str
    ) -> tuple[Any, UpdateRule]:
        """Call `optimizer.update(*arguments)`, and take down its rule.

        Args:
            optimizer: what has the rule.
            arguments: the gradient, the learning rate, the number of the step, and the state.
            state_names: what the arrays of the state are called.
            note: what the optimizer did to the gradient before, or will do, as a sentence.

        Returns:
            The result of the rule, and the rule.
        """
        from .optimizer_rule import watch_rule

        return watch_rule(optimizer, arguments, state_names, note)

    def explain_update(
        self, parameter: Tensor, rule: UpdateRule, part: slice, change: Any, state: Sequence[Any]
    ) -> None:
        """Add the optimizer's rule to the last write to a parameter.

        Args:
            parameter: what was written to in it.
            rule: from `watch_update`.
            part: where it lies in the flat arrays.
            change, state: the flat arrays of what was subtracted, and of the new state.
        """

        def own(flat: Any) -> Any:
            return flat[part].reshape(parameter.shape)

        reads = {
            name: value[part][0]
            for name, value in rule.reads.items()
            if isinstance(value, np.ndarray) and value[part].size
        }
        node = parameter._node
        places = reversed(range(len(self.updates)))
        last = next(k for k in places if self.updates[k].node is node)
        self.updates[last] = self.updates[last]._replace(
            rule=rule,
            gradient=own(rule.gradient),
            change=own(change).copy(),
            state={
                name: (own(before), own(after).copy())
                for (name, before), after in zip(rule.state.items(), state, strict=True)
            },
            reads=reads,
        )
        for outer in self._others():
            if isinstance(outer, Record):
                outer.explain_update(parameter, rule, part, change, state)

    def _others(self) -> list[Any]:
        """Return the watcher outside of this one, if there is one, as a list."""
        return [] if self._outer is None else [self._outer]


def current_record() -> Record | None:
    """Return the innermost `record()` that this code runs in; None in a compiled function."""
    watcher = modes.watcher.get()
    if watcher is None or doors.tracer.get() is not None:
        return None
    return watcher if isinstance(watcher, Record) else None


def record() -> Record:
    """Keep all values and gradients of what is recorded inside: `with record() as r: ...`.

    For this thread or task only. It takes memory: everything stays alive as long as the Record.
    """
    return Record()
