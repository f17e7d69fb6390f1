"""Reductions of matrices with short rows, which NumPy adds in several times the arithmetic's time.

It reduces row by row, with a cost for each. Here the same numbers meet in the same order, in fewer
steps: the result has the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["reduced"]

_FEW_COLUMNS = 8  # numbers of a row that NumPy reduces from left to right
_MOST_COLUMNS = 256
_FEWEST_ROWS = 64

# The part of np.einsum that is in C: on a small matrix the rest of it takes as long as the sums.
_einsum = getattr(np._core.multiarray, "c_einsum", np.einsum)


def reduced(ufunc: Any, x: Any, axis: Any, keepdims: bool = False) -> Any:
    """Return `ufunc.reduce(x, axis)`."""
    # Other dtypes are not summed in their own: small integers and halves get a wider one.
    if type(x) is np.ndarray and x.ndim == 2 and type(axis) is int and x.dtype.char in "fd":
        rows, columns = x.shape
        if axis in (-1, 1) and 2 <= columns < _FEW_COLUMNS:
            out = ufunc(x[:, 0], x[:, 1])
            for k in range(2, columns):
                out = ufunc(out, x[:, k])
            return out.reshape(-1, 1) if keepdims else out
        is_tall = rows >= _FEWEST_ROWS and 2 <= columns <= _MOST_COLUMNS
        if is_tall and axis == 0 and ufunc is np.add and x.flags.c_contiguous:
            out = _einsum("ij->j", x)
            return out.reshape(1, -1) if keepdims else out
    return ufunc.reduce(x, axis=axis, keepdims=keepdims)
