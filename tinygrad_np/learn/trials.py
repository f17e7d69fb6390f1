"""Trials of a learner's program, each in a process of its own with a limit of time.

That keeps the course alive, whatever the program does; it is no sandbox: the program may do all
that the person may who started the course.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SECONDS = 20.0  # that a program may take
GRACE = 10.0  # more, until a process that does not end itself is ended
START = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from tinygrad_np.learn import child
child.main(*sys.argv[2:])
"""


@dataclass
class Result:
    """The outcome of one trial.

    Attributes:
        result: "right", "wrong" (it runs), or "failed" (it does not).
        text: what is wrong; of a program that failed, the line and the error.
        verdict: the library's sentence about the cause, if it has one.
        kind: that of `verdicts.Wrong`, "failed", or "time".
        printed: what the program printed.
        page: the page that was written, if one was asked for.
    """

    result: str
    text: str = ""
    verdict: str = ""
    kind: str = ""
    printed: str = ""
    page: str = ""

    @property
    def is_right(self) -> bool:
        return self.result == "right"


def run_trial(task: str, name: str, answer: Path, seconds: float = SECONDS) -> Result:
    """Check an exercise (`task` "check"), or write its page beside the program ("see").

    Args:
        task: "check" or "see".
        name: of the exercise.
        answer: the learner's program.
        seconds: that it may take.
    """
    if not answer.is_file():
        return Result("failed", f"{answer} is not there.", kind="failed")
    answer = answer.resolve()
    page = answer.with_suffix(".html")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        arguments = [task, name, str(answer), str(page), folder, str(seconds)]
        command = [sys.executable, "-X", "utf8", "-c", START, json.dumps(sys.path), *arguments]
        status = _run(command, seconds + GRACE)
        written = Path(folder, "result.json")
        if written.exists():
            return Result(**json.loads(written.read_text(encoding="utf-8")))
        trace = Path(folder, "trace.txt")
        lines = trace.read_text(encoding="utf-8", errors="replace") if trace.exists() else ""
    return _without_result(answer, lines, status, seconds)


def _run(command: list[str], seconds: float) -> int | None:
    """Run a process to its end, silently; None if it had to be ended."""
    # One thread: the arrays are small, and threads of BLAS count as memory.
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **threads, "MPLBACKEND": "agg"}
    nowhere = subprocess.DEVNULL
    try:
        done = subprocess.run(
            command, stdin=nowhere, stdout=nowhere, stderr=nowhere, env=environment, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return None
    return done.returncode


def _without_result(answer: Path, trace: str, status: int | None, seconds: float) -> Result:
    """Say why a process left no result, with the learner's line if Python wrote it down."""
    found = re.search(rf'{re.escape(answer.name)}", line (\d+)', trace)
    line = ""
    if found:
        number = int(found[1])
        text = answer.read_text(encoding="utf-8", errors="replace").splitlines()[number - 1]
        line = f"line {number}: {text.strip()}\n"
    if status is None or "Timeout" in trace:
        return Result("failed", f"{line}it still ran here after {seconds:g} seconds", kind="time")
    return Result("failed", f"{line}the process ended with status {status}", kind="failed")
