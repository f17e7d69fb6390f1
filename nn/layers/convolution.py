"""Convolutions of sequences and images, and their transposes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from .. import init
from ..module import Module, as_floats
from .basics import check_sizes, initial

if TYPE_CHECKING:
    from collections.abc import Callable

    Sizes = tuple[int, ...]

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]

PADDING_MODES = {  # PyTorch's names, and NumPy's
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


def each_axis(name: str, value: Any, axes: int) -> Sizes:
    """Return an integer, or one for each axis, as one for each axis."""
    values = value if isinstance(value, (tuple, list)) else (value,) * axes
    if len(values) != axes or not all(isinstance(v, (int, np.integer)) for v in values):
        raise ValueError(f"{name} must be an integer, or {axes} of them, not {value!r}")
    return tuple(map(int, values))


class _Convolution(Module):
    """Base of the convolutions: a weight for each pair of channels, and a kernel of some axes."""

    axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        weight_shape: Callable[[Sizes], Sizes],
        weight_init: Callable[..., np.ndarray],
        bias_init: Callable[..., np.ndarray],
        dtype: Any,
        rng: np.random.Generator | None,
    ) -> None:
        check_sizes(in_channels=in_channels, out_channels=out_channels, groups=groups)
        for name, size in (("in_channels", in_channels), ("out_channels", out_channels)):
            if size % groups:
                raise ValueError(f"{name} ({size}) must be a multiple of groups ({groups})")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = each_axis("kernel_size", kernel_size, self.axes)
        self.stride = each_axis("stride", stride, self.axes)
        self.dilation = each_axis("dilation", dilation, self.axes)
        self.groups = groups
        rng = rng or tg.default_generator()
        shape = weight_shape(self.kernel_size)
        # PyTorch counts the inputs of a unit along the second axis, also for the transposes.
        fans = math.prod(shape[1:]), shape[0] * math.prod(self.kernel_size)
        self.weight = initial("weight", weight_init, shape, fans, rng, dtype)
        self.bias = None
        if bias:
            self.bias = initial("bias", bias_init, (out_channels,), fans, rng, dtype)

    def forward(self, x: Any) -> Tensor:
        data, x = x, as_floats(x, self.weight.dtype)
        ranks = self.axes + 1, self.axes + 2
        if x.ndim not in ranks or x.shape[-1 - self.axes] != self.in_channels:
            sizes = ("length",) if self.axes == 1 else ("height", "width")
            raise ValueError(
                f"{self!r} needs inputs of shape (rows, {self.in_channels}, {', '.join(sizes)}), "
                f"not {x.shape}: x is {tg.describe(data)}"
            )
        if x.ndim == self.axes + 2:
            return self._batch(x)
        return self._batch(tg.expand_dims(x, 0))[0]

    def _batch(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={_plain(self.kernel_size)}"]
        for name in ("stride", "padding", "output_padding", "dilation", "groups"):
            value = getattr(self, name, 0)
            usual = 0 if "padding" in name else 1
            if value not in (usual, (usual,) * self.axes):
                parts.append(f"{name}={_plain(value)!r}")
        if self.bias is None:
            parts.append("bias=False")
        return ", ".join(parts)


def _plain(value: Any) -> Any:
    """Return a tuple of equal numbers as that number."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


class _Forward(_Convolution):
    """Convolution as networks have it: each result is a weighted sum of a window."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        weight_init: Callable[..., np.ndarray] = init.fan_in_uniform,
        bias_init: Callable[..., np.ndarray] = init.fan_in_uniform,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            dilation,
            groups,
            bias,
            lambda kernel: (out_channels, in_channels // groups, *kernel),
            weight_init,
            bias_init,
            dtype,
            rng,
        )
        if padding_mode not in PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {', '.join(PADDING_MODES)}, not {padding_mode!r}"
            )
        self.padding = padding
        self.padding_mode = padding_mode
        self._edges = self._edge_sizes(padding)

    def _edge_sizes(self, padding: Any) -> list[tuple[int, int]]:
        """Return the number of elements to add before and after each axis."""
        if padding == "valid":
            return [(0, 0)] * self.axes
        if padding == "same":
            if set(self.stride) != {1}:
                raise ValueError(f"padding='same' needs stride 1, not {self.stride}")
            reach = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size)]
            return [(total // 2, total - total // 2) for total in reach]
        if isinstance(padding, str):
            raise ValueError(f"padding must be numbers, 'same' or 'valid', not {padding!r}")
        pairs = not isinstance(padding, (int, np.integer)) and any(map(np.ndim, padding))
        if not pairs:
            return [(size, size) for size in each_axis("padding", padding, self.axes)]
        if len(padding) != self.axes:
            raise ValueError(f"padding needs {self.axes} pairs (before, after), not {padding!r}")
        before_and_after = [each_axis("padding", pair, 2) for pair in padding]
        return [(before, after) for before, after in before_and_after]

    def _batch(self, x: Tensor) -> Tensor:
        sizes = [before for before, _ in self._edges]
        even = all(before == after >= 0 for before, after in self._edges)
        if even and self.padding_mode == "zeros":
            return self._convolve(x, tuple(sizes))
        return self._convolve(
            padded(x, self._edges, PADDING_MODES[self.padding_mode]), (0,) * self.axes
        )

    def _convolve(self, x: Tensor, padding: Any) -> Tensor:
        sizes: list[Any] = [self.stride, padding, self.dilation]
        convolve: Any = tg.conv2d
        if self.axes == 1:
            convolve = tg.conv1d
            sizes = [size[0] for size in sizes]
        return convolve(x, self.weight, self.bias, *sizes, self.groups)


def padded(x: Tensor, edges: list[tuple[int, int]], mode: str, fill: float = 0.0) -> Tensor:
    """Add elements before and after the last axes; negative numbers take away."""
    lengths = x.shape[-len(edges) :]
    if min(map(min, edges)) < 0:
        kept = [slice(max(0, -a), n - max(0, -b)) for (a, b), n in zip(edges, lengths)]
        index = (Ellipsis, *kept)
        x = x[index]
    widths = [(0, 0)] * (x.ndim - len(edges)) + [(max(a, 0), max(b, 0)) for a, b in edges]
    if mode == "constant":
        return tg.pad(x, widths, constant_values=fill)
    return tg.pad(x, widths, mode)


class Conv2d(_Forward):
    """Cross-correlation of images (rows, in_channels, height, width) with learned kernels.

    The result has out_channels channels, of height
    (height + padding before and after - dilation·(kernel - 1) - 1) // stride + 1, and so wide.
    A single image without its first axis gives a single result.

    Args:
        in_channels, out_channels: numbers of channels.
        kernel_size, stride, dilation: integers, or one for each axis.
        padding: elements added at the edges: an integer, one for each axis, a pair (before, after)
            for each axis (negative ones take away), "same" (the result has the size of x, with
            stride 1) or "valid" (none).
        groups: each group of output channels sees its share of the input channels alone.
        bias: False for a layer without one.
        padding_mode: "zeros", "reflect", "replicate" or "circular".
        weight_init, bias_init: functions from `nn.init`.
        dtype, rng: as of `Linear`.
    """

    axes = 2


class Conv1d(_Forward):
    """Cross-correlation of sequences (rows, in_channels, length): `Conv2d` with one axis less."""

    axes = 1


class _Transpose(_Convolution):
    """The adjoint of a convolution in its input: it makes images larger."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        *,
        weight_init: Callable[..., np.ndarray] = init.fan_in_uniform,
        bias_init: Callable[..., np.ndarray] = init.fan_in_uniform,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            dilation,
            groups,
            bias,
            lambda kernel: (in_channels, out_channels // groups, *kernel),
            weight_init,
            bias_init,
            dtype,
            rng,
        )
        self.padding = each_axis("padding", padding, self.axes)
        self.output_padding = each_axis("output_padding", output_padding, self.axes)

    def _batch(self, x: Tensor) -> Tensor:
        # A sequence is an image of height 1.
        flat = self.axes == 1
        wide = (lambda sizes, usual: (usual, *sizes)) if flat else (lambda sizes, usual: sizes)
        out = tg.conv_transpose2d(
            tg.expand_dims(x, 2) if flat else x,
            tg.expand_dims(self.weight, 2) if flat else self.weight,
            self.bias,
            wide(self.stride, 1),
            wide(self.padding, 0),
            wide(self.output_padding, 0),
            self.groups,
            wide(self.dilation, 1),
        )
        return out[:, :, 0] if flat else out


class ConvTranspose2d(_Transpose):
    """Upsampling of images (rows, in_channels, height, width) with learned kernels.

    The height of the result is
    (height - 1)·stride - 2·padding + dilation·(kernel - 1) + output_padding + 1.

    Args:
        in_channels, out_channels, kernel_size, stride, groups, bias, dilation: as of `Conv2d`.
        padding: what a `Conv2d` of this padding added, and this layer takes away.
        output_padding: elements added at the end, to choose among the sizes with one stride.
        weight_init, bias_init, dtype, rng: as of `Linear`.
    """

    axes = 2


class ConvTranspose1d(_Transpose):
    """Upsampling of sequences (rows, in_channels, length): `ConvTranspose2d` of one axis less."""

    axes = 1
