"""Graphs of several sizes, made one for any number of rows: constants that differ follow these."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..rows.arrays import Rows
from ..rows.merging import different
from .following import COUNTS, Following
from .graph import Graph, Node, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = "rows"  # the name of their number in shapes


def for_any_rows(name: str, graphs: Sequence[Graph]) -> Graph:
    """Make the graphs of `COUNTS` one; the first becomes it.

    Raises:
        CompileError: they differ in more than numbers that follow the rows.
    """
    return _Merging(name, graphs).run()


@dataclass
class _Merging:
    """Comparison of the graphs of `COUNTS`, node by node.

    Attributes:
        same: values of the first graph, by those of the others.
        made: what stands for constants, by their contents.
        following: the constants that follow the rows.
    """

    name: str
    graphs: Sequence[Graph]
    same: dict[Value, Value] = field(default_factory=dict)
    made: dict[Any, Value] = field(default_factory=dict)
    latest: Any = None

    def __post_init__(self) -> None:
        source = next(iter(self.graphs[0].inputs.values()))
        self.following = Following(source)

    def run(self) -> Graph:
        first = self.graphs[0]
        for values in zip(*(g.inputs.values() for g in self.graphs), strict=True):
            self._pair(values)
        for nodes in itertools.zip_longest(*(g.nodes for g in self.graphs)):
            self._node(nodes)
        if len({tuple(g.outputs) for g in self.graphs}) > 1:
            self._fail("other results")
        first.nodes[:0] = self.following.graph.nodes
        return first

    def _pair(self, values: Sequence[Value]) -> None:
        """Note that values are one, of a shape that may follow the rows."""
        one, *others = values
        self.same.update(dict.fromkeys(others, one))
        shapes = [value.shape for value in values]
        if len(set(map(len, shapes))) > 1:
            self._fail(f"results of shape {shapes[0]} and {shapes[1]}")
        one.shape = tuple(map(self._length, zip(*shapes)))

    def _length(self, lengths: Sequence[int]) -> Any:
        """Return a length, or the text of how it follows the rows."""
        if len(set(lengths)) == 1:
            return lengths[0]
        found = Rows.through(COUNTS, lengths)
        if found is None:
            self._fail(f"the lengths {', '.join(map(str, lengths))}")
        return repr(found).replace("n", ROWS)

    def _node(self, nodes: Sequence[Node | None]) -> None:
        """Compare nodes, and let the first one follow the rows."""
        there = [node for node in nodes if node is not None]
        self.latest = there[-1]
        one = there[0]
        kinds = {(node.kind, len(node.inputs)) for node in there}
        if len(there) < len(nodes) or len(kinds) > 1:
            self._fail("other operations")
        if any(node.attributes != one.attributes for node in there):
            self._fail(f"other settings of {one.call}")
        columns = list(zip(*(node.inputs for node in there)))
        one.inputs = [
            self._input(values, is_shape=one.kind == "Reshape" and position == 1)
            for position, values in enumerate(columns)
        ]
        for outs in zip(*(node.outputs for node in there)):
            self._pair(outs)

    def _input(self, values: Sequence[Value | None], is_shape: bool) -> Value | None:
        """Return what stands for an input: the same value of each graph, or a constant."""
        one, *others = values
        arrays = [v.constant for v in values if v is not None and v.constant is not None]
        if not arrays:
            found = [self.same.get(v) if v is not None else None for v in others]
            if any(v is not one for v in found):
                self._fail("other operands")
            return one
        if len(arrays) < len(values):
            self._fail("other operands")
        return self._constant(_inferred(arrays) if is_shape else arrays, values[0])

    def _constant(self, arrays: Sequence[np.ndarray], one: Any) -> Value:
        """Return what stands for a constant, the same for the same contents."""
        key = tuple((array.shape, array.dtype, array.tobytes()) for array in arrays)
        if key not in self.made:
            made = self.following.value(arrays)
            if made is None:
                self._fail("an array that holds other numbers, and not the same for each row")
            if made.constant is not None:
                made.name = one.name
            self.made[key] = made
        return self.made[key]

    def _fail(self, found: str) -> NoReturn:
        raise different(self.name, self.latest, COUNTS, found)


def _inferred(shapes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return shapes with -1 for the one length that follows the rows: ONNX finds it out."""
    if len({len(shape) for shape in shapes}) > 1:
        return list(shapes)
    table = np.stack(shapes)
    differs = np.flatnonzero((table != table[0]).any(axis=0))
    if len(differs) == 1 and table.all():
        table[:, differs] = -1
    return list(table)
