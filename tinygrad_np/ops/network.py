"""Parts of networks, composed of ops: losses from log probabilities, embedding, dropout, attention.

Functions of their inputs alone: what a layer keeps (weights, running statistics) is the caller's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.doors import draw
from .axes import floats, narrow, wide
from .elementwise import where
from .index import getitem
from .labels import check_range, one_hot
from .linalg import matmul, swap
from .losses import check_reduction, check_target, classes_last, softmax
from .mistakes import describe_call
from .operands import array_of, check_float, operand
from .random import generator_of
from .reduce import sum as total
from .shape import reshape

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = [
    "dropout",
    "embedding",
    "linear",
    "nll_loss",
    "one_hot",
    "scaled_dot_product_attention",
]


# --- losses and labels --------------------------------------------------------------------------


def nll_loss(
    log_probs: Any,
    target: Any,
    axis: int = -1,
    reduction: str = "mean",
    ignore_index: int | None = None,
) -> Any:
    """Negative log likelihood: minus the log probability of each target class.

    `nll_loss(log_softmax(x), target)` is `cross_entropy(x, target)`, which is faster.

    Args:
        log_probs: log probabilities, with classes along `axis`.
        target: class numbers of an integer dtype, in the shape of log_probs without `axis`.
        axis: where the classes are.
        reduction: "mean" over the targets that count, "sum", or "none".
        ignore_index: targets of this value do not count.

    Raises:
        TypeError: targets that are not integers.
        ValueError: a target out of range or in another shape, an unknown reduction, or the mean
            of nothing.
    """
    log_probs, target = operand(log_probs), array_of(target)
    check_reduction(reduction)
    if target.dtype.kind not in "iu":
        raise TypeError(f"nll_loss: targets must be integers (classes), not {target.dtype}")
    if not log_probs.ndim:
        raise ValueError("nll_loss: log_probs need an axis of classes, but are a single number")
    if not -log_probs.ndim <= axis < log_probs.ndim:
        raise np.exceptions.AxisError(axis, log_probs.ndim, "nll_loss")
    try:
        check_target(log_probs, target, axis, ignore_index)
    except ValueError as error:
        raise ValueError(f"nll_loss: {error}") from error
    counted = np.ones(target.shape, bool) if ignore_index is None else target != ignore_index
    rows = floats(classes_last(log_probs, axis))
    starts = np.arange(0, rows.size, rows.shape[-1] or 1).reshape(target.shape)
    places = starts + np.where(counted, target, 0).astype(np.intp)
    picked = getitem(reshape(rows, -1), places)
    losses = where(counted, -picked, 0)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return total(losses)
    losses = wide(losses)
    n = np.sum(counted, dtype=np.intp).astype(losses.dtype)
    if not n:
        raise ValueError(f"nll_loss: the mean over no targets is not defined ({target.shape})")
    return narrow(total(losses) / n, log_probs)


def embedding(indices: Any, weight: Any) -> Any:
    """The rows of a weight (entries, features) that the indices name: (*indices.shape, features).

    Gradients of a row that is named several times add up.

    Raises:
        TypeError: indices that are not integers.
        ValueError: an index out of range (negative ones too), or a weight that is no matrix.
    """
    weight, numbers = operand(weight), array_of(indices)
    if weight.ndim != 2:
        raise ValueError(
            f"{describe_call('embedding', weight=weight)}: weight must be (entries, features)"
        )
    check_range("embedding", "index", numbers, weight.shape[0], "entries")
    return getitem(weight, numbers)


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight + bias, for x (..., in) and a weight (in, out), the transpose of PyTorch's."""
    product = matmul(x, weight)
    return product if bias is None else product + operand(bias)


# --- noise --------------------------------------------------------------------------------------


def dropout(x: Any, p: float = 0.5, training: bool = True, rng: Generator | None = None) -> Any:
    """x with each element set to 0 with probability p, the others divided by 1 - p.

    Args:
        x: floats.
        p: how many elements are dropped, from 0 to 1 (then all are).
        training: False gives x as it is.
        rng: where the random numbers come from; by default `default_generator()`.

    Raises:
        TypeError: x is not of floats.
        ValueError: p is not between 0 and 1.
    """
    x = operand(x)
    check_float("dropout", x)
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must lie between 0 and 1, not {p}")
    generator = generator_of("dropout", rng)
    if not training or p == 0:
        return x
    if isinstance(p, np.generic):
        p = p.item()  # whose dtype would be that of the result
    stays = draw(generator, "random", x.shape) >= p
    return x * (stays.astype(x.dtype) / (1 - p if p < 1 else 1))


# --- attention ----------------------------------------------------------------------------------


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    causal: bool = False,
    scale: float | None = None,
) -> Any:
    """Attention: for each query the mean of the values, weighted by softmax(query . key * scale).

    Args:
        query: shape (..., L, E).
        key: shape (..., S, E).
        value: shape (..., S, V).
        mask: broadcasts to (..., L, S); booleans, True where a query may see a key, or floats
            that are added to the scores.
        causal: query i sees keys 0 to i only.
        scale: by default 1 / sqrt(E).

    Returns:
        Shape (..., L, V); zeros for a query that by its booleans may see no key.

    Raises:
        TypeError: operands that are not floats, or a mask that is neither boolean nor float.
        ValueError: shapes that don't fit each other.
    """
    op = "scaled_dot_product_attention"
    query, key, value = operand(query), operand(key), operand(value)
    for x in (query, key, value):
        check_float(op, x)
    fits = min(query.ndim, key.ndim, value.ndim) >= 2
    if not fits or query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"{describe_call(op, query=query, key=key, value=value)}: the shapes must be "
            "(..., L, E), (..., S, E) and (..., S, V)"
        )
    if scale is None:
        scale = float(query.shape[-1]) ** -0.5
    scores = matmul(query * scale, swap(key))
    visible: Any = np.tri(*scores.shape[-2:], dtype=np.bool_) if causal else None
    if mask is not None:
        mask = operand(mask)
        _check_mask(op, mask, scores.shape)
        if mask.dtype.kind == "b":
            visible = array_of(mask) if visible is None else visible & array_of(mask)
        else:
            scores = scores + mask
    if visible is None:
        return matmul(softmax(scores, -1), value)
    some = visible.any(axis=-1, keepdims=True)
    weights = softmax(where(visible | ~some, scores, -np.inf), -1)
    return matmul(where(some, weights, 0), value)


def _check_mask(op: str, mask: Any, shape: tuple[int, ...]) -> None:
    """Raise unless the mask holds booleans or floats, and broadcasts to the scores' shape."""
    if mask.dtype.kind not in "bf":
        raise TypeError(f"mask must hold booleans or floats, not {mask.dtype}")
    try:
        np.broadcast_to(array_of(mask), shape)
    except ValueError:
        call = describe_call(op, mask=mask)
        raise ValueError(f"{call}: the mask does not broadcast to {shape}") from None
