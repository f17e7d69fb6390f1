"""Windows that slide over arrays: all of them as one strided view, and the adjoint of that."""

from __future__ import annotations

import math
import operator
from typing import NamedTuple

import numpy as np

from .axes import checked_axis, checked_integers
from .define import answers, define_op
from .mistakes import describe_call
from .operands import operand
from .shape import moveaxis, reshape

__all__ = ["overlap_add", "sliding_window_view", "windows"]

Pair = tuple[int, int]


def pair(value, argument, least=0):
    """Return `value`, an integer or a pair of them, as a pair (for the height and the width)."""
    values = value if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise ValueError(f"{argument} must be an integer or a pair (height, width), not {value}")
    try:
        height, width = map(operator.index, values)
    except TypeError:
        problem = f"{argument} must be an integer or a pair of them, not {value!r}"
        raise TypeError(problem) from None
    if min(height, width) < least:
        raise ValueError(f"{argument} must be at least {least}, not {value}")
    return height, width


class Geometry(NamedTuple):
    """The geometry of windows in an image: pairs, for its height and its width."""

    size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    def reach(self) -> Pair:
        """Return the height and width that one window spans."""
        height, width = (d * (k - 1) + 1 for d, k in zip(self.dilation, self.size))
        return height, width

    def positions(self, lengths) -> Pair:
        """Count the positions of a window along height and width."""
        counts = []
        for axis, reach in enumerate(self.reach()):
            room = lengths[axis] + 2 * self.padding[axis]
            if room < reach:
                direction = ("height", "width")[axis]
                raise ValueError(
                    f"a window of {direction} {reach} does not fit into an image of {direction} "
                    f"{room} (dilation and padding included)"
                )
            counts.append((room - reach) // self.stride[axis] + 1)
        rows, columns = counts
        return rows, columns

    def rest(self, lengths):
        """Count the rows and columns at the far edges of an image that no window reaches."""
        counts = []
        for n, reach, s, p in zip(lengths, self.reach(), self.stride, self.padding):
            counts.append((n + 2 * p - reach) % s)
        return tuple(counts)

    def view(self, x, fill=0):
        """Return a view of x, padded: (N, C, H, W) becomes (N, C, kh, kw, rows, columns)."""
        positions = self.positions(x.shape[2:])
        if any(self.padding):
            x = self._pad(x, fill)
        (down, right), (y, z) = self.stride, self.dilation
        if type(x) is not np.ndarray:  # what stands for one in a recording has no memory
            view = np.lib.stride_tricks.sliding_window_view(x, self.reach(), (2, 3))
            return view[:, :, ::down, ::right, ::y, ::z].transpose(0, 1, 4, 5, 2, 3)
        *outer, row, column = x.strides
        inside = (row * y, column * z)
        between = (row * down, column * right)
        return np.lib.stride_tricks.as_strided(
            x,
            (*x.shape[:2], *self.size, *positions),
            (*outer, *inside, *between),
            writeable=False,
        )

    def _pad(self, x, fill):
        """Return a copy of x with elements of value `fill` around each image."""
        n, c, h, w = x.shape
        top, left = self.padding
        # Channels first and the batch last in memory, as in `conv`.
        shape = (c, h + 2 * top, w + 2 * left, n)
        padded = np.full_like(x, fill, shape=shape, order="C").transpose(3, 0, 1, 2)
        padded[:, :, top : top + h, left : left + w] = x
        return padded

    def add_up(self, parts, lengths):
        """Add up windows in an image of this height and width: the adjoint of `view`.

        The parts have shape (N, C, kh, kw, rows, columns). The loop runs over the kernel alone.
        """
        n, c, *size, rows, columns = parts.shape
        (top, left), (height, width) = self.padding, lengths
        down, right = self.stride
        shape = (c, height + 2 * top, width + 2 * left, n)
        out = np.zeros_like(parts, shape=shape, order="C").transpose(3, 0, 1, 2)
        for i in range(size[0]):
            y = i * self.dilation[0]
            vertical = slice(y, y + down * (rows - 1) + 1, down)
            for j in range(size[1]):
                z = j * self.dilation[1]
                horizontal = slice(z, z + right * (columns - 1) + 1, right)
                out[:, :, vertical, horizontal] += parts[:, :, i, j]
        return out[:, :, top : top + height, left : left + width]


def geometry(size, stride, padding, dilation, name="kernel_size") -> Geometry:
    """Make a Geometry of integers or pairs, checked; `name` is that of the size in errors."""
    return Geometry(
        pair(size, name, 1),
        pair(stride, "stride", 1),
        pair(padding, "padding"),
        pair(dilation, "dilation", 1),
    )


def check_image(x, argument="x"):
    """Raise unless x is a batch of images with channels."""
    if np.ndim(x) != 4:
        raise ValueError(f"{argument} must have 4 axes (N, C, H, W), not shape {np.shape(x)}")


# --- windows ------------------------------------------------------------------------------------


def _windows(x, kernel_size, stride=1, padding=0, dilation=1, fill=0):
    """Every window of an image: (N, C, H, W) becomes (N, C, kh, kw, rows, columns), a view.

    `stride` is the step from window to window, `dilation` the step inside a window, and
    `padding` how many elements of value `fill` are added at each edge. For other axes than those
    of images there is `sliding_window_view`.
    """
    check_image(x)
    return geometry(kernel_size, stride, padding, dilation).view(x, fill)


def _windows_rule(g, x_shape, stride, padding, dilation):
    return overlap_add(g, x_shape[2:], stride, padding, dilation)


windows = define_op(
    _windows,
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
    window = geometry(x.shape[2:4], stride, padding, dilation)
    positions = window.positions(lengths)
    if x.shape[4:] != positions:
        raise ValueError(f"an image {lengths} has {positions} such windows, not {x.shape[4:]}")
    return window.add_up(x, lengths)


overlap_add = define_op(
    _overlap_add,
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


@answers(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x, window_shape, axis=None):
    """Every window along one axis or several: a view, with the windows in new axes at the end.

    Made of `windows`, which is for images and has strides. PyTorch's `t.unfold(axis, size, step)`
    is `sliding_window_view(t, size, axis)` with the slice `::step` along the axis.

    Args:
        x: the array.
        window_shape: the length of the window along each axis, an integer or a sequence.
        axis: these axes; None for all, in order.

    Raises:
        ValueError: a window that is longer than its axis, or lengths for other than these axes.
    """
    x = operand(x)
    sizes = checked_integers("sliding_window_view", "window_shape", window_shape)
    axes = range(x.ndim)
    if axis is not None:
        axes = checked_integers("sliding_window_view", "axis", axis)
    call = describe_call("sliding_window_view", x=x, window_shape=window_shape, axis=axis)
    if len(sizes) != len(axes):
        raise ValueError(f"{call}: {len(sizes)} lengths for {len(axes)} axes")
    ndim = x.ndim
    for size, along in zip(sizes, axes):
        along = checked_axis("sliding_window_view", along, ndim)
        if not 1 <= size <= x.shape[along]:
            raise ValueError(f"{call}: no windows of {size} of {x.shape[along]} elements")
        last = moveaxis(x, along, -1)
        *others, length = last.shape
        images = reshape(last, (1, math.prod(others), 1, length))
        parts = windows(images, (1, size))
        parts = reshape(parts, (*others, size, length - size + 1))
        x = moveaxis(parts, -1, along)
    return x
