"""A learner's folder: copies of the exercises, and the progress."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from .exercises import Exercise, exercises

PROGRESS = "course-progress.json"


class CourseError(Exception):
    """An obstacle to a command, in words for the learner."""


class Course:
    """A folder with the exercises, and what has been done of them.

    Files are found by their names, whatever folder of a lesson they are in, and progress is kept by
    these names: both survive another order of the lessons. What a learner has changed is never
    overwritten; a file that is as it was handed out is replaced by that of a newer version.

    Args:
        folder: where it is; it is made if it is not there.

    Raises:
        CourseError: it can't be written to, or its progress can't be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: dict[str, dict[str, Any]] = self._read()
        self.is_new = not self.notes
        try:
            for exercise in exercises().values():
                self._hand_out(exercise)
            self.save()
        except OSError as error:
            raise CourseError(
                f"The course can't write to {folder} ({error.strerror or error}). "
                "Give another folder: --folder PATH"
            ) from error

    def _read(self) -> dict[str, dict[str, Any]]:
        path = self.folder / PROGRESS
        try:
            return json.loads(path.read_text(encoding="utf-8"))["exercises"]
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CourseError(
                f"{path} can't be read ({error}). Without that file the count begins anew; "
                "your programs stay as they are."
            ) from error

    def save(self) -> None:
        """Write the progress: the whole of it, or nothing."""
        path = self.folder / PROGRESS
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps({"exercises": self.notes}, indent=1), encoding="utf-8")
        os.replace(draft, path)

    def _hand_out(self, exercise: Exercise) -> None:
        """Copy an exercise and the page of its lesson, if they are new."""
        note = self.note(exercise.name)
        text = exercise.file.read_bytes()
        path = self.path(exercise)
        known = note.get("handed_out")
        is_untouched = path.exists() and _mark(path.read_bytes()) == known
        if (known is None and not path.exists()) or (is_untouched and _mark(text) != known):
            self.copy(exercise)
        for name, content in page_files(exercise.folder).items():
            page = self.folder / exercise.folder.name / name
            if not page.exists() or page.read_bytes() != content:
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_bytes(content)

    def copy(self, exercise: Exercise) -> None:
        """Write an exercise as it is handed out."""
        path, text = self.path(exercise), exercise.file.read_bytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        self.note(exercise.name)["handed_out"] = _mark(text)

    def note(self, name: str) -> dict[str, Any]:
        """Return what is known of an exercise: handed_out, tries, hints, done."""
        return self.notes.setdefault(name, {})

    def path(self, exercise: Exercise) -> Path:
        """Return where the learner has an exercise, or would have it."""
        usual = self.folder / exercise.folder.name / exercise.file.name
        if usual.exists():
            return usual
        return next(self.folder.glob(f"*/{exercise.file.name}"), usual)

    def is_done(self, exercise: Exercise) -> bool:
        return bool(self.note(exercise.name).get("done"))

    @property
    def next(self) -> Exercise | None:
        """The first exercise that is not done."""
        return next((e for e in exercises().values() if not self.is_done(e)), None)


def _mark(text: bytes) -> str:
    """Return what tells one version of a file from another; ends of lines don't count."""
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()[:16]


def page_files(lesson: Path) -> dict[str, bytes]:
    """Return the page of a lesson and its pictures, by name.

    Links that lead out of the lessons, to the project's docs, are words there, and say which page:
    nothing would be at their end.
    """
    pages = [path for path in lesson.iterdir() if path.is_file() and path.suffix != ".py"]
    files = {page.name: page.read_bytes() for page in pages}
    text = files["lesson.md"].decode("utf-8")
    words = re.sub(r"\[([^]]*)\]\((?:\.\./){2,}([^)]*)\)", r"\1 (\2)", text)
    files["lesson.md"] = words.encode("utf-8")
    return files


def find_folder() -> Path:
    """Return the course's folder that one is in, else ./learn."""
    here = Path.cwd()
    for place in (here / "learn", here, *here.parents):
        if (place / PROGRESS).exists():
            return Path(os.path.relpath(place))
    return Path("learn")
