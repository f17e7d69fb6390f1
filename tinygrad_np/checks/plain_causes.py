"""Causes that show in the two gradients alone: the wrong one and the right one."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops.labels import first_place
from .factors import named
from .trials import Target, Trial, at_index, element_text, where_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Explanations = Iterator[tuple[Any, str]]


def not_finite(trial: Trial) -> Explanations:
    got, target = trial.got, trial.target
    if got.shape != trial.right.shape:
        return
    bad = target.known & ~np.isfinite(got)
    if bad.any():
        yield "", element_text(got, trial.right, bad)
        return
    bad = target.finite & ~np.isfinite(got)
    if bad.any():
        k = first_place(bad)
        sides = ""
        if target.sides is not None:
            left, right = (f"{side[k]:.4g}" for side in target.sides)
            sides = f", between the slopes {left} and {right}"
        yield "", f"it is {got[k]}{at_index(k)}, where the result is finite: a kink{sides}"


# --- another shape --------------------------------------------------------------------------------


def _shapes(trial: Trial) -> str:
    return f"its shape is {trial.got.shape}, not {trial.right.shape}"


def _is_misshapen(trial: Trial) -> bool:
    return trial.got.shape != trial.right.shape


def transpose_of_another_shape(trial: Trial) -> Explanations:
    if not _is_misshapen(trial) or trial.got.ndim < 2:
        return
    if trial.target.near(np.swapaxes(trial.got, -1, -2)):
        yield "", f"{_shapes(trial)}: it is the transpose of the right gradient"


def missing_sum(trial: Trial) -> Explanations:
    if not _is_misshapen(trial):
        return
    for axis in range(trial.got.ndim):
        for keepdims in (False, True):
            if trial.target.near(trial.got.sum(axis=axis, keepdims=keepdims)):
                text = f"the sum over the broadcast axis {axis} is missing"
                yield axis, f"{_shapes(trial)}: {text}"


def sum_of_another_shape(trial: Trial) -> Explanations:
    if _is_misshapen(trial):
        yield from _other_sums(trial, f"{_shapes(trial)}: it is")


def another_shape(trial: Trial) -> Explanations:
    if not _is_misshapen(trial):
        return
    if trial.got.size == trial.right.size and trial.target.near(
        trial.got.reshape(trial.right.shape)
    ):
        yield "", f"{_shapes(trial)}: the numbers are right"
    else:
        yield "", _shapes(trial)


def sum_over_another_axis(trial: Trial) -> Explanations:
    yield from _other_sums(trial, "it is")


def _other_sums(trial: Trial, start: str) -> Explanations:
    """Try the sums of the gradient before its sum, over other axes than the right ones."""
    parts = trial.unsummed
    if parts is None or parts.shape == trial.right.shape:
        return
    axes = range(parts.ndim)
    choices = [c for n in range(1, parts.ndim + 1) for c in itertools.combinations(axes, n)]
    right = next((c for c in choices if _fits(parts.sum(axis=c), trial.right)), None)
    if right is None:
        return  # it is a sum of something else
    for choice in choices:
        summed = parts.sum(axis=choice)
        if choice == right or summed.size not in (1, trial.got.size):
            continue
        if np.allclose(summed.ravel(), trial.got.ravel(), rtol=1e-4):
            over = f"the sum over axis {_axes(choice)}, not over axis {_axes(right)}"
            yield choice, f"{start} {over}"


def _fits(summed: np.ndarray, right: np.ndarray) -> bool:
    return summed.size == right.size and np.allclose(summed.ravel(), right.ravel(), rtol=1e-4)


def _axes(axes: tuple[int, ...]) -> str:
    return " and ".join(map(str, axes))


# --- absent, rounded, added up --------------------------------------------------------------------


def zero_everywhere(trial: Trial) -> Explanations:
    if np.any(trial.got[trial.target.known]):
        return
    if trial.penalties:
        yield "", "it is the term of the penalty alone: what comes by the output is missing"
    else:
        yield "", "it is zero everywhere, though the result depends on it (not connected)"


def accumulated(trial: Trial) -> Explanations:
    earlier = trial.earlier
    if earlier is None or np.shape(earlier) != trial.got.shape or not np.any(earlier):
        return
    if trial.target.near(trial.got - earlier):
        yield "", "it is added up with what an earlier backward left there: start anew each time"


def rounded(trial: Trial) -> Explanations:
    """Recognise an answer of few digits: by its dtype, or by its numbers."""
    dtype, right = trial.dtype, trial.right
    if dtype is not None and dtype.kind in "iu":
        if np.all(np.abs(trial.got - right)[trial.target.known] <= 1):
            yield "", f"its dtype is {dtype}: whole numbers, whose fractions are cut off"
        return
    if dtype is not None and dtype == np.float16:
        if _roughly(trial, 5e-3):
            yield "", "it is computed in float16 (half precision), which rounds it"
        return
    for decimals in range(7):
        if _equal(trial, np.round(right, decimals)) and _equal(
            trial, np.round(trial.got, decimals)
        ):
            yield decimals, f"it is rounded to {decimals} decimals"
            return
    if dtype is not None and dtype == np.float32 and _roughly(trial, 1e-4):
        yield "", "it is computed in float32, which rounds it"


def _equal(trial: Trial, values: np.ndarray) -> bool:
    return bool(np.all(np.abs(trial.got - values)[trial.target.known] <= 1e-12))


def _roughly(trial: Trial, rtol: float) -> bool:
    return Target(trial.right, trial.target.known, rtol).near(trial.got)


# --- wrong gradients that are expected ------------------------------------------------------------


def candidate(trial: Trial) -> Explanations:
    yield from _equal_to(trial, trial.candidates.items())


def slip(trial: Trial) -> Explanations:
    if trial.slips is not None:
        yield from _equal_to(trial, trial.slips())


def _equal_to(trial: Trial, candidates: Iterable[tuple[str, np.ndarray]]) -> Explanations:
    for text, values in candidates:
        wrong = Target(values, trial.target.known, trial.target.rtol)
        if wrong.near(trial.got):
            yield text, text


# --- the right numbers, but ... -------------------------------------------------------------------


def opposite_sign(trial: Trial) -> Explanations:
    if trial.target.near(-trial.got):
        yield "", "it has the wrong sign"


def one_part_of_the_sum(trial: Trial) -> Explanations:
    """Recognise one of the slices of which the gradient should be the sum."""
    parts = trial.unsummed
    if parts is None or parts.shape == trial.right.shape:
        return
    for axis in range(parts.ndim):
        for k in range(parts.shape[axis]):
            part = np.take(parts, k, axis)
            if part.size != trial.got.size or parts.shape[axis] < 2:
                break
            row = Target(part.reshape(trial.right.shape), trial.target.known, 1e-3)
            if row.near(trial.got):
                text = f"it is part {k} alone: the sum over the broadcast axis {axis} is missing"
                yield (axis, k), text


def constant_factor(trial: Trial) -> Explanations:
    factor = trial.target.factor(trial.got)
    if factor is None:
        return
    name = named(factor, trial.counts)
    if trial.right.size > 1 or "." not in name.text or name.why:  # any number is in proportion
        text = f"it is {name.text} times the right gradient (a constant factor{name.why})"
        yield name.text, text


def transpose(trial: Trial) -> Explanations:
    got = trial.got
    if got.ndim < 2 or got.shape[-1] != got.shape[-2]:
        return
    turned = np.swapaxes(got, -1, -2)
    if trial.target.near(turned):
        yield "", "it is the transpose of the right gradient"
        return
    factor = trial.target.factor(turned)
    if factor is not None:
        times = named(factor, trial.counts).text
        yield times, f"it is {times} times the transpose of the right gradient"


def wrong_mask(trial: Trial) -> Explanations:
    """Recognise a wrong mask: each element is either right, or zero on one side only."""
    got, target = trial.got, trial.target
    wrong = target.off(got)
    small = target.tolerance.max(initial=0.0)
    lost, extra = wrong & (np.abs(got) <= small), wrong & (np.abs(target.right) <= small)
    inverted = lost.any() and extra.any()
    all_wrong = wrong[target.known].all()
    if not np.array_equal(wrong, lost | extra) or (all_wrong and not inverted):
        return
    parts = []
    for mask, words in ((lost, "are zero and should not be"), (extra, "should be zero")):
        if mask.any():
            count = f"{int(mask.sum())} of {int(target.known.sum())}"
            place = at_index(first_place(mask))
            where = where_text(mask, target.known, trial.reads)
            parts.append(f"{count} elements {words} ({where}the first{place})")
    rest = "" if all_wrong else "; the others are right"
    yield "", f"a wrong mask: {', '.join(parts)}{rest}"


def factor_of_some(trial: Trial) -> Explanations:
    """Recognise some elements that all are the same number of times too large."""
    got, target = trial.got, trial.target
    wrong = target.off(got)
    ratio, clear = target.ratio(got)
    clear &= wrong
    count, all_of_them = int(wrong.sum()), int(target.known.sum())
    if clear.sum() < 2 or count == all_of_them:
        return
    factor = float(np.median(ratio[clear]))
    if not factor or not target.near(np.where(wrong, got / factor, got)):
        return
    name = named(factor, trial.counts)
    where = where_text(wrong, target.known, trial.reads)
    some = f"{count} of {all_of_them} elements ({where}the first{at_index(first_place(wrong))})"
    sign = "it has the wrong sign at" if factor == -1 or name.text == "-1" else None
    start = sign or f"it is {name.text} times the right gradient at"
    yield name.text, f"{start} {some}; the others are right"


# --- the right numbers in other places ------------------------------------------------------------


def another_order(trial: Trial) -> Explanations:
    got, right, target = trial.got, trial.right, trial.target
    if right.size < 3 or not target.known.all():
        return
    for axis in range(right.ndim):
        along = f" along axis {axis}" if right.ndim > 1 else ""
        if target.near(np.flip(got, axis)):
            yield ("reversed", axis), f"it is the right gradient in reverse order{along}"
    if right.ndim > 1 and target.near(np.flip(got)):
        yield "reversed", "it is the right gradient in reverse order along all axes"
    for axes in itertools.permutations(range(right.ndim)):
        if target.near(np.transpose(got, axes)):
            text = "it is the right gradient with its axes in another order"
            yield axes, f"{text}: undo it by transpose(..., {axes})"
    for axis in range(right.ndim):
        along = f" along axis {axis}" if right.ndim > 1 else ""
        n = right.shape[axis]
        for k in sorted(range(-(n // 2), n // 2 + 1), key=abs):
            if k and target.near(np.roll(got, -k, axis)):
                yield ("rolled", axis, k), f"it is the right gradient rolled by {k}{along}"
        yield from _shifts(trial, axis, along)
    for order, other in (("F", "C"), ("C", "F")):
        if target.near(got.ravel(order).reshape(right.shape, order=other)):
            yield "columns", "it is the right gradient with columns and rows read in another order"
    for axis in (None, *range(right.ndim)) if right.ndim > 1 else (None,):
        along = "" if axis is None else f" along axis {axis}"
        if _same_numbers(got, right, axis):
            yield ("order", axis), f"it has the right numbers in another order{along}"


def _shifts(trial: Trial, axis: int, along: str) -> Explanations:
    """Try steps of a few places, where other numbers come in at the ends."""
    got, right, n = trial.got, trial.right, trial.right.shape[axis]
    for k in (1, -1, 2, -2, 3, -3):
        if n - abs(k) < 3:
            continue
        start, stop = max(k, 0), min(n + k, n)
        here = np.take(got, range(start, stop), axis)
        there = np.take(right, range(start - k, stop - k), axis)
        if np.ptp(there) and Target(there, np.ones(there.shape, bool), 1e-4).near(here):
            text = f"it is the right gradient shifted by {abs(k)}{along}"
            side = "forwards" if k > 0 else "backwards"
            yield ("shifted", axis, k), f"{text}, {side}: an index is off by {abs(k)}"


def _same_numbers(got: np.ndarray, right: np.ndarray, axis: int | None) -> bool:
    if np.unique(right).size < 3:
        return False
    return np.allclose(np.sort(got, axis), np.sort(right, axis), rtol=1e-4, atol=1e-9)
