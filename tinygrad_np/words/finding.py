"""`Finding` and `Findings`: what `lint` gives; `Case`: what its checks look at."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

from .text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..core.node import Node
    from .evidence import Evidence

__all__ = ["Case", "Finding", "Findings"]


class Finding(NamedTuple):
    """A likely mistake.

    Attributes:
        kind: a short name of the mistake, such as "probabilities as logits".
        what: what was found.
        where: the user's line, `train.py:31`; "" if it belongs to no line.
        remedy: what to do instead.
    """

    kind: str
    what: str
    where: str
    remedy: str


class Findings(list[Finding]):
    """The findings of `lint`; printed, a report.

    Attributes:
        not_looked_at: what could not be looked at, and what that would need.
    """

    def __init__(self, findings: Iterable[Finding], not_looked_at: Iterable[str]) -> None:
        super().__init__(findings)
        self.not_looked_at = tuple(not_looked_at)

    def __str__(self) -> str:
        lines = [counted(len(self), "finding") if self else "no findings"]
        for k, finding in enumerate(self, 1):
            head = f"{k}. {finding.where}: " if finding.where else f"{k}. "
            lines += _wrapped(head + finding.what, "   ")
            lines += _wrapped(f"   → {finding.remedy}", "     ")
        if self.not_looked_at:
            lines.append("not looked at:")
            for note in self.not_looked_at:
                lines += _wrapped(f"   {note}", "     ")
        return "\n".join(lines)

    __repr__ = __str__


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, 96, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


class Case(NamedTuple):
    """A loss to be looked at.

    Attributes:
        root: its node.
        order: the nodes it was computed from, oldest first, itself the last.
        evidence: names and values.
        model: the `nn.Module`, or None.
    """

    root: Node
    order: list[Node]
    evidence: Evidence
    model: Any
