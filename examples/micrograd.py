"""Backpropagation in thirty lines: scalars that remember how they were made, and learn two moons.

`Value` is a whole autodiff engine. Its gradients are held against those of tinygrad_np, which does
the same with arrays.
"""

from __future__ import annotations

import math
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


class Value:
    """A number that knows the numbers it came from, and its derivative by each of them."""

    def __init__(self, data: float, origins: tuple[tuple[Value, float], ...] = ()) -> None:
        self.data = data
        self.origins = origins
        self.grad = 0.0

    def __add__(self, other: Value) -> Value:
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Value) -> Value:
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def tanh(self) -> Value:
        t = math.tanh(self.data)
        return Value(t, ((self, 1 - t * t),))

    def backward(self) -> None:
        """Set `grad` of everything that this number came from."""
        order: dict[Value, None] = {}

        def visit(value: Value) -> None:
            if value not in order:
                for origin, _ in value.origins:
                    visit(origin)
                order[value] = None

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for origin, slope in value.origins:
                origin.grad += slope * value.grad


def loss_by_scalars(weights: np.ndarray, X: np.ndarray, target: np.ndarray):
    """The mean squared error of a network 2 → 8 tanh → 1 tanh, and its gradient, by `Value`."""
    rows = [[Value(float(weight)) for weight in row] for row in weights]
    loss = Value(0.0)
    for x, wanted in zip(X, target):
        output = Value(0.0)
        for a, b, c, d in rows:
            output = output + d * (a * Value(x[0]) + b * Value(x[1]) + c).tanh()
        distance = output.tanh() + Value(-wanted)
        loss = loss + distance * distance * Value(1 / len(X))
    loss.backward()
    return loss.data, np.array([[value.grad for value in row] for row in rows])


def output_by_arrays(weights, X: np.ndarray):
    return tg.tanh(tg.tanh(X @ weights[:, :2].T + weights[:, 2]) @ weights[:, 3])


def draw(path: Path, weights, X, target, losses, pairs) -> None:
    right = np.mean(np.sign(output_by_arrays(weights, X)) == target)
    apart = abs(pairs[0] - pairs[1]).max()
    reached = {"of the points": f"{right:.0%}", "gradients differ by": f"{apart:.0e}"}
    subtitle = f"2 → 8 tanh → 1 tanh, by scalars that know their origins  ·  {len(losses)} steps"
    with sheet.page(path, "Thirty lines of autodiff", subtitle, reached, (12, 6.6)) as page:
        ax = sheet.axes(page, 0.75, 1.75, 5.9, 4.3, "What it learned")
        box = (-1.7, 2.7, -1.35, 1.85)
        grid = np.stack(np.meshgrid(np.linspace(*box[:2], 220), np.linspace(*box[2:], 160)), -1)
        plane = output_by_arrays(weights, grid)
        ax.imshow(plane, sheet.TWO, vmin=-1, vmax=1, extent=box, origin="lower", alpha=0.72)
        ax.contour(*np.moveaxis(grid, -1, 0), plane, [0], colors="white", linewidths=2)
        for k, sign in enumerate((-1, 1)):
            style = {"color": sheet.COLOURS[k], "marker": sheet.MARKERS[k], "edgecolors": "white"}
            ax.scatter(*X[target == sign].T, s=40, linewidths=0.8, **style)

        ax = sheet.axes(page, 7.6, 1.75, 3.9, 1.6, "Mean squared error")
        ax.semilogy(losses, color=sheet.INK, linewidth=1.9)
        sheet.count_steps(ax, len(losses) - 1)
        ax = sheet.axes(page, 7.6, 4.2, 3.9, 1.85, "Gradients")
        ax.axline((0, 0), slope=1, color=sheet.GREY, linewidth=1, linestyle=":")
        ax.scatter(*pairs.reshape(2, -1), s=26, color=sheet.FRESH, alpha=0.8)
        ax.set(xlabel="by scalars", ylabel="by tinygrad_np")


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, steps=(200, 3))
    rng = tg.manual_seed(args.seed)
    X, y = nn.data.moons(25, 0.15)
    X, target = X.astype(np.float64), 2.0 * y - 1
    weights = rng.standard_normal((8, 4))
    by_arrays = tg.value_and_grad(lambda w: ((output_by_arrays(w, X) - target) ** 2).mean())
    by_arrays = tg.compile(by_arrays) if args.compile else by_arrays
    losses, pairs = [], []
    for _ in until_stopped(args.steps):
        loss, gradient = loss_by_scalars(weights, X, target)
        losses.append(loss)
        pairs.append((gradient, np.array(by_arrays(weights)[1])))
        weights = weights - 0.5 * gradient
    pairs = np.moveaxis(pairs, 1, 0)
    print(f"loss {losses[0]:.4f} at first, {losses[-1]:.4f} in the end")
    print(f"{pairs[0].size:,} derivatives are those of arrays: {np.allclose(*pairs, 1e-9, 1e-12)}")
    draw(args.out / "micrograd.png", weights, X, target, losses, pairs)
    print(f"{args.out / 'micrograd.png'}: what the scalars learned, and both gradients")


if __name__ == "__main__":
    run_program(main)
