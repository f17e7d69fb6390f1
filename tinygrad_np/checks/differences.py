"""Finite differences that know where they can be trusted.

Central differences at two step sizes. Where the two disagree, or where the slope on the left and
the one on the right differ and do not approach each other, the point is at a kink or beside one:
there no derivative is known, and nothing is said about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Slopes", "pointwise_slopes", "slopes"]

MOST = 256  # elements of one array that are moved one by one


class Precision(NamedTuple):
    """What finite differences can do with numbers of some dtype."""

    step: float
    kink: float  # relative difference between two slopes that makes a kink
    rtol: float
    atol: float


_DOUBLE = Precision(step=1e-5, kink=1e-3, rtol=1e-4, atol=1e-7)
_SINGLE = Precision(step=1e-2, kink=5e-2, rtol=2e-2, atol=2e-3)


class Slopes(NamedTuple):
    """A gradient by finite differences.

    Attributes:
        values: the slopes, in the shape of the array that was moved; 0 where not known.
        known: where they are: moved, finite, and away from kinks.
        precision: how far they can be trusted.
    """

    values: np.ndarray
    known: np.ndarray
    precision: Precision


def _judged(
    before: Any, at: Any, after: Any, near_before: Any, near_after: Any, step: Any, p: Precision
) -> tuple[Any, Any]:
    """The slopes from five values in a row, and where they are those of a smooth function.

    All are differences from nothing: sums of (value times weight), so `at` may be 0.
    """
    with np.errstate(all="ignore"):
        right, left = (after - at) / step, (at - before) / step
        near_right, near_left = (near_after - at) / (step / 2), (at - near_before) / (step / 2)
        wide, slope = (left + right) / 2, (near_left + near_right) / 2
        bend, near_bend = np.abs(right - left), np.abs(near_right - near_left)
        scale = np.maximum(np.maximum(np.abs(right), np.abs(left)), np.abs(slope))
        same = np.abs(wide - slope) <= p.kink * scale + p.atol
        straight = bend <= p.kink * scale + p.atol
        halving = (0.3 * bend <= near_bend) & (near_bend <= 0.7 * bend)
        smooth = same & (straight | halving) & np.isfinite(slope)
    return np.where(smooth, slope, 0.0), smooth


def slopes(
    change: Callable[[np.ndarray], float],
    x: np.ndarray,
    got: np.ndarray | None = None,
    rng: np.random.Generator | None = None,
) -> Slopes:
    """The gradient at x of a number; `change(moved)` is its difference from the one at x.

    Of a large array some elements are moved one by one. If a gradient `got` is there to be
    checked, groups of all the others are moved together, and of a group that disagrees with
    `got` the elements are looked for.
    """
    values, known = np.zeros(x.size, np.float64), np.zeros(x.size, bool)
    flat = x.ravel()
    p = _precision(change, x)

    def along(where: np.ndarray, direction: Any) -> tuple[Any, Any]:
        step = p.step * max(1.0, float(np.max(np.abs(flat[where]))))

        def at(distance: float) -> float:
            moved = flat.copy()
            moved[where] += distance * direction
            return change(moved.reshape(x.shape))

        return _judged(at(-step), 0.0, at(step), at(-step / 2), at(step / 2), step, p)

    def move(each: np.ndarray) -> None:
        for k in each:
            if not known[k]:
                values[k], known[k] = along(np.array([k]), 1.0)

    rng = np.random.default_rng(0) if rng is None else rng
    everything = np.arange(x.size)
    if x.size <= MOST:
        move(everything)
    else:
        move(rng.choice(x.size, MOST // 2, replace=False))
        if got is not None and got.shape == x.shape:
            signs = rng.choice([-1.0, 1.0], x.size)
            move(_suspects(along, everything, got.ravel(), signs, p))
    return Slopes(values.reshape(x.shape), known.reshape(x.shape), p)


def _precision(change: Callable[[np.ndarray], float], x: np.ndarray) -> Precision:
    """Whether float32 is computed with somewhere inside: then tiny moves are rounded away."""
    direction = np.random.default_rng(1).choice([-1.0, 1.0], x.shape) * np.maximum(1.0, np.abs(x))
    once, twice, far = (change(x + size * direction) for size in (1e-9, 2e-9, 1e-3))
    in_proportion = once != 0 and abs(twice - 2 * once) <= 0.1 * abs(once)
    return _DOUBLE if far == 0 or in_proportion else _SINGLE


def _suspects(
    along: Callable, where: np.ndarray, got: np.ndarray, signs: np.ndarray, p: Precision
) -> np.ndarray:
    """Few elements, a wrong one among them; none if moving all together finds nothing wrong."""
    groups = [where]
    while groups:
        for group in groups:
            slope, smooth = along(group, signs[group])
            sizes = float(np.sum(np.abs(got[group])))
            computed = float(np.sum(got[group] * signs[group]))
            if smooth and not abs(computed - slope) <= p.rtol * abs(slope) + p.atol * (1 + sizes):
                break
        else:
            return where[:0]
        if len(group) <= MOST // 2:
            return group
        groups = [group[: len(group) // 2], group[len(group) // 2 :]]
    return where[:0]


def pointwise_slopes(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> Slopes:
    """For an f that acts on each element on its own: the slope of each element of the result."""
    single = f(x).dtype.itemsize < np.dtype(np.float64).itemsize
    p = _SINGLE if single else _DOUBLE
    step = p.step * np.maximum(1.0, np.abs(x))
    with np.errstate(all="ignore"):
        far, at, on, near_far, near_on = (f(x + k * step) for k in (-1.0, 0.0, 1.0, -0.5, 0.5))
    values, known = _judged(far, at, on, near_far, near_on, np.broadcast_to(step, at.shape), p)
    return Slopes(values, known, p)
