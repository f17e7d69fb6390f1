"""Softmax and the losses made of it, stable for large inputs.

The order of operations is the one of the book *Neural Networks from Scratch*: softmax as
exp(x - max) / sum, and the cross-entropy gradient as (p - target) * g / n.
"""

from __future__ import annotations

import numpy as np

from .define import define_op
from .reduce import restore

__all__ = ["cross_entropy", "log_softmax", "logsumexp", "softmax"]


def _softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along an axis: positive numbers that sum to 1."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


softmax = define_op(
    _softmax,
    name="softmax",
    x=lambda g, out, axis: out * (g - np.sum(g * out, axis=axis, keepdims=True)),
    text="softmax({x})",
    samples=lambda r: [((r(3, 4),), {}), ((r(3, 4), 0), {}), ((r(5),), {})],
)


def _log_softmax(x, axis=-1):
    """Logarithm of the softmax along an axis, right where the softmax itself underflows."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


log_softmax = define_op(
    _log_softmax,
    name="log_softmax",
    x=lambda g, out, axis: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True),
    text="log_softmax({x})",
    samples=lambda r: [((r(3, 4),), {}), ((r(3, 4), 0), {}), ((r(5),), {})],
)


def _logsumexp(x, axis=None, *, keepdims=False):
    """log(sum(exp(x))) over the given axes, without overflow; -inf where all x are -inf."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        out = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis)


def _logsumexp_rule(g, x, out, axis, keepdims):
    out = restore(out, axis, keepdims, x.ndim)
    out = np.where(np.isinf(out), 0, out)  # all x are -inf: weights 0, not nan
    return restore(g, axis, keepdims, x.ndim) * np.exp(x - out)


logsumexp = define_op(
    _logsumexp,
    name="logsumexp",
    x=_logsumexp_rule,
    text="log(sum(exp({x})))",
    kinks="0 where all x are -inf",
    samples=lambda r: [
        ((r(3, 4),), {}),
        ((r(3, 4), 0), {}),
        ((r(3, 4), -1), {"keepdims": True}),
        ((r(2, 3, 4), (0, 2)), {}),
        ((r(),), {}),
    ],
)

# --- cross-entropy ------------------------------------------------------------------------------

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction):
    """Raise unless `reduction` is one of mean, sum, none."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(REDUCTIONS)}, not {reduction!r}")


def _is_classes(target):
    return target.dtype.kind in "iu"


def _check_target(logits, target, axis, ignore_index):
    """Raise unless the target fits the logits: class numbers in range, or a distribution."""
    classes = logits.shape[axis]
    if target.dtype.kind == "f":
        if target.shape != logits.shape:
            raise ValueError(
                f"targets that are floats are distributions, and need the logits' shape "
                f"{logits.shape}, not {target.shape}; class numbers need an integer dtype"
            )
        return
    if not _is_classes(target):
        raise TypeError(f"targets must be integers (classes) or floats, not {target.dtype}")
    expected = list(logits.shape)
    del expected[axis]
    if target.shape != tuple(expected):
        hint = ""
        if target.shape == logits.shape:
            hint = "; one-hot rows must be floats: target.astype(float)"
        raise ValueError(
            f"classes for logits {logits.shape} along axis {axis} must have shape "
            f"{tuple(expected)}, not {target.shape}{hint}"
        )
    wrong = (target < 0) | (target >= classes)
    if ignore_index is not None:
        wrong &= target != ignore_index
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        row = where[0] if len(where) == 1 else where
        at = f" at row {row}" if where else ""
        raise ValueError(f"label {target[where]}{at}, but logits have {classes} columns")


def _one_of(classes, target, ignore_index):
    """Class numbers that are safe to index with, and which of them count (None: all)."""
    if ignore_index is None:
        return target, None
    counted = target != ignore_index
    return np.where(counted, target, 0), counted


def _rows(target):
    """Index arrays for every position of the target: with the class they pick one logit each."""
    return np.ix_(*map(np.arange, target.shape)) if target.ndim != 1 else (np.arange(len(target)),)


def _weight_sum(target, counted, shape, axis):
    """How many predictions the mean is taken over."""
    if counted is not None:
        return int(np.count_nonzero(counted))
    return int(np.prod(shape, dtype=int)) // shape[axis] if shape[axis] else 0


def _cross_entropy(
    logits, target, axis=-1, reduction="mean", ignore_index=None, label_smoothing=0.0
):
    """Cross-entropy between softmax(logits) along an axis and the target.

    The target holds class numbers (any integer dtype, in the logits' shape without the axis), or
    a distribution (floats in the logits' shape). Classes equal to `ignore_index` do not count.
    `label_smoothing` mixes that much of the uniform distribution into the target. `reduction` is
    "mean" over the predictions that count, "sum", or "none".
    """
    check_reduction(reduction)
    if not np.ndim(logits):
        raise ValueError("logits need an axis of classes, but they are a single number")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must lie between 0 and 1, not {label_smoothing}")
    if not -logits.ndim <= axis < logits.ndim:
        raise np.exceptions.AxisError(axis, logits.ndim)
    _check_target(logits, target, axis, ignore_index)
    shifted = logits - np.max(logits, axis=axis, keepdims=True)
    e = np.exp(shifted)
    total = np.sum(e, axis=axis, keepdims=True)
    p = e / total
    log_total = np.squeeze(np.log(total), axis)
    counted = None
    if _is_classes(target):
        classes, counted = _one_of(logits.shape[axis], target, ignore_index)
        picked = np.moveaxis(shifted, axis, -1)[(*_rows(classes), classes)]
        if label_smoothing:
            uniform = np.mean(shifted, axis=axis)
            picked = (1 - label_smoothing) * picked + label_smoothing * uniform
        losses = log_total - picked
    else:
        weights = target
        if label_smoothing:
            weights = (1 - label_smoothing) * target + label_smoothing / logits.shape[axis]
        losses = np.sum(weights, axis=axis) * log_total - np.sum(weights * shifted, axis=axis)
    if counted is not None:
        losses = np.where(counted, losses, 0)
    if reduction == "none":
        return losses, p
    total_loss = np.sum(losses)
    if reduction == "sum":
        return total_loss, p
    n = _weight_sum(target, counted, logits.shape, axis)
    if n == 0:
        raise ValueError(f"the mean over no predictions is not defined (logits {logits.shape})")
    return total_loss / n, p


def _cross_entropy_logits(g, p, target, axis, reduction, ignore_index, label_smoothing):
    counted = None
    if _is_classes(target):
        classes, counted = _one_of(p.shape[axis], target, ignore_index)
        d = np.moveaxis(p, axis, -1).copy()
        if label_smoothing:
            d = d - label_smoothing / p.shape[axis]
        d[(*_rows(classes), classes)] -= 1 - label_smoothing
        d = np.moveaxis(d, -1, axis)
    else:
        weights = target
        if label_smoothing:
            weights = (1 - label_smoothing) * target + label_smoothing / p.shape[axis]
        d = np.sum(weights, axis=axis, keepdims=True) * p - weights
    if counted is not None:
        d = d * np.expand_dims(counted, axis)
    if reduction == "none":
        return d * np.expand_dims(g, axis)
    d = d * g
    return d / _weight_sum(target, counted, p.shape, axis) if reduction == "mean" else d


def _cross_entropy_target(g, logits, axis, reduction, label_smoothing):
    d = (label_smoothing - 1) * log_softmax(logits, axis)
    if reduction == "none":
        return d * np.expand_dims(g, axis)
    d = d * g
    return d / _weight_sum(None, None, logits.shape, axis) if reduction == "mean" else d


cross_entropy = define_op(
    _cross_entropy,
    name="cross_entropy",
    keeps=("p",),
    logits=_cross_entropy_logits,
    target=_cross_entropy_target,
    text="cross_entropy({logits}, {target})",
    samples=lambda r: [
        ((r(4, 3), np.array([0, 2, 1, 2], np.uint8)), {}),
        ((r(4, 3), np.array([0, 2, 1, 2])), {"reduction": "sum", "label_smoothing": 0.1}),
        ((r(4, 3), np.array([0, 9, 1, 9])), {"ignore_index": 9, "label_smoothing": 0.2}),
        ((r(2, 3, 4), np.array([[0, 2, 1, 2], [1, 1, 0, 2]])), {"axis": 1, "reduction": "none"}),
        ((r(3), np.array(1)), {}),
        ((r(4, 3), np.abs(r(4, 3))), {"label_smoothing": 0.1}),
        ((r(4, 3), np.abs(r(4, 3))), {"axis": 0, "reduction": "none"}),
    ],
)
