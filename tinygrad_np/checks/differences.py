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

    Line = Callable[[Any], Any]  # values along a line, by the distance from a point
    Change = Callable[[np.ndarray], float]  # the number at an array, less the one at a point
    Values = tuple[Any, Any]

MOST = 256  # elements of one array that are moved one by one


def central(f: Line, step: float) -> Any:
    """Return the central difference of `f` at 0: its error is of the order of `step` squared."""
    change = f(step) - f(-step)
    return change / (2 * step)


def one_sided(f: Line, at: Any, step: Any) -> Values:
    """Return the slopes of `f` on the left and on the right of 0, where its value is `at`."""
    left = (at - f(-step)) / step
    right = (f(step) - at) / step
    return left, right


def signed_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw numbers of both signs, none small and no two the same.

    What cancels or agrees by chance does not with these.
    """
    sizes = rng.uniform(0.5, 1.5, shape)
    return sizes * _signs(rng, shape)


def _signs(rng: np.random.Generator, shape: Any) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


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


def _smooth_slopes(f: Line, at: Any, step: Any, p: Precision) -> Values:
    """Return the slopes of `f` at 0, and where they are those of a smooth function."""
    with np.errstate(all="ignore"):
        left, right = one_sided(f, at, step)
        near_left, near_right = one_sided(f, at, step / 2)
        wide = (left + right) / 2
        slope = (near_left + near_right) / 2
        bend = np.abs(right - left)
        near_bend = np.abs(near_right - near_left)
        steepest = np.maximum(np.abs(right), np.abs(left))
        steepest = np.maximum(steepest, np.abs(slope))
        slack = p.kink * steepest + p.atol
        same = np.abs(wide - slope) <= slack
        straight = bend <= slack
        halving = 0.3 * bend <= near_bend
        halving &= near_bend <= 0.7 * bend
        smooth = same & (straight | halving)
        smooth &= np.isfinite(slope)
    return np.where(smooth, slope, 0.0), smooth


def slopes(
    change: Change,
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
    values = np.zeros(x.size, np.float64)
    known = np.zeros(x.size, bool)
    flat = x.ravel()
    p = _precision(change, x)

    def along(elements: np.ndarray, direction: Any) -> Values:
        """Return the slope for moving these elements together."""

        def line(distance: float) -> float:
            moved = flat.copy()
            moved[elements] += distance * direction
            return change(moved.reshape(x.shape))

        largest = float(np.max(np.abs(flat[elements])))
        step = p.step * max(1.0, largest)
        return _smooth_slopes(line, 0.0, step, p)

    def move(elements: np.ndarray) -> None:
        for k in elements:
            if not known[k]:
                values[k], known[k] = along(np.array([k]), 1.0)

    rng = rng or np.random.default_rng(0)
    if x.size <= MOST:
        move(np.arange(x.size))
    else:
        move(rng.choice(x.size, MOST // 2, replace=False))
        if computed is not None and computed.shape == x.shape:
            signs = _signs(rng, x.size)
            move(_suspects(along, computed.ravel(), signs, p))
    return Slopes(values.reshape(x.shape), known.reshape(x.shape), p)


def _precision(change: Change, x: np.ndarray) -> Precision:
    """Detect float32 somewhere inside of a function: there tiny moves are rounded away."""
    signs = _signs(np.random.default_rng(1), x.shape)
    direction = signs * np.maximum(1.0, np.abs(x))
    once = change(x + 1e-9 * direction)
    twice = change(x + 2e-9 * direction)
    far = change(x + 1e-3 * direction)
    bend = abs(twice - 2 * once)
    in_proportion = once != 0 and bend <= 0.1 * abs(once)
    return _DOUBLE if far == 0 or in_proportion else _SINGLE


def _suspects(along: Callable, computed: np.ndarray, signs: np.ndarray, p: Precision) -> np.ndarray:
    """Return few elements, a wrong one among them; none if all together show nothing wrong."""

    def wrong(group: np.ndarray) -> bool:
        direction = signs[group]
        gradient = computed[group]
        slope, smooth = along(group, direction)
        total = float(np.sum(gradient * direction))
        size = float(np.sum(np.abs(gradient)))
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
    exact = at.dtype.itemsize >= 8  # float64 or wider
    p = _DOUBLE if exact else _SINGLE
    step = p.step * np.maximum(1.0, np.abs(x))
    values, known = _smooth_slopes(lambda distance: f(x + distance), at, step, p)
    return Slopes(values, known, p)
