"""`graph(loss)`: a read-only picture of how a value was computed.

The snapshot copies what it shows (ops, names, shapes, dtypes), so it holds no arrays and stays as
it was when `backward()` runs, or when a Tensor is renamed.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .autograd import Leaf, Node
from .tensor import Tensor, node_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import graphviz

    from .ops.op import Op
    from .recorder import Record

__all__ = ["Edge", "Graph", "GraphNode", "graph"]

SUFFIXES = (".dot", ".svg", ".png")


class GraphNode(NamedTuple):
    """One value of the graph.

    Attributes:
        id: position in `Graph.nodes`; larger than that of everything it was computed from.
        kind: "data" (needs no gradient), "parameter" (a leaf that does), "number" (a Python
            number in the code), "op", or "output" (an op whose result the graph was asked for).
        op: name of the op that made it; None for leaves and numbers.
        name: the Tensor's name, if it has one.
        shape, dtype: None for a number, and for an op with several outputs.
        value: the Python number that a number node stands for.
    """

    id: int
    kind: str
    op: str | None
    name: str | None
    shape: tuple[int, ...] | None
    dtype: str | None
    value: complex | None = None

    @property
    def header(self) -> str:
        """What the picture calls it: `Z1 = add`, `W1`, `relu`, `0.5`."""
        if self.kind == "number":
            return str(self.value) if isinstance(self.value, (bool, int)) else f"{self.value:.6g}"
        name = (self.name or "").strip()
        if self.op is None:
            return name or self.kind
        return f"{name} = {self.op}" if name else self.op

    @property
    def size_text(self) -> str:
        """The shape as the picture shows it: `300×64`, `()` for a single number."""
        if self.shape is None:
            return ""
        return "×".join(map(str, self.shape)) or "()"


class Edge(NamedTuple):
    """An input of an op: `source` and `target` are node ids.

    `argument` is the position among the op's inputs. `gradient` says whether a gradient flows
    back along it: not to data, and not where the op has no derivative rule.
    """

    source: int
    target: int
    argument: int
    gradient: bool


class Graph:
    """What `graph(...)` gives: the nodes and edges of a computation, and how to draw them.

    `nodes` and `edges` are tuples in the order of recording, so the same program always gives
    the same graph. Notebooks show a Graph as its picture.

    The drawing methods take `engine`: "dot" (the Graphviz program), "pure" (the package
    graphviz-pure) or "builtin" (a layout in pure Python, which needs nothing else). By default
    the environment variable TINYGRAD_NP_ENGINE decides, else the first of the three that is
    there; graphs too large for Graphviz to be quick go to the built-in layout.
    """

    def __init__(self, nodes: tuple[GraphNode, ...], edges: tuple[Edge, ...]) -> None:
        self.nodes = nodes
        self.edges = edges
        self.recorded: tuple[Record, dict[Node, int]] | None = None  # and the id of each node

    @property
    def title(self) -> str:
        """The outputs by name and op, such as `loss = cross_entropy`."""
        outputs = [n for n in self.nodes if n.kind == "output"] or self.nodes
        return outputs[0].header if len(outputs) == 1 else f"{len(outputs)} outputs"

    @property
    def totals(self) -> str:
        """How large it is: `7 ops · 323 parameters in 4 tensors`."""
        ops = sum(n.op is not None for n in self.nodes)
        shapes = [n.shape for n in self.nodes if n.kind == "parameter" and n.shape is not None]
        count = sum(map(math.prod, shapes))
        inside = f" in {len(shapes)} tensors" if len(shapes) > 1 else ""
        return f"{_plural(ops, 'op')} · {_plural(count, 'parameter')}{inside}"

    def __repr__(self) -> str:
        return f"<Graph {self.title}: {self.totals}>"

    def dot(self) -> str:
        """The graph in Graphviz's DOT language; needs nothing installed."""
        from .draw import to_dot

        return to_dot(self)

    def source(self) -> graphviz.Source:
        """The graph for the `graphviz` package: `.view()`, PDF and Graphviz's other formats.

        Raises:
            ImportError: the package is not installed.
        """
        try:
            import graphviz
        except ImportError as error:
            raise ImportError(
                'source() needs the package graphviz: pip install "tinygrad-np[viz]"'
            ) from error
        return graphviz.Source(self.dot())

    def svg(self, engine: str | None = None) -> str:
        """The picture as SVG text. Works with NumPy alone (see the class for `engine`).

        Raises:
            ValueError: an unknown engine.
            RuntimeError: an engine that was asked for and is not installed, or that failed.
        """
        from .draw import to_svg

        return to_svg(self, engine)

    def png(self, engine: str | None = None) -> bytes:
        """The picture as a PNG, at most 4,000 pixels wide and high.

        Raises:
            ValueError: an unknown engine.
            RuntimeError: an engine that was asked for and is not installed, or that failed.
            ImportError: the built-in layout without matplotlib, which paints it.
        """
        from .draw import to_png

        return to_png(self, engine)

    def save(self, path: str | os.PathLike[str], engine: str | None = None) -> Path:
        """Write the picture to a file: its suffix, .dot, .svg or .png, says in which form.

        Returns:
            The path.

        Raises:
            ValueError: another suffix.
            OSError: a folder that does not exist or can't be written to.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise ValueError(f"save() writes {', '.join(SUFFIXES)} files, not {path.name!r}")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"can't write {path}: there is no folder {path.parent}")
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(f"can't write {path}: the folder {path.parent} is read-only")
        if suffix == ".png":
            path.write_bytes(self.png(engine))
        else:
            text = self.dot() if suffix == ".dot" else self.svg(engine)
            path.write_text(text, encoding="utf-8", newline="\n")
        return path

    def html(self, path: str | os.PathLike[str], title: str | None = None) -> Path:
        """Write the step-through page: one file, to be opened in any browser, also offline.

            with tg.record() as r:
                loss = nn.cross_entropy(model(X), y)
                loss.backward()
            tg.graph(loss, model, record=r).html("step.html")

        Returns:
            The path.

        Raises:
            ValueError: the graph was taken without a record, or another suffix than .html.
            OSError: a folder that does not exist or can't be written to.
        """
        from .draw.page import write_page

        return write_page(self, path, title)

    def _repr_svg_(self) -> str:
        return self.svg()


def graph(output: Tensor | Iterable[Tensor], *, record: Record | None = None) -> Graph:
    """The computation that led to `output`, to be looked at or drawn.

        tg.graph(loss).save("loss.svg")

    Args:
        output: a Tensor (usually the loss), or a list or tuple of them. Before or after
            `backward()`, with or without need of a gradient; what was computed where nothing
            needed a gradient was not recorded, and shows as data.

    Raises:
        TypeError: something that is no Tensor.
        ValueError: an empty list.
    """
    outputs = tuple(output) if isinstance(output, (list, tuple)) else (output,)
    if not outputs:
        raise ValueError("graph() needs at least one Tensor, not an empty list")
    for tensor in outputs:
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"graph() draws a Tensor, or a list of them, not {type(tensor).__name__}"
            )
    roots = [node_of(tensor) for tensor in outputs]
    nodes: list[GraphNode] = []
    edges: list[Edge] = []
    ids: dict[Node, int] = {}
    for node in _ancestors(roots):
        sources = []
        for argument, parent in enumerate(node.parents):
            if parent is None:
                continue
            if isinstance(parent, Node):
                sources.append((ids[parent], argument, parent.needs_grad))
            else:  # a number has no node of its own: each use of one is drawn apart
                sources.append((len(nodes), argument, False))
                nodes.append(GraphNode(len(nodes), "number", None, None, None, None, parent))
        ids[node] = target = len(nodes)
        dtype = None if node.dtype is None else str(node.dtype)
        op = node.op.name if node.op else None
        nodes.append(GraphNode(target, _kind(node), op, node.name, node.shape, dtype))
        for source, argument, needs_grad in sources:
            assert node.op is not None
            flows = needs_grad and _has_rule(node.op, argument)
            edges.append(Edge(source, target, argument, flows))
    for root in roots:
        if root.op is not None:
            nodes[ids[root]] = nodes[ids[root]]._replace(kind="output")
    taken = Graph(tuple(nodes), tuple(edges))
    if record is not None:
        taken.recorded = record, ids
    return taken


def _ancestors(roots: list[Node]) -> list[Node]:
    """The roots and everything that they were computed from, oldest first."""
    found: set[Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(p for p in node.parents if isinstance(p, Node))
    return sorted(found, key=lambda node: node.serial)


def _kind(node: Node) -> str:
    if node.op is not None:
        return "op"
    return "parameter" if isinstance(node, Leaf) else "data"


def _has_rule(op: Op, argument: int) -> bool:
    rules = list(op.rule.values())
    return (rules[0] if op.variadic else rules[argument]) is not None


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
