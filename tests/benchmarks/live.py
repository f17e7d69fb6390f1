"""The runtime of the live page against NumPy: what it can run, how near it comes, how fast it is.

python tests/benchmarks/live.py   (needs Chromium and playwright)
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import time
from pathlib import Path

from timing import header, markdown

# isort: split
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser_steps import RUNTIME, difference, empty_page, load, run_all, train
from op_cases import CASES
from step_cases import TRAININGS, results_of, step_of

import tinygrad_np as tg
from tinygrad_np.compiler.lowering import LoweringError, lower, record_step
from tinygrad_np.page.live.data import live_data, live_kernels

STEPS = 200


def compare_ops(page) -> None:
    """Print how many cases of the op table run in a browser, and which do not, and why."""
    rows = []
    refused: dict[str, set[str]] = collections.defaultdict(set)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-6)):
        programs, right = [], []
        for case in CASES:
            step = step_of(case, dtype)
            try:
                programs.append(lower(record_step(step).program))
            except LoweringError as error:
                refused[str(error).rpartition(": ")[2]].add(case.op.name)
                continue
            right.append(results_of(step))
        far = [difference(*pair) for pair in zip(run_all(page, programs), right, strict=True)]
        near, equal = (sum(d <= limit for d in far) for limit in (tolerance, 0))
        counts = [len(CASES), len(programs), near, equal]
        rows.append([dtype.__name__, *map(str, counts), f"{max(far):.1e}"])
    heads = ["dtype", "cases", "lowered", "agree", "to the last bit", "worst"]
    print("\n" + markdown(heads, rows))
    ops = [[", ".join(sorted(names)), reason] for reason, names in refused.items()]
    print("\n" + markdown(["refused", "since"], ops))


def compare_trainings(page, rounds: int) -> None:
    """Print losses after 200 steps against NumPy's, and times."""
    rows = []
    for name, make in TRAININGS.items():
        cells = []
        for dtype in (np.float64, np.float32):
            step = make(dtype)
            lowered = load(page, step)
            losses = np.array(train(page, STEPS))
            right = np.array([step().item() for _ in range(STEPS)])
            far = np.abs(losses - right) / np.abs(right)
            cells += [f"{far[-1]:.1e}", f"{far.max():.1e}"]
        size = len(json.dumps(live_data(lowered), separators=(",", ":")))
        cells += [f"{size / 1000:.1f}", f"{len(live_kernels(lowered)) / 1000:.1f}"]
        cells += [f"{_in_browser(page, rounds):.0f}", *_in_numpy(make, rounds)]
        rows.append([name, str(len(lowered.loops)), *cells])
    heads = ["step", "loops", "f64, step 200", "f64, worst", "f32, step 200", "f32, worst"]
    heads += ["data, kB", "functions, kB", "µs in Chromium", "µs eager", "µs compiled"]
    print("\n" + markdown(heads, rows))


def _in_browser(page, rounds: int) -> float:
    """The shortest time of a step, in µs, of runs of 50."""
    page.evaluate("for (let i = 0; i < 300; i++) program.step()")
    run = "() => { const t = performance.now(); for (let i = 0; i < 50; i++) program.step(); "
    return 20 * min(page.evaluate(run + "return performance.now() - t; }") for _ in range(rounds))


def _in_numpy(make, rounds: int) -> list[str]:
    cells = []
    for step in (make(np.float32), tg.compile(make(np.float32))):
        times = []
        for _ in range(rounds):
            begin = time.perf_counter()
            for _ in range(20):
                step()
            times.append((time.perf_counter() - begin) / 20)
        cells.append(f"{1e6 * min(times):.0f}")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    print(header("numpy"))
    bare = "\n".join(line.strip() for line in RUNTIME.splitlines() if "// " not in line)
    print(f"\nruntime: {len(RUNTIME) / 1000:.1f} kB, {len(bare) / 1000:.1f} without comments")
    with empty_page() as page:
        compare_ops(page)
        compare_trainings(page, options.rounds)


if __name__ == "__main__":
    main()
