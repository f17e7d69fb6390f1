"""docs/scaling.md: its programs print what stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
SWEEP, FIT, LOOP, SUM = re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)
PRINTED, *_ = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)


def output(path, *launcher):
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*launcher, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_sweep(tmp_path):
    path = tmp_path / "sweep.py"
    path.write_text(SWEEP, encoding="utf-8")
    assert output(path, sys.executable) == PRINTED
    joblib = pytest.importorskip("joblib")
    (line,) = re.findall(r"`(Parallel.*?)`", PAGE)
    names = {"__name__": "sweep"}
    exec(SWEEP, names)
    names |= {"Parallel": joblib.Parallel, "delayed": joblib.delayed, "rates": [0.01, 0.1]}
    assert eval(line, names) == [names["train"](rate) for rate in (0.01, 0.1)]


def test_the_ranks(tmp_path):
    pytest.importorskip("mpi4py")
    mpiexec = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")
    if mpiexec is None:
        pytest.skip("no mpiexec")
    lines = [
        "import tinygrad_np as tg",
        "before = nn.cross_entropy(model(X), y).item()",
        LOOP,
        "assert nn.cross_entropy(model(X), y).item() < before",
        SUM,
        "result = normalised(tg.Tensor(X[rows]), len(X)).numpy()",
        "exact = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-5)",
        "np.testing.assert_allclose(result, exact[rows], rtol=1e-4, atol=1e-5)",
    ]
    path = tmp_path / "program.py"
    path.write_text("\n".join([FIT, *lines]), encoding="utf-8")
    printed = output(path, mpiexec, "-n", "2", sys.executable, "-m", "mpi4py")
    assert printed.split() == PRINTED.split()
