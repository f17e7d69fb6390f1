"""NumPy functions whose results are positions, counts, truths, texts or files: no gradient.

On Tensors they compute with the arrays; arrays among the results come back as Tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import flatten, rebuild
from ..core.modes import recording
from ..core.node import flat
from ..core.protocols import FUNCTIONS
from ..core.tensor import Tensor, unwrap

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["all", "any", "argmax", "argmin", "count_nonzero"]

PLAIN = (
    np.all,
    np.allclose,
    np.any,
    np.argmax,
    np.argmin,
    np.argwhere,
    np.array2string,
    np.array_equal,
    np.array_equiv,
    np.array_repr,
    np.array_str,
    np.can_cast,
    np.common_type,
    np.count_nonzero,
    np.diag_indices_from,
    np.flatnonzero,
    np.isclose,
    np.iscomplex,
    np.iscomplexobj,
    np.isin,
    np.isneginf,
    np.isposinf,
    np.isreal,
    np.isrealobj,
    np.ix_,
    np.lexsort,
    np.linalg.matrix_rank,
    np.may_share_memory,
    np.min_scalar_type,
    np.nanargmax,
    np.nanargmin,
    np.nonzero,
    np.ravel_multi_index,
    np.result_type,
    np.save,
    np.savetxt,
    np.savez,
    np.savez_compressed,
    np.shares_memory,
    np.tril_indices_from,
    np.triu_indices_from,
    np.unravel_index,
)


def _wrap(value: Any, function: Callable, args: tuple) -> Any:
    """Return an array, or each one in a tuple, as a Tensor, and anything else as it is."""
    if isinstance(value, tuple):
        return tuple(_wrap(part, function, args) for part in value)
    if not isinstance(value, (np.ndarray, np.generic)):
        return value
    result = Tensor(value)
    tensors = [arg for arg in flatten(args) if isinstance(arg, Tensor)]
    parents = [tensor._node for tensor in tensors] if recording.get() else ()
    result._node = flat(function.__name__, parents, value) or result._node
    return result


def _plain(function: Callable) -> Callable:
    """Make the function that answers for one of NumPy's on Tensors."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        out = function(*rebuild(args, unwrap), **rebuild(kwargs, unwrap))
        return _wrap(out, function, args)

    return answer


FUNCTIONS.update({function: _plain(function) for function in PLAIN})


# --- those that Tensor has as methods ------------------------------------------------------------


def _on(function: Callable, x: Any, axis: Any, keepdims: bool) -> Any:
    out = function(unwrap(x), axis=axis, keepdims=keepdims)
    return _wrap(out, function, (x,)) if isinstance(x, Tensor) else out


def all(x, axis=None, *, keepdims=False):
    """True where all elements along the given axes are true, that is not 0."""
    return _on(np.all, x, axis, keepdims)


def any(x, axis=None, *, keepdims=False):
    """True where at least one element along the given axes is true, that is not 0."""
    return _on(np.any, x, axis, keepdims)


def argmax(x, axis=None, *, keepdims=False):
    """Position of the (first) largest element along an axis; None flattens x."""
    return _on(np.argmax, x, axis, keepdims)


def argmin(x, axis=None, *, keepdims=False):
    """Position of the (first) smallest element along an axis; None flattens x."""
    return _on(np.argmin, x, axis, keepdims)


def count_nonzero(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Number of elements along the given axes that are not 0; a Python int for all of x."""
    return _on(np.count_nonzero, x, axis, keepdims)
