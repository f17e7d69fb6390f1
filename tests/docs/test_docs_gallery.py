"""docs/gallery.md: every program is there, as the program itself describes it, with a picture."""

from importlib import import_module
from pathlib import Path

import pytest

from tinygrad_np.demo import __main__ as demo

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def gallery(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    return import_module("gallery")


def test_no_program_is_missing(gallery):
    assert set(gallery.LESSONS) == set(demo.summaries())


def test_the_page_is_what_the_programs_say(gallery):
    """`python docs/gallery.py NAME` runs a program that has changed and writes the page."""
    text = gallery.PAGE.read_text(encoding="utf-8")
    outputs = gallery.outputs_on(text)
    assert text == gallery.page(outputs)
    for name, line in demo.summaries().items():
        assert f"## {name}\n\n{line}\n" in text
        assert len(outputs[name]) > 40, f"{name} printed nothing"
