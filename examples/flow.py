"""A flow from noise to two moons: a network with an inverse, so that its density is known.

Each layer of a RealNVP (Dinh et al., 2016) moves and stretches one coordinate by what a network
reads from the other. That is undone as easily, and says how much denser the points become. What it
learned is held against the true density of the moons, and against a normal distribution.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

try:
    import sheet
    from program import parse, run_program, until_stopped

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

NOISE, LAYERS, WIDTH = 0.1, 8, 32
BOX = (-1.55, 2.55, -1.05, 1.55)


class Flow(nn.Module):
    """Points (n, 2) to normal noise and back."""

    def __init__(self) -> None:
        self.networks = nn.ModuleList([self.network() for _ in range(LAYERS)])

    def network(self) -> nn.Sequential:
        first, second, last = nn.Linear(1, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2)
        return nn.Sequential(first, nn.Tanh(), second, nn.Tanh(), last)

    def forward(self, x: tg.Tensor) -> tuple[tg.Tensor, tg.Tensor]:
        """The noise that becomes x, and the log of how much a volume grows on the way to it."""
        a, b = tg.split(x, 2, axis=1)
        growth = tg.zeros_like(a)
        for network in self.networks:
            scale, shift = tg.split(network(a), 2, axis=1)
            scale = tg.tanh(scale)
            a, b = b * tg.exp(scale) + shift, a
            growth = growth + scale
        return tg.concatenate([a, b], axis=1), growth[:, 0]

    def log_density(self, x: tg.Tensor) -> tg.Tensor:
        noise, growth = self(x)
        return growth - (noise**2).sum(axis=1) / 2 - np.log(2 * np.pi)

    def way(self, noise: np.ndarray) -> list[np.ndarray]:
        """The places of points on their way back from the noise, after each layer."""
        a, b = np.split(noise, 2, axis=1)
        places = [noise]
        for count, network in enumerate(reversed(self.networks), 1):
            scale, shift = np.split(network.predict(b), 2, axis=1)
            a, b = b, (a - shift) * np.exp(-np.tanh(scale))
            places.append(np.concatenate([b, a] if count % 2 else [a, b], axis=1))
        return places


def true_densities(x: np.ndarray) -> np.ndarray:
    """The densities (2, n) of both moons at points (n, 2), as means over the half circles."""
    centres, moon = nn.data.moons(400, noise=0)
    squares = (x[:, :1] - centres[:, 0]) ** 2 + (x[:, 1:] - centres[:, 1]) ** 2
    bells = np.exp(-squares / (2 * NOISE**2)) / (2 * np.pi * NOISE**2)
    return np.array([bells[:, moon == k].mean(axis=1) for k in (0, 1)])


def train(flow: Flow, steps: int, compile: bool) -> None:
    """Make other points of the moons likelier in each step."""
    optimizer = nn.Adam(flow.parameters(), nn.CosineAnnealingLR(4e-3, steps))

    def update(x: np.ndarray) -> tg.Tensor:
        loss = -flow.log_density(tg.Tensor(x)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    step = tg.compile(update) if compile else update
    for _ in until_stopped(steps):
        step(nn.data.moons(64, NOISE)[0])


def draw(path: Path, flow: Flow, noise: np.ndarray, nats: dict[str, float]) -> None:
    subtitle = f"RealNVP of {LAYERS} layers  ·  surprise at a fresh point, in nats, on the right"
    reached = {name: f"{number:.2f}" for name, number in nats.items()}
    with sheet.page(path, "Noise into moons", subtitle, reached, (12, 8.1)) as page:
        x, y = np.linspace(*BOX[:2], 410), np.linspace(*BOX[2:], 260)
        plane = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)
        learned, truth = np.exp(flow.log_density(tg.Tensor(plane)).numpy()), true_densities(plane)
        look = {"cmap": sheet.BLUES, "vmin": 0, "vmax": 0.55, "extent": BOX, "origin": "lower"}
        for left, title, density in (
            (0.75, "The density that it learned", learned),
            (6.4, "The true one", truth.mean(axis=0)),
        ):
            ax = sheet.axes(page, left, 1.75, 5.1, 3.1, title)
            ax.imshow(density.reshape(len(y), len(x)), **look)
            ax.set(xticks=[], yticks=[])

        sheet.write(page, 0.75, 5.35, "Noise on its way", size=13, weight="bold")
        way = flow.way(noise)
        moon = true_densities(way[-1]).argmax(axis=0)
        for place, points in enumerate(way[::2]):
            ax = sheet.axes(page, 0.75 + 2.19 * place, 5.5, 1.99, 1.99)
            for k in (0, 1):
                style = {"color": sheet.COLOURS[k], "marker": sheet.MARKERS[k], "linewidths": 0}
                ax.scatter(*points[moon == k].T, s=6, alpha=0.6, **style)
            middle, reach = np.median(points, axis=0), 3.2 * points.std(axis=0).max()
            ax.set(xlim=middle[0] + [-reach, reach], ylim=middle[1] + [-reach, reach])
            ax.set(xticks=[], yticks=[], xlabel=f"{2 * place} layers" if place else "noise")


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, steps=(10_000, 4))
    rng = tg.manual_seed(args.seed)
    flow = Flow()
    train(flow, args.steps, args.compile)
    fresh, _ = nn.data.moons(2500, NOISE)
    nats = {
        "normal distribution": np.linalg.slogdet(2 * np.pi * np.e * np.cov(fresh.T))[1] / 2,
        "flow": -flow.log_density(tg.Tensor(fresh)).numpy().mean(),
        "true density": -np.log(true_densities(fresh).mean(axis=0)).mean(),
    }
    for name, number in nats.items():
        print(f"{name}: {number:.3f} nats a point")
    draw(args.out / "flow.png", flow, rng.standard_normal((3000, 2), np.float32), nats)
    print(f"{args.out / 'flow.png'}: both densities, and how noise becomes moons")


if __name__ == "__main__":
    run_program(main)
