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

NOISE, LAYERS, WIDTH, BOX = 0.1, 8, 32, (-1.55, 2.55, -1.05, 1.55)


class Flow(nn.Module):
    """The log of the density at points (n, 2): they are stretched until they are normal noise."""

    def __init__(self) -> None:
        a, b, c = (1, WIDTH), (WIDTH, WIDTH), (WIDTH, 2)
        parts = lambda: (nn.Linear(*a), nn.Tanh(), nn.Linear(*b), nn.Tanh(), nn.Linear(*c))  # noqa: E731
        self.networks = nn.ModuleList([nn.Sequential(*parts()) for _ in range(LAYERS)])

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        a, b = tg.split(x, 2, axis=1)
        growth = tg.zeros_like(a)
        for network in self.networks:
            scale, shift = tg.split(network(a), 2, axis=1)
            a, b = b * tg.exp(tg.tanh(scale)) + shift, a
            growth = growth + tg.tanh(scale)
        return (growth - (a**2 + b**2) / 2 - np.log(2 * np.pi))[:, 0]

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
    centres, moon = nn.data.moons(100, noise=0)
    squares = (x[:, :1] - centres[:, 0]) ** 2 + (x[:, 1:] - centres[:, 1]) ** 2
    bells = np.exp(-squares / (2 * NOISE**2)) / (2 * np.pi * NOISE**2)
    return np.array([bells[:, moon == k].mean(axis=1) for k in (0, 1)])


def train(flow: Flow, steps: int, compile: bool) -> None:
    optimizer = nn.Adam(flow.parameters(), nn.CosineAnnealingLR(4e-3, steps))

    def update(x: tg.Tensor) -> None:
        loss = -flow(x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    step = tg.compile(update) if compile else update
    for _ in until_stopped(steps):
        step(tg.Tensor(nn.data.moons(64, NOISE)[0]))


def draw(path: Path, flow: Flow, noise: np.ndarray, nats: dict[str, float]) -> None:
    subtitle = f"RealNVP of {LAYERS} layers  ·  surprise at a fresh point, in nats, on the right"
    reached = {name: f"{number:.2f}" for name, number in nats.items()}
    with sheet.page(path, "Noise into moons", subtitle, reached, (12, 8.1)) as page:
        plane = np.meshgrid(np.linspace(*BOX[:2], 246), np.linspace(*BOX[:1:-1], 156))
        plane = np.stack(plane, axis=-1).reshape(-1, 2).astype(np.float32)
        learned, truth = np.exp(flow.predict(plane)), true_densities(plane)
        look = {"cmap": sheet.BLUES, "vmin": 0, "vmax": 0.55, "interpolation": "bicubic"}
        titles = {"The density that it learned": learned, "The true one": truth.mean(axis=0)}
        for place, (title, density) in enumerate(titles.items()):
            ax = sheet.axes(page, 0.75 + 5.6 * place, 1.75, 5.0, 3.1, title)
            ax.imshow(density.reshape(156, 246), extent=BOX, **look)
            ax.set_axis_off()

        way = flow.way(noise)
        colours = np.take(sheet.COLOURS, true_densities(way[-1]).argmax(axis=0))
        for place, points in enumerate(way[::2]):
            title = f"After {2 * place} layers" if place else "Noise"
            ax = sheet.axes(page, 0.75 + 2.19 * place, 5.5, 1.99, 1.99, title)
            ax.scatter(*points.T, s=6, c=colours, alpha=0.6, linewidths=0)
            low, high = np.percentile(points, [0.5, 99.5], axis=0)
            xlim, ylim = (low + high)[:, None] / 2 + 0.55 * (high - low).max() * np.array([-1, 1])
            ax.set(xlim=xlim, ylim=ylim)
            ax.set_axis_off()


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, steps=(10_000, 4))
    rng = tg.manual_seed(args.seed)
    flow = Flow()
    train(flow, args.steps, args.compile)
    fresh, _ = nn.data.moons(2500, NOISE)
    nats = {
        "normal distribution": np.linalg.slogdet(2 * np.pi * np.e * np.cov(fresh.T))[1] / 2,
        "flow": -flow.predict(fresh).mean(),
        "true density": -np.log(true_densities(fresh).mean(axis=0)).mean(),
    }
    print(*[f"{name}: {number:.3f} nats a point" for name, number in nats.items()], sep="\n")
    draw(args.out / "flow.png", flow, rng.standard_normal((3000, 2), np.float32), nats)
    print(f"{args.out / 'flow.png'}: both densities, and how noise becomes moons")


if __name__ == "__main__":
    run_program(main)
