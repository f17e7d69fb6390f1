"""Export of a function of rows, such as a trained model, as an .onnx file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..callers import function_name
from ..files import draft, target
from ..rows.export import Example
from .following import COUNTS
from .graph import to_bytes
from .merging import for_any_rows
from .recording import graph_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

_MOST = 2**31 - 1  # bytes of a message of Protocol Buffers


def export_onnx(f: Callable, example: Any, path: str | os.PathLike[str]) -> Path:
    """Write a function of rows as an .onnx file, for any number of rows.

        tg.export_onnx(lambda x: tg.softmax(x @ w + b), x, "predict.onnx")

    The file is of ONNX's opset 20, IR version 10. It computes in float32, whatever `f` computes in;
    integers are int64 inside. Inputs are called as the parameters of `f`; a result is `output`,
    several are `output_0`, `output_1` ..., or the keys of a dict; a name that is taken gets a
    number behind it, `x_2`. How each op is written is in docs/onnx.md.

    Args:
        f: computes its results from arrays, and changes nothing. What it captures is written as it
            is now.
        example: an array with rows along the first axis, of the shape and dtype that the file
            takes; a tuple of arrays for several arguments.
        path: ends in .onnx.

    Returns:
        The path.

    Raises:
        CompileError: `f` does something else for other numbers of rows, or calls what has no form
            in ONNX; the message names the op and the line.
        ValueError: another ending, arguments without rows or with different numbers of them, or
            more than 2 GB of arrays.
        OSError: the file can't be written; the one that was there is as it was.
    """
    path = target(path, "export_onnx", ".onnx")
    rows = Example(example)
    graphs = [graph_of(f, rows.batch(size)) for size in COUNTS]
    name = function_name(f)
    content = to_bytes(for_any_rows(name, graphs), name)
    if len(content) > _MOST:
        raise ValueError(f"{path.name} would have {len(content):,} bytes, and 2 GB are the most")
    with draft(path) as own:
        own.write_bytes(content)
    return path
