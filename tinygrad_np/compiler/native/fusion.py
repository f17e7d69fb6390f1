"""Fusion: neighbouring elementwise loops become one, and what nobody reads is not written."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from ..lowering.loops import Loop, Map, View

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = 100  # values in one loop


class Group:
    """Loops that become one: elementwise ones of one shape, or a single other one.

    Attributes:
        loops: in order.
        end: the time of the last one among all that happens in a program.
        reads, writes: the views that it reads, those of its own values too, and makes.
        stores: the views that are written to memory.
    """

    def __init__(self, time: int, loop: Loop) -> None:
        self.loops: list[Loop] = []
        self.reads: dict[View, None] = {}
        self.writes: dict[View, None] = {}
        self.stores: list[View] = []
        self._beside: dict[int, list[View]] = defaultdict(list)  # views of a buffer
        self.add(time, loop)

    def add(self, time: int, loop: Loop) -> None:
        """Take a loop in."""
        self.end = time
        self.loops.append(loop)
        for view in loop.reads:
            self._note(view, self.reads)
        if loop.write is not None:
            self._note(loop.write, self.writes)

    def _note(self, view: View, views: dict[View, None]) -> None:
        if view not in self.reads and view not in self.writes:
            self._beside[view.buffer].append(view)
        views[view] = None

    def takes(self, loop: Loop) -> bool:
        """Say whether a loop can be carried out together with these, element by element."""
        first = self.loops[0]
        if not isinstance(loop, Map) or not isinstance(first, Map):
            return False
        if loop.out.shape != first.out.shape or len(self.reads) + len(self.writes) > _MOST:
            return False
        for view in loop.operands:
            beside = self._beside.get(view.buffer, ())
            if any(other in self.writes and other.overlaps(view) for other in beside):
                return False
        return not any(map(loop.out.overlaps, self._beside.get(loop.out.buffer, ())))


class Times:
    """Reads and writes of each buffer, in the order of time.

    Attributes:
        kept: the buffers whose contents are needed after the last statement.
    """

    def __init__(self) -> None:
        self.kept: set[int] = set()
        self._events: dict[int, list[tuple[int, View, bool]]] = defaultdict(list)
        self._now = 0

    def add(self, reads: Iterable[View], writes: Iterable[View]) -> int:
        """Add what happens next, and return when that is."""
        self._now += 1
        for view in reads:
            self._events[view.buffer].append((self._now, view, True))
        for view in writes:
            self._events[view.buffer].append((self._now, view, False))
        return self._now

    def add_loop(self, loop: Loop) -> int:
        """Add a loop, and return when it runs."""
        return self.add(loop.reads, [] if loop.write is None else [loop.write])

    def is_needed(self, view: View, after: int) -> bool:
        """Say whether anybody reads what a view has at some time."""
        events = self._events[view.buffer]
        begin = bisect_right(events, after, key=lambda event: event[0])
        for _, other, is_read in itertools.islice(events, begin, None):
            if is_read and (other == view or other.overlaps(view)):
                return True
            if not is_read and other == view:
                return False
        return view.buffer in self.kept


def fuse(loops: list[tuple[int, Loop]], times: Times) -> list[Group]:
    """Join loops, each with its time, and choose what they write to memory."""
    groups: list[Group] = []
    for time, loop in loops:
        if groups and groups[-1].takes(loop):
            groups[-1].add(time, loop)
        else:
            groups.append(Group(time, loop))
    kept = []
    for group in groups:
        if not isinstance(group.loops[0], Map):
            kept.append(group)
            continue
        group.stores = [view for view in group.writes if times.is_needed(view, group.end)]
        if group.stores:
            kept.append(group)
    return kept
