"""Learning-rate schedules: functions from the number of steps taken to the learning rate."""

from __future__ import annotations

from dataclasses import dataclass

from .arguments import check_not_negative

__all__ = ["InverseTimeDecay"]


@dataclass(frozen=True)
class InverseTimeDecay:
    """The book's schedule: lr / (1 + decay·t) after t steps. Pass it as an optimizer's `lr`."""

    lr: float
    decay: float

    def __post_init__(self) -> None:
        check_not_negative("lr", self.lr)
        check_not_negative("decay", self.decay)

    def __call__(self, step: int) -> float:
        return self.lr * (1.0 / (1.0 + self.decay * step))
