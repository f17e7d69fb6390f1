"""Losses and metrics by name, as `fit` and `evaluate` take them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..arguments import check_callable
from ..losses import likelihoods
from ..losses import pointwise as losses
from ..losses.loss_layers import BCEWithLogitsLoss
from . import metrics, scores

if TYPE_CHECKING:
    from collections.abc import Callable

LOSSES: dict[str, Callable[..., Any]] = {
    "cross_entropy": likelihoods.cross_entropy,
    "nll": likelihoods.nll_loss,
    "mse": losses.mse_loss,
    "mae": losses.mae_loss,
    "l1": losses.l1_loss,
    "huber": losses.huber_loss,
    "smooth_l1": losses.smooth_l1_loss,
    "binary_cross_entropy": losses.binary_cross_entropy,
    "binary_cross_entropy_with_logits": losses.binary_cross_entropy_with_logits,
    "categorical_crossentropy": losses.categorical_crossentropy,
    "kl_div": likelihoods.kl_div,
    "poisson_nll": likelihoods.poisson_nll_loss,
}

METRICS: dict[str, Callable[..., Any]] = {
    "accuracy": metrics.accuracy,
    "binary_accuracy": metrics.binary_accuracy,
    "top_k_accuracy": metrics.top_k_accuracy,
    "precision": scores.precision,
    "precision_macro": partial(scores.precision, average="macro"),
    "precision_micro": partial(scores.precision, average="micro"),
    "precision_weighted": partial(scores.precision, average="weighted"),
    "recall": scores.recall,
    "recall_macro": partial(scores.recall, average="macro"),
    "recall_micro": partial(scores.recall, average="micro"),
    "recall_weighted": partial(scores.recall, average="weighted"),
    "f1": scores.f1,
    "f1_macro": partial(scores.f1, average="macro"),
    "f1_micro": partial(scores.f1, average="micro"),
    "f1_weighted": partial(scores.f1, average="weighted"),
    "roc_auc": scores.roc_auc,
    "r2": metrics.r2,
    "mse": metrics.mse,
    "rmse": metrics.rmse,
    "mae": metrics.mae,
    "perplexity": metrics.perplexity,
}
ERRORS = ("mse", "rmse", "mae", "perplexity")  # the metrics that are to be small
THRESHOLDED = ("binary_accuracy", "precision", "recall", "f1")

# What a History has by these names already.
_HISTORY_NAMES = ("loss", "data_loss", "reg_loss", "lr", "epochs")


def better(name: str, mode: str | None = None) -> str:
    """Return "min" or "max": the better side of a metric.

    Args:
        name: of the metric, in a History.
        mode: the side, if the user says it.

    Raises:
        ValueError: another mode, or a metric that is not known.
    """
    if mode in ("min", "max"):
        return mode
    if mode is not None:
        raise ValueError(f"mode must be 'min' or 'max', not {mode!r}")
    plain = name.removeprefix("val_")
    if plain.endswith("loss") or plain in ERRORS:
        return "min"
    if plain in METRICS:
        return "max"
    raise ValueError(
        f"is {name!r} better when it is small or when it is large? Say mode='min' or mode='max'"
    )


def look_up_loss(loss: Any) -> Callable[..., Any]:
    """Return a loss function; that of a name.

    Raises:
        TypeError: no function, and no name.
        ValueError: a name that no loss has.
    """
    if isinstance(loss, str):
        function = LOSSES.get(loss, LOSSES.get(loss.removesuffix("_loss")))
        if function is None:
            raise ValueError(f"there is no loss {loss!r}; there are {', '.join(LOSSES)}")
        return function
    if isinstance(loss, type):
        raise TypeError(f"loss must be a loss, not the class {loss.__name__}: {loss.__name__}()")
    wanted = 'a function of (output, target), such as nn.mse_loss, or a name, such as "mse"'
    check_callable("loss", loss, wanted)
    return loss


def look_up_metrics(wanted: Any, loss: Any) -> dict[str, Callable[..., Any]]:
    """Return metrics by name: of a dict, or of a list of names and functions; none for None.

    A binary metric that is given by its name takes logits where the loss does: its threshold
    is then 0.

    Raises:
        TypeError: another kind of list, or a metric that is no function.
        ValueError: an unknown name, one that the History uses itself, or one given twice.
    """
    if wanted is None:
        return {}
    if not isinstance(wanted, (Mapping, list, tuple)):
        raise TypeError(
            'metrics must be a list of names and functions, such as ["accuracy"] or [nn.accuracy], '
            f'or a dict of them, such as {{"accuracy": nn.accuracy}}, not {wanted!r}'
        )
    pairs = wanted.items() if isinstance(wanted, Mapping) else [(_name(m), m) for m in wanted]
    found: dict[str, Callable[..., Any]] = {}
    for name, metric in pairs:
        if isinstance(metric, str):
            metric = _metric(metric, loss)
        check_callable(f"metrics[{name!r}]", metric, "a function of (output, target)")
        if name in _HISTORY_NAMES or str(name).startswith("val_"):
            raise ValueError(f"a metric can't be named {name!r}: the history has that name already")
        if name in found:
            raise ValueError(f"two metrics are named {name!r}")
        found[name] = metric
    return found


def _metric(name: str, loss: Any) -> Callable[..., Any]:
    if name not in METRICS:
        raise ValueError(f"there is no metric {name!r}; there are {', '.join(METRICS)}")
    takes_logits = loss is losses.binary_cross_entropy_with_logits
    if name in THRESHOLDED and (takes_logits or isinstance(loss, BCEWithLogitsLoss)):
        return partial(METRICS[name], threshold=0.0)
    return METRICS[name]


def _name(metric: Any) -> str:
    """Return the name of a metric in a list."""
    if isinstance(metric, str):
        return metric
    name = getattr(metric, "__name__", None)
    if name is None or name == "<lambda>":
        raise TypeError(
            f"a metric in a list needs a name of its own, {metric!r} has none: use a dict"
        )
    return name
