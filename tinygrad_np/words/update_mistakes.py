"""Mistakes that the updates of a record show, and the gradients that they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.node import Node
from ..core.tensor import gradient_of
from ..recording.findings import Finding, Place
from ..recording.reading import bare
from . import loss_graph
from .gradient_trail import GradientTrail
from .loss_graph import is_op
from .properties import largest
from .text import number_text, where_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..recording.recorder import Record, Update
    from .loss_graph import LossGraph

HUGE = 1e8  # of a gradient
FAR = 100  # times its own size: no parameter moves that far in a step that learns
TINY = 1e-6  # of the gradients of other layers, each relative to its weights
REPEATS = 3  # backward passes without an update, which nobody makes on purpose


# --- updates --------------------------------------------------------------------------------------


def idle_learning_rate(graph: LossGraph) -> Iterator[Finding]:
    """Find a learning rate of 0."""
    for update in _updates(graph):
        if update.rule is not None and _learning_rate(update) == 0:
            yield Finding(
                "learning rate 0",
                f"{update.rule.by} has updated the parameters with a learning rate of 0: nothing "
                "changes",
                where_text(update.place),
                "Give it a learning rate above 0; if a schedule gives the rate, look at its first "
                "steps.",
            )
            return


def _learning_rate(update: Update) -> Any:
    assert update.rule is not None
    return (update.rule.reads | update.reads).get("lr")


def huge_updates(graph: LossGraph) -> Iterator[Finding]:
    """Find an update that moves a parameter by many times its own size."""
    for update in _updates(graph):
        before, after = bare(update.before), bare(update.after)
        if update.rule is None or before.ndim < 2 or not np.isfinite(before).all():
            continue  # a start value, a bias, or lost already
        size = np.linalg.norm(before)
        change = np.linalg.norm(after - before)
        if size and change > FAR * size:
            yield Finding(
                "exploding update",
                f"the update of {graph.evidence.called(update.node)} moves it by "
                f"{number_text(change / size)} times its size ({update.rule.by}): the learning "
                "rate is too large for these gradients",
                Place(where_text(update.place), update.node.serial),
                "A smaller learning rate, by factors of 10; or scaled data and targets.",
            )
            return


def missing_step(graph: LossGraph) -> Iterator[Finding]:
    """Find several backward passes through the same parameters without any update."""
    record = graph.evidence.record
    if record is None or record.updates or graph.model is None:
        return
    for leaf in graph.leaves():
        passes = _passes(record, leaf)
        last = bare(record.gradients.get(leaf))
        kept = gradient_of(leaf) if passes >= REPEATS else None
        if kept is not None and np.array_equal(kept.data, last):
            yield Finding(
                "missing step",
                f"backward() ran {passes} times, and the parameters were never updated",
                graph.evidence.place(graph.root),
                "Call optimizer.step() after each backward().",
            )
            return


def parameters_without_update(graph: LossGraph) -> Iterator[Finding]:
    """Find parameters of the model that got a gradient, but no update, while others got one."""
    record = graph.evidence.record
    if record is None or graph.model is None:
        return
    by_optimizer = {update.node for update in record.updates if update.rule is not None}
    reached = [leaf for leaf in graph.leaves() if leaf in record.gradients]
    left = [leaf for leaf in reached if leaf not in by_optimizer]
    places = [where_text(update.place) for update in record.updates if update.node in by_optimizer]
    # An optimizer of some other model says nothing about this one.
    others = by_optimizer - set(graph.parameters())
    if not left or not places or (len(left) == len(reached) and not others):
        return
    yield Finding(
        "not updated",
        f"{graph.names(left)} got a gradient, but the optimizer did not update them: it has other "
        "parameters",
        places[-1],
        "Make the optimizer from model.parameters(), after the model is complete; what is not to "
        "be learned needs no gradient (requires_grad=False).",
    )


def _updates(graph: LossGraph) -> list[Update]:
    record = graph.evidence.record
    nodes = set(graph.nodes)
    return [] if record is None else [u for u in record.updates if u.node in nodes]


def _passes(record: Record, leaf: Node) -> int:
    """Count the backward passes that reached a leaf."""
    flows = [flow for flow in record.flows if flow.parent is leaf]
    return sum(flow.total is flow.contribution for flow in flows)


# --- gradients ------------------------------------------------------------------------------------


def exploding_gradients(graph: LossGraph) -> Iterator[Finding]:
    """Find a gradient that is huge, and the op that makes it so."""
    if graph.evidence.record is None:
        return
    trail = GradientTrail(graph.evidence)
    sizes = {leaf: largest(trail.gradient(leaf)) for leaf in graph.leaves()}
    leaf = max(sizes, key=sizes.__getitem__, default=None)
    if leaf is not None and HUGE < sizes[leaf] < np.inf:
        yield Finding(
            "exploding gradient",
            f"the gradient of {graph.evidence.called(leaf)} is huge, up to "
            f"{number_text(sizes[leaf])}: {trail.huge_reason(leaf)}",
            graph.evidence.place(leaf),
            "Smaller initial weights, scaled data and targets; clipped gradients "
            "(nn.clip_grad_norm_) where a step is repeated many times.",
        )


def vanishing_gradients(graph: LossGraph) -> Iterator[Finding]:
    """Find weights whose gradient is smaller by orders of magnitude than that of others."""
    if graph.evidence.record is None:
        return
    trail = GradientTrail(graph.evidence)
    sizes: dict[Node, float] = {}
    for leaf in graph.leaves():
        weights = graph.evidence.value(leaf)
        size = largest(trail.gradient(leaf))
        if leaf.shape and len(leaf.shape) > 1 and weights is not None and 0 < size < np.inf:
            sizes[leaf] = size / (largest(weights) or 1.0)
    if len(sizes) < 2:
        return
    small, large = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    if sizes[small] > TINY * sizes[large]:
        return
    evidence = graph.evidence
    later = evidence.descendants(small)
    flat = [node for node in graph.calls(loss_graph.SATURATING) if node in later]
    cause = ""
    if flat:
        name = flat[0].op.name if flat[0].op else ""
        slope = "a quarter" if is_op(flat[0], loss_graph.SIGMOIDS) else "1"
        times = f"{len(flat)} times {name}" if len(flat) > 1 else name
        cause = f"; between it and the loss stands {times}, whose derivative is at most {slope}"
    ratio = sizes[large] / sizes[small]
    yield Finding(
        "vanishing gradient",
        f"the gradient of {evidence.called(small)} is tiny: relative to its weights "
        f"{number_text(ratio)} times smaller than that of {evidence.called(large)}{cause}",
        evidence.place(small),
        "ReLU or another activation that is not flat, fewer layers, normalisation between them, "
        "or connections that skip some.",
    )
