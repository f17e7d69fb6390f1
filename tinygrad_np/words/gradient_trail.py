"""`GradientTrail`: which rule of a recorded pass made a gradient zero, nan, infinite or huge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks.values import is_float
from ..core.node import Node
from ..ops.labels import first_place
from ..recording.reading import ancestors_of, bare
from .properties import is_numeric, is_product, is_selection, largest, rows_text, span_text
from .text import index_text, number_text, share_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..recording.recorder import Flow
    from .evidence import Evidence

Index = tuple[int, ...]

SHARE = 0.25  # of the whole growth, in orders of magnitude: steps with more are named
MOST_STEPS = 2
ROUNDING = 16  # epsilons, relative to what comes back to a rule


class GradientTrail:
    """The last backward pass in a record, followed from a value towards the loss."""

    def __init__(self, evidence: Evidence) -> None:
        assert evidence.record is not None
        self.evidence = evidence
        self.gradients = evidence.record.gradients
        self._flows = evidence.contributions

    def gradient(self, node: Node) -> Any:
        """Return the whole gradient that reached a node, or None."""
        return bare(self.gradients.get(node))

    def root(self) -> Node | None:
        """Return the node that backward() was last called on."""
        roots = [node for node in self.gradients if node.op is not None and node not in self._flows]
        return roots[-1] if roots else None

    # --- zero ----------------------------------------------------------------------------------

    def zero_reason(self, node: Node) -> str:
        """Say why the gradient of a node is all zero."""
        while flows := self._flows.get(node):
            nonzero = [flow for flow in flows if np.any(bare(flow.contribution))]
            if nonzero:
                places = [self.evidence.at(flow.node) for flow in nonzero[:3]]
                rules = " and ".join(dict.fromkeys(places))
                return f"the contributions from {rules} cancel each other"
            ends = [flow for flow in flows if np.any(self.gradient(flow.node))]
            if ends:
                reasons = dict.fromkeys(map(self._zero_rule, ends))
                return ", and ".join(list(reasons)[:2])
            node = flows[0].node
        return f"backward() was started on {self.evidence.called(node)} with zeros"

    def _zero_rule(self, flow: Flow) -> str:
        """Say why a rule gives zeros for a gradient that is not zero."""
        reason = self._zero_factor(flow) or self._flat_part(flow) or self._other_source(flow)
        if reason:
            return reason
        call = self.evidence.at(flow.node)
        x = self.evidence.operand(flow.node, flow.position)
        if is_numeric(x) and not np.any(x):
            name = self.evidence.called(flow.node.parents[flow.position])
            return f"{call} is at its minimum, as {name} is 0 everywhere: the fit is exact"
        return f"the derivative of {call} is 0 at these values"

    def _zero_factor(self, flow: Flow) -> str:
        """Name the operand that the op multiplies by, and that is 0 everywhere."""
        evidence, node = self.evidence, flow.node
        for k, factor in enumerate(node.parents):
            value = evidence.operand(node, k)
            if k == flow.position or not is_numeric(value) or np.any(value):
                continue
            if not is_product(evidence, flow, k):
                continue
            cause = ""
            if isinstance(factor, Node) and factor.op and len(factor.parents) == 1:
                source = evidence.operand(factor, 0)
                if is_numeric(source) and np.any(source):
                    cause = f" ({span_text(source)})"
            name = evidence.called(factor)
            return f"{evidence.at(node)} multiplies it by {name}, which is 0 everywhere{cause}"
        return ""

    def _flat_part(self, flow: Flow) -> str:
        """Say for how many elements an elementwise op is flat."""
        evidence, node = self.evidence, flow.node
        call = evidence.at(node)
        slope = evidence.slope(node, flow.position)
        if slope is None:
            return ""
        g = np.asarray(self.gradient(node))
        if np.any(slope * g):
            return f"in {call} the sum over the axes along which it was stretched cancels to 0"
        if np.any(slope):
            share = share_text(g != 0)
            return f"{call} is flat at the {share} elements to which a gradient comes back"
        if len(node.parents) > 1:
            return ""
        flat = "is saturated" if np.any(evidence.value(node)) else "is 0"
        inputs = span_text(evidence.operand(node, flow.position))
        return f"{call} {flat} for {rows_text(slope == 0)} ({inputs})"

    def _other_source(self, flow: Flow) -> str:
        """Name the other inputs that the result has its values from, as in a maximum."""
        evidence, node = self.evidence, flow.node
        out = evidence.value(node)
        arrays, names = [], []
        for k, parent in enumerate(node.parents):
            value = evidence.operand(node, k)
            array = np.asarray(value)
            if k != flow.position and value is not None and array.dtype.kind != "b":
                arrays.append(array)
                names.append(evidence.called(parent))
        if isinstance(out, tuple) or not arrays:
            return ""
        out = np.asarray(out)
        if not is_selection(out, arrays):
            return ""
        source = " or ".join(names)
        rows = rows_text(np.ones(out.shape, bool))
        x = evidence.operand(node, flow.position)
        if is_numeric(x) and all(array.ndim == 0 for array in arrays):
            limits = f"the limit{'s' * (len(names) > 1)} {source.replace(' or ', ' and ')}"
            return f"{evidence.at(node)} is at {limits} for {rows}, beyond which {span_text(x)}"
        return f"{evidence.at(node)} takes its value from {source} for {rows}"

    # --- nan and infinity ------------------------------------------------------------------------

    def nan_reason(self, node: Node) -> str:
        """Say where a gradient became nan."""
        return self._nonfinite_reason(node, np.isnan)

    def infinity_reason(self, node: Node) -> str:
        """Say where a gradient became infinite."""
        return self._nonfinite_reason(node, np.isinf)

    def _nonfinite_reason(self, node: Node, test: Callable[[Any], Any]) -> str:
        while flows := self._flows.get(node):
            hits = [flow for flow in flows if np.any(test(bare(flow.contribution)))]
            if not hits:
                return self._sum_reason(flows, test)
            flow = hits[0]
            if not np.any(test(self.gradient(flow.node))):
                return self._rule_reason(flow, test)
            node = flow.node
        name = self.evidence.called(node)
        value = self.evidence.value(node)
        if value is not None and not np.all(np.isfinite(value)):
            return self._forward_reason(node) or f"{name} is not finite"
        kind = "nan" if test is np.isnan else "infinite"
        return f"backward() was started on {name} with a gradient that is {kind}"

    def _sum_reason(self, flows: list[Flow], test: Callable[[Any], Any]) -> str:
        """Say why a sum is not finite, none of whose terms passes the test."""
        infinite = [flow for flow in flows if np.any(np.isinf(bare(flow.contribution)))]
        if test is np.isinf or not infinite:
            return "the sum of its contributions overflows"
        reason = self._rule_reason(infinite[0], np.isinf)
        return f"infinite contributions cancel (inf - inf): {reason}"

    def _rule_reason(self, flow: Flow, test: Callable[[Any], Any]) -> str:
        """Say why a rule makes numbers that are not finite of a gradient."""
        evidence, node = self.evidence, flow.node
        for operand in (*node.parents, node):
            value = evidence.value(operand)
            if is_float(value) and not np.all(np.isfinite(value)):
                return self._forward_reason(node) or f"{evidence.called(operand)} is not finite"
        call = evidence.at(node)
        slope = evidence.slope(node, flow.position)
        g = np.asarray(self.gradient(node))
        if slope is None and np.any(np.isinf(g)):
            return f"the gradient that comes to {call} is infinite: {self.infinity_reason(node)}"
        if slope is None:
            return f"the rule of {call} gives it, for finite inputs"
        with np.errstate(all="ignore"):
            index = first_place(test(slope * g) | ~np.isfinite(slope))
        inputs = self._inputs_text(flow, index)
        sentence = f"{call} has the derivative {number_text(slope[index])} at {inputs}"
        if np.isinf(g[index]):
            return f"{sentence}, and the gradient there is infinite: {self.infinity_reason(node)}"
        if g[index] != 0:
            return sentence
        mask = self._mask(node, index)
        detail = f" ({mask} does not use it)" if mask else ""
        return (
            f"{sentence}; the gradient that comes back there is 0{detail}, and 0 · inf is nan. "
            + _mask_advice(node)
        )

    def _inputs_text(self, flow: Flow, index: Index) -> str:
        """Return the elements of the inputs at an index, that of the rule's input first."""
        evidence, node = self.evidence, flow.node
        others = [k for k in range(len(node.parents)) if k != flow.position]
        elements = []
        for k in (flow.position, *others):
            value = evidence.operand(node, k)
            if k == flow.position or np.ndim(value):
                name = evidence.input_name(node, k)
                element = np.broadcast_to(value, node.shape)[index]
                elements.append(f"{name}{index_text(index)} = {number_text(element)}")
        return " and ".join(elements)

    def _mask(self, node: Node, index: Index) -> str:
        """Name the op that made the gradient of a node zero at one index."""
        while len(flows := self._flows.get(node, [])) == 1:
            source = flows[0].node
            g = self.gradient(source)
            if np.shape(g) != node.shape:
                break
            if g[index] != 0:
                return self.evidence.at(source)
            node = source
        return ""

    def _forward_reason(self, node: Node) -> str:
        """Say which op of the forward pass first gave a value that is not finite."""
        for ancestor in ancestors_of([node]):
            value = self.evidence.value(ancestor)
            if is_float(value) and not np.all(np.isfinite(value)):
                return self._origin_text(ancestor, np.asarray(value))
        return ""

    def _origin_text(self, node: Node, value: np.ndarray) -> str:
        evidence, op = self.evidence, node.op
        index = first_place(~np.isfinite(value))
        element = number_text(value[index])
        if op is None:
            return f"{evidence.called(node)} itself has {element} at {index_text(index) or 'it'}"
        arguments = []
        for k in range(len(node.parents)):
            operand = evidence.operand(node, k)
            if operand is not None and op.elementwise:
                argument = np.broadcast_to(operand, node.shape)[index]
                arguments.append(f"{evidence.input_name(node, k)} = {number_text(argument)}")
        name = evidence.name(node)
        call = f"`{name}`, {evidence.at(node)}" if name else evidence.at(node)
        of = f" of {', '.join(arguments)}" if arguments else ""
        at = f" at index {index_text(index)}" if index else ""
        sentence = f"{call} gives {element}{of}{at}"
        root = self.root()
        if root is None or not np.all(np.isfinite(evidence.value(root))):
            return f"the forward pass has it already: {sentence}"
        return (
            f"{sentence}; the result does not use it, but 0 · inf is nan on the way back. "
            + _mask_advice(node)
        )

    # --- huge and tiny -------------------------------------------------------------------------

    def _steps_back(self, node: Node) -> tuple[list[tuple[float, Flow]], Node]:
        """Return the largest flow of each step, by how much it grew there, and where they start."""
        steps: list[tuple[float, Flow]] = []
        while flows := self._flows.get(node):
            flow = max(flows, key=lambda flow: largest(flow.contribution))
            node = flow.node
            before = largest(self.gradient(node))
            growth = largest(flow.contribution) / before if before else 1.0
            steps.append((growth, flow))
        return steps, node

    def huge_reason(self, node: Node) -> str:
        """Say which steps made a gradient as large as it is."""
        steps, node = self._steps_back(node)
        seed = largest(self.gradient(node))
        start = f"backward() was started on {self.evidence.called(node)} with"
        if not steps:
            return f"{start} {number_text(seed)}"
        total = math.prod(max(growth, 1.0) for growth, _ in steps)
        if seed > total:
            return f"{start} values up to {number_text(seed)}"
        steps.sort(key=lambda step: -step[0])
        large = [step for step in steps if step[0] > total**SHARE]
        if math.prod(growth for growth, _ in large[:MOST_STEPS]) < total**0.75:
            return f"it grows from step to step: {self._growth_text(steps)}"
        sentences = []
        for growth, flow in large[:MOST_STEPS]:
            factor = f"{number_text(growth)}{self._factors_text(flow)}"
            sentences.append(f"{self.evidence.at(flow.node)} multiplies it by up to {factor}")
        return "; and ".join(sentences)

    def tiny_reason(self, node: Node) -> str:
        """Say which steps made a gradient as small as it is."""
        steps, node = self._steps_back(node)
        seed = largest(self.gradient(node))
        if seed < math.prod(min(shrink, 1.0) for shrink, _ in steps):
            start = f"backward() was started on {self.evidence.called(node)} with"
            return f"{start} values up to {number_text(seed)}"
        shrink, flow = min(steps, key=lambda step: step[0])
        if shrink < ROUNDING * np.finfo(flow.node.dtype).eps:
            call = self.evidence.at(flow.node)
            return f"what {call} gives cancels to 0, and this is what rounding leaves of it"
        factors = [(1 / step, flow) for step, flow in steps if step]
        return f"it shrinks from step to step: {self._growth_text(factors, 'divides')}"

    def part_reason(self, node: Node, mask: np.ndarray) -> str:
        """Name the op that is flat for the units of a matrix whose gradient is 0."""
        while flows := self._flows.get(node):
            node = flows[0].node
            slope = self.evidence.slope(node, flows[0].position)
            if slope is None or slope.ndim != 2 or slope.shape[1] != mask.size:
                continue
            if np.array_equal(~slope.any(axis=0), mask):
                return f": {self.evidence.at(node)} is flat, with a derivative of 0, in every row"
        return ""

    def _growth_text(self, steps: list[tuple[float, Flow]], verb: str = "multiplies") -> str:
        """Name the two calls whose steps multiply the gradient most."""
        factors: dict[str, list[float]] = {}
        for growth, flow in steps:
            if growth > 1:
                factors.setdefault(self.evidence.at(flow.node), []).append(growth)
        largest = sorted(factors.items(), key=lambda item: -math.prod(item[1]))[:2]
        sentences = []
        for call, growths in largest:
            count = len(growths)
            mean = math.prod(growths) ** (1 / count)
            repeat = f", {count} times in a row" if count > 1 else ""
            sentences.append(f"{call} {verb} it by {number_text(mean)}{repeat}")
        return ", and ".join(sentences)

    def _factors_text(self, flow: Flow) -> str:
        """Name the numbers that make the derivative of an op large."""
        evidence, node = self.evidence, flow.node
        slope = evidence.slope(node, flow.position)
        if slope is not None:
            sizes = np.abs(slope)
            index = first_place(sizes == sizes.max())
            return f", where {self._inputs_text(flow, index)}"
        for k, parent in enumerate(node.parents):
            value = evidence.operand(node, k)
            if k != flow.position and is_float(value):
                size = largest(value)
                values = f": {evidence.called(parent)} has values up to {number_text(size)}"
                return values + self._sum_text(flow, size)
        return ""

    def _sum_text(self, flow: Flow, factor: float) -> str:
        """Say over how many rows a product adds up, if that makes it large."""
        g = self.gradient(flow.node)
        growth = largest(flow.contribution) / (largest(g) or 1.0)
        rows = np.size(g) // (np.shape(g)[-1] or 1) if np.ndim(g) else 1
        if growth < 10 * factor or np.size(flow.contribution) >= np.size(g):
            return ""
        return f", and it is summed over {rows:,} rows"


def _mask_advice(node: Node) -> str:
    assert node.op is not None
    return f"Mask the input of {node.op.name}, too: a where() after it can't help"
