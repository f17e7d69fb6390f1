"""The commands of `python -m tinygrad_np.learn`."""

from __future__ import annotations

import argparse
import codecs
import difflib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .course import Course, CourseError, find_folder
from .exercises import Exercise, exercises
from .session import COMMAND, Session, say
from .trials import SECONDS, Result, run_trial
from .watching import watch

DESCRIPTION = """\
A course on gradients and networks: ten lessons, with exercises as plain files.

Without a command, the exercises are copied to ./learn, and the next one is checked. Edit its file,
and check again.
"""
NAMED = {
    "check": "check one exercise, by default the next one",
    "hint": "give one hint, and a plainer one the next time",
    "see": "show your program at work, as a page to step through, in the browser",
    "solution": "print a solution",
    "reset": "hand an exercise out again; your version is kept beside it",
}
NO_SANDBOX = "Programs run as they are, with your rights: this is no sandbox."
# For streams that can't show them.
PLAIN = {"·": "*", "²": "^2", "³": "^3", "√": "sqrt ", "Σ": "sum ", "−": "-", "→": "->", "∂": "d"}


def main(arguments: list[str] | None = None) -> int:
    """Carry out a command.

    Returns:
        The exit status: 0 for right or done, 1 for not right, 2 for what can't be done.
    """
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plain")
    options = _parser().parse_args(arguments)
    try:
        if options.command == "grade":
            return grade(options.files, options.seconds, options.json)
        exercise = find_exercise(options.name) if getattr(options, "name", None) else None
        course = Course(options.folder or find_folder())
        session = Session(course, options.seconds)
        if options.command == "watch":
            return watch(session)
        if options.command == "list":
            return session.list()
        return getattr(session, options.command or "check")(exercise)
    except CourseError as error:
        say(str(error), sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Replace what a stream can't show by what it can."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in text), error.end


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_options(parser, folder=None, seconds=SECONDS)
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    _add_options(shared, folder=argparse.SUPPRESS, seconds=argparse.SUPPRESS)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[shared], help=text, description=text)

    for name, text in NAMED.items():
        add(name, text).add_argument("name", nargs="?", help="of an exercise, as list shows it")
    add("watch", "check the next exercise again whenever its file changes")
    add("list", "print all exercises, and what is done")
    grade_parser = add("grade", f"check programs anywhere, for teachers. {NO_SANDBOX}")
    grade_parser.add_argument("files", nargs="+", type=Path, help="programs, or folders of them")
    grade_parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser


def _add_options(parser: argparse.ArgumentParser, folder: Any, seconds: Any) -> None:
    parser.add_argument(
        "--folder", type=Path, default=folder, help="where your exercises are (./learn)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=seconds,
        help=f"that a program may take ({SECONDS:g})",
    )


def find_exercise(given: str) -> Exercise:
    """Return the exercise of a name, or of a path of its file.

    Raises:
        CourseError: there is none.
    """
    known = exercises()
    name = Path(given).name.removesuffix(".py")
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        meant = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(known)}."
        raise CourseError(f"No exercise is called {name}.{meant}")
    return known[name]


# --- for teachers ---------------------------------------------------------------------------------


def grade(files: list[Path], seconds: float, as_json: bool) -> int:
    """Check programs wherever they are, and print a line for each, or JSON.

    Returns:
        0 if all are right, 1 if not, 2 if there is nothing to grade.
    """
    found = [program for given in files for program in _programs(given)]
    programs = [path for path in found if path in files or path.stem in exercises()]
    print(f"Note: {NO_SANDBOX}", file=sys.stderr)
    others = ", ".join(str(path) for path in found if path not in programs)
    if others:
        print(f"Left out, since no exercise has such a name: {others}", file=sys.stderr)
    if not programs:
        raise CourseError(f"No exercises are in {', '.join(map(str, files))}.")
    results = [(program, _grade(program, seconds)) for program in programs]
    right = sum(result.is_right for _, result in results)
    if as_json:
        rows = [{"file": str(program), **_row(result)} for program, result in results]
        print(json.dumps({"right": right, "of": len(rows), "results": rows}, indent=1))
    else:
        for program, result in results:
            cause = result.verdict or result.text.replace("\n", ": ")
            print(f"{result.result:6}  {program}  {cause}".rstrip())
        print(f"{right} of {len(results)} are right.")
    return int(right < len(results))


def _programs(given: Path) -> list[Path]:
    """Return a file, or the programs in a folder."""
    return sorted(given.rglob("*.py")) if given.is_dir() else [given]


def _grade(program: Path, seconds: float) -> Result:
    try:
        exercise = find_exercise(program.name)
    except CourseError as error:
        text = str(error) if program.exists() else f"{program} is not there."
        return Result("failed", text, kind="failed")
    return run_trial("check", exercise.name, program, seconds)


def _row(result: Result) -> dict[str, str]:
    row = asdict(result)
    del row["page"]
    return row
