"""examples/step.py: what it writes and says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nnfs")

EXAMPLE = Path(__file__).parents[2] / "examples" / "step.py"


def run(*options, cwd):
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *options],
        cwd=cwd,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def test_it_writes_the_page_and_says_where(tmp_path):
    done = run(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "step.html: open it in a browser" in done.stdout
    page = (tmp_path / "out" / "step.html").read_text(encoding="utf-8")
    assert "One training step on the spiral" in page
    assert len(page) < 205 * 1024


def test_an_output_folder_that_can_not_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("--out", "file", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("can't make the output folder file:")
