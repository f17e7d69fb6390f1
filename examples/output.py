"""What the examples share: a folder that can be written to, and text that every console shows."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def any_console() -> None:
    """Print plain characters for those that the console does not have, such as x for ×."""
    import tinygrad_np as tg

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors=tg.Text.errors)


def folder(description: str) -> Path:
    """The folder of the option `--out`, made; the only option of the program."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--out", type=Path, default=Path("out"), help="output folder (default: out)"
    )
    out = parser.parse_args().out
    any_console()
    try:
        make(out)
    except OSError as error:
        sys.exit(f"can't make the output folder {out}: {error.strerror}")
    return out


def make(out: Path) -> None:
    """Make a folder, and try to write into it.

    Raises:
        OSError: it can't be made, or not be written to.
    """
    out.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=out).close()


@contextlib.contextmanager
def writing(out: Path) -> Iterator[None]:
    """End the program with one line if a file can't be written."""
    try:
        yield
    except OSError as error:
        sys.exit(f"can't write to {error.filename or out}: {error.strerror or error}")
