"""Programs that do not behave are results, with the learner's line."""

import sys

import pytest

from tinygrad_np.learn.exercises import exercises
from tinygrad_np.learn.trials import run_trial
from tinygrad_np.learn.verdicts import both

SOLUTION = exercises()["line"].solution.read_text(encoding="utf-8")


def trial(tmp_path, text, seconds=20.0, encoding="utf-8"):
    path = tmp_path / "line.py"
    path.write_text(text, encoding=encoding)
    return run_trial("check", "line", path, seconds)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("def gradient(:\n", "line 1: def gradient(:", "SyntaxError"),
        ("x = 1\nif x:\nx = 2\n", "line 3: x = 2", "IndentationError"),
        ("import sys\nsys.exit(0)\n", "line 2: sys.exit(0)", "ended itself here"),
        ("import os\nos._exit(0)\n", "line 2: os._exit(0)", "ended itself here"),
        ("while True:\n    print('x' * 1000)\n", "line 2: print", "printed more than 100,000"),
        ("input('w? ')\n", "line 1: input", "EOFError"),
        ("raise KeyboardInterrupt\n", "line 1: raise", "KeyboardInterrupt"),
        ("1 / 0  # ä\n", "line 1: 1 / 0", "ZeroDivisionError: division by zero"),
        ("import numpy as np\nnp.ones(3) + np.ones(4)\n", "line 2: np.ones", "shapes (3,) (4,)"),
        (SOLUTION.replace("2 * np.sum(error) / len(x)", "up"), "line 18: db = up", "NameError"),
    ],
)
def test_programs_that_fail_are_told_with_the_line(tmp_path, text, line, said):
    result = trial(tmp_path, text)
    assert result.result == "failed"
    assert result.text.startswith(line)
    assert said in result.text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import time\ntime.sleep(60)\n", "line 2: time.sleep(60)"),
        (
            SOLUTION.replace("error = w", "while True: pass\n    error = w"),
            "line 16: while",
        ),
        ("while True:\n    try:\n        print('x' * 1000)\n    except: pass\n", "line "),
    ],
)
def test_endless_programs_are_told_with_the_line(tmp_path, text, line):
    result = trial(tmp_path, text, seconds=1)
    assert (result.result, result.kind) == ("failed", "time")
    assert result.text.startswith(line)
    assert "still ran here after 1 seconds" in result.text


def test_crash_is_told_with_the_line(tmp_path):
    result = trial(tmp_path, "import ctypes\nctypes.string_at(0)\n")
    assert result.result == "failed"
    assert result.text.startswith("line 2: ctypes")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="where memory can be limited")
def test_memory_without_end_is_told_with_the_line(tmp_path):
    result = trial(tmp_path, "x = bytearray(3 * 2**30)\n")
    assert result.text == "line 1: x = bytearray(3 * 2**30)\nMemoryError"


def test_thread_that_goes_on_does_not_keep_the_result(tmp_path):
    text = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    assert trial(tmp_path, SOLUTION + text).is_right


def test_names_that_are_asked_for_and_missing(tmp_path):
    assert trial(tmp_path, "x = 1\n").text == "line.py has no 'loss', which is asked for."
    assert trial(tmp_path, "").result == "wrong"


def test_printed_text_is_kept(tmp_path):
    result = trial(tmp_path, SOLUTION + "print('ein ä')\nimport warnings\nwarnings.warn('och')\n")
    assert result.is_right
    assert "ein ä" in result.printed
    assert "UserWarning: och" in result.printed


def test_encodings(tmp_path):
    assert trial(tmp_path, SOLUTION, encoding="utf-8-sig").is_right
    assert "SyntaxError" in trial(tmp_path, SOLUTION, encoding="latin-1").text
    assert trial(tmp_path, "# coding: latin-1\n" + SOLUTION, encoding="latin-1").is_right


def test_paths(tmp_path):
    folder = tmp_path / "ein Ordner (ä) ∂"
    folder.mkdir()
    assert trial(folder, SOLUTION).is_right
    assert trial(folder, "while True: pass\n", seconds=1).text.startswith("line 1: while")
    assert "is not there" in run_trial("check", "line", tmp_path / "line.py").text


def test_numpy_of_the_learners_folder_is_not_taken(tmp_path, monkeypatch):
    """Nor does anything stay behind beside the program."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numpy.py").write_text("raise ImportError")
    assert trial(tmp_path, SOLUTION).is_right
    assert {path.name for path in tmp_path.iterdir()} == {"numpy.py", "line.py"}


def test_numbers_are_told_apart():
    assert both("x", 0.5403023, 0.5403024) == "x is 0.5403023; it should be 0.5403024."
    assert both("x", 1.0, 1 + 1e-16) == "x is 1; it should be 1."
    assert both("x", 1.5, 2.5) == "x is 1.5; it should be 2.5."
