"""One node for a function that ran for a whole batch, as the rest of the graph sees it.

Inside, values are Rows, and so are gradients. The node's rule leads the gradients of all results
through the inside at once: that of a mapped argument is whole, and what was captured, and so is
shared by all rows, gets the sum of their contributions.
"""

from __future__ import annotations

import copy
import functools
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.backward import backward_to
from ..core.node import OutputGradients
from ..core.op import Op
from ..core.tensor import Tensor, node_of, wrap
from ..ops import sum as total
from .calls import Call, innermost, needs_loop
from .subgraph import add_seed, function_node, older_nodes, output_tensors, path_to, variable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.node import Node
    from .batch import Batch


def joint_results(
    batch: Batch, ends: Sequence[Node], sources: Sequence[Node], values: Sequence[Any]
) -> list[Any]:
    """Return for each value that differs from row to row those of all rows, else None.

    Args:
        ends: the nodes of variables inside that need gradients.
        sources: the nodes outside that they come from.
        values: Rows, Tensors of them, and anything else.

    Returns:
        Arrays (rows, *shape); Tensors where they need gradients.
    """
    wholes: list[Any] = [None] * len(values)
    recorded = []
    for k, value in enumerate(values):
        if not isinstance(value, Tensor):
            wholes[k] = value.values if batch.holds_row(value) else None
        elif value.requires_grad and _is_inside(batch, ends, value):
            recorded.append(k)
        elif batch.holds_row(value._data):
            wholes[k] = value._data.values
    if recorded:
        joint = _Joint(batch, ends, sources, [values[k] for k in recorded])
        for k, whole in zip(recorded, joint.results(), strict=True):
            wholes[k] = whole
    return wholes


def _is_inside(batch: Batch, ends: Sequence[Node], value: Tensor) -> bool:
    if batch.holds_row(value._data):
        return True
    return bool(path_to(set(ends), [node_of(value)], batch.since))


class _Joint:
    """The inside of a function: from its results back to its variables and what it has captured."""

    def __init__(
        self,
        batch: Batch,
        ends: Sequence[Node],
        sources: Sequence[Node],
        values: Sequence[Tensor],
    ) -> None:
        self.batch = batch
        self.roots = [node_of(value) for value in values]
        self.captured = older_nodes(self.roots, batch.since)
        self.own = len(ends)  # so many of the ends are variables, the others are captured
        self.ends = (*ends, *self.captured)
        self.sources = list(sources)
        self.path = path_to(set(self.ends), self.roots, batch.since)
        self.names = [value.name for value in values]
        self.values = tuple(batch.whole(value._data) for value in values)

    def results(self) -> list[Tensor]:
        """Return the Tensors of all rows."""
        node = function_node(_VMAP, (*self.sources, *self.captured), self)
        return output_tensors(node, self.values, self.names)

    def pull(self, g: OutputGradients) -> OutputGradients:
        """Compute the gradients of sources and captured nodes from those of the results."""
        if any(isinstance(part_of_g, Tensor) for part_of_g in g):
            return self._recorded_pull(g)
        seeds: dict[Node, Any] = {}
        with self.batch.run():
            for root, part_of_g in zip(self.roots, g, strict=True):
                if part_of_g is not None:
                    add_seed(seeds, root, self.batch.row(part_of_g))
            try:
                gradients = self._backward(seeds, create_graph=False)
            except BaseException as error:
                if not needs_loop(error):
                    raise
                gradients = None
            if gradients is None:
                for node in self.path:
                    node.op = node.op and row_by_row(node.op)
                gradients = self._backward(seeds, create_graph=False)
        answers = []
        for k, end in enumerate(self.ends):
            gradient = gradients.get(end)
            if gradient is not None:
                gradient = self.batch.whole(gradient)
                if k >= self.own:
                    gradient = np.add.reduce(gradient, 0)
            answers.append(gradient)
        return OutputGradients(answers)

    def _recorded_pull(self, g: OutputGradients) -> OutputGradients:
        """Do the same recorded: the way back is a function of a batch too, with its own node."""
        batch = self.batch
        ends, sources = list(self.ends[: self.own]), list(self.sources)
        seeds: dict[Node, Any] = {}
        with batch.run():
            for root, part_of_g in zip(self.roots, g, strict=True):
                if part_of_g is None:
                    continue
                whole = part_of_g if isinstance(part_of_g, Tensor) else wrap(part_of_g, None)
                seed = variable(batch.row(whole._data), None)
                ends.append(node_of(seed))
                sources.append(node_of(whole))
                add_seed(seeds, root, seed)
            gradients = self._backward(seeds, create_graph=True)
        every = [gradients.get(end) for end in self.ends]
        wholes = joint_results(batch, ends, sources, every)
        answers: list[Any] = []
        for k, (value, whole) in enumerate(zip(every, wholes, strict=True)):
            if value is not None and whole is None:
                whole = wrap(batch.whole(value._data), None)
            if whole is not None and k >= self.own:
                whole = total(whole, 0) if isinstance(whole, Tensor) else np.add.reduce(whole, 0)
            answers.append(whole)
        return OutputGradients(answers)

    def _backward(self, seeds: dict[Node, Any], *, create_graph: bool) -> dict[Node, Any]:
        return backward_to(
            set(self.ends),
            self.path,
            seeds,
            retain_graph=True,
            create_graph=create_graph,
            lift=wrap,
        )


@functools.cache
def row_by_row(op: Op) -> Op:
    """Return an op whose rules go through a batch row by row where they need the numbers."""
    rules = [rule and _looping(rule) for rule in op.rule.values()]
    other = copy.copy(op)
    other.rules = itertools.repeat(rules[0]) if op.variadic else tuple(rules)
    return other


def _looping(rule: Any) -> Any:
    def answer(g: Any, *reads: Any) -> Any:
        try:
            return rule(g, *reads)
        except BaseException as error:
            if not needs_loop(error):
                raise
        call = Call(innermost((g, reads)), rule, (g, *reads), {})
        return call.one_by_one()

    return answer


_VMAP = Op(
    lambda values, joint: joint.values,
    "vmap",
    {"values": lambda g, joint: joint.pull(g)},
    text="vmap({values})",
)
