"""Each lesson, by its folder: its page, its exercises, and what is said of each planted mistake."""

import re
import sys
from pathlib import Path

import pytest

from tinygrad_np.learn import child
from tinygrad_np.learn.exercises import LESSONS, exercises, load, title

LESSON_FOLDERS = sorted(path.parent for path in LESSONS.glob("*/lesson.py"))
PLANTED = {f: load(Path(__file__).parent / "planted" / f"{f.name}.py") for f in LESSON_FOLDERS}
MISTAKES = [
    (name, mistake)
    for planted in PLANTED.values()
    for name, mistakes in planted.MISTAKES.items()
    for mistake in mistakes
]


@pytest.fixture
def check(tmp_path):
    """Check a program as a file of the learner's: what is in the package counts as the library."""

    def run(name, text):
        path = tmp_path / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        return child.run("check", name, path, path)

    return run


@pytest.fixture(params=exercises().values(), ids=lambda exercise: exercise.name)
def exercise(request):
    return request.param


@pytest.fixture(params=LESSON_FOLDERS, ids=lambda folder: folder.name)
def lesson(request):
    return request.param


# --- exercises ------------------------------------------------------------------------------------


def test_handed_out_wrong_in_the_way_that_is_meant(exercise, check):
    kind, text = PLANTED[exercise.folder].HANDED_OUT[exercise.name]
    result = check(exercise.name, exercise.file.read_text(encoding="utf-8"))
    assert result["result"] == "wrong", result
    assert result["kind"] == kind, result
    assert text in (result["verdict"] or result["text"])


def test_solution_is_right(exercise, check):
    solution = exercise.solution.read_text(encoding="utf-8")
    assert check(exercise.name, solution) == {"result": "right"}


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=lambda value: str(value)[:60])
def test_the_cause_of_a_planted_mistake_is_named(name, mistake, check):
    """A mistake replaces a text of the solution; `kind` "value" has no gradient, and no cause."""
    right, wrong, kind, text = mistake
    solution = exercises()[name].solution.read_text(encoding="utf-8")
    assert solution.count(right) == 1, "the text to be replaced is there once"
    result = check(name, solution.replace(right, wrong))
    assert result["result"] == "wrong", result
    assert (result["kind"], kind != "other") == (kind, True), result
    assert text in (result["verdict"] or result["text"])


def test_each_exercise_has_planted_mistakes(exercise):
    assert len(PLANTED[exercise.folder].MISTAKES[exercise.name]) >= 2


@pytest.mark.parametrize("kind", ["handed out", "solution"])
def test_the_page_of_a_program_is_written(exercise, kind, tmp_path):
    page = tmp_path / "page.html"
    program = exercise.solution if kind == "solution" else exercise.file
    result = child.run("see", exercise.name, program, page)
    if kind == "handed out" and result["result"] != "right":
        assert result["kind"] == "unfinished", "it may lack a part, but not fail"
        return
    assert result["page"] == str(page)
    assert page.stat().st_size < 1_000_000


def test_exercise_and_solution_are_one_task(exercise):
    handed_out, solution = (
        p.read_text(encoding="utf-8") for p in (exercise.file, exercise.solution)
    )
    assert handed_out != solution
    assert handed_out.split('"""')[1] == solution.split('"""')[1], "the docstrings differ"
    assert len(exercise.task) <= 200
    assert len(exercise.hints) >= 2
    assert exercise.right.endswith(".")


def test_names_are_the_courses_own():
    names = [exercise.name for folder in LESSON_FOLDERS for exercise in declared(folder)]
    assert len(names) == len(set(names)) == len(exercises())
    assert not set(names) & (
        set(sys.stdlib_module_names) | {"nn", "numpy", "tinygrad_np", "lesson"}
    )


def declared(folder):
    return load(folder / "lesson.py", "declared").EXERCISES


# --- pages ----------------------------------------------------------------------------------------


def page_text(lesson):
    return (lesson / "lesson.md").read_text(encoding="utf-8")


def test_page_is_short_and_names_its_exercises(lesson):
    text = page_text(lesson)
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    prose = re.sub(r"\]\([^)]*\)", "]", prose)
    assert len(re.findall(r"\w\S*", prose)) <= 900
    assert title(lesson).startswith(f"Lesson {int(lesson.name[:2])}: ")
    for exercise in declared(lesson):
        assert f"`{exercise.name}.py`" in text
    assert "![" in text, "a picture"


def test_code_of_the_page_runs(lesson, tmp_path, monkeypatch):
    sybil = pytest.importorskip("sybil")
    from sybil.parsers.markdown import PythonCodeBlockParser

    monkeypatch.chdir(tmp_path)
    runner = sybil.Sybil(parsers=[PythonCodeBlockParser()], path=str(lesson))
    examples = list(runner.parse(lesson / "lesson.md"))
    assert examples, "a page has code"
    for example in examples:
        example.evaluate()


def test_links_of_the_page_lead_somewhere(lesson):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page_text(lesson))
    broken = [link for link in links if "://" not in link and not (lesson / link).exists()]
    assert not broken
    large = [path for path in lesson.iterdir() if path.is_file() and path.stat().st_size > 16_000]
    assert not large, "lessons are in the wheel"
