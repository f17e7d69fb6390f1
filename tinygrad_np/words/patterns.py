"""Mistakes that the structure of a graph shows: which op reads the result of which."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.node import Leaf, Node
from . import suspects
from .finding import Case, Finding
from .suspects import is_op, origin, parents

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PATTERNS"]


def _probabilities_as_logits(case: Case) -> Iterator[Finding]:
    """The output of a softmax, or other probabilities, in a loss that takes logits."""
    evidence = case.evidence
    for node in case.order:
        if not is_op(node, suspects.TAKES_LOGITS):
            continue
        assert node.op is not None
        source = origin(node.parents[0])
        if is_op(source, suspects.SOFTMAXES + suspects.SIGMOIDS):
            given = f"the output of {evidence.at(source)}"
        elif _are_probabilities(evidence.value(node.parents[0])):
            given = f"{evidence.called(node.parents[0])}, whose rows are probabilities"
        else:
            continue
        yield Finding(
            "probabilities as logits",
            f"{evidence.made_by(node)} takes logits and applies its own {_inverse(node)}, but it "
            f"is given {given}",
            evidence.place(node),
            "Give it what goes into that, or use the loss for probabilities: "
            "nn.categorical_crossentropy, nn.binary_cross_entropy.",
        )


def _inverse(node: Node) -> str:
    return "softmax" if node.op is not None and node.op.keeps else "sigmoid"


def _are_probabilities(value: Any) -> bool:
    """Whether each of several rows lies between 0 and 1 and sums to 1."""
    if not isinstance(value, np.ndarray) or value.ndim < 2 or len(value) < 2 or value.shape[-1] < 2:
        return False
    inside = bool(np.all((value >= 0) & (value <= 1)))
    return inside and bool(np.allclose(value.sum(axis=-1), 1, atol=1e-4))


def _log_of_probabilities(case: Case) -> Iterator[Finding]:
    """log(softmax(x)), log(sigmoid(x)), log(1 - sigmoid(x))."""
    evidence = case.evidence
    for node in case.order:
        if not is_op(node, suspects.LOGARITHMS):
            continue
        source = origin(node.parents[0])
        shifted = _beside_number(source, suspects.ADDS + suspects.SUBTRACTS)
        if shifted is not None:
            source = origin(shifted)
        if is_op(source, suspects.SOFTMAXES):
            remedy = "Use tg.log_softmax(x), or tg.cross_entropy(x, target) for the whole loss."
        elif is_op(source, suspects.SIGMOIDS):
            remedy = (
                "Use nn.binary_cross_entropy_with_logits(x, target) for the whole loss, or "
                "-tg.softplus(-x) for the log of sigmoid(x), -tg.softplus(x) for that of 1 - it."
            )
        else:
            continue
        yield Finding(
            "log of probabilities",
            f"log of the output of {evidence.at(source)}: where that is 0 to rounding, the log "
            "is -inf and its gradient nan",
            evidence.place(node),
            remedy,
        )


def _beside_number(node: Any, names: tuple[str, ...]) -> Node | None:
    """For `x + 1`, `1 - x` and the like: x."""
    if not is_op(node, names):
        return None
    nodes = list(parents(node))
    return nodes[0] if len(nodes) == 1 else None


def _column_against_row(case: Case) -> Iterator[Finding]:
    """(n, 1) against (n,): the result is (n, n), which nobody meant."""
    evidence = case.evidence
    for node in case.order:
        if not is_op(node, suspects.MEETINGS) or len(node.parents) != 2:
            continue
        both = list(parents(node))
        if len(both) != 2 or any(isinstance(p, Leaf) for p in both):
            continue
        column, row = sorted(both, key=lambda p: -len(p.shape))
        n = math.prod(row.shape)
        if n < 2 or column.shape != (n, 1) or row.shape != (n,) or _meant(column):
            continue
        if not _is_reduced(case, node):
            continue
        assert node.op is not None
        names = " and ".join(map(evidence.shaped, both))
        yield Finding(
            "column against row",
            f"{evidence.made_by(node)} of {names} gives {node.shape}: every element against "
            "every other",
            evidence.place(node),
            f"Give both the same shape: .reshape(-1, 1) for the one of shape ({n},), or [:, 0] for "
            f"the one of shape ({n}, 1).",
        )


def _meant(node: Node) -> bool:
    """Whether a column was made one on purpose, by indexing with None or by keepdims."""
    if is_op(node, suspects.UNSQUEEZES):
        return True
    return node.op is not None and "keepdims" in node.op.params


def _is_reduced(case: Case, node: Node) -> bool:
    """Whether a later op makes fewer elements of it."""
    size = math.prod(node.shape)
    below = case.evidence.descendants(node)
    return any(n.shape is not None and math.prod(n.shape) < size for n in below)


# --- exponentials ---------------------------------------------------------------------------------


def _overflowing_formula(case: Case) -> Iterator[Finding]:
    """Softmax, log-sum-exp, softplus and sigmoid by hand, in the form that overflows."""
    for node in case.order:
        found = _by_hand(node)
        if found is None:
            continue
        exponential, what, remedy = found
        if _bounded(exponential.parents[0]):
            continue
        yield Finding(
            "overflow",
            f"{what} written out with {case.evidence.at(exponential)}, which overflows for large "
            "arguments",
            case.evidence.place(node),
            remedy,
        )


def _by_hand(node: Node) -> tuple[Node, str, str] | None:
    """The exponential in a formula that has a function of its own, and which one."""
    if is_op(node, suspects.QUOTIENTS):
        above, below = node.parents
        summed = _summed_exponential(below)
        if summed is not None and _same_exponential(origin(above), summed):
            return summed, "softmax", "Use tg.softmax(x), which subtracts the largest x first."
        exponential = _one_plus_exponential(below)
        if exponential is not None and (
            not isinstance(above, Node) or _same_exponential(origin(above), exponential)
        ):
            return exponential, "sigmoid", "Use tg.sigmoid(x)."
    if is_op(node, suspects.RECIPROCALS):
        exponential = _one_plus_exponential(node.parents[0])
        if exponential is not None:
            return exponential, "sigmoid", "Use tg.sigmoid(x)."
    if is_op(node, suspects.LOGARITHMS):
        summed = _summed_exponential(node.parents[0])
        if summed is not None:
            return summed, "log(sum(exp(x)))", "Use tg.logsumexp(x, axis)."
        exponential = _one_plus_exponential(node.parents[0])
        if exponential is not None:
            return exponential, "log(1 + exp(x))", "Use tg.softplus(x)."
    if is_op(node, suspects.LOG_PLUS_ONE) and is_op(node.parents[0], suspects.EXPONENTIALS):
        return node.parents[0], "log(1 + exp(x))", "Use tg.softplus(x)."
    return None


def _same_exponential(node: Any, exponential: Node) -> bool:
    """Whether it is this one, or another of the same value, as where exp(x) is written twice."""
    twice = is_op(node, suspects.EXPONENTIALS) and node.parents == exponential.parents
    return node is exponential or twice


def _summed_exponential(node: Any) -> Node | None:
    source = origin(node)
    if not is_op(source, suspects.SUMS):
        return None
    inside = origin(source.parents[0])
    return inside if is_op(inside, suspects.EXPONENTIALS) else None


def _one_plus_exponential(node: Any) -> Node | None:
    inside = _beside_number(node, suspects.ADDS)
    return inside if is_op(inside, suspects.EXPONENTIALS) else None


def _bounded(argument: Any) -> bool:
    """Whether the argument of an exponential is kept small: x - max, -|x|, min(x, 0)."""
    if is_op(argument, suspects.NEVER_POSITIVE):
        return True
    if not is_op(argument, suspects.NEGATIONS):
        return False
    inside = argument.parents[0]
    if not isinstance(inside, Node) or inside.op is None:
        return False
    # |x|, x² and the like are never negative: their rule or formula says so.
    return (
        "|" in inside.op.text
        or "**2" in inside.op.text
        or len({*inside.parents}) == 1 < len(inside.parents)
    )


# --- dtypes ---------------------------------------------------------------------------------------


def _integers(case: Case) -> Iterator[Finding]:
    """Integer arrays where floats are computed with."""
    evidence = case.evidence
    seen = set()
    for node in case.order:
        if node.op is None or node.dtype is None or node.dtype.kind != "f":
            continue
        floats = [p for p in parents(node) if p.dtype is not None and p.dtype.kind == "f"]
        wide = max((p.dtype.itemsize for p in floats), default=0)
        widened = wide and node.dtype.itemsize > wide and node.op.elementwise
        for parent in parents(node):
            if parent in seen or parent.dtype is None or parent.dtype.kind not in "iu":
                continue
            if not parent.shape or not floats:
                continue
            if not widened and not is_op(node, suspects.PRODUCTS):
                continue
            seen.add(parent)
            effect = (
                f"the result is {node.dtype}, wider than its other input's {floats[0].dtype}"
                if node.dtype.itemsize > wide
                else "integer data are usually meant as floats, and scaled"
            )
            yield Finding(
                "integers",
                f"{evidence.made_by(node)} computes with {evidence.called(parent)}, which is of "
                f"{parent.dtype}: {effect}",
                evidence.place(node),
                f"Cast it once, before it is used: .astype(np.{floats[0].dtype}).",
            )


PATTERNS = (
    _probabilities_as_logits,
    _log_of_probabilities,
    _column_against_row,
    _overflowing_formula,
    _integers,
)
