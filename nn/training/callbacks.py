"""Callbacks: what `fit` calls while it trains."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Any

from ..arguments import check_not_negative, whole_number
from ..saving import part_of
from . import curves

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from .history import History
    from .run import Run

__all__ = ["Callback", "EarlyStopping", "Film", "LiveCurve"]


class Callback:
    """Base of what `fit` calls while it trains: override the hooks that are of use.

        class Note(nn.Callback):
            def on_epoch(self, run):
                print(run.epoch, run.values["loss"])

    `run` is a `Run`: what there is to read, and `run.stop()`. Callbacks are called in their order;
    those that write checkpoints come last. One that remembers something that its later doings
    depend on has `state_dict` and `load_state_dict`, too, with which a run that was stopped goes on
    as if it had not been.
    """

    def on_begin(self, run: Run) -> None:
        """Do something before the first epoch."""

    def on_batch(self, run: Run) -> None:
        """Do something after each update, with its losses and metrics in `run.values`."""

    def on_epoch(self, run: Run) -> None:
        """Do something after each epoch, with its losses and metrics in `run.values`."""

    def on_end(self, run: Run) -> None:
        """Do something at the end, whatever it was; `run.error` is the exception, or None."""


class EpochFunction(Callback):
    """A function of (epoch, history), which ends the training by returning False."""

    def __init__(self, function: Callable[[int, History], Any]) -> None:
        self.function = function

    def on_epoch(self, run: Run) -> None:
        if self.function(run.epoch, run.history) is False:
            run.stop()


class EarlyStopping(Callback):
    """End the training once a metric has not become better for some epochs.

    Args:
        metric: its name in the history, such as "val_loss" or "val_accuracy".
        patience: the number of epochs without a better value after which it ends.
        min_delta: by how much a value must be better, to count as such.
        restore_best: give the model the parameters and buffers of the best epoch in the end;
            they are kept in memory. Not after an error or Ctrl-C.
        mode: "min" or "max", the better side; by default that of the metric of this name.

    Attributes:
        best: the best value so far.
        best_epoch: its epoch, from 1; 0 if there is none.
    """

    def __init__(
        self,
        metric: str = "val_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        *,
        restore_best: bool = True,
        mode: str | None = None,
    ) -> None:
        self.metric = metric
        self.patience = whole_number("patience", patience, 1)
        self.min_delta = check_not_negative("min_delta", min_delta)
        self.restore_best = restore_best
        self.mode = mode

    def on_begin(self, run: Run) -> None:
        self._sign = 1 if run.better(self.metric, self.mode) == "min" else -1
        self.best = self._sign * math.inf
        self.best_epoch = 0
        self.wait = 0
        self._model: dict[str, Any] = {}

    def on_epoch(self, run: Run) -> None:
        value = run.values[self.metric]
        if self._sign * value < self._sign * self.best - self.min_delta:
            self.best = value
            self.best_epoch = run.epoch
            self.wait = 0
            if self.restore_best:
                self._model = run.model.state_dict()
            return
        self.wait += 1
        if self.wait >= self.patience:
            run.stop()

    def on_end(self, run: Run) -> None:
        if self._model and run.error is None:
            run.model.load_state_dict(self._model)

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, its epoch, the epochs since then, and the model of it."""
        model = {f"model.{name}": values for name, values in self._model.items()}
        return {"best": self.best, "best_epoch": self.best_epoch, "wait": self.wait, **model}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.best = state["best"]
        self.best_epoch = state["best_epoch"]
        self.wait = state["wait"]
        self._model = part_of(state, "model")


class Film(Callback):
    """Keep the parameters at steps of a training, evenly spaced over all of it.

        film = nn.Film()
        nn.fit(model, X, y, loss="cross_entropy", optimizer=optimizer, epochs=500, callbacks=[film])
        tg.graph(loss, model, record=run).html("step.html", step=step, film=film)

    The page then has a slider through the training. Once the film is full, every second frame
    goes, and from then on the distance between frames is twice as large.

    Args:
        frames: the most frames that it has.
        megabytes: the most that the arrays in it take together.

    Attributes:
        tensors: the parameters, in the order of the model's.
        steps: the number of updates before each frame.
        arrays: the parameters' values in each frame: a list of arrays.
        losses: of each frame, on the batch that came next; nan for the last one, which has none.

    Raises:
        ValueError: fewer than two frames, or megabytes below 0.
    """

    def __init__(self, frames: int = 200, megabytes: float = 50.0) -> None:
        self.frames = whole_number("frames", frames, 2)
        self.megabytes = check_not_negative("megabytes", megabytes)
        self.tensors: list[Any] = []
        self.steps: list[int] = []
        self.arrays: list[list[np.ndarray]] = []
        self.losses: list[float] = []

    def on_begin(self, run: Run) -> None:
        self.tensors = list(run.model.parameters())
        self.steps, self.arrays, self.losses = [], [], []
        size = sum(tensor.data.nbytes for tensor in self.tensors)
        self._most = max(2, min(self.frames, int(self.megabytes * 1e6 / max(1, size))))
        self._every = 1
        self._first = run.updates
        self._take(run.updates)

    def on_batch(self, run: Run) -> None:
        if self.steps[-1] == run.updates - 1:
            self.losses[-1] = run.values["loss"]
        if self._is_due(run):
            self._thin()
            if self._is_due(run):
                self._take(run.updates)

    def on_end(self, run: Run) -> None:
        if self.steps[-1] != run.updates:
            self._thin()
            self._take(run.updates)

    def _is_due(self, run: Run) -> bool:
        return (run.updates - self._first) % self._every == 0

    def _thin(self) -> None:
        """Drop every second frame if there is no room for another one."""
        if len(self.steps) == self._most:
            self._every *= 2
            for frames in (self.steps, self.arrays, self.losses):
                del frames[1::2]

    def _take(self, step: int) -> None:
        self.steps.append(step)
        self.arrays.append([tensor.data.copy() for tensor in self.tensors])
        self.losses.append(math.nan)


class LiveCurve(Callback):
    """Draw the history in a notebook while it grows; outside of one, do nothing.

    Args:
        seconds: the least time between two pictures. Drawing takes at most a tenth of the time.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = check_not_negative("seconds", seconds)

    def on_begin(self, run: Run) -> None:
        self._display: Any = notebook_display()
        if self._display is not None:
            curves.page(1, 1)  # which says what is missing, if matplotlib is
        self._picture: Any = None
        self._due = 0.0
        self._drawn = 0

    def on_epoch(self, run: Run) -> None:
        started = time.monotonic()
        if self._display is not None and started >= self._due:
            self._draw(run)
            ended = time.monotonic()
            self._due = ended + max(self.seconds, 9 * (ended - started))

    def on_end(self, run: Run) -> None:
        if self._display is not None and self._drawn != len(run.history):
            self._draw(run)

    def _draw(self, run: Run) -> None:
        figure = curves.draw_history(run.history)
        self._drawn = len(run.history)
        if self._picture is None:
            self._picture = self._display(figure, display_id=True)
        else:
            self._picture.update(figure)


def notebook_display() -> Callable[..., Any] | None:
    """Return IPython's `display` in a notebook, None elsewhere."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return ipython.display.display if hasattr(shell, "kernel") else None
