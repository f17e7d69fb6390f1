"""Finite differences: slopes from both sides of a point, and how far they can be trusted.

Functions of a distance along a line are the common form: `f(0)` is at the point, `f(h)` beside it.
`central` is the plain central difference. `slopes` and `pointwise_slopes` take central differences
at two step sizes. Where the two disagree, or where the slope on the left and the one on the right
differ and do not approach each other, the point is at a kink or beside one: there no derivative is
known, and nothing is said about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Line = Callable[[float], Any]  # values along a line, by the distance from a point

__all__ = ["Slopes", "central", "one_sided", "pointwise_slopes", "signed_weights", "slopes"]

MOST = 256  # elements of one array that are moved one by one


def central(f: Line, step: float) -> Any:
    """Return the central difference of `f` at 0: its error is of the order of `step` squared."""
    above, below = f(step), f(-step)
    return (above - below) / (2 * step)


def one_sided(f: Line, at: Any, step: Any) -> tuple[Any, Any]:
    """Return the slopes of `f` on the left and on the right of 0, where its value is `at`."""
    below, above = f(-step), f(step)
    return (at - below) / step, (above - at) / step


def signed_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw numbers of both signs, none small and no two the same.

    What cancels or agrees by chance does not with these.
    """
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


class Precision(NamedTuple):
    """The step and the tolerances for numbers of some dtype."""

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


def _smooth_slopes(f: Line, at: Any, step: Any, p: Precision) -> tuple[Any, Any]:
    """Return the slopes of `f` at 0, and where they are those of a smooth function."""
    with np.errstate(all="ignore"):
        left, right = one_sided(f, at, step)
        near_left, near_right = one_sided(f, at, step / 2)
        wide, slope = (left + right) / 2, (near_left + near_right) / 2
        bend, near_bend = np.abs(right - left), np.abs(near_right - near_left)
        steepest = np.maximum(np.abs(right), np.abs(left))
        slack = p.kink * np.maximum(steepest, np.abs(slope)) + p.atol
        same = np.abs(wide - slope) <= slack
        straight = bend <= slack
        halving = (0.3 * bend <= near_bend) & (near_bend <= 0.7 * bend)
        smooth = same & (straight | halving) & np.isfinite(slope)
    return np.where(smooth, slope, 0.0), smooth


def slopes(
    change: Callable[[np.ndarray], float],
    x: np.ndarray,
    computed: np.ndarray | None = None,
    rng: np.random.Generator | None = None,
) -> Slopes:
    """Return the gradient of a number at `x`, by finite differences.

    Of a large array some elements are moved one by one. If there is a gradient to be checked,
    groups of all the others are moved together, and a group that disagrees with it is searched
    for the wrong element.

    Args:
        change: takes an array beside `x`, and returns the number there less the one at `x`.
        x: the point.
        computed: the gradient that is to be checked, if there is one.
        rng: chooses the elements that are moved.
    """
    values, known = np.zeros(x.size, np.float64), np.zeros(x.size, bool)
    flat = x.ravel()
    p = _precision(change, x)

    def along(elements: np.ndarray, direction: Any) -> tuple[Any, Any]:
        """Return the slope for moving these elements together."""

        def line(distance: float) -> float:
            moved = flat.copy()
            moved[elements] += distance * direction
            return change(moved.reshape(x.shape))

        largest = float(np.max(np.abs(flat[elements])))
        return _smooth_slopes(line, 0.0, p.step * max(1.0, largest), p)

    def move(elements: np.ndarray) -> None:
        for k in elements:
            if not known[k]:
                values[k], known[k] = along(np.array([k]), 1.0)

    rng = np.random.default_rng(0) if rng is None else rng
    if x.size <= MOST:
        move(np.arange(x.size))
    else:
        move(rng.choice(x.size, MOST // 2, replace=False))
        if computed is not None and computed.shape == x.shape:
            signs = rng.choice([-1.0, 1.0], x.size)
            move(_suspects(along, computed.ravel(), signs, p))
    return Slopes(values.reshape(x.shape), known.reshape(x.shape), p)


def _precision(change: Callable[[np.ndarray], float], x: np.ndarray) -> Precision:
    """Detect float32 somewhere inside of a function: there tiny moves are rounded away."""
    signs = np.random.default_rng(1).choice([-1.0, 1.0], x.shape)
    direction = signs * np.maximum(1.0, np.abs(x))
    once, twice, far = (change(x + size * direction) for size in (1e-9, 2e-9, 1e-3))
    in_proportion = once != 0 and abs(twice - 2 * once) <= 0.1 * abs(once)
    return _DOUBLE if far == 0 or in_proportion else _SINGLE


def _suspects(along: Callable, computed: np.ndarray, signs: np.ndarray, p: Precision) -> np.ndarray:
    """Return few elements, a wrong one among them; none if all together show nothing wrong."""

    def wrong(group: np.ndarray) -> bool:
        slope, smooth = along(group, signs[group])
        size = float(np.sum(np.abs(computed[group])))
        total = float(np.sum(computed[group] * signs[group]))
        slack = p.rtol * abs(slope) + p.atol * (1 + size)
        return bool(smooth) and not abs(total - slope) <= slack

    everything = np.arange(computed.size)
    groups = [everything]
    while True:
        group = next(filter(wrong, groups), everything[:0])
        if len(group) <= MOST // 2:
            return group
        middle = len(group) // 2
        groups = [group[:middle], group[middle:]]


def pointwise_slopes(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> Slopes:
    """Return the slope of each element of the result, for an `f` of each element on its own."""
    at = f(x)
    p = _SINGLE if at.dtype.itemsize < np.dtype(np.float64).itemsize else _DOUBLE
    step = p.step * np.maximum(1.0, np.abs(x))
    values, known = _smooth_slopes(lambda distance: f(x + distance), at, step, p)
    return Slopes(values, known, p)
