"""`Text`: a string that a terminal shows as it is, and small helpers to make one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import short_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "Text",
    "array_text",
    "at_index",
    "columns",
    "counted",
    "listed",
    "number",
    "shape_text",
    "share_of",
    "where_text",
]


class Text(str):
    """A string of several lines. Its repr is the text itself, so that a prompt shows it as such."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def shape_text(shape: tuple[int, ...] | None) -> str:
    """`300×64`, or "a number"."""
    if shape is None:
        return "several arrays"
    return "×".join(map(str, shape)) or "a number"


def where_text(place: tuple[str, int] | None) -> str:
    """The user's line as `spiral.py:31`; "" if there is none."""
    if place is None:
        return ""
    return f"line {place[1]}" if place[0].startswith("<") else short_place(place)


def counted(count: int, what: str) -> str:
    """`1 op`, `2,300 ops`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def number(value: Any) -> str:
    """A number with three significant digits."""
    return f"{float(value):.3g}"


def at_index(index: tuple[int, ...]) -> str:
    """`[3, 1]`; nothing for a single number."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def share_of(where: np.ndarray) -> str:
    """`12 of 300`: how many are true."""
    return f"{int(np.sum(where)):,} of {where.size:,}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


def array_text(value: Any, prefix: str = "") -> str:
    """An array with four significant digits; lines after the first indented as far as `prefix`."""
    return np.array2string(
        np.asarray(value),
        precision=4,
        separator=", ",
        suppress_small=True,
        threshold=60,
        edgeitems=3,
        prefix=prefix,
    )


def columns(rows: Iterable[Sequence[str]], indent: int = 2) -> list[str]:
    """The rows as lines, each column as wide as its widest cell."""
    table = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    return [
        (" " * indent + "  ".join(c.ljust(w) for c, w in zip(row, widths) if w)).rstrip()
        for row in table
    ]
