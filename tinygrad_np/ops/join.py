"""Several arrays to one, and one to several."""

from __future__ import annotations

import numpy as np

from ..core.tensor import Tensor, unwrap
from .axes import checked_axis, checked_integers
from .define import answers, define_op
from .elementwise import astype
from .index import scatter, take
from .operands import operands
from .shape import broadcast_to, concatenate, reshape

__all__ = [
    "append",
    "array_split",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block",
    "broadcast_arrays",
    "column_stack",
    "delete",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "insert",
    "meshgrid",
    "split",
    "vsplit",
    "vstack",
]


# --- of one shape -------------------------------------------------------------------------------


def _each(arrays, shape_of):
    """Reshape every array as `shape_of` says for its own shape; one alone without a tuple."""
    results = tuple(reshape(x, shape_of(np.shape(x))) for x in arrays)
    return results[0] if len(results) == 1 else results


@answers(np.atleast_1d)
def atleast_1d(*arrays) -> Tensor | tuple[Tensor, ...]:
    """With at least one axis: a number becomes shape (1,). Several arrays give a tuple."""
    return _each(arrays, lambda shape: shape or (1,))


@answers(np.atleast_2d)
def atleast_2d(*arrays) -> Tensor | tuple[Tensor, ...]:
    """With at least two axes: shape (n,) becomes (1, n). Several arrays give a tuple."""
    return _each(arrays, lambda shape: (1,) * (2 - len(shape)) + shape)


def _three_axes(shape):
    return (1, *(shape or (1,)), 1) if len(shape) < 2 else (*shape, 1)[: max(3, len(shape))]


@answers(np.atleast_3d)
def atleast_3d(*arrays) -> Tensor | tuple[Tensor, ...]:
    """With at least three axes: (n,) becomes (1, n, 1) and (n, m) becomes (n, m, 1)."""
    return _each(arrays, _three_axes)


@answers(np.broadcast_arrays)
def broadcast_arrays(*arrays) -> tuple[Tensor, ...]:
    """The arrays, each broadcast to the shape that they have in common."""
    try:
        shape = np.broadcast_shapes(*map(np.shape, arrays))
    except ValueError as error:
        raise ValueError(f"broadcast_arrays: {error}") from None
    return tuple(broadcast_to(x, shape) for x in arrays)


@answers(np.meshgrid)
def meshgrid(*arrays, indexing="xy", sparse=False) -> tuple[Tensor, ...]:
    """Coordinates of the points of a grid, from those along each axis.

    Args:
        *arrays: the coordinates along each axis; all are flattened.
        indexing: `"xy"`: the first array runs along axis 1 and the second along axis 0, as in a
            picture; `"ij"`: the arrays run along the axes in order.
        sparse: leave every result with length 1 along the axes of the others.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', not {indexing!r}")
    order = list(range(len(arrays)))
    if indexing == "xy":
        order[:2] = order[:2][::-1]
    shapes = [(1,) * a + (-1,) + (1,) * (len(arrays) - a - 1) for a in order]
    grids = tuple(map(reshape, arrays, shapes))
    return grids if sparse else broadcast_arrays(*grids)


# --- joined -------------------------------------------------------------------------------------


def _parts(name, arrays, at_least):
    """Return a sequence of arrays as a list, each with a least number of axes."""
    try:
        arrays = list(arrays)
    except TypeError:
        arrays = []
    if not arrays:
        raise ValueError(f"{name} needs a sequence of at least one array")
    return [at_least(x) for x in arrays]


@answers(np.hstack)
def hstack(arrays) -> Tensor:
    """The arrays side by side: joined along axis 1 (axis 0 if they have one axis)."""
    arrays = _parts("hstack", arrays, atleast_1d)
    return concatenate(arrays, 0 if np.ndim(arrays[0]) == 1 else 1)


@answers(np.vstack)
def vstack(arrays) -> Tensor:
    """The arrays on top of each other: joined along axis 0, 1-D arrays as rows."""
    return concatenate(_parts("vstack", arrays, atleast_2d), 0)


@answers(np.dstack)
def dstack(arrays) -> Tensor:
    """The arrays behind each other: joined along axis 2."""
    return concatenate(_parts("dstack", arrays, atleast_3d), 2)


def _column(x):
    shape = np.shape(x)
    return reshape(x, (-1, 1)) if len(shape) < 2 else x


@answers(np.column_stack)
def column_stack(arrays) -> Tensor:
    """The columns of a matrix side by side: 1-D arrays as columns, matrices as they are."""
    return concatenate(_parts("column_stack", arrays, _column), 1)


def _depth(arrays):
    """Return the depth to which lists are nested, the same for every part."""
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(part) for part in arrays}
    if len(depths) != 1:
        raise ValueError("block: lists must be nested equally deep, and none may be empty")
    return 1 + depths.pop()


def _most_axes(part):
    """Return the largest number of axes among the blocks."""
    if isinstance(part, list):
        return max(map(_most_axes, part))
    return np.ndim(part)


@answers(np.block)
def block(arrays) -> Tensor:
    """One array from nested lists of blocks.

    The innermost lists are joined along the last axis, those around them along the one before.

    Raises:
        ValueError: lists of different depths, an empty one, or blocks that do not fit.
    """
    depth = _depth(arrays)
    ndim = max(depth, _most_axes(arrays))

    def join(part, axis):
        if isinstance(part, list):
            return concatenate([join(p, axis + 1) for p in part], axis)
        shape = np.shape(part)
        return reshape(part, (1,) * (ndim - len(shape)) + shape)

    return join(arrays, -depth)


@answers(np.append)
def append(x, values, axis=None):
    """x with values behind it along an axis; both flattened if it is None."""
    return concatenate((x, values), axis)


@answers(np.delete)
def delete(x, obj, axis=None):
    """Without the elements at `obj` (an index, a slice, several or a mask) along an axis."""
    if axis is None:
        x, axis = reshape(x, -1), 0
    axis = checked_axis("delete", axis, np.ndim(x))
    try:
        rest = np.delete(np.arange(np.shape(x)[axis]), unwrap(obj))
    except (IndexError, ValueError) as error:
        raise type(error)(f"delete: {error}") from None
    return take(x, rest, axis)


@answers(np.insert)
def insert(x, obj, values, axis=None):
    """With values before the elements at `obj` (an index or several) along an axis.

    The values take the dtype of x; both are flattened if the axis is None.

    Raises:
        IndexError: an index out of range.
        TypeError: values that the dtype of x can't hold.
        ValueError: values that do not fit.
    """
    if axis is not None:
        axis = checked_axis("insert", axis, np.ndim(x))
    x, values = operands(x, values)
    if not np.can_cast(values.dtype, x.dtype, "same_kind"):
        raise TypeError(f"insert: {x.dtype} can't hold {values.dtype} values; use astype")
    # NumPy says where every element comes from: from x, or behind it, from the values.
    places = np.arange(x.size).reshape(x.shape)
    behind = np.arange(x.size, x.size + values.size).reshape(values.shape)
    try:
        places = np.insert(places, unwrap(obj), behind, axis)
    except (IndexError, ValueError) as error:
        raise type(error)(f"insert: {error}") from None
    return take(concatenate((x, astype(values, x.dtype)), None), places)


# --- split --------------------------------------------------------------------------------------


def _split(x, indices_or_sections, axis=0) -> tuple[np.ndarray, ...]:
    """A tuple of parts along an axis: so many of equal length, or cut before these indices."""
    checked_axis("split", axis, np.ndim(x))
    return tuple(np.split(x, indices_or_sections, axis))


def _split_rule(g, x_shape, indices_or_sections, axis):
    """Join the gradients of the parts; those of unused parts are zero."""
    axis = checked_axis("split", axis, len(x_shape))
    dtype = next(part.dtype for part in g if part is not None)
    pieces = np.split(np.arange(x_shape[axis]), indices_or_sections)
    parts = []
    for part, places in zip(g, pieces):
        if part is None:
            part = np.zeros((*x_shape[:axis], len(places), *x_shape[axis + 1 :]), dtype)
        parts.append(part)
    places = np.concatenate(pieces)
    joined = np.concatenate(parts, axis)
    if np.array_equal(places, np.arange(x_shape[axis])):
        return joined
    return scatter(joined, (slice(None),) * axis + (places,), x_shape)  # parts that overlap


split = define_op(
    _split,
    x=_split_rule,
    numpy=(np.split,),
    samples=lambda r: [
        ((r(6), 3), {}),
        ((r(5, 2), (1, 3)), {}),
        ((r(2, 4), 2, -1), {}),
        ((r(2, 5), [2, 2, 9], 1), {}),
    ],
)


@answers(np.array_split)
def array_split(x, indices_or_sections, axis=0) -> tuple[Tensor, ...]:
    """As `split`; so many parts need not be of equal length, the first ones get one more."""
    axis = checked_axis("array_split", axis, np.ndim(x))
    if np.ndim(indices_or_sections):
        return split(x, indices_or_sections, axis)
    (parts,) = checked_integers("array_split", "indices_or_sections", indices_or_sections)
    if parts < 1:
        raise ValueError(f"array_split: the number of parts must be at least 1, it is {parts}")
    length, longer = divmod(np.shape(x)[axis], parts)
    cuts = [k * length + min(k, longer) for k in range(1, parts)]
    return split(x, cuts, axis)


@answers(np.hsplit)
def hsplit(x, indices_or_sections) -> tuple[Tensor, ...]:
    """Parts side by side: split along axis 1 (axis 0 if there is but one)."""
    ndim = np.ndim(x)
    axis = checked_axis("hsplit", 0 if ndim == 1 else 1, ndim)
    return split(x, indices_or_sections, axis)


@answers(np.vsplit)
def vsplit(x, indices_or_sections) -> tuple[Tensor, ...]:
    """Parts on top of each other: split along axis 0 of an array with two axes or more."""
    checked_axis("vsplit", 1, np.ndim(x))
    return split(x, indices_or_sections, 0)


@answers(np.dsplit)
def dsplit(x, indices_or_sections) -> tuple[Tensor, ...]:
    """Parts behind each other: split along axis 2."""
    return split(x, indices_or_sections, checked_axis("dsplit", 2, np.ndim(x)))
