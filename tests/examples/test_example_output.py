"""What the examples print and write: on any console, and into folders that can't be written to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

pytest.importorskip("matplotlib")
pytest.importorskip("nnfs")
pytest.importorskip("tqdm")

EXAMPLES = Path(__file__).parents[2] / "examples"
SPIRAL = ["spiral.py", "--samples", "10", "--width", "8", "--epochs", "3"]
WRITING = {"spiral.png": SPIRAL, "graph_step.svg": ["graph.py"], "step.html": ["step.py"]}


def run(arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, EXAMPLES / arguments[0], *arguments[1:]],
        cwd=cwd,
        env={**os.environ, "TINYGRAD_NP_ENGINE": "builtin", **environment},
        capture_output=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("arguments", "encoding"),
    [
        (SPIRAL, "ascii"),
        (["graph.py"], "ascii"),
        (["step.py"], "ascii"),
        (["book_layers.py"], "ascii"),
        (["book_layers.py"], "cp1252"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_they_print_on_consoles_with_few_characters(tmp_path, arguments, encoding):
    if arguments[0] != "book_layers.py":
        arguments = [*arguments, "--out", "bilder_größe→"]
    done = run(arguments, tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode(encoding).strip()


@pytest.mark.parametrize("name", WRITING)
def test_a_file_that_can_not_be_written_is_one_line(tmp_path, name):
    (tmp_path / "out" / name).mkdir(parents=True)  # a folder stands in the file's place
    done = run(WRITING[name], tmp_path, PYTHONIOENCODING="utf-8")
    assert done.returncode == 1
    errors = done.stderr.decode()
    assert "Traceback" not in errors
    assert f"can't write to {Path('out') / name}: " in errors.splitlines()[-1]


@pytest.mark.parametrize("name", WRITING)
def test_a_folder_that_can_not_be_made_is_said_before_the_work(tmp_path, name):
    (tmp_path / "file").write_text("")
    done = run([*WRITING[name], "--out", "file/deeper"], tmp_path, PYTHONIOENCODING="utf-8")
    assert done.returncode in (1, 2)
    assert done.stdout == b""
    errors = done.stderr.decode()
    assert "Traceback" not in errors
    assert str(Path("file") / "deeper") in errors.splitlines()[-1]
