"""Finite differences: slopes from both sides of a point, and how far they can be trusted.

A function along a line is the common form: it takes a distance from a point, and gives a `Change`.
No single step suits every function: where a step is too long the function bends, or leaves its
domain, or meets a kink; where it is too short the change drowns in rounding. So slopes are taken at
steps that shrink tenfold, and the pair of steps whose slopes agree best is believed. Where the
slopes on the left and on the right differ and do not approach each other, the point is at a kink:
there no derivative is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST = 256  # elements of one array that are moved one by one
ENOUGH = 48  # elements of a large array that disagree
DOUBLE, SINGLE = 4 * np.finfo(np.float64).eps, 4 * np.finfo(np.float32).eps
RATIO = 10.0  # between two steps
SIGNS = [-1.0, 1.0]
BENT = 1e-3  # part of a slope by which its two sides may differ without a kink


class Change(NamedTuple):
    """A difference between a number beside a point and the number there, or arrays of both.

    Attributes:
        change: the difference.
        size: how large the numbers beside are that were subtracted: what their rounding goes by.
        base: the same at the point.
    """

    change: Any
    size: Any
    base: Any


if TYPE_CHECKING:
    Line = Callable[[Any], Change]  # by the distance from a point
    Moved = Callable[[np.ndarray], Change]  # by an array beside a point


class Slopes(NamedTuple):
    """A gradient by finite differences.

    Attributes:
        values: the slopes, in the shape of the array that was moved; 0 where not known.
        error: how far each may be off; inf where not known: at a kink, outside of the domain.
        left, right: the slopes on either side; nan where they do not settle.
    """

    values: np.ndarray
    error: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @property
    def known(self) -> np.ndarray:
        return np.isfinite(self.error)

    @property
    def kinks(self) -> np.ndarray:
        """Return a mask of the elements where the slopes on the two sides differ."""
        return ~self.known & np.isfinite(self.left) & np.isfinite(self.right)


def signed_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw numbers of both signs, none small and no two the same.

    What cancels or agrees by chance does not with these.
    """
    signs = rng.choice(SIGNS, shape)
    return signs * rng.uniform(0.5, 1.5, shape)


def weighed_change(outs: Sequence[Any], at: Sequence[Any], weights: Sequence[Any]) -> Change:
    """Return the change of the weighed sum of several arrays; those without weights are left out.

    Elements that did not change add nothing, and nothing to the rounding either.
    """
    total, size, base = 0.0, 0.0, 0.0
    for out, before, weight in zip(outs, at, weights, strict=True):
        if weight is None:
            continue
        difference = np.asarray(out - before)
        moved = difference != 0
        changes = difference * weight
        sizes = np.abs(out * weight)
        bases = np.abs(before * weight)
        total += np.sum(changes[moved])
        size += np.sum(sizes[moved])
        base += np.sum(bases[moved])
    return Change(float(total), float(size), float(base))


def _climb(line: Line, steps: Sequence[Any], eps: float) -> Slopes:
    """Return the slopes at 0 of a function along a line, by steps that shrink by `RATIO`."""
    h = np.stack(steps)
    with np.errstate(all="ignore"):
        ups = [line(step) for step in steps]
        downs = [line(-step) for step in steps]
        gains = np.stack([up.change for up in ups])
        losses = np.stack([down.change for down in downs])
        right = gains / h
        left = -losses / h
        rounding = _rounding(ups, downs, eps) / h
        middle = (left + right) / 2
        steady = _jitter(middle, h)
        rounding[:-2] = np.maximum(rounding[:-2], steady)

        drift = np.abs(middle[1:] - middle[:-1])
        long_rounding, short_rounding = rounding[:-1], rounding[1:]
        steepest = np.maximum(np.abs(left), np.abs(right))[1:]
        noise = 4 * (short_rounding + long_rounding)
        agree = drift <= 1e-2 * steepest + noise

        bends = np.abs(right - left)
        bend = bends[1:]
        straight = bend <= BENT * steepest + 4 * short_rounding
        shrinking = bend <= 3 / RATIO * bends[:-1]
        shrinking &= bend <= 2.5 * steepest
        smooth = agree & (straight | shrinking)

        step_change = np.diff(middle, axis=0)
        values = middle[1:] + step_change / (RATIO**2 - 1)
        smooth &= np.isfinite(values)
        error = 0.02 * drift + short_rounding + long_rounding / RATIO**2
        value, least = _best(values, np.where(smooth, error, np.inf))
        sides = [_settled(side, short_rounding) for side in (left, right)]
    return Slopes(np.where(np.isfinite(least), value, 0.0), least, *sides)


def _rounding(ups: list[Change], downs: list[Change], eps: float) -> np.ndarray:
    """Return how far rounding may put changes off, for each step."""
    sizes = [up.size + down.size for up, down in zip(ups, downs)]
    base = np.fmax.reduce([move.base for move in ups + downs])
    return eps * (np.stack(sizes) + base)


def _jitter(middle: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Return the rounding of slopes that shows at shorter steps, for all but the last two.

    What jitters there is rounding on the way, and as large in a change at a longer step.
    """
    jumps = np.abs(middle[1:] - middle[:-1])
    changes = jumps * h[1:]
    changes[~np.isfinite(changes)] = 0.0
    largest = np.maximum.accumulate(changes[::-1], axis=0)[::-1]
    return largest[1:] / h[:-2]


def _best(values: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values with the least errors, and these errors."""
    best = np.argmin(error, axis=0)[None]
    value = np.take_along_axis(values, best, 0)[0]
    return value, np.take_along_axis(error, best, 0)[0]


def _settled(side: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """Return the one-sided slopes where those of shrinking steps agree best; nan if none do."""
    before, here = side[:-1], side[1:]
    drift = np.abs(here - before)
    agree = drift <= 2e-2 * np.abs(here) + 4 * rounding
    agree |= np.abs(here) <= 3 / RATIO * np.abs(before)  # it goes to 0
    agree &= np.isfinite(here)
    value, error = _best(here, np.where(agree, drift + rounding, np.inf))
    return np.where(np.isfinite(error), value, np.nan)


def _ladder(longest: Any, shortest: Any) -> list[Any]:
    """Return steps from the longest to the shortest, in arrays if those are."""
    spans = np.asarray(longest) / shortest
    decades = np.log10(np.max(spans, initial=1.0))
    count = int(decades) + 3
    return [longest / RATIO**k for k in range(count)]


def _reach(x: np.ndarray, largest: Any) -> tuple[Any, Any]:
    """Return the longest and the shortest step that are tried for elements `x`."""
    sizes = np.abs(x)
    longest = 0.1 * np.maximum(1.0, largest)
    # Beyond 1e-150 the squares of a rule are 0 themselves.
    sizes = np.where(sizes > 0, sizes, 1e-3)
    shortest = 1e-8 * np.clip(sizes, 1e-150, 1.0)
    return longest, shortest


def slopes(
    change: Moved,
    x: np.ndarray,
    computed: np.ndarray | None = None,
    rng: np.random.Generator | None = None,
    among: np.ndarray | None = None,
    most: int = MOST,
) -> Slopes:
    """Return the gradient of a number at `x`, by finite differences.

    Elements that agree with the computed gradient at a usual step are done; the others are looked
    at closely. Of a large array some elements are moved one by one. If there is a gradient to be
    checked, groups of all the others are moved together, and a group that disagrees with it is
    searched for the wrong element.

    Args:
        change: takes an array beside `x`, and returns how the number there differs.
        x: the point.
        computed: the gradient that is to be checked, if there is one.
        rng: chooses the elements that are moved.
        among: a mask of the only elements to be moved.
        most: how many elements may be moved one by one.
    """
    rng = rng or np.random.default_rng(0)
    flat = x.ravel()
    fits = computed is not None and np.shape(computed) == x.shape
    claims = np.asarray(computed, np.float64).ravel() if fits else None
    eps = precision_of(change, x)
    largest = float(np.max(np.abs(flat), initial=0.0))
    columns = np.zeros((4, x.size))
    columns[1:] = np.array([[np.inf], [np.nan], [np.nan]])
    done = np.zeros(x.size, bool)
    wrong = 0

    def along(elements: np.ndarray, direction: Any, steps: list[float]) -> Slopes:
        line = _line(change, x, elements, direction)
        return _climb(line, steps, eps)

    def move(elements: np.ndarray) -> None:
        nonlocal wrong
        for k in elements[~done[elements]]:
            if x.size > most and wrong > ENOUGH:
                return
            one = np.array([k])
            done[k] = True
            if claims is not None and eps == DOUBLE:
                near = along(one, 1.0, _usual_steps(flat[one]))
                columns[:, k] = near
                slack = 1e-6 * abs(near.values)
                gap = abs(near.values - claims[k])
                if max(near.error, gap) <= slack:
                    continue
                wrong += 1
            reach = _reach(flat[k], largest)
            columns[:, k] = along(one, 1.0, _ladder(*reach))

    if among is not None:
        move(rng.permutation(np.flatnonzero(among))[:most])
    elif x.size <= most:
        move(np.arange(x.size))
    else:
        move(rng.choice(x.size, MOST // 2, replace=False))
        if claims is not None:
            signs = rng.choice(SIGNS, x.size)

            def is_wrong(group: np.ndarray) -> bool:
                direction = signs[group]
                slope = along(group, direction, _usual_steps(flat[group]))
                gains = claims[group] * direction
                gap = np.abs(np.sum(gains) - slope.values)
                slack = 1e-5 * np.abs(slope.values)
                slack += 1e-8 * np.sum(np.abs(gains))
                return bool(gap > slack + 10 * slope.error)

            move(_suspects(is_wrong, x.size))
    return Slopes(*columns.reshape(4, *x.shape))


def _usual_steps(x: np.ndarray) -> list[float]:
    size = float(np.max(np.abs(x), initial=1.0))
    return [1e-4 * size, 1e-5 * size]


def _line(change: Moved, x: np.ndarray, elements: Any, direction: Any) -> Line:
    """Return the change for moving some elements of `x` together."""

    def line(distance: Any) -> Change:
        moved = x.flatten()
        moved[elements] += distance * direction
        return change(moved.reshape(x.shape))

    return line


def directional_slope(line: Line, size: float, shape: tuple[int, ...] = ()) -> Slopes:
    """Return the slopes at 0 of a function along a line.

    Args:
        line: the function.
        size: how large the number is that moves.
        shape: of the values of the function.
    """
    steps = _ladder(*_reach(np.asarray(size), size))
    return _climb(line, [np.full(shape, step) for step in steps], DOUBLE)


def precision_of(change: Moved, x: np.ndarray) -> float:
    """Return the rounding of a function, as a part of its values.

    Float32 somewhere inside of it shows where tiny moves are rounded away.
    """
    rng = np.random.default_rng(1)
    direction = rng.choice(SIGNS, x.shape)
    if np.any(x):
        direction = direction * np.abs(x)
    with np.errstate(all="ignore"):
        once, twice, far = (change(x + step * direction) for step in (1e-9, 2e-9, 1e-3))
        bend = abs(twice.change - 2 * once.change)
        in_proportion = bend <= 0.1 * abs(once.change)
        # A change that double precision would round away tells nothing.
        lost = abs(far.change) * 1e-6 <= 100 * DOUBLE * (far.size + far.base)
    return DOUBLE if lost or (once.change != 0 and in_proportion) else SINGLE


def _suspects(is_wrong: Callable[[np.ndarray], bool], size: int) -> np.ndarray:
    """Return few elements, a wrong one among them; none if all together show nothing wrong."""
    everything = np.arange(size)
    groups = [everything]
    while True:
        group = next(filter(is_wrong, groups), everything[:0])
        if len(group) <= MOST // 2:
            return group
        middle = len(group) // 2
        groups = [group[:middle], group[middle:]]


def pointwise_slopes(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> Slopes:
    """Return the slope of each element of the result, for an `f` of each element on its own."""
    at = f(x)
    x = np.broadcast_to(x, at.shape)
    eps = DOUBLE if at.dtype.itemsize >= 8 else SINGLE  # float64 or wider

    def line(distance: np.ndarray) -> Change:
        out = f(x + distance)
        return Change(out - at, np.abs(out), np.abs(at))

    reach = _reach(x, np.abs(x))
    ladder = _ladder(*reach)
    steps = [np.broadcast_to(h, x.shape) for h in ladder]
    return _climb(line, steps, eps)
