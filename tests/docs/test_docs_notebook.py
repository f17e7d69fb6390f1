"""The notebook, run cell by cell: what a person sees below each cell."""

import ast
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.oracle  # it starts a kernel: takes long

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")
nbformat = pytest.importorskip("nbformat")

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def program():
    sys.path.insert(0, str(DOCS))
    try:
        import notebook

        return notebook
    finally:
        sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def cells(program):
    """The cells of the notebook after a run."""
    notebook = program.executed()
    nbformat.validate(notebook)
    return notebook.cells


def shown(cells, code):
    """What the cell with a piece of code shows, by kind; of each kind the last."""
    (cell,) = [c for c in cells if c.cell_type == "code" and code in c.source]
    kinds = {}
    for output in cell.outputs:
        assert output.get("name") != "stderr", output
        kinds |= {"text/plain": output.text} if "text" in output else output.data
    return kinds


def test_cells_are_the_program(program, cells):
    text = program.SOURCE.read_text(encoding="utf-8")
    code = "\n".join(c.source for c in cells if c.cell_type == "code")
    _docstring, *statements = map(ast.dump, ast.parse(text).body)
    assert list(map(ast.dump, ast.parse(code).body)) == statements
    titles = [c.source for c in cells if c.cell_type == "markdown" and c.source.startswith("#")]
    assert len(titles) > 5
    assert all("\n# " not in c.source for c in cells)


def test_what_cells_show(cells):
    assert "image/png" in shown(cells, "nn.data.spiral")
    assert "dbiases is wrong: it is 1/4" in shown(cells, "tg.check_backward")["text/plain"]
    assert shown(cells, "ReLU(), Dense(4, 3)]")["text/html"].count("bold") == 2
    assert shown(cells, "tg.record")["text/plain"].startswith("Tensor(1.")
    assert shown(cells, "tg.graph(")["image/svg+xml"].count("<svg") == 1
    assert "cell [6], line 7\n" in shown(cells, "tg.explain")["text/plain"]
    assert "\n   → Give it what goes into that" in shown(cells, "tg.lint")["text/plain"]
    page = shown(cells, "graph.page")["text/html"]
    assert page.startswith("<iframe srcdoc=")
    assert "live-data" in page
    assert "# cell [6], line 10: optimizer.step()" in shown(cells, "tg.compile")["text/plain"]


def test_training_shows_a_bar_and_curves(cells):
    bar = shown(cells, "nn.fit(")
    assert bar["text/plain"].startswith("4,000 epochs in ")
    assert '<progress value="1.0000"' in bar["text/html"]
    assert "image/png" in shown(cells, "history.plot")
