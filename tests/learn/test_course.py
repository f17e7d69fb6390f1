"""The course from the learner's side: the loop, the folder, its progress, and the teacher's."""

import io
import json
import os
import re
import subprocess
import sys
import webbrowser
from pathlib import Path

import pytest

from tinygrad_np.learn import commands, course, session, watching
from tinygrad_np.learn.exercises import exercises

FIRST = next(iter(exercises().values()))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def learn(here, capsys):
    """Carry out a command; return the exit status, and all that was printed, in one line."""

    def run(*arguments):
        status = commands.main(list(arguments))
        printed = capsys.readouterr()
        return status, " ".join((printed.out + printed.err).split())

    return run


@pytest.fixture
def quick(monkeypatch):
    """Trials by a stand-in: a program is right if it is a solution."""
    results = {}

    def run_trial(task, name, path, seconds):
        is_right = path.read_bytes() == exercises()[name].solution.read_bytes()
        usual = "right" if is_right else "wrong"
        return results.get(name) or session.Result(usual, "It is 1.", "it is 1/2 times", "factor")

    monkeypatch.setattr(session, "run_trial", run_trial)
    return results


def solve(exercise, folder="learn"):
    path = Path(folder, exercise.folder.name, exercise.file.name)
    path.write_bytes(exercise.solution.read_bytes())
    return path


# --- the loop -------------------------------------------------------------------------------------


def test_first_run_copies_and_checks(learn):
    status, text = learn()
    assert status == 1
    assert f"0 of {len(exercises())}" in text
    assert FIRST.task.split("\n")[0] in text
    assert "Not yet: " in text
    for exercise in exercises().values():
        copy = Path("learn", exercise.folder.name, exercise.file.name)
        assert copy.read_bytes() == exercise.file.read_bytes()
        page = (copy.parent / "lesson.md").read_text(encoding="utf-8")
        assert "](../../" not in page, "nothing would be at the end of such a link"
        assert not (copy.parent / "lesson.py").exists()
        assert not (copy.parent / "solutions").exists()
    dense = Path("learn", "04_dense", "lesson.md").read_text(encoding="utf-8")
    assert "checks (docs/checks.md)" in dense


def test_page_of_the_course_shows_what_is_said(learn):
    page = Path(__file__).resolve().parents[2] / "docs" / "course.md"
    (shown,) = re.findall(r"```text\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    said = ""
    for part in shown.strip().split("\n\n"):
        command = re.match(r"\$ python -m tinygrad_np.learn (.*)\n", part)
        if command:
            _, said = learn(*command[1].split())
            part = part[command.end() :]
        assert " ".join(part.split()) in said


def test_hints_come_in_layers(learn, quick):
    first, *said = (learn("hint")[1] for _ in range(len(FIRST.hints) + 1))
    assert first == "The cause: it is 1/2 times"
    for hint, text in zip(FIRST.hints, said, strict=True):
        assert " ".join(hint.split()) in text
    assert f"solution {FIRST.name}" in said[-1]
    assert [learn("hint")[1] for _ in range(len(FIRST.hints) + 1)] == [first, *said], "once more"
    quick[FIRST.name] = session.Result("wrong", "It is 2.", "it is twice the right gradient")
    assert learn("hint")[1] == "The cause: it is twice the right gradient"


def test_the_whole_course_by_its_solutions(learn, quick):
    learn()
    for exercise in exercises().values():
        assert learn()[0] == 1
        solve(exercise)
        status, text = learn()
        assert status == 0
        assert "Right, at try" in text
        assert " ".join(exercise.right.split()) in text
    assert "That was the last one." in text
    assert "that was the course" in learn()[1]
    assert learn("list")[1].count(" done ") == len(exercises())


def test_one_exercise_by_name(learn, quick):
    last = list(exercises().values())[-1]
    assert last.task.split("\n")[0] in learn("check", last.name)[1]
    assert learn("check", f"learn/{last.folder.name}/{last.name}.py")[0] == 1
    status, text = learn("check", last.name[:-1] + "_")
    assert (status, "No exercise is called" in text) == (2, True)


def test_solution_is_printed(learn, quick):
    assert learn("solution", FIRST.name) == (
        0,
        " ".join(FIRST.solution.read_text(encoding="utf-8").split()),
    )


def test_reset_keeps_what_was_written(learn, quick):
    learn()
    path = solve(FIRST)
    learn()
    status, text = learn("reset", FIRST.name)
    assert status == 0
    assert "before.py" in text
    assert path.read_bytes() == FIRST.file.read_bytes()
    assert path.with_suffix(".before.py").read_bytes() == FIRST.solution.read_bytes()
    assert learn()[0] == 1
    assert learn("reset")[0] == 2


# --- what may go wrong ----------------------------------------------------------------------------


def test_deleted_exercise(learn, quick):
    learn()
    path = Path("learn", FIRST.folder.name, FIRST.file.name)
    path.unlink()
    status, text = learn()
    assert status == 2
    assert "is not there any more" in text
    assert f"reset {FIRST.name}" in text
    assert learn("reset", FIRST.name)[0] == 0
    assert path.exists()


def test_folder_that_cannot_be_written(learn, quick, monkeypatch):
    Path("file").write_text("")
    status, text = learn("--folder", "file")
    assert status == 2
    assert "can't write to file" in text
    assert "--folder PATH" in text
    learn()

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(course.Path, "write_text", refuse)
    status, text = learn()
    assert status == 2
    assert "can't write to learn (Permission denied)" in text


def test_progress_that_cannot_be_read(learn, quick):
    learn()
    Path("learn", course.PROGRESS).write_text("{")
    status, text = learn()
    assert status == 2
    assert "begins anew" in text


def test_machine_without_a_browser(learn, monkeypatch):
    status, text = learn("see", "line")
    assert status == 0
    assert text.endswith("line.html Open it in a browser.")
    monkeypatch.setenv("BROWSER", "somebody")

    def fail(*_):
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "open", fail)
    assert learn("see", "line")[1].endswith("Open it in a browser.")
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    assert learn("see", "line")[1].endswith("It is in your browser.")
    assert opened[0].startswith("file:")


def test_page_of_a_program_that_fails(learn, quick):
    quick["line"] = session.Result("failed", "line 3: x\nNameError")
    status, text = learn("see", "line")
    assert (status, text) == (1, "There is nothing to see yet: line 3: x NameError")


# --- upgrades -------------------------------------------------------------------------------------


def test_progress_survives_another_order_and_new_versions(learn, quick, tmp_path, monkeypatch):
    learn()
    edited = solve(FIRST)
    assert learn()[0] == 0
    newer = tmp_path / "99_renamed"
    newer.mkdir()
    for name in ("lesson.md", FIRST.file.name):
        (newer / name).write_bytes((FIRST.folder / name).read_bytes() + b"\n# newer\n")
    others = [exercise for exercise in exercises().values() if exercise is not FIRST]
    monkeypatch.setattr(FIRST, "folder", newer)
    assert "1 of" in learn("list")[1]
    assert edited.read_bytes() != FIRST.file.read_bytes(), "what was written stays"
    assert not Path("learn", "99_renamed", FIRST.file.name).exists()
    for exercise in others[:1]:
        copy = Path("learn", exercise.folder.name, exercise.file.name)
        handed_out = copy.read_bytes()
        newest = tmp_path / "98_newest"
        newest.mkdir()
        (newest / "lesson.md").write_text("# Lesson 98: newest")
        (newest / copy.name).write_bytes(handed_out + b"\n# newer\n")
        monkeypatch.setattr(exercise, "folder", newest)
        learn("list")
        assert copy.read_bytes().endswith(b"# newer\n"), (
            "what was not touched is brought up to date"
        )


def test_folder_is_found_from_inside(learn, quick, monkeypatch):
    learn()
    monkeypatch.chdir(Path("learn", FIRST.folder.name))
    assert f"{FIRST.name}.py" in learn()[1]
    assert not Path("learn").exists()


# --- watching -------------------------------------------------------------------------------------


def test_watch_goes_on_from_exercise_to_exercise(learn, quick, monkeypatch):
    learn()
    monkeypatch.setattr(watching, "PAUSE", 0.02)
    monkeypatch.setattr(sys, "stdin", io.StringIO("h\n"))
    waiting = list(exercises().values())
    check = session.Session.check
    checked = []

    def solve_after(self, exercise=None):
        checked.append(check(self, exercise))
        if waiting and checked[-1]:
            solve(waiting.pop(0))
        return checked[-1]

    monkeypatch.setattr(session.Session, "check", solve_after)
    status, text = learn("watch")
    assert status == 0
    assert checked == [1, 0] * len(exercises()) + [0]
    assert f"{FIRST.name}.py is right." in text, "the key h"


def test_watch_ends_by_a_key(learn, quick, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("x\nh\nq\n"))
    status, text = learn("watch")
    assert status == 0
    assert "The cause: it is 1/2 times" in text


# --- for teachers ---------------------------------------------------------------------------------


def test_grade_is_for_programs(here, capsys):
    line = exercises()["line"]
    handed_in = here / "handed in"
    (handed_in / "ada").mkdir(parents=True)
    (handed_in / "bob").mkdir()
    (handed_in / "ada" / "line.py").write_bytes(line.solution.read_bytes())
    (handed_in / "bob" / "line.py").write_bytes(line.file.read_bytes())
    (handed_in / "bob" / "notes.py").write_text("1 / 0")
    assert commands.main(["grade", "--json", str(handed_in)]) == 1
    printed = capsys.readouterr()
    assert "no sandbox" in printed.err
    left_out = [row for row in printed.err.splitlines() if row.startswith("Left out")]
    assert [Path(row).name for row in left_out] == ["notes.py"]
    graded = json.loads(printed.out)
    assert (graded["right"], graded["of"]) == (1, 2)
    assert [row["result"] for row in graded["results"]] == ["right", "wrong"]
    assert graded["results"][1]["kind"] == "factor"
    assert "1/2 times" in graded["results"][1]["verdict"]
    assert commands.main(["grade", str(handed_in / "ada" / "line.py")]) == 0
    assert commands.main(["grade", str(handed_in / "bob" / "notes.py")]) == 1
    assert "No exercise is called notes" in capsys.readouterr().out
    assert commands.main(["grade", str(here / "line.py")]) == 1
    assert "is not there" in capsys.readouterr().out
    assert commands.main(["grade", str(here / "handed on")]) == 1
    assert "handed on is not there" in capsys.readouterr().out
    (here / "empty").mkdir()
    assert commands.main(["grade", str(here / "empty")]) == 2
    assert not (here / "learn").exists()


@pytest.mark.parametrize(
    ("encoding", "commands"),
    [("ascii", ["check line", "solution line", "--help"]), ("cp1252", ["check line"])],
)
def test_streams_that_cannot_show_everything(here, encoding, commands):
    environment = {
        **os.environ,
        "PYTHONIOENCODING": encoding,
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONUTF8": "0",
    }
    program = here / "line.py"
    solution = exercises()["line"].solution.read_text(encoding="utf-8")
    program.write_text("print('Σ ∂ 漢')\n" + solution.replace("b - y", "b - y²"), encoding="utf-8")
    learn = [sys.executable, "-m", "tinygrad_np.learn"]
    commands = [command.split() for command in commands]
    for arguments in (*commands, ["grade", program]):
        done = subprocess.run([*learn, *arguments], capture_output=True, env=environment, cwd=here)
        assert b"Traceback" not in done.stderr
        assert done.returncode == (arguments[0] in ("check", "grade"))
        done.stdout.decode(encoding)
