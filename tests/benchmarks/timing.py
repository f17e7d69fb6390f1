"""Interleaved timing: all candidates in one process, turn by turn, so that drift hits all alike."""

from __future__ import annotations

import os
import statistics
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def one_core() -> str:
    """Say on which cores this process may run; a comparison needs exactly one."""
    if not hasattr(os, "sched_getaffinity"):
        return "cores: unknown on this system"
    cores = sorted(os.sched_getaffinity(0))
    note = "" if len(cores) == 1 else "  (pin the process: taskset -c 0 python ...)"
    return f"cores: {cores}{note}"


def interleave(
    candidates: dict[str, Callable[[], object]], rounds: int = 40, calls: int = 20
) -> dict[str, float]:
    """Median time of a call of each candidate in µs: `rounds` turns of `calls` calls each."""
    for run in candidates.values():
        for _ in range(calls):
            run()
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            start = time.perf_counter()
            for _ in range(calls):
                run()
            times[name].append((time.perf_counter() - start) / calls * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def table(medians: dict[str, float], *, unit: str, bases: list[str]) -> str:
    """A Markdown table of the medians, with the ratio to each base that was measured."""
    bases = [base for base in bases if base in medians]
    rows = [["", unit, *(f"ratio to {base}" for base in bases)]]
    for name, value in medians.items():
        rows.append([name, f"{value:.1f}", *(f"{value / medians[base]:.2f}" for base in bases)])
    rows.insert(1, ["---", *["---:"] * (len(rows[0]) - 1)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def header(*packages: str) -> str:
    """Versions of Python and the packages that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    python = ".".join(map(str, sys.version_info[:3]))
    return f"Python {python}; {', '.join(found)}; {one_core()}"
