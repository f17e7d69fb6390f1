"""Averages of a model's weights over its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Number, Tensor, assign_all

from ..arguments import check_fraction, plain_array, whole_number
from ..training.callbacks import Callback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..module import Module
    from ..training.run import Run

__all__ = ["EMA"]


class EMA(Callback):
    """Exponential moving average of a model's weights and buffers (Polyak and Juditsky, 1992).

        ema = nn.EMA(model, decay=0.999)
        for x, y in batches:
            ...
            optimizer.step()
            ema.update()
        with ema:
            y = model.predict(x)  # with the averages

    `nn.fit(..., callbacks=[ema])` calls `update` after each update of the parameters.

    After each update, average = decay·average + (1 - decay)·value; the first one takes the values
    as they are. Buffers of integers, such as counts, are taken as they are each time. `with ema:`
    puts the averages into the model, and its own values back at the end.

    Args:
        model: a Module; its parameters and buffers are those of now.
        decay: how much of the average stays, at least 0 and below 1.
    """

    def __init__(self, model: Module, decay: float = 0.999) -> None:
        self.decay = check_fraction("decay", decay)
        self._own = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        self._averages = {name: Tensor(t.numpy()) for name, t in self._own.items()}
        self._updates = Number(0)
        self._before: list[np.ndarray] | None = None

    @property
    def updates(self) -> int:
        """The number of updates."""
        return self._updates.value

    def on_batch(self, run: Run) -> None:
        self.update()

    def update(self) -> None:
        """Take the model's values of now into the averages.

        Raises:
            RuntimeError: inside of `with ema:`, where the model has the averages.
        """
        if self._before is not None:
            raise RuntimeError("update() inside of `with ema:`, where the model has the averages")
        decay = self._updates.apply(self._weight)
        targets: list[Any] = [*self._averages.values(), self._updates]
        values: list[Any] = []
        for name, average in self._averages.items():
            value = self._own[name].data
            is_mean = value.dtype.kind in "fc"
            values.append(decay * average.data + (1 - decay) * value if is_mean else value)
        assign_all(targets, [*values, self._updates.value + 1])

    def _weight(self, updates: int) -> float:
        """Return the weight of the averages so far."""
        return self.decay * (updates > 0)

    def __enter__(self) -> EMA:
        if self._before is not None:
            raise RuntimeError("the model has the averages already, in an outer `with ema:`")
        self._before = [t.data for t in self._own.values()]
        try:
            assign_all(list(self._own.values()), [a.data for a in self._averages.values()])
        except BaseException:  # Ctrl-C, too: nothing was assigned
            self._before = None
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        assign_all(list(self._own.values()), list(self._before or ()))
        self._before = None

    def apply_to(self, model: Module) -> None:
        """Put the averages into a model of the same structure, which may be the model itself.

        Raises:
            KeyError, ValueError: a model of another structure.
        """
        own = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        if own.keys() != self._own.keys():
            strange = sorted(own.keys() ^ self._own.keys())
            raise KeyError(f"the model has other parameters: {', '.join(strange)} differ")
        for name, tensor in own.items():
            if tensor.shape != self._averages[name].shape:
                raise ValueError(
                    f"{name} has shape {tensor.shape}, but its average {self._averages[name].shape}"
                )
        assign_all(list(own.values()), [self._averages[name].data for name in own])

    def state_dict(self) -> dict[str, Any]:
        """Return copies of the averages, by the names of the model, and the number of updates."""
        averages = {f"averages.{name}": a.numpy().copy() for name, a in self._averages.items()}
        return {"updates": self.updates, **averages}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there. Nothing is changed unless everything fits.

        Raises:
            KeyError: missing or unknown names.
            ValueError: other shapes.
        """
        names = {"updates", *(f"averages.{name}" for name in self._averages)}
        if names != set(state):
            missing, unknown = sorted(names - set(state)), sorted(set(state) - names)
            raise KeyError(f"the state does not fit: missing {missing}, unknown {unknown}")
        values = {}
        for name, average in self._averages.items():
            values[name] = plain_array(name, state[f"averages.{name}"]).astype(average.dtype)
            if values[name].shape != average.shape:
                shapes = f"{average.shape}, not {values[name].shape}"
                raise ValueError(f"the average of {name} has shape {shapes}")
        updates = whole_number("updates", state["updates"], 0)
        targets: list[Any] = [*self._averages.values(), self._updates]
        assign_all(targets, [*values.values(), updates])

    def __repr__(self) -> str:
        return f"EMA(decay={self.decay}, updates={self.updates})"
