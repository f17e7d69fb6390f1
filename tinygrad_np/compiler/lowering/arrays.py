"""Functions that make, copy and join arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .loops import COPY, dense_strides
from .memory import Unsupported
from .rules import rule

if TYPE_CHECKING:
    from .builder import Builder
    from .loops import View


@rule("ascontiguousarray", "asarray", "array", "astype", "copy", "expand_dims", "flatten", "ravel")
@rule("reshape", "squeeze")
def _copy(builder, array, *args, order="C", **options):
    """Copy or convert, where these functions return no view."""
    order = next((a for a in args if isinstance(a, str) and a in "FAK"), order)
    source, out = builder.operand(array), builder.out
    if source.shape != out.shape:
        if order in "AK":
            raise Unsupported(f"the argument order={order!r}")
        if order == "F":
            source, out = source.turned(), out.turned()
    builder.copy(out, source)


@rule("broadcast_to")
def _broadcast_to(builder, array, shape):
    builder.map(COPY, builder.out, builder.operand(array))


@rule("copyto")
def _copyto(builder, dst, src, casting="", where=True):
    out = builder.operand(dst)
    value = builder.operand(src, out.dtype)
    if where is True:
        builder.map(COPY, out, value)
    else:
        builder.map("where", out, builder.operand(where), value, out, dtype=out.dtype)


@rule("empty", "empty_like", "zeros", "zeros_like")
def _zeros(builder, *args, **options):
    builder.fill(builder.out, 0)


@rule("ones", "ones_like")
def _ones(builder, *args, **options):
    builder.fill(builder.out, 1)


@rule("full", "full_like")
def _full(builder, a, fill_value, *args, **options):
    out = builder.out
    builder.map(COPY, out, builder.operand(fill_value, out.dtype))


@rule("concatenate")
def _concatenate(builder, arrays, axis=0):
    parts = [builder.operand(a) for a in arrays]
    if axis is None:
        parts, axis = [flat(builder, part) for part in parts], 0
    join(builder, parts, axis)


@rule("stack")
def _stack(builder, arrays, axis=0):
    axis %= len(builder.out.shape)
    join(builder, [builder.operand(a).widened(axis) for a in arrays], axis)


def join(builder: Builder, parts: list[View], axis: int) -> None:
    """Write views one behind the other along an axis."""
    out, begin = builder.out, 0
    axis %= len(out.shape)
    for part in parts:
        builder.map(COPY, out.placed(part.shape, out.strides, begin * out.strides[axis]), part)
        begin += part.shape[axis]


def flat(builder: Builder, view: View) -> View:
    """Return the elements of a view as a vector, in C order."""
    if view.strides != dense_strides(view.shape):
        view = builder.dense(view)
    return view.placed((view.size,), (1,))


@rule("transpose")
def _transpose(builder, a, *axes):
    view, out = builder.operand(a), builder.out
    if view.size != 1:
        raise Unsupported("a copy that it makes")
    builder.copy(out, view)
