"""The progress of `fit`: a bar of tqdm in a terminal, a line of HTML in a notebook."""

from __future__ import annotations

import time
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from .callbacks import Callback, notebook_display

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .run import Run

SECONDS = 0.1  # the least time between two updates of a notebook
STYLE = "font-family: monospace; font-variant-numeric: tabular-nums"
BAR_STYLE = "width: 10em; margin-right: 1em; vertical-align: middle; accent-color: #004488"


def progress_bar(progress: bool | None) -> list[Callback]:
    """Return the bar that `fit` is asked for, or nothing.

    Raises:
        ImportError: `progress` is True, this is no notebook, and tqdm is missing.
    """
    if progress is False:
        return []
    display = notebook_display()
    if display is not None:
        return [NotebookBar(display)]
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        if progress is None:
            return []
        text = 'the progress bar needs tqdm: pip install "tinygrad-np[examples]", or '
        raise ImportError(text + "progress=False") from error
    return [TerminalBar(tqdm)]


class TerminalBar(Callback):
    """A bar of tqdm over all batches, with the metrics of the last epoch."""

    def __init__(self, tqdm: Callable[..., Any]) -> None:
        self.tqdm = tqdm

    def on_begin(self, run: Run) -> None:
        self.epoch = 0
        batches = len(run.data)
        if batches == 1:
            self.bar = self.tqdm(total=run.epochs, unit="epoch")
        else:
            total = run.epochs * batches if batches else None
            self.bar = self.tqdm(total=total, unit="batch")

    def on_batch(self, run: Run) -> None:
        if len(run.data) != 1:
            if run.epoch != self.epoch:
                self.epoch = run.epoch
                self.bar.set_description(f"epoch {run.epoch}/{run.epochs}", refresh=False)
            done = (run.epoch - 1) * len(run.data) + run.batch
            self.bar.update(done - self.bar.n)

    def on_epoch(self, run: Run) -> None:
        bar = self.bar
        is_last = run.epoch == run.epochs or run.stopped
        if is_last or bar.n + 1 >= bar.last_print_n + bar.miniters:
            bar.set_postfix(_texts(run.values), refresh=False)
        if len(run.data) == 1:
            bar.update(run.epoch - bar.n)

    def on_end(self, run: Run) -> None:
        self.bar.close()


class NotebookBar(Callback):
    """A bar in a notebook, with the metrics of the last epoch; of a batch before there is one.

    It is HTML and no widget, which would need a package of its own, and of which a notebook's file
    keeps nothing.
    """

    def __init__(self, display: Callable[..., Any]) -> None:
        self.display = display

    def on_begin(self, run: Run) -> None:
        self._began = time.monotonic()
        self._due = 0.0
        self._first: tuple[float, float] | None = None  # time and share done, when first shown
        self._values: Mapping[str, float] = {}
        self._share, self._text = 0.0, f"epoch 0 / {run.epochs:,}"
        self._handle = self.display(self, display_id=True)

    def on_batch(self, run: Run) -> None:
        if not run.complete:
            self._values = run.values
        self._show(run)

    def on_epoch(self, run: Run) -> None:
        self._values = run.values
        self._show(run)

    def on_end(self, run: Run) -> None:
        self._share = _share(run)
        time_taken = _duration(time.monotonic() - self._began)
        self._update(f"{run.complete:,} epoch{'s' * (run.complete != 1)} in {time_taken}")

    def _show(self, run: Run) -> None:
        """Show how far the run is, unless that was done a moment ago."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + SECONDS
        self._share = _share(run)
        if self._first is None:
            self._first = (now, self._share)
        began, first = self._first
        left = []
        if self._share > first:
            rest = (now - began) * (1 - self._share) / (self._share - first)
            left = [f"{_duration(rest)} left"]
        self._update(f"epoch {run.epoch:,} / {run.epochs:,}", left)

    def _update(self, text: str, left: Sequence[str] = ()) -> None:
        metrics = [f"{name} {value}" for name, value in _texts(self._values).items()]
        self._text = " · ".join([text, *metrics, *left])
        self._handle.update(self)

    def _repr_html_(self) -> str:
        bar = f'<progress value="{self._share:.4f}" style="{BAR_STYLE}"></progress>'
        return f'<div style="{STYLE}">{bar}{escape(self._text)}</div>'

    def __repr__(self) -> str:
        return self._text


def _share(run: Run) -> float:
    """Return the part of a run's epochs that is done, 0 to 1."""
    batches = len(run.data)
    part = run.batch / batches if batches else 0.0
    return (run.complete + part) / max(1, run.epochs)


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{timedelta(seconds=round(seconds))}"


def _texts(values: Mapping[str, float]) -> dict[str, str]:
    """Return the metrics as texts, without learning rates."""
    return {k: f"{v:.4g}" for k, v in values.items() if k.split(".")[0] != "lr"}
