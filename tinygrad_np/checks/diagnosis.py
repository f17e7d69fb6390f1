"""Classify a wrong gradient by comparing it with the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .factors import counts_of
from .values import as_double

if TYPE_CHECKING:
    from collections.abc import Mapping


class Mistake(NamedTuple):
    """The kind of a mistake in a gradient.

    Attributes:
        kind: one of "not connected", "not finite", "failed", "shape", "dtype", "incoming
            gradient", "accumulated", "sign", "factor", "transpose", "broadcast sum", "mask",
            "order", "product", "other input", "power", "jacobian", "overwritten", "axis", "term",
            "other array", "stale", "ties", "slip", "other".
        text: the same in words and numbers, with "it" for the gradient.
    """

    kind: str
    text: str


def diagnose(
    got: Any,
    right: Any,
    *,
    rtol: float = 1e-4,
    known: Any = True,
    counts: Mapping[str, int] | None = None,
    unsummed: Any = None,
    reads: Mapping[str, Any] | None = None,
    candidates: Mapping[str, Any] | None = None,
) -> Mistake | None:
    """Classify how the gradient `got` differs from the `right` one; None if it does not.

    Args:
        got: an array or Tensor, or None for no gradient at all.
        right: what it should be.
        rtol: elements may differ by this part of themselves, and a hundredth of it of the largest.
        known: where `right` is known, as an array of its shape; elsewhere nothing is compared.
        counts: numbers that are forgotten or doubled easily, such as the number of rows, with
            what they are called. By default the lengths of the axes.
        unsummed: `right` before its sum over the axes along which the input was broadcast.
        reads: arrays that the gradient may have been computed with, by name: the incoming
            gradient as "g", inputs, the result. A factor or a term made of one is named.
        candidates: wrong gradients that are expected, by what is wrong with them, in words; those
            of `slips`, for one.

    Returns:
        The first of these that explains every difference: not connected, a candidate, a sign, a
        constant factor, a transpose, a missing sum over a broadcast axis, a wrong mask, the right
        numbers in another order, a factor or a term made of the arrays that were read; else the
        element that differs most.
    """
    from .causes import find_cause
    from .trials import Target, Trial

    right = as_double(right)
    target = Target(right, np.broadcast_to(known, right.shape), rtol)
    answer = None if got is None else as_double(got)
    arrays = {name: as_double(value) for name, value in (reads or {}).items()}
    if counts is None:
        counts = counts_of(right if answer is None else answer)
    trial = Trial(answer, target, counts, reads=arrays, gs=[arrays.pop("g", None)])
    trial.unsummed = None if unsummed is None else as_double(unsummed)
    trial.candidates = {text: as_double(value) for text, value in (candidates or {}).items()}
    return find_cause(trial)
