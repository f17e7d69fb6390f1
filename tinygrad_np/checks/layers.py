"""`check_backward` for layers written by hand, in the style of *Neural Networks from Scratch*.

Any object with `forward(inputs)` and `backward(dvalues)`; for the losses of that style,
`forward(predictions, targets)` and `backward(dvalues, targets)`.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from .diagnosis import Mistake, diagnose
from .differences import slopes
from .numeric import GradcheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["check_layer"]


def check_layer(layer: Any, inputs: list[Any], rng: np.random.Generator) -> bool:
    """Hold `dinputs` and the gradient of each parameter against finite differences.

    Raises:
        GradcheckError: names the first gradient that is wrong, and how.
        ValueError: `forward` gives different results for the same arguments.
    """
    probe = _Probe(layer, inputs)
    name = type(layer).__name__
    wrong = [(of, mistake) for of in probe.gradients if (mistake := probe.mistake(of, rng))]
    if not wrong:
        return True
    (of, mistake), *others = wrong
    text = f"{name}.backward: {of} is wrong: {mistake.text}"
    if others:
        text += ". And then " + ", ".join(f"{of} ({mistake.kind})" for of, mistake in others)
    raise GradcheckError(text, mistake.kind)


class _Probe:
    """A layer with its inputs, run again and again on copies in float64."""

    def __init__(self, layer: Any, inputs: list[Any]) -> None:
        self.layer = copy.deepcopy(layer)
        self.inputs = [_double(value) for value in inputs]
        for name in ("weights", "biases"):
            if hasattr(self.layer, name):
                setattr(self.layer, name, _double(getattr(self.layer, name)))
        # A loss: what is checked is the gradient of its mean over the samples.
        self.is_loss = _required(layer.backward) > 1
        ran, self.out = self.run(self.layer, self.inputs)
        if not np.array_equal(self.out, self.run(self.layer, self.inputs)[1], equal_nan=True):
            raise ValueError(
                f"{type(layer).__name__}.forward gives different results for the same arguments: "
                "fix its random numbers, and check it again"
            )
        weigh = np.random.default_rng(0)
        self.dvalues = weigh.uniform(0.5, 1.5, self.out.shape)
        self.dvalues *= weigh.choice([-1.0, 1.0], self.out.shape)
        if self.is_loss:
            given: Any = getattr(ran, "output", None)
            fits = np.shape(given) == np.shape(self.inputs[0])
            answer = ran.backward(given if fits else self.inputs[0], *self.inputs[1:])
            self.dvalues = np.full(self.out.shape, 1 / max(self.out.size, 1))
        else:
            answer = ran.backward(self.dvalues.copy())
        self.gradients = {"dinputs": getattr(ran, "dinputs", answer)}
        for name in ("weights", "biases"):
            if hasattr(self.layer, name):
                self.gradients[f"d{name}"] = getattr(ran, f"d{name}", None)

    def run(self, layer: Any, inputs: list[Any]) -> tuple[Any, np.ndarray]:
        """A copy of the layer that ran forward, and its output."""
        ran = copy.deepcopy(layer)
        takes_mode = "training" in inspect.signature(ran.forward).parameters
        with _same_draws(), np.errstate(all="ignore"):
            out = ran.forward(*inputs, **({"training": True} if takes_mode else {}))
        out = ran.output if out is None else out
        # The book's `calculate` may return the penalties beside the loss.
        return ran, np.asarray(out[0] if isinstance(out, tuple) else out)

    def mistake(self, of: str, rng: np.random.Generator) -> Mistake | None:
        """What is wrong with one gradient."""
        got = self.gradients[of]
        x = self.inputs[0] if of == "dinputs" else getattr(self.layer, of[1:])
        penalty = _penalty_slope(self.layer, of, x)
        fits = np.shape(got) == x.shape
        right = slopes(self.change(of), x, got - penalty if fits else None, rng)
        rows = {"the number of rows": len(self.inputs[0])} if np.ndim(self.inputs[0]) else {}
        return diagnose(
            got,
            right.values + penalty,
            rtol=right.precision.rtol,
            known=right.known,
            counts=rows | {"the number of elements": np.size(self.inputs[0])},
            unsummed=None if of == "dinputs" else self.dvalues,
        )

    def change(self, of: str) -> Callable[[np.ndarray], float]:
        """How sum(output * dvalues) differs when the inputs or a parameter are moved."""

        def difference(moved: np.ndarray) -> float:
            layer, inputs = self.layer, self.inputs
            if of == "dinputs":
                inputs = [moved, *inputs[1:]]
            else:
                layer = copy.copy(layer)
                setattr(layer, of[1:], moved)
            return float(np.sum((self.run(layer, inputs)[1] - self.out) * self.dvalues))

        return difference


def _penalty_slope(layer: Any, of: str, x: np.ndarray) -> Any:
    """What the penalties λ₁ Σ|x| and λ₂ Σx² of the book's layers add to a gradient."""
    kind = {"dweights": "weight", "dbiases": "bias"}.get(of)
    l1 = getattr(layer, f"{kind}_regularizer_l1", 0)
    l2 = getattr(layer, f"{kind}_regularizer_l2", 0)
    return l1 * np.where(x < 0, -1.0, 1.0) + l2 * 2 * x


def _double(value: Any) -> Any:
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else value


def _required(method: Callable) -> int:
    """How many arguments a method needs."""
    needed = (p for p in inspect.signature(method).parameters.values() if p.default is p.empty)
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in needed)


@contextlib.contextmanager
def _same_draws() -> Iterator[None]:
    """NumPy's global random numbers, which the book's Dropout draws, are put back afterwards."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)
