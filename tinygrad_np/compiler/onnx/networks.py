"""Forms of the ops of networks: products, convolution, pooling, windows."""

from __future__ import annotations

import numpy as np

from ...ops.sliding import geometry, pair
from .graph import FLOAT, NoFormError
from .registry import NO_FORM, form
from .shapes import reshaped


def _steps(stride, padding, dilation):
    """Return the attributes that say where windows are; padding is at both ends of an axis."""
    return {
        "strides": pair(stride, "stride"),
        "pads": pair(padding, "padding") * 2,
        "dilations": pair(dilation, "dilation"),
    }


@form("conv2d")
def _conv2d(g, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    operands = _floats(g, x, weight, bias)
    steps = _steps(stride, padding, dilation)
    return g.Conv(*operands, group=int(groups), **steps)


@form("conv_transpose2d")
def _conv_transpose2d(
    g, x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    operands = _floats(g, x, weight, bias)
    steps = _steps(stride, padding, dilation)
    more = pair(output_padding, "output_padding")
    if any(extra >= step for extra, step in zip(more, steps["strides"])):
        raise NoFormError("an output_padding that is not less than the stride")
    return g.ConvTranspose(*operands, group=int(groups), output_padding=more, **steps)


def _floats(g, *operands):
    """Return operands as values of floats; a bias that is absent is left out."""
    return [g.value(x, FLOAT) for x in operands if x is not None]


@form("max_pool2d")
def _max_pool2d(g, x, kernel_size, stride=None, padding=0):
    return g.MaxPool(x, **_window(kernel_size, stride, padding))


@form("avg_pool2d")
def _avg_pool2d(g, x, kernel_size, stride=None, padding=0):
    return g.AveragePool(x, count_include_pad=1, **_window(kernel_size, stride, padding))


def _window(kernel_size, stride, padding):
    steps = _steps(kernel_size if stride is None else stride, padding, 1)
    return {"kernel_shape": pair(kernel_size, "kernel_size"), **steps}


@form("windows")
def _windows(g, x, kernel_size, stride=1, padding=0, dilation=1, fill=0):
    """Gather from the padded image, whose pixels are in one axis."""
    n, c, height, width = x.shape
    down, right = pair(padding, "padding")
    x = g.Pad(x, [0, 0, down, right] * 2, np.float32(fill))
    height += 2 * down
    width += 2 * right
    pixels = reshaped(g, x, [n, c, height * width])
    places = np.arange(height * width)
    image = places.reshape(1, 1, height, width)
    window = geometry(kernel_size, stride, 0, dilation)
    return g.Gather(pixels, window.view(image)[0, 0], axis=2)


@form("overlap_add")
def _overlap_add(g, x, shape, stride=1, padding=0, dilation=1):
    n, c, height, width, rows, columns = x.shape
    columns_of_images = reshaped(g, x, [n, c * height * width, rows * columns])
    lengths = pair(shape, "shape")
    steps = _steps(stride, padding, dilation)
    return g.Col2Im(columns_of_images, lengths, [height, width], **steps)


@form("contract")
def _contract(g, arrays, spec):
    return g.Einsum(*_floats(g, *arrays), equation=spec.replace(" ", ""))


@form("det")
def _det(g, a):
    return g.Det(a)


NO_FORM["conv2d_weight"] = "the gradient of a weight is for training: export the model alone"
