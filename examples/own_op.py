"""An operation of your own: an activation that knows what a period is.

`snake`, x + sin²(a·x)/a (Ziyin et al., 2020), is declared by its forward and a rule for each input,
proved against finite differences, and then learns to go on where the data end. ReLU does not.
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

snake = tg.define_op(
    lambda x, a: x + np.sin(a * x) ** 2 / a,
    name="snake",
    x=lambda g, x, a: g * (1 + np.sin(2 * a * x)),
    a=lambda g, x, a: g * (x * np.sin(2 * a * x) / a - np.sin(a * x) ** 2 / a**2),
)


class Snake(nn.Module):
    """`snake` as a layer, with a learned frequency for each feature."""

    def __init__(self, features: int) -> None:
        self.a = nn.Parameter(np.ones(features, np.float32))

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        return snake(x, self.a)


def function(x: np.ndarray) -> np.ndarray:
    """The truth: a wave that rises."""
    return np.sin(2 * x) + x / 3


def train(activation: nn.Module, x, y, epochs: int, compile: bool) -> nn.Module:
    model = nn.Sequential(nn.Linear(1, 64), activation, nn.Linear(64, 1))
    optimizer = nn.AdamW(model.parameters(), nn.InverseTimeDecay(5e-3, 1e-3))
    with Stop() as stop:
        history = nn.fit(
            model, x, y, loss=nn.mse_loss, optimizer=optimizer, epochs=epochs,
            on_epoch=lambda *_: not stop.wanted, compile=None if compile else False,
        )  # fmt: skip
    name = type(activation).__name__
    print(f"{name}: mean squared error {history['loss'][-1]:.4f} on its data")
    return model


def draw(path: Path, x, y, models: dict[str, nn.Module], errors: dict[str, str]) -> None:
    subtitle = "1 → 64 → 1, once with ReLU, once with an operation declared in five lines"
    with sheet.page(path, "Where the data end", subtitle, errors, (12, 5.9)) as page:
        ax = sheet.axes(page, 0.75, 1.75, 10.6, 3.5, "Learned between the dotted lines")
        ax.grid()
        line = np.linspace(-10, 10, 800, dtype=np.float32)[:, None]
        (truth,) = ax.plot(line, function(line), color=sheet.COLOURS[1], alpha=0.45, linewidth=9)
        points = ax.scatter(x, y, s=12, color=sheet.INK, zorder=3)
        lines = [
            ax.plot(line, model.predict(line), color=colour, linewidth=2)[0]
            for model, colour in zip(models.values(), sheet.COLOURS[2::-2])
        ]
        for end in (x.min(), x.max()):
            ax.axvline(end, color=sheet.GREY, linewidth=1, linestyle=":")
        sheet.legend(ax, [truth, points, *lines], ["truth", "data", *models], 1.6)
        ax.set(xlim=(-10, 10), ylim=(-5, 5))


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, epochs=(4000, 30))
    rng = tg.manual_seed(args.seed)
    tg.gradcheck(snake, [rng.standard_normal(5), rng.uniform(0.5, 2, 5)], order=2)
    print("snake's rules are right: first and second derivatives, by finite differences")
    x = rng.uniform(-5, 5, (200, 1)).astype(np.float32)
    y = function(x) + 0.1 * rng.standard_normal(x.shape, np.float32)
    activations = {"ReLU": nn.ReLU(), "snake": Snake(64)}
    models = {k: train(a, x, y, args.epochs, args.compile) for k, a in activations.items()}
    far = np.linspace(5, 10, 200, dtype=np.float32)[:, None]
    errors = {
        f"error of {name}, 5 to 10": f"{np.abs(model.predict(far) - function(far)).mean():.2f}"
        for name, model in models.items()
    }
    for meaning, error in errors.items():
        print(f"mean {meaning}: {error}")
    draw(args.out / "own_op.png", x, y, models, errors)
    print(f"{args.out / 'own_op.png'}: both networks, far beyond their data")


if __name__ == "__main__":
    run_program(main)
