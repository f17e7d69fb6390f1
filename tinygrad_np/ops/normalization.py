"""Normalisation: mean 0 and variance 1, over the features (layer) or over the batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .axes import checked_integers, narrow, normal_axes, wide
from .define import define_op
from .elementwise import sqrt
from .mistakes import describe_call
from .operands import check_float, operand
from .reduce import count
from .shape import reshape

__all__ = ["batch_norm", "layer_norm", "standardize"]


_LONGEST = 1024  # numbers in a row that BLAS adds as precisely as np.sum does


def _mean(x, axis, weight=None):
    """Compute the mean of x, or of x * weight, over the given axes, which are kept.

    Of rows of memory in the time of one pass: a product with ones, or of row and row.
    """
    n = count(axis, x.shape)
    axes = normal_axes(axis, x.ndim)
    last = tuple(range(x.ndim - len(axes), x.ndim))
    if n > _LONGEST or tuple(sorted(axes)) != last:
        return np.mean(x if weight is None else x * weight, axis=axis, keepdims=True)
    rows = wide(x).reshape(-1, n)
    if weight is None:
        sums = rows @ np.ones(n, rows.dtype)
    else:
        sums = np.einsum("ij,ij->i", rows, wide(weight).reshape(-1, n))
    kept = x.shape[: x.ndim - len(axes)]
    return (sums / n).reshape(kept + (1,) * len(axes))


def _standardize(x, axis=None, eps=1e-5):
    """(x - mean) / sqrt(variance + eps), with mean and variance over the given axes."""
    if count(axis, np.shape(x)) == 0:
        raise ValueError("the mean and variance of no elements are not defined")
    values = wide(x)
    out = values - _mean(values, axis)
    scale = np.sqrt(_mean(out, axis, out) + eps)
    out /= scale
    return narrow(out, x), scale


def _standardize_rule(g, out, scale, axis):
    return (g - _mean(g, axis) - out * _mean(g, axis, out)) / scale


def _standardize_formula(g, out, scale, axis):
    return (
        g - np.mean(g, axis=axis, keepdims=True) - out * np.mean(g * out, axis=axis, keepdims=True)
    ) / scale


standardize = define_op(
    _standardize,
    keeps=("scale",),
    x=_standardize_rule,
    formulas={"x": _standardize_formula},
    samples=lambda r: [
        ((r(3, 4),), {}),
        ((r(3, 4), -1), {}),
        ((r(2, 3, 4), (0, 2), 0.1), {}),
    ],
)


def _layer_norm(x, weight=None, bias=None, axis=-1, eps=1e-5):
    """x with mean 0 and variance 1 over its last axes, times weight, plus bias."""
    standard, scale = _standardize(x, axis, eps)
    if weight is None:
        return standard + bias, standard, scale
    out = standard * weight if bias is None else standard * weight + bias
    return out, standard, scale


def _layer_norm_x(g, weight, standard, scale, axis):
    g = g if weight is None else g * weight
    return _standardize_rule(g, standard, scale, axis)


def _layer_norm_formula(g, weight, standard, scale, axis):
    if weight is None:
        return _standardize_formula(g, standard, scale, axis)
    return _standardize_formula(g * weight, standard, scale, axis)


def _layer_norm_weight(g, standard, weight_shape):
    n = math.prod(weight_shape)
    rows, factors = wide(g).reshape(-1, n), wide(standard).reshape(-1, n)
    sums = np.einsum("ij,ij->j", rows, factors)
    return sums.reshape(weight_shape)


_weighted = define_op(
    _layer_norm,
    keeps={"standard": "x with mean 0 and variance 1", "scale": "the standard deviations of x"},
    x=_layer_norm_x,
    weight=_layer_norm_weight,
    bias=lambda g: g,
    formulas={"x": _layer_norm_formula, "weight": lambda g, standard: g * standard},
    text="layer_norm({x}) * {weight} + {bias}",
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
    _check_shape("layer_norm", "weight", weight, shape)
    _check_shape("layer_norm", "bias", bias, shape)
    if weight is None and bias is None:
        return standardize(x, axes, eps)
    return _weighted(x, weight, bias, axes, eps)


def _check_shape(op: str, name: str, value: Any, shape: tuple) -> None:
    """Raise unless an argument is None or has this shape."""
    if value is not None and np.shape(value) != shape:
        raise ValueError(f"{describe_call(op, **{name: value})}: {name} must have shape {shape}")


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
    _check_shape("batch_norm", "weight", weight, (channels,))
    _check_shape("batch_norm", "bias", bias, (channels,))
    if weight is not None:
        out = out * reshape(weight, broadcast)
    return out if bias is None else out + reshape(bias, broadcast)
