"""Comparison of two source trees, before against after: time and instructions of workloads.

    taskset -c 0 python tests/benchmarks/trees.py BEFORE AFTER --callgrind

A tree is a folder with `tinygrad_np` and `nn` in it, such as a clone of the repository. A round
starts one fresh process for each tree, and the two take short batches in turn, in random order, so
that a slow second of the machine hits both. The ratio is the median over the rounds, with their
range beside it: a range far from 1 is noise as long as it is wide. Instructions (`--callgrind`) do
not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import Timing, header, instructions, markdown, require_valgrind

WORKER = Path(__file__).with_name("workloads.py")
SIDES = ("before", "after")


class Tree:
    """One of the source trees, and the environment in which processes import it."""

    def __init__(self, folder: Path, cache: str):
        self.folder = folder.resolve()
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "PYTHONHASHSEED": "0",
            # Sources are compiled once, and nothing is written into the trees.
            "PYTHONPYCACHEPREFIX": cache,
        }
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def command(self, *arguments: str) -> list[str]:
        """Return the command of the workloads' program."""
        return [sys.executable, str(WORKER), *arguments]

    def workloads(self) -> list[str]:
        """Ask for the names of the workloads."""
        return json.loads(subprocess.check_output(self.command(), env=self.environment))

    def instructions(self, workload: str) -> float:
        """Count the instructions of one call of a workload."""
        return instructions(self.command(workload, "--count"), self.environment)


class Worker:
    """A process that times batches of a workload on request."""

    def __init__(self, tree: Tree, workload: str):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.tree = tree
        self.process = subprocess.Popen(tree.command(workload), env=tree.environment, **pipes)
        report = self.read()
        self.result = report["result"]
        for source in map(Path, report["sources"]):
            if not source.resolve().is_relative_to(tree.folder):
                raise SystemExit(f"{source} was imported in place of {tree.folder}")

    def read(self):
        """Read one line of JSON from the process."""
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a workload failed on {self.tree.folder}; its error is above")
        return json.loads(line)

    def batch(self) -> float:
        """Return the time per call of one batch, in µs."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.read()

    def end(self) -> None:
        """End the process."""
        self.process.communicate()


def time_round(trees: dict[str, Tree], workload: str, batches: int) -> dict[str, Timing]:
    """Time a workload on all trees in fresh processes, batch by batch in random order."""
    workers = {side: Worker(tree, workload) for side, tree in trees.items()}
    check_results(workload, *(worker.result for worker in workers.values()))
    times: dict[str, list[float]] = {side: [] for side in workers}
    sides = list(workers)
    for _ in range(batches):
        random.shuffle(sides)
        for side in sides:
            times[side].append(workers[side].batch())
    for worker in workers.values():
        worker.end()
    return {side: Timing.of(values) for side, values in times.items()}


def check_results(workload: str, before: list[float], after: list[float]) -> None:
    """Stop if the trees compute different results: then their times do not compare."""
    for one, other in zip(before, after, strict=True):
        if not math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6):
            raise SystemExit(f"{workload}: the trees disagree, {one} against {other}")


def time_row(workload: str, rounds: list[dict[str, Timing]]) -> list[str]:
    """Write the row of a workload: times of both trees in µs, and the ratios after / before."""
    totals = {}
    for side in SIDES:
        timings = [timing[side] for timing in rounds]
        median = statistics.median(timing.median for timing in timings)
        minimum = min(timing.minimum for timing in timings)
        totals[side] = Timing(median, minimum)
    ratios = [timing["after"].ratio(timing["before"]).median for timing in rounds]
    of_minima = totals["after"].ratio(totals["before"]).minimum
    return [
        workload,
        *(f"{time:.2f}" for side in SIDES for time in totals[side]),
        f"{statistics.median(ratios):.3f}",
        f"{min(ratios):.3f} to {max(ratios):.3f}",
        f"{of_minima:.3f}",
    ]


def instruction_row(trees: dict[str, Tree], workload: str) -> list[str]:
    """Write the row of a workload: instructions of a call of both trees, and their ratio."""
    progress(f"callgrind: {workload}")
    before, after = (trees[side].instructions(workload) for side in SIDES)
    return [workload, f"{before:,.0f}", f"{after:,.0f}", f"{after / before:.4f}"]


def progress(text: str) -> None:
    """Tell the person who waits, beside the output."""
    print(text, file=sys.stderr, flush=True)


def compare_times(trees: dict[str, Tree], workloads: list[str], options) -> str:
    """Return the table of times; the order of the workloads is random in each round."""
    rounds: dict[str, list[dict[str, Timing]]] = {workload: [] for workload in workloads}
    for number in range(options.rounds):
        progress(f"round {number + 1} of {options.rounds}")
        for workload in random.sample(workloads, len(workloads)):
            timings = time_round(trees, workload, options.batches)
            rounds[workload].append(timings)
    heads = ["µs per call", "before", "minimum", "after", "minimum"]
    heads += ["ratio of medians", "its range", "ratio of minima"]
    return markdown(heads, [time_row(workload, rounds[workload]) for workload in workloads])


def compare_instructions(trees: dict[str, Tree], workloads: list[str]) -> str:
    """Return the table of instructions."""
    heads = ["instructions per call", "before", "after", "ratio"]
    return markdown(heads, [instruction_row(trees, workload) for workload in workloads])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="folder with tinygrad_np and nn")
    parser.add_argument("after", type=Path, help="folder with tinygrad_np and nn")
    parser.add_argument("--rounds", type=int, default=7, help="processes for each workload")
    parser.add_argument("--batches", type=int, default=150, help="batches of each process")
    parser.add_argument("--only", nargs="*", metavar="WORKLOAD", help="workloads to run")
    parser.add_argument("--callgrind", action="store_true", help="count instructions too")
    options = parser.parse_args()
    for folder in (options.before, options.after):
        for package in ("tinygrad_np", "nn"):
            if not (folder / package).is_dir():
                parser.error(f"no {package} in {folder}")
    if options.callgrind:
        require_valgrind()
    return options


def main() -> None:
    options = parse()
    print(header("numpy"))
    with tempfile.TemporaryDirectory() as cache:
        trees = {side: Tree(getattr(options, side), cache) for side in SIDES}
        known = trees["before"].workloads()
        workloads = options.only or known
        unknown = set(workloads) - set(known)
        if unknown:
            raise SystemExit(f"no workload {', '.join(unknown)}; there are {', '.join(known)}")
        print("\n" + compare_times(trees, workloads, options), flush=True)
        if options.callgrind:
            print("\n" + compare_instructions(trees, workloads))


if __name__ == "__main__":
    main()
