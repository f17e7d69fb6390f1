"""examples/book_layers.py: what it says about right and wrong layers."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "book_layers.py"


def test_it_tells_right_layers_from_wrong_ones():
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    right, wrong, alone = done.stdout.split("\n\n\n")
    assert "All 8 gradients agree." in right
    assert "The first difference is in 3 AveragingDense.backward: dbiases is wrong" in wrong
    assert "1/6 times the right gradient" in wrong
    assert wrong.count("<-") == 2  # and not what lies below a wrong one
    assert "Dense: right" in alone
    assert "LeakingReLU.backward: dinputs is wrong: a wrong mask" in alone
    assert "AveragingDense.backward: dbiases is wrong: it is 1/6 times" in alone
