"""Mistakes with probabilities, their logs and logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..recording.findings import Finding
from . import loss_graph
from .loss_graph import beside_number, is_layer, is_op, origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .loss_graph import LossGraph


def probabilities_as_logits(graph: LossGraph) -> Iterator[Finding]:
    """Find the output of a softmax, or other probabilities, in a loss that takes logits."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.LOSSES_OF_LOGITS):
        logits = node.parents[0]
        source = origin(logits)
        factor = beside_number(source, loss_graph.MULTIPLICATIONS + loss_graph.QUOTIENTS)
        source = source if factor is None else origin(factor)
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


def limited_logits(graph: LossGraph) -> Iterator[Finding]:
    """Find an activation between the last layer and a loss that takes logits."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.LOSSES_OF_LOGITS):
        activation = origin(node.parents[0])
        if not is_op(activation, loss_graph.LIMITING) or not is_layer(activation.parents[0]):
            continue
        yield Finding(
            "limited logits",
            f"{evidence.made_by(node)} takes logits, numbers of any size, but "
            f"{evidence.at(activation)} limits them",
            evidence.place(node),
            "Leave out the activation after the last layer.",
        )


def softmax_of_probabilities(graph: LossGraph) -> Iterator[Finding]:
    """Find a softmax of the output of a softmax or sigmoid."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.SOFTMAXES + loss_graph.LOG_SOFTMAXES):
        source = origin(node.parents[0])
        if is_op(source, loss_graph.SOFTMAXES + loss_graph.SIGMOIDS):
            yield Finding(
                "softmax twice",
                f"{evidence.made_by(node)} of the output of {evidence.at(source)}: probabilities "
                "lie between 0 and 1, and the softmax of such numbers is nearly even",
                evidence.place(node),
                "Leave one of them out.",
            )


def softmax_of_one(graph: LossGraph) -> Iterator[Finding]:
    """Find a softmax over a single output of a layer, alone or in a cross-entropy."""
    evidence = graph.evidence
    losses = loss_graph.LOSSES_OF_CLASSES
    for node in graph.calls(losses + loss_graph.SOFTMAXES + loss_graph.LOG_SOFTMAXES):
        logits = node.parents[0]
        axis = evidence.arguments(node).get("axis", -1)
        if not is_layer(logits) or not isinstance(axis, int) or logits.shape[axis] != 1:
            continue
        yield Finding(
            "one class",
            f"{evidence.made_by(node)} is of one number for each row: its probability is always "
            "1, whatever the network says, and no gradient comes back",
            evidence.place(node),
            "For two classes, give this number to nn.binary_cross_entropy_with_logits, or end in "
            "tg.sigmoid; for more, the last layer needs an output for each.",
        )


def likelihood_of_probabilities(graph: LossGraph) -> Iterator[Finding]:
    """Find probabilities, rather than their logs, in nll_loss."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.NEGATIONS):
        picked = node.parents[0]
        source = origin(picked)
        if not is_op(picked, loss_graph.PICKS) or not is_op(source, loss_graph.SOFTMAXES):
            continue
        yield Finding(
            "probabilities for their logs",
            f"the likelihood (nll_loss) takes log probabilities, but is given the output of "
            f"{evidence.at(source)}",
            evidence.place(node),
            "Give it tg.log_softmax(x), or use tg.cross_entropy(x, target) for the whole loss.",
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
        summand = beside_number(source, loss_graph.ADDITIONS + loss_graph.SUBTRACTIONS)
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


def loss_of_wrong_sign(graph: LossGraph) -> Iterator[Finding]:
    """Find the mean of log probabilities, without a minus, as a loss."""
    node = origin(graph.root)
    while is_op(node, loss_graph.AVERAGES) or _is_scaled(node):
        node = origin(node.parents[0])
    logarithm = is_op(node, loss_graph.LOGARITHMS) and _is_probability(node.parents[0])
    if logarithm or is_op(node, loss_graph.LOG_SOFTMAXES):
        yield Finding(
            "sign",
            f"the loss is the average of {graph.evidence.made_by(node)}, the log of "
            "probabilities, which is negative: minimising it makes the right answers unlikely",
            graph.evidence.place(graph.root),
            "Put a minus before it: the negative log likelihood, or tg.cross_entropy.",
        )


def _is_scaled(node: Any) -> bool:
    """Return True for a value times, or by, a number above 0."""
    if not is_op(node, loss_graph.MULTIPLICATIONS + loss_graph.QUOTIENTS):
        return False
    number = node.parents[1]
    return isinstance(number, (int, float)) and number > 0


def _is_probability(node: Any) -> bool:
    return is_op(origin(node), loss_graph.SOFTMAXES + loss_graph.SIGMOIDS)


def softmax_over_rows(graph: LossGraph) -> Iterator[Finding]:
    """Find a softmax over the rows of a batch of logits."""
    for node in graph.calls(loss_graph.SOFTMAXES + loss_graph.LOG_SOFTMAXES):
        axis = graph.evidence.arguments(node).get("axis", -1)
        rows, *rest = node.shape
        if len(rest) != 1 or axis not in (0, -2, (0,), (-2,)) or not is_layer(node.parents[0]):
            continue
        if any(is_op(later, loss_graph.PRODUCTS) for later in graph.evidence.descendants(node)):
            continue  # as in attention
        assert node.op is not None
        yield Finding(
            "axis",
            f"{graph.evidence.made_by(node)} with axis {axis} runs over the {rows} rows, and not "
            f"over the {rest[0]} columns: the probabilities of one row do not sum to 1",
            graph.evidence.place(node),
            f"Use axis=-1: tg.{node.op.name}(x, axis=-1).",
        )
