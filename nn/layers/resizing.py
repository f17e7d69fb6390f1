"""Sequences and images of another size, by repeating or mixing their elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from ..module import Module, as_floats
from .convolution import each_axis

__all__ = ["Upsample", "interpolate"]

_AXES = {"nearest": None, "linear": 1, "bilinear": 2}  # that a mode takes; None for any number


def interpolate(
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """x (rows, channels, ...) in another size along its last axes.

    Args:
        x: sequences (rows, channels, length), images (rows, channels, height, width) and the like.
        size: the new size: an integer, or one for each of these axes.
        scale_factor: how many times as long, in the place of `size`; the sizes are rounded down.
        mode: "nearest" repeats elements; "linear" mixes the two nearest ones of sequences, and
            "bilinear" the four nearest ones of images.
        align_corners: True to put the first and last elements of x in the corners of the result;
            by default elements are cells, and their centres lie at half integers.

    Raises:
        TypeError: sizes or factors that are not numbers.
        ValueError: both or neither of size and scale_factor, sizes that are not positive, axes
            that do not fit the mode, or `align_corners` for "nearest".
    """
    x = as_floats(x)
    _check("interpolate", size, scale_factor, mode, align_corners)
    axes = x.ndim - 2
    fitting = _AXES[mode]
    if axes < 1 or fitting not in (None, axes):
        wanted = "3 axes or more" if fitting is None else f"{fitting + 2} axes"
        raise ValueError(
            f"interpolate with mode {mode!r} needs {wanted}, rows and channels first, not "
            f"{x.shape}: x is {tg.describe(x)}"
        )
    lengths = x.shape[2:]
    if size is not None:
        sizes = each_axis("size", size, axes)
        steps = [old / new for old, new in zip(lengths, sizes)]
    else:
        factors = scale_factor if isinstance(scale_factor, (tuple, list)) else [scale_factor] * axes
        if len(factors) != axes:
            raise ValueError(f"scale_factor {scale_factor} must have {axes} factors for {x.shape}")
        sizes = tuple(math.floor(n * factor) for n, factor in zip(lengths, factors))
        steps = [1 / factor for factor in factors]
    if min(*sizes, *lengths) < 1:
        raise ValueError(f"interpolate: sizes must be positive, not {lengths} and {sizes}")
    for axis, (new, step) in enumerate(zip(sizes, steps), 2):
        if mode == "nearest":
            x = _repeated(x, axis, new, step)
        else:
            mixture = _mixture(x.shape[axis], new, step, bool(align_corners)).astype(x.dtype)
            x = tg.swapaxes(tg.swapaxes(x, axis, -1) @ mixture, axis, -1)
    return x


def _check(name: str, size: Any, scale_factor: Any, mode: str, align_corners: Any) -> None:
    if mode not in _AXES:
        raise ValueError(f"mode must be one of {', '.join(map(repr, _AXES))}, not {mode!r}")
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{name}: give either size or scale_factor")
    if mode == "nearest" and align_corners is not None:
        raise ValueError(f"{name}: align_corners is for the modes that mix elements")


def _repeated(x: Tensor, axis: int, new: int, step: float) -> Tensor:
    length = x.shape[axis]
    if new % length == 0 and step == length / new:
        return tg.repeat(x, new // length, axis=axis)
    places = np.floor(np.arange(new) * step).astype(np.intp)
    return tg.take(x, np.minimum(places, length - 1), axis=axis)


def _mixture(length: int, new: int, step: float, align_corners: bool) -> np.ndarray:
    """Return the matrix (length, new) that mixes neighbours linearly."""
    if align_corners:
        places = np.arange(new) * ((length - 1) / max(new - 1, 1))
    else:
        places = (np.arange(new) + 0.5) * step - 0.5
    places = np.clip(places, 0, length - 1)
    elements = np.arange(length)[:, None]
    return np.maximum(0, 1 - np.abs(elements - places))


class Upsample(Module):
    """Sequences or images in another size, mostly a larger one: `interpolate` as a layer.

    Args:
        size, scale_factor, mode, align_corners: as of `interpolate`.
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
    ) -> None:
        _check("Upsample", size, scale_factor, mode, align_corners)
        self.size = size
        self.scale_factor = scale_factor
        self.mode = mode
        self.align_corners = align_corners

    def forward(self, x: Any) -> Tensor:
        return interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self) -> str:
        text = f"size={self.size}"
        if self.size is None:
            text = f"scale_factor={self.scale_factor}"
        text += f", mode={self.mode!r}"
        if self.align_corners is not None:
            text += f", align_corners={self.align_corners}"
        return text
