"""Fit a sine, as in the regression chapter of *Neural Networks from Scratch in Python*.

The book's network, 1 → 64 ReLU → 64 ReLU → 1, with its optimizer and its measure of accuracy: the
share of points that are hit to a 250th of the data's spread.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

try:
    import sheet
    from program import Stop, parse, run_program

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

X, y = nn.data.sine()
PRECISION = float(y.std() / 250)
DRAWN = [30, 90, 130, 160]  # steps of which the picture shows the fit


def close(output: tg.Tensor, target: tg.Tensor) -> float:
    """The book's accuracy of a regression."""
    return float(np.mean(abs(output.numpy() - target.numpy()) < PRECISION))


def make_model(seed: int) -> nn.Sequential:
    """The book's network; its initial weights are drawn as the book draws them."""
    book = np.random.RandomState(seed)
    start = {
        "weight_init": lambda shape, *_: 0.1 * book.standard_normal(shape),
        "bias_init": nn.init.zeros,
    }
    hidden = [nn.Linear(1, 64, **start), nn.ReLU(), nn.Linear(64, 64, **start), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(64, 1, **start))


def train(model: nn.Module, epochs: int, compile: bool) -> tuple[nn.History, dict[int, np.ndarray]]:
    """Full-batch training; returns the history, and what the network said after some steps."""
    optimizer = nn.Adam(model.parameters(), nn.InverseTimeDecay(0.005, 1e-3), eps=1e-7)
    fits = {0: model.predict(X)}
    with Stop() as stop:

        def look(epoch: int, _history: nn.History) -> bool:
            if epoch in DRAWN:
                fits[epoch] = model.predict(X)
            return not stop.wanted

        history = nn.fit(
            model, X, y, loss=nn.mse_loss, optimizer=optimizer, epochs=epochs, on_epoch=look,
            metrics={"accuracy": close}, compile=None if compile else False,
        )  # fmt: skip
    fits[len(history)] = model.predict(X)
    return history, fits


def draw(path: Path, history: nn.History, fits: dict[int, np.ndarray]) -> None:
    steps = len(history)
    error = fits[steps] - y
    subtitle = f"1 → 64 ReLU → 64 ReLU → 1  ·  Adam, learning rate 0.005  ·  {steps:,} steps"
    numbers = {
        "within a 250th": f"{np.mean(abs(error) < PRECISION):.1%}",
        "largest error": f"{abs(error).max():.4f}",
    }
    with sheet.page(path, "A sine, learned", subtitle, numbers, (12, 6.75)) as page:
        ax = sheet.axes(page, 0.75, 1.75, 6.3, 4.5, "The fit")
        ax.grid()
        (data,) = ax.plot(X, y, color=sheet.COLOURS[1], linewidth=9, alpha=0.55)
        for place, (step, fit) in enumerate(sorted(fits.items())):
            alpha = 0.25 + 0.75 * (place + 1) / len(fits)
            last = step == steps
            (line,) = ax.plot(X, fit, color=sheet.COLOURS[0], alpha=alpha, linewidth=1 + last)
            if not last:
                ax.text(1.01, fit[-1, 0], f"{step}", color=sheet.GREY, va="center")
        sheet.legend(ax, [data, line], ["data", "after 0, 30, … steps, and in the end"], 1.6)
        ax.set_xlim(0, 1)

        ax = sheet.axes(page, 8.2, 1.75, 3.3, 1.85, "Loss")
        ax.grid()
        ax.semilogy(history["loss"], color=sheet.INK, linewidth=0.8)
        sheet.count_steps(ax, steps - 1)
        ax.set_xlabel("step")

        ax = sheet.axes(page, 8.2, 4.6, 3.3, 1.65, "What is left")
        ax.grid()
        band = ax.axhspan(-PRECISION, PRECISION, color=sheet.COLOURS[1], alpha=0.3, linewidth=0)
        ax.plot(X, error, color=sheet.COLOURS[0], linewidth=1.2)
        sheet.legend(ax, [band], ["counts as a hit"], 1.6)
        ax.set_xlim(0, 1)


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, epochs=(10_001, 140))
    model = make_model(args.seed)
    history, fits = train(model, args.epochs, args.compile)
    for step in sorted({0, 100, 1000, len(history) - 1} & set(range(len(history)))):
        accuracy, loss = history["accuracy"][step], history["loss"][step]
        print(f"epoch {step:6,}: acc {accuracy:.3f}, loss {loss:.3g}")
    draw(args.out / "regression.png", history, fits)
    print(f"{args.out / 'regression.png'}: data, fit, and what is left")


if __name__ == "__main__":
    run_program(main)
