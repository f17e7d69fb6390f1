"""One exercise in a process of its own: what the learner's program does there is a result.

The parent (`trials.py`) reads two files: `result.json`, and `trace.txt`, where Python writes the
lines that were running when the time was up or the process crashed.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import os
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from .exercises import exercises, load
from .verdicts import Wrong

PRINTED = 100_000  # bytes that a program may print
MEMORY = 2 * 1024**3  # bytes that it may ask for, where the system can say no


class _Printed(io.BytesIO):
    """Printed text, up to a limit: beyond, printing is an error at the learner's line."""

    def write(self, text: Any) -> int:
        if self.tell() > PRINTED:
            raise OverflowError(f"it printed more than {PRINTED:,} characters")
        return super().write(text)


def main(task: str, name: str, answer: str, page: str, folder: str, seconds: str) -> None:
    """Do one task, write its result, and end the process, whatever still runs in it.

    Args:
        task: "check", or "see", which writes a page.
        name: of the exercise.
        answer: path of the learner's program.
        page: path of the page.
        folder: where the result goes.
        seconds: the limit of time.
    """
    end = os._exit
    trace = open(Path(folder, "trace.txt"), "w", encoding="utf-8")  # noqa: SIM115 - until the end
    faulthandler.enable(trace)
    faulthandler.dump_traceback_later(float(seconds), exit=True, file=trace)
    printed = _Printed()
    sys.stdout = sys.stderr = io.TextIOWrapper(printed, "utf-8", "replace", write_through=True)
    os._exit = sys.exit  # type: ignore[assignment]  # so that it has a line, too
    _limit_memory()
    result = run(task, name, Path(answer), Path(page))
    result["printed"] = printed.getvalue().decode("utf-8", "replace").strip()
    text = json.dumps(result)
    Path(folder, "result.json").write_text(text, encoding="utf-8")
    end(0)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    with contextlib.suppress(ValueError, OSError):  # a lower limit is there already
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def run(task: str, name: str, answer: Path, page: Path) -> dict[str, Any]:
    """Do one task in this process, and return its result: the fields of `trials.Result`."""
    exercise = exercises()[name]
    try:
        program = load(answer)
        program.__dict__["__getattr__"] = _Missing(program)
        if task == "see":
            return {"result": "right", "page": str(exercise.see(program, page))}
        exercise.check(program, load(exercise.solution, "solution"))
    except Wrong as wrong:
        return _wrong(wrong)
    except NotImplementedError as error:
        return _wrong(Wrong(f"still to be written, {_line(error, answer)}", kind="unfinished"))
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        if _line(error, answer):
            return _failed(error, answer)
        said = _told(error, answer)  # by the check
        return _wrong(Wrong(f"what the program returns can't be used here ({said})."))
    except BaseException as error:  # also sys.exit()
        return _failed(error, answer)
    return {"result": "right"}


def _failed(error: BaseException, answer: Path) -> dict[str, Any]:
    return {"result": "failed", "kind": "failed", "text": _told(error, answer)}


def _wrong(wrong: Wrong) -> dict[str, Any]:
    return {
        "result": "wrong",
        "kind": wrong.kind,
        "text": wrong.text,
        "verdict": wrong.verdict,
    }


class _Missing:
    """A module's answer to a name that it lacks, and that the exercise asks for."""

    def __init__(self, program: ModuleType) -> None:
        self.file = Path(str(program.__file__)).name

    def __call__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Wrong(f"{self.file} has no {name!r}, which is asked for.")


def _told(error: BaseException, answer: Path) -> str:
    """Return the learner's line, and the error."""
    if isinstance(error, SystemExit):
        said = "the program ended itself here, before it was checked"
    else:
        said = "".join(traceback.format_exception_only(type(error), error)).strip()
        said = said.rpartition("\n")[2]  # of a SyntaxError, whose line is told in our words
        said = re.sub(r"made at <string>:\d+, ", "", said)  # a line of this process
    line = _line(error, answer)
    return f"{line}\n{said}" if line else said


def _line(error: BaseException, answer: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(answer):
        return f"line {error.lineno}: {(error.text or '').strip()}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == str(answer):
            return f"line {frame.lineno}: {frame.line}"
    return ""
