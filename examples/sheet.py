"""What the pictures of the programs have in common: colours, style, and a page with a header."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib.style
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.text import Text

# One colour and one marker per class; the first three stay apart in every kind of colour blindness.
COLOURS = ["#004488", "#DDAA33", "#BB5566", "#66CCEE", "#333333", "#9370DB", "#80BA5A", "#661100"]
MARKERS = "o^sDvPX<"
INK, GREY, PALE, FRESH = "#1a1d21", "#5b626a", "#e3e5e8", "#c2410c"
MONO = {"family": "DejaVu Sans Mono", "size": 10}
BLUES = LinearSegmentedColormap.from_list("blues", ["#ffffff", "#cddbea", COLOURS[0]])

STYLE = [
    "default",
    {
        "font.family": "DejaVu Sans",
        "font.size": 11,
        "text.color": INK,
        "axes.edgecolor": "#b9bdc3",
        "axes.labelcolor": GREY,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": PALE,
        "xtick.color": "#b9bdc3",
        "ytick.color": "#b9bdc3",
        "xtick.labelcolor": GREY,
        "ytick.labelcolor": GREY,
        "legend.frameon": False,
    },
]

TWO = LinearSegmentedColormap.from_list("two classes", [COLOURS[0], "#f4f1ee", COLOURS[1]])


@contextmanager
def page(
    path: Path, title: str, subtitle: str, numbers: dict[str, str], size: tuple[float, float]
) -> Iterator[Figure]:
    """A figure with a header, written to a PNG when the block ends; `size` is in inches."""
    with matplotlib.style.context(STYLE):
        figure = Figure(size, facecolor="white", dpi=110)
        header(figure, title, subtitle, numbers)
        yield figure
        figure.savefig(path)
    with Image.open(path) as image:  # 256 colours are enough, in half of the bytes
        image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=0).save(path)


def header(figure: Figure, title: str, subtitle: str, numbers: dict[str, str]) -> None:
    """Title and subtitle on the left; on the right, what was reached: meanings and numbers."""
    left = figure.get_figwidth() - 0.64
    for meaning, number in reversed(numbers.items()):
        texts = [
            write(figure, left, 1.0, meaning, size=12, color=GREY),
            write(figure, left, 0.62, number, size=22, weight="bold"),
        ]
        left -= max(text.get_window_extent().width for text in texts) / figure.dpi
        for text in texts:
            text.set_x(left / figure.get_figwidth())
        left -= 0.4
    write(figure, 0.64, 0.62, title, size=22, weight="bold")
    below = write(figure, 0.64, 1.0, subtitle, size=12, color=GREY)
    room = (left - 0.64) * figure.dpi
    below.set_size(12 * min(1, room / below.get_window_extent().width))


def write(figure: Figure, left: float, top: float, text: str, **options: Any) -> Text:
    """Text at a place in inches from the top left corner."""
    width, height = figure.get_size_inches()
    return figure.text(left / width, 1 - top / height, text, **options)


def axes(
    figure: Figure, left: float, top: float, width: float, height: float, title: str = ""
) -> Axes:
    """Axes placed in inches from the top left corner."""
    whole_width, whole_height = figure.get_size_inches()
    box = (left, whole_height - top - height, width, height)
    ax = figure.add_axes(tuple(np.divide(box, [whole_width, whole_height] * 2)))
    name(ax, title)
    return ax


def name(ax: Axes, title: str) -> None:
    """The title of axes."""
    ax.set_title(title, loc="left", size=13, weight="bold", pad=9)


def count_steps(ax: Axes, steps: int) -> None:
    """The training steps, from 0 to the last one, as the horizontal axis."""
    ax.set_xlim(0, max(1, steps))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))


def legend(ax: Axes, handles: list[Line2D], labels: list[str], handlelength: float = 1) -> None:
    """A legend on one line, to the right of the title."""
    ax.legend(
        handles,
        labels,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(handles),
        columnspacing=1.0,
        borderaxespad=0.25,
        borderpad=0.2,
        handletextpad=0.5,
        handlelength=handlelength,
    )


def mark(marker: str, **options: Any) -> Line2D:
    """A marker for a legend."""
    return Line2D([], [], marker=marker, linestyle="none", **{"markersize": 7, **options})


def shaded_text(
    ax: Axes, text: str, shades: Iterable[float], columns: int, lines: int, size=10
) -> None:
    """The start of a text, each letter on its shade, 0 to 1; without empty lines."""
    ax.set(xlim=(0, columns), ylim=(lines, 0))
    ax.set_axis_off()
    row = column = 0
    for letter, shade in zip(text, shades):
        if letter.strip() and column < columns and row < lines:
            style = {"color": COLOURS[0], "alpha": 0.5 * shade, "linewidth": 0}
            ax.add_patch(Rectangle((column, row), 1, 1, **style))
            ax.text(
                column + 0.5, row + 0.5, letter, ha="center", va="center", **MONO | {"size": size}
            )
        if letter != "\n":
            column += 1
        elif column:  # empty lines are left out
            row, column = row + 1, 0
