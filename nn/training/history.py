"""`History`: the metrics of every epoch, as numbers, a table, and curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Text

from .lookup import better

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.figure import Figure

__all__ = ["History"]

MOST_ROWS = 20  # of a table


class History:
    """Every metric of every epoch: `history["loss"][-1]` is the last loss.

    "loss" is what was minimised: "data_loss" + "reg_loss" where layers have penalties. "lr" is
    the learning rate; of several groups of parameters there are "lr.0", "lr.1" .... Validation
    metrics start with "val_". All but these are measured before each batch's update: averages over
    the epoch's batches, or of all its rows together, where an average would be wrong (F1, ROC-AUC,
    R²: see `over_epoch`).
    """

    def __init__(self) -> None:
        self.metrics: dict[str, list[float]] = {}

    def append(self, values: Mapping[str, float]) -> None:
        """Add the metrics of one more epoch."""
        for name, value in values.items():
            self.metrics.setdefault(name, []).append(value)

    def shorten(self, epochs: int) -> None:
        """Forget all but the first epochs."""
        for numbers in self.metrics.values():
            del numbers[epochs:]

    def best(self, name: str | None = None) -> tuple[int, float]:
        """Return the epoch, from 1, in which a metric was best, and its value there.

        Args:
            name: by default "val_loss", or "loss" if nothing was validated.

        Raises:
            KeyError: no such metric.
            ValueError: no epochs, or a metric that is not known to have a better side.
        """
        if name is None:
            name = "val_loss" if "val_loss" in self else "loss"
        values = np.array(self[name], np.float64)
        if np.isnan(values).all():
            raise ValueError(f"{name} has no best epoch: it is nan in all of them")
        least = better(name) == "min"
        k = int(np.nanargmin(values) if least else np.nanargmax(values))
        return k + 1, float(values[k])

    # --- as text -------------------------------------------------------------------------

    def table(self, most: int = MOST_ROWS) -> str:
        """Return the epochs as a table; of more than about `most`, every second, fifth, tenth …"""
        rows = self._rows(most)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.rjust, row, widths)) for row in rows]
        return Text("\n".join([lines[0], "-" * len(lines[0]), *lines[1:]]))

    def _rows(self, most: int) -> list[list[str]]:
        """Return the header and the rows of the table."""
        count = len(self)
        steps = (n * 10**k for k in range(20) for n in (1, 2, 5))
        step = next(step for step in steps if step * most >= count)
        shown = {1, count, *range(step, count + 1, step)} if count else set()
        rows = [["epoch", *self.metrics]]
        for epoch in sorted(shown):
            cells = [_cell(values, epoch - 1) for values in self.metrics.values()]
            rows.append([f"{epoch:,}", *cells])
        return rows

    def _repr_html_(self) -> str:
        from html import escape

        header, *rows = self._rows(MOST_ROWS)
        style = ' style="text-align: right"'
        head = "".join(f"<th{style}>{escape(name)}</th>" for name in header)
        body = "".join(
            f"<tr>{''.join(f'<td{style}>{cell}</td>' for cell in row)}</tr>" for row in rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def plot(self, path: Any = None) -> Figure:
        """Draw a panel for each metric, training and validation together, and mark the best epoch.

        Args:
            path: a file to write, such as "history.png" or "history.svg".

        Returns:
            The figure of matplotlib, which a notebook shows.

        Raises:
            ValueError: a history without epochs.
            ImportError: matplotlib is missing.
            OSError: the file can't be written.
        """
        from .curves import draw_history

        figure = draw_history(self)
        if path is not None:
            figure.savefig(path)
        return figure

    # --- as a dict ---------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return all numbers by name."""
        values = {name: np.array(numbers) for name, numbers in self.metrics.items()}
        return {"epochs": len(self), **values}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over the numbers of another history."""
        self.metrics = {k: np.asarray(v).tolist() for k, v in state.items() if k != "epochs"}

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.metrics:
            raise KeyError(f"no metric {name!r}; there are {', '.join(self.metrics)}")
        return self.metrics[name]

    def __contains__(self, name: str) -> bool:
        return name in self.metrics

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        """The number of epochs."""
        return max(map(len, self.metrics.values()), default=0)

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.metrics.items())
        text = f"; last: {last}" if last else ""
        return f"History({len(self)} epochs{text})"


def _cell(values: list[float], k: int) -> str:
    return f"{values[k]:.4g}" if k < len(values) else ""
