"""`check_backward`: which rule is wrong, and how.

`gradcheck` says that the gradient of a function is wrong; this runs the function once, and holds
each rule of each op in it against finite differences of that op's own forward.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .check import GradcheckError
from .recorder import record
from .tensor import Tensor
from .verdicts import agrees, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .recorder import Flow, Forward

__all__ = ["check_backward"]

_STEP = 1e-5
_KINK = 1e-3  # how much two step sizes may disagree before a point counts as a kink


def check_backward(f: Any, inputs: Sequence[Any], *, seed: int = 0) -> bool:
    """Check every rule that backward runs in `f`, one by one, and name the first wrong one.

    Args:
        f: a function of Tensors that returns a Tensor; or a layer in the style of *Neural Networks
            from Scratch*: an object with `forward(inputs)` and `backward(dvalues)`, whose result is
            returned or left in `output`, and whose gradients are left in `dinputs`, and for
            `weights` and `biases` in `dweights` and `dbiases`.
        inputs: the arguments of `f`. Floats are checked, as float64; the rest is handed on.
        seed: of the random gradient that is sent back from the result.

    Elements where the forward has a kink (two step sizes give two slopes) are left out. `forward`
    of a checked op must give the same result for the same arguments.

    Returns:
        True; a wrong rule is an error.

    Raises:
        GradcheckError: names the first op in the order of the forward pass that has a wrong rule,
            the line that called it, the input, and what is wrong: a constant factor such as 2 or
            1/n, the sign, a transpose, a missing sum over a broadcast axis, a wrong mask, nothing
            at all, or the element that differs most.
        TypeError: `f` does not return a Tensor of floats.
        ValueError: there is nothing to check.
    """
    rng = np.random.default_rng(seed)
    if hasattr(f, "forward") and hasattr(f, "backward"):
        return _check_layer(f, inputs, rng)
    arguments = [
        Tensor(_array(value), requires_grad=True) if _is_float(value) else value for value in inputs
    ]
    with record() as run:
        out = f(*arguments)
        if not isinstance(out, Tensor) or out.dtype.kind != "f":
            raise TypeError(f"check_backward needs f to return a Tensor of floats, not {out!r}")
        if not out.requires_grad:
            raise ValueError(
                "check_backward has nothing to check: no input of floats reaches f's result"
            )
        out.backward(rng.uniform(0.5, 1.5, out.shape))
    sent = {(id(flow.node), flow.position): flow for flow in run.flows}
    for made in run.forward.values():
        if made.node not in run.gradients:
            continue  # the result does not depend on it
        for position, parent in enumerate(made.node.parents):
            if getattr(parent, "needs_grad", False):
                flow = sent.get((id(made.node), position))
                _check_rule(made, position, run.gradients[made.node], flow)
    return True


def _is_float(value: Any) -> bool:
    held = value.data if isinstance(value, Tensor) else value
    return isinstance(held, float) or getattr(getattr(held, "dtype", None), "kind", "") == "f"


def _array(value: Any) -> np.ndarray:
    return np.array(value.data if isinstance(value, Tensor) else value, np.float64)


def _check_rule(made: Forward, position: int, g: Any, flow: Flow | None) -> None:
    """Compare what one rule sent to one input with finite differences of the op's forward."""
    op = made.node.op
    assert op is not None
    params = dict(zip(op.params, made.params))
    operands = [_array(a) if _is_float(a) else a for a in made.operands]

    def value(changed: np.ndarray) -> float:
        given = [*operands[:position], changed, *operands[position + 1 :]]
        out = op.forward(given, **params) if op.variadic else op.forward(*given, **params)
        if op.keeps:
            out = out[: -len(op.keeps)]
            out = out[0] if len(out) == 1 else out
        outs, gradients = (out, g) if isinstance(out, tuple) else ((out,), (g,))
        pairs = zip(outs, gradients, strict=True)
        return float(sum(np.sum(np.asarray(o) * d) for o, d in pairs if d is not None))

    x = operands[position]
    right, smooth = _slope(value, np.asarray(x, np.float64))
    got = None if flow is None else np.asarray(flow.contribution, np.float64)
    if got is None and not right.any():
        return
    shown = got
    if got is not None and got.shape == right.shape:
        shown = np.where(smooth, got, right)
    if agrees(shown, right):
        return
    name = op.input_name(position)
    place = made.node.place
    where = f" at {os.path.basename(place[0])}:{place[1]}" if place else ""
    rule = "has no rule" if op.variadic is False and op.rules[position] is None else "is wrong"
    raise GradcheckError(
        f"the rule of {op.name}{where} for its input {name!r} {rule}: "
        f"{verdict(shown, right, _counts(made))}"
    )


def _counts(made: Forward) -> dict[str, int]:
    """Numbers that a rule forgets or doubles easily."""
    counts: dict[str, int] = {}
    for array in (*made.operands, made.value):
        if isinstance(array, np.ndarray):
            for axis, n in enumerate(array.shape):
                counts.setdefault(f"the length of axis {axis}", n)
            counts.setdefault("the number of elements", array.size)
    return counts


def _slope(f: Callable[[np.ndarray], float], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of f at x by central differences, and where it is smooth."""
    right, smooth = np.empty(x.shape), np.ones(x.shape, bool)
    work = x.copy()
    for k in np.ndindex(x.shape):
        step = _STEP * max(1.0, abs(float(x[k])))
        slopes = []
        for h in (step, step / 2):
            work[k] = x[k] + h
            above = f(work)
            work[k] = x[k] - h
            slopes.append((above - f(work)) / (2 * h))
        work[k] = x[k] + step
        onward = (f(work) - f(x)) / step
        work[k] = x[k]
        right[k] = slopes[1]
        scale = max(abs(slopes[0]), abs(slopes[1]), abs(onward), 1e-6)
        kink = max(abs(slopes[0] - slopes[1]), abs(onward - slopes[1])) > _KINK * scale
        smooth[k] = not kink and bool(np.isfinite(slopes[1]))
    return np.where(np.isfinite(right), right, 0.0), smooth


# --- layers in the book's style -------------------------------------------------------------------


def _check_layer(layer: Any, inputs: Sequence[Any], rng: np.random.Generator) -> bool:
    held = [_array(value) if _is_float(value) else value for value in inputs]

    def output() -> np.ndarray:
        out = layer.forward(*held)
        return np.asarray(layer.output if out is None else out)

    shape = output().shape
    dvalues = rng.uniform(0.5, 1.5, shape)
    layer.backward(dvalues.copy())
    name = type(layer).__name__
    checks = [("dinputs", held, 0)]
    for what in ("weights", "biases"):
        if hasattr(layer, what):
            checks.append((f"d{what}", layer, what))  # type: ignore[arg-type]
    gradients = {gradient: getattr(layer, gradient, None) for gradient, _, _ in checks}
    for gradient, owner, key in checks:
        right, smooth = _slope_of(owner, key, lambda: float(np.sum(output() * dvalues)))
        got = gradients[gradient]
        if got is not None and np.shape(got) == right.shape:
            got = np.where(smooth, got, right)
        if not agrees(got, right):
            rows = {"the number of rows": shape[0]} if shape else {}
            raise GradcheckError(
                f"{name}.backward: {gradient} is wrong: {verdict(got, right, rows)}"
            )
    return True


def _slope_of(owner: Any, key: Any, value: Callable[[], float]) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of `value()` with respect to an array that a list or an object holds."""
    is_list = isinstance(owner, list)
    before = owner[key] if is_list else getattr(owner, key)

    def put(array: Any) -> None:
        if is_list:
            owner[key] = array
        else:
            setattr(owner, key, array)

    def at(array: np.ndarray) -> float:
        put(array.copy())
        return value()

    try:
        return _slope(at, np.asarray(before, np.float64))
    finally:
        put(before)
