"""The programs that share examples/program.py: what they print and draw, and bad circumstances."""

import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("nnfs")
pytest.importorskip("tqdm")
Image = pytest.importorskip("PIL.Image")

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = ["logistic", "regression"]
NEEDS = {}  # the packages beyond the extra "examples"


@pytest.fixture(autouse=True)
def examples_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))


@pytest.fixture(params=PROGRAMS)
def name(request):
    for package in NEEDS.get(request.param, ()):
        pytest.importorskip(package)
    return request.param


def called(name, *options, cwd, **environment):
    return subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *options],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=120,
    )


def printed(name, capsys, *options):
    """The lines that a program prints, but the one that names the picture."""
    import_module(name).main(["--quick", *options])
    *lines, last = capsys.readouterr().out.splitlines()
    assert f"{name}.png: " in last
    return lines


def test_they_run_from_anywhere_on_a_console_with_few_characters(name, tmp_path):
    done = called(name, "--quick", "--out", "größe→", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr.decode()
    assert b"Warning" not in done.stderr
    assert done.stdout.decode("ascii").strip()
    (picture,) = (tmp_path / "größe→").iterdir()
    assert picture.name == f"{name}.png"
    with Image.open(picture) as image:
        low, high = image.convert("L").getextrema()
        assert image.width > 1000
    assert low < 80
    assert high == 255


def test_they_print_the_same_compiled_or_not_and_other_numbers_for_another_seed(
    name, tmp_path, capsys
):
    before = dict(matplotlib.rcParams)
    out = ["--out", str(tmp_path)]
    lines = printed(name, capsys, *out)
    assert printed(name, capsys, *out, "--no-compile") == lines
    assert printed(name, capsys, *out, "--seed", "1") != lines
    assert dict(matplotlib.rcParams) == before


def test_bad_options_are_refused_before_the_work(name, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    program = import_module(name)
    for options, wanted in (
        (["--out", str(tmp_path / "file" / "deeper")], "argument --out: can't write to the folder"),
        (["--seed", "-1"], "from 0 to 4294967295, not '-1'"),
    ):
        with pytest.raises(SystemExit) as stopped:
            program.main(options)
        assert stopped.value.code == 2
        said = capsys.readouterr()
        assert wanted in said.err.splitlines()[-1]
        assert not said.out
    with pytest.raises(SystemExit) as stopped:
        program.main(["--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert program.__doc__.splitlines()[0] in said
    for option in ("--quick", "--out", "--seed", "--no-compile", "Ctrl-C"):
        assert option in said


def test_what_goes_wrong_is_one_line(tmp_path):
    (tmp_path / "out" / "regression.png").mkdir(parents=True)  # in the place of the file
    done = called("regression", "--quick", cwd=tmp_path)
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith(f"can't write to {Path('out') / 'regression.png'}: ")
    assert b"Traceback" not in done.stderr


# --- what they have in common --------------------------------------------------------------------


def test_the_first_ctrl_c_ends_the_steps_and_the_second_the_program():
    from program import until_stopped

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        steps = []
        for step in until_stopped(100):
            steps.append(step)
            if step == 7:
                signal.raise_signal(signal.SIGINT)
        assert steps == [1, 2, 3, 4, 5, 6, 7]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with pytest.raises(KeyboardInterrupt):
            for _ in until_stopped(100):
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)


# --- each on its own -----------------------------------------------------------------------------


def test_the_sine_starts_as_the_published_log(capsys, tmp_path):
    lines = printed("regression", capsys, "--out", str(tmp_path))
    assert lines[0] == "epoch      0: acc 0.003, loss 0.496"
    assert lines[1].startswith("epoch    100: acc 0.017, loss 0.048")


def test_the_logistic_regression_starts_as_the_books_log(capsys, tmp_path):
    lines = printed("logistic", capsys, "--out", str(tmp_path))
    assert lines[0] == "epoch      0: acc 0.500, loss 0.693"
    assert lines[1] == "epoch    100: acc 0.630, loss 0.674"


def test_a_network_that_knows_the_answer_shades_the_plane(tmp_path):
    """Logits -20·x: class 0, blue, on the right."""
    logistic = import_module("logistic")
    model = logistic.make_model()
    right, left = np.zeros((2, 64)), np.zeros((64, 1))
    right[0, :2], left[:2, 0] = (1, -1), (-20, 20)
    state = {"0.weight": right, "0.bias": np.zeros(64), "2.weight": left, "2.bias": np.zeros(1)}
    model.load_state_dict(state)
    points = np.array([[[-1.0, 0], [1, 0]], [[0, 1], [0.05, 0]]], np.float32)
    expected = 1 / (1 + np.exp(20 * points[..., 0]))
    np.testing.assert_allclose(logistic.probability(model, points), expected, rtol=1e-5)
