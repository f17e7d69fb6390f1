"""Scores of classifiers that count kinds of errors: precision, recall, F1, ROC-AUC.

Names, averages and values are scikit-learn's; the order of arguments is that of losses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .metrics import array_of, misfit, refuse_labels
from .whole_epoch import over_epoch

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["confusion_matrix", "f1", "precision", "recall", "roc_auc"]


def confusion_matrix(outputs: Any, target: Any, threshold: float = 0.5) -> np.ndarray:
    """Return how often each class (row) was taken for each class (column).

    Args:
        outputs: (..., classes) logits or probabilities; or (...) of two classes, probabilities;
            or integers, the predicted classes.
        target: (...) class numbers.
        threshold: of the outputs of two classes: 0.5 for probabilities, 0 for logits.

    Raises:
        ValueError: shapes that do not fit, a class that has no column, no predictions, nan.
    """
    predicted, classes, columns = _classes("confusion_matrix", outputs, target, threshold)
    if predicted is None:
        raise ValueError("confusion_matrix: the outputs hold a nan, which is no prediction")
    return _counts(predicted, classes, columns)


@over_epoch
def precision(
    outputs: Any, target: Any, average: str | None = "binary", threshold: float = 0.5
) -> float:
    """Return the share of the predictions of a class that are right.

    Args:
        outputs, target, threshold: as of `confusion_matrix`; the result is nan if an output is.
        average: "binary" is class 1 of two; "macro" the mean over the classes that occur, and
            "weighted" by their number in the target; "micro" counts over all of them; None is an
            array, of each class.

    A class that was never predicted has 0.

    Raises:
        ValueError: as of `confusion_matrix`; "binary" with more classes.
    """
    return _averaged("precision", outputs, target, average, threshold, _precision)


@over_epoch
def recall(
    outputs: Any, target: Any, average: str | None = "binary", threshold: float = 0.5
) -> float:
    """Return the share of a class that was found; see `precision`.

    A class that is not in the target has 0.
    """
    return _averaged("recall", outputs, target, average, threshold, _recall)


@over_epoch
def f1(outputs: Any, target: Any, average: str | None = "binary", threshold: float = 0.5) -> float:
    """Return the harmonic mean of precision and recall, 2·p·r / (p + r); see `precision`."""
    return _averaged("f1", outputs, target, average, threshold, _f1)


@over_epoch
def roc_auc(outputs: Any, target: Any) -> float:
    """Return the area under the ROC curve: how likely class 1 scores above class 0.

    Equal scores count half (the statistic of Mann and Whitney). Of more than two classes, the
    mean of each class against the rest, on probabilities; logits go through softmax.

    Args:
        outputs: (n,) or (n, 1) scores; (n, classes) logits or probabilities. The result is nan
            if one of them is.
        target: the class numbers, (n,) or like the scores.

    Raises:
        ValueError: shapes that do not fit, a class that has no column or no row.
    """
    scores, classes = array_of(outputs), array_of(target)
    if scores.ndim > 1 and scores.shape[:-1] == classes.shape:
        columns = scores.shape[-1]
    elif scores.shape == classes.shape and scores.shape[1:] in ((), (1,)):
        columns = 1
    else:
        raise misfit("roc_auc", outputs, target)
    labels = max(columns, 2)
    wrong = (classes < 0) | (classes >= labels) | (classes != np.floor(classes))
    refuse_labels("roc_auc", outputs, target, wrong, f"there are {labels} classes")
    if np.isnan(scores).any():
        return np.nan
    classes = classes.ravel()
    scores = scores.reshape(-1, columns).astype(np.float64)
    if columns < 3:
        return _area(scores[:, -1] - (scores[:, 0] if columns == 2 else 0), classes == 1, 1)
    if (scores < 0).any() or not np.allclose(scores.sum(axis=-1), 1):
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
    areas = [_area(scores[:, k], classes == k, k) for k in range(columns)]
    return float(np.mean(areas))


def _area(scores: np.ndarray, positive: np.ndarray, label: int) -> float:
    ones = int(np.count_nonzero(positive))
    zeros = len(positive) - ones
    if not ones or not zeros:
        missing = f"no row is of class {label}" if not ones else f"all rows are of class {label}"
        raise ValueError(f"roc_auc compares rows of a class with others, but {missing}")
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2  # equal scores share the mean of their ranks
    above = rank[place.ravel()][positive].sum() - ones * (ones + 1) / 2
    return float(above / (ones * zeros))


# --- counting -------------------------------------------------------------------------------------


def _classes(
    metric: str, outputs: Any, target: Any, threshold: float
) -> tuple[np.ndarray | None, np.ndarray, int]:
    """Return predicted classes (None if an output is nan), true ones, and how many there are."""
    scores, classes = array_of(outputs), array_of(target)
    alike = scores.shape == classes.shape
    if not alike and (scores.ndim == 0 or classes.shape != scores.shape[:-1]):
        raise misfit(metric, outputs, target)
    if classes.size == 0:
        raise ValueError(f"the {metric} of no predictions is not defined")
    of_integers = scores.dtype.kind in "biu"
    if alike and not of_integers and scores.shape[1:] not in ((), (1,)):
        raise ValueError(
            f"{metric}: outputs and target are both {scores.shape}: pass the class numbers of "
            "one-hot rows, target.argmax(axis=-1)"
        )
    if not alike:
        columns = scores.shape[-1]
    elif of_integers:
        columns = max(2, int(scores.max()) + 1, int(classes.max()) + 1)
        refuse_labels(metric, target, outputs, scores < 0, "classes are numbered from 0")
    else:
        columns = 2
    if columns < 2:
        raise ValueError(
            f"{metric}: outputs {scores.shape} have a single class: pass outputs[..., 0]"
        )
    wrong = (classes < 0) | (classes >= columns) | (classes != np.floor(classes))
    refuse_labels(metric, outputs, target, wrong, f"there are {columns} classes")
    classes = classes.ravel().astype(np.intp)
    if np.isnan(scores).any():
        return None, classes, columns
    if not alike:
        predicted = scores.argmax(axis=-1)
    else:
        predicted = scores if of_integers else scores > threshold
    return predicted.ravel().astype(np.intp), classes, columns


def _counts(predicted: np.ndarray, classes: np.ndarray, columns: int) -> np.ndarray:
    pairs = classes * columns + predicted
    return np.bincount(pairs, minlength=columns * columns).reshape(columns, columns)


def _averaged(
    metric: str,
    outputs: Any,
    target: Any,
    average: str | None,
    threshold: float,
    score: Callable[..., np.ndarray],
) -> Any:
    if average not in ("binary", "macro", "micro", "weighted", None):
        raise ValueError(
            f"{metric}: average must be 'binary', 'macro', 'micro', 'weighted' or None, not "
            f"{average!r}"
        )
    predicted, classes, columns = _classes(metric, outputs, target, threshold)
    if average == "binary" and columns > 2:
        raise ValueError(
            f"{metric} of {columns} classes needs an average: 'macro', 'micro' or 'weighted' "
            f"(by name, {metric}_macro and so on)"
        )
    if predicted is None:
        return np.nan if average else np.full(columns, np.nan)
    counts = _counts(predicted, classes, columns)
    hits, found, wanted = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)
    if average == "micro":
        return float(score(hits.sum(), found.sum(), wanted.sum()))
    values = score(hits, found, wanted)
    if average == "binary":
        return float(values[1])
    if average == "weighted":
        return float(np.average(values, weights=wanted))
    return float(values[(found + wanted) > 0].mean()) if average else values


def _precision(hits: Any, found: Any, wanted: Any) -> Any:
    return hits / np.maximum(found, 1)


def _recall(hits: Any, found: Any, wanted: Any) -> Any:
    return hits / np.maximum(wanted, 1)


def _f1(hits: Any, found: Any, wanted: Any) -> Any:
    return 2 * hits / np.maximum(found + wanted, 1)
