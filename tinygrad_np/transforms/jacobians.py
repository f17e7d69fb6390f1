"""`jacobian` and `hessian`: transforms (see there) that compute all partial derivatives."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import refill
from ..core.tensor import Tensor
from ..ops import moveaxis, reshape, stack
from .arguments import check_argnums, check_function, like_arguments, places
from .run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["hessian", "jacobian"]


def jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `f`, all its partial derivatives.

    It costs one backward pass for each element of the result, or one for each element of the
    arguments and one more, whichever are fewer (see `linearize`).

    Args:
        f: a function that returns a Tensor, or a container of Tensors.
        argnums: the position of the argument to differentiate with respect to, or several.
        has_aux: `f` returns a pair (value, aux), and the result is (Jacobian, aux).

    Returns:
        A function of the same arguments. For a result of shape (m, n) and an argument of shape
        (k,) the Jacobian has the shape (m, n, k). In place of each array of a container of
        results stands the structure of the argument, with a Jacobian for each array of it.

    Raises:
        TypeError: `f` returns no Tensors of floats; an argument is not of floats.
        ValueError: `argnums` is out of range.
    """
    return _jacobian("jacobian", f, argnums, has_aux)


def _jacobian(
    what: str, f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool
) -> Callable[..., Any]:
    check_function(what, f)
    check_argnums(what, argnums)

    @functools.wraps(f, updated=())
    def derivatives(*args: Any, **kwargs: Any) -> Any:
        positions = places(what, argnums, args)
        run = Run(what, f, args, positions, kwargs, has_aux=has_aux)
        columns = sum(v.size for v in run.variables) < sum(r.size for r in run.results)
        blocks = (_by_columns if columns else _by_rows)(run)
        out = refill(run.template, [like_arguments(run, b, args, argnums) for b in blocks])
        return (out, run.auxiliary()) if has_aux else out

    return derivatives


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The function that computes all second partial derivatives of `f`.

    It is `jacobian(jacobian(f))`: for one argument of shape (n,) and a function that returns one
    number a matrix (n, n), at the cost of about n backward passes. `hvp` gives its product with a
    vector at the cost of two. Arguments, structure and errors as for `jacobian`.
    """
    return _jacobian("hessian", _jacobian("hessian", f, argnums, False), argnums, False)


def _by_rows(run: Run) -> list[list[Any]]:
    """For each result the Jacobians of all variables: one pull for each element of the result."""
    blocks = []
    for k, result in enumerate(run.results):
        rows = []
        for index in np.ndindex(result.shape):
            seeds = [np.zeros(r.shape, r.dtype) for r in run.results]
            seeds[k][index] = 1
            rows.append(run.pull(seeds))
        blocks.append(
            [
                _assembled([row[j] for row in rows], result.shape + v.shape, v)
                for j, v in enumerate(run.variables)
            ]
        )
    return blocks


def _by_columns(run: Run) -> list[list[Any]]:
    """The same, with one push for each element of the variables."""
    columns = []
    for j, v in enumerate(run.variables):
        for index in np.ndindex(v.shape):
            tangents = [np.zeros(u.shape, u.dtype) for u in run.variables]
            tangents[j][index] = 1
            columns.append(run.push(tangents))
    blocks = []
    for k, result in enumerate(run.results):
        start, jacobians = 0, []
        for v in run.variables:
            part = [column[k] for column in columns[start : start + v.size]]
            start += v.size
            block = _assembled(part, v.shape + result.shape, v)
            n = v.ndim
            jacobians.append(moveaxis(block, tuple(range(n)), tuple(range(-n, 0))) if n else block)
        blocks.append(jacobians)
    return blocks


def _assembled(parts: list[Any], shape: tuple[int, ...], variable: Tensor) -> Any:
    """Slices of a Jacobian put together; in the dtype of the variable, as gradients are."""
    if not parts:
        return np.zeros(shape, variable.dtype)
    return reshape(stack(parts), shape).astype(variable.dtype)
