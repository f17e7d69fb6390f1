"""Reductions by NumPy's functions: sums, means, extremes, positions, running sums, sorting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .arrays import flat
from .loops import Sort
from .reductions import reduce_axes, reduction
from .rules import rule

if TYPE_CHECKING:
    from collections.abc import Callable


_DOUBLE = np.dtype(np.float64)


def _reduction(function: str) -> Callable:
    def write(builder, a, axis=None, dtype=None, keepdims=False):
        reduction(builder, function, a, axis, keepdims)

    return write


rule("sum")(_reduction("add"))
rule("prod")(_reduction("multiply"))


def _extreme(function: str) -> Callable:
    def write(builder, a, axis=None, *, keepdims=False, initial=None):
        reduction(builder, function, a, axis, keepdims, initial)

    return write


rule("max", "amax")(_extreme("maximum"))
rule("min", "amin")(_extreme("minimum"))
rule("any")(_extreme("any"))
rule("all")(_extreme("all"))


@rule("mean")
def _mean(builder, a, axis=None, dtype=None, *, keepdims=False):
    reduction(builder, "add", a, axis, keepdims)
    out = builder.out
    count = builder.operand(a).size / max(1, out.size)
    builder.map("divide", out, out, builder.operand(count, float), dtype=_DOUBLE)


def _position(function: str) -> Callable:
    def write(builder, a, axis=None, *, keepdims=False):
        out = builder.out
        reduce_axes(builder, function, out, builder.operand(a), axis, keepdims)

    return write


rule("argmax")(_position("argmax"))
rule("argmin")(_position("argmin"))


def _running(function: str) -> Callable:
    def write(builder, a, axis=None, dtype=None):
        source = builder.operand(a, builder.out.dtype)
        if axis is None or not source.shape:  # NumPy takes a number as a vector of one
            source, axis = flat(builder, source), 0
        builder.scan(function, builder.out, source, axis)

    return write


rule("cumsum")(_running("add"))
rule("cumprod")(_running("multiply"))


def _ordering(function: str) -> Callable:
    def write(builder, a, axis=-1, kind=None, *, stable=None):
        source = builder.operand(a)
        if axis is None or not source.shape:  # NumPy takes a number as a vector of one
            source, axis = flat(builder, source), -1
        out, source = builder.out.along(axis), source.along(axis)
        if out.size:
            builder.append(Sort(function=function, out=out, source=source))

    return write


rule("sort")(_ordering("sort"))
rule("argsort")(_ordering("argsort"))
