"""Files of real sets: IDX (MNIST), CIFAR's Python batches, and tables in CSV.

Sizes are checked before memory is taken, and nothing in a file is executed.
"""

from __future__ import annotations

import csv
import gzip
import math
import os
import pickle
import struct
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np

__all__ = ["read_cifar", "read_csv", "read_idx"]

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if is_packed else path.open("rb")  # type: ignore[return-value]


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an array in the format of MNIST, packed by gzip or not.

        images = nn.data.read_idx("train-images-idx3-ubyte.gz")  # (60000, 28, 28) of uint8

    Raises:
        ValueError: no such file inside, or one that is too short or too long.
        OSError: the file can't be read.
    """
    path = Path(path)
    try:
        with _opened(path) as file:
            start = file.read(4)
            dtype = IDX_TYPES.get(start[2]) if len(start) == 4 and start[:2] == b"\0\0" else None
            if dtype is None:
                raise ValueError(f"{path} is no IDX file: it begins with {start!r}")
            sizes = file.read(4 * start[3])
            if len(sizes) < 4 * start[3]:
                raise ValueError(f"{path} ends in its header")
            shape = struct.unpack(f">{start[3]}I", sizes)
            count = math.prod(shape) * np.dtype(dtype).itemsize
            # No more than the file can hold: deflate packs 1032 bytes into one at best.
            if count > 1032 * path.stat().st_size:
                raise ValueError(f"{path} says that it holds {shape}, but is too small for that")
            data = file.read(count + 1)
    except (EOFError, gzip.BadGzipFile, struct.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if len(data) != count:
        found = "more" if len(data) > count else f"{len(data)} bytes"
        raise ValueError(f"{path} should hold {shape} of {dtype[1:]}, but has {found}")
    array = np.frombuffer(data, dtype).reshape(shape)
    return array.astype(array.dtype.newbyteorder("="))


class _ArraysOnly(pickle.Unpickler):
    """Reads dicts, lists, texts and NumPy arrays, and calls nothing else."""

    ALLOWED: ClassVar[set[tuple[str, str]]] = {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("_codecs", "encode"),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise ValueError(f"it would call {module}.{name}, which arrays do not need")
        if module == "numpy.core.multiarray":
            module = "numpy._core.multiarray"
        return super().find_class(module, name)


def read_cifar(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read one of CIFAR's Python batches, without running what a pickle may hold.

    Returns:
        Images (rows, 3, 32, 32) of uint8, and classes (rows,); of CIFAR-100 the fine ones.

    Raises:
        ValueError: no such batch, or a file that wants to call something.
        OSError: the file can't be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        try:
            batch = _ArraysOnly(file, encoding="bytes").load()
        except Exception as error:  # whatever damaged bytes make of the one who reads them
            raise ValueError(f"{path} is no batch of CIFAR: {error}") from error
    content = batch if isinstance(batch, dict) else {}
    images = content.get(b"data")
    labels = content.get(b"labels", content.get(b"fine_labels"))
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or labels is None:
        raise ValueError(f"{path} is no batch of CIFAR: it has no data and labels")
    if images.ndim != 2 or images.shape[1] != 3072 or len(labels) != len(images):
        raise ValueError(f"{path}: the data are {images.shape}, with {len(labels)} labels")
    return images.reshape(-1, 3, 32, 32), np.array(labels, np.int64)


def read_csv(
    path: str | os.PathLike[str], target: str | int | None = None, *, delimiter: str = ","
) -> tuple[np.ndarray, Any, list[str]]:
    """Read a table of numbers.

        X, y, names = nn.data.read_csv("houses.csv", target="price")

    Args:
        path: a text file in UTF-8; a first line that has a text which is no number is the header.
        target: the name or number of a column: y. Texts in it become classes, in their order.
        delimiter: between the cells.

    Returns:
        X (rows, columns) of float32, y (rows,) of float32 or int64, None without a target, and the
        names of the columns of X, "0", "1" … without a header.

    Raises:
        ValueError: a cell that is no number, with its line and column; lines of another length.
        KeyError: no such column.
        OSError: the file can't be read.
    """
    path = Path(path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = [(k, row) for k, row in enumerate(csv.reader(file, delimiter=delimiter), 1) if row]
    if not lines:
        raise ValueError(f"{path} is empty")
    width = len(lines[0][1])
    for k, row in lines:
        if len(row) != width:
            raise ValueError(f"{path}:{k} has {len(row)} cells, but the first line has {width}")
    names = [str(k) for k in range(width)]
    if not all(map(_is_number, lines[0][1])) and len(lines) > 1:
        names = [name.strip() for name in lines.pop(0)[1]]
    column = _column(path, names, target)
    others = [k for k in range(width) if k != column]
    x = np.array([[_number(path, k, names[j], row[j]) for j in others] for k, row in lines])
    y: Any = None
    if column is not None:
        cells = [row[column].strip() for _, row in lines]
        y = _targets(path, lines, names, column, cells)
    x = x.reshape(len(lines), len(others)).astype(np.float32)
    return x, y, [names[j] for j in others]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(path: Path, line: int, name: str, cell: str) -> float:
    if not _is_number(cell):
        raise ValueError(f"{path}:{line}, column {name}: {cell!r} is no number")
    return float(cell)


def _column(path: Path, names: list[str], target: str | int | None) -> int | None:
    if target is None:
        return None
    if isinstance(target, str):
        if target not in names:
            raise KeyError(f"{path} has no column {target!r}; it has {', '.join(names)}")
        return names.index(target)
    if not -len(names) <= target < len(names):
        raise KeyError(f"{path} has no column {target}; it has {len(names)}")
    return target % len(names)


def _targets(path: Path, lines: Any, names: list[str], column: int, cells: list[str]) -> np.ndarray:
    """Return numbers, or the classes of texts in alphabetical order."""
    if all(map(_is_number, cells)):
        return np.array([float(cell) for cell in cells], np.float32)
    if any(map(_is_number, cells)):
        k = next(k for k, cell in enumerate(cells) if not _is_number(cell))
        _number(path, lines[k][0], names[column], cells[k])
    _, classes = np.unique(cells, return_inverse=True)
    return classes.astype(np.int64)
