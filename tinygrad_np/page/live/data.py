"""A lowered program as data for runtime.js: JSON without nan or infinity, values in base64."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compiler.lowering import LoweringError
from ...compiler.lowering import loops as forms
from ...core.callsite import short_place
from ..steps import source_of
from .kernels import kernel_name, kernels
from .ziggurat import normal_scales

if TYPE_CHECKING:
    from ...compiler.lowering import (
        Buffer,
        Draw,
        Gather,
        Guard,
        Loop,
        Lowered,
        Map,
        Matmul,
        Reduce,
        Scan,
        Sort,
        View,
    )

MOST_WORK = 4_000_000  # element operations of a step, products of matrices included
MOST_NUMBERS = 200_000  # given to the page: data, parameters, state


def live_data(lowered: Lowered, loss: View | None = None) -> dict[str, Any]:
    """Return what `liveProgram` of runtime.js takes: buffers, loops, and where the loss is.

    The loss is the first single number that the step returns; None if there is none.

    Raises:
        LoweringError: the step is too much for a page.
    """
    _check_size(lowered)
    places = dict.fromkeys(loop.place for loop in lowered.loops)
    numbers = {place: k for k, place in enumerate(places)}
    data: dict[str, Any] = {
        "buffers": [_buffer(buffer) for buffer in lowered.buffers],
        "code": [_loop(loop) for loop in lowered.loops],
        "state": [_loop(loop) for loop in lowered.state],
        "loss": _loss(lowered) if loss is None else view_data(loss),
        "generators": [_generator(generator) for generator in lowered.generators],
        "places": [short_place(place) if place else "" for place in numbers],
        "codes": [source_of(place).get("code", "") for place in numbers],
        "at": [numbers[loop.place] for loop in lowered.loops],
    }
    draws = [loop.method for loop in lowered.loops if isinstance(loop, forms.Draw)]
    if "standard_normal" in draws:
        data["scales"] = base64.b64encode(normal_scales().astype("<f8").tobytes()).decode()
    return data


def live_kernels(lowered: Lowered) -> str:
    """Return what `liveProgram` needs beside the data, an object K, as JavaScript."""
    loops = [*lowered.loops, *lowered.state]
    names = {kernel_name(loop) for loop in loops if isinstance(loop, forms.Map)}
    return kernels(names, draws=bool(lowered.generators))


def view_data(view: View) -> list[Any]:
    """Return a view as the runtime reads and writes it."""
    return [view.buffer, view.offset, list(view.shape), list(view.strides)]


def _check_size(lowered: Lowered) -> None:
    numbers = sum(b.size for b in lowered.buffers if b.values is not None)
    for what, count, most in (
        ("computes", lowered.work, MOST_WORK),
        ("is given", numbers, MOST_NUMBERS),
    ):
        if count > most:
            raise LoweringError(
                f"{lowered.program.name} {what} {count:,} numbers in a step: a page takes {most:,}"
            )


def _loss(lowered: Lowered) -> list[Any] | None:
    """Return the first single number that the step returns."""
    for view in lowered.results:
        if view.size == 1 and view.dtype.kind == "f":
            return view_data(view)
    return None


def _buffer(buffer: Buffer) -> list[Any]:
    kind = buffer.dtype.str[1:]
    if buffer.values is None:
        return [kind, buffer.size]
    values = buffer.values
    if not np.any(values) and not np.any(np.signbit(values) if values.dtype.kind == "f" else 0):
        return [kind, buffer.size, ""]
    mark = ""
    if kind in ("i8", "u8"):
        limits = int(values.min()), int(values.max())
        if max(map(abs, limits)) > 2**53:
            raise LoweringError("integers beyond 2^53 can't be held in a browser")
        small = limits[0] >= -(2**31) and limits[1] < 2**31
        mark = "" if small else "d"
        values = values.astype("<i4" if small else "<f8")
    little = values.astype(values.dtype.newbyteorder("<"))
    return [kind, buffer.size, mark + base64.b64encode(little.tobytes()).decode()]


def _generator(generator: Any) -> list[Any]:
    """Return the state of a PCG64: two numbers of 128 bits, and 32 bits that are left over."""
    state = generator.bit_generator.state
    left = state["uinteger"] if state["has_uint32"] else None
    return [f"{state['state']['state']:032x}", f"{state['state']['inc']:032x}", left]


# --- loops ----------------------------------------------------------------------------------------


def _place(view: View) -> list[Any]:
    return [view.buffer, view.offset, list(view.strides)]


def _row(view: View) -> list[Any]:
    """Return a view whose last axis stands apart."""
    return [view.buffer, view.offset, list(view.strides[:-1]), view.strides[-1]]


def _loop(loop: Loop) -> list[Any]:
    return _WRITERS[type(loop)](loop)


def _map(loop: Map) -> list[Any]:
    views = [loop.out, *loop.operands]
    if not loop.out.shape:
        views = [view.placed((1,), (0,)) for view in views]
    return ["map", kernel_name(loop), list(views[0].shape), *map(_place, views)]


def _check_products(function: str, view: View) -> None:
    """Raise where products of integers would wrap, and doubles don't."""
    is_product = function == np.multiply.__name__
    if is_product and view.dtype.kind in "iu" and view.dtype.itemsize == 4:
        raise LoweringError(f"products of many {view.dtype} can't be computed in a browser")


def _reduce(loop: Reduce) -> list[Any]:
    _check_products(loop.function, loop.out)
    outer = len(loop.out.shape)
    source = loop.source
    kept = [source.buffer, source.offset, list(source.strides[:outer])]
    folded = list(source.shape[outer:]), list(source.strides[outer:])
    shape = list(loop.out.shape)
    return ["reduce", loop.function, shape, _place(loop.out), kept, *folded, loop.pairwise]


def _scan(loop: Scan) -> list[Any]:
    _check_products(loop.function, loop.out)
    *shape, length = loop.out.shape
    return ["scan", loop.function, shape, length, _row(loop.out), _row(loop.source)]


def _sort(loop: Sort) -> list[Any]:
    *shape, length = loop.out.shape
    return [loop.function, shape, length, _row(loop.out), _row(loop.source)]


def _matmul(loop: Matmul) -> list[Any]:
    *batch, m, n = loop.out.shape
    views = map(_place, (loop.out, loop.left, loop.right))
    return ["matmul", batch, m, loop.left.shape[-1], n, *views]


def _gather(loop: Gather) -> list[Any]:
    _check_products(loop.mode, loop.base)
    picks = [[*_place(pick.index), pick.stride, pick.size] for pick in loop.picks]
    shape = list(loop.other.shape)
    return ["gather", loop.mode, shape, _place(loop.other), _place(loop.base), picks]


def _draw(loop: Draw) -> list[Any]:
    return [
        "draw",
        loop.method,
        loop.generator,
        loop.out.buffer,
        loop.out.size,
        loop.low,
        loop.high,
    ]


def _guard(loop: Guard) -> list[Any]:
    return ["guard", loop.view.buffer, loop.view.offset, loop.expected]


_WRITERS: dict[type, Any] = {
    forms.Draw: _draw,
    forms.Gather: _gather,
    forms.Guard: _guard,
    forms.Map: _map,
    forms.Matmul: _matmul,
    forms.Reduce: _reduce,
    forms.Scan: _scan,
    forms.Sort: _sort,
}
