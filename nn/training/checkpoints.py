"""Checkpoints: a training on disk, which goes on as if it had never been stopped."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import whole_number
from ..saving import load, rehearse, save
from .callbacks import Callback
from .feed import Stream
from .run import Run, with_state

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Checkpoint"]


class Checkpoint(Callback):
    """Write the whole training to a file: `fit(..., resume=path)` goes on from there.

        last = nn.Checkpoint("last.npz")
        best = nn.Checkpoint("best.npz", best="val_loss")
        nn.fit(model, X, y, ..., callbacks=[last, best], resume=True)

    A file has the model, the optimizer, the generators (of the default, the data, and the model's
    layers), the history, and the state of the other callbacks. It is complete at any moment: the
    old one, or the new one. `nn.load(path, {"model": model})` reads the model alone.

    Args:
        path: ends in .npz or .safetensors.
        every: the number of epochs from one writing to the next; the last epoch is written, too.
        updates: write within epochs, too, each time that so many updates were made.
        best: the name of a metric: write only if it is better than ever.
        mode: "min" or "max", the better side; by default that of the metric of this name.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: int = 1,
        *,
        updates: int | None = None,
        best: str | None = None,
        mode: str | None = None,
    ) -> None:
        self.path = Path(path)
        self.every = whole_number("every", every, 1)
        self.updates = None if updates is None else whole_number("updates", updates, 1)
        if updates is not None and best is not None:
            raise ValueError("best is measured after epochs: give updates to another Checkpoint")
        self.metric = best
        self.mode = mode
        self.best = math.inf

    @staticmethod
    def place(callback: Callback) -> int:
        """Return a number by which callbacks are put in order: checkpoints last, the best first."""
        if not isinstance(callback, Checkpoint):
            return 0
        return 1 if callback.metric is not None else 2

    def on_begin(self, run: Run) -> None:
        self.best = math.inf
        if self.metric is not None:
            self._sign = 1 if run.better(self.metric, self.mode) == "min" else -1
        if self.updates is not None and run.processes.several:
            raise ValueError(
                "updates: with distributed=True a training goes on from the end of an epoch: write "
                "after epochs"
            )
        if self.updates is not None and isinstance(run.data, Stream):
            raise ValueError(
                "updates: an epoch of batches from elsewhere can't be gone on with in its middle; "
                "pass fit arrays, or write after epochs"
            )
        if run.processes.is_first:
            rehearse(parts_of(run), self.path)

    def on_batch(self, run: Run) -> None:
        if self.updates is not None and run.updates % self.updates == 0:
            save(parts_of(run), self.path)

    def on_epoch(self, run: Run) -> None:
        is_last = run.stopped or run.epoch == run.epochs
        if run.epoch % self.every and not is_last:
            return
        if self.metric is not None:
            value = self._sign * run.values[self.metric]
            if not value < self.best:
                return
            self.best = value
        if run.processes.is_first:
            save(parts_of(run), self.path)

    def state_dict(self) -> dict[str, Any]:
        """Return the best value so far, with the sign of one that is to be small."""
        return {"best": self.best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.best = state["best"]


def parts_of(run: Run) -> dict[str, Any]:
    """Return all that a training goes on from, as `save` and `load` take it."""
    if not hasattr(run.optimizer, "load_state_dict"):
        kind = type(run.optimizer).__name__
        raise TypeError(f"the optimizer can't be saved: {kind} has no state_dict, load_state_dict")
    return {
        "run": run,
        "model": run.model,
        "optimizer": run.optimizer,
        "generators": run.generators(),
        "history": run.history,
        **({"callbacks": callbacks} if (callbacks := with_state(run.callbacks)) else {}),
    }


def resume_run(run: Run, resume: Any) -> None:
    """Bring a run to where another one was; nothing changes unless everything fits.

    Args:
        resume: a path; or True for that of the run's Checkpoint, if there is such a file.
    """
    if resume is True:
        checkpoints = [c for c in run.callbacks if isinstance(c, Checkpoint)]
        if not checkpoints:
            raise ValueError("resume=True needs an nn.Checkpoint in callbacks, whose path it takes")
        resume = checkpoints[-1].path
        if not resume.exists():
            return
    load(resume, parts_of(run))
