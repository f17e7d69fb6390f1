"""docs/words.md: what its programs print is what stands below them."""

import contextlib
import io
import linecache
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "words.md"


def blocks(page):
    """The page's pairs of a program and the text that follows it."""
    return re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)


def printed_by(programs):
    """What each program prints; all share their variables, and each is a file train.py."""
    scope = {}
    for program in programs:
        linecache.cache["train.py"] = (len(program), None, program.splitlines(True), "train.py")
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(program, "train.py", "exec"), scope)
        yield said.getvalue()


def test_outputs_are_real(monkeypatch):
    monkeypatch.setattr(linecache, "cache", dict(linecache.cache))
    pairs = blocks(PAGE.read_text(encoding="utf-8"))
    assert len(pairs) >= 6
    for (_, text), printed in zip(pairs, printed_by(p for p, _ in pairs), strict=True):
        assert text == printed
