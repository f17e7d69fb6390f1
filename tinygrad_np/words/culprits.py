"""Which rule made a gradient zero, nan, infinite or huge: the way back along recorded flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.node import Node
from ..ops.replay import run_again
from ..recording.reading import ancestors_of, bare
from .text import at_index, number, share_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..recording.recorder import Flow
    from .evidence import Evidence

__all__ = ["Trail"]


class Trail:
    """The last backward pass in a record, followed from a value towards the loss."""

    def __init__(self, evidence: Evidence) -> None:
        assert evidence.record is not None
        self.evidence = evidence
        self.gradients = evidence.record.gradients
        self._into = evidence.contributions

    def gradient(self, node: Node) -> Any:
        """The whole gradient that reached a node, or None."""
        return bare(self.gradients.get(node))

    def root(self) -> Node | None:
        """What backward() was last called on."""
        seeds = [n for n in self.gradients if n.op is not None and n not in self._into]
        return seeds[-1] if seeds else None

    # --- zero ----------------------------------------------------------------------------------

    def zero(self, node: Node) -> str:
        """Why the gradient of a node is all zero."""
        while True:
            flows = self._into.get(node, [])
            if not flows:
                return f"backward() was started on {self.evidence.called(node)} with zeros"
            alive = [f for f in flows if np.any(bare(f.contribution))]
            if alive:
                places = " and ".join(dict.fromkeys(self.evidence.at(f.node) for f in alive[:3]))
                return f"the contributions from {places} cancel each other"
            guilty = [f for f in flows if np.any(self.gradient(f.node))]
            if guilty:
                found = dict.fromkeys(self._blocks(flow) for flow in guilty)
                return ", and ".join(list(found)[:2])
            node = flows[0].node

    def _blocks(self, flow: Flow) -> str:
        """Why the rule of `flow` gives zeros for a gradient that is not zero."""
        evidence, node = self.evidence, flow.node
        assert node.op is not None
        at = evidence.at(node)
        g, out = self.gradient(node), evidence.value(node)
        others = [k for k in range(len(node.parents)) if k != flow.position]
        for k in others:
            other = evidence.operand(node, k)
            if _is_number(other) and not np.any(other) and _multiplies(evidence, flow, k):
                said = evidence.called(node.parents[k])
                source = node.parents[k]
                alone = isinstance(source, Node) and source.op and len(source.parents) == 1
                given = evidence.operand(source, 0) if alone else None
                why = f" ({_range(given)})" if _is_number(given) and np.any(given) else ""
                return f"{at} multiplies it by {said}, which is 0 everywhere{why}"
        slope = evidence.slope(node, flow.position)
        if slope is not None:
            if np.any(slope * g):
                return f"in {at} the sum over the axes along which it was stretched cancels to 0"
            met = np.asarray(g) != 0
            if np.any(slope):
                return (
                    f"{at} is flat at the {share_of(met)} elements to which a gradient comes back"
                )
            x = np.asarray(evidence.operand(node, flow.position))
            if len(node.parents) == 1:
                flat = "is 0" if not np.any(out) else "is saturated"
                return f"{at} {flat} for {_rows(slope == 0)} ({_range(x)})"
        taken = [np.asarray(evidence.operand(node, k)) for k in others if _has(evidence, node, k)]
        if not isinstance(out, tuple) and taken and _made_of(np.asarray(out), taken):
            names = [evidence.called(node.parents[k]) for k in others if _has(evidence, node, k)]
            source = " or ".join(names) or "its other inputs"
            return f"{at} takes its value from {source} for {_rows(np.ones(np.shape(out), bool))}"
        return f"the derivative of {at} is 0 at these values"

    # --- nan and infinity ------------------------------------------------------------------------

    def broken(self, node: Node, bad: Callable[[Any], Any]) -> str:
        """Where a gradient became nan (`bad` is np.isnan) or infinite (np.isinf)."""
        what = "nan" if bad is np.isnan else "infinite"
        while True:
            flows = self._into.get(node, [])
            if not flows:
                said = self.evidence.called(node)
                value = self.evidence.value(node)
                if value is not None and not np.all(np.isfinite(value)):
                    return self._forward(node) or f"{said} is not finite"
                return f"backward() was started on {said} with a gradient that is {what}"
            broken = [f for f in flows if np.any(bad(bare(f.contribution)))]
            if not broken:
                endless = [f for f in flows if np.any(np.isinf(bare(f.contribution)))]
                if bad is np.isnan and endless:
                    reason = self._rule(endless[0], np.isinf)
                    return f"infinite contributions cancel (inf - inf): {reason}"
                return "the sum of its contributions overflows"
            flow = broken[0]
            g = self.gradient(flow.node)
            if np.any(bad(g)):
                node = flow.node
                continue
            return self._rule(flow, bad)

    def _rule(self, flow: Flow, bad: Callable[[Any], Any]) -> str:
        """How a rule made numbers that are not finite of a gradient."""
        evidence, node = self.evidence, flow.node
        for parent in (*node.parents, node):
            value = evidence.value(parent)
            if _is_float(value) and not np.all(np.isfinite(value)):
                return self._forward(node) or f"{evidence.called(parent)} is not finite"
        at = evidence.at(node)
        slope, g = evidence.slope(node, flow.position), np.asarray(self.gradient(node))
        if slope is None:
            if np.any(np.isinf(g)):
                return f"the gradient that comes to {at} is infinite: {self.broken(node, np.isinf)}"
            return f"the rule of {at} gives it, for finite inputs"
        with np.errstate(all="ignore"):
            index = _first(bad(slope * g) | ~np.isfinite(slope))
        x = np.broadcast_to(evidence.operand(node, flow.position), g.shape)
        name = evidence.input_name(node, flow.position)
        said = f"{at} has the derivative {number(slope[index])} at {name}{at_index(index)} = "
        said += self._inputs(node, flow.position, x, index)
        if g[index] != 0:
            if np.isinf(g[index]):
                return f"{said}, and the gradient there is infinite: {self.broken(node, np.isinf)}"
            return said
        assert node.op is not None
        mask = self._mask(node, index)
        hidden = f" ({mask} does not use it)" if mask else ""
        return (
            f"{said}; the gradient that comes back there is 0{hidden}, and 0 · inf is nan. "
            f"Mask the input of {node.op.name}, too: a where() after it can't help"
        )

    def _inputs(self, node: Node, position: int, x: np.ndarray, index: tuple[int, ...]) -> str:
        """The value of the input at an index, and those of the others."""
        said = number(x[index])
        for k in range(len(node.parents)):
            other = self.evidence.operand(node, k)
            if k != position and other is not None and np.ndim(other):
                name = self.evidence.input_name(node, k)
                there = np.broadcast_to(other, x.shape)[index]
                said += f" and {name}{at_index(index)} = {number(there)}"
        return said

    def _mask(self, node: Node, index: tuple[int, ...]) -> str:
        """The op that made the gradient of a node zero at one index, if one did."""
        while True:
            flows = self._into.get(node, [])
            if len(flows) != 1 or np.shape(self.gradient(flows[0].node)) != node.shape:
                return ""
            if self.gradient(flows[0].node)[index] != 0:
                return self.evidence.at(flows[0].node)
            node = flows[0].node

    def _forward(self, node: Node) -> str:
        """Where a value that is not finite was first made; "" if none is."""
        evidence = self.evidence
        for made in ancestors_of([node]):
            value = evidence.value(made)
            if not _is_float(value) or np.all(np.isfinite(value)):
                continue
            index = _first(~np.isfinite(value))
            shown = number(np.asarray(value)[index])
            name = evidence.name(made)
            if made.op is None:
                return f"{evidence.called(made)} itself has {shown} at {at_index(index) or 'it'}"
            given = []
            for k in range(len(made.parents)):
                x = evidence.operand(made, k)
                if x is not None and made.op.elementwise:
                    there = np.broadcast_to(x, made.shape)[index]
                    given.append(f"{evidence.input_name(made, k)} = {number(there)}")
            called = f"`{name}`, " if name else ""
            of = f" of {', '.join(given)}" if given else ""
            at = f" at index {at_index(index)}" if index else ""
            said = f"{called}{evidence.at(made)} gives {shown}{of}{at}"
            root = self.root()
            if root is not None and np.all(np.isfinite(evidence.value(root))):
                return (
                    f"{said}; the result does not use it, but 0 · inf is nan on the way back. "
                    f"Mask the input of {made.op.name}, too: a where() after it can't help"
                )
            return f"the forward pass has it already: {said}"
        return ""

    # --- huge ----------------------------------------------------------------------------------

    def huge(self, node: Node) -> str:
        """Which steps made a gradient as large as it is."""
        steps: list[tuple[float, Flow]] = []
        while flows := self._into.get(node, []):
            flow = max(flows, key=lambda f: _largest(f.contribution))
            before = _largest(self.gradient(flow.node))
            steps.append((_largest(flow.contribution) / before if before else 1.0, flow))
            node = flow.node
        seed = _largest(self.gradient(node))
        if not steps:
            return f"backward() was started on {self.evidence.called(node)} with {number(seed)}"
        total = float(np.prod([max(growth, 1.0) for growth, _ in steps]))
        growth, flow = max(steps, key=lambda step: step[0])
        if seed > total:
            said = self.evidence.called(node)
            return f"backward() was started on {said} with values up to {number(seed)}"
        if growth >= total**0.5:
            return f"{self.evidence.at(flow.node)} multiplies it by up to {number(growth)}" + (
                self._because(flow)
            )
        by_call: dict[str, list[float]] = {}
        for factor, step in steps:
            if factor > 1:
                by_call.setdefault(self.evidence.at(step.node), []).append(factor)
        worst = sorted(by_call.items(), key=lambda item: -float(np.prod(item[1])))[:2]
        told = [
            f"{at} multiplies it by {number(float(np.prod(f)) ** (1 / len(f)))}, "
            f"{len(f)} times in a row"
            if len(f) > 1
            else f"{at} multiplies it by {number(f[0])}"
            for at, f in worst
        ]
        return "it grows from step to step: " + ", and ".join(told)

    def _because(self, flow: Flow) -> str:
        """The numbers that make the derivative of an op large."""
        evidence, node = self.evidence, flow.node
        slope = evidence.slope(node, flow.position)
        if slope is not None:
            index = _first(np.abs(slope) == np.abs(slope).max())
            x = np.broadcast_to(evidence.operand(node, flow.position), slope.shape)
            name = evidence.input_name(node, flow.position)
            said = self._inputs(node, flow.position, x, index)
            return f", where {name}{at_index(index)} = {said}"
        sizes = [
            f"{evidence.called(parent)} has values up to {number(_largest(other))}"
            for k, parent in enumerate(node.parents)
            if k != flow.position and _is_float(other := evidence.operand(node, k))
        ]
        return f": {sizes[0]}" if sizes else ""


def _multiplies(evidence: Evidence, flow: Flow, k: int) -> bool:
    """Whether operand k is a factor of the flow's input: the op is linear in each of the two."""
    node, op = flow.node, flow.node.op
    assert op is not None
    given = [evidence.operand(node, i) for i in range(len(node.parents))]
    given[k] = np.ones_like(given[k])

    def out(position: int, factor: int) -> Any:
        scaled = [factor * x if i == position else x for i, x in enumerate(given)]
        return run_again(op, scaled, evidence.arguments(node))

    try:
        once = out(k, 1)
        return all(
            np.allclose(2 * once, out(p, 2), equal_nan=True) and not np.any(out(p, 0))
            for p in (k, flow.position)
        )
    except (ValueError, TypeError):  # several outputs, or an operand that can't be doubled
        return False


def _made_of(out: np.ndarray, taken: list[np.ndarray]) -> bool:
    """Whether each element of a result is that of one of these operands."""
    same = np.zeros(out.shape, bool)
    for other in taken:
        try:
            same |= np.broadcast_to(other, out.shape) == out
        except ValueError:
            return False
    return bool(same.all())


def _has(evidence: Evidence, node: Node, k: int) -> bool:
    """Whether an operand is an array of floats, or a number."""
    value = evidence.operand(node, k)
    return value is not None and np.asarray(value).dtype.kind != "b"


def _rows(where: Any) -> str:
    """`300 of 300 rows`: those in which all elements are so."""
    if where.ndim == 0:
        return "its only element"
    if where.ndim == 1:
        return f"{int(where.sum()):,} of {where.size:,} elements"
    rows = where.reshape(len(where), -1).all(axis=1)
    return f"{int(rows.sum()):,} of {len(rows):,} rows"


def _range(x: Any) -> str:
    """`its inputs are -3 … 5`."""
    low, high = number(np.min(x)), number(np.max(x))
    return f"its inputs are {low}" + (f" … {high}" if low != high else "")


def _first(where: Any) -> tuple[int, ...]:
    """The first index at which it is so."""
    if not np.ndim(where):
        return ()
    found = np.argwhere(where)
    return tuple(map(int, found[0])) if len(found) else ()


def _largest(value: Any) -> float:
    array = np.abs(np.asarray(bare(value)))
    return float(array.max()) if array.size else 0.0


def _is_number(value: Any) -> bool:
    """Whether this is a number or an array of some, but no mask."""
    return value is not None and np.size(value) > 0 and np.asarray(value).dtype.kind in "fiu"


def _is_float(value: Any) -> bool:
    return isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") == "f"
