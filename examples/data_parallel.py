"""One training in several processes, which share the rows of each batch.

`mpiexec -n 2 python -m mpi4py examples/data_parallel.py` starts two. The first one trains the same
network alone, too: the numbers are the same, but for the order in which gradients are summed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

try:
    import sheet
    from program import Stop, parse, run_program

    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')
try:
    from nn import distributed
except ImportError as error:
    sys.exit(str(error))

ROWS = 301  # of each moon: batches do not come out even
FLOOR = 1e-17


class Weights(nn.Callback):
    """Keep the parameters after each update, and end with Ctrl-C."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self.kept: list[np.ndarray] = []

    def on_batch(self, run: nn.Run) -> None:
        self.kept.append(np.concatenate([p.numpy().ravel() for p in run.model.parameters()]))

    def on_epoch(self, run: nn.Run) -> None:
        if self.stop.wanted:
            run.stop()


def train(data, dtype, seed: int, epochs: int, compile: bool, shared: bool):
    """The history of a training, and the parameters after each step."""
    rng = np.random.default_rng(seed)
    sizes = ((2, 64), (64, 2))
    first, last = (nn.Linear(*size, dtype=dtype, rng=rng) for size in sizes)
    model = nn.Sequential(first, nn.ReLU(), last)
    with Stop() as stop:
        weights = Weights(stop)
        history = nn.fit(
            model, *data, loss="cross_entropy", optimizer=nn.Adam(model.parameters(), lr=0.01),
            epochs=epochs, batch_size=100, metrics=["accuracy"], callbacks=[weights], rng=rng,
            compile=None if compile else False, progress=False, distributed=shared,
        )  # fmt: skip
    return history, weights.kept


def draw(path: Path, differences: dict[str, np.ndarray], histories, reached) -> None:
    """`differences` are the largest ones of the parameters, by dtype and step."""
    subtitle = "Two moons  ·  2 → 64 ReLU → 2  ·  Adam  ·  batches of 100 rows, the last of 2"
    with sheet.page(path, "The same, together", subtitle, reached, (12, 6.4)) as page:
        ax = sheet.axes(page, 1.1, 1.75, 4.4, 3.9, "Difference")
        ax.grid()
        lines = []
        for k, values in enumerate(differences.values()):
            steps = range(1, len(values) + 1)
            lines += ax.semilogy(steps, np.maximum(values, FLOOR), color=sheet.COLOURS[k])
        sheet.legend(ax, lines, list(differences), 1.6)
        sheet.count_steps(ax, max(map(len, differences.values())))
        ax.set(ylim=(FLOOR, 1), xlabel="step", ylabel="of parameters, to one process")

        ax = sheet.axes(page, 6.9, 1.75, 4.4, 3.9, "Loss in float64")
        ax.grid()
        alone, together = (history["loss"] for history in histories)
        style = {"color": sheet.COLOURS[1], "linewidth": 6}
        lines = ax.plot(range(1, len(alone) + 1), alone, **style)
        lines += ax.plot(range(1, len(together) + 1), together, color=sheet.COLOURS[0])
        sheet.legend(ax, lines, ["alone", "together"], 1.6)
        ax.set(xlabel="epoch", ylim=(0, None))


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, epochs=(50, 2))
    data = nn.data.moons(ROWS, 0.2, rng=np.random.default_rng(args.seed))
    if distributed.rank == 0:
        print(f"processes: {distributed.size}, rows: {len(data[0])}")
    differences = {}
    for dtype in ("float32", "float64"):
        options = (data, dtype, args.seed, args.epochs, args.compile)
        together, shared = train(*options, shared=True)
        if distributed.rank > 0:
            continue
        alone, single = train(*options, shared=False)
        pairs = zip(shared, single)
        differences[dtype] = np.array([abs(a - b).max() for a, b in pairs])
        steps, largest = len(differences[dtype]), differences[dtype].max()
        within = f"below {10.0 ** np.ceil(np.log10(largest)):.0e}" if largest else "none"
        print(f"{dtype}: {steps} steps, loss {together['loss'][-1]:.4f}, difference {within}")
    if distributed.rank == 0:
        accuracy = f"{together['accuracy'][-1]:.1%}"
        reached = {"processes": f"{distributed.size}", "accuracy": accuracy}
        draw(args.out / "data_parallel.png", differences, (alone, together), reached)
        print(f"{args.out / 'data_parallel.png'}: the same training, alone and together")


if __name__ == "__main__":
    run_program(main)
