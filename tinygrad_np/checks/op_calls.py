"""One call of an op, run again and again in float64, and its rules held against differences."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.backward import fit
from ..core.modes import enable_grad
from ..core.node import OutputGradients
from ..core.tensor import Tensor, node_of
from ..ops.apply import general
from ..ops.replay import run_again
from .backward_slips import run_if_possible, wrong_gradients
from .causes import find_cause
from .diagnosis import Mistake
from .differences import (
    MOST,
    Change,
    Slopes,
    pointwise_slopes,
    signed_weights,
    slopes,
    weighed_change,
)
from .factors import counts_of
from .jacobians import jacobian
from .ties import wrong_ties
from .trials import Target, Trial
from .values import is_float_array, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..core.node import Node
    from ..core.op import Op


class OpCall:
    """An op with operands in float64, and random incoming gradients."""

    def __init__(
        self, op: Op, operands: list[Any], arguments: dict[str, Any], rng: np.random.Generator
    ) -> None:
        self.op = op
        self.operands = operands
        self.arguments = arguments
        self.rng = rng
        self.outs = self.run(operands)
        if not all(map(same, self.outs, self.run(operands))):
            raise ValueError(
                f"the forward of {op.name} gives different results for the same arguments: fix "
                "its random numbers, and check it again"
            )
        self.gs = [
            signed_weights(rng, np.shape(out)) if np.asarray(out).dtype.kind == "f" else None
            for out in self.outs
        ]
        self.node = self._record()

    def run(self, operands: list[Any]) -> tuple[Any, ...]:
        """Return the visible outputs of the forward."""
        with np.errstate(all="ignore"):
            out = run_again(self.op, operands, self.arguments)
        outs = out if isinstance(out, tuple) else (out,)
        return outs[: len(outs) - len(self.op.keeps)]

    def _leaves(self) -> list[Any]:
        """Return the operands, those of floats as Tensors that need a gradient."""
        return [Tensor(a, requires_grad=True) if is_float_array(a) else a for a in self.operands]

    def _record(self) -> Node | None:
        """Record the call again, with a leaf of its own for every operand of floats."""
        leaves = self._leaves()
        args = [leaves] if self.op.variadic else leaves
        with enable_grad(), np.errstate(all="ignore"):
            out = general(self.op)(*args, **copy.deepcopy(self.arguments))
        if not isinstance(out, tuple):
            return getattr(out, "_node", None)
        return next((part._node.parents[0] for part in out if part._node is not None), None)

    def beside(self, scale: float = 0.3) -> OpCall | None:
        """Return the call with other numbers; None if the op does not take them."""
        others = [
            a * self.rng.uniform(1 - scale, 1, a.shape) if is_float_array(a) else a
            for a in self.operands
        ]
        try:
            call = OpCall(self.op, others, self.arguments, self.rng)
        except (ValueError, ArithmeticError):
            return None
        for out, own in zip(call.outs, self.outs, strict=True):
            out = np.asarray(out)
            if out.shape != np.shape(own):
                return None
            if out.dtype.kind == "f" and not np.isfinite(out).all():
                return None
        return call

    # --- what the rules answer --------------------------------------------------------------------

    def answer(self, position: int, gs: list[Any]) -> Any:
        """Run the rule for one input; None if there is none."""
        if self.node is None:
            return None
        reads = self.node.saved[position]  # type: ignore[index]
        rule = self.op.rule[self.op.inputs[0 if self.op.variadic else position]]
        if reads is None or rule is None:
            return None
        whole = len(gs) == 1 and self.node.shape is not None and gs[0] is not None
        incoming: Any = gs[0] if whole else OutputGradients(gs)
        with np.errstate(all="ignore"):
            return rule(incoming, *reads)

    def fitted(self, position: int, gs: list[Any]) -> Any:
        """Return the rule's answer in the operand's shape, or in its own if it does not fit."""
        raw = self.answer(position, gs)
        if raw is None:
            return None
        try:
            return fitted(raw, np.shape(self.operands[position]))
        except (ValueError, TypeError, AttributeError):
            return np.asarray(raw, np.float64)

    # --- what they should answer ------------------------------------------------------------------

    def right(self, position: int, gs: list[Any], claim: Any = None) -> Slopes:
        """Return the gradient of one operand by finite differences, for incoming gradients."""
        x = np.asarray(self.operands[position])
        if not self.op.elementwise:
            return slopes(lambda moved: self.change({position: moved}, gs), x, claim, self.rng)

        def output(moved: np.ndarray) -> np.ndarray:
            return np.asarray(self.run(self.replaced({position: moved}))[0])

        g = gs[0]
        values, error, left, right = pointwise_slopes(output, x)
        parts = (values * g, error * np.abs(g), left * g, right * g)
        return Slopes(*(fitted(part, x.shape) for part in parts))

    def change(self, operands: dict[int, Any], gs: list[Any]) -> Change:
        outs = self.run(self.replaced(operands))
        with np.errstate(all="ignore"):
            return weighed_change(outs, self.outs, gs)

    def replaced(self, operands: dict[int, Any]) -> list[Any]:
        """Return the operands with others in some places."""
        return [operands.get(k, own) for k, own in enumerate(self.operands)]

    def mistakes(self, node: Node) -> tuple[list[tuple[int, Mistake]], bool]:
        """Return the wrong rules of `node`'s op by position, and True if one was not decided."""
        wrong, undecided = [], False
        checked: dict[int, Any] = {}
        for position, parent in enumerate(node.parents):
            needs_grad = getattr(parent, "needs_grad", False)
            if not needs_grad or not is_float_array(self.operands[position]):
                continue
            try:
                answer = self.fitted(position, self.gs)
            except Exception as error:
                text = f"it fails: {type(error).__name__}: {error}"
                wrong.append((position, Mistake("failed", text)))
                continue
            right = self.right(position, self.gs, answer)
            if right.values.size and not right.known.any():
                undecided = True
            mistake = self.diagnosis(position, answer, right)
            if mistake is not None:
                wrong.append((position, mistake))
            elif answer is not None:
                checked[position] = answer, right
        return wrong or self._ties(checked), undecided

    def _ties(self, checked: dict[int, Any]) -> list[tuple[int, Mistake]]:
        answers = [answer for answer, _ in checked.values()]
        slopes = [right for _, right in checked.values()]
        if not any(right.kinks.any() for right in slopes):
            return []
        points = [np.asarray(self.operands[k]) for k in checked]

        def change(moved: list[np.ndarray]) -> Change:
            return self.change(dict(zip(checked, moved)), self.gs)

        tie = wrong_ties(points, answers, slopes, change)
        if tie is None:
            return []
        k, mistake = tie
        return [(list(checked)[k], mistake)]

    def diagnosis(self, position: int, answer: Any, right: Slopes) -> Mistake | None:
        """Return the mistake of one rule, confirmed at other numbers."""
        target = self._target(right)
        if answer is not None and target.near(answer):
            return None
        trial = self._trial(position, answer, target)
        other = None if answer is None else self.beside()
        if other is not None:
            second = other.fitted(position, other.gs)
            right = other.right(position, other.gs, second)
            target = other._target(right)
            trial.beside = other._trial(position, second, target)
        return find_cause(trial)

    def _target(self, right: Slopes) -> Target:
        sizes = [np.max(np.abs(g), initial=0.0) for g in self.gs if g is not None]
        return Target.of(right, atol=1e-13 * float(max(sizes)))

    def _trial(self, position: int, answer: Any, target: Target) -> Trial:
        floats = {
            self.op.input_name(k): np.asarray(a)
            for k, a in enumerate(self.operands)
            if is_float_array(a)
        }
        if len(self.outs) == 1:
            floats["out"] = np.asarray(self.outs[0])
        trial = Trial(answer, target, counts_of(*self.operands, *self.outs), floats, self.gs)
        if answer is None:
            return trial
        trial.dtype = getattr(self.answer(position, self.gs), "dtype", None)
        trial.answer = lambda gs: self.fitted(position, gs)
        trial.unsummed = self._unsummed(position)
        if target.right.size <= MOST:  # or it would take long
            trial.right_for = lambda gs: self.right(position, gs).values
            trial.jacobian = functools.cache(lambda: self._jacobian(position))
            trial.others = lambda: self._others(position)
            trial.slips = lambda: self._slips(position, floats)
            trial.right_with = lambda name, value: self._right_with(position, name, value)
        return trial

    def _jacobian(self, position: int) -> np.ndarray | None:
        if len(self.gs) > 1 or self.gs[0] is None:
            return None
        x = np.asarray(self.operands[position])
        return jacobian(lambda moved: self.run(self.replaced({position: moved}))[0], x)

    def _slips(
        self, position: int, reads: dict[str, np.ndarray]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the gradients with a slip, if the forward is a function that runs on Tensors."""
        if self.op.variadic or isinstance(self.op.forward, np.ufunc):
            return
        leaves = self._leaves()
        arguments = copy.deepcopy(self.arguments)
        out = run_if_possible(self.op.forward, leaves, arguments)
        if isinstance(out, Tensor) and same(out.data, self.outs[0]):
            seeds = {node_of(out): self.gs[0]}
            yield from wrong_gradients(node_of(leaves[position]), seeds, reads)

    def _others(self, position: int) -> dict[str, np.ndarray]:
        """Return the right gradients of the other operands."""
        return {
            self.op.input_name(k): self.right(k, self.gs).values
            for k, a in enumerate(self.operands)
            if k != position and is_float_array(a)
        }

    def _right_with(self, position: int, name: str, value: np.ndarray) -> Any:
        """Return the right gradient of an operand with another value for one of them."""
        for k in range(len(self.operands)):
            if self.op.input_name(k) == name:
                call = self._with({k: value})
                return call and call.right(position, self.gs).values
        return None

    def _with(self, operands: dict[int, Any]) -> OpCall | None:
        try:
            call = OpCall(self.op, self.replaced(operands), self.arguments, self.rng)
        except (ValueError, TypeError, IndexError, ArithmeticError):
            return None
        is_alike = all(np.shape(a) == np.shape(b) for a, b in zip(call.outs, self.outs))
        return call if is_alike else None

    def _unsummed(self, position: int) -> np.ndarray | None:
        """Return the gradient of a broadcast operand before the sum over its copies."""
        x, out = np.asarray(self.operands[position]), self.outs[0]
        if len(self.gs) > 1 or x.shape == np.shape(out) or np.size(out) > 10_000:
            return None
        try:
            wide = np.broadcast_to(x, np.shape(out)).copy()
        except ValueError:
            return None
        spread = self._with({position: wide})
        if spread is None or not same(spread.outs[0], out):
            return None
        right = spread.right(position, self.gs)
        return right.values if right.known.all() else None


def fitted(g: Any, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(fit(np.asarray(g), shape, np.dtype(np.float64)))
