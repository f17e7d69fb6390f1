"""Mistakes that values and gradients show: dead units, overflow, infinite derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.node import Node
from ..core.tensor import Tensor
from ..ops.labels import first_place
from ..recording.findings import Finding
from ..recording.reading import bare
from . import loss_graph
from .loss_graph import is_layer, is_op, parents
from .text import index_text, number_text, share_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .evidence import Evidence
    from .loss_graph import LossGraph

DEAD = 0.5  # of the units: some are dead in a network that learns well
SATURATED = 0.9  # of the elements
FLAT = 0.01  # of the steepest slope
FEW_ROWS = 4  # so few that a unit may well be 0 for all of them
NEAR_OVERFLOW = 0.9  # of the largest exponent


# --- targets --------------------------------------------------------------------------------------


def targets_that_are_none(graph: LossGraph) -> Iterator[Finding]:
    """Find targets of a cross-entropy that are floats, but no probabilities."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.LOSSES_OF_LOGITS):
        target = evidence.operand(node, 1)
        if not isinstance(target, np.ndarray) or target.dtype.kind != "f" or not target.size:
            continue
        assert node.op is not None
        several = bool(node.op.keeps)  # classes, not the probability of one
        wrong = (target < 0) | (target > (np.inf if several else 1))
        if wrong.any():
            place = first_place(wrong)
            fault = f"{number_text(target[place])} at {index_text(place)}"
        elif several and not _sums_to_one(target):
            sums = target.sum(axis=evidence.arguments(node).get("axis", -1))
            place = first_place(~np.isclose(sums, 1, atol=1e-3))
            fault = f"numbers that sum to {number_text(sums[place])}"
            fault += f" at row {index_text(place)}" if place else ""
        else:
            continue
        wanted = "a distribution, which sums to 1," if several else "a number between 0 and 1"
        classes = "class numbers of an integer dtype, tg.one_hot(classes, n) or rows divided by "
        remedy = f"{classes}their sum" if several else "0, 1, or a number between"
        yield Finding(
            "targets",
            f"{evidence.made_by(node)} takes {wanted} as a target of floats, but is given {fault}",
            evidence.place(node),
            f"Give {remedy}; for other numbers there is nn.mse_loss.",
        )


def _sums_to_one(target: np.ndarray) -> bool:
    """Return True if along some axis all sums are 1, or 0 in rows that are not to count."""
    sums = [target.sum(axis=axis) for axis in range(target.ndim)]
    return any(bool((np.isclose(s, 1, atol=1e-3) | (s == 0)).all()) for s in sums)


# --- units ----------------------------------------------------------------------------------------


def dead_units(graph: LossGraph) -> Iterator[Finding]:
    """Find a ReLU, in any spelling, most of whose units are 0 for all rows."""
    evidence = graph.evidence
    hidden = graph.hidden()
    for node in graph.calls():
        if not _is_rectifier(node) or not (node in hidden or any(map(is_layer, node.parents))):
            continue
        value = evidence.value(node)
        if not isinstance(value, np.ndarray) or not value.size or not value.ndim:
            continue
        unit_axis = 1 if value.ndim == 4 else value.ndim - 1
        other_axes = tuple(axis for axis in range(value.ndim) if axis != unit_axis)
        rows = value.size // value.shape[unit_axis]
        dead = np.all((value == 0) & _is_below_zero(evidence, node), axis=other_axes)
        share = f"{share_text(dead)} units"
        if not other_axes:  # a single row: the units alone say little
            dead = dead.all(keepdims=True)
            share = "all units"
        if dead.mean() < DEAD or (rows < FEW_ROWS and not dead.all()):
            continue
        yield Finding(
            "dead units",
            f"{share} of {evidence.made_by(node)} are 0 for every row: no gradient comes back "
            "through them, and what is before them can't learn",
            evidence.place(node),
            "Smaller initial weights, biases that are not far below 0, a smaller learning rate; "
            "or tg.leaky_relu.",
        )


def _is_rectifier(node: Node) -> bool:
    """Return True for relu(x), maximum(x, 0), where(mask, x, 0) and x * mask."""
    numbers = [parent for parent in node.parents if not isinstance(parent, Node)]
    if is_op(node, loss_graph.MAXIMUM + loss_graph.SELECTIONS):
        return any(number == 0 for number in numbers)
    if is_op(node, loss_graph.MULTIPLICATIONS):
        return any(parent.dtype == bool for parent in parents(node))
    return is_op(node, loss_graph.RECTIFIERS)


def _is_below_zero(evidence: Evidence, node: Node) -> Any:
    """Return where the input of a rectifier is negative, as far as it is known."""
    values = [evidence.operand(node, k) for k in range(len(node.parents))]
    inputs = [value for value in values if np.ndim(value) and value.dtype.kind == "f"]
    return inputs[0] < 0 if inputs else True


def saturated_units(graph: LossGraph) -> Iterator[Finding]:
    """Find a hidden sigmoid or tanh nearly all elements of which lie where it is flat."""
    evidence = graph.evidence
    hidden = graph.hidden()  # an output may well saturate
    for node in graph.calls(loss_graph.SATURATING + loss_graph.LIMITS):
        slope = _slope(evidence, node) if node in hidden else None
        if slope is None or slope.size < 2:
            continue
        # The steepest slope is at 0.
        steepest = 0.25 if is_op(node, loss_graph.SIGMOIDS) else 1.0
        limit = FLAT * steepest
        flat = np.abs(slope) < limit
        if flat.mean() < SATURATED:
            continue
        yield Finding(
            "saturated",
            f"{share_text(flat)} elements of {evidence.made_by(node)} lie where it is flat (its "
            f"derivative is below {number_text(limit)}): hardly any gradient comes back",
            evidence.place(node),
            "Scale its inputs down: smaller initial weights, normalised data; or another "
            "activation.",
        )


def _slope(evidence: Evidence, node: Node) -> Any:
    """Return the derivative of an activation, or None; of a limit 1 where it changed nothing."""
    if not is_op(node, loss_graph.LIMITS):
        return evidence.slope(node, 0)
    x, limited = evidence.operand(node, 0), evidence.value(node)
    return None if x is None or limited is None else np.equal(x, limited)


# --- numbers that are not finite ------------------------------------------------------------------


def overflow(graph: LossGraph) -> Iterator[Finding]:
    """Find an exponential that overflows, or is about to."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.EXPONENTIALS):
        value = evidence.value(node)
        if value is None or not np.size(value):
            continue
        limit = np.log(float(np.finfo(node.dtype).max)) * NEAR_OVERFLOW
        with np.errstate(divide="ignore", invalid="ignore"):
            largest = np.nanmax(np.log(np.abs(value)))
        if not largest > limit:
            continue
        index = first_place(np.atleast_1d(value) == np.nanmax(value))
        distance = "beyond" if np.isinf(value).any() else "close to"
        yield Finding(
            "overflow",
            f"{evidence.made_by(node)} gives {number_text(np.max(value))} at {index_text(index)}, "
            f"{distance} the largest {node.dtype}",
            evidence.place(node),
            "Subtract the largest argument first (tg.softmax, tg.logsumexp do), or limit it: "
            "tg.clip(x, None, 20).",
        )


def infinite_derivatives(graph: LossGraph) -> Iterator[Finding]:
    """Find a derivative that is infinite or nan at a value that occurs, also behind a where()."""
    for node in graph.calls():
        if is_op(node, loss_graph.EXPONENTIALS):
            continue
        for position, parent in enumerate(node.parents):
            if not isinstance(parent, Node) or not parent.needs_grad:
                continue
            slope = graph.evidence.slope(node, position)
            if slope is None or np.all(np.isfinite(slope)):
                continue
            mask = ~np.isfinite(slope) & _finite_operands(graph.evidence, node, slope.shape)
            if mask.any():
                yield _infinite_derivative(graph.evidence, node, position, mask, slope)
                break  # one finding an op


def _finite_operands(evidence: Evidence, node: Node, shape: tuple[int, ...]) -> Any:
    """Return where all operands are finite; if none is known any more, where the result is."""
    operands = [evidence.operand(node, k) for k in range(len(node.parents))]
    arrays = [operand for operand in operands if operand is not None]
    finite = np.ones(shape, bool)
    for array in arrays or [evidence.value(node)]:
        finite &= np.isfinite(array)
    return finite


def _infinite_derivative(
    evidence: Evidence,
    node: Node,
    position: int,
    mask: np.ndarray,
    slope: np.ndarray,
) -> Finding:
    assert node.op is not None
    index = first_place(mask)
    values = []
    for k, parent in enumerate(node.parents):
        operand = evidence.operand(node, k)
        if operand is not None and (k == position or isinstance(parent, Node)):
            name = evidence.input_name(node, k)
            element = np.broadcast_to(operand, mask.shape)[index]
            values.append(f"{name} = {number_text(element)}")
    if not values:
        element = np.broadcast_to(evidence.value(node), mask.shape)[index]
        values.append(f"its result is {number_text(element)}")
    place = f", the first at {index_text(index)}" if index else ""
    sentence = (
        f"{evidence.made_by(node)} has the derivative {number_text(slope[index])} where "
        f"{' and '.join(values)} ({share_text(mask)} elements{place})"
    )
    selection = _selection(evidence, node)
    if selection is not None:
        return Finding(
            "masked infinity",
            f"{sentence}; {evidence.at(selection)} hides that in the forward pass only: on the way "
            "back 0 · inf is nan",
            evidence.place(node),
            f"Mask the input of {node.op.name}, too: tg.where(mask, x, 1) inside, and the same "
            "where() again outside.",
        )
    return Finding(
        "infinite derivative",
        sentence,
        evidence.place(node),
        "Keep its input away from there: add a small number before, or use a function that is "
        "defined there (tg.norm for the root of a sum of squares).",
    )


def _selection(evidence: Evidence, node: Node) -> Node | None:
    """Return the where() that the result of a node goes into element by element, if there is."""
    seen = {node}
    queue = [node]
    for ancestor in queue:
        for child in evidence.children(ancestor):
            if is_op(child, loss_graph.SELECTIONS):
                return child
            if child.op is not None and child.op.elementwise and child not in seen:
                seen.add(child)
                queue.append(child)
    return None


# --- gradients ------------------------------------------------------------------------------------


def gradient_sums(graph: LossGraph) -> Iterator[Finding]:
    """Find gradients larger than those of the last backward(): earlier ones are in them."""
    record = graph.evidence.record
    if record is None or graph.root not in record.gradients:
        return
    into: dict[Node, list[tuple[int, Any]]] = {}  # what came to each node, numbered
    for k, flow in enumerate(record.flows, 1):
        into.setdefault(flow.parent, []).append((k, bare(flow.contribution)))
    sums = []
    for leaf in graph.leaves():
        last = bare(record.gradients.get(leaf))
        if last is None or not isinstance(leaf.grad, Tensor):
            continue
        if not last.size or not np.isfinite(last).all():
            continue
        # A gradient that was clipped or scaled down since is smaller.
        near = 1e-4 * np.abs(last).max()
        growth = np.abs(leaf.grad.data) - np.abs(last)
        if not np.any(growth > near):
            continue
        # Several batches before an update are meant to add up.
        *_, (end, _) = into[leaf]
        updates = [update.flows for update in record.updates if update.node is leaf]
        if any(flows >= end for flows in updates):
            start = max((flows for flows in updates if flows < end), default=0)
            batches = sum(g for k, g in into[leaf] if k > start)
            if np.all(np.abs(leaf.grad.data - batches) <= near):
                continue
        sums.append(leaf)
    if sums:
        yield Finding(
            "missing zero_grad",
            f"{graph.names(sums)} held a gradient before, and backward() added to it",
            graph.evidence.place(graph.root),
            "Call optimizer.zero_grad() (or model.zero_grad(), or by hand `.grad = None`) before "
            "each backward(), unless gradients of several batches are meant to add up.",
        )
