"""Mistakes that the structure of a graph shows: which op reads the result of which."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.callsite import short_place
from ..core.exits import REMEDY
from ..core.node import Leaf, Node
from ..core.tensor import node_of
from ..recording.findings import Finding
from . import loss_graph
from .loss_graph import is_op, origin, parents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .loss_graph import LossGraph

__all__ = [
    "bare_numbers",
    "column_against_row",
    "exponential_formulas",
    "integer_operands",
    "log_of_probabilities",
    "probabilities_as_logits",
    "unreachable_parameters",
]


# --- probabilities --------------------------------------------------------------------------------


def probabilities_as_logits(graph: LossGraph) -> Iterator[Finding]:
    """Find the output of a softmax, or other probabilities, in a loss that takes logits."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.LOSSES_OF_LOGITS):
        logits = node.parents[0]
        source = origin(logits)
        if is_op(source, loss_graph.SOFTMAXES + loss_graph.SIGMOIDS):
            probabilities = f"the output of {evidence.at(source)}"
        elif _are_distributions(evidence.value(logits)):
            probabilities = f"{evidence.called(logits)}, whose rows are probabilities"
        else:
            continue
        assert node.op is not None
        activation = "softmax" if node.op.keeps else "sigmoid"
        yield Finding(
            "probabilities as logits",
            f"{evidence.made_by(node)} takes logits and applies its own {activation}, but it is "
            f"given {probabilities}",
            evidence.place(node),
            "Give it what goes into that, or use the loss for probabilities: "
            "nn.categorical_crossentropy, nn.binary_cross_entropy.",
        )


def _are_distributions(value: Any) -> bool:
    """Return True if each of several rows lies between 0 and 1 and sums to 1."""
    if not isinstance(value, np.ndarray) or value.ndim < 2:
        return False
    if len(value) < 2 or value.shape[-1] < 2:
        return False
    inside = (value >= 0) & (value <= 1)
    sums = value.sum(axis=-1)
    return bool(inside.all() and np.allclose(sums, 1, atol=1e-4))


def log_of_probabilities(graph: LossGraph) -> Iterator[Finding]:
    """Find log(softmax(x)), log(sigmoid(x)) and log(1 - sigmoid(x))."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.LOGARITHMS):
        source = origin(node.parents[0])
        summand = _beside_number(source, loss_graph.ADDITIONS + loss_graph.SUBTRACTIONS)
        if summand is not None:
            source = origin(summand)
        if is_op(source, loss_graph.SOFTMAXES):
            remedy = "Use tg.log_softmax(x), or tg.cross_entropy(x, target) for the whole loss."
        elif is_op(source, loss_graph.SIGMOIDS):
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


def _beside_number(node: Any, group: tuple[str, ...]) -> Node | None:
    """Return x of `x + 1`, `1 - x` and the like."""
    operands = parents(node) if is_op(node, group) else []
    return operands[0] if len(operands) == 1 else None


# --- shapes ---------------------------------------------------------------------------------------


def column_against_row(graph: LossGraph) -> Iterator[Finding]:
    """Find (n, 1) against (n,), which gives (n, n) where nobody wants it."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.MEETINGS):
        operands = parents(node)
        if len(operands) != 2 or len(node.parents) != 2:
            continue
        if any(isinstance(operand, Leaf) for operand in operands):
            continue
        column, row = sorted(operands, key=lambda operand: -len(operand.shape))
        n = math.prod(row.shape)
        if n < 2 or column.shape != (n, 1) or row.shape != (n,):
            continue
        if _is_deliberate(column) or not _is_reduced(graph, node):
            continue
        names = " and ".join(map(evidence.shaped, operands))
        yield Finding(
            "column against row",
            f"{evidence.made_by(node)} of {names} gives {node.shape}: every element against "
            "every other",
            evidence.place(node),
            f"Give both the same shape: .reshape(-1, 1) for the one of shape ({n},), or [:, 0] for "
            f"the one of shape ({n}, 1).",
        )


def _is_deliberate(column: Node) -> bool:
    """Return True for a column that indexing with None, keepdims and the like made one."""
    reduction = column.op is not None and "keepdims" in column.op.params
    return reduction or is_op(column, loss_graph.UNSQUEEZES)


def _is_reduced(graph: LossGraph, node: Node) -> bool:
    """Return True if a later op makes fewer elements of these."""
    size = math.prod(node.shape)
    shapes = [descendant.shape for descendant in graph.evidence.descendants(node)]
    return any(shape is not None and math.prod(shape) < size for shape in shapes)


# --- exponentials ---------------------------------------------------------------------------------


class Formula(NamedTuple):
    """A formula with an exponential, for which there is a function that does not overflow."""

    exponential: Node
    text: str
    remedy: str


def exponential_formulas(graph: LossGraph) -> Iterator[Finding]:
    """Find softmax, log-sum-exp, softplus and sigmoid by hand, in the form that overflows."""
    for node in graph.calls():
        formula = _formula(node)
        if formula is None or _is_bounded(formula.exponential.parents[0]):
            continue
        exponential = graph.evidence.at(formula.exponential)
        yield Finding(
            "overflow",
            f"{formula.text} written out with {exponential}, which overflows for large arguments",
            graph.evidence.place(node),
            formula.remedy,
        )


def _formula(node: Node) -> Formula | None:
    """Return the formula of which a node is the last step."""
    if exponential := _softmax(node):
        remedy = "Use tg.softmax(x), which subtracts the largest x first."
        return Formula(exponential, "softmax", remedy)
    if exponential := _sigmoid(node):
        return Formula(exponential, "sigmoid", "Use tg.sigmoid(x).")
    if exponential := _log_sum_exp(node):
        return Formula(exponential, "log(sum(exp(x)))", "Use tg.logsumexp(x, axis).")
    if exponential := _softplus(node):
        return Formula(exponential, "log(1 + exp(x))", "Use tg.softplus(x).")
    return None


def _softmax(node: Node) -> Node | None:
    """Return the exponential of `exp(x) / sum(exp(x))`."""
    if not is_op(node, loss_graph.QUOTIENTS):
        return None
    numerator, denominator = node.parents
    exponential = _summed_exponential(denominator)
    return exponential if _same_exponential(origin(numerator), exponential) else None


def _sigmoid(node: Node) -> Node | None:
    """Return the exponential of `1 / (1 + exp(x))` or `exp(x) / (1 + exp(x))`."""
    if is_op(node, loss_graph.RECIPROCALS):
        return _exponential_plus_number(node.parents[0])
    if not is_op(node, loss_graph.QUOTIENTS):
        return None
    numerator, denominator = node.parents
    exponential = _exponential_plus_number(denominator)
    if not isinstance(numerator, Node):
        return exponential
    return exponential if _same_exponential(origin(numerator), exponential) else None


def _log_sum_exp(node: Node) -> Node | None:
    return _summed_exponential(node.parents[0]) if is_op(node, loss_graph.LOGARITHMS) else None


def _softplus(node: Node) -> Node | None:
    """Return the exponential of `log(1 + exp(x))` or `log1p(exp(x))`."""
    if is_op(node, loss_graph.LOGARITHMS):
        return _exponential_plus_number(node.parents[0])
    return _exponential(node.parents[0]) if is_op(node, loss_graph.LOG_PLUS_ONE) else None


def _exponential(node: Any) -> Node | None:
    return node if is_op(node, loss_graph.EXPONENTIALS) else None


def _summed_exponential(node: Any) -> Node | None:
    source = origin(node)
    return _exponential(origin(source.parents[0])) if is_op(source, loss_graph.SUMS) else None


def _exponential_plus_number(node: Any) -> Node | None:
    return _exponential(_beside_number(node, loss_graph.ADDITIONS))


def _same_exponential(node: Any, exponential: Node | None) -> bool:
    """Return True for this one, and for one of the same value, as where exp(x) stands twice."""
    if exponential is None:
        return False
    twice = is_op(node, loss_graph.EXPONENTIALS) and node.parents == exponential.parents
    return node is exponential or twice


def _is_bounded(argument: Any) -> bool:
    """Return True if the argument of an exponential is kept small: x - max, -|x|, min(x, 0)."""
    if is_op(argument, loss_graph.NEVER_POSITIVE):
        return True
    if not is_op(argument, loss_graph.NEGATIONS):
        return False
    operand = argument.parents[0]
    if not isinstance(operand, Node) or operand.op is None:
        return False
    # |x|, x² and x · x are never negative.
    text = operand.op.text
    square = len(operand.parents) > len(set(operand.parents)) == 1
    return square or "|" in text or "**2" in text


# --- dtypes ---------------------------------------------------------------------------------------


def integer_operands(graph: LossGraph) -> Iterator[Finding]:
    """Find integer arrays among the operands of float computations."""
    evidence = graph.evidence
    reported = set()
    for node in graph.calls():
        floats = [parent.dtype for parent in parents(node) if _kind(parent) == "f"]
        if _kind(node) != "f" or not floats:
            continue
        assert node.op is not None
        wider = node.dtype.itemsize > max(dtype.itemsize for dtype in floats)
        if not (wider and node.op.elementwise) and not is_op(node, loss_graph.PRODUCTS):
            continue
        effect = "integer data are usually meant as floats, and scaled"
        if wider:
            effect = f"the result is {node.dtype}, wider than its other input's {floats[0]}"
        for parent in parents(node):
            if parent in reported or _kind(parent) not in ("i", "u") or not parent.shape:
                continue
            reported.add(parent)
            yield Finding(
                "integers",
                f"{evidence.made_by(node)} computes with {evidence.called(parent)}, which is of "
                f"{parent.dtype}: {effect}",
                evidence.place(node),
                f"Cast it once, before it is used: .astype(np.{floats[0]}).",
            )


def _kind(node: Node) -> str:
    """Return the kind of a node's dtype, "f" for floats; "" for several outputs."""
    return "" if node.dtype is None else node.dtype.kind


# --- values that left the graph -------------------------------------------------------------------


def bare_numbers(graph: LossGraph) -> Iterator[Finding]:
    """Find values that became bare numbers on the way to the loss."""
    for exit in graph.evidence.exits(set(graph.nodes)):
        yield Finding("bare number", f"{exit}", short_place(exit.place), REMEDY)


# --- parameters -----------------------------------------------------------------------------------


def unreachable_parameters(graph: LossGraph) -> Iterator[Finding]:
    """Find parameters that the loss was not computed from, and where the way is cut."""
    evidence = graph.evidence
    nodes = set(graph.nodes)
    unused: list[Node] = []
    branches: dict[tuple[str, str], list[Node]] = {}
    for leaf in _parameters(graph):
        if leaf in nodes:
            continue
        cut = evidence.cut([leaf, *evidence.descendants(leaf)])
        if cut is None or cut[1] not in nodes:
            unused.append(leaf)
            continue
        sentence, reader = cut
        branch = sentence, evidence.place(reader)
        branches.setdefault(branch, []).append(leaf)
    for (sentence, place), leaves in branches.items():
        yield Finding(
            "detached branch",
            f"{sentence}, so the loss does not reach {graph.names(leaves)}",
            place,
            "Use the Tensor itself there; if it is meant to be cut, freeze what is before it "
            "(requires_grad=False).",
        )
    if unused:
        yield Finding(
            "not reached",
            f"the loss does not reach {graph.names(unused)}: no gradient will ever come there",
            evidence.place(unused[0]),
            "Use it in the forward pass, or take it out of the model, or freeze it "
            "(requires_grad=False).",
        )


def _parameters(graph: LossGraph) -> list[Leaf]:
    """Return the leaves that want a gradient: those of the model, then those of the record."""
    nodes = []
    if graph.model is not None:
        nodes += [node_of(parameter) for _, parameter in graph.model.named_parameters()]
    if graph.evidence.record is not None:
        nodes += graph.evidence.order
    return [node for node in dict.fromkeys(nodes) if isinstance(node, Leaf)]
