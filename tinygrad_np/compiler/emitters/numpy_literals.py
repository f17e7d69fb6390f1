"""Literals of a NumPy program: numbers, dtypes, arrays and memory, as Python text."""

from __future__ import annotations

import functools
import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..statements import Var


def empty(var: Var) -> str:
    """Return an expression for memory, its axes in the order that they had in the recording."""
    axes = sorted(range(len(var.shape)), key=lambda axis: -var.value.strides[axis])
    dtype = dtype_text(var.dtype)
    if axes == sorted(axes) or var.value.flags.c_contiguous:
        return f"np.empty({_shape_text(var.shape)}, {dtype})"
    shape = tuple(var.shape[axis] for axis in axes)
    return f"np.empty({_shape_text(shape)}, {dtype}){_transposed_back(axes)}"


def copy_text(text: str, value: np.ndarray) -> str:
    """Return an expression for a copy that lies in memory as the array with this text does."""
    return f"{text}.copy()" if value.flags.c_contiguous else f'{text}.copy("K")'


def _shape_text(shape: tuple[int, ...]) -> str:
    return str(shape[0] if len(shape) == 1 else shape)


def _transposed_back(axes: list[int]) -> str:
    """Return the text that puts axes that lie in this order back into their own."""
    order = tuple(axes.index(k) for k in range(len(axes)))
    return f".transpose({order})"


def header(name: str, parameters: list[str]) -> list[str]:
    """Return the line that begins a function, or several where it would be too long."""
    line = f"def {name}({', '.join(parameters)}):"
    if len(line) <= 100:
        return [line]
    inside = textwrap.wrap(", ".join(parameters) + ",", 96, break_long_words=False)
    return [f"def {name}(", *(f"    {part}" for part in inside), "):"]


def note(var: Var) -> str:
    """Return shape and dtype of a value as a comment says them; nothing for a number."""
    return "" if var.shape is None else _form_text(var.shape, var.dtype)


@functools.lru_cache(maxsize=1024)
def _form_text(shape: tuple[int, ...], dtype: np.dtype) -> str:
    return f"{shape} {dtype}"


@functools.lru_cache(maxsize=64)
def dtype_text(dtype: np.dtype) -> str:
    """Return an expression for a dtype."""
    if dtype.isbuiltin != 1:
        return f"np.dtype({dtype.str!r})"
    return "np.bool_" if dtype.kind == "b" else f"np.{dtype.name}"


def number_text(value: Any) -> str:
    """Return an expression for a number; a member of an enum is one too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__repr__(value)
    if isinstance(value, complex):  # the text of one reads back without signs of zeros
        return f"complex({number_text(value.real)}, {number_text(value.imag)})"
    if not isinstance(value, float) or math.isfinite(value):
        return repr(value)
    if math.isnan(value):
        return "np.nan"
    return "np.inf" if value > 0 else "-np.inf"


def _turned_text(value: np.ndarray) -> str | None:
    """Return an expression for a broadcast number, or an array with its axes in another order."""
    if not any(value.strides) and value.dtype.kind in "biuf":
        number = number_text(value.flat[0].item())
        return f"np.broadcast_to({dtype_text(value.dtype)}({number}), {value.shape})"
    axes = sorted(range(value.ndim), key=lambda axis: -abs(value.strides[axis]))
    turned = value.transpose(axes)
    if not turned.flags.c_contiguous:
        return None
    text = array_text(turned)
    return text and f"{text}{_transposed_back(axes)}"


def is_uniform(value: np.ndarray) -> bool:
    """Say whether all elements of an array have the same bits: 0.0 is not -0.0."""
    first, last = value.flat[0].tobytes(), value.flat[-1].tobytes()
    return first == last and value.tobytes() == first * value.size


def array_text(value: np.ndarray) -> str | None:
    """Return an expression for an array laid out in memory as this one, if a short one exists."""
    dtype = dtype_text(value.dtype)
    shape = _shape_text(value.shape)
    if not value.size:
        return f"np.empty({shape}, {dtype})"
    if not value.flags.c_contiguous:
        return _turned_text(value)
    first = value.flat[0]
    if value.dtype.kind in "biuf" and is_uniform(value) and first == first:
        if first == 1:
            return f"np.ones({shape}, {dtype})"
        return f"np.full({shape}, {number_text(first.item())}, {dtype})"
    if value.ndim == 1 and value.dtype.kind in "iu" and value.size > 2:
        first, second, last = int(value[0]), int(value[1]), int(value[-1])
        step = max(second - first, 1)
        end = last + step
        if end <= np.iinfo(value.dtype).max and value.tolist() == list(range(first, end, step)):
            return f"np.arange({first}, {end}, {step}, {dtype})"
    if value.size <= 8 and value.dtype.kind in "biuf" and np.isfinite(value).all():
        return f"np.array({_numbers_text(value)}, {dtype})"
    return None


def _numbers_text(value: np.ndarray) -> str:
    """Return the nested lists of an array, with no more digits than tell its numbers apart."""
    if value.ndim:
        return f"[{', '.join(map(_numbers_text, value))}]"
    short = str(value[()])
    is_exact = value.dtype.type(float(short)) == value if value.dtype.kind == "f" else False
    return short if is_exact else repr(value.item())
