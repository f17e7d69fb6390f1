"""Models as .onnx files, which other programs run: onnxruntime, browsers, phones."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import tinygrad_np as tg

from .module import Module, cast_like, evaluation

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["export_onnx"]


def export_onnx(model: Module, example: Any, path: str | os.PathLike[str]) -> Path:
    """Write a trained model as an .onnx file, for any number of rows.

        nn.export_onnx(model, X[:10], "model.onnx")

    The file has the inputs of the model's `forward`, under their names, and the result `output`;
    several results are `output_0`, `output_1` ..., or the keys of a dict; a name that is taken gets
    a number behind it, `x_2`. It is of ONNX's opset 20, IR version 10, and computes in float32:
    what is float64 here is rounded to it. Integers, such as the indices of an embedding, keep their
    dtype. Nothing has to be installed to write it.

    Args:
        model: what it computes in evaluation mode is written, with its weights as they are now.
        example: some rows of data, of the shape and dtype that the file takes; a tuple of arrays
            for several arguments.
        path: ends in .onnx.

    Returns:
        The path.

    Raises:
        CompileError: the model computes something else for other numbers of rows, or calls what
            has no form in ONNX; the message names the op and the line.
        TypeError: no Module.
        ValueError: another ending, examples without rows or with different numbers of them, or
            more than 2 GB of weights.
        OSError: the file can't be written; the one that was there is as it was.
    """
    if not isinstance(model, Module):
        raise TypeError(
            f"nn.export_onnx() takes a Module, not {tg.describe(model)}; tg.export_onnx() takes a "
            "function"
        )
    several = isinstance(example, tuple)
    examples = tuple(cast_like(model, part) for part in (example if several else (example,)))
    with evaluation(model), _unfrozen(model):
        return tg.export_onnx(model.forward, examples, path)


@contextlib.contextmanager
def _unfrozen(model: Module) -> Iterator[None]:
    """Let all parameters need gradients: ops are taken down as a whole where one is needed."""
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    try:
        for parameter in frozen:
            parameter.requires_grad = True
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad = False
