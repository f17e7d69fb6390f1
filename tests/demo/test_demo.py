"""`python -m tinygrad_np.demo`: the list, a run, what it opens, and what may be missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_np.demo import __main__ as demo

ROOT = Path(__file__).parents[2]


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser is asked to open."""
    addresses = []
    monkeypatch.setattr(demo.webbrowser, "open", lambda address: addresses.append(address) or True)
    return addresses


@pytest.fixture
def complete(monkeypatch):
    """As if the extra "examples" were installed: the programs of these tests do without."""
    monkeypatch.setattr(demo, "require_packages", lambda: None)


def programs(tmp_path, monkeypatch, **texts):
    """Put programs into the place of those of the wheel."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(demo, "INSTALLED", folder)


WRITER = '''"""Write files.

And more."""
import pathlib, sys
assert sys.argv[1] == "--out"
out = pathlib.Path(sys.argv[2])
out.mkdir(exist_ok=True)
for name in ("a.png", "graph.svg", "graph.png", "graph.dot", "page.html"):
    (out / name).write_text(" ".join(sys.argv[3:]))
'''


def test_without_a_name_all_are_listed(capsys):
    assert demo.main([]) == 0
    said = capsys.readouterr().out
    files = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert set(demo.summaries()) == files - demo.OTHERS
    for name, line in demo.summaries().items():
        assert line.endswith(".")
        assert f"  {name:12} {line}\n" in said
    assert files >= demo.OTHERS


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        demo.main(["flo"])
    assert stopped.value.code == 2
    assert "no program is called 'flo', only book_layers, cartpole" in capsys.readouterr().err


def test_a_run_says_what_it_wrote_and_opens_it(tmp_path, monkeypatch, capfd, opened, complete):
    programs(tmp_path, monkeypatch, writer=WRITER)
    out = tmp_path / "aus gäbe"
    out.mkdir()
    (out / "before.png").write_text("of another run")
    assert demo.main(["writer", "--out", str(out), "--steps", "7"]) == 0
    said = capfd.readouterr().out
    assert said == f"in {out}: a.png, graph.dot, graph.png, graph.svg, page.html\n"
    assert opened == [(out / name).as_uri() for name in ("a.png", "graph.svg", "page.html")]
    assert (out / "a.png").read_text() == "--steps 7"
    opened.clear()
    assert demo.main(["writer", "--no-open", "--out", str(out)]) == 0  # over the files of before
    assert "graph.dot" in capfd.readouterr().out
    assert not opened


def test_no_browser_is_no_failure(tmp_path, monkeypatch, capfd, complete):
    programs(tmp_path, monkeypatch, writer=WRITER)
    monkeypatch.setattr(demo.webbrowser, "open", lambda address: False)
    assert demo.main(["writer", "--out", str(tmp_path / "out")]) == 0
    assert capfd.readouterr().out.count("no browser was found: open them yourself") == 1


def test_the_status_of_a_failure_is_handed_on(tmp_path, monkeypatch, opened, complete):
    programs(tmp_path, monkeypatch, failing="raise SystemExit(7)")
    assert demo.main(["failing", "--out", str(tmp_path / "out")]) == 7
    assert not opened


@pytest.mark.skipif(os.name == "nt", reason="signals to groups of processes are POSIX's")
def test_ctrl_c_is_for_the_program_alone(tmp_path, monkeypatch, complete):
    """As a terminal does, it reaches both processes."""
    sender = "import os, signal, time\n"
    sender += "os.kill(os.getppid(), signal.SIGINT)\ntime.sleep(0.1)\nraise SystemExit(5)"
    programs(tmp_path, monkeypatch, sender=sender)
    before = demo.signal.getsignal(demo.signal.SIGINT)
    assert demo.main(["sender", "--out", str(tmp_path / "out")]) == 5
    assert demo.signal.getsignal(demo.signal.SIGINT) is before


def test_missing_packages_are_named_with_the_command(monkeypatch):
    find = demo.importlib.util.find_spec
    monkeypatch.setattr(
        demo.importlib.util, "find_spec", lambda name: None if name == "nnfs" else find(name)
    )
    with pytest.raises(SystemExit) as stopped:
        demo.require_packages()
    assert "The programs need nnfs" in stopped.value.code
    assert 'pip install "tinygrad-np[examples]"' in stopped.value.code


def called(*options, cwd, path):
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_np.demo", *options],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(params=["checkout", "wheel"])
def installed(request, tmp_path):
    """A folder for sys.path: the checkout, or files where a wheel puts them."""
    if request.param == "checkout":
        return ROOT
    site = tmp_path / "site"
    for name in ("tinygrad_np", "nn"):
        shutil.copytree(ROOT / name, site / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "examples", site / "tinygrad_np" / "demo" / "examples")
    return site


def test_a_program_runs_from_anywhere(installed, tmp_path):
    for package in demo.PACKAGES:
        pytest.importorskip(package)
    (tmp_path / "elsewhere").mkdir()
    options = ["own_op", "--quick", "--no-open", "--out", "größe→"]
    done = called(*options, cwd=tmp_path / "elsewhere", path=installed)
    assert done.returncode == 0, done.stderr
    assert "own_op.png" in done.stdout.splitlines()[-1]
    assert (tmp_path / "elsewhere" / "größe→" / "own_op.png").stat().st_size > 10_000


def test_options_are_handed_on(tmp_path):
    for package in demo.PACKAGES:
        pytest.importorskip(package)
    helped = called("own_op", "--help", cwd=tmp_path, path=ROOT)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "--epochs" in helped.stdout
    (tmp_path / "file").write_text("")
    refused = called("own_op", "--out", "file/deeper", cwd=tmp_path, path=ROOT)
    assert refused.returncode == 2
    assert "argument --out: can't write to the folder" in refused.stderr.splitlines()[-1]
