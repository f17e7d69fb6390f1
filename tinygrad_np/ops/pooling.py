"""Pooling, and convolution in one dimension: the windows and convolutions composed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor, as_array, placed
from .conv import conv2d
from .reduce import max as largest
from .reduce import mean
from .shape import expand_dims, squeeze
from .sliding import pair, windows

__all__ = ["avg_pool1d", "avg_pool2d", "conv1d", "max_pool1d", "max_pool2d"]


def _single(value, what):
    """`value`, an integer or a sequence of one."""
    if isinstance(value, (tuple, list)):
        if len(value) != 1:
            raise ValueError(f"{what} must be one integer, not {value}")
        (value,) = value
    return value


def _sequence(op, x):
    x = x if isinstance(x, Tensor) else as_array(x, None)
    if x.ndim != 3:
        raise ValueError(f"{op}: x must have 3 axes (N, C, length), not shape {x.shape}")
    return expand_dims(x, 2)


def conv1d(x, weight, bias: Any = None, stride=1, padding=0, dilation=1, groups=1) -> Any:
    """Cross-correlation of sequences (N, C, length) with a weight (O, C / groups, k).

    As `conv2d`, with one axis less.

    Raises:
        ValueError: shapes that don't fit each other, or a kernel longer than the sequence.
    """
    x = _sequence("conv1d", x)
    weight = weight if isinstance(weight, Tensor) else as_array(weight, None)
    if weight.ndim != 3:
        raise ValueError(f"conv1d: weight must be (O, C / groups, k), not shape {weight.shape}")
    out = conv2d(
        x,
        expand_dims(weight, 2),
        bias,
        (1, _single(stride, "stride")),
        (0, _single(padding, "padding")),
        (1, _single(dilation, "dilation")),
        groups,
    )
    return placed(squeeze(out, 2))


def _pooled(op, x, kernel_size, stride, padding, fill):
    """The windows that are pooled."""
    size = pair(kernel_size, "kernel_size", 1)
    margins = pair(padding, "padding")
    if any(2 * p > k for p, k in zip(margins, size)):
        raise ValueError(f"{op}: padding {padding} is more than half of kernel_size {kernel_size}")
    return windows(x, size, size if stride is None else stride, margins, 1, fill)


def _lowest(x):
    dtype = x.dtype if isinstance(x, Tensor) else np.asarray(x).dtype
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def max_pool2d(x, kernel_size, stride: Any = None, padding: Any = 0) -> Any:
    """The largest value in each window of images (N, C, H, W).

    Args:
        x: images.
        kernel_size: height and width of the window, an integer or a pair.
        stride: the step from window to window; by default the window's size.
        padding: how far windows may reach over the edges; what is there never wins.

    The gradient is shared evenly among equal largest values of a window.

    Raises:
        ValueError: no images, a window larger than they are, or padding above half of it.
    """
    return placed(
        largest(_pooled("max_pool2d", x, kernel_size, stride, padding, _lowest(x)), axis=(2, 3))
    )


def avg_pool2d(x, kernel_size, stride: Any = None, padding: Any = 0) -> Any:
    """The mean of each window of images (N, C, H, W); zeros of the padding count.

    Arguments and errors as of `max_pool2d`.
    """
    return placed(mean(_pooled("avg_pool2d", x, kernel_size, stride, padding, 0), axis=(2, 3)))


def _along(pool, x, kernel_size, stride, padding):
    """A pooling of images, for sequences as images of height 1."""
    step = None if stride is None else (1, _single(stride, "stride"))
    size = (1, _single(kernel_size, "kernel_size"))
    return squeeze(pool(x, size, step, (0, _single(padding, "padding"))), 2)


def max_pool1d(x, kernel_size, stride: Any = None, padding: Any = 0) -> Any:
    """The largest value in each window of sequences (N, C, length); see `max_pool2d`."""
    x = _sequence("max_pool1d", x)
    return placed(_along(max_pool2d, x, kernel_size, stride, padding))


def avg_pool1d(x, kernel_size, stride: Any = None, padding: Any = 0) -> Any:
    """The mean of each window of sequences (N, C, length); see `avg_pool2d`."""
    x = _sequence("avg_pool1d", x)
    return placed(_along(avg_pool2d, x, kernel_size, stride, padding))
