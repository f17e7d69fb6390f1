"""The engine after `nnfs.init()`, which replaces NumPy functions for the whole process.

It can't be undone, so it runs in a process of its own, and the table's tests with it.
"""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nnfs")

pytestmark = pytest.mark.oracle

TESTS = Path(__file__).parents[1]

RUN = """
import sys

import numpy as np
import pytest

{imports}
nnfs.init()
assert np.zeros(1).dtype == np.float32, "nnfs.init() no longer replaces np.zeros"
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""

FILES = ["ops/test_ops_table.py", "ops/test_ops_special.py", "checks/test_checks_numeric.py"]
CORE = "(test_value or gradient or second_derivative or recorded or dtype or check) and not leaves"
CORE += " and not gradcheck_of"  # it takes longer than all others, and compares the same
FIRST = "test_value or test_gradient or test_second_derivative or accepts_right_rules"


@pytest.mark.parametrize(
    ("imports", "tests"),
    [("import nnfs, tinygrad_np", CORE), ("import nnfs", FIRST)],
    ids=["after import", "before import"],
)
def test_the_table_after_nnfs_init(imports, tests):
    """`before import`: nnfs has patched NumPy when tinygrad_np is imported."""
    command = [sys.executable, "-c", RUN.format(imports=imports), "-k", tests]
    done = subprocess.run(
        [*command, *(str(TESTS / name) for name in FILES)],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " passed" in done.stdout
