"""Names for values: identifiers made of what the user calls things, each used once."""

from __future__ import annotations

import functools
import keyword
import re

# Names of the emitted text and of an exported file, which no value has.
RESERVED = frozenset(
    {"np", "constants", "GuardFailed", "Path", "state", "checked", "call", "returned"}
)


class Names:
    """Source of identifiers, none of which comes twice.

    Args:
        taken: identifiers that it never gives.
    """

    def __init__(self, taken: set[str]) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def new(self, hint: str) -> str:
        """Return an identifier made of the hint: `dense1.weight` gives dense1_weight."""
        name = _identifier(hint)
        if name not in self._taken:
            self._taken.add(name)
            return name
        while True:
            self._next[name] = number = self._next.get(name, 1) + 1
            numbered = f"{name}_{number}"
            if numbered not in self._taken:
                self._taken.add(numbered)
                return numbered


@functools.lru_cache(maxsize=1024)
def _identifier(hint: str) -> str:
    """Make a hint an identifier."""
    name = re.sub(r"\W+", "_", hint).strip("_") or "t"
    leading = re.match(r"(d_)?(\d+)_(.+)", name)  # the layers of a Sequential are numbered
    if leading:
        name = f"{leading[1] or ''}{leading[3]}_{leading[2]}"
    return f"t_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
