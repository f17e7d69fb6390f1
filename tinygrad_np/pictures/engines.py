"""Who draws: Graphviz where there is one, else the layout of our own."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from .dot_text import to_dot
from .layers import span

if TYPE_CHECKING:
    from collections.abc import Collection

    from .snapshot import Snapshot

ENGINES = ("dot", "pure", "builtin")
VARIABLE = "TINYGRAD_NP_ENGINE"

MAX_PIXELS = 4000  # a picture of hundreds of nodes would take minutes and gigabytes without
_DPI = 144
_CAP = f"{MAX_PIXELS / _DPI:.2f}"

# Up to here Graphviz is done in about two seconds; ten times as much takes it many minutes, and
# the built-in layout one second.
_MAX_SPAN = 3000

_MISSING = {
    "dot": "the Graphviz program `dot`, which is not on the PATH: install Graphviz",
    "pure": 'the package graphviz-pure: pip install "tinygrad-np[viz]"',
}


def to_svg(graph: Snapshot, shown: Collection[str] = (), engine: str | None = None) -> str:
    """The picture as SVG text."""
    program = _program(graph, engine)
    if program is not None:
        return _run(program, to_dot(graph, shown), "-Tsvg").decode("utf-8")
    return _own_svg(graph, shown)


def _own_svg(graph: Snapshot, shown: Collection[str]) -> str:
    from .layout import lay_out
    from .svg_text import draw_svg

    return draw_svg(lay_out(graph, shown))


def to_png(graph: Snapshot, shown: Collection[str] = (), engine: str | None = None) -> bytes:
    """The picture as the bytes of a PNG file."""
    program = _program(graph, engine)
    if program is not None:
        return _run(
            program, to_dot(graph, shown), "-Tpng", f"-Gdpi={_DPI}", f"-Gsize={_CAP},{_CAP}"
        )
    from .raster import draw_png

    return draw_png(_own_svg(graph, shown), MAX_PIXELS)


def _program(graph: Snapshot, engine: str | None) -> str | None:
    """The path of the program that draws, or None for the built-in layout."""
    origin = "engine"
    if engine is None:
        engine = os.environ.get(VARIABLE) or None
        origin = f"the environment variable {VARIABLE}"
    if engine is None:
        return None if span(graph) > _MAX_SPAN else _find("dot") or _find("pure")
    if engine not in ENGINES:
        raise ValueError(f"{origin} must be one of {', '.join(ENGINES)}, not {engine!r}")
    if engine == "builtin":
        return None
    program = _find(engine)
    if program is None:
        raise RuntimeError(f"engine {engine!r} needs {_MISSING[engine]}, or use engine='builtin'")
    return program


def _find(engine: str) -> str | None:
    if engine == "dot":
        return shutil.which("dot")
    try:
        files = importlib.metadata.files("graphviz-pure") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    # The package is a program without any module: only its list of files says where it went.
    return next((str(f.locate()) for f in files if f.stem == "graphviz-pure"), None)


def _run(program: str, text: str, *options: str) -> bytes:
    done = subprocess.run([program, *options], input=text.encode(), capture_output=True)
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip()[:500] or "nothing"
        raise RuntimeError(
            f"{program} could not draw this graph (exit code {done.returncode}). It said: {said}. "
            "engine='builtin' draws without it."
        )
    return done.stdout
