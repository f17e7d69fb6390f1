"""The step-through page: one HTML file that shows a recorded run, step by step.

The page is put together from `step.html`, `step.css`, `graph.js`, `step.js`, and the steps and the
graph as JSON. It loads nothing else, and needs no server.
"""

from __future__ import annotations

import json
import os
import re
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..compiler.errors import CompileError, warn
from ..pictures import style
from .groups import groups_of
from .live.document import live_document
from .names import numbered
from .places import places_of
from .steps import steps_of
from .telling import captions_of, findings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..pictures.snapshot import Snapshot
    from .live.film import Film


POOLED = {"doc", "code", "numpy"}
# Spaces beside these signs say nothing, in CSS and in JavaScript, but in its texts.
SPACED = {
    ".css": re.compile(r" ?([=,;{}<>]) ?|(?<=[\w-]:) "),
    ".js": re.compile(r" ?([=,;{}<>?|:()*!&]) ?| ([-+/%]) (?![-+])"),
}
TEXTS = re.compile(r"""("[^"]*"|'[^']*'|`[^`]*`|/[^ /*](?:\\.|[^/\\])*/)""")  # and patterns
NESTED = re.compile(r"`[^`]*\$\{[^}`]*`")  # a text within a text


def to_html(
    graph: Snapshot,
    title: str | None = None,
    *,
    step: Callable[[], Any] | None = None,
    film: Film | None = None,
    findings: Any = (),
    notes: Mapping[Any, str] | None = None,
) -> str:
    """Return the page as text, see `Graph.html`.

    With the training step it is alive, with a film of the training, too. A step that can't be run
    in a browser leaves the page as it is without; it says so, and so does a CompileWarning.

    Raises:
        ValueError: the graph was taken without a record of values; the step computes something
            else; a film of other parameters, or without the step; a note for something else.
        TypeError: the step is no function without arguments; findings of another kind.
    """
    if film is not None and step is None:
        raise ValueError("film= needs step=, the function of the training step that it is of")
    run = steps_of(graph)
    names = [node["name"] for node in run["nodes"]]
    drawn = numbered(graph, names)
    run["findings"] = findings_of(graph, findings)
    groups = groups_of(graph)
    framed = {group.path for group in groups.walk()}
    captions = captions_of(graph, names, notes or {}, framed)
    run["groups"] = places_of(drawn, groups, captions)
    for node, entry in zip(drawn.nodes, run["nodes"]):
        texts = {"label": style.bold(node), "exit": style.one_line(node.exit)}
        texts["note"] = captions.nodes.get(node.id, "")
        entry |= {key: text for key, text in texts.items() if text not in ("", entry["title"])}
    _pool_texts(run)
    if title is not None:
        run["title"] = style.one_line(title, 120)
    live = dict.fromkeys(("MODES", "LIVE", "LIVE_CSS", "LIVE_JS"), "")
    if step is not None:
        try:
            live |= _live(live_document(graph, names, step, film), run["arrays"])
        except CompileError as error:
            run["refused"] = str(error)
            warn(f"the page is not alive: {error}")
    return _fill(
        _asset("step.html"),
        TITLE=escape(run["title"]),
        TOTALS=escape(run["totals"]),
        CSS=_asset("step.css"),
        GRAPH=_asset("graph.js"),
        RUN=_json(run),
        JS=_asset("step.js"),
        **live,
    )


def _live(document: tuple[dict[str, Any], str], arrays: list[dict[str, Any]]) -> dict[str, str]:
    """Return what the live mode adds to the page; values that are among its arrays are shared."""
    data, kernels = document
    numbers = {array["data"]: k for k, array in enumerate(arrays)}
    for buffer in data["program"]["buffers"]:
        if buffer[0] == "f4" and buffer[-1] in numbers:
            buffer[-1] = numbers[buffer[-1]]
    script = f'<script id="live-data" type="application/json">{_json(data)}</script>'
    parts = [_asset(f"live/{name}.js") for name in ("origins", "pictures", "live")]
    texts = (_asset("live/runtime.js"), kernels, "(() => {", *parts, "})();")
    return {
        "MODES": _asset("live/modes.html"),
        "LIVE": _asset("live/live.html") + script,
        "LIVE_CSS": _asset("live/live.css"),
        "LIVE_JS": "\n".join(texts),
    }


class Page:
    """A step-through page: a notebook shows it, `save` writes it.

    Attributes:
        text: the HTML.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<Page of {len(self.text):,} characters: a notebook shows it>"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to an .html file, and return its path.

        Raises:
            ValueError: another suffix.
            OSError: a folder that does not exist or can't be written to.
        """
        path = check_path(path)
        if not path.parent.is_dir():
            raise FileNotFoundError(f"can't write {path}: there is no folder {path.parent}")
        path.write_text(self.text, encoding="utf-8", newline="\n")
        return path

    def _repr_html_(self) -> str:
        """Return a frame with the page inside, which its styles and scripts can't leave."""
        style = "width: 100%; height: 680px; border: 1px solid #d9dde3"
        return (
            f'<iframe srcdoc="{escape(self.text)}" style="{style}" title="Step by step"></iframe>'
        )


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a page; raise a ValueError if its suffix is another one than .html."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"html() writes an .html file, not {path.name!r}")
    return path


def _asset(name: str) -> str:
    """Read a file beside this module, without comments on lines of their own and idle spaces."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("//")]
    spaced = SPACED.get(Path(name).suffix)
    if spaced is not None:
        lines = [_squeezed(line, spaced) for line in lines]
    text = "\n".join(lines)
    return re.sub(r"(?<=[;{},])\n", "", text) if name.endswith(".css") else text


def _squeezed(line: str, spaced: re.Pattern[str]) -> str:
    """Leave out spaces of a line of code, but not those of the texts in it."""
    if NESTED.search(line):
        return line
    parts = TEXTS.split(line)
    parts[::2] = [spaced.sub(lambda m: m[m.lastindex or 0].strip(), part) for part in parts[::2]]
    return "".join(parts)


def _fill(template: str, **parts: str) -> str:
    """Return the template with each `{{NAME}}` replaced, those in the replacements excepted."""
    pieces = template.split("{{")
    texts = [pieces[0]]
    for piece in pieces[1:]:
        name, rest = piece.split("}}", 1)
        texts += [parts[name], rest]
    return "".join(texts)


def _pool_texts(run: dict[str, Any]) -> None:
    """Put the texts that many nodes and steps have in common into one list, `texts`."""
    numbers: dict[str, int] = {}
    flows = [flow for step in run["steps"] for flow in step.get("flows", ())]
    for entry in [*run["nodes"], *run["steps"], *flows]:
        for key in POOLED.intersection(entry):
            text = json.dumps(entry[key])
            entry[key] = numbers.setdefault(text, len(numbers))
    run["texts"] = list(map(json.loads, numbers))


def _json(run: dict[str, Any]) -> str:
    """Return JSON that can stand inside a script element, whatever the names in it are."""
    text = json.dumps(run, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
