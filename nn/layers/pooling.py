"""Pooling of sequences and images, and changes of their shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from ..module import Module, as_floats, as_tensor
from .convolution import each_axis, padded

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "Flatten",
    "MaxPool1d",
    "MaxPool2d",
    "Unflatten",
]


class _Pooling(Module):
    """Base of the pooling layers: one number for each window of each channel."""

    axes = 2

    def __init__(
        self, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
    ) -> None:
        axes = self.axes
        self.kernel_size = each_axis("kernel_size", kernel_size, axes)
        self.stride = self.kernel_size if stride is None else each_axis("stride", stride, axes)
        self.padding = each_axis("padding", padding, axes)
        self.dilation = each_axis("dilation", dilation, axes)
        self.ceil_mode = ceil_mode
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size)):
            raise ValueError(
                f"padding {self.padding} must be at most half of the window {self.kernel_size}"
            )

    def forward(self, x: Any) -> Tensor:
        data, x = x, as_floats(x)
        if x.ndim not in (self.axes + 1, self.axes + 2):
            raise ValueError(
                f"{self!r} needs {self.axes + 2} axes, rows and channels first, not {x.shape}: "
                f"x is {tg.describe(data)}"
            )
        batch = x if x.ndim == self.axes + 2 else tg.expand_dims(x, 0)
        # A sequence is an image of height 1.
        pooled = self._images(batch if self.axes == 2 else tg.expand_dims(batch, 2))
        pooled = pooled if self.axes == 2 else pooled[:, :, 0]
        return pooled if batch is x else pooled[0]

    def _images(self, images: Tensor) -> Tensor:
        raise NotImplementedError

    def _two(self, name: str, usual: int = 1) -> tuple[int, int]:
        """Return a size along the two axes of an image."""
        sizes = getattr(self, name)
        return (usual, *sizes) if self.axes == 1 else sizes

    @property
    def _usual(self) -> bool:
        return set(self.dilation) == {1} and not self.ceil_mode

    def _windows(self, images: Any, edges: list[tuple[int, int]], fill: float) -> Any:
        """Return the windows: (rows, channels, kh, kw, height, width)."""
        images = padded(images, edges, "constant", fill)
        kernel, stride = self._two("kernel_size"), self._two("stride")
        return tg.windows(images, kernel, stride, 0, self._two("dilation"))

    def _edges(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """Return the elements to add before and after each axis, for the last window too."""
        sizes = zip(
            shape[-2:],
            self._two("kernel_size"),
            self._two("stride"),
            self._two("padding", 0),
            self._two("dilation"),
        )
        edges = []
        for length, kernel, stride, padding, dilation in sizes:
            reach = dilation * (kernel - 1) + 1
            rest = length + 2 * padding - reach
            if rest < 0:
                raise ValueError(f"{self!r} has longer windows than {length} with the padding")
            windows = rest // stride + 1
            # A last window that would begin behind all elements is left out.
            if self.ceil_mode and rest % stride and windows * stride < length + padding:
                windows += 1
            end = (windows - 1) * stride + reach
            edges.append((padding, max(padding, end - padding - length)))
        return edges

    def extra_repr(self) -> str:
        parts = [f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        if any(self.padding):
            parts.append(f"padding={self.padding}")
        if set(self.dilation) != {1}:
            parts.append(f"dilation={self.dilation}")
        if self.ceil_mode:
            parts.append("ceil_mode=True")
        return ", ".join(parts)


class MaxPool2d(_Pooling):
    """The largest number of each window of images (rows, channels, height, width).

    Args:
        kernel_size: length of the window: an integer, or one for each axis.
        stride: step from window to window; by default its length.
        padding: elements added at the edges, which never win; at most half of the window.
        dilation: step inside a window.
        ceil_mode: True to keep a last window that reaches over the end.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        *,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode)

    def _images(self, images: Tensor) -> Tensor:
        if self._usual:
            kernel, stride = self._two("kernel_size"), self._two("stride")
            return tg.max_pool2d(images, kernel, stride, self._two("padding", 0))
        windows = self._windows(images, self._edges(images.shape), -np.inf)
        return windows.max(axis=(2, 3))


class MaxPool1d(MaxPool2d):
    """The largest number of each window of sequences (rows, channels, length): see `MaxPool2d`."""

    axes = 1


class AvgPool2d(_Pooling):
    """The mean of each window of images (rows, channels, height, width).

    Args:
        kernel_size, stride, padding, ceil_mode: as of `MaxPool2d`; the padding is zeros.
        count_include_pad: False for the mean over the elements of the image alone.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, 1, ceil_mode)
        self.count_include_pad = count_include_pad

    def _images(self, images: Tensor) -> Tensor:
        if self._usual and (self.count_include_pad or not any(self.padding)):
            kernel, stride = self._two("kernel_size"), self._two("stride")
            return tg.avg_pool2d(images, kernel, stride, self._two("padding", 0))
        edges = self._edges(images.shape)
        counted = tg.ones((1, 1, *images.shape[-2:]), dtype=images.dtype)
        if self.count_include_pad:
            padding = self._two("padding", 0)
            counted = padded(counted, [(p, p) for p in padding], "constant", 1.0)
            beyond = [(0, after - p) for (_, after), p in zip(edges, padding)]
        else:
            beyond = edges
        counts = self._windows(counted, beyond, 0.0).sum(axis=(2, 3))
        return self._windows(images, edges, 0.0).sum(axis=(2, 3)) / counts


class AvgPool1d(AvgPool2d):
    """The mean of each window of sequences (rows, channels, length): see `AvgPool2d`."""

    axes = 1


class AdaptiveAvgPool2d(Module):
    """The mean of each cell of a grid of a given size, whatever the size of the images.

    Cell i of n over a length L goes from ⌊i·L/n⌋ to ⌈(i + 1)·L/n⌉, as in PyTorch.

    Args:
        output_size: height and width of the grid, an integer or a pair; None keeps the length.
    """

    axes = 2

    def __init__(self, output_size: Any) -> None:
        sizes = output_size if isinstance(output_size, tuple) else (output_size,) * self.axes
        usable = [n is None or (isinstance(n, (int, np.integer)) and n > 0) for n in sizes]
        if len(sizes) != self.axes or not all(usable):
            raise ValueError(f"output_size must be positive integers or None, not {output_size!r}")
        self.output_size = sizes

    def forward(self, x: Any) -> Tensor:
        x = as_floats(x)
        lengths = x.shape[-self.axes :]
        # The mean is a product with a matrix of shares, along one axis after the other.
        for axis, (cells, length) in enumerate(zip(self.output_size, lengths), x.ndim - self.axes):
            if cells is not None and cells != length:
                shares = _shares(length, cells).astype(x.dtype)
                x = tg.swapaxes(tg.swapaxes(x, axis, -1) @ shares, axis, -1)
        return x

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.output_size))


class AdaptiveAvgPool1d(AdaptiveAvgPool2d):
    """The mean of each of so many parts of sequences: `AdaptiveAvgPool2d` of one axis."""

    axes = 1


def _shares(length: int, cells: int) -> np.ndarray:
    """Return the matrix (length, cells) that takes the mean of each cell."""
    shares = np.zeros((length, cells), np.float64)
    for k in range(cells):
        start = k * length // cells
        stop = -(-(k + 1) * length // cells)
        shares[start:stop, k] = 1 / (stop - start)
    return shares


class Flatten(Module):
    """One axis of several: by default (rows, all others).

    Args:
        start_dim, end_dim: the first and the last axis to join.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Any) -> Tensor:
        x = as_tensor(x)
        first, last = (axis + x.ndim * (axis < 0) for axis in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < x.ndim:
            raise ValueError(f"{self!r} has no axes to join in shape {x.shape}")
        # Not -1, which is no size where another axis is empty.
        joined = math.prod(x.shape[first : last + 1])
        return x.reshape(*x.shape[:first], joined, *x.shape[last + 1 :])

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Several axes of one.

    Args:
        dim: the axis to divide.
        unflattened_size: its lengths; one of them may be -1.
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, x: Any) -> Tensor:
        x = as_tensor(x)
        axis = self.dim + x.ndim * (self.dim < 0)
        return x.reshape(*x.shape[:axis], *self.unflattened_size, *x.shape[axis + 1 :])

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
