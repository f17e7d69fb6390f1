"""The commands on a learner's folder, and the words that they print."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import webbrowser
from pathlib import Path
from typing import Any

from .course import Course, CourseError
from .exercises import Exercise, exercises, title
from .trials import Result, run_trial

COMMAND = "python -m tinygrad_np.learn"
SHOWN = 1_500  # characters of what a program printed


class Session:
    """The commands on a learner's folder; each prints, and returns an exit status.

    Args:
        course: the learner's folder.
        seconds: that a program may take.

    Attributes:
        keys: said after a program that is not right in the place of the commands that help.
    """

    keys = ""

    def __init__(self, course: Course, seconds: float) -> None:
        self.course = course
        self.seconds = seconds

    def check(self, exercise: Exercise | None = None) -> int:
        """Check an exercise, by default the next one; 0 if it is right."""
        course = self.course
        exercise = exercise or course.next
        if exercise is None:
            say(f"{self._bar()} All exercises are right: that was the course.")
            return 0
        if course.is_new:
            say(
                f"The course is in {course.folder}: read the page of a lesson, then change its "
                "exercises until they are right.\n"
            )
            course.is_new = False
        say(f"{self._bar()}\n\n{self._heading(exercise)}\n")
        result = self._trial(exercise)
        note = course.note(exercise.name)
        note["tries"] = note.get("tries", 0) + 1
        if result.is_right:
            note["done"] = True
        if result.printed:
            say(f"It printed:\n{shortened(result.printed)}\n")
        if result.is_right:
            tries = note["tries"]
            say(f"Right{f', at try {tries}' if tries > 1 else ''}. {exercise.right}")
            say(self._following(exercise))
        else:
            start = "Not yet: " if result.result == "wrong" else "It does not run.\n"
            say(f"{start}{result.text}\n\n{self.keys or self._help(exercise)}")
        course.save()
        return int(not result.is_right)

    def hint(self, exercise: Exercise | None = None) -> int:
        """Give one hint: the cause, as the library names it, then the written ones."""
        exercise = exercise or self.course.next
        if exercise is None:
            return self.check()
        note = self.course.note(exercise.name)
        result = self._trial(exercise)
        if result.is_right:
            say(f"{exercise.file.name} is right.")
        elif result.verdict and result.verdict != note.get("verdict"):
            note["verdict"] = result.verdict
            say(f"The cause: {result.verdict}")
        else:
            of = len(exercise.hints)
            number = note.get("hints", 0) % of
            note["hints"] = number + 1
            say(f"Hint {number + 1} of {of}: {exercise.hints[number]}")
            if number + 1 == of:
                note.pop("verdict", None)  # the next hint begins again, with the cause
                say(f"That was the last hint. A solution: {COMMAND} solution {exercise.name}")
        self.course.save()
        return 0

    def see(self, exercise: Exercise | None = None) -> int:
        """Write the page of a program at work, and open it."""
        exercise = exercise or self.course.next or list(exercises().values())[-1]
        result = self._trial(exercise, "see")
        if not result.page:
            say(f"There is nothing to see yet: {result.text}")
            return 1
        opened = open_page(Path(result.page))
        page = self.course.path(exercise).with_suffix(".html")
        say(f"{page}\n" + ("It is in your browser." if opened else "Open it in a browser."))
        return 0

    def list(self) -> int:
        """Print all exercises, lesson by lesson."""
        folder = None
        for exercise in exercises().values():
            if exercise.folder != folder:
                folder = exercise.folder
                print(f"\n{title(folder)}")
            note = self.course.note(exercise.name)
            number = note.get("tries", 0)
            tries = f"{number} {'try' if number == 1 else 'tries'}" if number else ""
            done = "done" if note.get("done") else ""
            print(f"  {done:4}  {exercise.name:16} {tries}".rstrip())
        print(f"\n{self._bar()}")
        return 0

    def reset(self, exercise: Exercise | None = None) -> int:
        """Hand an exercise out again; the learner's version is kept beside it."""
        if exercise is None:
            raise CourseError(f"Which one? For example: {COMMAND} reset {next(iter(exercises()))}")
        path = self.course.path(exercise)
        kept = path.with_suffix(".before.py")
        if path.exists():
            shutil.move(path, kept)
        self.course.notes[exercise.name] = {}
        self.course.copy(exercise)
        self.course.save()
        say(f"{path} is as it was handed out." + (f" Yours is {kept}." if kept.exists() else ""))
        return 0

    def solution(self, exercise: Exercise | None = None) -> int:
        """Print a solution."""
        exercise = exercise or self.course.next
        if exercise is None:
            raise CourseError("Of which exercise? `list` has their names.")
        print(exercise.solution.read_text(encoding="utf-8"))
        return 0

    def _trial(self, exercise: Exercise, task: str = "check") -> Result:
        path = self.course.path(exercise)
        if not path.exists():
            raise CourseError(
                f"{path} is not there any more. This brings it back, as it was handed out: "
                f"{COMMAND} reset {exercise.name}"
            )
        return run_trial(task, exercise.name, path, self.seconds)

    def _bar(self) -> str:
        done = [self.course.is_done(exercise) for exercise in exercises().values()]
        ready = sum(done)
        return f"[{'#' * ready}{'-' * (len(done) - ready)}] {ready} of {len(done)}"

    def _heading(self, exercise: Exercise) -> str:
        path = self.course.path(exercise)
        first = f"{title(exercise.folder)}: {self._page(exercise)}"
        lines = [first, f"Exercise: {path}", exercise.task]
        return "\n".join(lines)

    def _following(self, done: Exercise) -> str:
        exercise = self.course.next
        if exercise is None:
            return "That was the last one."
        path = self.course.path(exercise)
        if exercise.folder == done.folder:
            return f"Next: {path}"
        return f"Next: {title(exercise.folder)}. Its page: {self._page(exercise)}"

    def _help(self, exercise: Exercise) -> str:
        name = "" if exercise is self.course.next else f" {exercise.name}"
        return f"A hint: {COMMAND} hint{name}\nTo see your program at work: {COMMAND} see{name}"

    def _page(self, exercise: Exercise) -> Path:
        return self.course.folder / exercise.folder.name / "lesson.md"


def open_page(path: Path) -> bool:
    """Open a page in the browser; False if there is none, or only one of text."""
    windows = os.name == "nt" or sys.platform == "darwin"
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if not windows and not any(os.environ.get(name) for name in screens):
        return False
    try:
        return webbrowser.open(path.as_uri())
    except webbrowser.Error:
        return False


def shortened(text: str) -> str:
    """Return the end of a long text."""
    return text if len(text) <= SHOWN else f"... {text[-SHOWN:]}"


def say(text: str, stream: Any = None) -> None:
    """Print a text, its long lines broken at blanks."""
    width = min(shutil.get_terminal_size().columns, 100)
    for line in text.split("\n"):
        print(textwrap.fill(line, width, break_long_words=False) or line, file=stream)
