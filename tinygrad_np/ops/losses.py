"""Softmax and the losses made of it, stable for large inputs.

The order of operations is the one of the book *Neural Networks from Scratch*: softmax as
exp(x - max) / sum, and the cross-entropy gradient as (p - target) * g / n.
"""

from __future__ import annotations

import functools

import numpy as np

from .axes import each, floats, narrow, wide
from .define import define_op
from .labels import first_place, one_hot
from .reduce import reduced, restore
from .shape import moveaxis

__all__ = ["cross_entropy", "log_softmax", "logsumexp", "softmax"]


_UNUSED = (
    "where all x are -inf the result is nan, and its gradient of every order too, but 0 if the "
    "result is unused"
)


def _largest(x, axis):
    """Return the largest numbers along an axis, which is kept; 0 where there are none."""
    return reduced(np.maximum if x.size else np.add, x, axis, True)


def _without_unused(d, g, axis):
    """Return the gradient d of x with 0 for nan where the gradient g of the result is 0.

    Where all x are -inf the result is nan, and nobody may have used it.
    """
    first = d[..., :1] if axis == -1 and d.ndim else d  # one nan makes a whole row nan
    if not np.isnan(first).any():
        return d
    unused = reduced(np.maximum, np.abs(g), axis, True) == 0
    return np.where(unused, 0, d)


def _softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along an axis: positive numbers that sum to 1."""
    x = floats(x)
    e = np.exp(x - _largest(x, axis))
    e /= reduced(np.add, wide(e), axis, True)
    return narrow(e, x)


def _softmax_formula(g, out, axis):
    return out * (g - reduced(np.add, g * out, axis, True))


def _softmax_rule(g, out, axis):
    d = g - reduced(np.add, g * out, axis, True)
    d *= out
    return _without_unused(d, g, axis)


softmax = define_op(
    _softmax,
    flops=each(5),
    x=_softmax_rule,
    formulas={"x": _softmax_formula},
    kinks=_UNUSED,
    samples=lambda r: [((r(3, 4),), {}), ((r(3, 4), 0), {}), ((r(5),), {})],
)


def _log_softmax(x, axis=-1):
    """Logarithm of the softmax along an axis, right where the softmax itself underflows."""
    x = floats(x)
    shifted = x - _largest(x, axis)
    if not x.size:
        return shifted
    shifted -= np.log(reduced(np.add, wide(np.exp(shifted)), axis, True))
    return narrow(shifted, x)


def _log_softmax_formula(g, out, axis):
    return g - np.exp(out) * reduced(np.add, wide(g), axis, True)


def _log_softmax_rule(g, out, axis):
    d = np.exp(out) * -reduced(np.add, wide(g), axis, True)
    d += g
    return _without_unused(d, g, axis)


log_softmax = define_op(
    _log_softmax,
    flops=each(5),
    x=_log_softmax_rule,
    formulas={"x": _log_softmax_formula},
    kinks=_UNUSED,
    samples=lambda r: [((r(3, 4),), {}), ((r(3, 4), 0), {}), ((r(5),), {})],
)


def _logsumexp(x, axis=None, *, keepdims=False):
    """log(sum(exp(x))) over the given axes, without overflow; -inf of no x, or all -inf."""
    x = floats(x)
    top = _largest(x, axis)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        total = np.sum(wide(np.exp(x - top)), axis=axis, keepdims=True)
        out = narrow(np.log(total) + top, x)
    return out if keepdims else np.squeeze(out, axis)


def _infinite_weights(x, out, axis):
    """Share each gradient among the x that are inf, or as ever where none is."""
    out = np.where(np.isinf(out), np.inf, out)
    finite = np.minimum(x, np.finfo(x.dtype).max)
    best = x == np.inf
    share = 1 / np.maximum(best.sum(axis=axis, keepdims=True), 1)
    return np.exp(finite - out) + best * share.astype(x.dtype)


def _logsumexp_formula(g, x, out, axis, keepdims):
    out = restore(out, axis, keepdims, x.ndim)
    out = np.where(out == -np.inf, 0, out)  # all x are -inf: weights 0, not nan
    return restore(g, axis, keepdims, x.ndim) * np.exp(x - out)


def _logsumexp_rule(g, x, out, axis, keepdims):
    if not (out == np.inf).any():
        return _logsumexp_formula(g, x, out, axis, keepdims)
    out = restore(out, axis, keepdims, x.ndim)
    return restore(g, axis, keepdims, x.ndim) * _infinite_weights(x, out, axis)


logsumexp = define_op(
    _logsumexp,
    flops=each(4),
    x=_logsumexp_rule,
    formulas={"x": _logsumexp_formula},
    text="log(sum(exp({x})))",
    kinks="0 where all x are -inf; shared evenly among x that are inf; of second order 0",
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


def classes_last(x, axis):
    """Move the axis of classes to the end."""
    return x if axis in (-1, x.ndim - 1) else moveaxis(x, axis, -1)


def _classes_back(x, axis):
    """Undo `classes_last`."""
    return x if axis in (-1, x.ndim - 1) else moveaxis(x, -1, axis)


_UNSIGNED = {np.dtype(f"i{n}"): np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


def check_target(logits, target, axis, ignore_index):
    """Raise unless the target fits the logits: class numbers in range, or a distribution."""
    dtype = target.dtype
    kind = dtype.kind
    if kind == "f":
        if ignore_index is not None:
            raise ValueError("ignore_index goes with class numbers, but the targets are floats")
        if target.shape != logits.shape:
            raise ValueError(
                f"targets that are floats are distributions, and need the logits' shape "
                f"{logits.shape}, not {target.shape}; class numbers need an integer dtype"
            )
        return
    if kind not in "iu":
        raise TypeError(f"targets must be integers (classes) or floats, not {dtype}")
    shape = logits.shape
    classes = shape[axis]
    expected = shape[:-1] if axis == -1 else shape[:axis] + shape[axis:][1:]
    if target.shape != expected:
        hint = ""
        if target.shape == logits.shape:
            hint = "; one-hot rows must be floats: target.astype(float)"
        elif [n for n in target.shape if n != 1] == [n for n in expected if n != 1]:
            hint = f"; target.reshape({expected}) would fit"
        raise ValueError(
            f"classes for logits {logits.shape} along axis {axis} must have shape "
            f"{expected}, not {target.shape}{hint}"
        )
    # As unsigned numbers negative labels are huge: one pass over the labels finds both mistakes.
    unsigned = target.view(_UNSIGNED[dtype]) if dtype in _UNSIGNED else target
    # Where labels are ignored a recording takes one way, whether a batch has such or not.
    is_unsigned = kind == "u" or unsigned is not target
    quick = is_unsigned and (ignore_index is None or type(target) is np.ndarray)
    if target.size == 0 or (quick and np.maximum.reduce(unsigned, axis=None) < classes):
        return
    wrong = (target < 0) | (target >= classes)
    if ignore_index is not None:
        wrong &= target != ignore_index
    if wrong.any():
        place = first_place(wrong)
        row = place[0] if len(place) == 1 else place
        at = f" at row {row}" if place else ""
        raise ValueError(f"label {target[place]}{at}, but logits have {classes} columns")


def _check_options(logits, axis, reduction, label_smoothing):
    """Raise unless these options have a meaning for the logits."""
    check_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must lie between 0 and 1, not {label_smoothing}")
    if not -logits.ndim <= axis < logits.ndim:
        raise np.exceptions.AxisError(axis, logits.ndim)


@functools.lru_cache(maxsize=4)  # for the batches of a training
def _row_starts(size, classes):
    """Return the positions in the flat logits at which their rows start."""
    starts = np.arange(0, size, classes)
    starts.setflags(write=False)
    return starts


def _cross_entropy(
    logits, target, axis=-1, reduction="mean", ignore_index=None, label_smoothing=0.0
):
    """Cross-entropy between softmax(logits) along an axis and the target.

    The target holds class numbers (any integer dtype, in the logits' shape without the axis), or
    a distribution (floats in the logits' shape). Classes equal to `ignore_index` do not count.
    `label_smoothing` mixes that much of the uniform distribution into the target. `reduction` is
    "mean" over the predictions that count, "sum", or "none".
    """
    if isinstance(target, (int, float)):
        target = np.asarray(target)
    if not logits.ndim:
        raise ValueError("logits need an axis of classes, but they are a single number")
    if axis != -1 or reduction != "mean" or label_smoothing != 0:
        _check_options(logits, axis, reduction, label_smoothing)
    check_target(logits, target, axis, ignore_index)
    if axis != -1:
        logits = classes_last(logits, axis)
    classes = logits.shape[-1]
    if not classes:
        raise ValueError(f"logits {logits.shape} have no classes")
    n = logits.size // classes
    logits = floats(logits)
    shifted = logits - reduced(np.maximum if n else np.add, logits, -1, True)
    e = np.exp(shifted)
    total = reduced(np.add, wide(e), -1, True)
    p = e / total
    log_total = np.log(total).reshape(logits.shape[:-1])
    picked = counted = None
    if target.dtype.kind == "f":
        target = _smooth(classes_last(target, axis), label_smoothing)
        possible = np.where(target == 0, 0, shifted)  # a logit of -inf, and rightly so
        mass = wide(target).sum(axis=-1)
        losses = mass * log_total - wide(target * possible).sum(axis=-1)
    else:
        if ignore_index is not None:
            counted = target != ignore_index
            n = np.sum(counted, dtype=np.intp).astype(p.dtype)
            target = np.where(counted, target, 0)
        # Positions of the targets' logits in the flat logits: much faster than two-axis indexing.
        starts = _row_starts(logits.size, classes)
        picked = starts + target.ravel().astype(np.intp, copy=False)
        hit = shifted.reshape(-1)[picked].reshape(target.shape)
        if label_smoothing:
            hit = (1 - label_smoothing) * hit + label_smoothing * shifted.mean(axis=-1)
        losses = log_total - hit
        if counted is not None:
            losses = np.where(counted, losses, 0)
    if reduction == "mean":
        if n == 0:
            raise ValueError(f"the mean over no predictions is not defined (logits {logits.shape})")
        losses = np.add.reduce(losses, axis=None) / n
    elif reduction == "sum":
        losses = np.add.reduce(losses, axis=None)
    return narrow(losses, logits), p, picked, counted, n


def _smooth(target, label_smoothing):
    """Mix a distribution over the last axis with the uniform one."""
    if not label_smoothing:
        return target
    return (1 - label_smoothing) * target + label_smoothing / target.shape[-1]


def _cross_entropy_logits(g, p, picked, counted, n, target, axis, reduction, label_smoothing):
    if picked is None:
        target = _smooth(classes_last(target, axis), label_smoothing)
        d = wide(target).sum(axis=-1, keepdims=True) * p - target
    else:
        d = p.reshape(-1).copy()
        if label_smoothing:
            d -= label_smoothing / p.shape[-1]
        d[picked] -= 1 - label_smoothing
        d = d.reshape(p.shape)
        if counted is not None:
            d = np.where(np.expand_dims(counted, -1), d, 0)
    return _scale(d, g, n, axis, reduction)


def _scale(d, g, n, axis, reduction):
    """Turn the derivatives of the single losses into those of the reduced one, times g."""
    if reduction == "none":
        return _classes_back(d * np.expand_dims(g, -1), axis)
    d = wide(d) * g / n if reduction == "mean" else d * g
    return d if axis == -1 else _classes_back(d, axis)


def _cross_entropy_target(g, logits, n, axis, reduction, label_smoothing):
    d = (label_smoothing - 1) * log_softmax(classes_last(logits, axis), -1)
    return _scale(d, g, n, axis, reduction)


def _cross_entropy_formula(g, logits, target, axis, reduction, ignore_index, label_smoothing):
    if target.dtype.kind == "f" or ignore_index is not None or label_smoothing:
        return None
    if axis not in (-1, logits.ndim - 1) or reduction == "none":
        return None
    if reduction == "sum":
        return (softmax(logits, axis) - one_hot(target, logits.shape[-1])) * g
    return (softmax(logits, axis) - one_hot(target, logits.shape[-1])) * g / target.size


cross_entropy = define_op(
    _cross_entropy,
    flops=each(5),
    keeps={
        "p": "the softmax of the logits",
        "picked": "where the classes' logits are in the flat logits",
        "counted": "which predictions count",
        "n": "how many predictions count",
    },
    formulas={"logits": _cross_entropy_formula},
    logits=_cross_entropy_logits,
    target=_cross_entropy_target,
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
