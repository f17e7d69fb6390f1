"""Classify a wrong gradient by comparing it with the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..ops.labels import first_place
from .values import as_double, index_text

if TYPE_CHECKING:
    from collections.abc import Mapping


class Mistake(NamedTuple):
    """The kind of a mistake in a gradient.

    Attributes:
        kind: one of "not connected", "not finite", "sign", "factor", "transpose",
            "broadcast sum", "mask", "incoming gradient", "shape", "failed", "other".
        text: the same in words and numbers, with "it" for the gradient.
    """

    kind: str
    text: str


def diagnose(
    got: Any,
    right: Any,
    *,
    rtol: float = 1e-4,
    known: Any = True,
    counts: Mapping[str, int] | None = None,
    unsummed: Any = None,
) -> Mistake | None:
    """Classify how the gradient `got` differs from the `right` one; None if it does not.

    Args:
        got: an array or Tensor, or None for no gradient at all.
        right: what it should be.
        rtol: elements may differ by this part of themselves, and a hundredth of it of the largest.
        known: where `right` is known, as an array of its shape; elsewhere nothing is compared.
        counts: numbers that are forgotten or doubled easily, such as the number of rows, with
            what they are called. By default the lengths of the axes.
        unsummed: `right` before its sum over the axes along which the input was broadcast.

    Returns:
        The first of these that explains every difference: not connected, a sign, a constant
        factor, a transpose, a missing sum over a broadcast axis, a wrong mask; else the element
        that differs most.
    """
    right = as_double(right)
    known = np.broadcast_to(known, right.shape)
    pair = _Pair(right, known, rtol)
    if got is None:
        if not np.any(right[known]):
            return None
        text = "no gradient is there, though the result depends on it (not connected)"
        return Mistake("not connected", text)
    got = as_double(got)
    if got.shape != right.shape:
        return _other_shape(got, pair)
    if pair.near(got):
        return None
    bad = known & ~np.isfinite(got)
    if bad.any():
        return Mistake("not finite", _element_text(got, right, first_place(bad)))
    if not np.any(got[known]):
        text = "it is zero everywhere, though the result depends on it (not connected)"
        return Mistake("not connected", text)
    if pair.near(-got):
        return Mistake("sign", "it has the wrong sign")
    rows = _one_row(got, pair, unsummed)
    if rows is not None:
        return Mistake("broadcast sum", rows)
    counts = counts_of(got) if counts is None else counts
    factor = pair.factor(got)
    if factor is not None:
        number, why = _named(factor, counts)
        text = f"it is {number} times the right gradient (a constant factor{why})"
        return Mistake("factor", text)
    if got.ndim >= 2 and got.shape[-1] == got.shape[-2]:
        turned = np.swapaxes(got, -1, -2)
        if pair.near(turned):
            return Mistake("transpose", "it is the transpose of the right gradient")
        factor = pair.factor(turned)
        if factor is not None:
            times = _named(factor, counts)[0]
            return Mistake("transpose", f"it is {times} times the transpose of the right gradient")
    mask = _mask(got, pair)
    if mask is not None:
        return Mistake("mask", mask)
    k = _largest(np.where(known, np.abs(got - right), 0.0))
    return Mistake("other", _element_text(got, right, k))


def counts_of(*arrays: Any) -> dict[str, int]:
    """Count what a rule forgets or doubles easily: lengths of axes, and numbers of elements."""
    counts: dict[str, int] = {}
    for array in arrays:
        if isinstance(array, np.ndarray):
            for axis, n in enumerate(array.shape):
                counts.setdefault("the number of rows" if axis == 0 else f"axis {axis}", n)
            counts.setdefault("the number of elements", array.size)
    return counts


class _Pair:
    """The right gradient with tolerances, to compare others with."""

    def __init__(self, right: np.ndarray, known: np.ndarray, rtol: float) -> None:
        self.right = right
        self.known = known
        sizes = np.where(known, np.abs(right), 0.0)
        self.largest = float(sizes.max(initial=0.0))
        self.tolerance = rtol * sizes + 0.01 * rtol * max(self.largest, 1e-3)

    def off(self, got: np.ndarray) -> np.ndarray:
        """Return a mask of the wrong elements; nan always is wrong."""
        with np.errstate(invalid="ignore"):
            return self.known & ~(np.abs(got - self.right) <= self.tolerance)

    def near(self, got: np.ndarray) -> bool:
        return not self.off(got).any()

    def factor(self, got: np.ndarray) -> float | None:
        """Return the constant factor between `got` and the right gradient, if there is one."""
        where = self.known & (np.abs(self.right) > 1e-3 * self.largest)
        if where.sum() < min(2, self.known.sum()):
            return None  # one number of several is in proportion to anything
        factor = float(np.median(got[where] / self.right[where]))
        return factor if factor and self.near(got / factor) else None


def _at(k: tuple[int, ...]) -> str:
    return f" at {index_text(k)}" if k else ""


def _element_text(got: np.ndarray, right: np.ndarray, k: tuple[int, ...]) -> str:
    return f"it is {got[k]:.6g}{_at(k)}, where the right value is {right[k]:.6g}"


def _largest(sizes: np.ndarray) -> tuple[int, ...]:
    return tuple(map(int, np.unravel_index(int(np.argmax(sizes)), sizes.shape)))


def _other_shape(got: np.ndarray, pair: _Pair) -> Mistake:
    right = pair.right
    shapes = f"its shape is {got.shape}, not {right.shape}"
    if got.ndim >= 2:
        turned = np.swapaxes(got, -1, -2)
        if turned.shape == right.shape and pair.near(turned):
            text = f"{shapes}: it is the transpose of the right gradient"
            return Mistake("transpose", text)
    for axis in range(got.ndim):
        for keepdims in (False, True):
            summed = got.sum(axis=axis, keepdims=keepdims)
            if summed.shape == right.shape and pair.near(summed):
                text = f"{shapes}: the sum over the broadcast axis {axis} is missing"
                return Mistake("broadcast sum", text)
    if got.size == right.size and pair.near(got.reshape(right.shape)):
        return Mistake("shape", f"{shapes}: the numbers are right")
    return Mistake("shape", shapes)


def _one_row(got: np.ndarray, pair: _Pair, unsummed: Any) -> str | None:
    """Recognise one of the slices of which `got` should be the sum."""
    if unsummed is None or np.shape(unsummed) == got.shape:
        return None
    parts = np.asarray(unsummed, np.float64)
    for axis in range(parts.ndim):
        for k in range(parts.shape[axis]):
            part = np.take(parts, k, axis)
            if part.size != got.size:
                break
            row = _Pair(part.reshape(got.shape), pair.known, 1e-3)
            if parts.shape[axis] > 1 and row.near(got):
                return f"it is part {k} alone: the sum over the broadcast axis {axis} is missing"
    return None


def _mask(got: np.ndarray, pair: _Pair) -> str | None:
    """Recognise a wrong mask: each element is either right, or zero on one side only."""
    wrong = pair.off(got)
    small = pair.tolerance.max(initial=0.0)
    lost, extra = wrong & (np.abs(got) <= small), wrong & (np.abs(pair.right) <= small)
    inverted = lost.any() and extra.any()
    all_wrong = wrong[pair.known].all()
    if not np.array_equal(wrong, lost | extra) or (all_wrong and not inverted):
        return None
    parts = []
    for mask, words in ((lost, "are zero and should not be"), (extra, "should be zero")):
        if mask.any():
            count = f"{int(mask.sum())} of {int(pair.known.sum())}"
            place = _at(first_place(mask))
            parts.append(f"{count} elements {words} (the first{place})")
    rest = "" if all_wrong else "; the others are right"
    return f"a wrong mask: {', '.join(parts)}{rest}"


def _named(factor: float, counts: Mapping[str, int]) -> tuple[str, str]:
    """Write a factor as a number or a fraction, and name what has that size, if anything has."""
    sign, size = "-" if factor < 0 else "", abs(factor)
    for n in (1, 2, 3, 4, *counts.values()):
        for value, shown, over in ((n, f"{n}", ""), (1 / max(n, 1), f"1/{n}", "1 / ")):
            if n and abs(size - value) < 1e-3 * value:
                # 1 and 2 are too common to say what they might be.
                names = [name for name, count in counts.items() if count == n > 2]
                return sign + shown, f": {over}{names[0]}" if names else ""
    return f"{factor:.6g}", ""
