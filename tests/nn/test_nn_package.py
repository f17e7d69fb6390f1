"""`import nn` and `from tinygrad_np import nn`: one module, and never a foreign one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nn
import tinygrad_np as tg

SOURCE = Path(nn.__file__).parents[1]


def run(code, *folders):
    """Run code in a fresh interpreter, with these folders first on its path."""
    path = os.pathsep.join(map(str, (*folders, SOURCE)))
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        cwd=folders[0] if folders else None,
        capture_output=True,
        text=True,
        check=False,
    )


def test_same_module_object():
    from tinygrad_np import nn as attribute

    assert attribute is nn
    assert tg.nn is nn
    assert "nn" in dir(tg)


@pytest.mark.parametrize(
    "code",
    [
        "from tinygrad_np import nn as a; import nn as b; assert a is b",
        "import nn as b; from tinygrad_np import nn as a; assert a is b",
        "import tinygrad_np as tg, nn; assert tg.nn is nn; assert tg.nn is nn",
    ],
)
def test_same_module_in_any_order(code):
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_the_engine_does_not_load_nn():
    done = run("import tinygrad_np, sys; assert 'nn' not in sys.modules")
    assert done.returncode == 0, done.stderr


def foreign(folder, how):
    if how == "package":
        (folder / "nn").mkdir()
        file = folder / "nn" / "__init__.py"
    else:
        file = folder / "nn.py"
    file.write_text("print('the foreign one runs')\nclass Linear: pass\n")
    return file


@pytest.mark.parametrize("how", ["package", "module"])
def test_a_foreign_nn_is_an_import_error_and_not_executed(tmp_path, how):
    file = foreign(tmp_path, how)
    done = run("from tinygrad_np import nn", tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError")
    assert "another package called nn" in last
    assert str(file) in last
    assert "virtual environment" in last


def test_a_foreign_nn_that_was_imported_before(tmp_path):
    foreign(tmp_path, "package")
    done = run("import nn\nimport tinygrad_np as tg\ntg.nn", tmp_path)
    assert done.stderr.strip().splitlines()[-1].startswith("ImportError: tinygrad_np.nn: found")


def test_no_nn_at_all(tmp_path):
    code = (
        "import os, sys, tinygrad_np\n"
        "sys.path[:] = [p for p in sys.path if not os.path.exists(os.path.join(p, 'nn'))]\n"
        "tinygrad_np.nn"
    )
    done = run(code, tmp_path)
    assert "ImportError: tinygrad_np.nn: there is no package nn" in done.stderr


def test_public_names():
    assert all(hasattr(nn, name) for name in nn.__all__)
    modules = {p.stem for p in (SOURCE / "nn").glob("*.py")} - {
        "init",
        "nnfs",
        "__init__",
    }  # used as modules
    assert not modules & set(nn.__all__)
    assert nn.Dense is nn.Linear
