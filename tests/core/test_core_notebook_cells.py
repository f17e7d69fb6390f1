"""Places in a notebook: the number of the cell, as IPython tells it."""

import linecache
import sys
import types

import pytest

import tinygrad_np as tg

CELL = "ipykernel_17/1234567.py"
PROGRAM = """
w = tg.Tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).sum()
"""


class Compiler:
    """What IPython's compiler answers: a label and a name, for its own cells."""

    def format_code_name(self, file):
        return ("Cell", "In[8]") if file == CELL else None


@pytest.fixture
def notebook(monkeypatch):
    shell = types.SimpleNamespace(compile=Compiler())
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return shell


def lines_of(file):
    names = {"tg": tg}
    exec(compile(PROGRAM, file, "exec"), names)
    return tg.graph(names["loss"]).text(show=["lines"])


def test_a_place_in_a_cell_has_its_number(notebook):
    assert "cell [8], line 3" in lines_of(CELL)
    assert "model.py:3" in lines_of("project/model.py")


@pytest.mark.parametrize("shell", [None, types.SimpleNamespace(), types.SimpleNamespace(compile=0)])
def test_without_a_notebook_it_is_a_file(monkeypatch, shell):
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert "1234567.py:3" in lines_of(CELL)


def test_the_source_of_a_compiled_function_has_its_cell_and_shows_itself(notebook, monkeypatch):
    text = "def step():\n    return (w * w).sum()\n"
    monkeypatch.setitem(linecache.cache, CELL, (len(text), None, text.splitlines(True), CELL))
    names = {"w": tg.Tensor([1.0, 2.0], requires_grad=True)}
    exec(compile(text, CELL, "exec"), names)
    step = tg.compile(names["step"])
    for _ in range(2):
        step()
    lines = repr(step.source).splitlines()
    assert lines[0] == '"""step (cell [8], line 1) as NumPy statements."""'
    assert "    # cell [8], line 2: return (w * w).sum()" in lines
