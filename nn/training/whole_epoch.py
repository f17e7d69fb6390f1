"""Metrics over an epoch that are not the averages of those of its batches."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Metric = Callable[..., float]

__all__ = ["over_epoch"]


class NeedsAllRows(BaseException):
    """Raised by a metric that is called on a part of an epoch, but needs all of it."""


# True while metrics are called on a part of the rows: those that need all of them raise
# `NeedsAllRows`. So a metric is known by being called, whatever lambda or partial it is in.
ON_A_PART: ContextVar[bool] = ContextVar("on_a_part", default=False)


def over_epoch(metric: Metric) -> Metric:
    """Make a metric that `fit` computes once over all rows of an epoch.

    Other metrics are averaged over batches, which is right for shares and means alone.

        @nn.over_epoch
        def correlation(outputs, target):
            return np.corrcoef(outputs.numpy().ravel(), target.numpy().ravel())[0, 1]

    The outputs of the epoch are kept for it until its end.

    Args:
        metric: a function of (outputs, target) that returns a number.
    """

    @wraps(metric)
    def whole(outputs: Any, target: Any, *args: Any, **options: Any) -> float:
        if ON_A_PART.get():
            raise NeedsAllRows
        return metric(outputs, target, *args, **options)

    return whole


def finished(finish: Callable[[Any], Any], average: Metric) -> Callable[[Metric], Metric]:
    """Make a metric that is a function of an average, such as exp(mean): no rows are kept for it.

    Args:
        finish: from the average over the epoch to the metric.
        average: the function of (outputs, target) that is averaged.
    """

    def decorate(metric: Metric) -> Metric:
        whole = over_epoch(metric)
        whole.average, whole.finish = average, finish  # type: ignore[attr-defined]
        return whole

    return decorate
