"""Two arms of a spiral told apart by one probability: binary logistic regression.

The network of that chapter of *Neural Networks from Scratch in Python*, 2 → 64 ReLU → 1 sigmoid,
with its penalty, optimizer and data; the picture shades the plane by the probability.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

try:
    import sheet
    from nnfs.datasets import spiral_data
    from program import Stop, parse, run_program

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

ENDS = sheet.COLOURS[:2]
REACH = 1.12
MEASURES = {
    "loss": nn.binary_cross_entropy_with_logits,
    "metrics": {"accuracy": lambda output, target: nn.binary_accuracy(output, target, 0)},
}


def book_spiral() -> tuple[np.ndarray, np.ndarray]:
    X, y = spiral_data(100, 2)
    return X.astype(np.float32), y.reshape(-1, 1).astype(np.float32)


def make_model() -> nn.Sequential:
    """The book's network; the sigmoid is a part of the loss. The draws are NumPy's, as there."""
    start = {
        "weight_init": lambda shape, *_: 0.01 * np.random.standard_normal(shape),
        "bias_init": nn.init.zeros,
    }
    hidden = nn.Linear(2, 64, weight_l2=5e-4, bias_l2=5e-4, **start)
    return nn.Sequential(hidden, nn.ReLU(), nn.Linear(64, 1, **start))


def train(model: nn.Module, X: np.ndarray, y: np.ndarray, epochs: int, compile: bool) -> nn.History:
    optimizer = nn.Adam(model.parameters(), nn.InverseTimeDecay(0.001, 5e-7), eps=1e-7)
    with Stop() as stop:
        return nn.fit(
            model, X, y, optimizer=optimizer, epochs=epochs, compile=None if compile else False,
            on_epoch=lambda *_: not stop.wanted, **MEASURES,
        )  # fmt: skip


def probability(model: nn.Module, points: np.ndarray) -> np.ndarray:
    return tg.sigmoid(model.predict(points.reshape(-1, 2))).reshape(points.shape[:-1])


def draw_plane(ax: sheet.Axes, model: nn.Module, X: np.ndarray, y: np.ndarray) -> None:
    line = np.linspace(-REACH, REACH, 300)
    plane = probability(model, np.stack(np.meshgrid(line, line), axis=-1))
    box = (-REACH, REACH, -REACH, REACH)
    ax.imshow(plane, sheet.TWO, vmin=0, vmax=1, extent=box, origin="lower", alpha=0.72)
    for level, width in ((0.1, 0.6), (0.5, 2.0), (0.9, 0.6)):
        ax.contour(line, line, plane, [level], colors="white", linewidths=width)
    marks = []
    for k in (0, 1):
        style = {"color": ENDS[k], "marker": sheet.MARKERS[k], "edgecolors": "white"}
        ax.scatter(*X[y[:, 0] == k].T, s=34, linewidths=0.7, zorder=3, **style)
        marks.append(sheet.mark(sheet.MARKERS[k], color=ENDS[k], markeredgecolor="white"))
    sheet.legend(ax, marks, ["class 0", "class 1"])
    ax.set(xlim=box[:2], ylim=box[2:], xticks=[-1, -0.5, 0, 0.5, 1], yticks=[-1, -0.5, 0, 0.5, 1])


def draw(path: Path, model: nn.Module, data, fresh, history: nn.History, reached) -> None:
    subtitle = f"2 → 64 ReLU → 1 sigmoid  ·  Adam, learning rate 0.001  ·  {len(history):,} steps"
    with sheet.page(path, "One probability", subtitle, reached, (12, 7.2)) as page:
        draw_plane(sheet.axes(page, 0.75, 1.75, 4.95, 4.95, "Probability of class 1"), model, *data)

        ax = sheet.axes(page, 6.75, 1.75, 4.6, 2.0, "Loss")
        ax.grid()
        steps = range(len(history))
        whole = ax.fill_between(steps, history["loss"], color=ENDS[1], linewidth=0)
        part = ax.fill_between(steps, history["data_loss"], color=ENDS[0], linewidth=0)
        sheet.legend(ax, [part, whole], ["cross-entropy", "penalty"])
        ax.set_ylim(0)
        sheet.count_steps(ax, len(history) - 1)
        ax.set_xlabel("step")

        ax = sheet.axes(page, 6.75, 4.7, 4.6, 2.0, "What it says of fresh points")
        X, y = fresh
        bins = np.linspace(0, 1, 26)
        said = [probability(model, X[y[:, 0] == k]) for k in (0, 1)]
        ax.hist(said, bins, stacked=True, color=ENDS, rwidth=0.9)
        ax.set(xlim=(0, 1), xlabel="probability of class 1", ylabel="points")


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, epochs=(10_001, 120))
    np.random.seed(args.seed)
    data = book_spiral()
    model = make_model()
    history = train(model, *data, args.epochs, args.compile)
    for step in sorted({0, 100, 500, len(history) - 1} & set(range(len(history)))):
        accuracy, loss = history["accuracy"][step], history["loss"][step]
        print(f"epoch {step:6,}: acc {accuracy:.3f}, loss {loss:.3f}")
    fresh = book_spiral()
    seen, unseen = (nn.evaluate(model, *some, **MEASURES)["accuracy"] for some in (data, fresh))
    print(f"accuracy {seen:.1%} on the training data, {unseen:.1%} on fresh data")
    reached = {"training accuracy": f"{seen:.1%}", "fresh-data accuracy": f"{unseen:.1%}"}
    draw(args.out / "logistic.png", model, data, fresh, history, reached)
    print(f"{args.out / 'logistic.png'}: the probability all over the plane")


if __name__ == "__main__":
    run_program(main)
