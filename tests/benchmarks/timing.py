"""Timing of small functions beside each other, and their instructions counted by callgrind.

Import this module before NumPy: it sets every engine to one thread. The caller pins the process to
one core (`taskset -c 0 python ...`), since thread variables alone do not bind every engine.

Candidates take turns in one process, in random order: in a fixed order each one finds the caches as
its neighbour leaves them. The clock is the process's CPU time. It stands still while others have
the core, and it counts the threads that an engine starts, which the clock of one thread misses.
Others still slow a call by taking caches and frequency, so that each median has its minimum beside
it; where the two disagree, count instructions.
"""

from __future__ import annotations

import gc
import operator
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# On Windows the CPU clock ticks every 16 ms only.
CPU_CLOCK_IS_FINE = time.get_clock_info("process_time").resolution < 1e-5
CLOCK = time.process_time_ns if CPU_CLOCK_IS_FINE else time.perf_counter_ns

FEW, MANY = 20, 60  # calls while callgrind counts
LAYOUTS = 7  # of memory, in which it counts them
MOST_TAKEN, MOST_SLOWER = 0.03, 1.25  # on a machine at rest


class Timing(NamedTuple):
    """Time of one call: median and minimum over batches or runs."""

    median: float
    minimum: float

    @classmethod
    def of(cls, times: Iterable[float]) -> Timing:
        """Summarize the times of several batches."""
        times = list(times)
        return cls(statistics.median(times), min(times))

    def scaled(self, factor: float) -> Timing:
        """Return the same timing in another unit, or per part of a call."""
        return Timing(self.median * factor, self.minimum * factor)

    def ratio(self, base: Timing) -> Timing:
        """Return the ratio of the medians, and that of the minima."""
        return Timing(self.median / base.median, self.minimum / base.minimum)


def interleave(
    candidates: Mapping[str, Callable[[], object]], rounds: int = 40, calls: int = 20
) -> dict[str, Timing]:
    """Time a call of each candidate in µs: `rounds` batches of `calls` calls, in random order."""
    for run in candidates.values():
        batch(run, calls)
    times: dict[str, list[float]] = {name: [] for name in candidates}
    names = list(candidates)
    chance = random.Random(1)
    settle()
    for _ in range(rounds):
        chance.shuffle(names)
        for name in names:
            times[name].append(batch(candidates[name], calls))
    gc.unfreeze()
    return {name: Timing.of(values) for name, values in times.items()}


def settle() -> None:
    """Keep the garbage collector from walking the objects that are there already."""
    gc.collect()
    gc.freeze()


def batch(run: Callable[[], object], calls: int) -> float:
    """Return the time per call of one batch, in µs."""
    start = CLOCK()
    for _ in range(calls):
        run()
    return (CLOCK() - start) / calls / 1e3


def unrest(seconds: float = 2.0) -> str:
    """Say what disturbs this machine, by doing the same work again and again; "" if it is at rest.

    Others that take the core make the wall clock run ahead of the CPU's. Others beside it take
    caches and frequency, and some of the runs need longer than the fastest.
    """
    began, cpu, runs = time.perf_counter(), time.process_time(), []
    while time.perf_counter() - began < seconds:
        start = CLOCK()
        sum(range(20_000))
        runs.append(CLOCK() - start)
    taken = 1 - (time.process_time() - cpu) / (time.perf_counter() - began)
    slower = sorted(runs)[9 * len(runs) // 10] / min(runs)
    if taken > MOST_TAKEN:
        return f"others took {taken:.0%} of the core"
    if slower > MOST_SLOWER:
        return f"a tenth of equal runs needs {slower:.2f} times the fastest, or more"
    return ""


# --- instructions --------------------------------------------------------------------------------


def require_valgrind() -> None:
    """Stop with a message if valgrind is not installed."""
    if shutil.which("valgrind") is None:
        raise SystemExit(
            "valgrind is not installed, and counting instructions needs it: "
            "install it (apt-get install valgrind), or time without --callgrind"
        )


def instructions(command: list[str], environment: Mapping[str, str]) -> float:
    """Count the instructions of one call in a program that calls `call_in_forks` and ends."""
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    run = subprocess.run(
        [*callgrind, *command], capture_output=True, text=True, env={**environment}
    )
    counts = [int(digits) for digits in re.findall(r"Collected\s*:\s*(\d+)", run.stderr)]
    if run.returncode or len(counts) != 2 * LAYOUTS + 1:
        raise SystemExit(f"callgrind failed on {' '.join(command)}:\n{run.stderr}")
    *copies, _ = counts
    differences = map(operator.sub, copies[1::2], copies[::2])
    return statistics.median(differences) / (MANY - FEW)


def call_in_forks(run: Callable[[], object]) -> None:
    """Make few calls in one copy of this process and many in another, for callgrind to count.

    The copies share all that came before, so that the difference is the calls alone: not importing
    and not warming up. Some instructions depend on where objects lie in memory (hashes of
    addresses, alignment of arrays), so that several layouts are tried.
    """
    batch(run, FEW)
    settle()
    for layout in range(LAYOUTS):
        for calls in (FEW, MANY):
            copy = os.fork()
            if copy == 0:
                _ = shift_memory(layout)
                batch(run, calls)
                os._exit(0)
            _, status = os.waitpid(copy, 0)
            if status:
                raise SystemExit("a call failed in a copy of the process")


def shift_memory(layout: int) -> list[bytearray]:
    """Take pieces of memory, so that what is allocated from now on lies elsewhere."""
    chance = random.Random(layout)
    return [bytearray(chance.randrange(600)) for _ in range(chance.randrange(300))]


# --- printing ------------------------------------------------------------------------------------


def table(timings: Mapping[str, Timing], *, unit: str, bases: Iterable[str]) -> str:
    """Write a Markdown table of the timings, with ratios to each base that was measured."""
    bases = [base for base in bases if base in timings]
    heads = ["", unit, "minimum"]
    for base in bases:
        heads += [f"ratio to {base}", "of minima"]
    rows = []
    for name, timing in timings.items():
        row = [name, f"{timing.median:.1f}", f"{timing.minimum:.1f}"]
        for base in bases:
            row += [f"{ratio:.2f}" for ratio in timing.ratio(timings[base])]
        rows.append(row)
    return markdown(heads, rows)


def markdown(heads: list[str], rows: Iterable[list[str]]) -> str:
    """Write a Markdown table whose first column is text and whose others are numbers."""
    rule = ["---"] + ["---:"] * (len(heads) - 1)
    return "\n".join(line(row) for row in (heads, rule, *rows))


def line(cells: Iterable[str]) -> str:
    """Write one line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def header(*packages: str) -> str:
    """Name the versions of Python and of packages, and the cores."""
    python = ".".join(map(str, sys.version_info[:3]))
    versions = ", ".join(map(package_version, packages))
    return f"Python {python}; {versions}; {cores()}"


def package_version(package: str) -> str:
    """Name the installed version of a package."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"


def cores() -> str:
    """Name the cores on which this process may run; a comparison needs exactly one."""
    if not hasattr(os, "sched_getaffinity"):
        return "cores: unknown on this system"
    numbers = sorted(os.sched_getaffinity(0))
    advice = "" if len(numbers) == 1 else "  (pin the process: taskset -c 0 python ...)"
    return f"cores: {numbers}{advice}"
