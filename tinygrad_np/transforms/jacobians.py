"""`jacobian` and `hessian`, the transforms that compute all partial derivatives."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import refill
from ..core.tensor import Tensor
from ..core.tracebacks import shortened
from ..ops import concatenate, moveaxis, reshape
from .arguments import check_argnums, check_function, like_arguments, positions
from .batching import over_rows
from .run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@shortened
def jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make the function that computes the Jacobian of `f`, all its partial derivatives.

    Unit vectors are pulled through the rules, one for each element of the result; or pushed (see
    `linearize`), one for each element of the arguments, where these are fewer. All go in one pass,
    as rows of a batch (see `vmap`), or in several passes where the arrays in between are large.

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
    number a matrix (n, n), by one pass for n rows at once. `hvp` gives its product with a vector at
    the cost of two backward passes. Arguments, structure and errors as for `jacobian`.
    """
    return _jacobian("hessian", _jacobian("hessian", f, argnums, False), argnums, False)


def _by_rows(run: Run) -> list[list[Any]]:
    """Return for each result the Jacobians of all variables: each of its elements is pulled."""
    blocks = []
    for result in run.results:
        pulled = _all_of(run, run.pull, run.results, result)
        block = []
        for rows, v in zip(pulled, run.variables, strict=True):
            jacobian = reshape(rows, result.shape + v.shape)
            block.append(jacobian.astype(v.dtype))
        blocks.append(block)
    return blocks


def _by_columns(run: Run) -> list[list[Any]]:
    """Return the same: each element of the variables is pushed."""
    blocks: list[list[Any]] = [[] for _ in run.results]
    for v in run.variables:
        pushed = _all_of(run, run.push, run.variables, v)
        first = tuple(range(v.ndim))
        last = tuple(range(-v.ndim, 0))
        for rows, result, block in zip(pushed, run.results, blocks, strict=True):
            columns = reshape(rows, v.shape + result.shape)
            jacobian = moveaxis(columns, first, last)
            block.append(jacobian.astype(v.dtype))
    return blocks


_MOST = 2**22  # elements of the largest array while many are pulled at once


def _all_of(
    run: Run, move: Callable[..., list[Any]], tensors: list[Tensor], varied: Tensor
) -> list[Any]:
    """Pull or push every unit vector of one of some Tensors; stack the results.

    As many at a time as memory takes well: at least one.
    """
    sizes = [math.prod(node.shape or ()) for node in run.path]
    largest = max(sizes, default=1) or 1
    step = max(1, _MOST // largest)
    chunks = []
    for start in range(0, varied.size, step):
        stop = min(start + step, varied.size)
        units = [_unit_vectors(t, t is varied, start, stop) for t in tensors]
        chunks.append(over_rows(run.what, move, units, stop - start))
    if not chunks:
        zeros = [np.zeros(t.shape, t.dtype) for t in tensors]
        return [np.zeros((0, *x.shape), x.dtype) for x in move(zeros)]
    if len(chunks) == 1:
        return chunks[0]
    return [concatenate(parts) for parts in zip(*chunks, strict=True)]


def _unit_vectors(tensor: Tensor, varied: bool, start: int, stop: int) -> np.ndarray:
    """Make an array for each element from `start` to `stop`: zeros, with a 1 if it is varied."""
    count = stop - start
    units = np.zeros((count, *tensor.shape), tensor.dtype)
    if varied:
        rows = np.arange(count)
        units.reshape(count, -1)[rows, start + rows] = 1
    return units
