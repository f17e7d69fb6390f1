"""Pictures of a training: the curves of its history, and those of a trial of learning rates."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .history import History
    from .rate_finder import LearningRates

TRAINING, VALIDATION = "#004488", "#BB5566"  # apart in every kind of colour blindness
INK, GREY, PALE = "#1a1d21", "#5b626a", "#e3e5e8"
PARTS = {"data_loss": "--", "reg_loss": ":"}  # of the loss, thin and grey
FEW = 40  # epochs: each has a mark
MANY = 1000  # epochs: more are drawn as means of some at a time, and the range around them
STEEP = 20  # largest to smallest value, from which on a scale is logarithmic
LEGEND: dict[str, Any] = {
    "loc": "lower right",
    "bbox_to_anchor": (1.02, 1.0),
    "ncols": 4,
    "columnspacing": 1.0,
    "borderpad": 0.2,
    "borderaxespad": 0.25,
    "handlelength": 1.2,
    "handletextpad": 0.5,
    "frameon": False,
    "fontsize": 8.5,
    "labelcolor": GREY,
}
RING: dict[str, Any] = {
    "marker": "o",
    "linestyle": "",
    "color": "white",
    "markersize": 7,
    "markeredgewidth": 1.6,
    "zorder": 5,
}


def draw_history(history: History) -> Figure:
    """Draw a panel for each metric, training and validation together; mark the best epoch."""
    if not len(history):
        raise ValueError("a history without epochs has no curves")
    panels = _panels(history)
    columns = 2 if len(panels) == 4 else min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure = page(4.6 * columns, 3.1 * rows)
    best = _best(history)
    for k, (title, names) in enumerate(panels.items()):
        axes = figure.add_subplot(rows, columns, k + 1)
        curves = {name: np.array(history[name], np.float64) for name in names}
        _dress(axes, title, len(history), curves)
        for name, values in curves.items():
            _draw(axes, values, _style(name))
        if best is not None:
            _mark(axes, *best, curves)
        if k + columns >= len(panels):
            axes.set_xlabel("epoch", color=GREY, fontsize=9)
        handles, labels = axes.get_legend_handles_labels()
        lines = dict(zip(labels, handles, strict=True))  # each label once
        if len(lines) > 1 or title == "loss":
            axes.legend(lines.values(), lines.keys(), **LEGEND)
    return figure


def draw_rates(rates: LearningRates) -> Figure:
    """Draw the losses over the learning rates, and mark the one that is suggested."""
    figure = page(5.6, 3.4)
    axes = figure.add_subplot()
    _paint(axes, "loss while the learning rate rises")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate", color=GREY, fontsize=9)
    axes.plot(rates.lrs, rates.losses, color=TRAINING, alpha=0.35, linewidth=1.2)
    axes.plot(rates.lrs, rates.smooth, color=TRAINING, linewidth=1.8)
    low, high = rates.smooth.min(), rates.smooth.max()
    if high > low:
        axes.set_ylim(low - 0.1 * (high - low), high + 0.15 * (high - low))
    best = rates.suggestion
    if best is not None:
        k = int(np.flatnonzero(rates.lrs == best)[0])
        _line(axes, best, f"steepest at {best:.2g}", k > len(rates.lrs) / 2)
        axes.plot([best], [rates.smooth[k]], markeredgecolor=TRAINING, **RING)
    return figure


def page(width: float, height: float) -> Figure:
    """Make an empty figure, which a notebook shows with or without pyplot."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        text = 'the curves need matplotlib: pip install "tinygrad-np[viz]"'
        raise ImportError(text) from error
    size = (width, height)
    figure = Figure(figsize=size, layout="constrained", facecolor="white", dpi=110)

    def png() -> bytes:
        file = io.BytesIO()
        figure.savefig(file, format="png")
        return file.getvalue()

    vars(figure)["_repr_png_"] = png
    return figure


def _panels(history: History) -> dict[str, list[str]]:
    """Return which metrics are drawn together, by title; a learning rate only if it changes."""
    panels: dict[str, list[str]] = {"loss": []}
    rates = []
    for name in history:
        title = name.removeprefix("val_")
        if title.split(".")[0] == "lr":
            rates.append(name)
        else:
            panels.setdefault("loss" if title in PARTS else title, []).append(name)
    if any(len(set(history[name])) > 1 for name in rates):
        panels["learning rate"] = rates
    return {title: names for title, names in panels.items() if names}


def _best(history: History) -> tuple[str, int] | None:
    """Return the metric by which an epoch is the best one, and that epoch; None without any."""
    name = "val_loss" if "val_loss" in history else "loss"
    if name not in history or np.isnan(history[name]).all():
        return None
    return name, history.best(name)[0]


def _dress(axes: Axes, title: str, epochs: int, curves: dict[str, np.ndarray]) -> None:
    """Set what is around the curves: title, ends, scales, ticks."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    values = np.concatenate(list(curves.values()))
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > STEEP * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    margin = max(0.5, 0.02 * epochs)
    axes.set_xlim(1 - margin, epochs + margin)
    steps = [1, 2, 5, 10]
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=steps, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda epoch, _: f"{epoch:,.0f}"))
    _paint(axes, title)


def _paint(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, weight="bold", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#b9bdc3")
    axes.tick_params(which="both", color="#b9bdc3", labelcolor=GREY, labelsize=9)
    axes.grid(axis="y", color=PALE)
    axes.set_axisbelow(True)


def _style(name: str) -> dict[str, Any]:
    """Return the look and the label of a metric's line."""
    if name in PARTS:
        return {"color": GREY, "linestyle": PARTS[name], "linewidth": 1.1, "label": name}
    if name.startswith("val_"):
        return {"color": VALIDATION, "linewidth": 1.8, "label": "validation"}
    label = f"group {name[3:]}" if name.startswith("lr.") else "training"
    return {"color": TRAINING, "linewidth": 1.8, "label": label}


def _draw(axes: Axes, values: np.ndarray, style: dict[str, Any]) -> None:
    """Draw a line, and a cross below each epoch that is not finite."""
    epochs = np.arange(1, len(values) + 1)
    good = np.isfinite(values)
    color = style["color"]
    if not good.all():
        bottom = np.full(np.count_nonzero(~good), 0.03)
        options = {"color": color, "markersize": 5, "label": "not finite"}
        axes.plot(epochs[~good], bottom, "x", transform=axes.get_xaxis_transform(), **options)
    if not good.any():
        return
    if len(values) <= MANY:
        marker = "o" if len(values) <= FEW else ""
        axes.plot(epochs, np.where(good, values, np.nan), marker=marker, markersize=4, **style)
        return
    rows = np.flatnonzero(good)
    parts = [part for part in np.array_split(rows, MANY // 4) if len(part)]
    middle = [epochs[part].mean() for part in parts]
    low = [values[part].min() for part in parts]
    high = [values[part].max() for part in parts]
    axes.fill_between(middle, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(middle, [values[part].mean() for part in parts], **style)


def _mark(axes: Axes, name: str, epoch: int, curves: dict[str, np.ndarray]) -> None:
    """Mark the best epoch, and the value that it is the best by."""
    if name not in curves:
        _line(axes, epoch, "", False)
        return
    value = curves[name][epoch - 1]
    is_late = epoch > len(curves[name]) / 2
    _line(axes, epoch, f"best: {value:.4g} in epoch {epoch:,}", is_late)
    axes.plot([epoch], [value], markeredgecolor=_style(name)["color"], **RING)


def _line(axes: Axes, x: float, text: str, is_left: bool) -> None:
    """Draw a vertical line, with a text at its upper end, to the left of it or to the right."""
    axes.axvline(x, color=INK, linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
    if text:
        axes.annotate(
            text,
            (x, 0.985),
            (-5 if is_left else 5, 0),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            va="top",
            ha="right" if is_left else "left",
            fontsize=8.5,
            color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
            zorder=6,
        )
