"""Square matrices: determinant, inverse, linear systems, Cholesky factor; and norms.

All but the norms take stacks of matrices, in the last two axes. A singular matrix raises
LinAlgError, in the forward or, where only the derivative needs the inverse, in backward.
Formulas: M. Giles, Collected matrix derivative results for forward and reverse mode algorithmic
differentiation (2008); for Cholesky, I. Murray, Differentiation of the Cholesky decomposition
(2016).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import Tensor
from .axes import narrow, normal_axes, wide
from .define import answers, define_op
from .elementwise import abs as absolute
from .elementwise import corner
from .linalg import swap
from .operands import operand
from .rearrange import tril, triu
from .reduce import restore
from .reduce import sum as total

__all__ = [
    "cholesky",
    "cofactors",
    "det",
    "inv",
    "logabsdet",
    "norm",
    "slogdet",
    "solve",
    "solve_triangular",
]


def _identity(n):
    """Return the identity matrix as booleans (np.eye is not itself after `nnfs.init()`)."""
    rows = np.arange(n)
    return rows[:, None] == rows


def _regular(r, *shape):
    """Draw square matrices that are far from singular, as samples."""
    return r(*shape) + 3 * _identity(shape[-1])


def _positive(r, *shape):
    """Draw symmetric positive definite matrices, as samples."""
    x = r(*shape)
    return x @ swap(x) + _identity(shape[-1])


def _inv(a):
    """The inverse of a square matrix, or of each in a stack."""
    return np.linalg.inv(a)


inv = define_op(
    _inv,
    a=lambda g, out: -swap(out) @ g @ swap(out),
    kinks="a singular matrix raises LinAlgError, of every order",
    numpy=(np.linalg.inv,),
    samples=lambda r: [
        ((_regular(r, 3, 3),), {}),
        ((_regular(r, 2, 2, 2),), {}),
        ((r(0, 3, 3),), {}),
    ],
)


def _solve(a, b):
    """x such that a @ x = b; b is one vector if 1-D, else a matrix or a stack of them."""
    return np.linalg.solve(a, b)


def _solve_rule(g, a, out, b_shape):
    if len(b_shape) == 1:
        back = solve(swap(a), np.expand_dims(g, -1))
        return -back @ np.expand_dims(out, -2), back.squeeze(-1)
    back = solve(swap(a), g)
    return -back @ swap(out), back


solve = define_op(
    _solve,
    joint=_solve_rule,
    a=...,
    b=...,
    kinks="a singular matrix raises LinAlgError, of every order",
    numpy=(np.linalg.solve,),
    samples=lambda r: [
        ((_regular(r, 3, 3), r(3)), {}),
        ((_regular(r, 3, 3), r(3, 2)), {}),
        ((_regular(r, 2, 3, 3), r(2, 3, 1)), {}),
        ((_regular(r, 2, 3, 3), r(3)), {}),
        ((_regular(r, 3, 3), r(2, 3, 1)), {}),
    ],
)


def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    """x such that a @ x = b, for one triangle of a; nobody reads the other one. As in SciPy.

    Args:
        a: matrices (..., n, n).
        b: one vector if 1-D, else a matrix or a stack of them.
        trans: 1 or "T" to solve a.T @ x = b.
        lower: True for the lower triangle of a.
        unit_diagonal: True to take the diagonal of a as ones.

    Raises:
        LinAlgError: a zero on the diagonal.
        ValueError: shapes that do not fit, or another `trans`.
    """
    if trans not in (0, 1, "N", "T"):
        raise ValueError(f"solve_triangular: trans must be 0, 1, 'N' or 'T', not {trans!r}")
    a = tril(operand(a)) if lower else triu(operand(a))
    if unit_diagonal:
        a = np.where(_identity(a.shape[-1]), np.ones((), a.dtype), a)
    return solve(swap(a) if trans in (1, "T") else a, b)


# --- determinants -------------------------------------------------------------------------------


def _per_matrix(g):
    """Shape one number per matrix so that it broadcasts over the matrix."""
    return np.expand_dims(g, (-2, -1))


def _cofactors(a):
    """The matrix of cofactors, det(a) * inv(a).T: the derivative of det, for any matrix."""
    d = np.linalg.det(a)
    if np.all(d != 0):
        return _per_matrix(d) * swap(np.linalg.inv(a))
    u, s, v = np.linalg.svd(a)
    n = s.shape[-1]
    # Of each singular value the product of all others: rows of s with a 1 in place of the value.
    others = np.where(_identity(n), 1, np.expand_dims(s, -2))
    sign = np.linalg.det(u) * np.linalg.det(v)
    return _per_matrix(sign) * (u * np.expand_dims(others.prod(axis=-1), -2)) @ v


def _cofactors_rule(g, a, out):
    back = swap(inv(a))
    along = (g * out).sum(axis=(-2, -1), keepdims=True)
    return along * back - out @ swap(g) @ back


cofactors = define_op(
    _cofactors,
    a=_cofactors_rule,
    kinks="its derivatives of every order raise LinAlgError for a singular matrix",
    samples=lambda r: [((_regular(r, 3, 3),), {}), ((_regular(r, 2, 2, 2),), {})],
)


def _det(a):
    """The determinant of a square matrix, or of each in a stack."""
    return np.linalg.det(a)


det = define_op(
    _det,
    a=lambda g, a: _per_matrix(g) * cofactors(a),
    kinks="right for singular matrices too; their second derivative raises LinAlgError",
    numpy=(np.linalg.det,),
    samples=lambda r: [((_regular(r, 3, 3),), {}), ((_regular(r, 2, 2, 2),), {}), ((r(1, 1),), {})],
)


def _logabsdet(a):
    """log(|det(a)|) of a square matrix, or of each in a stack, without overflow."""
    return np.linalg.slogdet(a)[1]


logabsdet = define_op(
    _logabsdet,
    a=lambda g, a: _per_matrix(g) * swap(inv(a)),
    text="log(|det({a})|)",
    kinks="-inf for a singular matrix; its derivatives of every order raise LinAlgError",
    samples=lambda r: [((_regular(r, 3, 3),), {}), ((_regular(r, 2, 2, 2),), {})],
)


@answers(np.linalg.slogdet)
def slogdet(a) -> Any:
    """The sign of the determinant (no gradient flows through it) and log(|det(a)|), as a pair.

    Raises:
        LinAlgError: a is not square; and in backward, if a is singular.
    """
    a = operand(a)
    log = logabsdet(a)
    if isinstance(a, Tensor):
        result = np.linalg.slogdet(a.data)
        return result._replace(sign=Tensor(result.sign), logabsdet=log)
    return np.linalg.slogdet(a)


# --- Cholesky -----------------------------------------------------------------------------------


def _cholesky(a):
    """The lower triangular L with L @ L.T = a; a is symmetric, only its lower triangle is read."""
    return np.linalg.cholesky(a)


def _lower(n, dtype):
    """Return a matrix of ones below the diagonal, halves on it, and zeros above."""
    rows = np.arange(n)
    below, on = rows[:, None] > rows, rows[:, None] == rows
    return (below + 0.5 * on).astype(dtype)


def _cholesky_rule(g, out):
    half = _lower(out.shape[-1], out.dtype)
    middle = (swap(out) @ g) * half
    left = solve(swap(out), middle)
    full = swap(solve(swap(out), swap(left)))
    return (full + swap(full)) * half


cholesky = define_op(
    _cholesky,
    a=_cholesky_rule,
    kinks="only the lower triangle is read, so the gradient of the upper one is 0 and that below "
    "the diagonal counts both; a matrix that is not positive definite raises LinAlgError, of every "
    "order",
    numpy=(np.linalg.cholesky,),
    samples=lambda r: [((_positive(r, 3, 3),), {}), ((_positive(r, 2, 2, 2),), {})],
)

# --- norms --------------------------------------------------------------------------------------


def _far_from_0(r, *shape):
    """Draw numbers of both signs that are not near 0, as samples."""
    x = r(*shape)
    return x + np.sign(x)


def _norm(x, ord=None, axis=None, keepdims=False):
    """NumPy's norm of vectors (axis an integer, or x 1-D) or matrices (axis a pair, or x 2-D).

    Of all elements if both `ord` and `axis` are None. `ord` of vectors: any number, inf, -inf;
    of matrices: "fro", 1, -1, inf, -inf.
    """
    kind, _ = _norm_kind(ord, axis, np.ndim(x))
    if kind == "singular":
        raise ValueError(
            f"the matrix norm of ord {ord!r} needs singular values, which have no derivative "
            "here yet: use ord 'fro', 1, -1, inf or -inf"
        )
    return narrow(np.linalg.norm(wide(x), ord, axis, keepdims), x)


def _norm_kind(ord, axis, ndim):
    """Return the kind of a norm, and the axes that it is over."""
    if axis is None and (ord is None or ndim == 0):
        return "euclidean", tuple(range(ndim))
    axis = normal_axes(axis, ndim)
    if len(axis) == 1:
        return ("euclidean" if ord in (None, 2) else "vector"), axis
    if ord in (None, "fro", "f"):
        return "euclidean", axis
    if ord in (2, -2, "nuc"):
        return "singular", axis
    return "matrix", axis


def _norm_rule(g, x, out, ord, axis, keepdims):
    kind, axis = _norm_kind(ord, axis, x.ndim)
    g = restore(g, axis, keepdims, x.ndim)
    out = restore(out, axis, keepdims, x.ndim)
    zero = out == 0
    if kind == "euclidean":
        return g * corner(x / np.where(zero, np.inf, out), out, zero)
    size = absolute(x)
    slope = np.sign(x)
    if kind == "matrix":
        inner, outer = axis if ord in (1, -1) else axis[::-1]
        sums = narrow(total(wide(size), axis=inner, keepdims=True), size)
        return g * slope * _even_share(sums, out, outer)
    if ord in (np.inf, -np.inf):
        return g * slope * _even_share(size, out, axis)
    if ord == 0:
        return g * (slope * 0)  # a count
    if ord == 1:
        return g * slope
    ratio = size / np.where(zero, np.inf, out)
    power = np.where(x == 0, 0, np.where(x == 0, 1, ratio) ** (ord - 1))
    if ord < 2:  # bent so sharply where x = 0 that there is no second derivative
        power = corner(power, x, x == 0)
    return g * slope * corner(power, out, zero)


def _even_share(values, best, axis):
    """Return the share of each value in a gradient: even among the best ones along an axis."""
    equal = wide((values == best).astype(best.dtype), values.size)
    return equal / equal.sum(axis=axis, keepdims=True)


norm = define_op(
    _norm,
    x=_norm_rule,
    kinks="0 at x = 0, of second order nan; shared evenly among equal largest or smallest "
    "elements, rows or columns, of second order 0; for ord 1, inf and 0 as of abs; for other ord "
    "below 2 0 at each element 0, of second order nan",
    numpy=(np.linalg.norm,),
    samples=lambda r: [
        ((r(3, 4),), {}),
        ((r(5),), {}),
        ((r(2, 3, 4),), {"axis": 1, "keepdims": True}),
        ((r(3, 4), 3), {"axis": 0}),
        ((_far_from_0(r, 3, 4), 1, -1), {}),
        ((_far_from_0(r, 3, 4), 0.5, -1), {}),
        ((r(3, 4), np.inf, 0), {}),
        ((r(3, 4), -np.inf, 0), {"keepdims": True}),
        ((r(2, 3, 4), "fro", (0, 2)), {}),
        ((r(3, 4), 1), {}),
        ((r(2, 3, 4), -1, (2, 0)), {}),
        ((r(3, 4), np.inf), {}),
        ((r(3, 4), -np.inf), {"keepdims": True}),
    ],
)
