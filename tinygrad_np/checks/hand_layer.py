"""Layers written by hand: run in float64, and their gradients held against differences."""

from __future__ import annotations

import contextlib
import copy
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from .differences import signed_weights
from .hand_check import mistake_of
from .hand_twin import gradients_on_tensors
from .parameters import Parameter, is_floats, pairs, strays

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .diagnosis import Mistake

INPUT_GRADIENTS = ("dinputs", "dinput", "dx", "dX", "d_inputs", "grad_input")


class HandLayer:
    """A layer written by hand, an object with `forward` and `backward`, run in float64.

    Args:
        layer: the layer; it is copied.
        inputs: what forward takes: the inputs, and for a loss the targets.
        earlier: the same layer where it was used before, if it was: it goes on from there.

    Attributes:
        layer: a copy that has run nothing.
        is_loss: True if `backward` takes the targets too.
        output: the result of its forward.
        dvalues: the incoming gradient, after `backward`.
        gradients: what backward left, by the name of the attribute; None where it left nothing.
        parameters: the parameters that these belong to, by the same names.
        strays: names of gradients that belong to no parameter.
        error: what backward raised.
    """

    def __init__(self, layer: Any, inputs: list[Any], earlier: HandLayer | None = None) -> None:
        self.layer = copy.deepcopy(layer)
        self.inputs = inputs
        self.is_loss = self.takes_targets(layer)
        self.parameters = self._find_parameters()
        for parameter in self.parameters.values():
            parameter.set(self.layer, np.array(parameter.get(self.layer), np.float64))
        start = self.layer if earlier is None else earlier.done
        self.done: Any
        self.done, self.output = self.forward(start, inputs)
        self.dvalues = np.zeros(0)
        self.gradients: dict[str, Any] = {}
        self.strays: list[str] = []
        self.error: Exception | None = None

    @staticmethod
    def takes_targets(layer: Any) -> bool:
        """Say if a layer's backward needs the targets too: a loss."""
        required = [
            p
            for p in inspect.signature(layer.backward).parameters.values()
            if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        return len(required) > 1

    def backward(self, dvalues: Any = None, seed: int = 0) -> None:
        """Run backward, from random numbers if nothing is given, or for a loss from its mean."""
        if dvalues is None and self.is_loss:
            dvalues = np.full(self.output.shape, 1 / max(self.output.size, 1))
        elif dvalues is None:
            dvalues = signed_weights(np.random.default_rng(seed), self.output.shape)
        self.dvalues = dvalues
        self.before = self.done
        self.done, self.gradients, self.error = self.run_backward(dvalues)
        self.strays = strays(self.done, self.parameters.values())

    def _find_parameters(self) -> dict[str, Parameter]:
        """Find the arrays with a gradient beside them that forward does not set itself."""
        done, output = self.forward(self.layer, self.inputs)
        with contextlib.suppress(Exception), np.errstate(all="ignore"):  # reported by the real run
            self._call_backward(done, np.ones(output.shape))
        found = {}
        for parameter in pairs(done):
            value = parameter.get(self.layer)
            if not is_floats(value):
                continue
            moved = copy.deepcopy(self.layer)
            parameter.set(moved, value + 1)
            try:
                moved, _ = self.forward(moved, self.inputs)
            except (ValueError, ArithmeticError):
                continue
            if np.array_equal(parameter.get(moved), value + 1, equal_nan=True):
                found[parameter.gradient] = parameter
        return found

    # --- running ----------------------------------------------------------------------------------

    def forward(self, layer: Any, inputs: list[Any]) -> tuple[Any, np.ndarray]:
        """Return a copy of the layer after its forward, and the output."""
        layer = copy.deepcopy(layer)
        with np.errstate(all="ignore"):
            return layer, np.asarray(self.run_forward(layer, inputs))

    def run_forward(self, layer: Any, arguments: list[Any]) -> Any:
        """Run a layer forward, in training mode, and return its result.

        Raises:
            TypeError: it neither returns it nor leaves it in `output`.
        """
        takes_mode = "training" in inspect.signature(layer.forward).parameters
        with _same_draws():
            out = layer.forward(*arguments, **({"training": True} if takes_mode else {}))
        if out is None:
            if not hasattr(layer, "output"):
                raise TypeError(f"{type(layer).__name__}.forward neither returns nor sets output")
            out = layer.output
        return out[0] if isinstance(out, tuple) else out  # the loss, not the penalties beside it

    @property
    def input_gradient(self) -> str:
        """The name of the gradient of the inputs."""
        return next((name for name in self.gradients if name not in self.parameters), "dinputs")

    def on_tensors(self, title: str) -> dict[str, np.ndarray]:
        """Return the right gradients: those that the same forward on Tensors finds.

        Raises:
            TypeError: it does not run on Tensors.
            ValueError: its result on Tensors is another one.
        """
        return gradients_on_tensors(self, title)

    def _call_backward(self, layer: Any, dvalues: np.ndarray) -> Any:
        if not self.is_loss:
            return layer.backward(dvalues.copy())
        predictions, *targets = self.inputs
        own: Any = getattr(layer, "output", None)  # of softmax and loss in one
        fits = np.shape(own) == np.shape(predictions)
        return layer.backward((own if fits else predictions).copy(), *targets)

    def run_backward(self, dvalues: np.ndarray) -> tuple[Any, dict[str, Any], Exception | None]:
        """Return a copy of the layer after its backward, the gradients, and what it raised."""
        done = copy.deepcopy(self.before)
        try:
            with _same_draws(), np.errstate(all="ignore"):
                answer = self._call_backward(done, dvalues)
        except Exception as error:
            return done, {}, error
        gradients = {}
        if is_floats(np.asarray(self.inputs[0])):
            name, gradients_of_inputs = input_gradient(done, answer)
            gradients[name] = gradients_of_inputs
        for name, parameter in self.parameters.items():
            gradients[name] = parameter.get_gradient(done)
        return done, gradients, None

    def repeats(self) -> bool:
        """Say if forward gives the same again."""
        _, again = self.forward(self.layer, self.inputs)
        return np.array_equal(self.output, again, equal_nan=True)

    def mistake(self, name: str, right: np.ndarray | None = None) -> Mistake | None:
        """Diagnose one gradient; None if it is right, or a choice at kinks.

        Args:
            name: that of the attribute.
            right: the right one, if it is known away from kinks. Then only what differs from it is
                held against finite differences.
        """
        return mistake_of(self, name, right)


def input_gradient(layer: Any, answer: Any) -> tuple[str, Any]:
    """Return the gradient of the inputs, and the attribute that holds it.

    Args:
        layer: the layer after its backward.
        answer: what backward returned.
    """
    for name in INPUT_GRADIENTS:
        value = getattr(layer, name, None)
        if value is not None:
            return name, value
    return "dinputs", answer[0] if isinstance(answer, tuple) else answer


@contextlib.contextmanager
def _same_draws() -> Iterator[None]:
    """Restore the state of NumPy's global random numbers, which the book's Dropout draws."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)
