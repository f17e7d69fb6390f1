"""NumPy calls that take a fraction of the usual time where arrays have one of the usual forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

# The part of np.einsum that is in C: on a small matrix the rest of it takes as long as the sums.
_numpy: Any = np
_einsum = getattr(_numpy._core.multiarray, "c_einsum", np.einsum)

_FEWEST_ROWS, _MOST_COLUMNS = 64, 256


def sum_of_rows(g: Any) -> Any:
    """Return `np.add.reduce(g, 0)`, with the same bits.

    NumPy adds one row after the other, and takes as long to go on to the next one as it does for
    dozens of numbers. In a tall and narrow matrix this adds the same numbers in the same order.
    """
    is_tall = type(g) is np.ndarray and len(g) >= _FEWEST_ROWS and g.ndim == 2
    is_narrow = is_tall and 2 <= g.shape[1] <= _MOST_COLUMNS
    if is_narrow and g.dtype.char in "fd" and g.flags.c_contiguous:
        return _einsum("ij->j", g)
    return np.add.reduce(g, 0)


_FEWEST_ZEROS = 2000  # below, finding them takes longer than they save
_ZEROS = {char: np.zeros(2**16, char) for char in "fd"}
for _zeros in _ZEROS.values():
    _zeros.setflags(write=False)


def zeros_beside(x: Any) -> Any:
    """Return what to compare x with for its sign: 0, or zeros of the shape of x.

    NumPy compares two arrays in a third of the time that it takes for an array and a number.
    """
    if type(x) is not np.ndarray or x.size < _FEWEST_ZEROS or not x.flags.c_contiguous:
        return 0
    size = x.size
    zeros = _ZEROS.get(x.dtype.char)
    if zeros is None or size > zeros.size:
        return 0
    return zeros[:size].reshape(x.shape)


_BLOCK = 32768  # elements at a time, so that the intermediate results stay in the cache


def by_blocks(f: Callable[[Any], tuple], x: Any) -> tuple:
    """Return the results of an elementwise f; of a large array in blocks."""
    if type(x) is not np.ndarray or x.size <= _BLOCK or not x.flags.c_contiguous:
        return f(x)
    flat = x.reshape(-1)
    outs: list = []
    for start in range(0, x.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        parts = f(flat[block])
        outs = outs or [np.empty(flat.shape, part.dtype) for part in parts]
        for out, part in zip(outs, parts):
            out[block] = part
    return tuple(out.reshape(x.shape) for out in outs)
