"""Sorting, searching and picking by a condition.

Small changes of the values do not change the order, so gradients flow back to the places that the
elements came from. Equal elements come in the order of their positions.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tensor import Tensor, as_array
from .axes import checked_axis
from .define import answers, define_op
from .index import take, take_along_axis
from .join import broadcast_arrays
from .mistakes import describe_call
from .operands import array_of, wrap_like
from .shape import reshape, stack

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "argpartition",
    "argsort",
    "choose",
    "compress",
    "digitize",
    "extract",
    "partition",
    "searchsorted",
    "sort",
    "topk",
    "unique",
]


def _condition(x):
    """Return a condition's array; one as it is, so that compiled functions may pick with it."""
    return x if type(x) is np.ndarray else array_of(x)


def _flat_if_none(name, x, axis):
    """Return x and the axis, those of the flattened x if the axis is None."""
    if axis is None:
        return reshape(x, -1), 0
    return x, checked_axis(name, axis, array_of(x).ndim)


def _argsort(x, axis=-1, *, kind="stable", descending=False):
    """The positions of the elements in increasing order along an axis; NaN come last.

    With `descending` in decreasing order, NaN first; equal elements keep their order there too.
    """
    if not descending:
        return np.argsort(x, axis, kind=kind)
    if axis is None or not np.ndim(x):
        x, axis = np.reshape(x, -1), 0
    # Backwards twice, which keeps the order of equal elements.
    backwards = np.argsort(np.flip(x, axis), axis, kind=kind)
    return np.shape(x)[axis] - 1 - np.flip(backwards, axis)


argsort = define_op(
    _argsort,
    x=None,
    numpy=(np.argsort,),
    samples=lambda r: [
        ((r(3, 4),), {}),
        ((r(3, 4), 0), {}),
        ((r(2, 3), None), {}),
    ],
)


def _argpartition(x, kth, axis=-1):
    """The positions of the elements as `partition` orders them."""
    return np.argpartition(x, kth, axis)


argpartition = define_op(
    _argpartition,
    x=None,
    text="argpartition({x}, {kth})",
    numpy=(np.argpartition,),
    samples=lambda r: [((r(3, 4), 2), {}), ((r(3, 4), (0, 1), 0), {}), ((r(2, 3), 1, None), {})],
)


def _searchsorted(a, v, side="left", sorter=None):
    """The positions at which to insert the values v into the sorted a, to keep it sorted."""
    return np.searchsorted(a, v, side, sorter)


searchsorted = define_op(
    _searchsorted,
    a=None,
    v=None,
    numpy=(np.searchsorted,),
    samples=lambda r: [((np.sort(r(5)), r(2, 3)), {}), ((np.sort(r(4)), r(), "right"), {})],
)


def _digitize(x, bins, right=False):
    """In which of the bins, given by their sorted edges, each element is."""
    return np.digitize(x, bins, right)


digitize = define_op(
    _digitize,
    x=None,
    bins=None,
    numpy=(np.digitize,),
    samples=lambda r: [((r(2, 3), np.sort(r(4))), {}), ((r(), np.sort(r(2)), True), {})],
)


@answers(np.sort)
def sort(x, axis=-1, *, kind="stable", descending=False):
    """The elements in increasing order along an axis (flattened if None); NaN come last.

    With `descending` in decreasing order, NaN first.
    """
    x, axis = _flat_if_none("sort", x, axis)
    return take_along_axis(x, argsort(array_of(x), axis, kind=kind, descending=descending), axis)


@answers(np.partition)
def partition(x, kth, axis=-1):
    """The k-th smallest along an axis in its place, smaller ones before it, larger ones behind.

    The order within the two parts is not specified.

    Raises:
        ValueError: kth out of range.
    """
    x, axis = _flat_if_none("partition", x, axis)
    try:
        positions = np.argpartition(array_of(x), kth, axis)
    except (TypeError, ValueError) as error:
        raise type(error)(f"partition: {error}") from None
    return take_along_axis(x, positions, axis)


def topk(x, k, axis=-1, largest=True) -> tuple[Any, Any]:
    """The k largest elements along an axis, largest first, and their positions.

    With `largest=False` the k smallest, smallest first.

    Returns:
        Two Tensors (arrays, if x is one): values and positions, of length k along the axis.
        NaN count as largest, and equal elements come in the order of their positions.

    Raises:
        ValueError: k is negative or larger than the axis.
    """
    axis = checked_axis("topk", axis, np.ndim(x))
    n, k = np.shape(x)[axis], operator.index(k)
    if not 0 <= k <= n:
        raise ValueError(f"topk: k={k} of the {n} elements along axis {axis} of {np.shape(x)}")
    data = array_of(x)
    if not largest:
        positions = np.take(np.argsort(data, axis, kind="stable"), np.arange(k), axis)
        return take_along_axis(x, positions, axis), wrap_like(positions, x)
    chosen = np.arange(n - k, n)
    # From behind and reversed in the end, so that of equal elements the first ones come first.
    positions = np.argpartition(data, chosen[:1], axis) if 0 < k < n else np.argsort(data, axis)
    positions = np.flip(np.sort(np.take(positions, chosen, axis), axis), axis)
    order = np.argsort(np.take_along_axis(data, positions, axis), axis, kind="stable")
    positions = np.flip(np.take_along_axis(positions, order, axis), axis)
    values = take_along_axis(x, positions, axis)
    return values, wrap_like(positions, x)


@answers(np.unique)
def unique(x: Any, return_index=False, return_inverse=False, return_counts=False, axis=None) -> Any:
    """The different elements in increasing order; with an axis, the different slices along it.

    The gradient of an element goes to the place where it comes first.

    Args:
        x: the array.
        return_index: return where each of them comes first, too.
        return_inverse: return which of them each element of x is, too.
        return_counts: return how often each of them comes, too.
        axis: None for the elements of the flattened array.

    Returns:
        The elements, or a tuple of them and what was asked for.
    """
    data = array_of(x)
    if axis is not None:
        axis = checked_axis("unique", axis, data.ndim)
    _, first, *others = np.unique(data, True, return_inverse, return_counts, axis)
    values = take(x, first, axis)
    if return_index:
        others.insert(0, first)
    if not others:
        return values
    return (values, *(wrap_like(other, x) for other in others))


@answers(np.compress)
def compress(condition: ArrayLike, x: Any, axis=None) -> Any:
    """The slices of x along an axis at which the 1-D condition is true (flattened if None)."""
    x, axis = _flat_if_none("compress", x, axis)
    mask = _condition(condition)
    if mask.ndim != 1 or mask.size > np.shape(x)[axis]:
        raise ValueError(
            f"{describe_call('compress', condition=mask, x=x)}: the condition must have one "
            f"axis, and be no longer than axis {axis} of x"
        )
    return take(x, np.flatnonzero(mask), axis)


@answers(np.extract)
def extract(condition: ArrayLike, x: Any) -> Any:
    """The elements of x at which the condition, of the same size, is true."""
    mask = _condition(condition)
    if mask.size != np.size(x):
        raise ValueError(f"{describe_call('extract', condition=mask, x=x)}: the sizes differ")
    return take(x, np.flatnonzero(mask))


@answers(np.choose)
def choose(x: Any, choices: Any) -> Any:
    """Each element from one of several arrays: x says from which; all broadcast together."""
    data = array_of(x)
    if data.dtype.kind not in "iu":
        raise TypeError(f"choose: x must hold integers, not {data.dtype}")
    dtypes = [c if isinstance(c, (int, float, complex)) else array_of(c).dtype for c in choices]
    common = np.result_type(*dtypes)  # Python's numbers do not widen it
    choices = [c if isinstance(c, Tensor) else as_array(c, common) for c in choices]
    data, *choices = broadcast_arrays(data, *choices)
    if data.size and not 0 <= data.min() <= data.max() < len(choices):
        raise ValueError(
            f"choose: x must hold 0 to {len(choices) - 1} for {len(choices)} choices, not "
            f"{data.min()} to {data.max()}"
        )
    return take_along_axis(stack(choices), data[None], 0)[0]
