"""Text: printed on any stream, whole as a string."""

import io
import os
import subprocess
import sys

import pytest

import tinygrad_np as tg

MATHS = "300×64 · x² ≤ ∂y → 0.5 … µs"
PROGRAM = """
import numpy as np, nn, tinygrad_np as tg
model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))
with tg.record() as run:
    loss = nn.cross_entropy(model(np.ones((5, 2), np.float32)), np.array([0, 1, 2, 0, 1]))
    loss.backward()
graph = tg.graph(loss, model, record=run)
step = tg.compile(lambda x: (x * 2).sum())
step.lower(np.ones(3))
print(graph, graph.text(), repr(graph), model.summary((5, 2)))
print(tg.explain(loss, record=run), tg.explain(tg.tanh), tg.why(model[0].weight, loss, record=run))
print(tg.lint(nn.cross_entropy(tg.softmax(model(np.ones((5, 2)))), np.zeros(5, int))))
print(step.report(np.ones(3)) if hasattr(step, "report") else "")
"""


@pytest.fixture
def console(monkeypatch):
    """Printing to a stream of some encoding, which gives what arrives there."""

    def printed(text, encoding):
        stream = io.TextIOWrapper(io.BytesIO(), encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        print(text)
        stream.flush()
        monkeypatch.undo()
        return stream.buffer.getvalue().decode(encoding).rstrip()

    return printed


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", MATHS),
        ("utf-16", MATHS),
        ("cp1252", "300×64 · x² <= dy -> 0.5 … µs"),
        ("ascii", "300x64 * x^2 <= dy -> 0.5 ... us"),
    ],
)
def test_a_text_is_printed_as_well_as_the_stream_can(console, encoding, shown):
    assert console(tg.Text(MATHS), encoding) == shown


def test_what_has_no_plain_form_is_a_question_mark(console):
    assert console(tg.Text("größe 日本"), "ascii") == "gr??e ??"
    assert console(tg.Text("größe 日本"), "latin-1") == "größe ??"


def test_the_string_itself_keeps_its_characters(monkeypatch, tmp_path):
    text = tg.Text(MATHS)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    (tmp_path / "text").write_text(text, encoding="utf-8")
    parts = text.split(" ")
    monkeypatch.undo()
    assert (tmp_path / "text").read_text(encoding="utf-8") == MATHS
    assert parts[0] == "300×64"
    assert text == MATHS
    assert len(text) == len(MATHS)


def test_without_a_stream_nothing_is_replaced(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert str(tg.Text(MATHS)) == MATHS


def test_all_that_a_program_prints():
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", errors=tg.Text.errors)
    print("2×3", "→", file=stream)
    stream.flush()
    assert stream.buffer.getvalue().split() == [b"2x3", b"->"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_tools_print_on_any_console(encoding):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    shown = done.stdout.decode(encoding)
    assert ("2×4" in shown) == (encoding != "ascii")
    assert ("2x4" in shown) == (encoding == "ascii")
