"""A learning rate that falls when a metric does not become better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_np import Number

from ..arguments import check_fraction, check_not_negative, plain_number, whole_number
from .rates import check_first_rate

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau:
    """A rate that is multiplied by `factor` when a metric has not become better for a while.

        rate = nn.ReduceLROnPlateau(0.1, patience=3)
        optimizer = nn.SGD(model.parameters(), lr=rate)

        def after(epoch, history):
            rate.step(history["val_loss"][-1])

        nn.fit(..., optimizer=optimizer, on_epoch=after)

    It is the one schedule with a state, which is saved with that of the optimizer.

    Args:
        lr: the learning rate to start from.
        mode: "min" or "max", the better side of the metric.
        factor: below 1.
        patience: the number of calls without a better metric that are let pass.
        threshold: the smallest change that counts: relative to the best value in threshold_mode
            "rel", as it is in "abs".
        cooldown: the number of calls after a reduction that do not count.
        min_lr: the smallest rate.
        eps: a reduction by less is not made.
    """

    def __init__(
        self,
        lr: float,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f'mode must be "min" or "max", not {mode!r}')
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f'threshold_mode must be "rel" or "abs", not {threshold_mode!r}')
        self.mode = mode
        self.factor = check_fraction("factor", factor)
        self.patience = whole_number("patience", patience, 0)
        self.threshold = check_not_negative("threshold", threshold)
        self.threshold_mode = threshold_mode
        self.cooldown = whole_number("cooldown", cooldown, 0)
        self.min_lr = check_not_negative("min_lr", min_lr)
        self.eps = check_not_negative("eps", eps)
        # Numbers, which a compiled step reads anew.
        self._state = {
            "rate": Number(check_first_rate(type(self), lr)),
            "best": Number(math.inf if mode == "min" else -math.inf),
            "bad": Number(0),
            "cooling": Number(0),
        }

    def __call__(self, steps: int) -> float:
        return self._state["rate"].value

    def step(self, metric: float) -> None:
        """Note the metric, and reduce the rate if it is time to.

        Raises:
            TypeError: no number.
        """
        value = _number("the metric", metric)
        rate, best, bad, cooling = self._state.values()
        if self._is_better(value, best.value):
            best.value, bad.value = value, 0
        else:
            bad.value += 1
        if cooling.value > 0:
            cooling.value -= 1
            bad.value = 0
        if bad.value > self.patience:
            lower = max(rate.value * self.factor, self.min_lr)
            if rate.value - lower > self.eps:
                rate.value = lower
            cooling.value, bad.value = self.cooldown, 0

    def _is_better(self, value: float, best: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            goal = best * (1 + sign * self.threshold)
        else:
            goal = best + sign * self.threshold
        return value > goal if sign == 1 else value < goal

    def state_dict(self) -> dict[str, float]:
        """Return the rate and what it depends on, by name."""
        return {name: number.value for name, number in self._state.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        values = {name: _number(name, state[name]) for name in self._state}
        for name, value in values.items():
            self._state[name].value = value

    def __repr__(self) -> str:
        return f"ReduceLROnPlateau(lr={self._state['rate'].value!r}, mode={self.mode!r})"


def _number(name: str, value: Any) -> Any:
    value = plain_number(value)
    if not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, not {value!r}")
    return value
