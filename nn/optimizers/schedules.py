"""Learning-rate schedules: functions from the number of steps taken to the learning rate.

Pass one as an optimizer's `lr`: `nn.SGD(params, lr=nn.StepLR(0.1, step_size=30))`. Names and values
are those of PyTorch's schedulers, the learning rate taking the place of the optimizer. A schedule
counts the optimizer's steps, and has no state. Where PyTorch's users count epochs,
`steps_per_epoch=len(batches)` lets it change after each epoch only. `a * b` is the product of two
schedules, and any function of the number of steps is a schedule, too.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..arguments import check_fraction, check_not_negative, check_positive, whole_number
from .rates import check_first_rate, check_stateless

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "InverseTimeDecay",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "SequentialLR",
    "StepLR",
]


class _Schedule:
    """Base of all schedules, which can be multiplied."""

    branches = True  # on the number of steps, or needs it as a number

    def __call__(self, steps: int) -> float:
        """Return the learning rate after a number of steps."""
        raise NotImplementedError

    def __mul__(self, other: Any) -> _Product:
        return _Product(self, other)

    __rmul__ = __mul__


@dataclass(frozen=True)
class _Product(_Schedule):
    """The product of a schedule and a number, or a function of the number of steps."""

    schedule: _Schedule
    factor: Any

    def __post_init__(self) -> None:
        check_stateless(self.factor)
        if not callable(self.factor):
            check_not_negative("a factor of a schedule", self.factor)

    def __call__(self, steps: int) -> float:
        factor = self.factor(steps) if callable(self.factor) else self.factor
        return self.schedule(steps) * factor

    def __repr__(self) -> str:
        return f"{self.schedule!r} * {self.factor!r}"


@dataclass(frozen=True, repr=False)
class _OfRate(_Schedule):
    """Base of the schedules by a formula: override `rate`.

    Args:
        lr: the learning rate to start from.
        steps_per_epoch: the number of steps that count as one.
    """

    lr: float
    steps_per_epoch: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        check_first_rate(type(self), self.lr)
        whole_number("steps_per_epoch", self.steps_per_epoch, 1)

    def __call__(self, steps: int) -> float:
        return self.rate(steps // self.steps_per_epoch)

    def rate(self, t: int) -> float:
        """Return the learning rate after t steps, or epochs."""
        raise NotImplementedError

    def __repr__(self) -> str:
        own = [(f.name, getattr(self, f.name), f.default) for f in fields(self)]
        text = ", ".join(f"{name}={value!r}" for name, value, default in own if value != default)
        return f"{type(self).__name__}({text})"


@dataclass(frozen=True, repr=False)
class InverseTimeDecay(_OfRate):
    """The book's schedule: lr / (1 + decay·t) after t steps. Pass it as an optimizer's `lr`."""

    decay: float
    branches = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative("decay", self.decay)

    def rate(self, t: int) -> float:
        return self.lr * (1.0 / (1.0 + self.decay * t))


@dataclass(frozen=True, repr=False)
class StepLR(_OfRate):
    """A rate that is multiplied by `gamma` every `step_size` steps."""

    step_size: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("step_size", self.step_size, 1)
        check_not_negative("gamma", self.gamma)

    def rate(self, t: int) -> float:
        return self.lr * self.gamma ** (t // self.step_size)


@dataclass(frozen=True, repr=False)
class MultiStepLR(_OfRate):
    """A rate that is multiplied by `gamma` at each of `milestones`, numbers of steps."""

    milestones: Sequence[int]
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "milestones", _in_order(self.milestones))
        check_not_negative("gamma", self.gamma)

    def rate(self, t: int) -> float:
        return self.lr * self.gamma ** bisect.bisect_right(self.milestones, t)


def _in_order(milestones: Any) -> tuple[int, ...]:
    """Return numbers of steps as a tuple, from the first to the last."""
    try:
        numbers = [whole_number("a milestone", m, 0) for m in milestones]
    except TypeError:
        raise TypeError(f"milestones must be whole numbers of steps, not {milestones!r}") from None
    return tuple(sorted(numbers))


@dataclass(frozen=True, repr=False)
class ConstantLR(_OfRate):
    """lr·factor for `total_iters` steps, then lr."""

    factor: float = 1 / 3
    total_iters: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative("factor", self.factor)
        whole_number("total_iters", self.total_iters, 0)

    def rate(self, t: int) -> float:
        return self.lr * (self.factor if t < self.total_iters else 1.0)


@dataclass(frozen=True, repr=False)
class LinearLR(_OfRate):
    """A straight line from lr·start_factor to lr·end_factor in `total_iters` steps: a warm-up."""

    start_factor: float = 1 / 3
    end_factor: float = 1.0
    total_iters: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative("start_factor", self.start_factor)
        check_not_negative("end_factor", self.end_factor)
        whole_number("total_iters", self.total_iters, 1)

    def rate(self, t: int) -> float:
        done = min(t, self.total_iters) / self.total_iters
        return self.lr * (self.start_factor + (self.end_factor - self.start_factor) * done)


@dataclass(frozen=True, repr=False)
class ExponentialLR(_OfRate):
    """A rate that is multiplied by `gamma` after each step: lr·gammaᵗ."""

    gamma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative("gamma", self.gamma)

    def rate(self, t: int) -> float:
        return self.lr * self.gamma**t


@dataclass(frozen=True, repr=False)
class PolynomialLR(_OfRate):
    """A rate that falls to 0 in `total_iters` steps: lr·(1 - t/total_iters)^power."""

    total_iters: int = 5
    power: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("total_iters", self.total_iters, 1)
        check_not_negative("power", self.power)

    def rate(self, t: int) -> float:
        return self.lr * (1 - min(t, self.total_iters) / self.total_iters) ** self.power


def _between(start: float, end: float, done: float) -> float:
    """Return the value on half a cosine from start to end, after a share of the way."""
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True, repr=False)
class CosineAnnealingLR(_OfRate):
    """Half a cosine from lr to `eta_min` in `T_max` steps (Loshchilov and Hutter, 2017).

    It goes on as the cosine does, up again: end the training there.
    """

    T_max: int
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("T_max", self.T_max, 1)
        check_not_negative("eta_min", self.eta_min)

    def rate(self, t: int) -> float:
        return _between(self.lr, self.eta_min, t / self.T_max)


@dataclass(frozen=True, repr=False)
class CosineAnnealingWarmRestarts(_OfRate):
    """Half a cosine from lr to `eta_min`, again and again (Loshchilov and Hutter, 2017).

    The first takes `T_0` steps, each other `T_mult` times as many as the one before.
    """

    T_0: int
    T_mult: int = 1
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("T_0", self.T_0, 1)
        whole_number("T_mult", self.T_mult, 1)
        check_not_negative("eta_min", self.eta_min)

    def rate(self, t: int) -> float:
        length = self.T_0
        if self.T_mult == 1:
            t %= length
        while t >= length:
            t -= length
            length *= self.T_mult
        return _between(self.lr, self.eta_min, t / length)


@dataclass(frozen=True, repr=False, init=False)
class OneCycleLR(_OfRate):
    """Up to the largest rate and down to almost none, once (Smith and Topin, 2018).

    From max_lr / div_factor it goes to max_lr in the first `pct_start` of all steps, and then to
    max_lr / (div_factor·final_div_factor), where it stays. The momentum is left alone, as with
    PyTorch's `cycle_momentum=False`.

    Args:
        max_lr: the largest rate.
        total_steps: the number of all steps; or give the next two.
        epochs, steps_per_epoch: the number of epochs, and of steps in each.
        pct_start: the share of the steps in which the rate grows.
        anneal_strategy: "cos" for half cosines, "linear" for lines.
        div_factor, final_div_factor: see above.
        three_phase: go down to the first rate in as many steps as up, and then to the last one.
    """

    total_steps: int
    pct_start: float = 0.3
    anneal_strategy: str = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False

    def __init__(
        self,
        max_lr: float,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise TypeError("OneCycleLR needs total_steps, or epochs and steps_per_epoch")
            per_epoch = whole_number("steps_per_epoch", steps_per_epoch, 1)
            total_steps = whole_number("epochs", epochs, 1) * per_epoch
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f'anneal_strategy must be "cos" or "linear", not {anneal_strategy!r}')
        values = {
            "lr": max_lr,
            "total_steps": whole_number("total_steps", total_steps, 1),
            "pct_start": check_fraction("pct_start", pct_start),
            "anneal_strategy": anneal_strategy,
            "div_factor": check_positive("div_factor", div_factor),
            "final_div_factor": check_positive("final_div_factor", final_div_factor),
            "three_phase": three_phase,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    def rate(self, t: int) -> float:
        first = self.lr / self.div_factor
        last = first / self.final_div_factor
        up = self.pct_start * self.total_steps - 1
        turns = [(0.0, first), (up, self.lr), (self.total_steps - 1.0, last)]
        if self.three_phase:
            turns.insert(2, (2 * up, first))
        for (start, before), (end, after) in itertools.pairwise(turns):
            if t <= end:
                done = (t - start) / (end - start) if end > start else 1.0
                return self._way(before, after, done)
        return last

    def _way(self, start: float, end: float, done: float) -> float:
        if self.anneal_strategy == "cos":
            return _between(start, end, done)
        return start + (end - start) * done


@dataclass(frozen=True)
class SequentialLR(_Schedule):
    """One schedule after the other, each counting from its own start.

        warm_up = nn.LinearLR(0.1, start_factor=0.01, total_iters=100)
        nn.SequentialLR([warm_up, nn.CosineAnnealingLR(0.1, 900)], milestones=[100])

    Args:
        schedules: functions of the number of steps.
        milestones: the numbers of steps after which the second one begins, and each further one.
    """

    schedules: Sequence[Callable[[int], float]]
    milestones: Sequence[int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedules", tuple(self.schedules))
        for schedule in self.schedules:
            check_stateless(schedule)
        object.__setattr__(self, "milestones", _in_order(self.milestones))
        if len(self.schedules) != len(self.milestones) + 1:
            raise ValueError(
                f"{len(self.schedules)} schedules need {len(self.schedules) - 1} milestones, "
                f"where one ends and the next begins, not {list(self.milestones)}"
            )

    def __call__(self, steps: int) -> float:
        k = bisect.bisect_right(self.milestones, steps)
        start = self.milestones[k - 1] if k else 0
        return self.schedules[k](steps - start)
