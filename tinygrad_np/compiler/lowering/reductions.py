"""Reductions along axes, in the order in which NumPy adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from .axes import inner_last, merge_neighbours
from .loops import Reduce
from .memory import Unsupported

if TYPE_CHECKING:
    from .builder import Builder
    from .loops import View

_OF_TRUTHS = {"add": "any", "maximum": "any", "multiply": "all", "minimum": "all"}
_OF_NOTHING = {"add": 0, "multiply": 1, "any": 0, "all": 1}


def reduction(
    builder: Builder, function: str, array: Any, axis: Any, keepdims: Any, initial: Any = None
) -> None:
    """Write a reduction, in the dtype of its result."""
    out, source = builder.out, builder.operand(array)
    if out.dtype == np.dtype(bool):
        function = _OF_TRUTHS.get(function, function)
    if function not in ("any", "all"):
        source = builder.converted(source, out.dtype)
    elif out.dtype != np.dtype(bool):
        raise Unsupported(f"{function} of other objects than booleans")
    reduce_axes(builder, function, out, source, axis, keepdims)
    if initial is not None:
        builder.map(function, out, out, builder.operand(initial, out.dtype))


def reduce_axes(
    builder: Builder, function: str, out: View, source: View, axes: Any, keepdims: Any
) -> None:
    """Write the reduction of a view along some axes, or along all (None)."""
    ndim = len(source.shape)
    folded = list(range(ndim))
    if axes is not None and ndim:  # of a single number NumPy allows any
        folded = list(normalize_axis_tuple(axes, ndim))
    kept = [k for k in range(ndim) if k not in folded]
    if keepdims:
        out = out.axes(kept)
    if not source.size:
        _fill(builder, function, out)
        return
    if function.startswith("arg"):
        folded.sort()
    else:
        folded = [k for k in memory_order(source) if k in folded]
    block = innermost(source, folded) if function == "add" else []
    (run,) = merge_neighbours([source.axes(block)])
    if len(run.shape) > 1:  # NumPy puts these side by side before it adds
        order = [k for k in folded if k not in block] + kept + block
        source = builder.dense(source.axes(order))
        kept = [order.index(k) for k in kept]
        folded = [order.index(k) for k in folded]
    outer = inner_last([out, source.axes(kept)])
    (inner,) = merge_neighbours([source.axes(folded)])
    if not inner.shape:
        inner = inner.widened(0)
    out, first = outer
    whole = source.placed(first.shape + inner.shape, first.strides + inner.strides)
    whole = builder.apart(out, whole)
    builder.append(Reduce(function=function, out=out, source=whole, pairwise=bool(block)))


def _fill(builder: Builder, function: str, out: View) -> None:
    """Write the reduction of no elements."""
    if not out.size:
        return
    if function not in _OF_NOTHING:
        raise Unsupported(f"{function} of nothing")
    builder.fill(out, _OF_NOTHING[function])


def memory_order(view: View) -> list[int]:
    """List the axes as NumPy's loops run along the memory, the innermost last."""
    return sorted(range(len(view.shape)), key=lambda k: -abs(view.strides[k]))


def innermost(source: View, folded: list[int]) -> list[int]:
    """List the summed axes that NumPy's innermost loops run along: there it adds in pairs."""
    order = [k for k in memory_order(source) if source.shape[k] > 1]
    block: list[int] = []
    while order and order[-1] in folded:
        block.insert(0, order.pop())
    return block
