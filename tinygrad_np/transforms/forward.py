"""Forward mode: derivatives that go along with the values, from what the table already says.

A rule says how the gradient `g` of a result becomes that of an input. For an op that acts on each
element on its own this is a factor for each element, so the rule applied to the tangent of the
input is the tangent of the result. An op whose rules read none of its inputs and results is linear:
applied to tangents it is its own derivative, and so for one input if only the rules of the others
read that. A reduction adds up tangents times the slopes that its rule gives for `g` = 1. Of any
other op the rule, a linear function of `g`, is transposed.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import errors
from ..core.backward import backward_to, fit
from ..core.containers import flatten
from ..core.modes import Recorded, Watcher, watcher
from ..core.node import Node, next_serial, sum_of
from ..core.op import reads_of
from ..core.tensor import Tensor, node_of, wrap
from ..ops import TABLE
from .subgraph import COPY, path_to, variable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.op import Op


class _UnknownError(Exception):
    """Raised at a node whose tangent can't be told from its parents' by what the table says."""


class Forward(Watcher):
    """Tangents of the nodes that a function makes, computed as they are made.

    Others who watch are told too.

    Args:
        known: the tangents of the nodes that the function begins with.
        since: the serial number from which on nodes are of its making.
    """

    def __init__(self, known: dict[Node, Any], since: int) -> None:
        self._known: dict[Node, Any] = known  # None for 0
        self._since = since
        self._outer = watcher.get()
        self._fails = False

    def results(self, roots: Sequence[Node]) -> list[Any] | None:
        """Return the tangents of some nodes, None for 0; or None alone if they can't be told."""
        try:
            results = [self._of(root) for root in roots]
        except _UnknownError:
            return None
        hooked = any(node.watch is not None for node in self._known)  # for what goes backward
        return None if hooked or self._fails else results

    # --- as a Watcher --------------------------------------------------------------------------

    def made(self, node: Node, value: Any, operands: tuple, params: tuple = ()) -> None:
        if self._outer is not None:
            self._outer.made(node, value, operands, params)
        if not self._fails:
            try:
                self._known[node] = self._pushed(node, value, operands, params)
            except _UnknownError:
                self._fails = True

    def reached(self, node: Node, g: Any) -> None:
        if self._outer is not None:
            self._outer.reached(node, g)

    def flowed(self, *contribution: Any) -> None:
        if self._outer is not None:
            self._outer.flowed(*contribution)

    def wrote(self, leaf: Tensor, new: np.ndarray) -> None:
        if self._outer is not None:
            self._outer.wrote(leaf, new)

    def left(self, exit: Any, node: Node) -> None:
        if self._outer is not None:
            self._outer.left(exit, node)

    def unrecorded(self, op: Any, operands: tuple[Any, ...]) -> None:
        if self._outer is not None:
            self._outer.unrecorded(op, operands)

    # --- from parents to results ---------------------------------------------------------------

    def _of(self, node: Any) -> Any:
        """Return the tangent of a node."""
        if node in self._known:
            return self._known[node]
        if not node.needs_grad or node.serial < self._since:
            return None
        tangent = self._known[node] = self._of_copy(node)
        return tangent

    def _of_copy(self, node: Node) -> Any:
        """Return the tangent of a variable of an inner transform, or of one output of several."""
        parent = node.parents[0]
        reads: Any = node.saved
        if node.op is COPY:
            return self._of(parent)
        outputs = None if node.shape is None else self._of(parent)
        if not isinstance(outputs, tuple):
            raise _UnknownError
        return outputs[reads[0][0]]

    def _pushed(self, node: Node, out: Any, operands: tuple, params: tuple) -> Any:
        """Compute the tangent of the result of a call from those of its inputs."""
        op: Any = node.op
        if op.effect:
            raise _UnknownError
        total = None
        given: dict[int, Any] = {}
        position = -1
        for parent, reads in zip(node.parents, node.saved):  # type: ignore[arg-type]
            position += 1
            tangent = None if reads is None else self._of(parent)
            if tangent is None:
                continue
            if op.elementwise or _replaced(op, position) is None:
                part = _by_rule(node, position, reads, tangent, out, params)
                total = sum_of(total, part)
            else:
                given[position] = tangent
        while given:
            part = _applied(op, operands, given, params)
            total = sum_of(total, part)
        if total is None or type(out) is tuple:
            return total
        if getattr(total, "shape", None) == out.shape and total.dtype is out.dtype:
            return total
        return np.broadcast_to(total, out.shape).astype(out.dtype)


def _by_rule(node: Node, k: int, reads: tuple, tangent: Any, out: Any, params: tuple) -> Any:
    """Return what the tangent of the input k adds to that of the result."""
    op: Any = node.op
    try:
        if op.elementwise:
            return op.rules[k](tangent, *reads)
        if _is_reduction(op):
            named = dict(zip(op.params, params))
            slope = op.rules[k](np.ones(out.shape, out.dtype), *reads)
            return np.sum(slope * tangent, axis=named["axis"], keepdims=named["keepdims"])
        return _transposed(node, k, reads, tangent, out)
    except Exception as error:
        raise errors.rule_failed(node, k, error) from error


# --- linear ops ----------------------------------------------------------------------------------


@functools.cache
def _replaced(op: Op, k: int) -> frozenset[int] | None:
    """Return the inputs that an op of the table is linear in together, k among them; None if not.

    The derivative by an input is what its rule reads. So an input that it does not read may have
    any value, 0 say, and if it reads neither its own nor results, it is the same everywhere: the op
    is linear in that input, but for a constant. That there is none, the samples show.
    """
    if TABLE.get(op.name) is not op or op.samples is None:
        return None
    names = tuple(op.rule)
    position = 0 if op.variadic else k
    reads = reads_of(op.rule[names[position]])
    if {names[position], "out", *op.keeps}.intersection(reads):
        return None
    free = [i for i, name in enumerate(names) if op.rule[name] is not None and name not in reads]
    replaced = frozenset(free)
    return replaced if _vanishes(op, replaced) else None


def _vanishes(op: Op, zeros: frozenset[int]) -> bool:
    """Say whether an op gives 0 at its samples with zeros for some inputs."""
    rng = np.random.default_rng(0)
    samples: Any = op.samples
    for args, params in samples(lambda *shape: np.asarray(rng.standard_normal(shape))):
        n = len(op.inputs)
        inputs = list(args[0] if op.variadic else args[:n])
        for k, x in enumerate(inputs):
            if op.variadic or k in zeros:
                inputs[k] = _zero(x)
        rest = args[n:]
        first = [inputs] if op.variadic else inputs
        if any(np.any(out) for out in flatten(op.forward(*first, *rest, **params))):
            return False
    return True


def _zero(x: Any) -> Any:
    if x is None:
        return None
    return np.zeros_like(x) if hasattr(x, "dtype") else 0


def _applied(op: Op, operands: tuple, given: dict[int, Any], params: tuple) -> Any:
    """Apply an op to the tangents of inputs that it is linear in together: those are taken out."""
    inputs = list(operands)
    replaced: Any = range(len(inputs)) if op.variadic else _replaced(op, next(iter(given)))
    for k in replaced:
        inputs[k] = given.pop(k) if k in given else _zero(inputs[k])
    operands = (inputs,) if op.variadic else tuple(inputs)
    named = dict(zip(op.params, params))
    outs = op.forward(*operands, **named)
    if op.keeps:
        outs = outs[: -len(op.keeps)]
        return outs[0] if len(outs) == 1 else outs
    return outs


def _is_reduction(op: Op) -> bool:
    """Say whether each element of an op's input has a part in one element of its result only."""
    known = TABLE.get(op.name) is op and len(op.inputs) == 1
    return known and {"axis", "keepdims"}.issubset(op.params)


# --- others --------------------------------------------------------------------------------------


def _transposed(node: Node, k: int, reads: tuple, tangent: Any, out: Any) -> Any:
    """Apply the transpose of a rule, which is linear in `g`: its gradient with respect to that."""
    if isinstance(out, tuple):
        raise _UnknownError
    op: Any = node.op
    rule = tuple(op.rule.values())[0 if op.variadic else k]
    parent = node.parents[k]
    since = next_serial()
    g = variable(np.ones(out.shape, out.dtype), None)
    token = watcher.set(None)
    try:
        with Recorded():
            answer = rule(g, *reads)
            if not isinstance(answer, Tensor):
                return None
            answer = fit(answer, parent.shape, parent.dtype, node.shape)
    finally:
        watcher.reset(token)
    end, root = node_of(g), node_of(answer)
    path = path_to({end}, [root], since)
    back = backward_to(
        {end}, path, {root: tangent}, retain_graph=False, create_graph=False, lift=wrap
    )
    return back.get(end)
