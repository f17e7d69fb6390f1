"""`Snapshot`: nodes and edges, copied from what was recorded.

A snapshot copies what it shows (ops, names, shapes, dtypes), so it stays as it was when
`backward()` runs, or when a Tensor is renamed. It holds arrays only if it was given a `Record`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.printing import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.node import Node
    from ..core.op import Op
    from ..recording.reading import Reading

SUFFIXES = (".dot", ".svg", ".png")

# What a picture can show besides ops, names, shapes and dtypes.
SHOWABLE = ("values", "gradients", "bytes", "flops", "time", "lines", "shapes", "arguments")


class GraphNode(NamedTuple):
    """One value of the graph.

    Attributes:
        id: position in `Graph.nodes`; larger than that of everything it was computed from.
        kind: "data" (needs no gradient), "parameter" (a leaf that does), "number" (a Python
            number in the code), "op", "output" (an op whose result the graph was asked for), or
            "block" (several ops folded into one node, see `Graph.folded`).
        op: name of the op that made it; for a block, what was folded; None for leaves and numbers.
        name: the Tensor's name, the parameter's dotted name in the model, or the variable that
            the user's code gave the value to; None if it has none of them.
        shape, dtype: None for a number, and for an op with several outputs.
        value: the Python number that a number node stands for; the array (a tuple of them for an
            op with several outputs) if the graph was taken with a Record; else None, except that
            an output of one element keeps it as a number.
        module: dotted path of the module that was being called, "" outside of all.
        gradient: the array that backward computed; None where it did not compute one, which is
            not the same as zeros.
        bytes: size of the value.
        flops: floating-point operations of the forward, from the shapes; None where the op does
            not say.
        place: file name and line number of the user's that made it.
        seconds: how long the op's forward took when it was replayed, see `graph(times=True)`.
        repeats: how many times a block was found in a row.
        parameters: how many numbers a parameter holds, or the parameters in a block.
        exit: where the value, or one that it reads as data, left the graph as a bare number; "" if
            that is not known.
    """

    id: int
    kind: str
    op: str | None
    name: str | None
    shape: tuple[int, ...] | None
    dtype: str | None
    value: Any = None
    module: str = ""
    gradient: Any = None
    bytes: int | None = None
    flops: int | None = None
    place: tuple[str, int] | None = None
    seconds: float | None = None
    repeats: int = 1
    parameters: int = 0
    exit: str = ""

    @property
    def header(self) -> str:
        """Its heading in the picture: `Z1 = add`, `W1`, `relu`, `0.5`, `Linear ×4`."""
        if self.kind == "number":
            return str(self.value) if isinstance(self.value, (bool, int)) else f"{self.value:.6g}"
        name = (self.name or "").strip()
        if self.op is None:
            return name or self.kind
        made = self.op
        if self.repeats > 1:
            made = f"({made}) ×{self.repeats:,}" if " → " in made else f"{made} ×{self.repeats:,}"
        return f"{name} = {made}" if name else made

    @property
    def size_text(self) -> str:
        """The shape as the picture shows it: `300×64`, `()` for a single number."""
        if self.shape is None:
            return ""
        return "×".join(map(str, self.shape)) or "()"


class Edge(NamedTuple):
    """An input of an op: `source` and `target` are node ids.

    `argument` is the position among the op's inputs, `name` what the op calls that input.
    `gradient` says whether a gradient flows back along it: not to data, and not where the op has
    no derivative rule.
    """

    source: int
    target: int
    argument: int
    gradient: bool
    name: str = ""


class Snapshot:
    """The nodes and edges of a computation, and what is known of them: what a `Graph` draws."""

    def __init__(
        self,
        nodes: tuple[GraphNode, ...],
        edges: tuple[Edge, ...],
        *,
        modules: Mapping[str, str] | None = None,
        title: str | None = None,
        totals: str | None = None,
        note: str = "",
    ) -> None:
        self.nodes = nodes
        self.edges = edges
        self.modules = dict(modules or {})
        self.note = note
        self._title = title
        self._totals = totals
        # With a record: all that is known of the run, and the id of each of its nodes.
        self.reading: Reading | None = None
        self.ids: dict[Node, int] = {}
        # By id, for the tools that tell of the rules: each op, and its arguments but the inputs.
        self.ops: dict[int, Op] = {}
        self.params: dict[int, dict[str, Any]] = {}

    @property
    def title(self) -> str:
        """The outputs by name and op, such as `loss = cross_entropy`."""
        if self._title is not None:
            return self._title
        outputs = [n for n in self.nodes if n.kind == "output"] or self.nodes
        return outputs[0].header if len(outputs) == 1 else f"{len(outputs)} outputs"

    @property
    def totals(self) -> str:
        """Its size in words: `7 ops · 323 parameters in 4 tensors`."""
        if self._totals is not None:
            return self._totals
        ops = sum(n.op is not None for n in self.nodes)
        shapes = [n.shape for n in self.nodes if n.kind == "parameter" and n.shape is not None]
        count = sum(map(math.prod, shapes))
        inside = f" in {len(shapes)} tensors" if len(shapes) > 1 else ""
        return f"{_plural(ops, 'op')} · {_plural(count, 'parameter')}{inside}"

    def __repr__(self) -> str:
        return str(Text(f"<Graph {self.title}: {self.totals}>"))


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
