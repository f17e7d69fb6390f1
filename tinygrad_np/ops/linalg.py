"""Products of vectors and matrices: `matmul`, and what NumPy makes of products and sums."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from .axes import normal_axes
from .define import answers, define_op
from .elementwise import multiply, where
from .mistakes import describe_call
from .operands import operand, operands
from .shape import moveaxis, reshape, stack, transpose

__all__ = [
    "cross",
    "dot",
    "inner",
    "kron",
    "matmul",
    "matrix_power",
    "outer",
    "tensordot",
    "vdot",
]


def swap(x):
    """Swap the last two axes: transpose each matrix in a stack."""
    return np.swapaxes(x, -1, -2)


def _matmul_x(g, y, x_shape):
    if y.ndim == len(x_shape) == 2:
        return g @ y.T
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if len(x_shape) == 1:
        return (y @ np.expand_dims(g, -1)).squeeze(-1)
    return g @ swap(y)


def _matmul_y(g, x, y_shape):
    if x.ndim == len(y_shape) == 2:
        return x.T @ g
    if x.ndim == 1 and len(y_shape) == 1:
        return x * g
    if x.ndim == 1:
        return np.expand_dims(x, -1) * np.expand_dims(g, -2)
    if len(y_shape) == 1:
        return (swap(x) @ np.expand_dims(g, -1)).squeeze(-1)
    if len(y_shape) == 2 and x.ndim > 2:  # one matrix for a whole stack: a single product
        count = math.prod(x.shape[:-1])
        rows = x.reshape(count, x.shape[-1])
        return rows.T @ g.reshape(count, g.shape[-1])
    return swap(x) @ g


matmul = define_op(
    np.matmul,
    x=_matmul_x,
    y=_matmul_y,
    flops=lambda out, x, y: 2 * math.prod(out) * x[-1],
    text="{x} @ {y}",
    doc="Matrix product: the last axis of x with the second to last of y (the only one if 1-D).",
    samples=lambda r: [
        ((r(3, 4), r(4, 2)), {}),
        ((r(4), r(4)), {}),
        ((r(4), r(4, 2)), {}),
        ((r(3, 4), r(4)), {}),
        ((r(5, 3, 4), r(4, 2)), {}),
        ((r(5, 3, 4), r(4)), {}),
        ((r(4), r(5, 4, 2)), {}),
        ((r(5, 1, 3, 4), r(2, 4, 2)), {}),
        ((r(3, 0), r(0, 2)), {}),
    ],
)


# --- composed of matmul, multiply and reshapes --------------------------------------------------


def _misfit(op, x, y, problem):
    """Make the error for operands that do not fit each other."""
    return ValueError(f"{describe_call(op, x=x, y=y)}: {problem}")


@answers(np.dot)
def dot(x, y) -> Any:
    """NumPy's dot: the sum over the last axis of x and the second to last (or only) axis of y.

    The same as `x @ y` for vectors and matrices; numbers are multiplied; a stack of matrices
    meets each matrix of the other one, in a result of shape `x.shape[:-1] + y's other axes`.

    Raises:
        ValueError: the axes that are summed differ in length.
    """
    x, y = operands(x, y)
    if not x.ndim or not y.ndim:
        return multiply(x, y)
    axis = -2 if y.ndim > 1 else -1
    if x.shape[-1] != y.shape[axis]:
        problem = f"axis -1 of x and axis {axis} of y must have the same length"
        raise _misfit("dot", x, y, problem)
    if y.ndim <= 2:
        return matmul(x, y)
    return tensordot(x, y, (-1, -2))


@answers(np.vdot)
def vdot(x, y) -> Any:
    """The sum of products of all elements: x and y flattened (x conjugated, if complex).

    Raises:
        ValueError: x and y differ in size.
    """
    x, y = operands(x, y)
    if x.size != y.size:
        raise _misfit("vdot", x, y, "both need the same number of elements")
    if x.dtype.kind == "c":
        x = np.conjugate(x)
    return matmul(reshape(x, -1), reshape(y, -1))


@answers(np.inner)
def inner(x, y) -> Any:
    """The sum of products over the last axis of both; numbers are multiplied.

    Raises:
        ValueError: the last axes differ in length.
    """
    x, y = operands(x, y)
    if not x.ndim or not y.ndim:
        return multiply(x, y)
    if x.shape[-1] != y.shape[-1]:
        raise _misfit("inner", x, y, "the last axes must have the same length")
    return tensordot(x, y, (-1, -1))


@answers(np.outer, np.linalg.outer)
def outer(x, y) -> Any:
    """Every element of x times every element of y, both flattened: shape (x.size, y.size)."""
    x, y = operands(x, y)
    return multiply(reshape(x, (-1, 1)), reshape(y, -1))


@answers(np.tensordot, np.linalg.tensordot)
def tensordot(x, y, axes: Any = 2) -> Any:
    """The sum of products over pairs of axes; the other axes of x, then of y, remain.

    Args:
        x, y: arrays of any number of axes.
        axes: how many of the last axes of x are summed with the first ones of y; or a pair, the
            axes of x and those of y, each an integer or a sequence.

    Raises:
        ValueError: paired axes that differ in number or length, or repeat.
        AxisError: an axis out of range.
    """
    x, y = operands(x, y)
    x_axes, y_axes = _pairs(x, y, axes)
    x_rest = [a for a in range(x.ndim) if a not in x_axes]
    y_rest = [a for a in range(y.ndim) if a not in y_axes]
    inner = math.prod(x.shape[a] for a in x_axes)
    x_lengths = [x.shape[a] for a in x_rest]
    y_lengths = [y.shape[a] for a in y_rest]
    rows, columns = math.prod(x_lengths), math.prod(y_lengths)
    left = reshape(transpose(x, (*x_rest, *x_axes)), (rows, inner))
    right = reshape(transpose(y, (*y_axes, *y_rest)), (inner, columns))
    return reshape(matmul(left, right), (*x_lengths, *y_lengths))


def _pairs(x, y, axes):
    """Return the axes of x and the axes of y that `tensordot` sums over."""
    if isinstance(axes, (tuple, list)):
        if len(axes) != 2:
            problem = f"axes must be a pair, axes of x and of y, not {axes}"
            raise _misfit("tensordot", x, y, problem)
        x_axes = normal_axes(axes[0], x.ndim)
        y_axes = normal_axes(axes[1], y.ndim)
    else:
        n = operator.index(axes)
        if not 0 <= n <= min(x.ndim, y.ndim):
            raise _misfit("tensordot", x, y, f"there are not {n} axes to sum over")
        x_axes, y_axes = tuple(range(x.ndim - n, x.ndim)), tuple(range(n))
    if [x.shape[a] for a in x_axes] != [y.shape[a] for a in y_axes]:
        problem = f"axes {x_axes} of x and {y_axes} of y differ in length"
        raise _misfit("tensordot", x, y, problem)
    for a in (x_axes, y_axes):
        if len(set(a)) != len(a):
            raise _misfit("tensordot", x, y, f"an axis is repeated in {a}")
    return x_axes, y_axes


@answers(np.kron)
def kron(x, y) -> Any:
    """Kronecker product: y times every element of x, laid out as blocks."""
    x, y = operands(x, y)
    n = max(x.ndim, y.ndim)
    x_shape = (1,) * (n - x.ndim) + x.shape
    y_shape = (1,) * (n - y.ndim) + y.shape
    shape = [a * b for a, b in zip(x_shape, y_shape)]
    # Axis k of the result runs over axis k of x and, inside each step, over axis k of y.
    blocks = reshape(x, [length for k in x_shape for length in (k, 1)])
    inside = reshape(y, [length for k in y_shape for length in (1, k)])
    return reshape(multiply(blocks, inside), shape)


@answers(np.cross)
def cross(x, y, axisa=-1, axisb=-1, axisc=-1, axis=None) -> Any:
    """Cross product of vectors in three dimensions.

    Args:
        x, y: vectors along `axisa` of x and `axisb` of y; the other axes broadcast.
        axisc: where the vectors lie in the result.
        axis: one axis for all three, instead of `axisa`, `axisb` and `axisc`.

    Raises:
        ValueError: vectors that have not three components.
        AxisError: an axis out of range.
    """
    x, y = operands(x, y)
    if axis is not None:
        axisa = axisb = axisc = axis
    for value, along in ((x, axisa), (y, axisb)):
        (along,) = normal_axes(along, value.ndim)
        if value.shape[along] != 3:
            raise _misfit("cross", x, y, "vectors need three components")
    x, y = moveaxis(x, axisa, 0), moveaxis(y, axisb, 0)
    parts = []
    for i, j in ((1, 2), (2, 0), (0, 1)):
        parts.append(x[i] * y[j] - x[j] * y[i])
    return stack(parts, axisc)


@answers(np.linalg.cross)
def _linalg_cross(x1, x2, /, *, axis=-1):
    return cross(x1, x2, axis=axis)


@answers(np.linalg.matrix_power)
def matrix_power(x, n):
    """The product of n times the square matrix x (or of each in a stack): x @ x @ ... @ x.

    0 gives the identity, and negative n the power of the inverse. By repeated squaring.

    Raises:
        TypeError: n is no integer.
        ValueError: x is not square.
        LinAlgError: n is negative, and x singular.
    """
    x = operand(x)
    n = operator.index(n)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"{describe_call('matrix_power', x=x, n=n)}: x must be a square matrix")
    if n == 0:
        rows = np.arange(x.shape[-1])
        identity = np.broadcast_to(rows[:, None] == rows, x.shape)
        identity = identity.astype(x.dtype)
        return where(np.False_, x, identity)  # recorded, with a gradient of zeros
    if n < 0:
        x, n = np.linalg.inv(x), -n
    result: Any = None
    while True:
        n, odd = divmod(n, 2)
        if odd:
            result = x if result is None else matmul(result, x)
        if not n:
            return result if result is not x else x * 1
        x = matmul(x, x)
