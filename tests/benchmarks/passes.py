"""What each pass of the compiler does to the spiral step: statements, memory and time.

taskset -c 0 python tests/benchmarks/passes.py
"""

from __future__ import annotations

import argparse
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from compiled import WORKLOADS, problem, training_step
from timing import header, interleave

import tinygrad_np as tg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    workload = WORKLOADS[1]
    steps, facts = {}, {}
    for count in range(len(tg.PASSES) + 1):
        name = f"+ {tg.PASSES[count - 1]}" if count else "none"
        update, (args, *_) = training_step(
            *problem(workload.widths, workload.batch), workload.captured
        )
        program = tg.compile(update, passes=tg.PASSES[:count])
        program.lower(*args)
        steps[name] = lambda program=program, args=args: program(*args)
        report = program.report(*args)
        facts[name] = (len(report.lines), report.memory, report.peak)
    print(header("numpy"))
    medians = interleave(steps, rounds=options.rounds)
    print("\n| passes | statements | buffers, kB | allocated at the peak, kB | µs per step |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, value in medians.items():
        count, held, peak = facts[name]
        print(f"| {name} | {count} | {held / 1e3:.0f} | {peak / 1e3:.0f} | {value:.1f} |")


if __name__ == "__main__":
    main()
