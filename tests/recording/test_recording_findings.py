"""Findings: records of the words that a tool further down can show."""

import subprocess
import sys

import tinygrad_np as tg
from tinygrad_np.recording.findings import Finding, Findings

OVERFLOW = Finding("overflow", "exp gives inf", "train.py:3", "Limit it.")
ZERO = Finding("zero gradient", "`W.grad` is all zero", "", "")


def test_a_report_of_findings():
    assert tg.Finding is Finding
    assert str(Findings([], [])) == "no findings"
    assert str(Findings([ZERO], [])) == "1 finding\n1. `W.grad` is all zero"
    report = Findings([OVERFLOW, ZERO], ["values: they need a record"])
    assert list(report) == [OVERFLOW, ZERO]
    assert repr(report) == str(report)
    assert str(report) == (
        "2 findings\n"
        "1. train.py:3: exp gives inf\n"
        "   → Limit it.\n"
        "2. `W.grad` is all zero\n"
        "not looked at:\n"
        "   values: they need a record"
    )


def test_findings_need_no_words():
    code = (
        "import sys, tinygrad_np as tg; tg.Finding('a', 'b', 'c', 'd');"
        "print(sorted(m for m in sys.modules if m.startswith('tinygrad_np.words')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr
