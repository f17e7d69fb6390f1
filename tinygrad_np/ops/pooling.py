"""Pooling of images and sequences, and convolution in one dimension."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .axes import checked_integers, narrow, wide
from .conv import conv2d
from .define import define_op
from .mistakes import describe_call
from .operands import operand
from .shape import expand_dims, squeeze
from .sliding import Geometry, check_image, overlap_add, pair, windows

__all__ = ["avg_pool1d", "avg_pool2d", "conv1d", "max_pool1d", "max_pool2d"]


def _single(op, argument, value, least):
    """Return `value`, an integer or a sequence of one, not smaller than `least`."""
    values = checked_integers(op, argument, value)
    if len(values) != 1:
        raise ValueError(f"{op}: {argument} must be one integer, not {value}")
    if values[0] < least:
        raise ValueError(f"{op}: {argument} must be at least {least}, not {value}")
    return values[0]


def _sequences(op, x):
    """Return the operand x, which must be sequences (N, C, length)."""
    x = operand(x)
    if x.ndim != 3:
        raise ValueError(f"{describe_call(op, x=x)}: x must have 3 axes (N, C, length)")
    return x


def conv1d(x, weight, bias: Any = None, stride=1, padding=0, dilation=1, groups=1) -> Any:
    """Cross-correlation of sequences (N, C, length) with a weight (O, C / groups, k).

    As `conv2d`, with one axis less.

    Raises:
        ValueError: shapes that don't fit each other, or a kernel longer than the sequence.
    """
    x = _sequences("conv1d", x)
    weight = operand(weight)
    if weight.ndim != 3:
        raise ValueError(
            f"{describe_call('conv1d', weight=weight)}: weight must be (O, C / groups, k)"
        )
    steps = (1, _single("conv1d", "stride", stride, 1))
    margins = (0, _single("conv1d", "padding", padding, 0))
    spread = (1, _single("conv1d", "dilation", dilation, 1))
    image = expand_dims(x, 2)
    kernel = expand_dims(weight, 2)
    try:
        out = conv2d(image, kernel, bias, steps, margins, spread, groups)
    except (TypeError, ValueError) as error:
        raise _of_sequences("conv1d", error, x=x, weight=weight, bias=bias) from error
    return squeeze(out, 2)


def _of_sequences(op, error, **arguments):
    """Make an error of the op for images that of the op for sequences."""
    problem = error.__context__ or error
    return type(error)(f"{describe_call(op, **arguments)}: {problem}")


def _pool(ufunc, x, kernel_size, stride, padding, fill):
    """Reduce each window by `ufunc`. The loop runs over the kernel alone.

    NumPy's own reduction over two inner axes takes thirty times as long.
    """
    size, margins = pair(kernel_size, "kernel_size", 1), pair(padding, "padding")
    if any(2 * p > k for p, k in zip(margins, size)):
        raise ValueError(f"padding {padding} is more than half of kernel_size {kernel_size}")
    steps = size if stride is None else pair(stride, "stride", 1)
    view = Geometry(size, steps, margins, (1, 1)).view(x, fill)
    return _over(ufunc, view)


def _over(ufunc, view):
    """Return `ufunc.reduce(view, axis=(2, 3))`, slice by slice, which is faster."""
    height, width = view.shape[2:4]
    parts = (view[:, :, i, j] for i in range(height) for j in range(width))
    return functools.reduce(ufunc, parts)


def _spread(g):
    """Shape one number per window so that it broadcasts over the window's elements."""
    return np.expand_dims(g, (2, 3))


def _pool_samples(r):
    return [
        ((r(2, 3, 4, 5), 2), {}),
        ((r(1, 2, 5, 6), (3, 2), (1, 2), (1, 1)), {}),
        ((r(2, 1, 3, 3), 1, 2), {}),
        ((r(0, 1, 3, 3), 2), {}),
    ]


def _max_pool2d(x, kernel_size, stride=None, padding=0):
    """The largest value in each window of images (N, C, H, W).

    `kernel_size` is the height and width of the window, an integer or a pair; `stride` the step
    from window to window, by default its size. What `padding` adds at the edges never wins.
    """
    check_image(x)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    out = _pool(np.maximum, x, kernel_size, stride, padding, lowest)
    return np.copy(out) if out.base is not None else out


def _max_pool2d_rule(g, x, out, kernel_size, stride, padding):
    stride = kernel_size if stride is None else stride
    # Filled with nan, which equals nothing: the padding gets no share.
    best = windows(x, kernel_size, stride, padding, 1, np.nan) == _spread(out)
    best = wide(best.astype(out.dtype))
    share = _spread(g / _over(np.add, best)) * best
    return overlap_add(share, x.shape[2:], stride, padding)


max_pool2d = define_op(
    _max_pool2d,
    x=_max_pool2d_rule,
    text="max_pool2d({x}, {kernel_size})",
    kinks="shared evenly among equal largest elements of a window; of second order 0",
    samples=_pool_samples,
)


def _avg_pool2d(x, kernel_size, stride=None, padding=0):
    """The mean of each window of images (N, C, H, W); zeros of the padding count.

    Arguments as of `max_pool2d`.
    """
    check_image(x)
    height, width = pair(kernel_size, "kernel_size", 1)
    return narrow(_pool(np.add, wide(x), kernel_size, stride, padding, 0) / (height * width), x)


def _avg_pool2d_rule(g, x_shape, kernel_size, stride, padding):
    size = pair(kernel_size, "kernel_size", 1)
    part = _spread(wide(g) / (size[0] * size[1]))
    parts = np.broadcast_to(part, (*x_shape[:2], *size, *part.shape[4:]))
    stride = kernel_size if stride is None else stride
    return overlap_add(parts, x_shape[2:], stride, padding)


avg_pool2d = define_op(
    _avg_pool2d,
    x=_avg_pool2d_rule,
    text="avg_pool2d({x}, {kernel_size})",
    samples=_pool_samples,
)


def _along(op, pool, x, kernel_size, stride, padding):
    """Pool sequences as images of height 1."""
    x = _sequences(op, x)
    size = (1, _single(op, "kernel_size", kernel_size, 1))
    steps = size if stride is None else (1, _single(op, "stride", stride, 1))
    margins = (0, _single(op, "padding", padding, 0))
    try:
        out = pool(expand_dims(x, 2), size, steps, margins)
    except (TypeError, ValueError) as error:
        raise _of_sequences(op, error, x=x) from error
    return squeeze(out, 2)


def max_pool1d(x, kernel_size, stride: Any = None, padding: Any = 0) -> Any:
    """The largest value in each window of sequences (N, C, length); see `max_pool2d`."""
    return _along("max_pool1d", max_pool2d, x, kernel_size, stride, padding)


def avg_pool1d(x, kernel_size, stride: Any = None, padding: Any = 0) -> Any:
    """The mean of each window of sequences (N, C, length); see `avg_pool2d`."""
    return _along("avg_pool1d", avg_pool2d, x, kernel_size, stride, padding)
