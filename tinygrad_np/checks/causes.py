"""The causes of wrong gradients: a table, tried from the plainest to the furthest.

An entry yields explanations of a trial: a key, and the sentence. One counts if it explains every
number, and if the same entry yields the same key for the trial beside, which has another incoming
gradient and other inputs: what fits by chance does not fit twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import linear_causes as linear
from . import plain_causes as plain
from . import product_causes as product
from . import read_causes as read
from .diagnosis import Mistake
from .trials import Trial, element_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Cause(NamedTuple):
    kind: str
    explain: Callable[[Trial], Iterator[tuple[Any, str]]]
    shows: bool = True  # the numbers of one element beside the sentence


CAUSES = (
    _Cause("not finite", plain.not_finite, False),
    _Cause("transpose", plain.transpose_of_another_shape, False),
    _Cause("broadcast sum", plain.missing_sum, False),
    _Cause("axis", plain.sum_of_another_shape, False),
    _Cause("shape", plain.another_shape, False),
    _Cause("not connected", plain.zero_everywhere, False),
    _Cause("accumulated", plain.accumulated),
    _Cause("slip", plain.candidate, False),
    _Cause("term", read.penalty_missing, False),
    _Cause("dtype", plain.rounded),
    _Cause("incoming gradient", linear.independent_of_g, False),
    _Cause("incoming gradient", linear.not_linear_in_g),
    _Cause("sign", plain.opposite_sign, False),
    _Cause("broadcast sum", plain.one_part_of_the_sum, False),
    _Cause("factor", plain.constant_factor, False),
    _Cause("transpose", plain.transpose, False),
    _Cause("mask", read.mask_of_another_array, False),
    _Cause("mask", plain.wrong_mask, False),
    _Cause("order", plain.another_order),
    _Cause("factor", plain.factor_of_some),
    _Cause("axis", plain.sum_over_another_axis),
    _Cause("product", product.another_product),
    _Cause("other input", read.gradient_of_another_input),
    _Cause("overwritten", linear.overwritten),
    _Cause("term", read.derivative_missing),
    _Cause("power", read.another_power),
    _Cause("jacobian", linear.not_transposed),
    _Cause("jacobian", linear.diagonal_alone),
    _Cause("incoming gradient", linear.other_incoming_gradient),
    _Cause("term", read.missing_term),
    _Cause("term", read.term_along_an_axis),
    _Cause("other array", linear.other_operand),
    _Cause("slip", plain.slip),
    _Cause("stale", linear.stale),
    _Cause("factor", read.factor_along_an_axis),
    _Cause("jacobian", linear.wrong_places),
)


def find_cause(trial: Trial) -> Mistake | None:
    """Return the mistake that explains a trial, and the one beside it; None if it is right."""
    target, got = trial.target, trial.got
    if got is None:
        sizes = np.abs(target.right)
        if np.all(sizes[target.known] <= target.tolerance[target.known]):
            return None
        text = "no gradient is there, though the result depends on it (not connected)"
        return Mistake("not connected", text)
    if target.near(got):
        return None
    other = trial.beside
    if other is not None and (other.got is None or other.target.near(other.got)):
        other = None  # the mistake does not show there
    if other is not None:
        other.beside = trial
    with np.errstate(all="ignore"):
        for cause in CAUSES:
            for key, text in cause.explain(trial):
                if other is not None and key not in (k for k, _ in cause.explain(other)):
                    continue
                return Mistake(cause.kind, text + (_numbers(trial) if cause.shows else ""))
    return Mistake("other", element_text(got, target.right, target.off(got)))


def _numbers(trial: Trial) -> str:
    text = element_text(trial.got, trial.right, trial.target.off(trial.got))
    return f" ({text})"
