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
from .differences import signed_weights, slopes
from .numeric import GradcheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def check_layer(layer: Any, inputs: list[Any], rng: np.random.Generator) -> bool:
    """Compare `dinputs` and the gradient of each parameter with finite differences.

    Raises:
        GradcheckError: names the first gradient that is wrong, and how.
        ValueError: `forward` gives different results for the same arguments.
    """
    run = _LayerRun(layer, inputs)
    mistakes = {name: run.mistake(name, rng) for name in run.gradients}
    wrong = [(name, mistake) for name, mistake in mistakes.items() if mistake]
    if not wrong:
        return True
    (name, mistake), *others = wrong
    text = f"{type(layer).__name__}.backward: {name} is wrong: {mistake.text}"
    if others:
        more = [f"{other} ({its.kind})" for other, its in others]
        text += f". And then {', '.join(more)}"
    raise GradcheckError(text, mistake.kind)


class _LayerRun:
    """A layer with its inputs, run again and again on copies in float64."""

    def __init__(self, layer: Any, inputs: list[Any]) -> None:
        self.layer = copy.deepcopy(layer)
        self.inputs = [_double(value) for value in inputs]
        parameters = [name for name in ("weights", "biases") if hasattr(layer, name)]
        for name in parameters:
            setattr(self.layer, name, _double(getattr(self.layer, name)))
        # A loss: what is checked is the gradient of its mean over the samples.
        self.is_loss = _required(layer.backward) > 1
        done, self.out = self.run(self.layer, self.inputs)
        _, again = self.run(self.layer, self.inputs)
        if not np.array_equal(self.out, again, equal_nan=True):
            raise ValueError(
                f"{type(layer).__name__}.forward gives different results for the same arguments: "
                "fix its random numbers, and check it again"
            )
        if self.is_loss:
            self.dvalues = np.full(self.out.shape, 1 / max(self.out.size, 1))
            predictions, *targets = self.inputs
            output: Any = getattr(done, "output", None)
            fits = np.shape(output) == np.shape(predictions)
            dinputs = done.backward(output if fits else predictions, *targets)
        else:
            self.dvalues = signed_weights(np.random.default_rng(0), self.out.shape)
            dinputs = done.backward(self.dvalues.copy())
        self.gradients = {"dinputs": getattr(done, "dinputs", dinputs)}
        for name in parameters:
            self.gradients[f"d{name}"] = getattr(done, f"d{name}", None)

    def run(self, layer: Any, inputs: list[Any]) -> tuple[Any, np.ndarray]:
        """Return a copy of the layer after its forward, and the output."""
        layer = copy.deepcopy(layer)
        takes_mode = "training" in inspect.signature(layer.forward).parameters
        mode = {"training": True} if takes_mode else {}
        with _same_draws(), np.errstate(all="ignore"):
            out = layer.forward(*inputs, **mode)
        out = layer.output if out is None else out
        # The book's `calculate` may return the penalties beside the loss.
        return layer, np.asarray(out[0] if isinstance(out, tuple) else out)

    def mistake(self, name: str, rng: np.random.Generator) -> Mistake | None:
        """Diagnose one gradient."""
        gradient = self.gradients[name]
        first = self.inputs[0]
        x = first if name == "dinputs" else getattr(self.layer, name[1:])
        penalty = _penalty_slope(self.layer, name, x)
        smooth = gradient - penalty if np.shape(gradient) == x.shape else None
        right = slopes(self.change(name), x, smooth, rng)
        counts = {"the number of rows": len(first)} if np.ndim(first) else {}
        counts["the number of elements"] = np.size(first)
        return diagnose(
            gradient,
            right.values + penalty,
            rtol=right.precision.rtol,
            known=right.known,
            counts=counts,
            unsummed=None if name == "dinputs" else self.dvalues,
        )

    def change(self, name: str) -> Callable[[np.ndarray], float]:
        """Return how much sum(output * dvalues) changes when inputs or a parameter are moved."""

        def difference(moved: np.ndarray) -> float:
            layer, inputs = self.layer, self.inputs
            if name == "dinputs":
                inputs = [moved, *inputs[1:]]
            else:
                layer = copy.copy(layer)
                setattr(layer, name[1:], moved)
            _, out = self.run(layer, inputs)
            return float(np.sum((out - self.out) * self.dvalues))

        return difference


def _penalty_slope(layer: Any, name: str, x: np.ndarray) -> Any:
    """Return the part of a gradient that comes from the book's penalties λ₁ Σ|x| and λ₂ Σx²."""
    kind = {"dweights": "weight", "dbiases": "bias"}.get(name)
    l1 = getattr(layer, f"{kind}_regularizer_l1", 0)
    l2 = getattr(layer, f"{kind}_regularizer_l2", 0)
    return l1 * np.where(x < 0, -1.0, 1.0) + l2 * 2 * x


def _double(value: Any) -> Any:
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else value


def _required(method: Callable) -> int:
    """Count the arguments that a method needs."""
    parameters = inspect.signature(method).parameters.values()
    needed = [p for p in parameters if p.default is p.empty]
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in needed)


@contextlib.contextmanager
def _same_draws() -> Iterator[None]:
    """Restore the state of NumPy's global random numbers, which the book's Dropout draws."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)
