"""`why`: the reason that a gradient is None, zero, nan, infinite or huge, in a sentence or two."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import modes
from ..core.callsite import outside
from ..core.node import Leaf, Node
from ..core.tensor import Tensor, node_of
from ..recording.reading import bare
from ..recording.recorder import current_record
from .culprits import Trail
from .evidence import Evidence, tensors_in
from .text import Text, number, shape_text, share_of

if TYPE_CHECKING:
    from types import FrameType

    from ..recording.recorder import Record

__all__ = ["why"]

HUGE = 1e6
RECORD = "compute the loss and call backward() inside `with tg.record() as r:`, then "


def why(t: Tensor, loss: Tensor | None = None, *, record: Record | None = None) -> Text:
    """Why `t.grad` is None, all zero, nan, infinite or huge; one or two sentences.

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
    for value, what in ((t, "why()"), (loss, "why(t, loss)")):
        if not isinstance(value, Tensor) and not (value is None and what != "why()"):
            raise TypeError(f"{what} takes Tensors, not {type(value).__name__}")
    if record is None:
        record = current_record()
    return Text(_Question(t, loss, record, outside(sys._getframe(1))).answer())


class _Question:
    def __init__(
        self, t: Tensor, loss: Tensor | None, record: Record | None, frame: FrameType
    ) -> None:
        self.t = t
        self.node = node_of(t)
        self.given = loss
        self.record = record
        self.held = [x for x in tensors_in(frame) if x._node is not None and x.requires_grad]
        roots = [node_of(x) for x in self.held] + [self.node]
        if loss is not None:
            roots.append(node_of(loss))
        self.evidence = Evidence(roots, record, frame)
        self.trail = Trail(self.evidence) if record is not None else None
        name = self.evidence.name(self.node)
        self.name = f"`{name}`" if name else f"this Tensor ({shape_text(t.shape)})"
        self.grad = f"`{name}.grad`" if name else "its gradient"

    def answer(self) -> str:
        if not self.t.requires_grad:
            return self._needs_none()
        grad = self.t.grad
        if grad is None:
            if not isinstance(self.node, Leaf) and self.t._grad_holder() is None:
                return self._no_leaf()
            return self._missing()
        return self._present(grad.data)

    # --- no gradient -----------------------------------------------------------------------------

    def _needs_none(self) -> str:
        said = f"{self.grad} is None: "
        if self.t.dtype.kind != "f":
            return f"{said}{self.name} is of {self.t.dtype}, and only floats have gradients."
        cut = self._cut_from(self.t._data)
        if cut:
            return f"{said}{self.name} has the values of {cut}, but no graph."
        said += f"{self.name} does not require a gradient. "
        if not modes.is_grad_enabled():
            return f"{said}Nothing is recorded under no_grad(), and this is inside of it."
        return (
            f"{said}If it is to be learned, make it with requires_grad=True (nn.Parameter) before "
            "it is used; if it was computed, then from data alone, under no_grad(), after "
            ".detach() or .numpy(), or by an op without a derivative."
        )

    def _no_leaf(self) -> str:
        node = self.node
        said = (
            f"{self.grad} is None: {self.name} is the result of {self.evidence.at(node)}, and only "
            "leaves keep a gradient. "
        )
        for parent in node.parents:
            if isinstance(parent, Leaf) and parent.grad is not None and parent.shape == node.shape:
                return (
                    f"{said}It seems to be an update that made a new value: write it in place, "
                    "under no_grad() (`with tg.no_grad(): w -= ...`), so that the leaf stays one."
                )
        said += "Call its retain_grad() before backward()"
        g = None if self.trail is None else self.trail.gradient(node)
        if g is None:
            return f"{said}."
        return f"{said}. Backward did compute it, {_size(g)}: record.gradients has it."

    def _missing(self) -> str:
        said = f"{self.grad} is None: "
        if self.trail is not None and self.node in self.trail.gradients:
            g = self.trail.gradient(self.node)
            return (
                f"{said}backward() computed it, {_size(g)}, and it was cleared since (zero_grad(), "
                "or .grad = None)."
            )
        below = self.evidence.descendants(self.node)
        if not below:
            return said + self._unused()
        root = self._root()
        if root is None:
            return f"{said}backward() was not called on anything that was computed from it."
        called = self.evidence.called(root)
        if root not in below:
            return f"{said}{called} was not computed from {self.name}. {self._dead_end(below)}"
        if root.saved is None:
            return (
                f"{said}backward() ran on {called}, but nothing is here now: it was cleared since "
                "(zero_grad(), or .grad = None), or retain_grad() came later."
            )
        if self.trail is not None and root in self.trail.gradients:
            return f"{said}a rule on its way back from {called} sends no gradient."
        return f"{said}backward() was not called on {called} yet."

    def _root(self) -> Node | None:
        """What backward() was called on, or should be."""
        if self.given is not None:
            return node_of(self.given)
        if self.trail is not None:
            root = self.trail.root()
            if root is not None:
                return root
            assert self.record is not None
            made = [node for node in self.record.forward if node.shape == ()]
            if made:
                return made[-1]
        made = [node_of(x) for x in self.held if x.size == 1 and not x.is_leaf]
        return max(made, key=lambda node: node.serial, default=None)

    def _unused(self) -> str:
        cut = self._cut(dict.fromkeys([self.node]))
        if cut:
            return f"nothing was computed from {self.name} with a graph: {cut}."
        if self.record is None and self._root() is None:
            return (
                "nothing that the variables here hold was computed from it. Say what it should "
                "be reached from: why(t, loss)."
            )
        root = self._root()
        of = f", so {self.evidence.called(root)} does not depend on it" if root else ""
        return (
            f"nothing that was recorded uses {self.name}{of}. It is not used at all, or only "
            "under no_grad(), after .detach() or .numpy(), or in an op without a derivative."
        )

    def _dead_end(self, below: dict[Node, None]) -> str:
        """Where the way from a value towards the loss ends."""
        cut = self._cut(dict.fromkeys([self.node]) | below)
        if cut:
            return f"The way is cut: {cut}."
        ends = [node for node in below if not self.evidence.children(node)]
        end = self.evidence.called((ends or list(below))[-1])
        return (
            f"The way from it ends at {end}, whose result is not used any further, or only under "
            "no_grad(), after .detach() or .numpy(), or in an op without a derivative."
        )

    def _cut(self, nodes: dict[Node, None]) -> str:
        """Where the value of one of these nodes is used without its graph."""
        found = self.evidence.cut(nodes)
        return found[0] if found is not None else ""

    def _cut_from(self, data: Any) -> str:
        """Which recorded value these data are: what `detach()` gives shares them."""
        for node in self.evidence.order:
            value = self.evidence.value(node) if node.needs_grad else None
            if value is not None and value is data:
                return f"{self.evidence.called(node)} by .detach()"
        return ""

    # --- a gradient ------------------------------------------------------------------------------

    def _present(self, g: np.ndarray) -> str:
        broken = np.isnan(g), np.isinf(g)
        if g.size and not np.any(g):
            state, reason = "all zero", self._by(lambda trail: trail.zero(self.node), np.any, False)
        elif broken[0].any():
            state = f"nan for {share_of(broken[0])} elements" if g.ndim else "nan"
            reason = self._by(lambda trail: trail.broken(self.node, np.isnan), _has_nan, True)
        elif broken[1].any():
            state = f"infinite for {share_of(broken[1])} elements" if g.ndim else "infinite"
            reason = self._by(lambda trail: trail.broken(self.node, np.isinf), _has_inf, True)
        elif g.size and np.abs(g).max() >= HUGE:
            state = f"huge, up to {number(np.abs(g).max())}"
            reason = self._by(lambda trail: trail.huge(self.node), _is_huge, True)
        else:
            return f"{self.grad} is ordinary: {_size(g)}{self._accumulated(g)}."
        return f"{self.grad} is {state}{reason}."

    def _by(self, reason: Any, test: Any, expected: bool) -> str:
        """What the record tells, if it holds the pass that made this gradient."""
        g = None if self.trail is None else self.trail.gradient(self.node)
        if g is None:
            name = self.evidence.name(self.node) or "t"
            way = self._way()
            where = " (the record has no backward pass through it)" if self.record else ""
            return f"{where}. {way}To learn where, {RECORD}why({name}, record=r)"
        if bool(test(g)) != expected:
            return (
                ", but in the recorded pass its gradient is not: it comes from an earlier "
                "backward(), to which later ones add"
            )
        return ": " + reason(self.trail)

    def _way(self) -> str:
        """The ops on the shortest way back to the loss, as far as the graph tells."""
        root = self._root()
        if root is None or root.op is None:
            return ""
        before: dict[Node, Node] = {}
        waiting = [self.node]
        for node in waiting:
            if node is root:
                break
            for child in self.evidence.children(node):
                if child not in before:
                    before[child] = node
                    waiting.append(child)
        if root not in before:
            return ""
        way = []
        node = root
        while node is not self.node:
            way.append(self.evidence.at(node))
            node = before[node]
        shown = way if len(way) <= 8 else [*way[:4], "…", *way[-4:]]
        return f"It came back through {', '.join(shown)}. "

    def _accumulated(self, g: np.ndarray) -> str:
        last = None if self.trail is None else self.trail.gradient(self.node)
        if last is None or np.array_equal(last, g) or not self.t.is_leaf:
            return ""
        return (
            f", the sum over more than one backward(): the last one gave {_size(last)}. "
            "zero_grad() before each backward() keeps them apart"
        )


def _size(g: Any) -> str:
    array = np.asarray(bare(g))
    if not array.size:
        return "empty"
    if array.ndim == 0:
        return number(array)
    return f"{number(array.min())} … {number(array.max())}"


def _has_nan(g: Any) -> bool:
    return bool(np.isnan(g).any())


def _has_inf(g: Any) -> bool:
    return bool(np.isinf(g).any())


def _is_huge(g: Any) -> bool:
    return bool(np.abs(g).max() >= HUGE)
