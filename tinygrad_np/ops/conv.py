"""Convolution: strided views of the images, and matrix products.

Images are (N, C, H, W): a batch of N images of C channels. Weights are laid out as PyTorch's.
Three functions are linear in each of two among image x, weight w and result y, and each one's
derivative is another of them, to any order:

    conv2d(x, w) -> y        conv_transpose2d(y, w) -> x        conv2d_weight(x, y) -> w

Results are views, with channels first and the batch last in memory: a window's row is then one run
of memory through all images, however narrow these are, and the next layer finds it so.
"""

from __future__ import annotations

import math

import numpy as np

from .axes import wide
from .define import define_op
from .depthwise import depthwise, depthwise_transpose, depthwise_weight, is_depthwise
from .sliding import check_image, geometry, pair

__all__ = ["conv2d", "conv2d_weight", "conv_transpose2d"]


def _columns(x, window, groups):
    """Lay out the windows per group: (groups, C / groups * kh * kw, rows * columns * N)."""
    view = window.view(x).transpose(1, 2, 3, 4, 5, 0)
    c, height, width, *positions = view.shape
    depth = c // groups * height * width
    return view.reshape(groups, depth, math.prod(positions))


def _flat(y, groups):
    """Lay out (N, C, rows, columns) per group: (groups, C / groups, rows * columns * N)."""
    n, c, rows, columns = y.shape
    positions = rows * columns * n
    return y.transpose(1, 2, 3, 0).reshape(groups, c // groups, positions)


def _kernels(weight, groups):
    """Lay out a weight (O, depth, kh, kw) per group: (groups, O / groups, depth * kh * kw)."""
    o, depth, height, width = weight.shape
    return weight.reshape(groups, o // groups, depth * height * width)


def _images(rows, bias, shape):
    """Undo `_flat`, and add the bias of each channel; `shape` is (N, C, rows, columns)."""
    n, c, height, width = shape
    out = rows.reshape(c, height, width, n)
    if bias is not None:
        out = out + bias.reshape(c, 1, 1, 1)
    return out.transpose(3, 0, 1, 2)


def _check_channels(groups, channels, expected, out, bias):
    """Raise unless image, weight and bias agree on the channels."""
    is_integer = isinstance(groups, (int, np.integer)) and type(groups) is not bool
    if not is_integer or groups < 1:
        raise ValueError(f"groups must be a positive integer, not {groups!r}")
    if channels != expected:
        raise ValueError(f"x has {channels} channels, but the weight is for {expected}")
    if channels % groups or out % groups:
        both = f"{channels} channels in and {out} out"
        raise ValueError(f"{both} can't be split into {groups} groups")
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
    window = geometry(size, stride, padding, dilation)
    positions = window.positions(x.shape[2:])
    if is_depthwise((c, o), (x, weight), window, groups):
        out = depthwise(x, weight, window)
        return out if bias is None else out + bias.reshape(-1, 1, 1)
    out = _kernels(weight, groups) @ _columns(x, window, groups)
    return _images(out, bias, (n, o, *positions))


def _conv2d_x(g, weight, x_shape, stride, padding, dilation, groups):
    rest = geometry(weight.shape[2:], stride, padding, dilation).rest(x_shape[2:])
    return conv_transpose2d(g, weight, None, stride, padding, rest, groups, dilation)


def _conv2d_of_weight(g, x, weight_shape, stride, padding, dilation, groups):
    return conv2d_weight(x, g, weight_shape[2:], stride, padding, dilation, groups)


def _sample(r, *shapes, **params):
    """Make a sample: arrays of these shapes, and the other arguments."""
    arrays = tuple(r(*shape) for shape in shapes)
    return arrays, params


def _conv2d_samples(r):
    return [
        _sample(r, (2, 3, 5, 4), (2, 3, 3, 3), (2,)),
        _sample(r, (2, 3, 5, 4), (2, 3, 3, 2), (2,), padding=1),
        _sample(
            r,
            (1, 2, 6, 5),
            (3, 2, 2, 3),
            (3,),
            stride=(2, 1),
            padding=(1, 0),
        ),
        _sample(
            r,
            (1, 2, 7, 8),
            (2, 2, 3, 2),
            (2,),
            stride=2,
            padding=1,
            dilation=(1, 3),
        ),
        _sample(r, (2, 4, 4, 3), (6, 2, 2, 2), (6,), groups=2, stride=2, padding=1),
        _sample(r, (2, 3, 4, 4), (3, 1, 3, 3), (3,), groups=3),
        _sample(r, (1, 1, 3, 3), (1, 1, 2, 2), (1,)),
    ]


conv2d = define_op(
    _conv2d,
    flops=lambda out, x, weight, *bias: 2 * math.prod(out) * math.prod(weight[1:]),
    x=_conv2d_x,
    weight=_conv2d_of_weight,
    bias=lambda g: wide(g).sum(axis=(0, 2, 3)),
    text="conv2d({x}, {weight}) + {bias}",
    samples=_conv2d_samples,
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
    inputs, depth, *size = weight.shape
    _check_channels(groups, c, inputs, depth * groups, bias)
    window = geometry(size, stride, padding, dilation)
    extra = pair(output_padding, "output_padding")
    lengths = []
    for axis, (step, reach) in enumerate(zip(window.stride, window.reach())):
        if extra[axis] >= max(step, window.dilation[axis]):
            limits = f"stride {window.stride} or dilation {window.dilation}"
            raise ValueError(f"output_padding {output_padding} must be less than {limits}")
        covered = (positions[axis] - 1) * step + reach
        lengths.append(covered - 2 * window.padding[axis] + extra[axis])
    if min(lengths) < 0 or min(positions) < 1:
        raise ValueError(f"the result would have height and width {tuple(lengths)}")
    if is_depthwise((c, depth * groups), (x, weight), window, groups) and not any(extra):
        out = depthwise_transpose(x, weight, window, lengths)
    else:
        kernels = _kernels(weight, groups).swapaxes(-1, -2)
        rows = _flat(x, groups)
        # Where there is nothing to add, NumPy multiplies many times faster than its matmul.
        parts = kernels * rows if rows.shape[1] == 1 else kernels @ rows
        parts = parts.reshape(depth * groups, *size, *positions, n)
        parts = parts.transpose(5, 0, 1, 2, 3, 4)
        out = window.add_up(parts, lengths)
    return out if bias is None else out + bias.reshape(-1, 1, 1)


def _conv_transpose2d_x(g, weight, x_shape, stride, padding, dilation, groups):
    out = conv2d(g, weight, None, stride, padding, dilation, groups)
    rows, columns = x_shape[2:]
    if out.shape == x_shape:
        return out
    return out[:, :, :rows, :columns]  # output_padding made room for more windows


def _conv_transpose2d_of_weight(g, x, weight_shape, stride, padding, dilation, groups):
    size = weight_shape[2:]
    positions = geometry(size, stride, padding, dilation).positions(g.shape[2:])
    more = [(0, n - m) for n, m in zip(positions, x.shape[2:])]
    if any(after for _, after in more):
        x = np.pad(x, [(0, 0), (0, 0), *more])
    return conv2d_weight(g, x, size, stride, padding, dilation, groups)


conv_transpose2d = define_op(
    _conv_transpose2d,
    x=_conv_transpose2d_x,
    weight=_conv_transpose2d_of_weight,
    bias=lambda g: wide(g).sum(axis=(0, 2, 3)),
    text="conv_transpose2d({x}, {weight}) + {bias}",
    samples=lambda r: [
        _sample(r, (2, 3, 3, 2), (3, 2, 3, 3), (2,)),
        _sample(
            r,
            (1, 2, 3, 4),
            (2, 3, 3, 2),
            (3,),
            stride=(2, 3),
            padding=(1, 0),
            output_padding=(1, 2),
        ),
        _sample(r, (1, 4, 3, 2), (4, 3, 2, 2), (6,), groups=2, dilation=2, padding=1),
        _sample(
            r,
            (1, 1, 2, 2),
            (1, 1, 2, 3),
            (1,),
            stride=(2, 1),
            padding=(1, 0),
            output_padding=(2, 3),
            dilation=4,
        ),
        _sample(r, (1, 1, 2, 2), (1, 1, 2, 2), (1,)),
    ],
)


def _conv2d_weight(x, y, kernel_size, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of the weight of `conv2d`: images x correlated with its result's gradient y."""
    check_image(x)
    check_image(y, "y")
    window = geometry(kernel_size, stride, padding, dilation)
    n, c = x.shape[:2]
    o = y.shape[1]
    _check_channels(groups, c, c, o, None)
    shape = (n, o, *window.positions(x.shape[2:]))
    if y.shape != shape:
        raise ValueError(f"y must have shape {shape}, not {y.shape}")
    if is_depthwise((c, o), (x, y), window, groups):
        return depthwise_weight(x, y, window)
    columns = _columns(x, window, groups)
    # This order of the factors is the faster one for BLAS: the long rows come first.
    out = columns @ _flat(y, groups).swapaxes(-1, -2)
    return out.swapaxes(-1, -2).reshape(o, c // groups, *window.size)


def _conv2d_weight_x(g, y, x_shape, stride, padding, dilation, groups):
    rest = geometry(g.shape[2:], stride, padding, dilation).rest(x_shape[2:])
    return conv_transpose2d(y, g, None, stride, padding, rest, groups, dilation)


conv2d_weight = define_op(
    _conv2d_weight,
    x=_conv2d_weight_x,
    y=lambda g, x, stride, padding, dilation, groups: conv2d(
        x, g, None, stride, padding, dilation, groups
    ),
    samples=lambda r: [
        _sample(r, (2, 3, 5, 4), (2, 2, 3, 2), kernel_size=3),
        _sample(
            r,
            (1, 2, 6, 5),
            (1, 3, 4, 3),
            kernel_size=(2, 3),
            stride=(2, 1),
            padding=(1, 0),
        ),
        _sample(
            r,
            (2, 4, 5, 5),
            (2, 2, 3, 3),
            kernel_size=2,
            stride=2,
            padding=1,
            dilation=2,
            groups=2,
        ),
        _sample(r, (1, 1, 3, 3), (1, 1, 2, 2), kernel_size=2),
    ],
)
