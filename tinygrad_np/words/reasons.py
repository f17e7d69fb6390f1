"""`why`: the reason that a gradient is None, zero, nan, infinite or huge, in a sentence or two."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import modes
from ..core.callsite import line_of, outside
from ..core.errors import flat_reason
from ..core.node import Flat, Leaf, Node
from ..core.tensor import Tensor, node_of
from ..recording.findings import Answer, Finding
from ..recording.reading import ancestors_of
from ..recording.recorder import current_record
from .evidence import Evidence, tensors_in
from .gradient_trail import GradientTrail
from .text import shape_text, share_text, where_text
from .troubles import TROUBLES, Trouble, range_text

if TYPE_CHECKING:
    from types import FrameType

    from ..recording.recorder import Record

MOST_COLUMNS = 5
LONGEST_WAY = 8  # ops on the way back that are named
RECORD = "compute the loss and call backward() inside `with tg.record() as r:`, then "
NO_GRAPH = "under no_grad(), after .detach() or .numpy(), or"


def why(t: Tensor, loss: Tensor | None = None, *, record: Record | None = None) -> Answer:
    """Say why `t.grad` is None, all zero, nan, infinite or huge, in one or two sentences.

        with tg.record() as r:
            loss = ...
            loss.backward()
        print(tg.why(W1, record=r))
        # `W1.grad` is all zero: relu at spiral.py:31 is 0 for 300 of 300 rows (its inputs are …)

    Args:
        t: any Tensor.
        loss: what backward() was called on, or will be. By default what the record tells, else
            what was computed last of what the variables of the calling function hold.
        record: what `tg.record()` kept of the forward and the backward pass; inside such a
            block, that one. Without it, the graph alone answers, as far as it can.

    Raises:
        TypeError: `t` or `loss` is no Tensor.
    """
    if not isinstance(t, Tensor):
        raise TypeError(f"why() takes Tensors, not {type(t).__name__}")
    if loss is not None and not isinstance(loss, Tensor):
        raise TypeError(f"why(t, loss) takes Tensors, not {type(loss).__name__}")
    if record is None:
        record = current_record()
    finding = gradient_finding(t, loss, record, outside(sys._getframe(1)))
    return Answer(finding)


def gradient_finding(
    t: Tensor,
    loss: Tensor | None,
    record: Record | None,
    frame: FrameType,
) -> Finding:
    """Return the answer of `why()` as a record; the remedy stands in its sentences.

    Args:
        t, loss, record: those of `why()`.
        frame: the user's function, whose variables have names for the values.
    """
    question = _Question(t, loss, record, frame)
    kind, sentences = question.answer()
    return Finding(kind, sentences, question.evidence.place(question.node), "")


class _Question:
    def __init__(
        self,
        t: Tensor,
        loss: Tensor | None,
        record: Record | None,
        frame: FrameType,
    ) -> None:
        self.t = t
        self.node = node_of(t)
        self.loss = None if loss is None else node_of(loss)
        self.record = record
        tensors = [x for x in tensors_in(frame) if x._node is not None and x.requires_grad]
        self.variables = list(map(node_of, tensors))
        roots = [*self.variables, self.node]
        if self.loss is not None:
            roots.append(self.loss)
        self.evidence = Evidence(roots, record, frame)
        self.trail = GradientTrail(self.evidence) if record is not None else None
        name = self.evidence.name(self.node)
        self.name = f"`{name}`" if name else f"this Tensor ({shape_text(t.shape)})"
        self.grad = f"`{name}.grad`" if name else "its gradient"

    def answer(self) -> tuple[str, str]:
        """Return the kind of the gradient, and the sentences about it."""
        if not self.t.requires_grad:
            return "no gradient", f"{self.grad} is None: {self._no_need()}"
        grad = self.t.grad
        if grad is None:
            is_leaf = isinstance(self.node, Leaf)
            retained = self.t._grad_holder() is not None
            reason = self._missing() if is_leaf or retained else self._no_leaf()
            return "no gradient", f"{self.grad} is None: {reason}"
        g = grad.data
        for trouble in TROUBLES:
            if trouble.test(g):
                text = f"{self.grad} is {trouble.text(g)}{self._trouble_reason(trouble)}."
                return trouble.kind, text
        exit = self.evidence.exit([self.node, *self.evidence.descendants(self.node)])
        if exit is not None:
            return "partial gradient", f"{self.grad} is {range_text(g)}, but {exit}."
        text = f"{self.grad} is ordinary: {range_text(g)}{self._accumulation()}."
        return "ordinary gradient", text + self._zero_part(g)

    def _zero_part(self, g: np.ndarray) -> str:
        """Name the columns of a matrix whose gradient is all zero, while that of others is not."""
        if g.ndim != 2 or g.any(axis=0).all():
            return ""
        mask = np.asarray(~g.any(axis=0))
        columns = np.flatnonzero(mask)
        shown = ", ".join(map(str, columns[:MOST_COLUMNS]))
        more = f" and {len(columns) - MOST_COLUMNS} more" if len(columns) > MOST_COLUMNS else ""
        reason = "" if self.trail is None else self.trail.part_reason(self.node, mask)
        word = "columns" if len(columns) > 1 else "column"
        return f" It is 0 in {word} {shown}{more} ({share_text(g == 0)} elements){reason}."

    # --- no gradient -----------------------------------------------------------------------------

    def _no_need(self) -> str:
        """Say why the Tensor requires no gradient."""
        reason = flat_reason(self.node)
        if reason is not None:
            return f"{self.name} {reason}."
        if self.t.dtype.kind != "f":
            return f"{self.name} is of {self.t.dtype}, and only floats have gradients."
        source = self._detached_source()
        if source is not None:
            call = self.evidence.called(source)
            return f"{self.name} has the values of {call} by .detach(), but no graph."
        sentence = f"{self.name} does not require a gradient. "
        if not modes.is_grad_enabled():
            return f"{sentence}Nothing is recorded under no_grad(), and this is inside of it."
        return (
            f"{sentence}If it is to be learned, make it with requires_grad=True (nn.Parameter) "
            f"before it is used; if it was computed, then from data alone, {NO_GRAPH} by an op "
            "without a derivative."
        )

    def _detached_source(self) -> Node | None:
        """Return the recorded node whose array this is: what `detach()` gives shares it."""
        for node in self.evidence.order:
            if node.needs_grad and self.evidence.value(node) is self.t._data:
                return node
        return None

    def _no_leaf(self) -> str:
        """Say why the result of an op has no gradient."""
        node = self.node
        sentence = (
            f"{self.name} is the result of {self.evidence.at(node)}, and only leaves keep a "
            "gradient. "
        )
        for parent in node.parents:
            if isinstance(parent, Leaf) and parent.grad is not None and parent.shape == node.shape:
                return (
                    f"{sentence}It seems to be an update that made a new value: write it in place, "
                    "under no_grad() (`with tg.no_grad(): w -= ...`), so that the leaf stays one."
                )
        sentence += "Call its retain_grad() before backward()."
        g = self._recorded_gradient()
        if g is None:
            return sentence
        return f"{sentence} Backward did compute it, {range_text(g)}: record.gradients has it."

    def _missing(self) -> str:
        """Say why a leaf, or a value that retains its gradient, has none."""
        if self._has_gradient(self.node):
            g = self._recorded_gradient()
            return (
                f"backward() computed it, {range_text(g)}, and it was cleared since (zero_grad(), "
                "or .grad = None)."
            )
        descendants = self.evidence.descendants(self.node)
        if not descendants:
            return self._unused()
        root = self._root()
        if root is None:
            return "backward() was not called on anything that was computed from it."
        loss = self.evidence.called(root)
        if root not in descendants:
            end = self._dead_end(list(descendants))
            return f"{loss} was not computed from {self.name}. {end}"
        if root.saved is None:
            return (
                f"backward() ran on {loss}, but nothing is here now: it was cleared since "
                "(zero_grad(), or .grad = None), or retain_grad() came later."
            )
        if self._has_gradient(root):
            return f"a rule on its way back from {loss} sends no gradient."
        return f"backward() was not called on {loss} yet."

    def _has_gradient(self, node: Node) -> bool:
        return self.trail is not None and node in self.trail.gradients

    def _recorded_gradient(self) -> Any:
        """Return the gradient of the last recorded backward(), or None."""
        return None if self.trail is None else self.trail.gradient(self.node)

    def _root(self) -> Node | None:
        """Return the node that backward() was called on, or should be."""
        if self.loss is not None:
            return self.loss
        if self.trail is not None:
            root = self.trail.root()
            if root is not None:
                return root
            assert self.record is not None
            scalars = [node for node in self.record.forward if node.shape == ()]
            if scalars:
                return scalars[-1]
        results = [node for node in self.variables if node.op is not None]
        scalars = [node for node in results if math.prod(node.shape) == 1]
        return max(scalars, key=lambda node: node.serial, default=None)

    def _unused(self) -> str:
        """Say why nothing was computed from the Tensor."""
        cut = self.evidence.cut([self.node])
        if cut is not None:
            return f"nothing was computed from {self.name} with a graph: {cut.sentence}."
        exit = self.evidence.exit([self.node])
        if exit is not None:
            return f"nothing was computed from {self.name} with a graph: {exit}."
        unseen = self.evidence.unseen([self.node])
        if unseen:
            return f"nothing was computed from {self.name} with a graph: {unseen}."
        root = self._root()
        if root is None and self.record is None:
            return (
                "nothing that the variables here hold was computed from it. Say what it should "
                "be reached from: why(t, loss)."
            )
        loss = "" if root is None else self.evidence.called(root)
        reason = flat_reason(root)
        if reason is not None:
            return f"{loss} {reason}."
        effect = f", so {loss} does not depend on it" if loss else ""
        return (
            f"nothing that was recorded uses {self.name}{effect}. If it is used, then "
            f"{NO_GRAPH} by an op without a derivative."
        )

    def _dead_end(self, descendants: list[Node]) -> str:
        """Say where the way from the Tensor towards the loss ends."""
        cut = self.evidence.cut([self.node, *descendants])
        if cut is not None:
            return f"The way is cut: {cut.sentence}."
        exit = self.evidence.exit(descendants)
        if exit is not None:
            return f"The way is cut: {exit}."
        unseen = self.evidence.unseen(descendants)
        if unseen:
            return f"The way is cut: {unseen}."
        step = self._step_function()
        if step:
            return f"The way is cut: {step}."
        ends = [node for node in descendants if not self.evidence.children(node)]
        end = self.evidence.called(ends[-1])
        return (
            f"The way from it ends at {end}, which is not used any further, or its numbers alone "
            "are: .numpy(), .data or .detach() give those."
        )

    def _step_function(self) -> str:
        """Name a step function whose result the loss was computed from."""
        root = self._root()
        for node in ancestors_of([] if root is None else [root]):
            if isinstance(node, Flat):
                op, code, lasti = node.cause
                place = where_text((code.co_filename, line_of(code, lasti)))
                return f"{getattr(op, 'name', op)} at {place} has the derivative 0 everywhere"
        return ""

    # --- a gradient ------------------------------------------------------------------------------

    def _trouble_reason(self, trouble: Trouble) -> str:
        """Say what the record tells, if it holds the pass that this gradient comes from."""
        g = self._recorded_gradient()
        if g is None:
            name = self.evidence.name(self.node) or "t"
            gap = " (the record has no backward pass through it)" if self.record is not None else ""
            return f"{gap}. {self._way()}To learn where, {RECORD}why({name}, record=r)"
        if not trouble.test(g):
            return (
                ", but in the recorded pass its gradient is not: it comes from an earlier "
                "backward(), to which later ones add"
            )
        assert self.trail is not None
        return f": {trouble.reason(self.trail, self.node)}"

    def _way(self) -> str:
        """Name the ops on the shortest way back from the loss, as far as the graph tells."""
        root = self._root()
        if root is None or root.op is None:
            return ""
        sources: dict[Node, Node] = {}
        queue = [self.node]
        for node in queue:
            if node is root:
                break
            for child in self.evidence.children(node):
                if child not in sources:
                    sources[child] = node
                    queue.append(child)
        if root not in sources:
            return ""
        calls = []
        node = root
        while node is not self.node:
            calls.append(self.evidence.at(node))
            node = sources[node]
        if len(calls) > LONGEST_WAY:
            calls = [*calls[:4], "…", *calls[-4:]]
        return f"It came back through {', '.join(calls)}. "

    def _accumulation(self) -> str:
        """Say that the gradient is a sum over several calls of backward(), if it is."""
        last = self._recorded_gradient()
        grad = self.t.grad
        assert grad is not None
        if last is None or np.array_equal(last, grad.data) or not self.t.is_leaf:
            return ""
        return (
            f", the sum over more than one backward(): the last one gave {range_text(last)}. "
            "zero_grad() before each backward() keeps them apart"
        )
