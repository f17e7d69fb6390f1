"""`check_backward`: which rule is wrong, and how.

`gradcheck` says that the gradient of a function is wrong; this runs the function once, and holds
each rule of each op in it against finite differences of that op's own forward.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.backward import backward_to, fit
from ..core.callsite import short_place
from ..core.modes import enable_grad
from ..core.node import OutputGradients
from ..core.tensor import Tensor, node_of, wrap
from ..ops.apply import general
from ..ops.replay import run_again
from ..recording.recorder import record
from ..transforms.subgraph import path_to
from .diagnosis import Mistake, counts_of, diagnose
from .differences import Slopes, pointwise_slopes, slopes
from .layers import check_layer
from .numeric import GradcheckError

if TYPE_CHECKING:
    from ..core.node import Node
    from ..core.op import Op
    from ..recording.recorder import Forward

__all__ = ["check_backward"]


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
    held = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    rng = np.random.default_rng(seed)
    if hasattr(f, "forward") and hasattr(f, "backward"):
        return check_layer(f, held, rng)
    arguments = [Tensor(_array(v), requires_grad=True) if _is_float(v) else v for v in held]
    with enable_grad(), record() as run:
        results = _results(f(*arguments))
    wrong = [w for made in run.forward.values() for w in _wrong_rules(made, rng)]
    if not wrong:
        wrong = _unreached(f, arguments, results, rng)
    if not wrong:
        wrong = _partly_cut(f, arguments, results, rng)
    if wrong:
        raise _error(wrong)
    if not any(r.requires_grad for r in results):
        raise ValueError(
            "check_backward has nothing to check: no input of floats reaches the result of f"
        )
    return True


class _Wrong(NamedTuple):
    """A mistake, and the sentence that says whose it is."""

    whose: str
    mistake: Mistake


def _error(wrong: list[_Wrong]) -> GradcheckError:
    first, *others = wrong
    text = f"{first.whose}: {first.mistake.text}"
    if others:
        more = ", ".join(dict.fromkeys(f"{o.whose} ({o.mistake.kind})" for o in others))
        text += f". And then {more}"
    return GradcheckError(text, first.mistake.kind)


def _results(out: Any) -> tuple[Tensor, ...]:
    results = out if isinstance(out, tuple) else (out,)
    for r in results:
        if not isinstance(r, Tensor) or r.dtype.kind != "f":
            raise TypeError(f"check_backward needs f to return a Tensor of floats, not {r!r}")
    return results


def _is_float(value: Any) -> bool:
    held = value.data if isinstance(value, Tensor) else value
    return isinstance(held, float) or getattr(getattr(held, "dtype", None), "kind", "") == "f"


def _array(value: Any) -> np.ndarray:
    return np.array(value.data if isinstance(value, Tensor) else value, np.float64)


def _signed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """No element small, no two the same: what cancels or agrees by chance does not with these."""
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


# --- one op ---------------------------------------------------------------------------------------


def _wrong_rules(made: Forward, rng: np.random.Generator) -> list[_Wrong]:
    # Python's own numbers stay what they are: rules may treat them in another way.
    operands = [a if type(a) is float or not _is_float(a) else _array(a) for a in made.operands]
    call = _Call(made.node.op, operands, made.arguments)
    wrong, undecided = call.wrong(made.node, rng)
    if undecided and not wrong:  # every element at a kink, such as relu of zeros
        beside = [a + _beside(a, rng) if isinstance(a, np.ndarray) else a for a in operands]
        try:
            wrong, _ = _Call(made.node.op, beside, made.arguments).wrong(made.node, rng)
        except (ValueError, ArithmeticError):
            return []  # the op does not take these values
    return wrong


def _beside(a: np.ndarray, rng: np.random.Generator) -> Any:
    """A small step, away from zero, for floats."""
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
        if not all(map(_same, self.outs, self.run(operands))):
            raise ValueError(
                f"the forward of {op.name} gives different results for the same arguments: fix "
                "its random numbers, and check it again"
            )

    def run(self, operands: list[Any]) -> tuple[Any, ...]:
        """The visible outputs of the forward."""
        with np.errstate(all="ignore"):
            out = run_again(self.op, operands, self.arguments)
        outs = out if isinstance(out, tuple) else (out,)
        return outs[: len(outs) - len(self.op.keeps)]

    def node(self) -> Node | None:
        """Recorded again, with every operand of floats a leaf of its own."""
        leaves = [Tensor(a, requires_grad=True) if _leaf(a) else a for a in self.operands]
        args = [leaves] if self.op.variadic else leaves
        with enable_grad(), np.errstate(all="ignore"):
            out = general(self.op)(*args, **copy.deepcopy(self.arguments))
        if not isinstance(out, tuple):
            return out._node
        return next((part._node.parents[0] for part in out if part._node is not None), None)

    def wrong(self, node: Node, rng: np.random.Generator) -> tuple[list[_Wrong], bool]:
        """The rules of `node`'s op that are wrong, and whether nothing could be decided."""
        fresh = self.node()
        gs = [_signed(rng, np.shape(o)) if _kind(o) == "f" else None for o in self.outs]
        g = gs[0] if len(gs) == 1 and fresh is not None and fresh.shape is not None else None
        incoming = OutputGradients(gs) if g is None else g
        wrong, undecided = [], False
        for position, parent in enumerate(node.parents):
            if not getattr(parent, "needs_grad", False) or not _leaf(self.operands[position]):
                continue
            mistake, decided = self.check(fresh, position, incoming, gs, rng)
            undecided = undecided or not decided
            if mistake is not None:
                wrong.append(_Wrong(self.whose(node, position), mistake))
        return wrong, undecided

    def whose(self, node: Node, position: int) -> str:
        rule = None if self.op.variadic else self.op.rules[position]
        name = self.op.input_name(position)
        where = f" at {short_place(node.place)}" if node.place else ""
        if rule is None and not self.op.variadic:
            return f"{self.op.name}{where} has no rule for its input {name!r}"
        return f"the rule of {self.op.name}{where} for its input {name!r} is wrong"

    def check(
        self, fresh: Node | None, position: int, g: Any, gs: list[Any], rng: np.random.Generator
    ) -> tuple[Mistake | None, bool]:
        """What is wrong with one rule, and whether anything could be said."""
        x = np.asarray(self.operands[position])
        try:
            raw = self.contribution(fresh, position, g)
        except Exception as error:
            return Mistake("failed", f"it fails: {type(error).__name__}: {error}"), True
        got = raw
        if raw is not None:
            try:
                got = fit(np.asarray(raw), x.shape, np.dtype(np.float64))
            except (ValueError, TypeError, AttributeError):
                got = raw  # in a shape that does not fit
        right = self.slopes_at(position, gs, got, rng)
        if not right.known.any():
            return None, x.size == 0
        mistake = self.diagnosed(got, right)
        if mistake is None:
            return None, True
        unsummed = self.unsummed(position, gs)
        if raw is not None and mistake.kind not in ("not connected", "not finite", "shape"):
            with np.errstate(all="ignore"):
                again = self.contribution(fresh, position, _twice(g))
            if np.shape(again) == np.shape(raw) and np.allclose(again, raw):
                text = "it does not depend on the incoming gradient g: multiply by it"
                return Mistake("incoming gradient", text), True
        return self.diagnosed(got, right, unsummed), True

    def diagnosed(self, got: Any, right: Slopes, unsummed: Any = None) -> Mistake | None:
        return diagnose(
            got,
            right.values,
            rtol=right.precision.rtol,
            known=right.known,
            counts=counts_of(*self.operands, *self.outs),
            unsummed=unsummed,
        )

    def contribution(self, fresh: Node | None, position: int, g: Any) -> Any:
        """What the rule gives for one input; None if there is none."""
        if fresh is None:
            return None
        reads = fresh.saved[position]  # type: ignore[index]
        rule = self.op.rule[self.op.inputs[0 if self.op.variadic else position]]
        if reads is None or rule is None:
            return None
        with np.errstate(all="ignore"):
            return rule(g, *reads)

    def slopes_at(self, position: int, gs: list[Any], got: Any, rng: np.random.Generator) -> Slopes:
        """The gradient of one operand by finite differences, for the incoming gradients `gs`."""
        x = np.asarray(self.operands[position])
        if self.op.elementwise:
            each, known, precision = pointwise_slopes(self.moved(position), x)
            values = fit(np.asarray(each * gs[0]), x.shape, np.dtype(np.float64))
            unknown = fit(np.asarray(1.0 - known), x.shape, np.dtype(np.float64))
            return Slopes(np.asarray(values), np.asarray(unknown) == 0, precision)

        def change(moved: np.ndarray) -> float:
            outs = self.run([*self.operands[:position], moved, *self.operands[position + 1 :]])
            trios = zip(outs, self.outs, gs, strict=True)
            with np.errstate(all="ignore"):
                return float(sum(np.sum((o - was) * g) for o, was, g in trios if g is not None))

        return slopes(change, x, got, rng)

    def moved(self, position: int) -> Any:
        """The one output as a function of one operand."""
        before, after = self.operands[:position], self.operands[position + 1 :]
        return lambda x: np.asarray(self.run([*before, x, *after])[0])

    def unsummed(self, position: int, gs: list[Any]) -> np.ndarray | None:
        """The gradient of an operand that was broadcast, before the sum over its copies."""
        x, out = np.asarray(self.operands[position]), self.outs[0]
        if len(gs) > 1 or x.shape == np.shape(out) or np.size(out) > 10_000:
            return None
        try:
            wide = np.broadcast_to(x, np.shape(out)).copy()
            spread = _Call(
                self.op,
                [*self.operands[:position], wide, *self.operands[position + 1 :]],
                self.arguments,
            )
        except (ValueError, TypeError, IndexError):
            return None
        if not _same(spread.outs[0], out):
            return None
        found = spread.slopes_at(position, gs, None, np.random.default_rng(0))
        return found.values if found.known.all() else None


def _leaf(operand: Any) -> bool:
    return isinstance(operand, np.ndarray) and operand.dtype.kind == "f"


def _twice(g: Any) -> Any:
    if isinstance(g, OutputGradients):
        return OutputGradients(None if part is None else 2 * part for part in g)
    return 2 * g


def _kind(value: Any) -> str:
    return np.asarray(value).dtype.kind


def _same(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


# --- what was not recorded ------------------------------------------------------------------------


_LOOK_FOR = (
    "Every op that was recorded is right; look for .detach(), .data, no_grad(), or an op without "
    "any rule"
)


def _unreached(
    f: Any, arguments: list[Any], results: tuple[Tensor, ...], rng: np.random.Generator
) -> list[_Wrong]:
    """Inputs that the results depend on, but that no gradient reaches."""
    reached = _reached(results)
    cut = [
        k
        for k, a in enumerate(arguments)
        if isinstance(a, Tensor) and a._node is not None and a._node.needs_grad and a.size
        if id(a._node) not in reached
    ]
    before = [r.data for r in results]
    wrong = []
    for k in cut:
        moved = list(arguments)
        moved[k] = Tensor(arguments[k].data + 1e-3 * _signed(rng, arguments[k].shape))
        after = [r.data for r in _results(f(*moved))]
        if all(map(_same, before, after)):
            continue
        name = f"input {k} of f"
        text = f"no gradient reaches it, though the result changes with it. {_LOOK_FOR}"
        wrong.append(_Wrong(f"{name} is not connected", Mistake("not connected", text)))
    return wrong


def _partly_cut(
    f: Any, arguments: list[Any], results: tuple[Tensor, ...], rng: np.random.Generator
) -> list[_Wrong]:
    """Inputs that the results depend on in more ways than gradients come back."""
    ends = {node_of(a): k for k, a in enumerate(arguments) if _is_float(a)}
    since = min((node.serial for node in ends), default=0)
    weights = [rng.uniform(0.5, 1.5, r.shape) for r in results]

    def weighed(found: tuple[Tensor, ...]) -> float:
        return sum(float((r.data * w).sum()) for r, w in zip(found, weights))

    def value(given: list[Any]) -> float:
        return weighed(_results(f(*given)))

    here = weighed(results)
    seeds: dict[Node, Any] = {}
    for r, w in zip(results, weights):
        if r.requires_grad:
            seeds[node_of(r)] = seeds.get(node_of(r), 0) + w
    if value(arguments) != here or any(node.saved is None for node in seeds):
        return []  # random, or it went backward itself
    path = path_to(ends, seeds, since)
    gradients = backward_to(ends, path, seeds, retain_graph=True, create_graph=False, lift=wrap)
    wrong = []
    for node, g in gradients.items():
        k = ends[node]
        a = arguments[k]
        step = 1e-6 * np.maximum(1.0, np.abs(a.data)) * _signed(rng, a.shape)
        beside = (Tensor(a.data + sign * step) for sign in (1, -1))
        with np.errstate(all="ignore"):
            above, below = (value([*arguments[:k], x, *arguments[k + 1 :]]) for x in beside)
        expected = float((g * step).sum())
        # At a kink the slopes on the two sides differ, and a rule may choose one between.
        low, high = sorted((above - here, here - below))
        slack = 1e-3 * max(abs(low), abs(high), abs(expected)) + 1e-9 * max(1.0, abs(here))
        if not np.isfinite([low, high, expected]).all() or low - slack <= expected <= high + slack:
            continue
        text = (
            "a part of what leads from it to the result is cut off: the gradients that come back "
            f"explain a change of {expected:.3g} for a small step, but the result changes by "
            f"{(above - below) / 2:.3g}. {_LOOK_FOR}"
        )
        wrong.append(_Wrong(f"input {k} of f is not connected", Mistake("not connected", text)))
    return wrong


def _reached(results: tuple[Tensor, ...]) -> set[int]:
    """The ids of all nodes that gradients flow to from the results."""
    waiting = [r._node for r in results if r.requires_grad]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        # After a backward inside of f nothing is saved any more.
        for parent, reads in zip(node.parents, node.saved or node.parents):  # type: ignore
            if reads is not None:
                waiting.append(parent)
    return seen
