"""`jacobian` and `hessian`, the transforms that compute all partial derivatives."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import refill
from ..core.tensor import Tensor
from ..core.tracebacks import shortened
from ..ops import moveaxis, reshape, stack
from .arguments import check_argnums, check_function, like_arguments, positions
from .run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@shortened
def jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make the function that computes the Jacobian of `f`, all its partial derivatives.

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

    @shortened
    @functools.wraps(f, updated=())
    def derivatives(*args: Any, **kwargs: Any) -> Any:
        run = Run(what, f, args, positions(what, argnums, args), kwargs, has_aux=has_aux)
        columns = sum(v.size for v in run.variables)
        rows = sum(r.size for r in run.results)
        blocks = _by_columns(run) if columns < rows else _by_rows(run)
        jacobians = [like_arguments(run, block, args, argnums) for block in blocks]
        out = refill(run.template, jacobians)
        if has_aux:
            return out, run.auxiliary()
        return out

    return derivatives


@shortened
def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Make the function that computes all second partial derivatives of `f`.

    It is `jacobian(jacobian(f))`: for one argument of shape (n,) and a function that returns one
    number a matrix (n, n), at the cost of about n backward passes. `hvp` gives its product with a
    vector at the cost of two. Arguments, structure and errors as for `jacobian`.
    """
    return _jacobian("hessian", _jacobian("hessian", f, argnums, False), argnums, False)


def _by_rows(run: Run) -> list[list[Any]]:
    """Return for each result the Jacobians of all variables, with one pull for each element."""
    blocks = []
    for k, result in enumerate(run.results):
        rows = [run.pull(seeds) for seeds in _unit_vectors(run.results, k)]
        jacobians = []
        for j, v in enumerate(run.variables):
            parts = [row[j] for row in rows]
            shape = result.shape + v.shape
            jacobians.append(_assemble(parts, shape, v))
        blocks.append(jacobians)
    return blocks


def _by_columns(run: Run) -> list[list[Any]]:
    """Return the same, with one push for each element of the variables."""
    columns = []
    for j in range(len(run.variables)):
        tangents = _unit_vectors(run.variables, j)
        columns.append([run.push(tangent) for tangent in tangents])
    blocks = []
    for k, result in enumerate(run.results):
        jacobians = []
        for j, v in enumerate(run.variables):
            parts = [column[k] for column in columns[j]]
            shape = v.shape + result.shape
            jacobian = _assemble(parts, shape, v)
            if v.ndim:  # the axes of the variable come last
                first = tuple(range(v.ndim))
                last = tuple(range(-v.ndim, 0))
                jacobian = moveaxis(jacobian, first, last)
            jacobians.append(jacobian)
        blocks.append(jacobians)
    return blocks


def _unit_vectors(tensors: list[Tensor], k: int) -> Iterator[list[np.ndarray]]:
    """Yield zeros for all Tensors, but a 1 for each element of the k-th in turn."""
    for index in np.ndindex(tensors[k].shape):
        arrays = [np.zeros(t.shape, t.dtype) for t in tensors]
        arrays[k][index] = 1
        yield arrays


def _assemble(parts: list[Any], shape: tuple[int, ...], variable: Tensor) -> Any:
    """Stack slices of a Jacobian, in the dtype of the variable, as gradients are."""
    if not parts:
        return np.zeros(shape, variable.dtype)
    return reshape(stack(parts), shape).astype(variable.dtype)
