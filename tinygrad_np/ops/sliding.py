"""Windows that slide over images: all of them as one strided view, and the adjoint of that."""

from __future__ import annotations

import operator

import numpy as np

from .define import define_op

__all__ = ["overlap_add", "windows"]


def pair(value, what, least=0):
    """`value`, an integer or a pair of them, as a pair (for the height and the width)."""
    values = value if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise ValueError(f"{what} must be an integer or a pair (height, width), not {value}")
    try:
        height, width = map(operator.index, values)
    except TypeError:
        raise TypeError(f"{what} must be an integer or a pair of them, not {value!r}") from None
    if min(height, width) < least:
        raise ValueError(f"{what} must be at least {least}, not {value}")
    return height, width


def geometry(stride, padding, dilation):
    """The three as pairs."""
    return pair(stride, "stride", 1), pair(padding, "padding"), pair(dilation, "dilation", 1)


def window_positions(lengths, size, stride, padding, dilation):
    """How many positions a window has along height and width."""
    counts = []
    for axis, what in enumerate(("height", "width")):
        reach = dilation[axis] * (size[axis] - 1) + 1
        room = lengths[axis] + 2 * padding[axis]
        if room < reach:
            raise ValueError(
                f"a window of {what} {reach} does not fit into an image of {what} {room} "
                "(dilation and padding included)"
            )
        counts.append((room - reach) // stride[axis] + 1)
    return tuple(counts)


def check_image(x, what="x"):
    """Raise unless x is a batch of images with channels."""
    if np.ndim(x) != 4:
        raise ValueError(f"{what} must have 4 axes (N, C, H, W), not shape {np.shape(x)}")


def window_view(x, size, stride, padding, dilation, fill=0):
    """A view of x, padded: (N, C, H, W) becomes (N, C, kh, kw, rows, columns)."""
    rows, columns = window_positions(x.shape[2:], size, stride, padding, dilation)
    if any(padding):
        n, c, h, w = x.shape
        top, left = padding
        # Channels first in memory: that is how the columns of a convolution are read.
        shape = (c, n, h + 2 * top, w + 2 * left)
        padded = np.full_like(x, fill, shape=shape, order="C").swapaxes(0, 1)
        padded[:, :, top : top + h, left : left + w] = x
        x = padded
    if not isinstance(x, np.ndarray):  # what stands for one in a recording has no strides
        reach = [d * (k - 1) + 1 for d, k in zip(dilation, size)]
        view = np.lib.stride_tricks.sliding_window_view(x, reach, (2, 3))
        (down, right), (y, z) = stride, dilation
        return view[:, :, ::down, ::right, ::y, ::z].transpose(0, 1, 4, 5, 2, 3)
    n, c, y, z = x.strides
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:2], *size, rows, columns),
        (n, c, y * dilation[0], z * dilation[1], y * stride[0], z * stride[1]),
        writeable=False,
    )


def add_up(parts, lengths, stride, padding, dilation):
    """The adjoint of `window_view`: an image of the given height and width, windows added up in it.

    The parts have shape (N, C, kh, kw, rows, columns). The loop runs over the kernel alone.
    """
    n, c, *size, rows, columns = parts.shape
    (top, left), (height, width) = padding, lengths
    # Channels first in memory, as a convolution makes the parts.
    shape = (c, n, height + 2 * top, width + 2 * left)
    out = np.zeros_like(parts, shape=shape, order="C").swapaxes(0, 1)
    for i in range(size[0]):
        for j in range(size[1]):
            y, z = i * dilation[0], j * dilation[1]
            here = (
                slice(y, y + stride[0] * (rows - 1) + 1, stride[0]),
                slice(z, z + stride[1] * (columns - 1) + 1, stride[1]),
            )
            out[:, :, here[0], here[1]] += parts[:, :, i, j]
    return out[:, :, top : top + height, left : left + width]


# --- windows ------------------------------------------------------------------------------------


def _windows(x, kernel_size, stride=1, padding=0, dilation=1, fill=0):
    """Every window of an image: (N, C, H, W) becomes (N, C, kh, kw, rows, columns), a view.

    `stride` is the step from window to window, `dilation` the step inside a window, and
    `padding` how many elements of value `fill` are added at each edge.
    """
    check_image(x)
    size = pair(kernel_size, "kernel_size", 1)
    stride, padding, dilation = geometry(stride, padding, dilation)
    return window_view(x, size, stride, padding, dilation, fill)


def _windows_rule(g, x_shape, stride, padding, dilation):
    return overlap_add(g, x_shape[2:], stride, padding, dilation)


windows = define_op(
    _windows,
    name="windows",
    x=_windows_rule,
    text="windows({x}, {kernel_size})",
    samples=lambda r: [
        ((r(2, 3, 5, 4), 2), {}),
        ((r(2, 1, 5, 6), (3, 2), 2, (1, 0)), {}),
        ((r(1, 2, 5, 6), (2, 3), (1, 2), 1, 2), {"fill": -1.0}),
        ((r(0, 2, 3, 3), 2), {}),
        ((r(1, 1, 3, 3), 2), {}),
    ],
)


def _overlap_add(x, shape, stride=1, padding=0, dilation=1):
    """Windows (N, C, kh, kw, rows, columns) added up in images (N, C, *shape).

    The adjoint of `windows` with the same `stride`, `padding` and `dilation`.
    """
    if np.ndim(x) != 6:
        raise ValueError(f"x must have 6 axes (N, C, kh, kw, rows, columns), not {np.shape(x)}")
    lengths = pair(shape, "shape")
    stride, padding, dilation = geometry(stride, padding, dilation)
    positions = window_positions(lengths, x.shape[2:4], stride, padding, dilation)
    if x.shape[4:] != positions:
        raise ValueError(f"an image {lengths} has {positions} such windows, not {x.shape[4:]}")
    return add_up(x, lengths, stride, padding, dilation)


overlap_add = define_op(
    _overlap_add,
    name="overlap_add",
    x=lambda g, x_shape, stride, padding, dilation: windows(
        g, x_shape[2:4], stride, padding, dilation
    ),
    text="overlap_add({x}, {shape})",
    samples=lambda r: [
        ((r(2, 3, 2, 2, 4, 3), (5, 4)), {}),
        ((r(2, 1, 3, 2, 3, 3), (5, 6), 2, (1, 0)), {}),
        ((r(1, 2, 2, 3, 5, 2), (5, 6), (1, 2), 1, 2), {}),
        ((r(1, 1, 2, 2, 2, 2), (3, 3)), {}),
    ],
)
