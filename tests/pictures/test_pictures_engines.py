"""Which engine draws, what happens without it, and saving to files."""

import os
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from picture_cases import CASES, graph_of, recurrent

import tinygrad_np as tg
from tinygrad_np.pictures import engines, style

PROGRAMS = [engine for engine in ("dot", "pure") if engines._find(engine)]
VARIABLE = "TINYGRAD_NP_ENGINE"


@pytest.fixture(autouse=True)
def no_engine_chosen(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def installed(monkeypatch):
    """Pretend that exactly these programs are there; drawing returns the name of the one used."""

    def pretend(*programs):
        monkeypatch.setattr(engines, "_find", {p: p for p in programs}.get)
        monkeypatch.setattr(engines, "_run", lambda program, *_: f"drawn by {program}".encode())

    return pretend


def drawn_by(graph, engine=None):
    text = graph.svg(engine, collapse=False)
    return "builtin" if text.startswith("<svg") else text.removeprefix("drawn by ")


@pytest.mark.parametrize(
    ("programs", "expected"),
    [
        (("dot", "pure"), "dot"),
        (("dot",), "dot"),
        (("pure",), "pure"),
        ((), "builtin"),
    ],
)
def test_the_first_engine_that_is_there(installed, programs, expected):
    installed(*programs)
    assert drawn_by(graph_of("diamond")) == expected


def test_argument_before_variable_before_what_is_there(installed, monkeypatch):
    installed("dot", "pure")
    graph = graph_of("diamond")
    monkeypatch.setenv(VARIABLE, "pure")
    assert drawn_by(graph) == "pure"
    assert drawn_by(graph, "builtin") == "builtin"
    monkeypatch.setenv(VARIABLE, "builtin")
    assert drawn_by(graph) == "builtin"
    assert drawn_by(graph, "dot") == "dot"
    monkeypatch.setenv(VARIABLE, "")
    assert drawn_by(graph) == "dot"


def test_graphs_that_would_keep_graphviz_busy_for_minutes(installed):
    installed("dot", "pure")
    assert drawn_by(tg.graph(recurrent(20))) == "dot"
    large = tg.graph(recurrent(60))
    assert drawn_by(large) == "builtin"
    assert drawn_by(large, "pure") == "pure"


@pytest.mark.parametrize("engine", ["neato", "Dot", "graphviz"])
def test_an_unknown_engine(engine, monkeypatch):
    graph = graph_of("diamond")
    with pytest.raises(
        ValueError, match=f"engine must be one of dot, pure, builtin, not .{engine}"
    ):
        graph.svg(engine)
    monkeypatch.setenv(VARIABLE, engine)
    with pytest.raises(ValueError, match=f"variable {VARIABLE} must be one of .* not .{engine}"):
        graph.png()


@pytest.mark.parametrize(
    ("engine", "remedy"),
    [("dot", "install Graphviz"), ("pure", r'pip install "tinygrad-np\[viz\]"')],
)
def test_an_engine_that_is_not_there(installed, engine, remedy):
    installed()
    with pytest.raises(RuntimeError, match=f"engine '{engine}' needs .*{remedy}"):
        graph_of("diamond").svg(engine)


def test_a_program_that_fails(monkeypatch):
    # Python is a program that is surely there and can't draw.
    monkeypatch.setattr(engines, "_find", lambda engine: sys.executable)
    with pytest.raises(
        RuntimeError, match=r"could not draw this graph \(exit code \d+\)(?s:.*)said"
    ):
        graph_of("diamond").svg("dot")


@pytest.mark.skipif(os.name != "posix", reason="makes a program of a shell script")
def test_dot_is_looked_up_on_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engines._find("dot") is None
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\necho "<svg>$1</svg>"\n')
    program.chmod(0o755)
    assert graph_of("diamond").svg() == "<svg>-Tsvg</svg>\n"


def png_size(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


@pytest.mark.oracle
@pytest.mark.parametrize("engine", PROGRAMS)
@pytest.mark.parametrize("case", CASES)
def test_the_real_programs_draw_everything(case, engine):
    graph = graph_of(case)
    root = ET.fromstring(graph.svg(engine))
    drawn = [g.get("class") for g in root.iter("{http://www.w3.org/2000/svg}g")]
    signs = len({node.kind for node in graph.nodes}) + style.has_dashed(graph)  # of the legend
    assert drawn.count("node") == len(graph.nodes) + signs
    assert drawn.count("edge") == len(graph.edges)
    assert max(png_size(graph.png(engine))) <= 4000


@pytest.mark.parametrize("engine", PROGRAMS)
def test_the_size_of_a_png_is_capped(engine):
    t = tg.Tensor([1.0], requires_grad=True)
    for _ in range(150):
        t = tg.tanh(t)
    assert 3900 <= max(png_size(tg.graph(t).png(engine))) <= 4000


@pytest.mark.skipif("pure" not in PROGRAMS, reason="needs graphviz-pure")
def test_pure_is_the_installed_package():
    done = subprocess.run([engines._find("pure"), "-V"], capture_output=True, text=True, timeout=60)
    assert "graphviz-pure" in done.stdout + done.stderr


# --- saving ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [True, False])
def test_the_suffix_decides(tmp_path, as_text):
    graph = graph_of("awkward_names")
    for suffix in (".dot", ".svg", ".SVG"):
        path = tmp_path / f"g{suffix}"
        saved = graph.save(str(path) if as_text else path, engine="builtin")
        assert saved == path
        expected = graph.dot() if suffix == ".dot" else graph.svg("builtin")
        assert path.read_bytes() == expected.encode()


@pytest.mark.skipif(not (PROGRAMS or shutil.which("dot")), reason="needs Graphviz")
def test_saving_a_png(tmp_path):
    path = graph_of("diamond").save(tmp_path / "g.png", engine=PROGRAMS[0])
    png_size(path.read_bytes())


def test_saving_over_an_old_file(tmp_path):
    path = tmp_path / "g.dot"
    path.write_text("x" * 100_000)
    graph_of("diamond").save(path)
    assert path.read_text(encoding="utf-8") == graph_of("diamond").dot()


@pytest.mark.parametrize("name", ["g.pdf", "g.jpg", "g", ".svg", "g.svg.gz"])
def test_other_suffixes(tmp_path, name):
    with pytest.raises(ValueError, match=r"writes \.dot, \.svg, \.png files, not"):
        graph_of("diamond").save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_no_picture(tmp_path):
    with pytest.raises(ValueError, match=r"not 'g\.html': \.html\(path\) writes a page"):
        graph_of("diamond").save(tmp_path / "g.html")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"can't write .*there is no folder .*missing"):
        graph_of("diamond").save(tmp_path / "missing" / "g.svg")


def test_a_folder_that_can_not_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # also for root
    with pytest.raises(PermissionError, match=r"can't write .*is read-only"):
        graph_of("diamond").save(tmp_path / "g.svg")
