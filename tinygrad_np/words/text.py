"""Values, shapes, places and lists as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import short_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def shape_text(shape: tuple[int, ...] | None) -> str:
    """Return a shape as `300×64`, or "a number"."""
    if shape is None:
        return "several arrays"
    return "×".join(map(str, shape)) or "a number"


def where_text(place: tuple[str, int] | None) -> str:
    """Return the user's line as `spiral.py:31`; "" if there is none."""
    if place is None:
        return ""
    file, line = place
    return f"line {line}" if file.startswith("<") else short_place(place)


def count_text(count: int, noun: str) -> str:
    """Return `1 op`, `2,300 ops`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def number_text(value: Any) -> str:
    """Return a number with three significant digits."""
    return f"{float(value):.3g}"


def index_text(index: tuple[int, ...]) -> str:
    """Return an index as `[3, 1]`; "" for that of a single number."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def share_text(mask: np.ndarray) -> str:
    """Return the count of elements that are true as `12 of 300`."""
    return f"{np.count_nonzero(mask):,} of {mask.size:,}"


def list_text(parts: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    *others, last = parts
    return f"{', '.join(others)} and {last}"


def array_text(value: Any, prefix: str = "") -> str:
    """Return an array with four significant digits, lines after the first below the `prefix`."""
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
    """Return the rows as lines, each column as wide as its widest cell."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = []
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths) if width]
        line = " " * indent + "  ".join(cells)
        lines.append(line.rstrip())
    return lines
