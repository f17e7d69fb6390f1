"""`check_backward`: find the rule that is wrong, and the kind of its mistake.

`gradcheck` says that the gradient of a function is wrong; this runs the function once, and
compares each rule of each op in it with finite differences of that op's own forward.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.backward import fit
from ..core.callsite import short_place
from ..core.modes import enable_grad
from ..core.node import OutputGradients
from ..core.tensor import Tensor
from ..ops.apply import general
from ..ops.replay import run_again
from ..recording.recorder import record
from .connections import Wrong, cut_inputs, results_of
from .diagnosis import Mistake, counts_of, diagnose
from .differences import Slopes, pointwise_slopes, signed_weights, slopes
from .layers import check_layer
from .numeric import GradcheckError
from .values import as_double, is_float, same

if TYPE_CHECKING:
    from ..core.node import Node
    from ..core.op import Op
    from ..recording.recorder import Forward


def check_backward(f: Any, inputs: Any = (), *, seed: int = 0) -> bool:
    """Check the rules of every op that runs in `f`, one by one, and name the first wrong one.

    Args:
        f: a function of Tensors that returns a Tensor of floats, or a tuple of them; or a layer
            in the style of *Neural Networks from Scratch*: an object with `forward(inputs)` and
            `backward(dvalues)`, whose result is returned or left in `output`, and whose gradients
            are left in `dinputs`, and for `weights` and `biases` in `dweights` and `dbiases`. The
            object itself is left as it is. A loss takes `forward(predictions, targets)` and
            `backward(dvalues, targets)`, and what is checked is the gradient of its mean.
        inputs: the arguments of `f`. Floats are checked, as float64; the rest is handed on.
        seed: of the random incoming gradients.

    Each rule is given a random incoming gradient, so that a mistake shows that a plain sum at the
    end would hide. Elements at a kink of the forward are left out: there a rule may choose. If all
    are, the op is checked a little beside. Of an input with more than 256 elements, 128 are
    compared one by one, and the others in groups.

    Returns:
        True; a wrong rule is an error.

    Raises:
        GradcheckError: names the first op in the order of the forward pass that has a wrong rule,
            the line that called it, the input, and what is wrong: a constant factor such as 2 or
            1/n, the sign, a transpose, a missing sum over a broadcast axis, a wrong mask, nothing
            at all, or the element that differs most. Its `kind` is that of `diagnose`.
        TypeError: `f` does not return Tensors of floats.
        ValueError: there is nothing to check, or a forward is random.
    """
    inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    rng = np.random.default_rng(seed)
    if hasattr(f, "forward") and hasattr(f, "backward"):
        return check_layer(f, inputs, rng)
    arguments = [_leaf(as_double(x)) if is_float(x) else x for x in inputs]
    with enable_grad(), record() as run:
        results = results_of(f, arguments)
    wrong = [w for call in run.forward.values() for w in _wrong_rules(call, rng)]
    wrong = wrong or cut_inputs(f, arguments, results, rng)
    if wrong:
        raise _error(wrong)
    if not any(r.requires_grad for r in results):
        raise ValueError(
            "check_backward has nothing to check: no input of floats reaches the result of f"
        )
    return True


def _error(wrong: list[Wrong]) -> GradcheckError:
    first, *others = wrong
    text = f"{first.whose}: {first.mistake.text}"
    if others:
        more = dict.fromkeys(f"{other.whose} ({other.mistake.kind})" for other in others)
        text += f". And then {', '.join(more)}"
    return GradcheckError(text, first.mistake.kind)


def _leaf(array: np.ndarray) -> Tensor:
    return Tensor(array, requires_grad=True)


# --- one op ---------------------------------------------------------------------------------------


def _wrong_rules(forward: Forward, rng: np.random.Generator) -> list[Wrong]:
    """Find the wrong rules of one call of an op."""
    # Python's own numbers stay what they are: rules may treat them in another way.
    operands = [
        as_double(operand) if is_float(operand) and type(operand) is not float else operand
        for operand in forward.operands
    ]
    call = _Call(forward.node.op, operands, forward.arguments)
    wrong, undecided = call.wrong(forward.node, rng)
    if undecided and not wrong:  # every element at a kink, such as relu of zeros
        beside = [a + _beside(a, rng) if isinstance(a, np.ndarray) else a for a in operands]
        try:
            call = _Call(forward.node.op, beside, forward.arguments)
            wrong, _ = call.wrong(forward.node, rng)
        except (ValueError, ArithmeticError):
            return []  # the op does not take these values
    return wrong


def _beside(a: np.ndarray, rng: np.random.Generator) -> Any:
    """Draw small steps away from zero, for floats."""
    if a.dtype.kind != "f":
        return np.zeros((), a.dtype)
    return np.where(a < 0, -1.0, 1.0) * rng.uniform(0.01, 0.1, a.shape)


class _Call:
    """An op with operands in float64, to be run again and again."""

    def __init__(self, op: Op | None, operands: list[Any], arguments: dict[str, Any]) -> None:
        assert op is not None
        self.op = op
        self.operands = operands
        self.arguments = arguments
        self.outs = self.run(operands)
        if not all(map(same, self.outs, self.run(operands))):
            raise ValueError(
                f"the forward of {op.name} gives different results for the same arguments: fix "
                "its random numbers, and check it again"
            )

    def run(self, operands: list[Any]) -> tuple[Any, ...]:
        """Return the visible outputs of the forward."""
        with np.errstate(all="ignore"):
            out = run_again(self.op, operands, self.arguments)
        outs = out if isinstance(out, tuple) else (out,)
        return outs[: len(outs) - len(self.op.keeps)]

    def node(self) -> Node | None:
        """Record the call again, with a leaf of its own for every operand of floats."""
        leaves = [_leaf(a) if _is_float_array(a) else a for a in self.operands]
        args = [leaves] if self.op.variadic else leaves
        with enable_grad(), np.errstate(all="ignore"):
            out = general(self.op)(*args, **copy.deepcopy(self.arguments))
        if not isinstance(out, tuple):
            return out._node
        return next((part._node.parents[0] for part in out if part._node is not None), None)

    def wrong(self, node: Node, rng: np.random.Generator) -> tuple[list[Wrong], bool]:
        """Return the wrong rules of `node`'s op, and True if one could not be decided."""
        fresh = self.node()
        gs = [
            signed_weights(rng, np.shape(out)) if np.asarray(out).dtype.kind == "f" else None
            for out in self.outs
        ]
        single = len(gs) == 1 and fresh is not None and fresh.shape is not None
        whole = single and gs[0] is not None
        incoming: Any = gs[0] if whole else OutputGradients(gs)
        wrong, undecided = [], False
        for position, parent in enumerate(node.parents):
            needs_grad = getattr(parent, "needs_grad", False)
            if not needs_grad or not _is_float_array(self.operands[position]):
                continue
            mistake, decided = self.check(fresh, position, incoming, gs, rng)
            undecided = undecided or not decided
            if mistake is not None:
                wrong.append(Wrong(self.whose(node, position), mistake))
        return wrong, undecided

    def whose(self, node: Node, position: int) -> str:
        """Name a wrong rule, the user's line and the input."""
        rule = None if self.op.variadic else self.op.rules[position]
        name = self.op.input_name(position)
        where = f" at {short_place(node.place)}" if node.place else ""
        if rule is None and not self.op.variadic:
            return f"{self.op.name}{where} has no rule for its input {name!r}"
        return f"the rule of {self.op.name}{where} for its input {name!r} is wrong"

    def check(
        self, fresh: Node | None, position: int, g: Any, gs: list[Any], rng: np.random.Generator
    ) -> tuple[Mistake | None, bool]:
        """Return the mistake of one rule, and False if nothing could be decided."""
        x = np.asarray(self.operands[position])
        try:
            raw = self.contribution(fresh, position, g)
        except Exception as error:
            return Mistake("failed", f"it fails: {type(error).__name__}: {error}"), True
        gradient = raw
        if raw is not None:
            try:
                gradient = _fit(raw, x.shape)
            except (ValueError, TypeError, AttributeError):
                gradient = raw  # in a shape that does not fit
        right = self.slopes_at(position, gs, gradient, rng)
        if not right.known.any():
            return None, x.size == 0
        mistake = self.diagnose(gradient, right)
        if mistake is None:
            return None, True
        if raw is not None and mistake.kind not in ("not connected", "not finite", "shape"):
            with np.errstate(all="ignore"):
                again = self.contribution(fresh, position, _twice(g))
            if np.shape(again) == np.shape(raw) and np.allclose(again, raw):
                text = "it does not depend on the incoming gradient g: multiply by it"
                return Mistake("incoming gradient", text), True
        return self.diagnose(gradient, right, self.unsummed(position, gs)), True

    def diagnose(self, gradient: Any, right: Slopes, unsummed: Any = None) -> Mistake | None:
        return diagnose(
            gradient,
            right.values,
            rtol=right.precision.rtol,
            known=right.known,
            counts=counts_of(*self.operands, *self.outs),
            unsummed=unsummed,
        )

    def contribution(self, fresh: Node | None, position: int, g: Any) -> Any:
        """Run the rule for one input; None if there is none."""
        if fresh is None:
            return None
        reads = fresh.saved[position]  # type: ignore[index]
        rule = self.op.rule[self.op.inputs[0 if self.op.variadic else position]]
        if reads is None or rule is None:
            return None
        with np.errstate(all="ignore"):
            return rule(g, *reads)

    def slopes_at(
        self, position: int, gs: list[Any], gradient: Any, rng: np.random.Generator
    ) -> Slopes:
        """Return the gradient of one operand by finite differences, for incoming gradients."""
        x = np.asarray(self.operands[position])
        if self.op.elementwise:

            def output(moved: np.ndarray) -> np.ndarray:
                return np.asarray(self.run(self.with_operand(position, moved))[0])

            each, known, precision = pointwise_slopes(output, x)
            unknown = _fit(1.0 - known, x.shape)
            return Slopes(_fit(each * gs[0], x.shape), unknown == 0, precision)

        def change(moved: np.ndarray) -> float:
            trios = zip(self.run(self.with_operand(position, moved)), self.outs, gs, strict=True)
            with np.errstate(all="ignore"):
                changes = [np.sum((out - at) * g) for out, at, g in trios if g is not None]
            return float(sum(changes))

        return slopes(change, x, gradient, rng)

    def with_operand(self, position: int, value: Any) -> list[Any]:
        """Return the operands with another one in this place."""
        return [*self.operands[:position], value, *self.operands[position + 1 :]]

    def unsummed(self, position: int, gs: list[Any]) -> np.ndarray | None:
        """Return the gradient of a broadcast operand before the sum over its copies."""
        x, out = np.asarray(self.operands[position]), self.outs[0]
        if len(gs) > 1 or x.shape == np.shape(out) or np.size(out) > 10_000:
            return None
        try:
            wide = np.broadcast_to(x, np.shape(out)).copy()
            spread = _Call(self.op, self.with_operand(position, wide), self.arguments)
        except (ValueError, TypeError, IndexError):
            return None
        if not same(spread.outs[0], out):
            return None
        right = spread.slopes_at(position, gs, None, np.random.default_rng(0))
        return right.values if right.known.all() else None


def _fit(g: Any, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(fit(np.asarray(g), shape, np.dtype(np.float64)))


def _is_float_array(operand: Any) -> bool:
    return isinstance(operand, np.ndarray) and operand.dtype.kind == "f"


def _twice(g: Any) -> Any:
    if isinstance(g, OutputGradients):
        return OutputGradients(None if part is None else 2 * part for part in g)
    return 2 * g
