"""Axes of views, merged so that loops are few and long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .loops import View

_LONG = 16  # elements that are worth a loop of their own


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


def inner_last(views: list[View]) -> list[View]:
    """Merge axes, and put the one last that makes the best innermost loop.

    It is one along which the first view's elements lie side by side, unless it is short.
    """
    views = merge_neighbours(views)
    shape, strides = views[0].shape, views[0].strides
    if not shape:
        return views
    enough = min(_LONG, max(shape))
    long = [k for k, n in enumerate(shape) if n >= enough]
    best = min(long, key=lambda k: (abs(strides[k]), -shape[k]))
    return [view.along(best) for view in views]
