"""A Gaussian process: a curve through a few points, and how sure of it one can be.

What the points say about its smoothness, height and noise is learned: SciPy's L-BFGS goes uphill on
their likelihood, with the gradient from tinygrad_np.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

try:
    import sheet
    from program import parse, run_program

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

NAMES = ("length", "height", "noise")


def kernel(a: np.ndarray, b: np.ndarray, length, height):
    """Covariances (len(a), len(b)) of the curve's values at places a and b."""
    distance = (a[:, None] - b) / length
    return height**2 * tg.exp(-0.5 * distance**2)


def surprise(logs, x: np.ndarray, y: np.ndarray):
    """Minus the log likelihood of the points, for the logarithms of length, height and noise."""
    length, height, noise = tg.exp(logs)
    covariance = kernel(x, x, length, height) + noise**2 * np.eye(len(x))
    return -nn.distributions.MultivariateNormal(np.zeros(len(x)), covariance).log_prob(y)


def posterior(places: np.ndarray, x: np.ndarray, y: np.ndarray, length, height, noise):
    """Mean and covariance of the curve at places, given the points."""
    inner = kernel(x, x, length, height) + noise**2 * np.eye(len(x))
    across = kernel(places, x, length, height)
    mean = across @ np.linalg.solve(inner, y)
    covariance = kernel(places, places, length, height) - across @ np.linalg.solve(inner, across.T)
    return mean, covariance


def learn(x: np.ndarray, y: np.ndarray, rounds: int, compile: bool):
    """The likeliest length, height and noise, and the surprise after each round."""
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        hint = 'SciPy comes with the extra sklearn: pip install "tinygrad-np[sklearn]"'
        raise ImportError(f"{error}. {hint}") from error
    function = tg.value_and_grad(lambda logs: surprise(logs, x, y))
    function = tg.compile(function) if compile else function
    history = []
    best = minimize(
        function, np.zeros(3), jac=True, method="L-BFGS-B", options={"maxiter": rounds},
        callback=lambda logs: history.append(float(surprise(logs, x, y))),
    )  # fmt: skip
    return np.exp(best.x), history


def draw(path: Path, x, y, learned, history: list[float], rng: np.random.Generator) -> None:
    reached = {name: f"{value:.2f}" for name, value in zip(NAMES, learned)}
    subtitle = f"{len(x)} points, a Gaussian process  ·  learned in {len(history)} rounds of L-BFGS"
    places = np.linspace(0, 10, 300)
    mean, covariance = posterior(places, x, y, *learned)
    spread = 2 * np.sqrt(covariance.diagonal() + 1e-9)
    curves = rng.multivariate_normal(mean, covariance, 5, method="eigh")
    with sheet.page(path, "A curve, and how sure it is", subtitle, reached, (12, 6.2)) as page:
        ax = sheet.axes(page, 0.75, 1.75, 6.9, 3.8, "What the points say")
        band = ax.fill_between(places, mean - spread, mean + spread, color="#cddbea", linewidth=0)
        several = ax.plot(places, curves.T, color=sheet.COLOURS[0], linewidth=0.8, alpha=0.45)
        (line,) = ax.plot(places, mean, color=sheet.COLOURS[0], linewidth=2.2)
        dots = ax.scatter(x, y, s=36, color=sheet.INK, zorder=3)
        names = ["points", "mean", "19 of 20", "some curves"]
        sheet.legend(ax, [dots, line, band, several[0]], names, 1.6)
        ax.set_xlim(0, 10)

        ax = sheet.axes(page, 8.5, 1.75, 3.0, 3.8, "Surprise by length")
        lengths = np.geomspace(0.2, 8, 80)
        logs = np.log([[length, *learned[1:]] for length in lengths])
        surprises = [float(surprise(some, x, y)) for some in logs]
        ax.semilogx(lengths, surprises, color=sheet.INK, linewidth=1.9)
        ax.scatter(learned[0], history[-1], s=70, color=sheet.FRESH, zorder=3)
        ax.set(ylim=(history[-1] - 5, history[-1] + 60), xticks=[0.2, 1, 5])
        ax.set(xticklabels=["0.2", "1", "5"], xlabel="length", ylabel="-log likelihood")
        ax.minorticks_off()


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, rounds=(50, 3))
    rng = tg.manual_seed(args.seed)
    x = np.sort(np.r_[rng.uniform(0, 4, 9), rng.uniform(6, 10, 9)])
    y = np.sin(x) + 0.1 * rng.standard_normal(len(x))
    learned, history = learn(x, y, args.rounds, args.compile)
    print(f"-log likelihood {history[0]:.3f} after a round, {history[-1]:.3f} in the end")
    for name, value in zip(NAMES, learned):
        print(f"{name}: {value:.3f}")
    draw(args.out / "gp.png", x, y, learned, history, rng)
    print(f"{args.out / 'gp.png'}: the curve, and how sure it is")


if __name__ == "__main__":
    run_program(main)
