"""Several processes through MPI: each test starts its ranks anew, under a time limit."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SECONDS = 60
RIGHT = (
    "sums",
    "batch_norm",
    "rows",
    "broadcasts",
    "bits",
    "steps",
    "unreached",
    "clipping",
    "fits",
    "noise",
    "early",
    "nans",
    "disagree",
)

pytest.importorskip("mpi4py", reason="the extra mpi")
MPIEXEC = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")
needs_mpi = pytest.mark.skipif(MPIEXEC is None, reason="no mpiexec: the extra mpi brings one")


def run(*command, **variables):
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"} | variables
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, env=environment, timeout=SECONDS
    )


def ranks(count, program, *args, launcher=("-m", "mpi4py")):
    program = HERE / "rank_programs.py" if program is None else program
    return run(MPIEXEC, "-n", count, sys.executable, *launcher, program, *args)


@pytest.fixture(scope="module", params=[2, 4])
def on_ranks(request, tmp_path_factory):
    """The number of ranks that ran the right programs, one after the other, and their output."""
    path = tmp_path_factory.mktemp("ranks") / "run.npz"
    return request.param, ranks(request.param, None, "all", path)


@needs_mpi
@pytest.mark.oracle
@pytest.mark.parametrize("name", RIGHT)
def test_on_ranks(name, on_ranks):
    """The first one that fails ends the run, so that those behind it fail with the same text."""
    count, done = on_ranks
    assert done.stdout.count(f"<{name}>") == count, done.stdout + done.stderr


@needs_mpi
@pytest.mark.oracle
def test_all_programs_are_in_the_list(on_ranks):
    _, done = on_ranks
    assert done.returncode == 0, done.stdout + done.stderr
    assert {*re.findall(r"<(\w+)>", done.stdout)} == {*RIGHT}


@needs_mpi
@pytest.mark.oracle
@pytest.mark.parametrize("launcher", [(), ("-m", "mpi4py")], ids=["python", "mpi4py"])
def test_a_rank_that_raises_ends_the_run(launcher):
    started = time.monotonic()
    done = ranks(2, None, "raises", launcher=launcher)
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "KeyError: 'rank 1 is the one'" in done.stderr, done.stderr
    assert time.monotonic() - started < 20


@needs_mpi
@pytest.mark.oracle
def test_a_rank_that_exits_ends_the_run():
    assert ranks(2, None, "exits").returncode == 3


@needs_mpi
@pytest.mark.oracle
def test_a_rank_that_is_killed_ends_the_run():
    started = time.monotonic()
    done = ranks(2, None, "killed")
    assert done.returncode != 0
    assert "<killed>" not in done.stdout
    assert time.monotonic() - started < 20


def test_without_an_mpi(tmp_path):
    program = "from nn import distributed"
    done = run(sys.executable, "-c", program, MPI4PY_LIBMPI=str(tmp_path / "libmpi.so"))
    last = "ImportError: nn.distributed needs mpi4py and an MPI: pip install"
    assert f'{last} "tinygrad-np[mpi]" (cannot load MPI library' in done.stderr


def test_without_mpi4py(tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('no mpi4py')\n", encoding="utf-8")
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    program = "import nn; nn.fit(nn.Linear(1, 1), [[1]], [[1]], loss='mse_loss', "
    program += "optimizer=nn.SGD([nn.Parameter([1.0])]), distributed=True)"
    done = run(sys.executable, "-c", program, PYTHONPATH=paths)
    assert 'pip install "tinygrad-np[mpi]" (no mpi4py)' in done.stderr


def test_one_process_is_one_rank():
    """Without mpiexec; and as it is the only one, it is let alone when it raises."""
    program = "from nn import distributed as d; import sys; print(d.rank, d.size, d.gather(5), "
    program += "sys.excepthook is sys.__excepthook__)"
    done = run(sys.executable, "-c", program)
    assert done.stdout.strip() == "0 1 [5] True", done.stderr
