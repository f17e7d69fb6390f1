"""Mistakes that the structure of a graph shows: which op reads the result of which."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.callsite import short_place
from ..core.exits import REMEDY
from ..core.node import Leaf, Node
from ..recording.findings import Finding, Place
from . import loss_graph
from .loss_graph import beside_number, is_op, origin, parents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .loss_graph import LossGraph

# --- shapes ---------------------------------------------------------------------------------------


def column_against_row(graph: LossGraph) -> Iterator[Finding]:
    """Find (n, 1) against (n,), which gives (n, n) where nobody wants it; and its like."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.MEETINGS):
        operands = parents(node)
        if len(operands) != 2 or len(node.parents) != 2:
            continue
        if any(isinstance(operand, Leaf) for operand in operands):
            continue
        if not _misfit(*operands) or not _is_reduced(graph, node):
            continue
        names = " and ".join(map(evidence.shaped, operands))
        shapes = " and ".join(str(operand.shape) for operand in operands)
        yield Finding(
            "column against row",
            f"{evidence.made_by(node)} of {names} gives {node.shape}: every element against "
            "every other",
            evidence.place(node),
            f"Give both the same shape, not {shapes}: .reshape(-1, 1) makes a column, and [:, 0] "
            "([..., 0] for more axes) takes the last axis of a column away.",
        )


def _misfit(a: Node, b: Node) -> bool:
    """Return True for shapes of as many elements that stretch each other.

    Both may be computed if one is a vector and the other a column; else one is a target.
    """
    column, row = sorted((a, b), key=lambda node: -len(node.shape))
    n = math.prod(row.shape)
    if n < 2 or math.prod(column.shape) != n or column.shape == row.shape:
        return False
    if _is_deliberate(column):
        return False
    if column.shape == (n, 1) and row.shape == (n,):
        return True
    prediction, target = (a, b) if a.needs_grad else (b, a)
    if target.needs_grad or target.op is not None or _is_deliberate(prediction):
        return False
    stretched = np.broadcast_shapes(prediction.shape, target.shape)
    return prediction.shape[-1] == 1 and math.prod(stretched) > n


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
        if formula is None or _is_bounded(formula.exponential.parents[-1]):
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
    if exponential := _tanh(node):
        return Formula(exponential, "tanh", "Use tg.tanh(x).")
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
    power = is_op(node, loss_graph.POWERS) and node.parents[1] == -1
    if power or is_op(node, loss_graph.RECIPROCALS):
        return _exponential_plus_number(node.parents[0])
    if not is_op(node, loss_graph.QUOTIENTS):
        return None
    numerator, denominator = node.parents
    exponential = _exponential_plus_number(denominator)
    if not isinstance(numerator, Node):
        return exponential
    return exponential if _same_exponential(origin(numerator), exponential) else None


def _tanh(node: Node) -> Node | None:
    """Return an exponential of `(exp(x) - exp(-x)) / (exp(x) + exp(-x))`."""
    if not is_op(node, loss_graph.QUOTIENTS):
        return None
    above, below = node.parents
    if not is_op(above, loss_graph.SUBTRACTIONS) or not is_op(below, loss_graph.ADDITIONS):
        return None
    exponentials = [_exponential(n) for part in (above, below) for n in part.parents]
    if None in exponentials:
        return None
    plain, negated, *others = [_signed_argument(node) for node in exponentials if node]
    opposite = plain[0] is negated[0] and plain[1] != negated[1]
    return exponentials[0] if opposite and others == [plain, negated] else None


def _signed_argument(exponential: Node) -> tuple[Any, bool]:
    """Return x and whether it is negated, of exp(x) or exp(-x)."""
    argument = exponential.parents[-1]
    negated = is_op(argument, loss_graph.NEGATIONS)
    return (argument.parents[0] if negated else argument), negated


def _log_sum_exp(node: Node) -> Node | None:
    return _summed_exponential(node.parents[0]) if is_op(node, loss_graph.LOGARITHMS) else None


def _softplus(node: Node) -> Node | None:
    """Return the exponential of `log(1 + exp(x))` or `log1p(exp(x))`."""
    if is_op(node, loss_graph.LOGARITHMS):
        return _exponential_plus_number(node.parents[0])
    return _exponential(node.parents[0]) if is_op(node, loss_graph.LOG_PLUS_ONE) else None


def _exponential(node: Any) -> Node | None:
    """Return a node that is exp(x), or a number to the power x."""
    power = is_op(node, loss_graph.POWERS) and not isinstance(node.parents[0], Node)
    return node if power or is_op(node, loss_graph.EXPONENTIALS) else None


def _summed_exponential(node: Any) -> Node | None:
    source = origin(node)
    return _exponential(origin(source.parents[0])) if is_op(source, loss_graph.SUMS) else None


def _exponential_plus_number(node: Any) -> Node | None:
    return _exponential(beside_number(node, loss_graph.ADDITIONS))


def _same_exponential(node: Any, exponential: Node | None) -> bool:
    """Return True for this one, and for one of the same value, as where exp(x) stands twice."""
    if exponential is None:
        return False
    twice = _exponential(node) is not None and node.parents == exponential.parents
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
        serial = None if exit.reader is None else exit.reader.serial
        place = Place(short_place(exit.place), serial)
        yield Finding("bare number", f"{exit}", place, REMEDY)


# --- parameters -----------------------------------------------------------------------------------


def unreachable_parameters(graph: LossGraph) -> Iterator[Finding]:
    """Find parameters that the loss was not computed from, and where the way is cut."""
    evidence = graph.evidence
    nodes = set(graph.nodes)
    unused: list[Leaf] = []
    branches: dict[tuple[str, str], list[Node]] = {}
    for leaf in _parameters(graph):
        if leaf in nodes:
            continue
        cut = evidence.cut([leaf, *evidence.descendants(leaf)])
        if cut is None or cut.reader not in nodes:
            unused.append(leaf)
            continue
        if cut.explicit and graph.model is None:
            continue  # a target that is cut off on purpose: nobody said that it is to be learned
        branch = cut.sentence, evidence.place(cut.reader)
        branches.setdefault(branch, []).append(leaf)
    for (sentence, place), leaves in branches.items():
        yield Finding(
            "detached branch",
            f"{sentence}, so the loss does not reach {graph.names(leaves)}",
            place,
            "Use the Tensor itself there; if it is meant to be cut, freeze what is before it "
            "(requires_grad=False).",
        )
    ends: dict[str, list[Node]] = {}  # by the place where the way from them ends
    for leaf in unused:
        descendants = list(evidence.descendants(leaf))
        end = "no gradient comes there from it"
        if descendants:
            last = evidence.at(descendants[-1])
            end = f"the way ends at the result of {last}, whose numbers alone go on, if any"
        end = evidence.unseen([leaf, *descendants]) or end
        ends.setdefault(end, []).append(leaf)
    for way, nodes_before in ends.items():
        yield Finding(
            "not reached",
            f"this loss does not reach {graph.names(nodes_before)}: {way}",
            evidence.place(nodes_before[0]),
            "Use it in the forward pass, with Tensors alone (no .numpy(), .data, no_grad() or "
            "detach()); or take it out of the model, or freeze it (requires_grad=False).",
        )


def _parameters(graph: LossGraph) -> list[Leaf]:
    """Return the leaves that want a gradient: those of the model, or else those of the record."""
    nodes = graph.parameters()
    if graph.model is None and graph.evidence.record is not None:
        nodes = graph.evidence.order
    return [node for node in dict.fromkeys(nodes) if isinstance(node, Leaf)]
