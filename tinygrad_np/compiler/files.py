"""Files that an export writes: all of them, once they are whole, or none."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def target(path: Any, function: str, *suffixes: str) -> Path:
    """Return the path of a file that a function is to write.

    Raises:
        ValueError: another suffix.
        OSError: no folder to write to, or a folder of that name.
    """
    path = Path(path)
    if path.suffix not in suffixes:
        raise ValueError(f"{function}() writes {' and '.join(suffixes)} files, not {path.name!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"can't write {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise IsADirectoryError(f"can't write {path}: it is a folder")
    return path


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Give a path of that name in a folder of its own, for a file and others beside it.

    What is there at the end goes where `path` is, that file last. After an error nothing does.
    """
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}_", dir=path.parent) as folder:
        own = Path(folder, path.name)
        yield own
        for file in sorted(Path(folder).iterdir(), key=own.__eq__):
            if file.is_file():
                os.replace(file, path.with_name(file.name))
