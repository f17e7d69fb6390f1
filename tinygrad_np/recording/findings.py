"""`Finding`: one likely mistake; `Findings`: a report of several; `Answer`: the text of one."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

from ..core.printing import Text

if TYPE_CHECKING:
    from collections.abc import Iterable


class Finding(NamedTuple):
    """A likely mistake.

    Attributes:
        kind: a short name of the mistake, such as "probabilities as logits".
        what: a sentence about it.
        where: the user's line, `train.py:31`; "" if it belongs to no line.
        remedy: a sentence on the way out; "" if `what` has it.
    """

    kind: str
    what: str
    where: str
    remedy: str


class Place(str):
    """A line of the user's, `train.py:31`, in a finding about a node.

    Attributes:
        serial: the node's serial number, by which a page finds it; the node would keep its graph.
    """

    __slots__ = ("serial",)
    serial: int | None

    def __new__(cls, text: str, serial: int | None = None) -> Place:
        place = super().__new__(cls, text)
        place.serial = serial
        return place


class Answer(Text):
    """The sentences of a finding.

    Attributes:
        finding: the record.
    """

    finding: Finding

    def __new__(cls, finding: Finding) -> Answer:
        answer = super().__new__(cls, finding.what)
        answer.finding = finding
        return answer

    def __getnewargs__(self) -> tuple[Finding]:  # type: ignore[override]
        return (self.finding,)


class Findings(list[Finding]):
    """A list of findings; printed, a report.

    Attributes:
        not_looked_at: parts that could not be looked at, and what that would need.
    """

    def __init__(self, findings: Iterable[Finding], not_looked_at: Iterable[str]) -> None:
        super().__init__(findings)
        self.not_looked_at = tuple(not_looked_at)

    def __str__(self) -> str:
        lines = [self._title()]
        for number, finding in enumerate(self, 1):
            place = f"{finding.where}: " if finding.where else ""
            lines += _wrapped(f"{number}. {place}{finding.what}", "   ")
            if finding.remedy:
                lines += _wrapped(f"   → {finding.remedy}", "     ")
        if self.not_looked_at:
            lines.append("not looked at:")
        for note in self.not_looked_at:
            lines += _wrapped(f"   {note}", "     ")
        return str(Text("\n".join(lines)))

    __repr__ = __str__

    def _title(self) -> str:
        if not self:
            return "no findings"
        plural = "s" if len(self) > 1 else ""
        return f"{len(self):,} finding{plural}"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=96,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
