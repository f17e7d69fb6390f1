"""Effect of each pass of the compiler on the spiral step: statements, memory and time.

taskset -c 0 python tests/benchmarks/passes.py
"""

from __future__ import annotations

import argparse
import functools

from timing import header, interleave, markdown

# isort: split
from compiled import WORKLOADS, problem, training_step

import tinygrad_np as tg


def compile_with(count: int):
    """Compile the spiral step with the first passes, and return the program and its arguments."""
    workload = WORKLOADS[1]
    values = problem(workload.widths, workload.batch)
    update, (args, *_) = training_step(*values, workload.captured)
    program = tg.compile(update, passes=tg.PASSES[:count])
    for _ in range(3):  # at the very start the gradients of the biases are rounding errors alone
        program(*args)
    return program, args


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    steps, facts = {}, {}
    for count, name in enumerate(["none", *(f"+ {name}" for name in tg.PASSES)]):
        program, args = compile_with(count)
        steps[name] = functools.partial(program, *args)
        report = program.report(*args)
        memory = [f"{size / 1e3:.0f}" for size in (report.memory, report.peak)]
        facts[name] = [str(len(report.lines)), *memory]
    print(header("numpy"))
    timings = interleave(steps, rounds=options.rounds)
    rows = []
    for name, timing in timings.items():
        rows.append([name, *facts[name], f"{timing.median:.1f}", f"{timing.minimum:.1f}"])
    heads = ["statements", "buffers, kB", "allocated at the peak, kB", "µs per step", "minimum"]
    print("\n" + markdown(["passes", *heads], rows))


if __name__ == "__main__":
    main()
