"""Copies of arrays that keep how these lie in memory: strides, order, alignment, shared memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

_ALIGNMENT = 64  # bytes: what some loops of NumPy and BLAS look at


def memory_of(array: np.ndarray) -> np.ndarray:
    """Return the array that owns the memory of this one, as far as NumPy knows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def copy_together(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Copy arrays: what shares memory among them does so among the copies."""
    copies = {k: array for k, array in enumerate(arrays) if not array.size}
    group: list[tuple[int, int, int]] = []  # (first byte, end, position) of arrays that overlap
    end = 0
    stretches = []
    for k, array in enumerate(arrays):
        if array.size:
            low, high = byte_bounds(array)
            stretches.append((low, high, k))
    for low, high, k in sorted(stretches):
        if group and low >= end:
            copies.update(_copy_group(group, arrays))
            group, end = [], 0
        group.append((low, high, k))
        end = max(end, high)
    copies.update(_copy_group(group, arrays))
    return [copies[k] for k in range(len(arrays))]


def _copy_group(
    group: list[tuple[int, int, int]], arrays: list[np.ndarray]
) -> dict[int, np.ndarray]:
    """Copy the stretch of memory that some arrays lie in, and lay the copies into that."""
    if not group:
        return {}
    low, high = group[0][0], max(end for _, end, _ in group)
    stretch = _aligned(high - low, low % _ALIGNMENT)
    copies = {}
    for _, _, k in group:
        copies[k] = _placed(arrays[k], stretch, low)
    for k, placed in copies.items():
        _fill(placed, arrays[k])
    return copies


def _aligned(nbytes: int, offset: int) -> np.ndarray:
    """Make bytes that begin so far behind an aligned address."""
    memory = np.empty(nbytes + _ALIGNMENT, np.uint8)
    start = (offset - memory.ctypes.data) % _ALIGNMENT
    return memory[start : start + nbytes]


def _placed(array: np.ndarray, stretch: np.ndarray, low: int) -> np.ndarray:
    """Make an array that lies in the stretch as this one does in memory from `low` on."""
    address = array.ctypes.data - low
    return np.ndarray(array.shape, array.dtype, stretch, address, array.strides)


def _fill(placed: Any, array: np.ndarray) -> None:
    """Copy the values; elements that share one place are written once."""
    once = tuple(slice(0, 1) if step == 0 else slice(None) for step in array.strides)
    index = (*once, ...)
    np.copyto(placed[index], array[index])


def locked(value: Any) -> Any:
    """Return an array that can't be written to, in the same memory; anything else as it is."""
    if type(value) is np.ndarray:
        value = value.view()
        value.setflags(write=False)
    return value
