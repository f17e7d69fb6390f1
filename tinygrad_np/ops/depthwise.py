"""Depthwise convolution: every channel has a kernel of its own, and nothing is left to a BLAS.

A channel of all padded images lies in memory as one line of numbers, row after row of the images,
their width times N numbers each (the batch is last). Element (i, j) of every window of stride 1 is
this very line, from its number (i * width + j) * N on: nine products of lines make a 3×3
convolution. Windows that begin in the last columns would run over into the next row; they are
computed with the others, and left out of the result.
"""

from __future__ import annotations

import itertools

import numpy as np


def is_depthwise(channels, operands, window, groups):
    """Say whether the functions below can do this convolution, from so many channels to so many."""
    x, y = operands
    same = x.dtype == y.dtype and x.dtype.char in "fd"
    return channels == (groups, groups) and same and window.stride == (1, 1)


class Lines:
    """The layout of images (N, C, H, W), padded, and of what belongs to their windows.

    Attributes:
        images: the shape of the images; a row more, for windows to run over into.
        results: the shape of what belongs to the windows, as wide as the images.
        columns: so many of these are windows.
        inside: where the images are in their padding.
    """

    def __init__(self, window, lengths, n, c):
        self.window = window
        top, left = window.padding
        height, width = lengths
        rows, self.columns = window.positions(lengths)
        wide = width + 2 * left
        self.images = (c, height + 2 * top + 1, wide, n)
        self.results = (c, rows, wide, n)
        vertical = slice(top, top + height)
        horizontal = slice(left, left + width)
        self.inside = (slice(None), vertical, horizontal)

    def of_images(self, x):
        """Lay out images: a line for each channel."""
        out = np.zeros_like(x, shape=self.images, order="C")
        out[self.inside] = x.transpose(1, 2, 3, 0)
        return out.reshape(len(out), -1)

    def of_results(self, y):
        """Lay out (N, C, rows, columns) with zeros behind each row."""
        out = np.zeros_like(y, shape=self.results, order="C")
        out[:, :, : self.columns] = y.transpose(1, 2, 3, 0)
        return out.reshape(len(out), -1)

    def windows(self, lines):
        """Return what belongs to windows, (C, rows, columns, N), of lines laid out as results."""
        return lines.reshape(self.results)[:, :, : self.columns]

    def shifts(self):
        """Return for each element of the window the part of a line that begins with it."""
        down, right = self.window.dilation
        _, rows, width, n = self.results
        length = rows * width * n
        parts = []
        for i, j in itertools.product(*map(range, self.window.size)):
            start = (i * down * width + j * right) * n
            part = slice(start, start + length)
            parts.append((slice(None), part))
        return parts


def _factors(weight):
    """Return for each element of the window its number of each channel, in a column."""
    return weight.reshape(len(weight), -1, 1).swapaxes(0, 1)


def depthwise(x, weight, window):
    """Compute `conv2d`, without a bias."""
    n, c, *lengths = x.shape
    lines = Lines(window, lengths, n, c)
    images = lines.of_images(x)
    first, *others = lines.shifts()
    factors = _factors(weight)
    out = factors[0] * images[first]
    term = np.empty_like(out)
    for k, shift in enumerate(others, 1):
        np.multiply(factors[k], images[shift], out=term)
        out += term
    return lines.windows(out).transpose(3, 0, 1, 2)


def depthwise_transpose(y, weight, window, lengths):
    """Compute `conv_transpose2d`, without a bias: the adjoint of `depthwise` in the image."""
    n, c, *_ = y.shape
    lines = Lines(window, lengths, n, c)
    results = lines.of_results(y)
    out = np.zeros_like(y, shape=lines.images, order="C")
    images = out.reshape(c, -1)
    term = np.empty_like(results)
    for factor, shift in zip(_factors(weight), lines.shifts()):
        np.multiply(factor, results, out=term)
        images[shift] += term
    return out[lines.inside].transpose(3, 0, 1, 2)


def depthwise_weight(x, y, window):
    """Compute `conv2d_weight`: the adjoint of `depthwise` in the weight."""
    n, c, *lengths = x.shape
    lines = Lines(window, lengths, n, c)
    images = lines.of_images(x)
    results = y.transpose(1, 2, 3, 0).copy()
    sums = []
    for shift in lines.shifts():
        values = lines.windows(images[shift])
        sums.append(np.einsum("chwn,chwn->c", values, results))
    return np.stack(sums, -1).reshape(c, 1, *window.size)
