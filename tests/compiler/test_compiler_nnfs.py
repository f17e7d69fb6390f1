"""The compile tests after `nnfs.init()`, which replaces np.dot, np.zeros, np.eye for good."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nnfs")

pytestmark = pytest.mark.oracle

TESTS = Path(__file__).resolve().parent.parent
FILES = ["compiler/test_compiler_composed.py", "nn/test_nn_compiled.py"]
EVERY_DAY = "not -exact] and not -none]"  # the pass set that calls most of NumPy's functions

RUN = """
import sys
import nnfs
import numpy as np
import pytest

nnfs.init()
assert np.zeros(1).dtype == np.float32, "nnfs.init() no longer replaces np.zeros"
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def test_compiled_functions_after_nnfs_init():
    done = subprocess.run(
        [sys.executable, "-c", RUN, "-k", EVERY_DAY, *(str(TESTS / name) for name in FILES)],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " passed" in done.stdout
