"""`lint`: find likely mistakes in how a loss was computed, with the line and the remedy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..core.callsite import outside
from ..core.errors import flat_reason
from ..core.tensor import Tensor, node_of
from ..recording.findings import Finding, Findings
from ..recording.reading import ancestors_of
from ..recording.recorder import current_record
from . import (
    graph_mistakes,
    network_mistakes,
    probability_mistakes,
    update_mistakes,
    value_mistakes,
)
from .evidence import Evidence
from .loss_graph import LossGraph

if TYPE_CHECKING:
    from ..recording.recorder import Record

MISTAKES = (
    network_mistakes.several_losses,
    network_mistakes.numbers_that_are_not_finite,
    probability_mistakes.probabilities_as_logits,
    probability_mistakes.limited_logits,
    probability_mistakes.softmax_of_probabilities,
    probability_mistakes.softmax_of_one,
    probability_mistakes.likelihood_of_probabilities,
    probability_mistakes.log_of_probabilities,
    value_mistakes.targets_that_are_none,
    graph_mistakes.column_against_row,
    graph_mistakes.exponential_formulas,
    graph_mistakes.integer_operands,
    value_mistakes.dead_units,
    value_mistakes.saturated_units,
    value_mistakes.overflow,
    value_mistakes.infinite_derivatives,
    graph_mistakes.bare_numbers,
    graph_mistakes.unreachable_parameters,
    value_mistakes.gradient_sums,
    probability_mistakes.loss_of_wrong_sign,
    probability_mistakes.softmax_over_rows,
    network_mistakes.penalties_left_out,
    network_mistakes.targets_out_of_range,
    network_mistakes.unscaled_inputs,
    network_mistakes.wider_data,
    network_mistakes.equal_units,
    network_mistakes.layers_without_activation,
    network_mistakes.repeated_layers,
    network_mistakes.bias_before_norm,
    update_mistakes.vanishing_gradients,
    update_mistakes.exploding_gradients,
    update_mistakes.idle_learning_rate,
    update_mistakes.huge_updates,
    update_mistakes.missing_step,
    update_mistakes.parameters_without_update,
)


def lint(loss: Tensor, model: Any = None, *, record: Record | None = None) -> Findings:
    """Look for likely mistakes in how `loss` was computed.

        with tg.record() as r:
            loss = loss_of(model(X), y)
            loss.backward()
        print(tg.lint(loss, model, record=r))

    It finds probabilities given to a loss that takes logits; log(softmax(x)) and log(sigmoid(x));
    (n, 1) against (n,) in a loss; targets that are no probabilities or out of range; exponentials
    that overflow; values that are not finite; values that left the graph as bare numbers
    (`float(t)`); parameters that the loss does not reach, and where their branch was detached;
    integers and float64 in the place of float32; inputs that are not scaled; a missing activation;
    dead ReLUs, saturated activations and equal units; penalties that the loss leaves out; infinite
    derivatives, also those that a where() hides in the forward pass; gradients that vanish or
    explode; a learning rate of 0 or far too large; and a missing zero_grad() or step().
    Nothing is changed, and nothing raises because of a finding.

    Args:
        loss: what backward() is called on.
        model: an `nn.Module`: its parameters are looked for in the graph.
        record: what `tg.record()` kept; inside such a block, that one. Without it, findings about
            values need that backward() did not run yet (it frees what the graph has saved).

    Returns:
        A list of `Finding`s with `what`, `where` and `remedy`; printed, it is a report, which
        says too what could not be looked at.

    Raises:
        TypeError: `loss` is no Tensor, `model` has no `named_parameters`.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"lint() looks at a Tensor, the loss, not {type(loss).__name__}")
    if model is not None and not hasattr(model, "named_parameters"):
        raise TypeError(
            f"lint(loss, model) takes an nn.Module as model, not {type(model).__name__}"
        )
    if record is None:
        record = current_record()
    root = node_of(loss)
    evidence = Evidence([root], record, outside(sys._getframe(1)), model)
    graph = LossGraph(root, ancestors_of([root]), evidence, model)
    if not loss.requires_grad:
        return Findings([_no_graph(graph)], [])
    findings: dict[Finding, None] = {}
    for mistake in MISTAKES:
        findings |= dict.fromkeys(mistake(graph))
    return Findings(findings, _not_looked_at(graph))


def _no_graph(graph: LossGraph) -> Finding:
    reason = flat_reason(graph.root)
    if reason is not None:
        return Finding(
            "no gradient flows",
            f"{graph.evidence.called(graph.root)} {reason}",
            "",
            "Train on a loss that is not constant in pieces, and keep this one as a metric.",
        )
    return Finding(
        "no graph",
        f"{graph.evidence.called(graph.root)} has no graph: nothing that it was computed from "
        "needs a gradient",
        "",
        "Give the parameters requires_grad=True (nn.Parameter), and compute the loss outside of "
        "no_grad(), without .numpy() or .detach() on the way.",
    )


def _not_looked_at(graph: LossGraph) -> list[str]:
    """List what the report leaves out, and what that would need."""
    record = graph.evidence.record
    notes = []
    if record is None:
        if any(node.saved is None for node in graph.calls()):
            notes.append(
                "values and axes (dead or saturated units, overflow, infinite derivatives, "
                "a softmax over the rows): backward() freed them; call lint before it, or give a "
                "record"
            )
        notes.append("detached branches and a missing zero_grad(): they need a record")
        if graph.model is None:
            notes.append("parameters that the loss does not reach: they need the model")
    elif graph.root not in record.gradients:
        notes.append("a missing zero_grad(): no backward() is in the record")
    return notes
