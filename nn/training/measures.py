"""Measuring: the losses and metrics of batches, and of the epoch that they make up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Tensor

from ..saving import part_of
from .whole_epoch import ON_A_PART, NeedsAllRows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .feed import Batch
    from .steps import Result

    Metrics = Mapping[str, Callable[..., Any]]

LOSSES = ("loss", "data_loss", "reg_loss")


def measured(metrics: Metrics, output: Tensor, target: Tensor) -> dict[str, float]:
    """Return the metrics of all rows at once."""
    return {name: _number(name, metric(output, target)) for name, metric in metrics.items()}


def _number(name: str, value: Any) -> float:
    if type(value) is float:
        return value
    if np.size(value) != 1:
        raise TypeError(f"the metric {name!r} must return a number, not an array {np.shape(value)}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"the metric {name!r} must return a number, not {value!r}") from None


def all_rows(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[Tensor, Tensor]:
    """Return the outputs and targets of batches one behind the other."""
    outputs, targets = zip(*pairs, strict=True)
    return Tensor(np.concatenate(outputs)), Tensor(np.concatenate(targets))


class Epoch:
    """The measurements of an epoch so far.

    Attributes:
        rates: the learning rates at its start, by their names in the history.
        order: of the rows; None for that of the data.
        batches: the number of batches that are done.
    """

    def __init__(self, rates: dict[str, float], order: np.ndarray | None) -> None:
        self.rates = rates
        self.order = order
        self.values: list[dict[str, float]] = []  # of each batch
        self.rows: list[float] = []
        self.weights: list[float] = []  # of the losses, where rows have weights
        self.kept: list[tuple[np.ndarray, np.ndarray]] = []  # for the metrics that need all rows

    @property
    def batches(self) -> int:
        return len(self.rows)

    def note(self, batch: Batch, result: Result | None, metrics: Metrics) -> dict[str, float]:
        """Add a batch and what its step gave; return its losses and metrics.

        Without a result, as this process has no rows of the batch, there are none.
        """
        if result is None:
            self.values.append({})
            self.rows.append(0)
            self.weights += [0.0] * (len(batch) - 2)
            return {}
        total, data_loss, penalty, output = result
        values = {"loss": total.item()}
        if isinstance(penalty, Tensor):
            values["data_loss"] = data_loss.item()
            values["reg_loss"] = penalty.item()
        if metrics:
            values.update(self._measure(metrics, output, batch[1]))
        if len(batch) == 3:
            self.weights.append(float(batch[2].numpy().sum()))
        self.values.append(values)
        self.rows.append(len(batch[0]))
        return values

    def _measure(self, metrics: Metrics, output: Tensor, target: Tensor) -> dict[str, float]:
        """Return the metrics of a batch; the rows are kept for those that need all of them."""
        values = {}
        needs_all = False
        token = ON_A_PART.set(True)
        try:
            for name, metric in metrics.items():
                averaged = getattr(metric, "average", metric)
                try:
                    values[name] = _number(name, averaged(output, target))
                except NeedsAllRows:
                    needs_all = True
        finally:
            ON_A_PART.reset(token)
        if needs_all:
            self.kept.append((output.numpy(), target.numpy()))
        return values

    def summary(self, metrics: Metrics) -> dict[str, float]:
        """Return the losses and metrics of the epoch: averages over its rows, or of all rows."""
        means = self._means()
        if not metrics:
            return {**means, **self.rates}
        summary = {name: means[name] for name in LOSSES if name in means}
        rows = all_rows(self.kept) if self.kept else ()
        for name, metric in metrics.items():
            if name not in means:
                summary[name] = _number(name, metric(*rows))
            else:
                finish = getattr(metric, "finish", float)
                summary[name] = float(finish(means[name]))
        return summary | self.rates

    def _means(self) -> dict[str, float]:
        """Return the averages of what was measured of each batch."""
        if len(self.values) == 1:
            return self.values[0]
        by_rows = by_weight = _shares(self.rows)
        if self.weights:
            if len(self.weights) != len(self.rows):
                raise ValueError("some batches have weights, and others have none")
            by_weight = _shares(self.weights)
        means: dict[str, float] = {}
        for k, values in enumerate(self.values):
            for name, value in values.items():
                shares = by_weight if name in LOSSES else by_rows
                means[name] = means.get(name, 0.0) + shares[k] * value
        return means

    def state_dict(self) -> dict[str, Any]:
        """Return all of it by name, to go on from."""
        state: dict[str, Any] = {f"rates.{k}": rate for k, rate in self.rates.items()}
        state |= {"rows": np.array(self.rows), "weights": np.array(self.weights)}
        for name in {name: None for values in self.values for name in values}:
            pairs = [(k, values[name]) for k, values in enumerate(self.values) if name in values]
            state[f"values.{name}"] = np.array(pairs)
        if self.order is not None:
            state["order"] = self.order
        if self.kept:
            outputs, targets = all_rows(self.kept)
            state["outputs"] = outputs.numpy()
            state["targets"] = targets.numpy()
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Epoch:
        """Make the epoch that a state is of."""
        epoch = cls(part_of(state, "rates"), state.get("order"))
        epoch.rows = state["rows"].tolist()
        epoch.weights = state["weights"].tolist()
        epoch.values = [{} for _ in epoch.rows]
        for name, pairs in part_of(state, "values").items():
            for k, value in pairs.tolist():
                epoch.values[int(k)][name] = value
        if "outputs" in state:
            epoch.kept = [(state["outputs"], state["targets"])]
        return epoch


def _shares(sizes: list[float]) -> list[float]:
    total = sum(sizes)
    if not total:
        raise ValueError("the weights of all rows were 0: there was nothing to learn from")
    return [size / total for size in sizes]
