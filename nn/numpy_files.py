"""Plain-NumPy predictors: a trained model as one Python file that imports NumPy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tinygrad_np as tg

from .module import Module, cast_like, evaluation

if TYPE_CHECKING:
    import os
    from pathlib import Path

__all__ = ["export_numpy"]


def export_numpy(
    model: Module, example: Any, path: str | os.PathLike[str], embed: bool = False
) -> Path:
    """Write a trained model as a .py file that needs only NumPy, for any number of rows.

        nn.export_numpy(model, X[:10], "predict.py")

    The file has a function `predict`, with the arguments of the model's `forward`, and gives the
    same bits as `model.predict`. It is a program too: `python predict.py data.csv` prints the
    predictions for the rows of a file. Shapes and dtypes of arguments are checked.

    Args:
        model: what it computes in evaluation mode is written, with its weights as they are now.
        example: some rows of data, of the shape and dtype that the file takes, floats in the dtype
            of the parameters; a tuple of arrays for several arguments.
        path: ends in .py. Large arrays go into an .npz beside it.
        embed: write the arrays as text into the file itself, for small models.

    Returns:
        The path. Both files are whole and tried out before they take their places.

    Raises:
        CompileError: the model computes something else for other numbers of rows, from several
            rows together, or can't be compiled; the message names the line.
        TypeError: no Module.
        ValueError: another ending, or examples without rows or with different numbers of them.
        OSError: the files can't be written; those that were there are as they were.
    """
    if not isinstance(model, Module):
        raise TypeError(
            f"nn.export_numpy() takes a Module, not {tg.describe(model)}; tg.export_numpy() takes "
            "a function"
        )
    several = isinstance(example, tuple)
    examples = tuple(cast_like(model, part) for part in (example if several else (example,)))

    with evaluation(model):
        return tg.export_numpy(model.forward, examples, path, embed=embed)
