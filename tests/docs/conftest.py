"""The documentation site, built once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def build():
    """Build the site of a project; return the exit status and what was printed."""
    pytest.importorskip("zensical")

    def built(root, *options):
        command = [sys.executable, str(root / "docs" / "website.py"), *map(str, options)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        return done.returncode, done.stdout + done.stderr

    return built


@pytest.fixture(scope="session")
def site(build, tmp_path_factory):
    """The folder with this project's site."""
    folder = tmp_path_factory.mktemp("site") / "out"
    status, text = build(ROOT, "--out", folder)
    assert status == 0, text
    return folder
