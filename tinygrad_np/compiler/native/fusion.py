"""Fusion: neighbouring elementwise loops become one, and what nobody reads is not written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..lowering.loops import Loop, Map, View
from .selection import reads_of, write_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = 24  # arrays in one loop


@dataclass(eq=False)
class Group:
    """Loops that become one: elementwise ones of one shape, or a single other one.

    Attributes:
        end: the time of its last loop among all that happens in a program.
        stores: the views that are written to memory.
    """

    loops: list[Loop]
    end: int
    stores: list[View] = field(default_factory=list)

    @property
    def reads(self) -> list[View]:
        """The views that it reads, those of its own values too."""
        return [view for loop in self.loops for view in reads_of(loop)]

    @property
    def writes(self) -> list[View]:
        """The views that it makes."""
        return [view for view in map(write_of, self.loops) if view is not None]

    def takes(self, loop: Loop) -> bool:
        """Say whether a loop can be carried out together with these, element by element."""
        first = self.loops[0]
        if not isinstance(loop, Map) or not isinstance(first, Map):
            return False
        if loop.out.shape != first.out.shape:
            return False
        reads, writes = self.reads, self.writes
        if len({*reads, *writes, *loop.operands, loop.out}) > _MOST:
            return False
        clash = any(w.overlaps(view) for w in writes for view in (*loop.operands, loop.out))
        return not clash and not any(loop.out.overlaps(view) for view in reads)


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

    def is_needed(self, view: View, after: int) -> bool:
        """Say whether anybody reads what a view has at some time."""
        for time, other, is_read in self._events[view.buffer]:
            if time <= after:
                continue
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
            groups[-1].loops.append(loop)
            groups[-1].end = time
        else:
            groups.append(Group([loop], time))
    kept = []
    for group in groups:
        if not isinstance(group.loops[0], Map):
            kept.append(group)
            continue
        written = dict.fromkeys(group.writes)
        group.stores = [view for view in written if times.is_needed(view, group.end)]
        if group.stores:
            kept.append(group)
    return kept
