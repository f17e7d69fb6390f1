"""Mistakes that the values show: dead and saturated units, overflow, infinite derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.node import Leaf, Node
from . import suspects
from .finding import Case, Finding
from .suspects import is_op, parents
from .text import at_index, number, share_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SYMPTOMS"]

DEAD = 0.5  # of the units: some are dead in a network that learns well
SATURATED = 0.9  # of the elements
FLAT = 0.01  # of the steepest slope
FEW_ROWS = 4  # so few that a unit may well be 0 for all of them
NEAR_OVERFLOW = 0.9  # of the largest exponent


def _dead_units(case: Case) -> Iterator[Finding]:
    """Most units of a ReLU are 0 for all rows."""
    evidence = case.evidence
    for node in case.order:
        if not is_op(node, suspects.RECTIFIERS) and not _is_max_with_zero(node):
            continue
        value = evidence.value(node)
        if not isinstance(value, np.ndarray) or not value.size or not value.ndim:
            continue
        assert node.op is not None
        unit_axis = 1 if value.ndim == 4 else value.ndim - 1
        rest = tuple(axis for axis in range(value.ndim) if axis != unit_axis)
        units = np.all(value == 0, axis=rest) if rest else np.array([not value.any()])
        rows = value.size // value.shape[unit_axis]
        if units.mean() < DEAD or (rows < FEW_ROWS and not units.all()):
            continue
        what = f"{share_of(units)} units" if rest else "all units"
        yield Finding(
            "dead units",
            f"{what} of {evidence.made_by(node)} are 0 for every row: no gradient comes back "
            "through them, and what is before them can't learn",
            evidence.place(node),
            "Smaller initial weights, biases that are not far below 0, a smaller learning rate; "
            "or tg.leaky_relu.",
        )


def _is_max_with_zero(node: Node) -> bool:
    return is_op(node, suspects.MAXIMUM) and any(
        not isinstance(p, Node) and p == 0 for p in node.parents
    )


def _saturated_units(case: Case) -> Iterator[Finding]:
    """Nearly all elements of a hidden sigmoid or tanh lie where it is flat."""
    evidence = case.evidence
    for node in case.order:
        if not is_op(node, suspects.SATURATING) or not _is_hidden(case, node):
            continue
        slope = evidence.slope(node, 0)
        if slope is None or slope.size < 2:
            continue
        # The steepest slope is at 0, for both.
        steepest = 1.0 if evidence.value(node) is None or np.min(evidence.value(node)) < 0 else 0.25
        flat = np.abs(slope) < FLAT * steepest
        if flat.mean() < SATURATED:
            continue
        assert node.op is not None
        yield Finding(
            "saturated",
            f"{share_of(flat)} elements of {evidence.made_by(node)} lie where it is flat (its "
            f"derivative is below {number(FLAT * steepest)}): hardly any gradient comes back",
            evidence.place(node),
            "Scale its inputs down: smaller initial weights, normalised data; or another "
            "activation.",
        )


def _is_hidden(case: Case, node: Node) -> bool:
    """Whether what follows is a product with a parameter: no output, which may well saturate."""
    for below in case.evidence.descendants(node):
        if is_op(below, suspects.PRODUCTS) and any(isinstance(p, Leaf) for p in parents(below)):
            return True
    return False


def _overflowing_values(case: Case) -> Iterator[Finding]:
    """An exponential that overflows, or is about to."""
    evidence = case.evidence
    for node in case.order:
        if not is_op(node, suspects.EXPONENTIALS):
            continue
        value = evidence.value(node)
        if value is None or not np.size(value):
            continue
        limit = np.log(float(np.finfo(node.dtype).max)) * NEAR_OVERFLOW
        with np.errstate(divide="ignore", invalid="ignore"):
            largest = np.nanmax(np.log(np.abs(value)))
        if not largest > limit:
            continue
        index = tuple(map(int, np.argwhere(np.atleast_1d(value) == np.nanmax(value))[0]))
        assert node.op is not None
        yield Finding(
            "overflow",
            f"{evidence.made_by(node)} gives {number(np.max(value))} at {at_index(index)}"
            + (", beyond" if np.isinf(value).any() else ", close to")
            + f" the largest {node.dtype}",
            evidence.place(node),
            "Subtract the largest argument first (tg.softmax, tg.logsumexp do), or limit it: "
            "tg.clip(x, None, 20).",
        )


def _infinite_slopes(case: Case) -> Iterator[Finding]:
    """A derivative that is infinite or nan at a value that occurs, hidden by a where() or not."""
    evidence = case.evidence
    for node in case.order:
        op = node.op
        if op is None or is_op(node, suspects.EXPONENTIALS):
            continue
        for position, parent in enumerate(node.parents):
            if not isinstance(parent, Node) or not parent.needs_grad:
                continue
            slope = evidence.slope(node, position)
            if slope is None or np.all(np.isfinite(slope)):
                continue
            bad = ~np.isfinite(slope)
            operands = [evidence.operand(node, k) for k in range(len(node.parents))]
            known = [np.broadcast_to(x, slope.shape) for x in operands if x is not None]
            for x in known or [evidence.value(node)]:
                bad &= np.isfinite(x)
            if not bad.any():
                continue
            yield _infinite_slope(case, node, position, bad, slope)
            break  # one finding an op


def _infinite_slope(
    case: Case, node: Node, position: int, bad: np.ndarray, slope: np.ndarray
) -> Finding:
    evidence, op = case.evidence, node.op
    assert op is not None
    index = tuple(map(int, np.argwhere(np.atleast_1d(bad))[0])) if bad.ndim else ()
    given = []
    for k, parent in enumerate(node.parents):
        x = evidence.operand(node, k)
        if x is not None and (k == position or isinstance(parent, Node)):
            there = np.broadcast_to(x, bad.shape)[index]
            given.append(f"{evidence.input_name(node, k)} = {number(there)}")
    if not given:
        result = np.broadcast_to(evidence.value(node), bad.shape)[index]
        given.append(f"its result is {number(result)}")
    at = f", the first at {at_index(index)}" if index else ""
    what = (
        f"{evidence.made_by(node)} has the derivative {number(slope[index])} where "
        f"{' and '.join(given)} ({share_of(bad)} elements{at})"
    )
    mask = _mask(case, node)
    if mask is not None:
        return Finding(
            "masked infinity",
            f"{what}; {evidence.at(mask)} hides that in the forward pass only: on the way back "
            "0 · inf is nan",
            evidence.place(node),
            f"Mask the input of {op.name}, too: tg.where(mask, x, 1) inside, and the same where() "
            "again outside.",
        )
    return Finding(
        "infinite derivative",
        what,
        evidence.place(node),
        "Keep its input away from there: add a small number before, or use a function that is "
        "defined there (tg.norm for the root of a sum of squares).",
    )


def _mask(case: Case, node: Node) -> Any:
    """The selection that the result of a node goes into, element by element, if it does."""
    seen = {node}
    waiting = [node]
    for here in waiting:
        for child in case.evidence.children(here):
            if is_op(child, suspects.SELECTIONS):
                return child
            if child.op is not None and child.op.elementwise and child not in seen:
                seen.add(child)
                waiting.append(child)
    return None


SYMPTOMS = (_dead_units, _saturated_units, _overflowing_values, _infinite_slopes)
