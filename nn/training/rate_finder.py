"""A learning rate from a short trial: `find_lr`."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg

from ..arguments import check_generator, check_optimizer, whole_number
from .feed import check_model, feed
from .lookup import look_up_loss
from .steps import NotFinite, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.figure import Figure

    from tinygrad_np import Tensor

    from ..module import Module
    from ..optimizers.rules import Optimizer
    from .feed import Batch, Rows, Stream

__all__ = ["LearningRates", "find_lr"]

SMOOTHING = 0.9
SETTLING = 10  # steps, 1 / (1 - SMOOTHING)
REACH = 5  # steps before and behind a rate, over which the fall is measured
TOO_HIGH = 4.0  # times the lowest loss, at which a trial ends


class LearningRates:
    """The losses of a trial of learning rates.

    Attributes:
        lrs: the learning rates, rising by a constant factor.
        losses: the loss of the batch before the update with each.
        smooth: their running mean, as of Adam: with factor 0.9, corrected for its start at 0.
        suggestion: the rate in the middle of the ten steps over which that falls most, without the
            first ten; None if it never falls.
    """

    def __init__(self, lrs: list[float], losses: list[float]) -> None:
        self.lrs = np.array(lrs)
        self.losses = np.array(losses)
        self.smooth = running_mean(losses)
        self.suggestion = self._steepest()

    def _steepest(self) -> float | None:
        count = len(self.lrs)
        if count < 3:
            return None
        # The mean settles over the first rates: its ups and downs there are those of the batches.
        first, reach = (SETTLING, REACH) if count > 2 * SETTLING else (0, 1)
        falls = self.smooth[first : -2 * reach] - self.smooth[first + 2 * reach :]
        falls = falls[: max(1, int(np.argmin(self.smooth)) - first - reach + 1)]
        k = int(np.argmax(falls))
        return float(self.lrs[first + reach + k]) if falls[k] > 0 else None

    def plot(self, path: Any = None) -> Figure:
        """Draw the losses over the rates, and mark the suggestion.

        Args:
            path: a file to write, such as "rates.png".

        Returns:
            The figure of matplotlib, which a notebook shows.
        """
        from .curves import draw_rates

        figure = draw_rates(self)
        if path is not None:
            figure.savefig(path)
        return figure

    def __repr__(self) -> str:
        ends = f"{self.lrs[0]:.3g} to {self.lrs[-1]:.3g}" if len(self.lrs) else "none"
        suggestion = "none" if self.suggestion is None else f"{self.suggestion:.3g}"
        return f"LearningRates({ends}; suggestion {suggestion})"


def find_lr(
    model: Module,
    x: Any,
    y: Any = None,
    *,
    loss: str | Callable[..., Tensor],
    optimizer: Optimizer,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int | None = None,
    rng: np.random.Generator | None = None,
) -> LearningRates:
    """Train a copy of the model with a rising learning rate, to see which are good.

    The range test of Smith (2017), Cyclical Learning Rates, section 3.3; the suggestion is where
    the smoothed loss falls most. It ends where that is four times its lowest value. Model,
    optimizer and generators stay exactly as they are.

        rates = nn.find_lr(model, X, y, loss="cross_entropy", optimizer=optimizer)
        optimizer.lr = rates.suggestion

    Args:
        model, x, y, loss, optimizer, batch_size, rng: as of `fit`.
        low, high: the first and the last learning rate.
        steps: the number of updates.

    Raises:
        ValueError: rates that do not rise, or a loss that is not finite at first.
        TypeError: an argument of another kind.
    """
    check_model(model)
    check_optimizer(optimizer)
    check_generator("find_lr", rng)
    loss = look_up_loss(loss)
    steps = whole_number("steps", steps, 3)
    if not 0 < low < high < math.inf:
        raise ValueError(f"low and high must be 0 < low < high, not {low!r} and {high!r}")
    model, optimizer, loss = copy.deepcopy((model, optimizer, loss))
    data = feed(model, x, y, batch_size, True, rng)
    generators = [g for g in (tg.default_generator(), data.rng) if g is not None]
    states = [generator.bit_generator.state for generator in generators]
    model.train()
    try:
        step = Step(model, loss, optimizer, False)
        return LearningRates(*_trial(step, data, np.geomspace(low, high, steps).tolist()))
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.bit_generator.state = state


def _trial(step: Step, data: Rows | Stream, rates: list[float]) -> tuple[list[float], list[float]]:
    """Return the rates that were tried, and the losses before the updates with them."""
    lrs: list[float] = []
    losses: list[float] = []
    for rate, batch in zip(rates, _endless(data), strict=False):
        step.optimizer.lr = rate
        try:
            _, data_loss, *_ = step([batch])[0]
        except NotFinite:
            break
        lrs.append(rate)
        losses.append(data_loss.item())
        smooth = running_mean(losses)
        best = smooth.min()
        if smooth[-1] > max(smooth[0], best + (TOO_HIGH - 1) * abs(best)):
            break
    if not lrs:
        raise ValueError("the loss or a gradient is not finite before any update: fit says why")
    return lrs, losses


def running_mean(losses: Sequence[float]) -> np.ndarray:
    """Return the means of the losses so far, the latest with the largest weight."""
    means = np.zeros(len(losses))
    mean = 0.0
    for k, loss in enumerate(losses):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        means[k] = mean / (1 - SMOOTHING ** (k + 1))
    return means


def _endless(data: Rows | Stream) -> Iterator[Batch]:
    """Yield the batches of one epoch after the other."""
    while True:
        yield from data.batches(data.order())
