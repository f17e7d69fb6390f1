"""The code blocks of README.md and docs/ run, and print what stands there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sybil = pytest.importorskip("sybil")
from sybil.parsers.markdown import PythonCodeBlockParser  # noqa: E402

import nn  # noqa: E402
import tinygrad_np as tg  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / ".github").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks(page, tmp_path, monkeypatch):
    for package in re.findall(r"^>>> from (s\w+)", page.read_text("utf-8"), re.MULTILINE):
        pytest.importorskip(package)  # sklearn, scipy
    monkeypatch.chdir(tmp_path)
    runner = sybil.Sybil(parsers=[PythonCodeBlockParser()], path=str(page.parent))
    for example in runner.parse(page):
        example.evaluate()


def test_the_lines_for_scipy():
    pytest.importorskip("scipy")
    page = (ROOT / "docs" / "nn.md").read_text(encoding="utf-8")
    before, lines = re.search(
        r"## A model as a function.*?```python\n(.*?)```.*?```py\n(.*?)```", page, re.DOTALL
    ).groups()
    code = [line[4:] for line in before.splitlines() if line.startswith((">>> ", "... "))]
    names = {"np": np, "nn": nn, "tg": tg}
    exec("\n".join([*code, lines]), names)
    np.testing.assert_allclose(names["line"].weight.numpy(), [[3]], rtol=1e-4)
    np.testing.assert_allclose(names["line"].bias.numpy(), [1], rtol=1e-4)


def lines_of_saving(package):
    """The lines of docs/saving.md that import a package, and what they print."""
    page = (ROOT / "docs" / "saving.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```py\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)
    (block,) = (block for block in blocks if f"import {package}\n" in block[0])
    return block


def test_the_lines_for_onnxruntime(capsys, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    lines, printed = lines_of_saving("onnxruntime")
    monkeypatch.chdir(tmp_path)
    X = np.random.default_rng(1).random((6, 2), np.float32)
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))
    nn.export_onnx(model, X, "model.onnx")
    exec(lines, {"nn": nn, "np": np, "X": X, "model": model})
    assert capsys.readouterr().out == printed


def test_the_lines_for_pytorch(capsys):
    torch = pytest.importorskip("torch")
    lines, printed = lines_of_saving("torch")
    names = {"nn": nn, "model": nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))}
    before = names["model"].predict(np.ones((5, 2), "float32"))
    exec(lines, names)
    assert capsys.readouterr().out == printed
    there = names["theirs"](torch.ones(5, 2)).detach().numpy()
    np.testing.assert_allclose(there, before, rtol=1e-5, atol=1e-6)


def test_pages_with_code_are_found():
    assert sum("```python" in page.read_text(encoding="utf-8") for page in PAGES) >= 3


def test_links_within_the_project_lead_somewhere():
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert not broken


@pytest.mark.parametrize(
    ("page", "row"),
    [
        ("docs/comparison.md", r"NumPy, and ([\d.]+) MB"),
        ("docs/performance.md", r"installed size.*?([\d.]+) MB"),
    ],
)
def test_the_stated_size_is_that_of_the_files(page, row):
    """`tests/benchmarks/overhead.py` prints it."""
    size = sum(
        file.stat().st_size
        for folder in ("tinygrad_np", "nn", "examples")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    )
    (stated,) = re.findall(row, (ROOT / page).read_text(encoding="utf-8"))
    assert float(stated) == pytest.approx(size / 1e6, abs=0.07)


def test_rules_quoted_in_backprop_stand_in_the_source():
    """The table in backprop.md shows the library's own lines."""
    families = (ROOT / "tinygrad_np" / "ops").glob("*.py")
    code = {
        ast.unparse(node)
        for path in families
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.expr)
    }
    page = (ROOT / "docs" / "backprop.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `\w+` \| `\w+` \| `(.+)` \|$", page, re.MULTILINE)
    assert len(rows) == 5
    for rule in rows:
        assert ast.unparse(ast.parse(rule, mode="eval").body) in code, rule


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0",
    reason="the reference shows the dtypes of NumPy 2.1 and later: np.floor keeps integers",
)
def test_generated_files_are_fresh():
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
