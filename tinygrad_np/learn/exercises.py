"""The lessons and their exercises, as their folders declare them."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

LESSONS = Path(__file__).resolve().parent / "lessons"


@dataclass
class Exercise:
    """One file that a learner makes right; an element of EXERCISES in a `lesson.py`.

    Attributes:
        name: that of its file, without ".py". It is the course's own: a lesson may get another
            number or title, and learners keep their progress.
        check: called with the learner's program and the solution, both as modules; raises
            `verdicts.Wrong`, or what the program raises, if it is not right.
        see: called with the learner's program and a path; writes a page that shows the program at
            work, as `Graph.html` does, and returns the path.
        hints: from the gentlest to the plainest; not the solution.
        right: said when it is right, one sentence or two: what that was good for.
        folder: that of its lesson.
    """

    name: str
    check: Callable[[ModuleType, ModuleType], None]
    see: Callable[[ModuleType, Path], Path]
    hints: Sequence[str]
    right: str
    folder: Path = LESSONS

    @property
    def file(self) -> Path:
        """The file as it is handed out."""
        return self.folder / f"{self.name}.py"

    @property
    def solution(self) -> Path:
        return self.folder / "solutions" / self.file.name

    @property
    def task(self) -> str:
        """The first paragraph of the file's docstring."""
        text = ast.get_docstring(ast.parse(self.file.read_bytes())) or ""
        return text.partition("\n\n")[0]


def load(path: Path, name: str | None = None) -> ModuleType:
    """Run a file as a module, always anew and without writing beside it."""
    module = ModuleType(name or path.stem)
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look for it there
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    return module


def title(folder: Path) -> str:
    """Return the title of a lesson: "Lesson 3: a vector at a time"."""
    with open(folder / "lesson.md", encoding="utf-8") as page:
        return page.readline().lstrip("# ").strip()


@functools.cache
def exercises() -> dict[str, Exercise]:
    """Return all exercises by name, in the order of the course."""
    found = {}
    for path in sorted(LESSONS.glob("*/lesson.py")):
        for exercise in load(path, f"lesson_{path.parent.name}").EXERCISES:
            exercise.folder = path.parent
            found[exercise.name] = exercise
    return found
