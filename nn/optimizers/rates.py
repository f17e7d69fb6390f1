"""The learning rate of an optimizer: a number, or a function of the steps taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..arguments import check_not_negative, plain_number


@dataclass(frozen=True)
class PlainRate:
    """A function from the number of steps taken to the learning rate, as a plain number."""

    function: Callable[[int], Any]

    def __call__(self, steps: int) -> Any:
        if type(steps) is not int and getattr(self.function, "branches", False):
            from tinygrad_np import CompileError  # which is slow to import

            # A compiled step asks whether it may take the function in; else it calls it anew.
            raise CompileError("a schedule that branches on the number of steps is called anew")
        return plain_number(self.function(steps))


def check_first_rate(kind: type, lr: Any) -> Any:
    """Return the learning rate that a schedule starts from, as a plain number.

    Raises:
        TypeError: no number, such as the optimizer that PyTorch's schedulers take.
        ValueError: a negative number, nan, or an infinite one.
    """
    if hasattr(lr, "zero_grad"):
        raise TypeError(
            f"{kind.__name__} takes the learning rate, and the optimizer takes the schedule: "
            f"nn.SGD(params, lr=nn.{kind.__name__}(0.1, ...))"
        )
    return check_not_negative("lr", lr)


def check_stateless(schedule: Any) -> None:
    """Raise for a schedule with a state, as a part of another one, which would not save it."""
    if hasattr(schedule, "state_dict"):
        raise TypeError(
            f"{type(schedule).__name__} has a state, which the optimizer saves if it is the lr "
            "itself: it can't be a part of another schedule"
        )
