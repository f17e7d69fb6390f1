"""Digits on a map: a variational autoencoder learns where to put each, and what lies between.

An encoder says of each digit a place on a plane and how sure it is of it, as a normal distribution.
A decoder draws a digit from any place. A normal distribution around 0 keeps them together.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

try:
    import sheet
    from program import parse, run_program, until_stopped

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

Normal, kl_divergence = nn.distributions.Normal, nn.distributions.kl_divergence
CENTRE = Normal(np.float32(0), np.float32(1))
REACH, SIDE = 2.6, 15  # of the map: from -REACH to REACH, and so many digits drawn along it
COLOURS = [*sheet.COLOURS, "#009988", "#E377C2"]
MARKERS = sheet.MARKERS + "p*"


def layers(*sizes: int) -> nn.Sequential:
    """Dense layers of these sizes, with ReLU in between."""
    parts = [part for pair in pairwise(sizes) for part in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


class VAE(nn.Module):
    """Places of digits on a plane, and digits from places."""

    def __init__(self, width: int = 128) -> None:
        self.encoder = layers(64, width, width, 4)
        self.decoder = layers(2, width, width, 64)

    def place(self, x: tg.Tensor) -> Normal:
        """The distribution of the places (rows, 2) of digits (rows, 64)."""
        mean, log_scale = tg.split(self.encoder(x), 2, axis=1)
        return Normal(mean, tg.exp(log_scale))

    def forward(self, x: tg.Tensor) -> tuple[tg.Tensor, tg.Tensor]:
        """Costs of a digit, on average: to draw it, and to say where it is."""
        place = self.place(x)
        drawn = self.decoder(place.rsample())
        drawing = nn.binary_cross_entropy_with_logits(drawn, x, reduction="sum")
        return drawing / len(x), kl_divergence(place, CENTRE).sum() / len(x)


def train(model: VAE, X: np.ndarray, epochs: int, compile: bool) -> list[tuple[float, float]]:
    """Train, and return the two costs of each epoch."""
    optimizer = nn.Adam(model.parameters(), nn.InverseTimeDecay(3e-3, 1e-3))

    def update(x: np.ndarray) -> tuple[tg.Tensor, tg.Tensor]:
        costs = model(x)
        optimizer.zero_grad()
        sum(costs).backward()
        optimizer.step()
        return costs

    step = tg.compile(update) if compile else update
    history = []
    for _ in until_stopped(epochs, "epoch"):
        batches = nn.data.batches(X, batch_size=64, drop_last=True)
        costs = [[cost.item() for cost in step(x)] for x in batches]
        history.append(tuple(np.mean(costs, axis=0)))
    return history


def draw(path: Path, model: VAE, X: np.ndarray, y: np.ndarray, history) -> None:
    places = model.place(tg.Tensor(X)).loc.numpy()
    drawing, telling = history[-1]
    reached = {"nats to draw a digit": f"{drawing:.1f}", "nats to place it": f"{telling:.1f}"}
    subtitle = f"variational autoencoder, 64 → 128 → 128 → 2 and back  ·  {len(history)} epochs"
    with sheet.page(path, "A map of digits", subtitle, reached, (12, 7.3)) as page:
        ax = sheet.axes(page, 0.75, 1.75, 5.0, 5.0, "Where the digits are")
        for digit in range(10):
            style = {"color": COLOURS[digit], "marker": MARKERS[digit], "edgecolors": "white"}
            ax.scatter(*places[y == digit].T, s=22, alpha=0.8, linewidths=0.4, **style)
            middle = np.median(places[y == digit], axis=0)
            box = {"boxstyle": "circle,pad=0.25", "fc": "white", "ec": COLOURS[digit], "lw": 1.5}
            ax.text(*middle, digit, ha="center", va="center", weight="bold", bbox=box)
        ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
        ax.grid()

        ax = sheet.axes(page, 6.35, 1.75, 5.0, 5.0, "What is drawn from there")
        line = np.linspace(-REACH, REACH, SIDE + 1)[:-1] + REACH / SIDE
        grid = np.stack(np.meshgrid(line, line[::-1]), axis=-1).reshape(-1, 2)
        digits = tg.sigmoid(model.decoder.predict(grid)).reshape(SIDE, SIDE, 8, 8)
        image = np.pad(digits, [(0, 0), (0, 0), (1, 1), (1, 1)]).swapaxes(1, 2)
        image = image.reshape(SIDE * 10, SIDE * 10)
        ax.imshow(
            image, sheet.BLUES, extent=(-REACH, REACH, -REACH, REACH), interpolation="bicubic"
        )


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, epochs=(200, 2))
    tg.manual_seed(args.seed)
    X, y = nn.data.digits()
    X = X / 16
    model = VAE()
    history = train(model, X, args.epochs, args.compile)
    for epoch in sorted({1, 10, 100, len(history)} & set(range(len(history) + 1))):
        drawing, telling = history[epoch - 1]
        print(f"epoch {epoch:3}: {drawing:.2f} nats to draw a digit, {telling:.2f} to place it")
    draw(args.out / "vae.png", model, X, y, history)
    print(f"{args.out / 'vae.png'}: where the digits are, and what is drawn from there")


if __name__ == "__main__":
    run_program(main)
