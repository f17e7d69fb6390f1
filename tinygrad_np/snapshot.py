"""`Graph`: a read-only picture of how a value was computed. `graph(loss)` takes one.

A snapshot copies what it shows (ops, names, shapes, dtypes), so it stays as it was when
`backward()` runs, or when a Tensor is renamed. It holds arrays only if it was given a `Record`.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import graphviz

    from .node import Node
    from .op import Op
    from .recorder import Record

__all__ = ["SHOWABLE", "SUFFIXES", "Edge", "Graph", "GraphNode"]

SUFFIXES = (".dot", ".svg", ".png")

# What a picture can show besides ops, names, shapes and dtypes.
SHOWABLE = ("values", "gradients", "bytes", "flops", "time", "lines", "shapes", "arguments")

FOLD_ABOVE = 300  # nodes: a larger picture can't be read, and is folded unless asked not to


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

    @property
    def header(self) -> str:
        """What the picture calls it: `Z1 = add`, `W1`, `relu`, `0.5`, `Linear ×4`."""
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


class Graph:
    """What `graph(...)` gives: the nodes and edges of a computation, and how to draw them.

    `nodes` and `edges` are tuples in the order of recording, so the same program always gives
    the same graph. Notebooks show a Graph as its picture.

    The drawing methods take `engine`: "dot" (the Graphviz program), "pure" (the package
    graphviz-pure) or "builtin" (a layout in pure Python, which needs nothing else). By default
    the environment variable TINYGRAD_NP_ENGINE decides, else the first of the three that is
    there; graphs too large for Graphviz to be quick go to the built-in layout.

    They also take `show`, a collection of what the picture shall tell besides ops, names, shapes
    and dtypes: "values" and "gradients" (statistics; by default where the graph has them),
    "bytes", "flops", "time" (with the slowest ops coloured), "lines" (of the user's source), and
    on the edges "shapes" and "arguments". `collapse=True` draws the graph `folded`; by default
    only one of more than 300 nodes is, and its title says so.

    A Graph can be made of plain nodes and edges, too: ids are positions, edges lead to larger ids.

    Args:
        modules: the class name of each module path that a node has.
        title, totals: what the heading says; by default the outputs, and the counts.
        note: a third thing that it says.
    """

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
        # What `graph()` was given to read values from, and the id of each node in it.
        self.recorded: tuple[Record, dict[Node, int]] | None = None
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
        """How large it is: `7 ops · 323 parameters in 4 tensors`."""
        if self._totals is not None:
            return self._totals
        ops = sum(n.op is not None for n in self.nodes)
        shapes = [n.shape for n in self.nodes if n.kind == "parameter" and n.shape is not None]
        count = sum(map(math.prod, shapes))
        inside = f" in {len(shapes)} tensors" if len(shapes) > 1 else ""
        return f"{_plural(ops, 'op')} · {_plural(count, 'parameter')}{inside}"

    def __repr__(self) -> str:
        return f"<Graph {self.title}: {self.totals}>"

    def __str__(self) -> str:
        return self.text()

    def folded(self) -> Graph:
        """The graph with each module's ops, and what repeats in a row, folded to one node.

        "(Linear → relu) ×4" stands for four times the same ops on the same shapes. The output stays
        as it is, and so do leaves that are used in several places.
        """
        from .folding import fold

        return fold(self)

    def text(self, *, show: Collection[str] | None = None, collapse: bool | None = None) -> str:
        """The graph as lines for a terminal or a log, one for each node; `print(graph)` shows it.

        Raises:
            ValueError: `show` has something that can't be shown.
        """
        from .draw import to_text

        graph, shown = self._view(show, collapse)
        return to_text(graph, shown)

    def dot(self, *, show: Collection[str] | None = None, collapse: bool | None = None) -> str:
        """The graph in Graphviz's DOT language; needs nothing installed.

        Raises:
            ValueError: `show` has something that can't be shown.
        """
        from .draw import to_dot

        return to_dot(*self._view(show, collapse))

    def _view(
        self, show: Collection[str] | None, collapse: bool | None
    ) -> tuple[Graph, frozenset[str]]:
        """The graph to draw, folded or not, and what to show of it."""
        if show is None:
            shown = frozenset(self._at_hand())
        else:
            shown = frozenset([show] if isinstance(show, str) else show)
            unknown = sorted(map(str, shown.difference(SHOWABLE)))
            if unknown:
                raise ValueError(f"show can have {', '.join(SHOWABLE)}; not {', '.join(unknown)}")
        if collapse or (collapse is None and len(self.nodes) > FOLD_ABOVE):
            return self.folded(), shown
        return self, shown

    def _at_hand(self) -> list[str]:
        """What is shown by default: what the graph knows of its ops."""
        ops = [n for n in self.nodes if n.kind == "op"]
        found = ["values"] if any(n.value is not None for n in ops) else []
        found += ["gradients"] if any(n.gradient is not None for n in ops) else []
        return found + (["time"] if any(n.seconds is not None for n in ops) else [])

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

    def svg(
        self,
        engine: str | None = None,
        *,
        show: Collection[str] | None = None,
        collapse: bool | None = None,
    ) -> str:
        """The picture as SVG text. Works with NumPy alone (see the class for `engine`).

        Raises:
            ValueError: an unknown engine, or `show` has something that can't be shown.
            RuntimeError: an engine that was asked for and is not installed, or that failed.
        """
        from .draw import to_svg

        return to_svg(*self._view(show, collapse), engine)

    def png(
        self,
        engine: str | None = None,
        *,
        show: Collection[str] | None = None,
        collapse: bool | None = None,
    ) -> bytes:
        """The picture as a PNG, at most 4,000 pixels wide and high.

        Raises:
            ValueError: an unknown engine, or `show` has something that can't be shown.
            RuntimeError: an engine that was asked for and is not installed, or that failed.
            ImportError: the built-in layout without matplotlib, which paints it.
        """
        from .draw import to_png

        return to_png(*self._view(show, collapse), engine)

    def save(
        self,
        path: str | os.PathLike[str],
        engine: str | None = None,
        *,
        show: Collection[str] | None = None,
        collapse: bool | None = None,
    ) -> Path:
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
            path.write_bytes(self.png(engine, show=show, collapse=collapse))
        else:
            view: dict[str, Any] = {"show": show, "collapse": collapse}
            text = self.dot(**view) if suffix == ".dot" else self.svg(engine, **view)
            path.write_text(text, encoding="utf-8", newline="\n")
        return path

    def html(self, path: str | os.PathLike[str], title: str | None = None) -> Path:
        """Write the step-through page: one file, to be opened in any browser, also offline.

            with tg.record() as r:
                loss = nn.cross_entropy(model(X), y)
                loss.backward()
                optimizer.step()
            tg.graph(loss, model, record=r).html("step.html")

        It goes through forward and backward op by op, with all values, local rules and gradients,
        and then through what the optimizer did to each parameter.

        Args:
            title: stands at the top; by default what `Graph.title` says.

        Returns:
            The path.

        Raises:
            ValueError: the graph was taken without a record, or folded; another suffix than .html.
            OSError: a folder that does not exist or can't be written to.
        """
        from .draw.page import write_page

        return write_page(self, path, title)

    def _repr_svg_(self) -> str:
        return self.svg()


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
