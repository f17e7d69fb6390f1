"""`Variants`: programs of a compiled function by signature, and whether one more is worth it.

A recording costs as much as many calls. So not every signature gets one when it comes first, and
when there have been many of them, only those that take a small part of the time.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .comparison import Unlike, compare_recordings
from .errors import CompileError

if TYPE_CHECKING:
    from .surroundings import Surroundings
    from .tape import Tape
    from .variant import Variant

_MOST_RECORDINGS = 3  # of which no two agree
_MOST_PROGRAMS = 64
_MOST_BYTES = 2**28  # of their memory; sixteen programs are kept in any case
_MOST_WAITING = 32
_MOST_IN_A_ROW = 16  # recordings of one signature without a program
_AT_ONCE = 16  # shapes of arguments that are recorded when they come first
_VALUES_AT_ONCE = 2  # and for each of them, Python values
_MOST_SIGHTS = 1024
_FREE = 64  # recordings; more of them may take this part of the time
_PART = 0.1
_MANY_MISSES = 8  # calls without a program, one after the other


@dataclass
class Recording:
    """A recording that waits for a second one that agrees with it.

    Attributes:
        surroundings: what the function used besides its arguments, as it was before.
        count: how many there were up to this one, each unlike the one before.
    """

    tape: Tape
    surroundings: Surroundings
    count: int = 1

    def same_gradients(self, tape: Tape) -> bool:
        """Say whether the same leaves had no gradient: one that is added to is another program."""
        mine, others = self.tape.state.without_gradient, tape.state.without_gradient
        return list(map(id, mine)) == list(map(id, others))


@dataclass
class Entry:
    """All that there is for one signature: programs, the latest first, and recordings."""

    variants: list[Variant] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    streak: int = 0  # recordings since the last program

    def fitting(self) -> Variant | None:
        """Return the program for what is captured now, if there is one."""
        return next((variant for variant in self.variants if variant.fits()), None)

    def waiting(self) -> list[Recording]:
        """List the recordings of what is captured now."""
        return [r for r in self.recordings if next(r.surroundings.changes(), None) is None]

    def agreement(
        self, name: str, recording: Recording, waiting: list[Recording]
    ) -> set[int] | None:
        """Compare a recording of the function `name` with one that waits; keep it if none agrees.

        Returns:
            The ids of arrays that are constants; None if one more recording is needed.

        Raises:
            CompileError: the function does something else in each call.
        """
        if self.streak > 1:
            changed, line = next(recording.surroundings.changes(), ("", ""))
            if changed:
                raise CompileError(
                    f"{line}{name} changes {changed}, a Python value: the compiled function would "
                    "not. Instead: return what should be kept, hold a number in a "
                    "tinygrad_np.Number, or change it outside of the compiled function."
                )
        before = next((r for r in waiting if r.same_gradients(recording.tape)), None)
        if before is not None:
            self.recordings.remove(before)
            recording.count = before.count + 1
            try:
                return compare_recordings(before.tape, recording.tape)
            except Unlike as unlike:
                if recording.count == _MOST_RECORDINGS:
                    raise CompileError(
                        f"{name} does something else in each call ({unlike}): it can't be "
                        "compiled. Instead: branch outside of the compiled function."
                    ) from None
        self.recordings.append(recording)
        return None


class Variants:
    """The programs and recordings by signature; those used least recently go."""

    def __init__(self) -> None:
        self.entries: OrderedDict[Any, Entry] = OrderedDict()
        self.programs = 0  # made so far
        self.misses = 0  # calls in a row that found no program and were not recorded
        self._recorded = 0
        self._spent = 0.0  # seconds, of recordings and programs that were not free
        self._since = 0.0  # when these began
        self._shapes: dict[Any, int] = {}  # how many Python values were recorded with each
        self._sights: OrderedDict[int, None] = OrderedDict()  # signatures seen once, as hashes

    def __len__(self) -> int:
        return sum(len(entry.variants) for entry in self.entries.values())

    def fitting(self, key: Any) -> Variant | None:
        """Return the program for a signature and what is captured now, if there is one."""
        entry = self.entries.get(key)
        variant = entry and entry.fitting()
        if variant:
            self.entries.move_to_end(key)
            self.misses = 0
        return variant or None

    def admits(self, key: Any) -> bool:
        """Say whether to record a call of a signature for which no program fits."""
        entry = self.entries.get(key)
        shapes = key[0]
        values = self._shapes.get(shapes, 0)
        first = values < _VALUES_AT_ONCE if values else len(self._shapes) < _AT_ONCE
        known = entry is not None or hash(key) in self._sights
        admitted = self._affordable() and (known or first)
        if entry is not None and entry.streak >= _MOST_IN_A_ROW:
            admitted = False
        if admitted and entry is None:
            self._sights.pop(hash(key), None)
            self.entries[key] = Entry()
            if first:
                self._shapes[shapes] = values + 1
        if not admitted:
            self.misses += 1
            if not known:
                self._sights[hash(key)] = None
                _drop_first(self._sights, _MOST_SIGHTS)
        return admitted

    def thrashes(self) -> bool:
        """Say whether calls hardly find a program that was made for them."""
        return self.misses >= _MANY_MISSES or not self._affordable()

    def rest(self) -> int:
        """Return for how many calls it is not worth while to look for a program."""
        over = self.misses - 2 * _MANY_MISSES
        return min(2**over, 128) if over >= 0 else 0

    def _affordable(self) -> bool:
        if self._recorded <= _FREE:
            return True
        return self._spent <= _PART * (time.process_time() - self._since)

    def spend(self, begin: float) -> None:
        """Add the time since the beginning of a recording to what was spent."""
        if self._recorded < _FREE:
            return
        now = time.process_time()
        self._since = self._since or begin
        self._spent += now - begin

    def count(self, key: Any) -> Entry:
        """Count a recording of a signature, and return what there is for it."""
        self._recorded += 1
        entry = self.entries.setdefault(key, Entry())
        self.entries.move_to_end(key)
        entry.streak += 1
        return entry

    def trim(self) -> None:
        """Bound what the waiting recordings keep."""
        waiting = 0
        for entry in reversed(self.entries.values()):
            for recording in entry.recordings:
                recording.tape.forget_values()
            waiting += len(entry.recordings)
            if waiting > _MOST_WAITING:
                entry.recordings.clear()
        self._drop_empty()

    def add(self, key: Any, variant: Variant) -> None:
        """Add a program, and let those go that were used least recently."""
        self.programs += 1
        entry = self.entries.setdefault(key, Entry())
        self.entries.move_to_end(key)
        entry.variants.insert(0, variant)
        entry.streak = 0
        count = len(self)
        nbytes = sum(v.memory.nbytes for e in self.entries.values() for v in e.variants)
        for old in list(self.entries.values()):
            while old.variants and old.variants[-1] is not variant:
                small = count <= _MOST_PROGRAMS // 4 or nbytes <= _MOST_BYTES
                if count <= _MOST_PROGRAMS and small:
                    break
                dropped = old.variants.pop()
                count -= 1
                nbytes -= dropped.memory.nbytes
        self._drop_empty()

    def _drop_empty(self) -> None:
        for key in [k for k, e in self.entries.items() if not e.variants and not e.recordings]:
            if next(reversed(self.entries)) != key:
                del self.entries[key]


def _drop_first(entries: OrderedDict, most: int) -> None:
    while len(entries) > most:
        entries.popitem(last=False)
