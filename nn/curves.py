"""Pictures of a training: the curves of its history, and those of a trial of learning rates."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

try:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator
except ImportError as error:
    text = 'the curves need matplotlib: pip install "tinygrad-np[viz]"'
    raise ImportError(text) from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .history import History
    from .rate_finder import LearningRates

__all__ = ["Curves", "RateCurve"]

TRAINING, VALIDATION = "#004488", "#BB5566"  # apart in every kind of colour blindness
INK, GREY, PALE = "#1a1d21", "#5b626a", "#e3e5e8"
PARTS = {"data_loss": "--", "reg_loss": ":"}  # of the loss, thin and grey
FEW = 40  # epochs: each has a mark
MANY = 1000  # epochs: more are drawn as means of some at a time, and the range around them
STEEP = 20  # largest to smallest value, from which on a scale is logarithmic


class _Picture(Figure):
    """A figure that a notebook shows, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


class Curves(_Picture):
    """The curves of a history: a panel for each metric, training and validation together."""

    def __init__(self, history: History) -> None:
        if not len(history):
            raise ValueError("a history without epochs has no curves")
        panels = _panels(history)
        columns = 2 if len(panels) == 4 else min(len(panels), 3)
        rows = -(-len(panels) // columns)
        super().__init__(figsize=(4.6 * columns, 3.1 * rows), **PAGE)
        best = _best(history)
        for k, (title, names) in enumerate(panels.items()):
            axes = self.add_subplot(rows, columns, k + 1)
            curves = {name: np.array(history[name], np.float64) for name in names}
            _dress(axes, title, len(history), curves)
            for name, values in curves.items():
                _draw(axes, values, _style(name))
            if best is not None:
                _mark(axes, best, curves)
            if k + columns >= len(panels):
                axes.set_xlabel("epoch", color=GREY, fontsize=9)
            handles, labels = axes.get_legend_handles_labels()
            lines = dict(zip(labels, handles, strict=True))  # each label once
            if len(lines) > 1 or title == "loss":
                axes.legend(lines.values(), lines.keys(), **LEGEND)


PAGE: dict[str, Any] = {"layout": "constrained", "facecolor": "white", "dpi": 110}
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
    values = np.concatenate(list(curves.values()))
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > STEEP * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    margin = max(0.5, 0.02 * epochs)
    axes.set_xlim(1 - margin, epochs + margin)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
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
    if not good.all():
        bottom = np.full(np.count_nonzero(~good), 0.03)
        axes.plot(
            epochs[~good], bottom, "x", color=style["color"], markersize=5, label="not finite",
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
    if not good.any():
        return
    if len(values) <= MANY:
        marker = "o" if len(values) <= FEW else ""
        axes.plot(epochs, np.where(good, values, np.nan), marker=marker, markersize=4, **style)
        return
    parts = np.array_split(np.flatnonzero(good), MANY // 4)
    middle = [epochs[part].mean() for part in parts if len(part)]
    low, mean, high = zip(*((v.min(), v.mean(), v.max()) for p in parts if len(v := values[p])))
    axes.fill_between(middle, low, high, color=style["color"], alpha=0.2, linewidth=0)
    axes.plot(middle, mean, **style)


def _mark(axes: Axes, best: tuple[str, int], curves: dict[str, np.ndarray]) -> None:
    """Mark the best epoch, and the value that it is the best by."""
    name, epoch = best
    axes.axvline(epoch, color=INK, linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
    if name not in curves:
        return
    value = curves[name][epoch - 1]
    axes.plot(
        [epoch], [value], "o", color="white", markersize=7, markeredgewidth=1.6,
        markeredgecolor=_style(name)["color"], zorder=5,
    )  # fmt: skip
    text = f"best: {value:.4g} in epoch {epoch:,}"
    _label(axes, epoch, text, epoch > len(curves[name]) / 2)


def _label(axes: Axes, x: float, text: str, is_left: bool) -> None:
    """Write a text at the upper end of a vertical line, to the left of it or to the right."""
    axes.annotate(
        text, (x, 0.985), (-5 if is_left else 5, 0),
        xycoords=axes.get_xaxis_transform(), textcoords="offset points", va="top",
        ha="right" if is_left else "left", fontsize=8.5, color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}, zorder=6,
    )  # fmt: skip


class RateCurve(_Picture):
    """The losses of a trial of learning rates, and the one that is suggested."""

    def __init__(self, rates: LearningRates) -> None:
        super().__init__(figsize=(5.6, 3.4), **PAGE)
        axes = self.add_subplot()
        _paint(axes, "loss while the learning rate rises")
        axes.set_xscale("log")
        axes.set_xlabel("learning rate", color=GREY, fontsize=9)
        axes.plot(rates.lrs, rates.losses, color=TRAINING, alpha=0.35, linewidth=1.2)
        axes.plot(rates.lrs, rates.smooth, color=TRAINING, linewidth=1.8)
        low, high = rates.smooth.min(), rates.smooth.max()
        axes.set_ylim(low - 0.1 * (high - low), high + 0.15 * (high - low) or None)
        if rates.suggestion is None:
            return
        k = int(np.flatnonzero(rates.lrs == rates.suggestion)[0])
        axes.axvline(rates.suggestion, color=INK, linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
        axes.plot(
            [rates.suggestion], [rates.smooth[k]], "o", color="white", markersize=7,
            markeredgewidth=1.6, markeredgecolor=TRAINING, zorder=5,
        )  # fmt: skip
        _label(
            axes, rates.suggestion, f"steepest at {rates.suggestion:.2g}", k > len(rates.lrs) / 2
        )
