"""Axes of views, merged so that loops are few and long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .loops import View


def merge_neighbours(views: list[View]) -> list[View]:
    """Merge neighbouring axes of views of one shape that run through the memory as one in all."""
    lengths: list[int] = []
    strides: list[list[int]] = []  # for each axis, of all views
    for k, n in enumerate(views[0].shape):
        steps = [view.strides[k] for view in views]
        if n == 1:
            continue
        if lengths and strides[-1] == [n * step for step in steps]:
            lengths[-1] *= n
            strides[-1] = steps
        else:
            lengths.append(n)
            strides.append(steps)
    shape = tuple(lengths)
    return [
        view.placed(shape, tuple(steps[j] for steps in strides)) for j, view in enumerate(views)
    ]


def longest_last(views: list[View]) -> list[View]:
    """Merge axes, and put the longest last, where it is the innermost loop."""
    views = merge_neighbours(views)
    shape = views[0].shape
    if not shape:
        return views
    longest = max(range(len(shape)), key=lambda k: (shape[k], k))
    return [view.along(longest) for view in views]
