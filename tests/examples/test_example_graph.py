"""examples/graph.py: what it writes and says."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

pytest.importorskip("matplotlib")

EXAMPLE = Path(__file__).parents[2] / "examples" / "graph.py"


def run(*options, cwd, **env):
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *options],
        cwd=cwd,
        env={**os.environ, "MPLBACKEND": "agg", "DISPLAY": "", **env},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


@pytest.mark.parametrize(("engine", "out"), [("", "out"), ("builtin", "a/b")])
def test_it_draws_both_graphs_and_says_where(tmp_path, engine, out):
    chosen = ("--out", out) if out != "out" else ()
    done = run(*chosen, cwd=tmp_path, TINYGRAD_NP_ENGINE=engine, PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    files = {
        f"graph_{name}.{suffix}"
        for name in ("expression", "step")
        for suffix in ("svg", "png", "dot")
    }
    assert {path.name for path in (tmp_path / out).iterdir()} == files
    said = {Path(line.strip()).name for line in done.stdout.splitlines() if line.startswith("  ")}
    assert said == files
    for name in files:
        data = (tmp_path / out / name).read_bytes()
        if name.endswith("svg"):
            ET.fromstring(data)
        elif name.endswith("png"):
            assert data.startswith(b"\x89PNG")
    step = (tmp_path / out / "graph_step.dot").read_text(encoding="utf-8")
    for text in (
        "matmul",
        "weight",
        "bias",
        "loss = cross_entropy",
        "labels",
        "0 · Linear",
        "|grad|",
    ):
        assert text in step


def test_an_output_folder_that_can_not_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("--out", "file", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("can't make the output folder file:")
    assert "Traceback" not in done.stderr


def test_help(tmp_path):
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "--out" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_is_short():
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 40
