"""Comparison of two source trees, before against after: time and instructions of workloads.

    taskset -c 0 python tests/benchmarks/trees.py BEFORE AFTER --callgrind

A tree is a folder with `tinygrad_np` and `nn` in it, such as a clone of the repository. Every run is
a fresh process, and the two trees take turns in random order. The first median of a row is that of
the runs' medians. Instructions do not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
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

    def python(self, *arguments: str):
        """Run the workloads' program in a fresh process, and return the JSON that it prints."""
        command = [sys.executable, str(WORKER), *arguments]
        run = subprocess.run(command, capture_output=True, text=True, env=self.environment)
        if run.returncode:
            raise SystemExit(f"{' '.join(command)} failed on {self.folder}:\n{run.stderr}")
        return json.loads(run.stdout.splitlines()[-1])

    def time(self, workload: str, batches: int) -> dict:
        """Time a workload in a fresh process, and return its report."""
        report = self.python(workload, "--batches", str(batches))
        for source in map(Path, report["sources"]):
            if not source.resolve().is_relative_to(self.folder):
                raise SystemExit(f"{source} was imported in place of {self.folder}")
        return report

    def instructions(self, workload: str) -> float:
        """Count the instructions of one call of a workload."""
        command = [sys.executable, str(WORKER), workload, "--count"]
        return instructions(command, self.environment)


def run_all(trees: dict[str, Tree], workloads: list[str], rounds: int, batches: int) -> dict:
    """Run each workload on each tree, in a new random order every round."""
    turns = [(workload, side) for workload in workloads for side in trees]
    reports: dict[tuple[str, str], list[dict]] = {turn: [] for turn in turns}
    chance = random.Random(1)
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        chance.shuffle(turns)
        for workload, side in turns:
            report = trees[side].time(workload, batches)
            reports[workload, side].append(report)
    return reports


def progress(text: str) -> None:
    """Tell the person who waits, beside the output."""
    print(text, file=sys.stderr, flush=True)


def check_results(reports: dict, workload: str) -> None:
    """Stop if the trees compute different results: then their times do not compare."""
    before, after = (reports[workload, side][0]["result"] for side in SIDES)
    for one, other in zip(before, after, strict=True):
        if not math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6):
            raise SystemExit(f"{workload}: the trees disagree, {one} against {other}")


def time_row(reports: dict, workload: str) -> list[str]:
    """Write the row of a workload: times of both trees in µs, and the ratios after / before."""
    timings = {}
    for side in SIDES:
        runs = reports[workload, side]
        median = Timing.of(run["median"] for run in runs).median
        minimum = min(run["minimum"] for run in runs)
        timings[side] = Timing(median, minimum)
    ratio = timings["after"].ratio(timings["before"])
    times = [f"{time:.2f}" for side in SIDES for time in timings[side]]
    return [workload, *times, f"{ratio.median:.3f}", f"{ratio.minimum:.3f}"]


def instruction_row(trees: dict[str, Tree], workload: str) -> list[str]:
    """Write the row of a workload: instructions of a call of both trees, and their ratio."""
    progress(f"callgrind: {workload}")
    before, after = (trees[side].instructions(workload) for side in SIDES)
    return [workload, f"{before:,.0f}", f"{after:,.0f}", f"{after / before:.4f}"]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="folder with tinygrad_np and nn")
    parser.add_argument("after", type=Path, help="folder with tinygrad_np and nn")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each workload and tree")
    parser.add_argument("--batches", type=int, default=150, help="batches in a run")
    parser.add_argument("--only", nargs="*", help="workloads to run")
    parser.add_argument("--callgrind", action="store_true", help="count instructions too")
    options = parser.parse_args()
    for folder in (options.before, options.after):
        if not (folder / "tinygrad_np").is_dir():
            parser.error(f"no tinygrad_np in {folder}")
    return options


def main() -> None:
    options = parse()
    if options.callgrind:
        require_valgrind()
    print(header("numpy"))
    with tempfile.TemporaryDirectory() as cache:
        trees = {side: Tree(getattr(options, side), cache) for side in SIDES}
        workloads = options.only or trees["before"].python()
        reports = run_all(trees, workloads, options.rounds, options.batches)
        for workload in workloads:
            check_results(reports, workload)
        heads = ["µs per call", "before", "minimum", "after", "minimum", "ratio", "of minima"]
        rows = [time_row(reports, workload) for workload in workloads]
        print("\n" + markdown(heads, rows), flush=True)
        if options.callgrind:
            heads = ["instructions per call", "before", "after", "ratio"]
            rows = [instruction_row(trees, workload) for workload in workloads]
            print("\n" + markdown(heads, rows))


if __name__ == "__main__":
    main()
