"""Indexing: basic indices are views, arrays of indices are gathers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..statements import Var, vars_in
from .loops import COPY, Gather, Pick
from .memory import Unsupported, address

if TYPE_CHECKING:
    from .builder import Builder
    from .loops import View

_MODES = {"add", "subtract", "maximum", "minimum", "multiply"}


def lower_getitem(builder: Builder, array: Any, index: Any) -> None:
    """Write out = array[index]."""
    out, base = builder.out, builder.operand(array)
    index = as_tuple(index)
    if is_basic(index):
        builder.copy(out, part_of(base, index))
    else:
        gather(builder, "get", out, base, index)


def lower_setitem(builder: Builder, array: Any, index: Any, value: Any) -> None:
    """Write array[index] = value."""
    base = builder.operand(array)
    given = builder.operand(value, base.dtype)
    index = as_tuple(index)
    if is_basic(index):
        part = part_of(base, index)
        builder.map(COPY, part, without_leading(given, len(part.shape)))
    elif len(index) == 1 and given.size == 1 and _is_computed_mask(builder, index[0]):
        mask = builder.operand(index[0])
        while len(mask.shape) < len(base.shape):
            mask = mask.widened(len(mask.shape))
        builder.map("where", base, mask, given.placed((), ()), base, dtype=base.dtype)
    else:
        gather(builder, "set", given, base, index)


def accumulate_at(builder: Builder, name: str, array: Var, index: Any, value: Any) -> None:
    """Write ufunc.at(array, index, value)."""
    base = builder.operand(array)
    if name not in _MODES or base.dtype.kind == "b":
        raise Unsupported("no backend does this at indices")
    given = builder.operand(value, base.dtype)
    index = as_tuple(index)
    if is_basic(index):
        part = part_of(base, index)
        given = without_leading(given, len(part.shape))
        builder.map(name, part, part, given, dtype=base.dtype)
    else:
        gather(builder, name, given, base, index)


def without_leading(view: View, ndim: int) -> View:
    """Leave out leading axes of length 1 that an assignment ignores."""
    more = max(0, len(view.shape) - ndim)
    return view.placed(view.shape[more:], view.strides[more:])


def as_tuple(index: Any) -> tuple:
    """Return an index as a tuple, also if it is for the first axis alone."""
    return index if isinstance(index, tuple) else (index,)


def is_basic(index: tuple) -> bool:
    """Say whether an index has numbers, slices, None and the ellipsis alone."""
    if vars_in(index):
        return False
    kinds = (int, np.integer, slice, type(None), type(Ellipsis))
    return all(isinstance(i, kinds) and not isinstance(i, bool) for i in index)


def _is_computed_mask(builder: Builder, i: Any) -> bool:
    return isinstance(i, Var) and i.dtype == bool and builder.known(i) is None


def part_of(view: View, index: tuple) -> View:
    """Return the part of a view that a basic index picks."""
    byte = np.empty(1, np.int8)  # never read: only its address counts
    array = np.lib.stride_tricks.as_strided(byte, view.shape, view.strides)
    part = array[index if Ellipsis in index else (*index, ...)]
    return view.placed(part.shape, part.strides, address(part) - address(array))


def gather(builder: Builder, mode: str, other: View, base: View, index: tuple) -> None:
    """Write a read or write at arrays of indices, and numbers, slices and None beside them."""
    picks: list[Pick] = []
    places: list[int] = []  # of the arrays in the index
    sliced: list[Any] = []  # the rest of it: a view
    axis = before = 0
    for place, entry in enumerate(_entries(builder, index, len(base.shape))):
        if entry is None or isinstance(entry, slice):
            if vars_in(entry):
                raise Unsupported("a slice that is computed in each step")
            sliced.append(entry)
        else:
            if not picks:
                before = len(sliced)
            indices = builder.operand(entry)
            picks.append(Pick(indices, base.strides[axis], base.shape[axis]))
            places.append(place)
            sliced.append(0)
        if entry is not None:
            axis += 1
    beside = places[-1] - places[0] < len(places)
    before = before if beside else 0  # with slices between them, their axes come first
    _write(builder, mode, other, part_of(base, tuple(sliced)), picks, before)


def _write(
    builder: Builder,
    mode: str,
    other: View,
    base: View,
    picks: list[Pick],
    before: int,
) -> None:
    """Write the loop: the axes of the indices stand behind so many of those of `base`."""
    shape = np.broadcast_shapes(*(pick.index.shape for pick in picks))
    full = base.shape[:before] + shape + base.shape[before:]
    stay = (0,) * len(shape)
    steps = base.strides[:before] + stay + base.strides[before:]
    after = len(base.shape) - before
    stretched = []
    for pick in picks:
        strides = (0,) * before + pick.index.broadcast(shape).strides + (0,) * after
        stretched.append(Pick(pick.index.placed(full, strides), pick.stride, pick.size))
    base = base.placed(full, steps)
    if mode != "get":
        other = without_leading(other, len(full))
        other = builder.apart(base, other.broadcast(full))
    if other.size:
        loop = Gather(mode=mode, other=other, base=base, picks=tuple(stretched))
        builder.append(loop)


def _entries(builder: Builder, index: tuple, ndim: int) -> list[Any]:
    """List one entry for each axis, and for None; masks as the places where they are true."""
    entries: list[Any] = []
    for i in index:
        if _is_computed_mask(builder, i):
            raise Unsupported("how much a mask picks that is computed in each step would change")
        mask = isinstance(i, Var) and i.dtype == bool
        known = builder.known(i) if mask else i
        if isinstance(known, list):
            if vars_in(known):
                raise Unsupported("a list of computed indices")
            known = np.asarray(known)
        if isinstance(known, np.ndarray) and known.dtype.kind == "b":
            entries += np.nonzero(known)
        elif isinstance(known, (bool, np.bool_)):
            raise Unsupported("a single truth as an index")
        else:
            entries.append(known)
    taken = [i for i in entries if i is not None and i is not Ellipsis]
    rest = [slice(None)] * (ndim - len(taken))
    kinds = list(map(type, entries))
    if type(Ellipsis) not in kinds:
        return entries + rest
    place = kinds.index(type(Ellipsis))
    entries[place : place + 1] = rest
    return entries
