"""Print the tables of docs/performance.md: `python tests/benchmarks --all`, or by name.

    python tests/benchmarks spiral_step ops

Each program runs in a process of its own, pinned to one core. Before and after each, the machine is
looked at; where it is not at rest, a line above the tables says that they are worthless.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from timing import unrest

HERE = Path(__file__).parent
PROGRAMS = (
    "spiral_step",
    "compiled",
    "compile_time",
    "networks",
    "overhead",
    "ops",
    "passes",
    "transforms",
    "live",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument("programs", nargs="*", metavar="NAME", help=", ".join(PROGRAMS))
    parser.add_argument("--all", action="store_true", help="all of them: half an hour")
    parser.add_argument("--core", type=int, default=0, help="to pin to (default: 0)")
    options = parser.parse_args()
    names = PROGRAMS if options.all else tuple(options.programs)
    unknown = [name for name in names if name not in PROGRAMS]
    if unknown or not names:
        parser.error(f"give --all, or some of {', '.join(PROGRAMS)}")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.core})  # the programs inherit it
    failed = [name for name in names if not run(name)]
    if failed:
        sys.exit(f"these failed: {', '.join(failed)}")


def run(name: str) -> bool:
    """Run one program, print what it prints, and return whether it went well."""
    before = unrest()
    program = [sys.executable, str(HERE / f"{name}.py")]
    done = subprocess.run(program, stdout=subprocess.PIPE, text=True)
    reasons = [reason for reason in (before, unrest()) if reason]
    print(f"\n## {name}\n")
    if reasons:
        print(f"**The machine was not at rest: {reasons[0]}. These numbers are worthless.**\n")
    print(done.stdout, flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
