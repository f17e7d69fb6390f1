"""Mistakes in how a network is put together: its layers, start values, data, targets, loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.node import Leaf, Node
from ..core.tensor import node_of
from ..ops.labels import first_place
from ..recording.findings import Finding
from ..recording.reading import bare
from . import loss_graph
from .loss_graph import is_layer, is_op, origin, parents
from .text import index_text, list_text, number_text, share_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .loss_graph import LossGraph

UNSCALED = 100  # the largest input of data that nobody scaled, such as pixels
OUTSIDE = 0.1  # of the targets: a few may well be out of range


# --- the loss -------------------------------------------------------------------------------------


def several_losses(graph: LossGraph) -> Iterator[Finding]:
    """Find losses of rows in the place of one number."""
    shape = graph.root.shape
    if shape is not None and len(shape) == 1 and shape[0] > 1:
        yield Finding(
            "several losses",
            f"{graph.evidence.called(graph.root)} has the shape {graph.root.shape}: backward() "
            "starts at one number",
            graph.evidence.place(graph.root),
            "Take the .mean() or the .sum() of it.",
        )


def penalties_left_out(graph: LossGraph) -> Iterator[Finding]:
    """Find a layer with a penalty, trained on a loss that does not have it."""
    record = graph.evidence.record
    if record is None or graph.model is None or graph.root not in record.gradients:
        return
    layer_ops = loss_graph.PRODUCTS + loss_graph.ADDITIONS
    for path, module in graph.model.named_modules():
        penalties = module.penalties if hasattr(module, "regularization_loss") else {}
        for penalty, strength in penalties.items():
            parameter = getattr(module, penalty.partition("_")[0])
            uses = [] if parameter is None else graph.evidence.children(node_of(parameter))
            if not uses or not all(is_op(use, layer_ops) for use in uses):
                continue
            name = f"{path}.{penalty}" if path else penalty
            yield Finding(
                "penalty left out",
                f"`{name}` is {number_text(strength)}, but the loss has no such penalty",
                graph.evidence.place(graph.root),
                "Add nn.regularization_loss(model) to the loss; nn.fit does.",
            )
            return


# --- data and targets -----------------------------------------------------------------------------


def numbers_that_are_not_finite(graph: LossGraph) -> Iterator[Finding]:
    """Find the first value on the way to a loss that is nan or infinite."""
    evidence = graph.evidence
    loss = evidence.value(graph.root)
    if loss is None or isinstance(loss, tuple) or np.isfinite(loss).all():
        return
    for node in graph.nodes:
        value = evidence.value(node)
        if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.kind not in "fc":
            continue
        if np.isfinite(value).all():
            continue
        array = np.asarray(value)
        index = first_place(~np.isfinite(array))
        element = f"{number_text(array[index])} at {index_text(index) or 'it'}"
        if isinstance(node, Leaf):
            what = f"the parameter {evidence.called(node)} holds {element}: an update has ruined it"
            remedy = (
                "Start again with a smaller learning rate; tg.debug() stops at the op that gives "
                "the first such number."
            )
        elif node.op is None:
            what = f"the data {evidence.called(node)} hold {element}, and so the loss is not finite"
            remedy = "Take such rows out, or fill the gaps, before training."
        else:
            what = f"{evidence.made_by(node)} gives {element}, and so the loss is not finite"
            remedy = "Keep its inputs where it is defined; tg.debug() shows these."
        yield Finding("not finite", what, evidence.place(node), remedy)
        return


def unscaled_inputs(graph: LossGraph) -> Iterator[Finding]:
    """Find large data, such as pixels up to 255, that the first layer multiplies by its weights."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.PRODUCTS):
        operands = parents(node)
        if not any(isinstance(operand, Leaf) for operand in operands):
            continue
        for k, operand in enumerate(operands):
            value = evidence.operand(node, k)
            if operand.op is not None or operand.needs_grad or value is None or not np.size(value):
                continue
            largest = np.abs(value).max()
            if not UNSCALED <= largest < np.inf or np.abs(value).mean() < UNSCALED / 10:
                continue
            yield Finding(
                "unscaled inputs",
                f"the inputs {evidence.called(operand)} of {evidence.made_by(node)} have values up "
                f"to {number_text(largest)}: with usual weights and learning rates, training "
                "starts far off",
                evidence.place(node),
                "Scale the data: X / 255 for pixels, or nn.data.Standardizer.",
            )
            return


def wider_data(graph: LossGraph) -> Iterator[Finding]:
    """Find float64 data that make a network of float32 parameters compute in float64."""
    for node in graph.calls():
        operands = parents(node)
        narrow = [p for p in operands if isinstance(p, Leaf) and p.dtype == np.float32]
        wide = [p for p in operands if not p.needs_grad and p.op is None and _is_wide(p)]
        if narrow and wide and node.dtype == np.float64:
            yield Finding(
                "float64",
                f"{graph.evidence.called(wide[0])} is of float64, and {graph.names(narrow)} of "
                "float32: everything after it is computed in float64, at half the speed",
                graph.evidence.place(node),
                "Cast the data once: X.astype(np.float32).",
            )
            return


def _is_wide(node: Node) -> bool:
    return node.dtype == np.float64 and bool(node.shape)


def targets_out_of_range(graph: LossGraph) -> Iterator[Finding]:
    """Find targets that the last activation can never give, in a loss of differences."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.SUBTRACTIONS):
        for k, output in enumerate(node.parents):
            activation = origin(output)
            bounds = _bounds(activation)
            target = evidence.operand(node, 1 - k)
            if bounds is None or not isinstance(target, np.ndarray) or target.size < 2:
                continue
            if getattr(node.parents[1 - k], "needs_grad", False):
                continue
            low, high = bounds
            outside = (target < low) | (target > high)
            if outside.mean() < OUTSIDE or node.shape != activation.shape:
                continue
            span = f"from {low:g} up" if high == np.inf else f"between {low:g} and {high:g}"
            yield Finding(
                "range of targets",
                f"{evidence.made_by(activation)} gives values {span}, and {share_text(outside)} "
                f"targets lie outside of that range: {number_text(target.min())} … "
                f"{number_text(target.max())}",
                evidence.place(node),
                "Leave the last activation out, or scale the targets to its range.",
            )


def _bounds(node: Any) -> tuple[float, float] | None:
    """Return the range of an activation, or None."""
    if is_op(node, loss_graph.NOT_NEGATIVE):
        return 0.0, np.inf
    if is_op(node, loss_graph.SHARES):
        return 0.0, 1.0
    return (-1.0, 1.0) if is_op(node, loss_graph.SIGNED_SHARES) else None


# --- layers ---------------------------------------------------------------------------------------


def equal_units(graph: LossGraph) -> Iterator[Finding]:
    """Find hidden units that are all equal, with equal gradients: they stay so for ever."""
    evidence = graph.evidence
    record = evidence.record
    if record is None:
        return
    hidden = graph.hidden()
    for node in graph.calls(loss_graph.MATRIX_PRODUCTS):
        weights = node.parents[1]
        if not isinstance(weights, Leaf) or node not in hidden or len(weights.shape) != 2:
            continue
        value, gradient = evidence.value(weights), bare(record.gradients.get(weights))
        if value is None or gradient is None or weights.shape[1] < 2:
            continue
        if not _same_columns(value) or not _same_columns(gradient):
            continue
        what = "are all 0" if not value.any() else "are the same for all units"
        yield Finding(
            "equal units",
            f"the weights {evidence.called(weights)} {what}, and so are their gradients: all "
            f"{weights.shape[1]} units stay identical, and learn as one",
            evidence.place(weights),
            "Start with random weights, as nn.Linear does.",
        )
        return


def _same_columns(array: np.ndarray) -> bool:
    near = 1e-4 * np.abs(array).max()  # they differ by rounding
    return bool((np.abs(array - array[:, :1]) <= near).all())


def layers_without_activation(graph: LossGraph) -> Iterator[Finding]:
    """Find a dense layer right after another: without an activation both are a single one.

    A narrow one before it is not meant: it limits the rank, which a single layer can't.
    """
    for node in graph.calls(loss_graph.MATRIX_PRODUCTS):
        total = node.parents[0]
        before = total.parents[0] if is_op(total, loss_graph.ADDITIONS) else total
        if not is_layer(total) or not is_op(before, loss_graph.MATRIX_PRODUCTS):
            continue
        weights = [before.parents[1], node.parents[1]]
        if not all(isinstance(w, Leaf) and len(w.shape) == 2 for w in weights):
            continue
        (inputs, units), (_, outputs) = (w.shape for w in weights)
        if units < min(inputs, outputs):
            continue
        yield Finding(
            "no activation",
            f"{graph.names(weights)} follow each other without an activation: two dense layers "
            "in a row learn no more than one",
            graph.evidence.place(node),
            "Put an activation between them, such as nn.ReLU().",
        )
        return


def repeated_layers(graph: LossGraph) -> Iterator[Finding]:
    """Find a layer that stands several times in one list of layers."""
    for path, module in [] if graph.model is None else graph.model.named_modules():
        layers = list(module) if hasattr(module, "__iter__") else []
        places: dict[int, list[int]] = {}
        for k, layer in enumerate(layers):
            places.setdefault(id(layer), []).append(k)
        for positions in places.values():
            layer = layers[positions[0]]
            weights = list(layer.parameters()) if hasattr(layer, "parameters") else []
            if len(positions) < 2 or not weights:
                continue
            where = f" of {path}" if path else ""
            yield Finding(
                "repeated layer",
                f"{list_text(list(map(str, positions)))}{where} are the same layer, "
                f"{len(positions)} times: the weights are shared, and fewer than it seems",
                graph.evidence.place(node_of(weights[0])),
                "Make each one anew: [nn.Linear(8, 8) for _ in range(3)], not [layer] * 3.",
            )


def bias_before_norm(graph: LossGraph) -> Iterator[Finding]:
    """Find a bias whose effect the normalisation after it takes away."""
    evidence = graph.evidence
    for node in graph.calls(loss_graph.NORMALISATIONS):
        total = origin(node.parents[0])
        axes = evidence.arguments(node).get("axis")
        if not is_op(total, loss_graph.ADDITIONS) or axes is None or not total.shape:
            continue
        ndim = len(total.shape)
        over = {axis % ndim for axis in np.atleast_1d(axes).tolist()}
        for bias in total.parents:
            if not isinstance(bias, Leaf) or len(bias.shape) > ndim:
                continue
            shape = (1,) * (ndim - len(bias.shape)) + bias.shape
            if all(shape[axis] == 1 for axis in over):
                yield Finding(
                    "bias before a norm",
                    f"the bias {evidence.called(bias)} has no effect: {evidence.made_by(node)} "
                    "subtracts the mean, and the bias with it",
                    evidence.place(node),
                    "Leave it out: nn.Linear(…, bias=False); the norm has a bias of its own.",
                )
