"""A sweep: the same network trained with many settings, in several processes at a time.

Each training is a function of its setting alone, so that it gives the same number, bit for bit,
wherever it runs. The processes have one thread of BLAS each; the cores are taken already.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

try:
    import sheet
    from program import Stop, parse, run_program

    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

WIDTHS = (2, 4, 8, 16, 32)
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}


class Setting(NamedTuple):
    width: int
    rate: float
    seed: int
    epochs: int
    compile: bool


def train(setting: Setting) -> float:
    """Train a network on two moons; its accuracy on fresh points."""
    data = np.random.default_rng(0)
    seen, fresh = nn.data.moons(50, 0.2, rng=data), nn.data.moons(500, 0.2, rng=data)
    rng = np.random.default_rng(setting.seed)
    sizes = itertools.pairwise((2, setting.width, setting.width, 2))
    layers = [(nn.Linear(*size, rng=rng), nn.Tanh()) for size in sizes]
    model = nn.Sequential(*itertools.chain(*layers))[:-1]
    nn.fit(
        model, *seen, loss="cross_entropy", optimizer=nn.Adam(model.parameters(), setting.rate),
        epochs=setting.epochs, compile=None if setting.compile else False, progress=False,
    )  # fmt: skip
    return nn.evaluate(model, *fresh, loss="cross_entropy", metrics=["accuracy"])["accuracy"]


def sweep(settings: list[Setting], jobs: int) -> list[float]:
    """The accuracy of each setting; after Ctrl-C, of those that were done."""
    os.environ.update(ONE_THREAD)  # for processes that import NumPy from now on
    spawn = get_context("spawn")  # they start empty, on every system
    ignore = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that hands out the work
    with Stop() as stop, ProcessPoolExecutor(jobs, spawn, signal.signal, ignore) as pool:
        results = []
        for result in pool.map(train, settings):
            results.append(result)
            if stop.wanted:
                pool.shutdown(cancel_futures=True)
                break
    return results


def draw(path: Path, accuracy: np.ndarray, subtitle: str, reached: dict[str, str]) -> None:
    """`accuracy` is (widths, rates, seeds), nan where a training was not done."""
    rates = [f"{rate:g}" for rate in RATES]
    with sheet.page(path, "A sweep", subtitle, reached, (12, 6.4)) as page:
        ax = sheet.axes(page, 1.1, 1.75, 4.6, 3.9, "Accuracy on fresh points, mean of the seeds")
        mean = np.ma.masked_invalid(accuracy).mean(axis=-1)
        low, high = mean.min(), mean.max()
        ax.imshow(mean, sheet.BLUES, aspect="auto")
        for (row, column), value in np.ndenumerate(mean.filled(np.nan)):
            colour = "white" if value > (low + 2 * high) / 3 else sheet.INK
            ax.text(column, row, f"{value:.1%}", ha="center", va="center", color=colour)
        ax.set(xticks=range(len(RATES)), xticklabels=rates, xlabel="learning rate")
        ax.set(yticks=range(len(WIDTHS)), yticklabels=WIDTHS, ylabel="hidden units")

        ax = sheet.axes(page, 6.9, 1.75, 4.4, 3.9, "Each one, by hidden units")
        ax.grid()
        for k, of_width in enumerate(accuracy):
            places = np.arange(len(RATES))[:, None] + 0.13 * (k - 2) + np.zeros_like(of_width)
            style = {"color": sheet.COLOURS[k], "marker": sheet.MARKERS[k], "linewidths": 0}
            ax.scatter(places, of_width, s=26, **style)
        marks = [sheet.mark(m, color=c) for m, c in zip(sheet.MARKERS, sheet.COLOURS[:5])]
        sheet.legend(ax, marks, [str(width) for width in WIDTHS])
        ax.set(xticks=range(len(RATES)), xticklabels=rates, xlabel="learning rate")
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, epochs=(150, 2), repeats=(4, 1), jobs=(2, 2))
    seeds = range(args.seed, args.seed + args.repeats)
    combinations = itertools.product(WIDTHS, RATES, seeds)
    settings = [Setting(*some, args.epochs, args.compile) for some in combinations]
    results = sweep(settings, args.jobs)
    print(f"{len(results)} trainings in {args.jobs} processes")
    again = sweep(settings[: len(results)], 1)
    same = "the same, bit for bit" if results[: len(again)] == again else "other numbers"
    print(f"one after the other: {same}")
    missing = [np.nan] * (len(settings) - len(results))
    accuracy = np.reshape(results + missing, (len(WIDTHS), len(RATES), args.repeats))
    best = np.nanmean(accuracy, axis=-1)
    for row, column in zip(*np.unravel_index(np.argsort(-best, axis=None)[:3], best.shape)):
        setting = f"{WIDTHS[row]} units, learning rate {RATES[column]:g}"
        print(f"{setting}: {best[row, column]:.1%} of fresh points")
    reached = {"trainings": str(len(results)), "best": f"{np.nanmax(best):.1%}"}
    subtitle = f"Two moons  ·  2 → n → n → 2, tanh  ·  Adam, {args.epochs} steps"
    draw(args.out / "sweep.png", accuracy, subtitle, reached)
    print(f"{args.out / 'sweep.png'}: what came of each setting")


if __name__ == "__main__":
    run_program(main)
