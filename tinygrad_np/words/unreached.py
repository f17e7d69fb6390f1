"""Mistakes in what the loss reaches: parameters left out, cut branches, gradients added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.node import Leaf
from ..core.tensor import Tensor, node_of
from ..recording.reading import bare
from .finding import Case, Finding
from .text import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["REACH"]

LISTED = 4  # names that are told


def _left_out(case: Case) -> Iterator[Finding]:
    """Parameters that the loss was not computed from, and where the way was cut."""
    evidence = case.evidence
    reached = set(case.order)
    wanting: dict[Leaf, None] = {}
    if case.model is not None:
        wanting |= {
            node: None
            for _, p in case.model.named_parameters()
            if isinstance(node := node_of(p), Leaf)
        }
    if evidence.record is not None:
        wanting |= {node: None for node in evidence.order if isinstance(node, Leaf)}
    alone: list[Leaf] = []
    cuts: dict[tuple[str, str], list[Leaf]] = {}
    for leaf in wanting:
        if leaf in reached:
            continue
        cut = evidence.cut(dict.fromkeys([leaf]) | evidence.descendants(leaf))
        if cut is not None and cut[1] in reached:
            cuts.setdefault((cut[0], evidence.place(cut[1])), []).append(leaf)
        else:
            alone.append(leaf)
    for (sentence, where), leaves in cuts.items():
        yield Finding(
            "detached branch",
            f"{sentence}, so the loss does not reach {_names(case, leaves)}",
            where,
            "Use the Tensor itself there; if it is meant to be cut, freeze what is before it "
            "(requires_grad=False).",
        )
    if alone:
        yield Finding(
            "not reached",
            f"the loss does not reach {_names(case, alone)}: no gradient will ever come there",
            case.evidence.place(alone[0]),  # where it was made
            "Use it in the forward pass, or take it out of the model, or freeze it "
            "(requires_grad=False).",
        )


def _names(case: Case, leaves: list[Leaf]) -> str:
    names = [case.evidence.called(leaf) for leaf in leaves]
    if len(names) > LISTED:
        names = [*names[: LISTED - 1], counted(len(names) - LISTED + 1, "other parameter")]
    return listed(names)


def _added_up(case: Case) -> Iterator[Finding]:
    """Gradients that are larger than what the last backward gave: earlier ones are in them."""
    record = case.evidence.record
    if record is None or case.root not in record.gradients:
        return
    added = []
    for leaf in case.order:
        last = bare(record.gradients.get(leaf))
        if not isinstance(leaf, Leaf) or last is None or not isinstance(leaf.grad, Tensor):
            continue
        if not last.size or not np.isfinite(last).all():
            continue
        # A gradient that was clipped or scaled down since is smaller.
        grown = np.abs(leaf.grad.data) - np.abs(last)
        if np.any(grown > 1e-4 * np.abs(last).max()):
            added.append(leaf)
    if added:
        yield Finding(
            "missing zero_grad",
            f"{_names(case, added)} held a gradient before, and backward() added to it",
            case.evidence.place(case.root),
            "Call optimizer.zero_grad() (or model.zero_grad()) before each backward(), unless "
            "gradients of several batches are meant to add up.",
        )


REACH = (_left_out, _added_up)
