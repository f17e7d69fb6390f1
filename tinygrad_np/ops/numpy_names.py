"""NumPy's other names for what the table has, and functions that are a few of its ops.

They answer when NumPy's function is called on Tensors; `tinygrad_np` itself has one name for each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.protocols import UFUNCS
from ..core.tensor import Tensor
from .axes import checked_axis, normal_axes
from .define import answers
from .elementwise import multiply
from .linalg import dot, matmul, swap
from .matrices import norm
from .mistakes import describe_call
from .operands import operand, operands
from .pieces import trunc
from .rearrange import diag, diagonal
from .reduce import sum
from .scans import diff
from .shape import concatenate, expand_dims, moveaxis, reshape, squeeze, transpose
from .ufuncs import positive

answers(np.linalg.matmul)(matmul)
answers(np.matrix_transpose, np.linalg.matrix_transpose)(swap)

# --- complex numbers -----------------------------------------------------------------------------


def _complex_part(function: Any, of_reals: Any) -> Any:
    """Make the answer for conj, real or imag: on real Tensors an op, on complex ones the array's.

    Raises:
        TypeError: a complex Tensor that needs a gradient.
    """

    def part(x: Any, /) -> Any:
        if x.dtype.kind != "c":
            return of_reals(x)
        if x.requires_grad:
            call = describe_call(function.__name__, x=x)
            raise TypeError(f"{call}: gradients of complex numbers are not supported")
        return Tensor(function(x.data))

    return part


UFUNCS[np.conjugate, "__call__"] = _complex_part(np.conjugate, positive)
answers(np.real)(_complex_part(np.real, positive))
answers(np.imag)(_complex_part(np.imag, np.zeros_like))


def _conjugated(x: Any) -> Any:
    """Return an operand of a product, conjugated if it is complex."""
    x = operand(x)
    return np.conjugate(x) if x.dtype.kind == "c" else x


# --- products ------------------------------------------------------------------------------------


@answers(np.linalg.vecdot)
def _vecdot(x1: Any, x2: Any, /, *, axis: Any = -1, keepdims: bool = False) -> Any:
    products = multiply(_conjugated(x1), x2)
    return sum(products, axis, keepdims=keepdims)


def _matvec(x1: Any, x2: Any) -> Any:
    column = expand_dims(x2, -1)
    product = matmul(x1, column)
    return squeeze(product, -1)


def _vecmat(x1: Any, x2: Any) -> Any:
    row = expand_dims(_conjugated(x1), -2)
    product = matmul(row, x2)
    return squeeze(product, -2)


UFUNCS[np.vecdot, "__call__"] = _vecdot
if hasattr(np, "matvec"):  # since NumPy 2.2
    UFUNCS[np.matvec, "__call__"] = _matvec
    UFUNCS[np.vecmat, "__call__"] = _vecmat


@answers(np.linalg.multi_dot)
def _multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """The product of all, in the order that takes the fewest multiplications."""
    if out is not None:
        raise TypeError("np.linalg.multi_dot of Tensors takes no out=: assign the result instead")
    factors = operands(*arrays)
    if len(factors) < 2:
        raise ValueError(f"np.linalg.multi_dot needs two arrays or more, not {len(factors)}")
    for k, factor in enumerate(factors):
        at_end = k in (0, len(factors) - 1)
        if factor.ndim == 2 or (at_end and factor.ndim == 1):
            continue
        call = describe_call("np.linalg.multi_dot", **{f"arrays[{k}]": factor})
        raise ValueError(f"{call}: only matrices fit, and at both ends vectors")
    first, last = factors[0], factors[-1]
    lengths = [len(factor) for factor in factors]
    if first.ndim == 1:  # a row: one times its length
        lengths[0] = 1
    columns = last.shape[1] if last.ndim == 2 else 1
    cuts = _best_cuts([*lengths, columns])

    def product(start: int, end: int) -> Any:
        if end - start == 1:
            return factors[start]
        cut = cuts[start, end]
        return dot(product(start, cut), product(cut, end))

    return product(0, len(factors))


def _best_cuts(lengths: list[int]) -> dict[tuple[int, int], int]:
    """Find where to cut each run of a chain: its matrix k has lengths[k] rows, the next columns."""
    count = len(lengths) - 1
    costs = {(k, k + 1): 0 for k in range(count)}
    cuts = {}
    for size in range(2, count + 1):
        for start in range(count - size + 1):
            end = start + size
            choices = []
            for cut in range(start + 1, end):
                cost = lengths[start] * lengths[cut] * lengths[end]
                cost += costs[start, cut]
                cost += costs[cut, end]
                choices.append((cost, cut))
            best, cut = min(choices)
            costs[start, end] = best
            cuts[start, end] = cut
    return cuts


# --- norms, diagonals ----------------------------------------------------------------------------


@answers(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    axes = normal_axes(axis, x.ndim)
    others = [k for k in range(x.ndim) if k not in axes]
    shape = [x.shape[k] for k in others]
    size = math.prod(x.shape[k] for k in axes)
    last = transpose(x, (*others, *axes))
    flat = reshape(last, (*shape, size))
    result = norm(flat, ord, -1)
    return expand_dims(result, axes) if keepdims else result


@answers(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)


@answers(np.linalg.diagonal)
def _matrix_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return diagonal(x, offset, -2, -1)


@answers(np.linalg.trace)
def _matrix_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    elements = diagonal(x, offset, -2, -1)
    return np.sum(elements, axis=-1, dtype=dtype)


@answers(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    return diag(reshape(v, -1), k)


# --- axes and parts ------------------------------------------------------------------------------


@answers(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    axis = checked_axis("rollaxis", axis, a.ndim)
    if start < 0:
        start += a.ndim
    if not 0 <= start <= a.ndim:
        raise np.exceptions.AxisError(f"rollaxis: start {start} of an array with {a.ndim} axes")
    return moveaxis(a, axis, start - (axis < start))


def _unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    return tuple(moveaxis(x, axis, 0))


if hasattr(np, "unstack"):  # since NumPy 2.1
    answers(np.unstack)(_unstack)


@answers(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = [diff(reshape(ary, -1))]
    if to_begin is not None:
        start = operand(to_begin)
        parts.insert(0, reshape(start, -1))
    if to_end is not None:
        end = operand(to_end)
        parts.append(reshape(end, -1))
    return concatenate(parts)


@answers(np.fix)
def _fix(x: Any) -> Any:
    return trunc(x)
