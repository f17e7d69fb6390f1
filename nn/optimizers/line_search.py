"""Line search: how far to go in a direction, by the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

DECREASE = 1e-4  # of the loss, as a share of what the first slope promises
CURVATURE = 0.9  # the largest share of the first slope that may be left
MOST = 25  # evaluations


class Point(NamedTuple):
    """A place on the line: how far it is, the loss, its slope along the line, its gradient."""

    t: float
    loss: float
    slope: float
    g: Any


def strong_wolfe(at: Callable[[float], Point], start: Point, first: float, narrow: float) -> Point:
    """Find a place on a line that meets the strong Wolfe conditions.

    These are loss ≤ loss₀ + 10⁻⁴·t·slope₀ and |slope| ≤ 0.9·|slope₀| (Nocedal and Wright, 2006,
    algorithms 3.5 and 3.6, with the cubic of equation 3.59).

    Args:
        at: evaluates the loss at a distance.
        start: where the line begins, with a slope below 0.
        first: the distance to try first.
        narrow: an interval that is not wider is not searched any more.

    Returns:
        The place; the best one that was seen if no place met the conditions in 25 evaluations.
    """
    low, point = start, at(first)
    for k in range(1, MOST):
        if not _is_low(point, start) or (k > 1 and point.loss >= low.loss):
            return _zoom(at, start, low, point, narrow, MOST - k)
        if abs(point.slope) <= -CURVATURE * start.slope:
            return point
        if point.slope >= 0:
            return _zoom(at, start, point, low, narrow, MOST - k)
        # Still downhill: go on, to where a cubic has its minimum, if that is not far.
        step = point.t - low.t
        t = _minimum(low, point)
        t = min(max(t, point.t + 0.01 * step), 10 * point.t) if math.isfinite(t) else 2 * point.t
        low, point = point, at(t)
    return point if point.loss < low.loss else low


def _is_low(point: Point, start: Point) -> bool:
    """Say whether the loss has fallen enough; not if it is nan."""
    return point.loss <= start.loss + DECREASE * point.t * start.slope


def _zoom(
    at: Callable[[float], Point], start: Point, low: Point, high: Point, narrow: float, most: int
) -> Point:
    """Search between two places, of which `low` has the lower loss and a slope towards `high`."""
    for _ in range(most):
        width = high.t - low.t
        if abs(width) <= narrow:
            break
        share = (_minimum(low, high) - low.t) / width
        share = min(max(share, 0.1), 0.9) if math.isfinite(share) else 0.5  # not too near an end
        point = at(low.t + share * width)
        if not _is_low(point, start) or point.loss >= low.loss:
            high = point
            continue
        if abs(point.slope) <= -CURVATURE * start.slope:
            return point
        if point.slope * width >= 0:
            high = low
        low = point
    return low


def _minimum(a: Point, b: Point) -> float:
    """Return where the cubic through two places, with their slopes, has its minimum, or nan."""
    width = b.t - a.t
    d1 = a.slope + b.slope - 3 * (b.loss - a.loss) / width
    square = d1 * d1 - a.slope * b.slope
    if not 0 <= square < math.inf:
        return math.nan
    d2 = math.copysign(math.sqrt(square), width)
    divisor = b.slope - a.slope + 2 * d2
    return b.t - width * (b.slope + d2 - d1) / divisor if divisor else math.nan
