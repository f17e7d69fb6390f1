"""The pictures of spiral.py: the summary figure and the film of the boundary being learned."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import matplotlib.style
import numpy as np
from contourpy import contour_generator
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from PIL import Image
from sheet import (
    COLOURS,
    FRESH,
    GREY,
    INK,
    MARKERS,
    STYLE,
    axes,
    count_steps,
    header,
    legend,
    mark,
    name,
    write,
)
from tqdm import tqdm

import tinygrad_np as tg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes
    from spiral import Run

REACH = 1.12  # the spiral has radius 1; the pictures show a little more


def steps_to_draw(epochs: int) -> set[int]:
    """The training steps at which the pictures need the parameters."""
    return {*_film_steps(epochs), *_strip_steps(epochs)}


def steps_if_stopped(epochs: int) -> set[int]:
    """Steps at which to keep the parameters for a training that may be stopped at any time."""
    count = int(12 * np.log2(epochs + 1))  # each 6 % later than the one before
    return set(np.rint(np.geomspace(1, epochs, max(1, count))).astype(int).tolist())


def _kept(run: Run, steps: list[int]) -> list[int]:
    """The steps nearest to these of which the parameters were kept."""
    return sorted({min(run.states, key=lambda kept: abs(kept - step)) for step in steps})


def _film_steps(epochs: int, frames: int = 63) -> list[int]:
    """Steps of the film: small strides at the start, where most is learned in a few steps."""
    return np.unique(np.rint(epochs * np.linspace(0, 1, frames) ** 3).astype(int)).tolist()


def _strip_steps(epochs: int) -> list[int]:
    """Steps of the strip of small pictures, 7 at most."""
    if epochs < 7:
        return list(range(epochs + 1))
    parts = np.array([0, 0.005, 0.01, 0.03, 0.1, 0.3, 1])
    return np.unique(np.rint(epochs * parts).astype(int)).tolist()


# --- the summary figure --------------------------------------------------------------------------

WIDTH, HEIGHT = 16.0, 9.8  # inches


def save_summary(run: Run, title: str, path: Path) -> None:
    """One figure: the data, what the network learned, how well, and how it came about."""
    with matplotlib.style.context(STYLE):
        figure = Figure((WIDTH, HEIGHT), facecolor="white")
        _header(figure, run, title)
        _draw_data(axes(figure, 0.64, 1.62, 4.9, 4.9), run)
        _draw_learned(axes(figure, 5.92, 1.62, 4.9, 4.9), run)
        _draw_curves(axes(figure, 11.6, 1.62, 3.76, 2.2), axes(figure, 11.6, 4.36, 3.76, 2.16), run)
        _draw_strip(figure, run)
        figure.savefig(path, dpi=120)


def _header(figure: Figure, run: Run, title: str) -> None:
    numbers = {
        "training accuracy": f"{run.accuracy[-1]:.1%}",
        "fresh-data accuracy": f"{run.fresh_accuracy[-1]:.1%}",
        "training loss": short(run.loss[-1], 3),
    }
    header(figure, "Spiral classifier", title, numbers)


def short(loss: float, digits: int) -> str:
    """A loss in a few characters, however large."""
    if loss < 1000:
        return f"{loss:.{digits}f}"
    return f"{loss:,.0f}" if loss < 1e6 else f"{loss:.1e}"


def _draw_data(ax: Axes, run: Run) -> None:
    name(ax, "The data")
    _frame(ax)
    ax.grid()
    _draw_points(ax, run, 34)
    classes = range(_classes(run))
    marks = [mark(MARKERS[k], color=COLOURS[k], markeredgecolor="white") for k in classes]
    legend(ax, marks, [f"class {k}" if len(classes) < 5 else str(k) for k in classes])


def _draw_learned(ax: Axes, run: Run) -> None:
    name(ax, "What it learned")
    _frame(ax)
    ax.tick_params(labelleft=False)
    *_, (_, scores) = _scores_on_grid(run, [max(run.states)], 400)
    _draw_regions(ax, scores, 1.6)
    _draw_points(ax, run, 34)
    wrong = run.model.predict(run.X).argmax(axis=1) != run.y
    fewer = min(1, np.sqrt(40 / max(1, wrong.sum())))  # many rings, smaller and finer ones
    ring = {"s": 130 * fewer, "linewidths": 0.5 + 1.1 * fewer}
    ax.scatter(*run.X[wrong].T, facecolors="none", edgecolors=INK, zorder=4, **ring)
    example = mark("o", color="none", markeredgecolor=INK, markeredgewidth=1.6, markersize=10)
    legend(ax, [example], [f"misclassified: {wrong.sum():,} of {len(wrong):,}"])


def _draw_curves(loss: Axes, accuracy: Axes, run: Run) -> None:
    classes = _classes(run)
    for ax, values, fresh, guess, guess_text in (
        (loss, run.loss, run.fresh_loss, np.log(classes), f"ln {classes}"),
        (accuracy, run.accuracy, run.fresh_accuracy, 1 / classes, f"1/{classes}"),
    ):
        ax.grid()
        ax.plot(values, color=INK, alpha=0.25, linewidth=0.8)
        ax.plot(run.fresh_steps, fresh, color=FRESH, alpha=0.25, linewidth=0.8)
        lines = [
            *ax.plot(_smooth(values), color=INK, linewidth=1.9),
            *ax.plot(run.fresh_steps, _smooth(fresh), color=FRESH, linewidth=1.9, linestyle="--"),
            ax.axhline(guess, color=GREY, linewidth=1.1, linestyle=":"),
        ]
        ax.text(
            1.015, guess, guess_text, color=GREY, va="center", transform=ax.get_yaxis_transform()
        )
        count_steps(ax, len(values) - 1)

    name(loss, "Loss")
    legend(loss, lines, ["training", "fresh", "guessing"], handlelength=1.9)
    seen = np.concatenate([_smooth(run.loss), _smooth(run.fresh_loss), [np.log(classes)]])
    seen = seen[np.isfinite(seen)]
    loss.set_yscale("log")
    low, high = loss.set_ylim(min(seen.min() * 0.8, np.log(classes) / 2), seen.max() * 1.35)
    loss.yaxis.set_major_locator(FixedLocator(_ticks(low, high)))
    loss.yaxis.set_minor_locator(NullLocator())
    loss.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    loss.tick_params(labelbottom=False)

    name(accuracy, "Accuracy")
    accuracy.set_ylim(0, 1.03)
    accuracy.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    accuracy.set_xlabel("training step", color=GREY)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers for a logarithmic axis; of a loss that grew without bounds, a few powers."""
    decades = np.log10(high / low)
    digits: tuple[float, ...] = (1, 1.5, 2, 3, 5, 7) if decades < 0.7 else (1, 2, 5)
    if decades > 3:
        digits = (1,)
    stride = 1 + int(decades // 6)
    powers = range(-42, 39, stride)
    return [digit * 10.0**power for power in powers for digit in digits]


def _draw_strip(figure: Figure, run: Run) -> None:
    write(figure, 0.64, 7.32, "How the boundary formed", size=13, weight="bold")
    size, stride = 1.96, 2.127
    for place, (step, scores) in enumerate(
        _scores_on_grid(run, _kept(run, _strip_steps(run.steps)), 180)
    ):
        ax = axes(figure, 0.64 + stride * place, 7.46, size, size)
        ax.set_axis_off()
        _frame(ax)
        _draw_regions(ax, scores, 1.2)
        _draw_points(ax, run, 4, edge=0)
        ax.text(
            0.5, -0.05, f"step {step:,}  ·  {run.accuracy[step]:.0%}",
            transform=ax.transAxes, ha="center", va="top", color=GREY,
        )  # fmt: skip


# --- the film ------------------------------------------------------------------------------------


def save_film(run: Run, path: Path) -> None:
    """An animated GIF of the regions while they are learned; the last frame stays for a while."""
    steps = _kept(run, _film_steps(run.steps))
    fresh = dict(zip(run.fresh_steps, run.fresh_accuracy))
    frames = []
    with matplotlib.style.context(STYLE):
        figure = Figure((5.6, 6.2), facecolor="white", dpi=86)
        canvas = FigureCanvasAgg(figure)
        ax = figure.add_axes((0.03, 0.027, 0.94, 0.849))
        ax.set_axis_off()
        _frame(ax)
        _draw_points(ax, run, 26)
        figure.text(0.03, 0.945, "Learning the spiral", size=15, weight="bold")
        step_text = figure.text(0.97, 0.945, "", size=15, weight="bold", ha="right")
        score_text = figure.text(0.03, 0.897, "", color=GREY)
        drawn: list[Any] = []
        scores_by_step = _scores_on_grid(run, steps, 200)
        for step, scores in tqdm(scores_by_step, total=len(steps), unit="frame"):
            for artist in drawn:
                artist.remove()
            drawn = _draw_regions(ax, scores, 1.4)
            step_text.set_text(f"step {step:,}")
            trained = f"accuracy {run.accuracy[step]:.0%} on its training data"
            score_text.set_text(f"{trained}, {fresh[step]:.0%} on fresh data")
            canvas.draw()
            frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    _write_gif(frames, path, _classes(run))


def _write_gif(frames: list[Image.Image], path: Path, classes: int) -> None:
    """One small palette (64 colours for 3 classes), so that still places stay the same."""
    greys = np.linspace(to_rgb(INK), to_rgb("white"), 7)
    pure = np.array([to_rgb(colour) for colour in COLOURS[:classes]])
    shades = [_shade(pure, sure) for sure in np.linspace(0, 1, max(12, (64 - 7) // classes - 1))]
    colours = np.rint(255 * np.concatenate([greys, pure, *shades])).astype(np.uint8)
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.tobytes())
    small = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [110] * (len(small) - 1) + [3000]
    small[0].save(path, save_all=True, append_images=small[1:], duration=durations, loop=0)


# --- what both are made of -----------------------------------------------------------------------


def _classes(run: Run) -> int:
    return run.model.parameters()[-1].size  # the biases of the last layer


def _scores_on_grid(run: Run, steps: list[int], side: int) -> Iterator[tuple[int, np.ndarray]]:
    """The network's scores (side, side, classes) all over the picture, at each of the steps."""
    line = np.linspace(-REACH, REACH, side)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    model = copy.deepcopy(run.model)
    for step in steps:
        model.load_state_dict(run.states[step])
        yield step, model.predict(grid, batch_size=4096).reshape(side, side, -1)


def _draw_regions(ax: Axes, scores: np.ndarray, linewidth: float) -> list[Any]:
    """Each place in the colour of its likeliest class, paler the less sure; frontiers in white."""
    box = (-REACH, REACH, -REACH, REACH)
    drawn: list[Any] = [
        ax.imshow(_shades(scores), extent=box, origin="lower", interpolation="bilinear", zorder=0)
    ]
    line = np.linspace(-REACH, REACH, len(scores))
    second, first = np.moveaxis(np.partition(scores, -2, axis=-1)[..., -2:], -1, 0)
    frontiers: list[np.ndarray] = []
    for k in range(scores.shape[-1]):
        # The same line as for probabilities, but smoother: scores do not saturate.
        own = scores[..., k]
        lead = own - np.where(own == first, second, first)
        frontiers += contour_generator(line, line, lead).lines(0.0)
    lines = LineCollection(frontiers, colors="white", linewidths=linewidth, zorder=1)
    drawn.append(ax.add_collection(lines, autolim=False))
    return drawn


def _shades(scores: np.ndarray) -> np.ndarray:
    """RGB (side, side, 3): near white where two classes tie, the class's own where it is sure."""
    probabilities = np.sort(tg.softmax(scores), axis=-1)
    sure = (probabilities[..., -1] - probabilities[..., -2])[..., None]
    return _shade(np.array([to_rgb(c) for c in COLOURS])[scores.argmax(axis=-1)], sure)


def _shade(colours: np.ndarray, sure: Any) -> np.ndarray:
    """The colours softened, so that points stand out on them, and paler the less sure (0 to 1)."""
    nowhere = np.array(to_rgb("#f4f1ee"))
    return nowhere + 0.62 * sure * (colours - nowhere)


def _frame(ax: Axes) -> None:
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
    ax.set_xticks([-1, -0.5, 0, 0.5, 1])
    ax.set_yticks([-1, -0.5, 0, 0.5, 1])


def _draw_points(ax: Axes, run: Run, size: float, edge: float = 0.7) -> None:
    fewer = min(1, 600 / len(run.X))  # many points, smaller ones
    for k in range(_classes(run)):
        ax.scatter(
            *run.X[run.y == k].T,
            s=size * fewer,
            color=COLOURS[k],
            marker=MARKERS[k],
            edgecolors="white",
            linewidths=edge * np.sqrt(fewer),
            zorder=3,
        )


def _smooth(values: list[float]) -> np.ndarray:
    """The running mean of the middle half of 1 % of the curve, which short spikes don't reach."""
    reach = len(values) // 200
    padded = np.pad(values, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    rest = (reach + 1) // 2
    return np.sort(windows, axis=-1)[:, rest : 2 * reach + 1 - rest].mean(axis=-1)
