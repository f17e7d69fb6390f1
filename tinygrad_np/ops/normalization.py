"""Normalisation: mean 0 and variance 1, over the features (layer) or over the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .axes import checked_integers, narrow, wide
from .define import define_op
from .elementwise import sqrt
from .mistakes import describe_call
from .operands import check_float, operand
from .reduce import count
from .shape import reshape

__all__ = ["batch_norm", "layer_norm", "standardize"]


def _mean(x, axis):
    return np.mean(x, axis=axis, keepdims=True)


def _standardize(x, axis=None, eps=1e-5):
    """(x - mean) / sqrt(variance + eps), with mean and variance over the given axes."""
    if count(axis, np.shape(x)) == 0:
        raise ValueError("the mean and variance of no elements are not defined")
    values = wide(x)
    deviation = values - _mean(values, axis)
    scale = np.sqrt(_mean(deviation * deviation, axis) + eps)
    return narrow(deviation / scale, x), scale


standardize = define_op(
    _standardize,
    keeps=("scale",),
    x=lambda g, out, scale, axis: (g - _mean(g, axis) - out * _mean(g * out, axis)) / scale,
    samples=lambda r: [
        ((r(3, 4),), {}),
        ((r(3, 4), -1), {}),
        ((r(2, 3, 4), (0, 2), 0.1), {}),
    ],
)


def layer_norm(
    x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """x with mean 0 and variance 1 over its last axes, times weight, plus bias.

    Args:
        x: floats.
        normalized_shape: the lengths of these last axes, an integer or a sequence.
        weight, bias: of that shape; None for none.
        eps: added to the variance.

    Raises:
        TypeError: x is not of floats.
        ValueError: x does not end in this shape, or weight or bias have another one.
    """
    x = operand(x)
    check_float("layer_norm", x)
    try:
        shape = checked_integers("layer_norm", "normalized_shape", normalized_shape)
    except TypeError:
        call = describe_call("layer_norm", x=x, normalized_shape=normalized_shape)
        raise TypeError(
            f"{call}: normalized_shape must be the length of the last axis of x, or of several; "
            "weight and bias come behind it"
        ) from None
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(
            f"{describe_call('layer_norm', x=x)}: the shape does not end in {shape}, "
            "normalized_shape"
        )
    axes = tuple(range(-len(shape), 0))
    out = standardize(x, axes, eps)
    return _affine("layer_norm", out, weight, bias, shape, shape)


def _check_shape(op: str, name: str, value: Any, shape: tuple) -> None:
    """Raise unless an argument is None or has this shape."""
    if value is not None and np.shape(value) != shape:
        raise ValueError(f"{describe_call(op, **{name: value})}: {name} must have shape {shape}")


def _affine(op: str, x: Any, weight: Any, bias: Any, shape: tuple, broadcast: tuple) -> Any:
    """Return x * weight + bias, after a check of their shapes."""
    _check_shape(op, "weight", weight, shape)
    _check_shape(op, "bias", bias, shape)
    if weight is not None:
        x = x * reshape(weight, broadcast)
    return x if bias is None else x + reshape(bias, broadcast)


def batch_norm(
    x: Any,
    mean: Any = None,
    var: Any = None,
    weight: Any = None,
    bias: Any = None,
    axis: int = 1,
    eps: float = 1e-5,
) -> Any:
    """x with mean 0 and variance 1 for each channel, times weight, plus bias.

    Args:
        x: floats, with channels along `axis`.
        mean, var: statistics to normalise with, one number per channel, such as running ones; by
            default those of x itself (the biased variance), and the gradient flows through them.
        weight, bias: one number per channel; None for none.
        axis: where the channels are.
        eps: added to the variance.

    Raises:
        TypeError: x is not of floats.
        ValueError: arguments that are not one number per channel, a mean without a variance, or
            statistics wanted of no elements.
    """
    x = operand(x)
    check_float("batch_norm", x)
    if not -x.ndim <= axis < x.ndim:
        raise np.exceptions.AxisError(axis, x.ndim, "batch_norm")
    if (mean is None) != (var is None):
        raise ValueError("batch_norm: give both mean and var, or neither")
    axis %= x.ndim
    channels = x.shape[axis]
    broadcast = tuple(channels if a == axis else 1 for a in range(x.ndim))
    if mean is None:
        out = standardize(x, tuple(a for a in range(x.ndim) if a != axis), eps)
    else:
        _check_shape("batch_norm", "mean", mean, (channels,))
        _check_shape("batch_norm", "var", var, (channels,))
        out = (x - reshape(mean, broadcast)) / sqrt(reshape(var, broadcast) + eps)
    return _affine("batch_norm", out, weight, bias, (channels,), broadcast)
