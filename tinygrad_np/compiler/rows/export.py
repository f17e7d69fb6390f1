"""Export of a function of rows, such as a trained model: one file for any number of them."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.callsite import outside, place_of
from ...core.containers import flatten
from ...core.doors import as_array
from ...core.modes import no_grad
from ...core.tensor import Tensor
from ..assembly import named_with_line
from ..emitters.numpy_file import write_arrays
from ..errors import CompileError
from ..files import draft, target
from ..proof import DifferenceError, compare
from ..statements import Var
from .apart import check_shapes, check_values
from .arrays import Rows
from .file import RowsFile
from .merging import PROOFS, SIZES, for_any_rows, model_of, record_at

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_SOME = [0, 3, 4, 5, 8, 10]  # of 13 rows: others than these if they are turned round or moved


def export_numpy(
    f: Callable,
    example: Any,
    path: str | os.PathLike[str],
    *,
    embed: bool = False,
) -> Path:
    """Write a function of rows to a .py file that needs only NumPy, for any number of rows.

        tg.export_numpy(lambda x: tg.softmax(x @ w + b), x, "predict.py")

    The file has `predict`, with the arguments of `f`, and is a program: `python predict.py x.csv`.
    It gives the same bits as `f` without gradients; it is run before it is put into its place.

    Args:
        f: computes a row of its results from a row of each argument, and changes nothing. What it
            captures is written as it is now.
        example: an array with rows along the first axis, of the shape and dtype that the file
            takes; a tuple of arrays for several arguments. Some different rows are best: they show
            if one row's result depends on others.
        path: ends in .py; arrays go into an .npz beside it.
        embed: write the arrays as text into the file itself, for small ones.

    Raises:
        CompileError: `f` does something else for other numbers of rows, computes from several rows
            together, or can't be compiled; the message names the line.
        ValueError: another ending, or arguments without rows or with different numbers of them.
        OSError: the files can't be written; those that were there are as they were.
    """
    path = target(path, "export_numpy", ".py")
    if not embed:
        _check_arrays(path.with_suffix(".npz"))
    rows = Example(example)
    frame = outside(sys._getframe(1))
    own_line = place_of(frame.f_code, frame.f_lasti)
    with no_grad():
        programs = [record_at(f, rows.tensors(size)) for size in SIZES]
        size, last = SIZES[-1], programs[-1]
        program = for_any_rows(programs)
        check_shapes(program)
        others = (_SOME, sorted({*range(size)} - {*_SOME}))
        batches = [rows.batch(size), *(rows.batch(size, places) for places in others)]
        with _quiet():
            check_values(last, batches, others)
        model = model_of(f)
        about = repr(model) if model else named_with_line(f)
        file = RowsFile(program, path.stem, about, own_line, embed=embed)
        file.write("")
        _put(file, path, lambda draft: _prove(f, rows, file, draft))
    return path


class Example:
    """Batches of any size, made of the rows of an example."""

    def __init__(self, example: Any) -> None:
        arrays = example if isinstance(example, tuple) else (example,)
        self.arrays = [
            np.asarray(as_array(a._data if isinstance(a, Tensor) else a)) for a in arrays
        ]
        shapes = [array.shape for array in self.arrays]
        counts = {shape[:1] for shape in shapes}
        if not shapes or len(counts) > 1 or counts & {(), (0,)}:
            raise ValueError(
                "the example must be an array with rows along its first axis, or a tuple of such "
                f"with as many rows each, not of shape {', '.join(map(str, shapes)) or '()'}"
            )

    def batch(self, size: int, others: Sequence[int] = ()) -> list[np.ndarray]:
        """Return arguments of so many rows, with other ones at some places.

        A single row is scaled down a little from place to place, so that no two are alike.
        """
        places = np.arange(size)
        places[list(others)] += 1
        return [self._rows(array, places) for array in self.arrays]

    def _rows(self, array: np.ndarray, places: np.ndarray) -> np.ndarray:
        picked = array[places % len(array)]
        if len(array) > 1 or array.dtype.kind not in "fc":
            return picked
        scale = 1 - places.reshape(-1, *[1] * (array.ndim - 1)) % 16 / 64
        return (picked * scale).astype(array.dtype)

    def tensors(self, size: int) -> list[Tensor]:
        return list(map(Tensor, self.batch(size)))


# --- the proof ------------------------------------------------------------------------------------


def _prove(f: Callable, rows: Example, file: RowsFile, path: Path) -> None:
    """Run a draft of the file for several numbers of rows; raise unless it computes what `f` does.

    No rows are taken if `f` and the file take them.
    """
    predict = _namespace(path)["predict"]
    results = file.program.results
    for size in (*SIZES, *PROOFS):
        with _quiet():
            right = flatten(f(*rows.tensors(size)))
        try:
            _compare(predict, rows, size, right, results)
        except Exception as error:
            count = "1 row" if size == 1 else f"{size} rows"
            raise CompileError(
                f"{file.program.name} computes something else with {count} than with "
                f"{', '.join(map(str, SIZES))}: {error}. Instead: leave out what asks for the "
                "number of rows, such as squeeze() without an axis."
            ) from error
    try:
        with _quiet():
            right = flatten(f(*rows.tensors(0)))
        _compare(predict, rows, 0, right, results)
    except Exception:  # no rows are an error of its own then, in the file
        file.fewest = 1


def _namespace(path: Path) -> dict[str, Any]:
    """Run a file, and return its names."""
    namespace = {"__name__": path.stem, "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), namespace)
    return namespace


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Give no warnings of numbers that overflow and the like: the example may be anything."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _compare(
    predict: Callable, rows: Example, size: int, right: list[Any], results: list[Any]
) -> None:
    """Raise unless a call gives the same bits, in shapes that follow the number of rows.

    Args:
        right: what it should give.
        results: the same in the program, with these shapes.
    """
    with _quiet():
        given = flatten(predict(*rows.batch(size)))
    for k, (value, wanted, result) in enumerate(zip(given, right, results, strict=True), start=1):
        wanted = wanted.numpy() if isinstance(wanted, Tensor) else wanted
        compare(f"value {k} of those returned", value, wanted, None)
        lengths = result.shape if isinstance(result, Var) else np.shape(value)
        shape = tuple(x.at(size) if isinstance(x, Rows) else x for x in lengths)
        if np.shape(value) != shape:
            raise DifferenceError(f"a result of shape {np.shape(value)}, not {shape}")


# --- files ----------------------------------------------------------------------------------------


def _check_arrays(path: Path) -> None:
    """Raise if arrays would take the place of an .npz that is not of an exported file."""
    if path.exists() and not _is_ours(path):
        raise FileExistsError(
            f"{path} is there, and is not of an exported file: it would be lost. Instead: "
            "another name, or embed=True"
        )


def _is_ours(path: Path) -> bool:
    """Say whether an .npz was written by this module."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "digest.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _put(file: RowsFile, path: Path, prove: Callable[[Path], None]) -> None:
    """Write the files, proved before they are in their places."""
    with draft(path) as own:
        if file.constants:
            file.digest = _digest(file.constants)
            arrays = {"digest": np.array(file.digest), **file.constants}
            write_arrays(own.with_suffix(".npz"), arrays)
        own.write_text(file.text(), encoding="utf-8")
        prove(own)
        own.write_text(file.text(), encoding="utf-8")  # it is known now which rows it takes


def _digest(arrays: dict[str, np.ndarray]) -> str:
    """Return what tells the arrays of one file from those of others."""
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return digest.hexdigest()[:16]
