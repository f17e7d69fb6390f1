"""Convolution: strided views of the images, and matrix products.

Images are (N, C, H, W): a batch of N images of C channels. Weights are laid out as PyTorch's.
Three functions are linear in each of two among image x, weight w and result y, and each one's
derivative is another of them, to any order:

    conv2d(x, w) -> y        conv_transpose2d(y, w) -> x        conv2d_weight(x, y) -> w
"""

from __future__ import annotations

import math

import numpy as np

from .define import define_op
from .sliding import add_up, check_image, geometry, pair, window_positions, window_view

__all__ = ["conv2d", "conv2d_weight", "conv_transpose2d"]


def _columns(x, size, stride, padding, dilation, groups):
    """The windows as a matrix per group: (groups, C / groups * kh * kw, N * rows * columns)."""
    view = window_view(x, size, stride, padding, dilation).transpose(1, 2, 3, 0, 4, 5)
    depth = x.shape[1] // groups * size[0] * size[1]
    return view.reshape(groups, depth, view[0, 0, 0].size)


def _flat(y, groups):
    """(N, C, rows, columns) as a matrix per group: (groups, C / groups, N * rows * columns)."""
    n, c, rows, columns = y.shape
    return y.swapaxes(0, 1).reshape(groups, c // groups, n * rows * columns)


def _images(rows, bias, shape):
    """The inverse of `_flat`, the bias of each channel added; `shape` is (N, C, rows, columns)."""
    n, c, height, width = shape
    out = rows.reshape(c, n, height, width)
    if bias is not None:
        out = out + bias.reshape(c, 1, 1, 1)
    return out.swapaxes(0, 1).copy()


def _check_channels(groups, given, wanted, out, bias):
    """Raise unless image, weight and bias agree on the channels."""
    if type(groups) is bool or not isinstance(groups, (int, np.integer)) or groups < 1:
        raise ValueError(f"groups must be a positive integer, not {groups!r}")
    if given != wanted:
        raise ValueError(f"x has {given} channels, but the weight is for {wanted}")
    if given % groups or out % groups:
        raise ValueError(f"{given} channels in and {out} out can't be split into {groups} groups")
    if bias is not None and np.shape(bias) != (out,):
        raise ValueError(f"bias must have shape ({out},), not {np.shape(bias)}")


def _conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation of images (N, C, H, W) with a weight (O, C / groups, kh, kw).

    The result has O channels, made of the window under the kernel at each position; `bias` is
    one number per channel of the result. `stride`, `padding` (zeros) and `dilation` are integers
    or pairs. With `groups`, each group of channels of the result sees one of x only.
    """
    check_image(x)
    check_image(weight, "weight (O, C / groups, kh, kw)")
    n, c = x.shape[:2]
    o, depth, *size = weight.shape
    _check_channels(groups, c, depth * groups, o, bias)
    stride, padding, dilation = geometry(stride, padding, dilation)
    rows, columns = window_positions(x.shape[2:], size, stride, padding, dilation)
    matrix = weight.reshape(groups, o // groups, depth * size[0] * size[1])
    out = matrix @ _columns(x, size, stride, padding, dilation, groups)
    return _images(out, bias, (n, o, rows, columns))


def _conv2d_x(g, weight, x_shape, stride, padding, dilation, groups):
    rest = _uncovered(x_shape[2:], weight.shape[2:], stride, padding, dilation)
    return conv_transpose2d(g, weight, None, stride, padding, rest, groups, dilation)


def _uncovered(lengths, size, stride, padding, dilation):
    """Rows and columns at the far edges of an image that no window reaches."""
    stride, padding, dilation = geometry(stride, padding, dilation)
    return tuple(
        (length + 2 * p - d * (k - 1) - 1) % s
        for length, k, s, p, d in zip(lengths, size, stride, padding, dilation)
    )


def _conv2d_of_weight(g, x, weight_shape, stride, padding, dilation, groups):
    return conv2d_weight(x, g, weight_shape[2:], stride, padding, dilation, groups)


def _conv_samples(r):
    return [
        ((r(2, 3, 5, 4), r(2, 3, 3, 3), r(2)), {}),
        ((r(2, 3, 5, 4), r(2, 3, 3, 2), r(2), 1, 1), {}),
        ((r(1, 2, 6, 5), r(3, 2, 2, 3), r(3), (2, 1), (1, 0)), {}),
        ((r(1, 2, 7, 8), r(2, 2, 3, 2), r(2), 2, 1, (1, 3)), {}),
        ((r(2, 4, 4, 3), r(6, 2, 2, 2), r(6)), {"groups": 2, "stride": 2, "padding": 1}),
        ((r(2, 3, 4, 4), r(3, 1, 3, 3), r(3)), {"groups": 3}),
        ((r(1, 1, 3, 3), r(1, 1, 2, 2), r(1)), {}),
    ]


conv2d = define_op(
    _conv2d,
    name="conv2d",
    flops=lambda out, x, weight, *bias: 2 * math.prod(out) * math.prod(weight[1:]),
    x=_conv2d_x,
    weight=_conv2d_of_weight,
    bias=lambda g: g.sum(axis=(0, 2, 3)),
    text="conv2d({x}, {weight}) + {bias}",
    samples=_conv_samples,
)


def _conv_transpose2d(
    x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    """The adjoint of `conv2d` in its image: upsampling with a weight (C, O / groups, kh, kw).

    Every element of x (N, C, rows, columns) adds its kernel, times itself, to the result, which
    is (rows - 1) * stride - 2 * padding + dilation * (kh - 1) + 1 + output_padding high.
    """
    check_image(x)
    check_image(weight, "weight (C, O / groups, kh, kw)")
    n, c, *positions = x.shape
    _, depth, *size = weight.shape
    _check_channels(groups, c, weight.shape[0], depth * groups, bias)
    stride, padding, dilation = geometry(stride, padding, dilation)
    extra = pair(output_padding, "output_padding")
    if extra[0] >= stride[0] or extra[1] >= stride[1]:
        raise ValueError(f"output_padding {output_padding} must be less than stride {stride}")
    lengths = [
        (m - 1) * s - 2 * p + d * (k - 1) + 1 + e
        for m, s, p, d, k, e in zip(positions, stride, padding, dilation, size, extra)
    ]
    if min(lengths) < 1 or min(positions) < 1:
        raise ValueError(f"the result would have height and width {tuple(lengths)}")
    matrix = weight.reshape(groups, c // groups, depth * size[0] * size[1])
    parts = matrix.swapaxes(-1, -2) @ _flat(x, groups)
    parts = parts.reshape(depth * groups, *size, n, *positions).transpose(3, 0, 1, 2, 4, 5)
    out = add_up(parts, lengths, stride, padding, dilation)
    return out if bias is None else out + bias.reshape(-1, 1, 1)


def _transpose_of_weight(g, x, weight_shape, stride, padding, dilation, groups):
    return conv2d_weight(g, x, weight_shape[2:], stride, padding, dilation, groups)


conv_transpose2d = define_op(
    _conv_transpose2d,
    name="conv_transpose2d",
    x=lambda g, weight, stride, padding, dilation, groups: conv2d(
        g, weight, None, stride, padding, dilation, groups
    ),
    weight=_transpose_of_weight,
    bias=lambda g: g.sum(axis=(0, 2, 3)),
    text="conv_transpose2d({x}, {weight}) + {bias}",
    samples=lambda r: [
        ((r(2, 3, 3, 2), r(3, 2, 3, 3), r(2)), {}),
        ((r(1, 2, 3, 4), r(2, 3, 3, 2), r(3), (2, 3), (1, 0), (1, 2)), {}),
        ((r(1, 4, 3, 2), r(4, 3, 2, 2), r(6)), {"groups": 2, "dilation": 2, "padding": 1}),
        ((r(1, 1, 2, 2), r(1, 1, 2, 2), r(1)), {}),
    ],
)


def _conv2d_weight(x, y, kernel_size, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of the weight of `conv2d`: images x correlated with its result's gradient y."""
    check_image(x)
    check_image(y, "y")
    size = pair(kernel_size, "kernel_size", 1)
    o = y.shape[1]
    _check_channels(groups, x.shape[1], x.shape[1], o, None)
    stride, padding, dilation = geometry(stride, padding, dilation)
    positions = window_positions(x.shape[2:], size, stride, padding, dilation)
    if y.shape != (x.shape[0], o, *positions):
        raise ValueError(f"y must have shape {(x.shape[0], o, *positions)}, not {y.shape}")
    columns = _columns(x, size, stride, padding, dilation, groups)
    # This order of the factors is the faster one for BLAS: the long rows come first.
    out = (columns @ _flat(y, groups).swapaxes(-1, -2)).swapaxes(-1, -2)
    return out.reshape(o, x.shape[1] // groups, *size)


def _conv2d_weight_x(g, y, x_shape, stride, padding, dilation, groups):
    rest = _uncovered(x_shape[2:], g.shape[2:], stride, padding, dilation)
    return conv_transpose2d(y, g, None, stride, padding, rest, groups, dilation)


conv2d_weight = define_op(
    _conv2d_weight,
    name="conv2d_weight",
    x=_conv2d_weight_x,
    y=lambda g, x, stride, padding, dilation, groups: conv2d(
        x, g, None, stride, padding, dilation, groups
    ),
    text="conv2d_weight({x}, {y})",
    samples=lambda r: [
        ((r(2, 3, 5, 4), r(2, 2, 3, 2), 3), {}),
        ((r(1, 2, 6, 5), r(1, 3, 4, 3), (2, 3), (2, 1), (1, 0)), {}),
        ((r(2, 4, 5, 5), r(2, 2, 3, 3), 2, 2, 1, 2, 2), {}),
        ((r(1, 1, 3, 3), r(1, 1, 2, 2), 2), {}),
    ],
)
