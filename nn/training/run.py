"""`Run`: a training while it goes on, and the state from which it can go on later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg

from ..saving import part_of
from .callbacks import Callback
from .history import History
from .lookup import better
from .measures import Epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..module import Buffer, Module
    from .feed import Rows, Stream
    from .processes import OneProcess

__all__ = ["Run"]


class Run:
    """A training while it goes on, as callbacks see it.

    Attributes:
        model, optimizer: what `fit` was given.
        history: what it returns.
        data, validation: where batches come from; `len(data)` is their number in an epoch, 0 if
            it is not known.
        metrics: the functions by name.
        callbacks, watching: all of them; those that are called after each update.
        epochs: the number of epochs that were asked for.
        epoch: the number of the current one, from 1.
        batch: the number of its batches that are done.
        complete: the number of complete epochs, those in the history.
        updates: the number of updates of the parameters.
        values: the metrics of the last batch, or those of the epoch once it is complete.
        stopped: True if the training ends after this epoch.
        error: the exception that ended it, if one did.
        processes: whether there are others, and if this one writes files.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Any,
        data: Rows | Stream,
        epochs: int,
        metrics: Mapping[str, Callable[..., Any]],
        validation: Rows | Stream | None,
        callbacks: Sequence[Callback],
        processes: OneProcess,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.history = History()
        self.data = data
        self.epochs = epochs
        self.metrics = metrics
        self.validation = validation
        self.callbacks = callbacks
        self.processes = processes
        self.watching = [c for c in callbacks if type(c).on_batch is not Callback.on_batch]
        self.epoch = self.complete = self.updates = 0
        self.values: dict[str, float] = {}
        self.stopped = False
        self.error: BaseException | None = None
        self.progress: Epoch | None = None

    @property
    def batch(self) -> int:
        """The number of batches of this epoch that are done."""
        return self.progress.batches if self.progress else 0

    def stop(self) -> None:
        """End the training after this epoch."""
        self.stopped = True

    def better(self, metric: str, mode: str | None) -> str:
        """Return "min" or "max", the better side of a metric that the history will have.

        Raises:
            ValueError: a metric that is not measured, or whose better side is not known.
        """
        names = ["loss", *self.metrics]
        if self.validation is not None:
            names += [f"val_{name}" for name in names]
        if metric not in (*names, "data_loss", "reg_loss"):
            reason = f"there is no metric {metric!r}; there are {', '.join(names)}"
            if metric.startswith("val_") and self.validation is None:
                reason += ". Those of validation need validation_data"
            raise ValueError(reason)
        return better(metric, mode)

    # --- the state ---------------------------------------------------------------------------

    def generators(self) -> dict[str, np.random.Generator]:
        """Return the random generators by name: of the data, of the model's layers, the default."""
        found = {"default": tg.default_generator()}
        for name, data in (("data", self.data), ("validation", self.validation)):
            rng = getattr(data, "rng", None)
            if isinstance(rng, np.random.Generator):
                found[name] = rng
        for path, module in self.model.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, np.random.Generator):
                    found[f"model.{path}.{name}" if path else f"model.{name}"] = value
        return found

    def _passing(self) -> dict[str, Buffer]:
        """Return the buffers that a model's state leaves out; a run that goes on needs them."""
        return {name: b for name, b in self.model.named_buffers() if not b.persistent}

    def description(self) -> dict[str, Any]:
        """Return what another run must have alike, to go on from here."""
        validation = self.validation.description() if self.validation is not None else {}
        return {
            **self.data.description(),
            **{f"validation {name}": value for name, value in validation.items()},
            "metrics": ", ".join(self.metrics),
            "callbacks": ", ".join(with_state(self.callbacks)),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return how far the run is, and of what data and callbacks it is."""
        state = {f"of.{name}": value for name, value in self.description().items()}
        state |= {"complete": self.complete, "updates": self.updates, "stopped": self.stopped}
        state |= {f"buffers.{name}": b.numpy().copy() for name, b in self._passing().items()}
        if self.progress:
            state |= {f"epoch.{k}": value for k, value in self.progress.state_dict().items()}
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there.

        Raises:
            KeyError, ValueError: a run of other data, metrics or callbacks.
        """
        was = part_of(state, "of")
        own = self.description()
        for name in {**was, **own}:
            before, now = was.get(name), own.get(name)
            if before != now:
                raise ValueError(
                    f"the checkpoint is of a run with other {name}: {before} there, {now} here"
                )
        for name, values in self._passing().items():
            values.assign(np.asarray(state[f"buffers.{name}"]))
        self.complete = self.epoch = int(state["complete"])
        self.updates = int(state["updates"])
        self.stopped = bool(state["stopped"])
        parts = part_of(state, "epoch")
        self.progress = Epoch.from_state(parts) if parts else None


def with_state(callbacks: Sequence[Callback]) -> dict[str, Any]:
    """Return the callbacks that have a state, by their class; a second one has a 2."""
    found: dict[str, Any] = {}
    for callback in callbacks:
        if hasattr(callback, "state_dict"):
            kind = type(callback).__name__
            count = sum(type(other) is type(callback) for other in found.values())
            found[f"{kind}{count + 1}" if count else kind] = callback
    return found
