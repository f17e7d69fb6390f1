"""`lint`: likely mistakes in how a loss is computed, with the line and the remedy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..core.callsite import outside
from ..core.tensor import Tensor, node_of
from ..recording.reading import ancestors_of
from ..recording.recorder import current_record
from .evidence import Evidence
from .finding import Case, Finding, Findings
from .patterns import PATTERNS
from .symptoms import SYMPTOMS
from .unreached import REACH

if TYPE_CHECKING:
    from ..recording.recorder import Record

__all__ = ["lint"]


def lint(loss: Tensor, model: Any = None, *, record: Record | None = None) -> Findings:
    """Look for likely mistakes in how `loss` was computed.

        with tg.record() as r:
            loss = loss_of(model(X), y)
            loss.backward()
        print(tg.lint(loss, model, record=r))

    It finds probabilities given to a loss that takes logits; log(softmax(x)) and log(sigmoid(x));
    (n, 1) against (n,) in a loss; exponentials that overflow; parameters that the loss does not
    reach, and where their branch was detached; integers in the place of floats; dead ReLUs and
    saturated activations; infinite derivatives, also those that a where() hides in the forward
    pass; and a missing zero_grad(). Nothing is changed, and nothing raises because of a finding.

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
    case = Case(root, ancestors_of([root]), evidence, model)
    if not loss.requires_grad:
        return Findings([_without_graph(case)], [])
    found: dict[Finding, None] = {}
    for check in (*PATTERNS, *SYMPTOMS, *REACH):
        found |= dict.fromkeys(check(case))
    return Findings(list(found), _not_looked_at(case))


def _without_graph(case: Case) -> Finding:
    return Finding(
        "no graph",
        f"{case.evidence.called(case.root)} has no graph: nothing that it was computed from needs "
        "a gradient",
        "",
        "Give the parameters requires_grad=True (nn.Parameter), and compute the loss outside of "
        "no_grad(), without .numpy() or .detach() on the way.",
    )


def _not_looked_at(case: Case) -> list[str]:
    record = case.evidence.record
    notes = []
    ops = [node for node in case.order if node.op is not None and node.needs_grad]
    if record is None and any(node.saved is None for node in ops):
        notes.append(
            "values (dead or saturated units, overflow, infinite derivatives): backward() freed "
            "them; call lint before it, or give a record"
        )
    if record is None:
        notes.append("detached branches and a missing zero_grad(): they need a record")
    elif case.root not in record.gradients:
        notes.append("a missing zero_grad(): no backward() is in the record")
    if case.model is None and record is None:
        notes.append("parameters that the loss does not reach: they need the model")
    return notes
