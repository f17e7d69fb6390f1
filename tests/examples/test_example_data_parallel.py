"""examples/data_parallel.py, on two ranks and alone, each in processes of their own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

for package in ("matplotlib", "mpi4py", "nnfs", "tqdm"):
    pytest.importorskip(package)

PROGRAM = Path(__file__).parents[2] / "examples" / "data_parallel.py"
MPIEXEC = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")


def printed(*command, cwd):
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(MPIEXEC is None, reason="no mpiexec")
def test_two_ranks_reach_the_numbers_of_one(tmp_path):
    """In float64 within 1e-8 after 350 steps, while the sums are others."""
    start = (MPIEXEC, "-n", 2, sys.executable, "-m", "mpi4py", PROGRAM)
    first, _, double, _ = printed(*start, cwd=tmp_path)
    assert first == "processes: 2, rows: 602"
    steps, bound = re.fullmatch(
        r"float64: (\d+) steps, loss [\d.]+, difference below (.*)", double
    ).groups()
    assert int(steps) >= 300
    assert 0 < float(bound) <= 1e-8
    assert (tmp_path / "out" / "data_parallel.png").stat().st_size > 10_000


def test_one_process_is_the_same_bit_for_bit(tmp_path):
    first, *both, _ = printed(sys.executable, PROGRAM, "--quick", cwd=tmp_path)
    assert first == "processes: 1, rows: 602"
    assert [line.split(", ")[-1] for line in both] == ["difference none"] * 2
