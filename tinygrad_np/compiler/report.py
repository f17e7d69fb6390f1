"""Costs of the lines of a program: flops, bytes, and measured time."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import time
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.printing import Text
from .statements import Statement, Var

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .variant import Variant

_SECONDS = 0.3  # of measuring


@dataclass
class Line:
    """One statement of the program.

    Attributes:
        code: its text.
        place: file and line of the user's code that it comes from.
        section: "forward", "backward" or "update".
        flops: floating-point operations: 2·m·n·k for a product, one for each element elsewhere.
        nbytes: bytes of the arrays that it reads and writes.
        microseconds: median of the measured times.
    """

    code: str
    place: tuple[str, int] | None
    section: str
    flops: int
    nbytes: int
    microseconds: float


@dataclass
class Report:
    """The lines of a program with their costs; `print(report)` shows them as a table.

    Attributes:
        lines: a `Line` for each statement.
        memory: bytes of the buffers that every call uses again.
        values: bytes that the values in these buffers would take without reuse.
        peak, eager_peak: most bytes that one call allocated on top of what was there: the
            program, and the function itself.
    """

    name: str
    lines: list[Line]
    memory: int
    values: int
    peak: int
    eager_peak: int

    @property
    def microseconds(self) -> float:
        """The sum of the lines' times."""
        return sum(line.microseconds for line in self.lines)

    def __repr__(self) -> str:
        total = self.microseconds or 1.0
        rows = [f"{'µs':>8} {'share':>6} {'kflop':>9} {'kB':>9}  statement"]
        section = ""
        for line in self.lines:
            if line.section != section:
                section = line.section
                part = sum(x.microseconds for x in self.lines if x.section == section)
                rows.append(f"--- {section}: {part:.1f} µs, {part / total:.0%}")
            rows.append(
                f"{line.microseconds:8.2f} {line.microseconds / total:6.1%} "
                f"{line.flops / 1e3:9.1f} {line.nbytes / 1e3:9.1f}  {line.code}"
            )
        rows.append(
            f"{self.name}: {total:.1f} µs in {len(self.lines)} statements; buffers of "
            f"{self.memory / 1e3:.0f} kB hold {self.values / 1e3:.0f} kB of values; one call "
            f"allocates {self.peak / 1e3:.1f} kB at its peak, the function itself "
            f"{self.eager_peak / 1e3:.1f} kB"
        )
        return str(Text("\n".join(rows)))


def measure(variant: Variant, arguments: Any, f: Callable[[], Any]) -> Report:
    """Measure the lines of a program by running it many times on copies of what it changes.

    `f` calls the uncompiled function; it runs once, and what it changes is put back.
    """
    times = _times(variant, arguments)
    lines = []
    text = variant.emitted.source.splitlines()
    for number, statement in variant.emitted.lines.items():
        code = text[number - 1].split("  # ")[0].strip()
        if code == "raise GuardFailed":
            continue
        nbytes = sum(var.nbytes for var in _distinct(statement))
        flops = _flops(statement)
        place, section = statement.place, statement.section
        lines.append(Line(code, place, section, flops, nbytes, times[number]))
    run = variant.new_namespace(variant.emitted.source)[variant.emitted.name]
    with variant.borrowed(arguments) as operands:
        run(*operands)
        peak = _peak(lambda: run(*operands))
    with variant.undone():
        eager_peak = _peak(f)
    program, memory = variant.program, variant.memory
    values = sum(var.nbytes for var in memory.holder if var not in program.placed)
    name = variant.emitted.name
    return Report(name, lines, memory.nbytes, values, peak, eager_peak)


def _distinct(statement: Statement) -> list[Var]:
    """List the values that a statement reads or writes, each once."""
    values = [*statement.reads(), *statement.outs]
    if statement.writes:
        values.append(statement.writes)
    return list(dict.fromkeys(values))


def _flops(statement: Statement) -> int:
    """Estimate the operations of a statement from its kind and shapes."""
    arrays = [v for v in statement.reads() if v.shape is not None]
    if statement.kind == "method" and statement.target == "dot" and len(arrays) == 2:
        x, y = arrays
        return 2 * x.size * (y.shape[-1] if len(y.shape) > 1 else 1)
    if statement.is_ufunc(np.matmul):
        return 2 * statement.out.size * arrays[0].shape[-1]
    if statement.kind != "ufunc":
        return 0
    return max((v.size for v in (*arrays, *statement.outs)), default=0)


def _times(variant: Variant, arguments: Any) -> dict[int, float]:
    """Measure the median time of each line of the emitted function, in microseconds."""
    source = variant.emitted.source.splitlines()
    numbers = list(variant.emitted.lines)
    for number in numbers:
        code = source[number - 1].split("  # ")[0]
        if code.endswith("raise GuardFailed"):
            continue
        indent, is_check, check = code.partition("if ")
        if is_check and not indent.strip():  # the next line raises
            code = f"{indent}_failed = {check.removesuffix(':')}"
            source[number] = f"{indent}if _failed: {source[number].strip()}"
        source[number - 1] = f"{code}; _tick({number})"
    first = min(numbers) - 1  # line numbers begin with 1
    source[first - 1 : first] = [f"    _tick(0)  {source[first - 1].strip()}"]
    namespace = variant.new_namespace("\n".join(source) + "\n")
    ticks: list[tuple[int, float]] = []
    clock = time.perf_counter
    namespace["_tick"] = lambda number: ticks.append((number, clock()))
    run = namespace[variant.emitted.name]
    taken: dict[int, list[float]] = {number: [] for number in numbers}
    with variant.borrowed(arguments) as operands:
        run(*operands)
        end = clock() + _SECONDS
        rounds = 0
        while rounds < 20 or (clock() < end and rounds < 2000):
            ticks.clear()
            run(*operands)
            rounds += 1
            for (_, before), (number, after) in itertools.pairwise(ticks):
                taken[number].append(after - before)
        ticks.clear()
        for _ in range(200):
            namespace["_tick"](0)
    tick = statistics.median(b[1] - a[1] for a, b in itertools.pairwise(ticks))
    medians = {number: statistics.median(t) for number, t in taken.items() if t}
    return {number: max(0.0, medians.get(number, tick) - tick) * 1e6 for number in numbers}


def _peak(run: Callable[[], Any]) -> int:
    """Return the most bytes that are allocated at once while `run` runs."""
    with _traced():
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        run()
        return max(0, tracemalloc.get_traced_memory()[1] - before)


@contextlib.contextmanager
def _traced() -> Iterator[None]:
    was = tracemalloc.is_tracing()
    if not was:
        tracemalloc.start()
    try:
        yield
    finally:
        if not was:
            tracemalloc.stop()
