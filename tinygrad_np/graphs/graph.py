"""`Graph`: a computation that can be drawn, printed and written as a page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.printing import Text
from ..pictures import to_dot, to_png, to_svg, to_text
from ..pictures.folding import fold
from ..pictures.snapshot import SHOWABLE, SUFFIXES, Edge, GraphNode, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import graphviz

    from ..page.html import Page
    from ..page.live.film import Film

__all__ = ["Edge", "Graph", "GraphNode"]

FOLD_ABOVE = 300  # nodes: a larger picture can't be read, and is folded unless asked not to


class Graph(Snapshot):
    """The nodes and edges of a computation, to be drawn; `graph(...)` makes one.

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

    def __str__(self) -> str:
        return str(self.text())

    def folded(self) -> Graph:
        """Return the graph with each module's ops, and what repeats in a row, as one node.

        "(Linear → relu) ×4" stands for four times the same ops on the same shapes. The output stays
        as it is, and so do leaves that are used in several places.
        """
        return fold(self)

    def text(self, *, show: Collection[str] | None = None, collapse: bool | None = None) -> str:
        """Return the graph as lines, one for each node; `print(graph)` shows it.

        Raises:
            ValueError: `show` has something that can't be shown.
        """
        graph, facts = self._view(show, collapse)
        return Text(to_text(graph, facts))

    def dot(self, *, show: Collection[str] | None = None, collapse: bool | None = None) -> str:
        """Return the graph in Graphviz's DOT language; needs nothing installed.

        Raises:
            ValueError: `show` has something that can't be shown.
        """
        return to_dot(*self._view(show, collapse))

    def _view(
        self, show: Collection[str] | None, collapse: bool | None
    ) -> tuple[Graph, frozenset[str]]:
        """Return the graph to draw, folded or not, and what to show of it."""
        if show is None:
            facts = frozenset(self._known_facts())
        else:
            facts = frozenset([show] if isinstance(show, str) else show)
            unknown = sorted(map(str, facts.difference(SHOWABLE)))
            if unknown:
                raise ValueError(f"show can have {', '.join(SHOWABLE)}; not {', '.join(unknown)}")
        if collapse or (collapse is None and len(self.nodes) > FOLD_ABOVE):
            return self.folded(), facts
        return self, facts

    def _known_facts(self) -> list[str]:
        """Return what is shown by default: all that the graph knows of its ops."""
        ops = [n for n in self.nodes if n.kind == "op"]
        fields = {"values": "value", "gradients": "gradient", "time": "seconds"}
        return [
            fact
            for fact, field in fields.items()
            if any(getattr(node, field) is not None for node in ops)
        ]

    def source(self) -> graphviz.Source:
        """Return the graph for the `graphviz` package: `.view()`, PDF and its other formats.

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
        """Return the picture as SVG text. Works with NumPy alone (see the class for `engine`).

        Raises:
            ValueError: an unknown engine, or `show` has something that can't be shown.
            RuntimeError: an engine that was asked for and is not installed, or that failed.
        """
        return to_svg(*self._view(show, collapse), engine)

    def png(
        self,
        engine: str | None = None,
        *,
        show: Collection[str] | None = None,
        collapse: bool | None = None,
    ) -> bytes:
        """Return the picture as a PNG, at most 4,000 pixels wide and high.

        Raises:
            ValueError: an unknown engine, or `show` has something that can't be shown.
            RuntimeError: an engine that was asked for and is not installed, or that failed.
            ImportError: the built-in layout without matplotlib, which paints it.
        """
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
            page = ": .html(path) writes a page" if suffix == ".html" else ""
            raise ValueError(f"save() writes {', '.join(SUFFIXES)} files, not {path.name!r}{page}")
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

    def html(
        self,
        path: str | os.PathLike[str],
        title: str | None = None,
        *,
        step: Callable[[], Any] | None = None,
        film: Film | None = None,
        findings: Any = (),
        notes: Mapping[Any, str] | None = None,
    ) -> Path:
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
            step: the training step, a function without arguments that computes the loss, calls
                backward() and updates the parameters. With it the page is alive: it runs the
                step, shows where each number comes from, and trains. It is called twice, and
                changes nothing. Of a step that can't be run in a browser, the page says why.
            film: the parameters at steps of a training, from `nn.Film`: a slider goes through it.
            findings: what `lint(loss, model, record=r)` or `why(w, record=r)` returned, or a list
                of these: signs at the nodes that they are about.
            notes: captions, `{loss: "how wrong it is", "hidden": "64 units"}`, by Tensor,
                parameter, module or name.

        Returns:
            The path.

        Raises:
            ValueError: the graph was taken without a record, or folded; another suffix than .html;
                a note for something that is not in the graph;
                a step that computes something else than the graph; a film of other parameters.
            TypeError: the step is no function without arguments; findings or notes of another kind.
            OSError: a folder that does not exist or can't be written to.
        """
        from ..page.html import check_path

        path = check_path(path)
        page = self.page(title, step=step, film=film, findings=findings, notes=notes)
        return page.save(path)

    def page(
        self,
        title: str | None = None,
        *,
        step: Callable[[], Any] | None = None,
        film: Film | None = None,
        findings: Any = (),
        notes: Mapping[Any, str] | None = None,
    ) -> Page:
        """Return the page that `html` writes, with the same arguments; a notebook shows it.

        Raises:
            ValueError, TypeError: as `html`.
        """
        from ..page.html import Page, to_html

        text = to_html(self, title, step=step, film=film, findings=findings, notes=notes)
        return Page(text)

    def _repr_svg_(self) -> str:
        """Return the picture, no wider than the cell of a notebook that shows it."""
        return self.svg().replace("<svg ", '<svg style="max-width: 100%; height: auto" ', 1)
