"""How values, dtypes and memory are spelled in the text of a program."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..statements import Var

__all__ = ["about", "array_text", "dtype_text", "empty", "number_text", "signature"]


def empty(var: Var) -> str:
    """Memory for a value, its axes in the order in which they lay in the recording."""
    axes = sorted(range(len(var.shape)), key=lambda axis: -var.value.strides[axis])
    shape = tuple(var.shape[axis] for axis in axes)
    text = f"np.empty({shape if len(shape) != 1 else shape[0]}, {dtype_text(var.dtype)})"
    if axes == sorted(axes) or var.value.flags.c_contiguous:
        return text.replace(str(shape), str(var.shape), 1)
    return f"{text}.transpose({tuple(axes.index(k) for k in range(len(axes)))})"


def signature(name: str, parameters: list[str]) -> list[str]:
    """The first line of the function, or several where it would be too long."""
    line = f"def {name}({', '.join(parameters)}):"
    if len(line) <= 100:
        return [line]
    inside = textwrap.wrap(", ".join(parameters) + ",", 96, break_long_words=False)
    return [f"def {name}(", *(f"    {part}" for part in inside), "):"]


def about(var: Var) -> str:
    """Shape and dtype of a value; nothing for a number."""
    if var.shape is None:
        return ""
    return f"{var.shape} {var.dtype}"


def dtype_text(dtype: np.dtype) -> str:
    """An expression for a dtype."""
    if not dtype.isbuiltin:
        return f"np.dtype({dtype.str!r})"
    return "np.bool_" if dtype.kind == "b" else f"np.{dtype.name}"


def number_text(value: Any) -> str:
    """An expression for a number."""
    if isinstance(value, float) and not math.isfinite(value):
        return "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"
    return repr(value)


def _turned_text(value: np.ndarray) -> str | None:
    """An expression for a broadcast number, or for an array with its axes in another order."""
    if not any(value.strides) and value.dtype.kind in "biuf":
        number = number_text(value.flat[0].item())
        return f"np.broadcast_to({dtype_text(value.dtype)}({number}), {value.shape})"
    axes = sorted(range(value.ndim), key=lambda axis: -abs(value.strides[axis]))
    turned = value.transpose(axes)
    text = array_text(turned) if turned.flags.c_contiguous else None
    return text and f"{text}.transpose({tuple(axes.index(k) for k in range(value.ndim))})"


def array_text(value: np.ndarray) -> str | None:
    """An expression for an array laid out in memory as this one, if there is a short one."""
    dtype = dtype_text(value.dtype)
    shape = value.shape if value.ndim != 1 else value.shape[0]
    if not value.size:
        return f"np.empty({shape}, {dtype})"
    if not value.flags.c_contiguous:
        return _turned_text(value)
    same = value.tobytes() == value.flat[0].tobytes() * value.size  # 0.0 is not -0.0
    if value.dtype.kind in "biuf" and same and value.flat[0] == value.flat[0]:
        filled = value.flat[0].item()
        if filled == 1:
            return f"np.ones({shape}, {dtype})"
        return f"np.full({shape}, {number_text(filled)}, {dtype})"
    if value.ndim == 1 and value.dtype.kind in "iu" and value.size > 2:
        step = int(value[1]) - int(value[0])
        if step > 0 and np.array_equal(np.diff(value), np.full(value.size - 1, step)):
            return f"np.arange({value[0]}, {value[-1] + step}, {step}, {dtype})"
    if value.size <= 8 and value.dtype.kind in "biuf" and np.isfinite(value).all():
        return f"np.array({value.tolist()}, {dtype})"
    return None
