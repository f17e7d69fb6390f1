"""A bridge to layers written by hand, in the style of *Neural Networks from Scratch*.

    print(nn.nnfs.compare([dense1, relu1, dense2, softmax_loss], X, y))

runs them forward and backward, runs the same `forward`s on Tensors, which find their gradients
themselves, and shows both side by side, from the last layer to the first.

A layer is any object with `forward(inputs)` and `backward(dvalues)`. Its result is returned or left
in `output`, and its gradients are left in `dinputs`, and for `weights` and `biases` in `dweights`
and `dbiases`. A loss, which can only be the last one, takes `forward(predictions, targets)` and
`backward(dvalues, targets)`.
"""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Mistake, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Comparison", "Row", "compare"]

PARAMETERS = ("weights", "biases")


class Row(NamedTuple):
    """One gradient, computed twice.

    Attributes:
        layer: number (from 1) and class of the layer.
        gradient: the attribute that holds it: "dinputs", "dweights", "dbiases".
        by_hand: what the layer's own `backward` left there; None if nothing.
        on_tensors: the right one.
        mistake: how the two differ (see `tinygrad_np.diagnose`), or None.
    """

    layer: str
    gradient: str
    by_hand: Any
    on_tensors: np.ndarray
    mistake: Mistake | None


class Comparison:
    """The gradients of a network side by side; `print` it. Made by `compare`.

    Attributes:
        rows: a `Row` for each gradient, in the order of backward.
        loss: the loss that the layers gave, penalties left out; None without a loss.
        first: the first row that differs, or None. The rows of the layers below it start from
            wrong values, whatever they do.
    """

    def __init__(self, rows: list[Row], loss: float | None) -> None:
        self.rows = rows
        self.loss = loss
        self.first = next((row for row in rows if row.mistake is not None), None)

    def __bool__(self) -> bool:
        """True if all gradients agree."""
        return self.first is None

    def __str__(self) -> str:
        table = [("layer", "gradient", "by hand", "on Tensors", "largest difference")]
        for k, row in enumerate(self.rows):
            shape = row.on_tensors.shape
            layer = "" if k and self.rows[k - 1].layer == row.layer else row.layer
            by_hand, on_tensors = _start(row.by_hand), _start(row.on_tensors)
            gradient = f"{row.gradient} {shape}"
            table.append((layer, gradient, by_hand, on_tensors, _difference(row)))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in table]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([*lines, "", self.verdict()])

    def verdict(self) -> str:
        """Say in one sentence that they agree, or where the first difference is."""
        if self.first is None:
            return f"All {len(self.rows)} gradients agree."
        assert self.first.mistake is not None
        return (
            f"The first difference is in {self.first.layer}.backward: {self.first.gradient} is "
            f"wrong: {self.first.mistake.text}."
        )


def compare(layers: Sequence[Any], inputs: Any, targets: Any = None) -> Comparison:
    """Run a network of hand-written layers, and the same one on Tensors; compare all gradients.

    Args:
        layers: the layers in the order of forward; the last may be a loss. They are copied, and
            run in float64: the objects themselves stay as they are.
        inputs: what the first layer is given.
        targets: what the loss is given beside its predictions. Without a loss at the end,
            backward starts from random numbers.

    Penalties (`weight_regularizer_l1` and the like) belong to the gradients on both sides. A
    `forward` with a parameter `training` is told True. Both sides draw the same random numbers, if
    they come from `np.random` or a generator that belongs to the layer.

    Raises:
        TypeError: an object without `forward` and `backward`; a `forward` that does not run on
            Tensors.
        ValueError: no layers; a loss that is not the last; targets without a loss, or a loss
            without targets; a `forward` whose result on Tensors is another one.
    """
    layers = list(layers)
    _check(layers, targets)
    data = inputs.data if isinstance(inputs, Tensor) else inputs
    batch = np.array(data, np.float64)
    state = np.random.get_state()
    try:
        hand = _ByHand(layers, batch, targets)
        np.random.set_state(state)
        twin = _OnTensors(layers, batch, targets)
    finally:
        np.random.set_state(state)
    for name, ours, theirs in zip(_names(layers), hand.outputs, twin.outputs, strict=True):
        if not np.allclose(ours, theirs.data, rtol=1e-3, atol=1e-5, equal_nan=True):
            raise ValueError(
                f"{name}.forward gives other values on Tensors than on arrays; does it draw random "
                "numbers from somewhere else than np.random?"
            )
    hand.backward()
    twin.backward()
    # After nnfs.init() np.dot gives float32, whatever it is given.
    one = np.ones((1, 1), np.float64)
    single = any(a.dtype == np.float32 for a in (np.dot(one, one), *hand.outputs))
    counts = {"the number of rows": len(batch), "the number of elements": batch.size}
    names = _names(layers)
    rows = []
    for k in reversed(range(len(layers))):
        for gradient, right in twin.gradients(k):
            answer = hand.gradients[k].get(gradient)
            if isinstance(answer, Exception):
                text = f"backward failed: {type(answer).__name__}: {answer}"
                mistake: Mistake | None = Mistake("failed", text)
                answer = None
            else:
                mistake = tg.diagnose(
                    answer,
                    right,
                    rtol=1e-3 if single else 1e-7,
                    counts=counts,
                    unsummed=hand.dvalues.get(k) if gradient != "dinputs" else None,
                )
            rows.append(Row(names[k], gradient, answer, right, mistake))
        if hand.end == k:
            break
    loss = float(np.mean(hand.outputs[-1])) if _is_loss(layers[-1]) else None
    return Comparison(rows, loss)


# --- the two sides --------------------------------------------------------------------------------


class _ByHand:
    """The layers as they are, on arrays; backward came as far as layer `end`."""

    def __init__(self, layers: list[Any], inputs: np.ndarray, targets: Any) -> None:
        self.layers = [_copy_layer(layer, lambda name, array: array) for layer in layers]
        self.inputs = inputs
        self.targets = targets
        self.outputs: list[np.ndarray] = []
        self.dvalues: dict[int, Any] = {}
        self.gradients: list[dict[str, Any]] = [{} for _ in layers]
        self.end: int | None = None
        out: Any = inputs
        for layer in self.layers:
            out = _forward(layer, out, targets)
            self.outputs.append(np.asarray(out))

    def backward(self) -> None:
        dvalues: Any = _seed(self.outputs[-1].shape)
        for k in reversed(range(len(self.layers))):
            layer = self.layers[k]
            if _is_loss(layer):
                predictions = self.outputs[k - 1] if k else self.inputs
                own: Any = getattr(layer, "output", None)  # of softmax and loss in one
                if np.shape(own) == predictions.shape:
                    predictions = own
                arguments = [predictions, self.targets]
            else:
                self.dvalues[k] = dvalues
                arguments = [dvalues]
            try:
                answer = layer.backward(*map(_copy, arguments))
            except Exception as error:
                names = ("dinputs", *_parameters(layer, "d"))
                self.gradients[k] = dict.fromkeys(names, error)
                self.end = k
                return
            dvalues = getattr(layer, "dinputs", answer)
            self.gradients[k]["dinputs"] = dvalues
            for name in _parameters(layer, "d"):
                self.gradients[k][name] = getattr(layer, name, None)
            if dvalues is None and k:
                self.end = k
                return


class _OnTensors:
    """The same `forward`s on Tensors."""

    def __init__(self, layers: list[Any], inputs: np.ndarray, targets: Any) -> None:
        self.layers = [
            _copy_layer(layer, lambda name, a: Tensor(a, requires_grad=True, name=name))
            for layer in layers
        ]
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        out: Any = Tensor(inputs, requires_grad=True, name="inputs")
        for name, layer in zip(_names(layers), self.layers, strict=True):
            out.retain_grad()
            self.inputs.append(out)
            try:
                out = _forward(layer, out, targets)
            except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
                raise _not_on_tensors(name, f"{type(error).__name__}: {error}") from error
            if not isinstance(out, Tensor) or not out.requires_grad:
                raise _not_on_tensors(name, f"its result is {type(out).__name__} without gradient")
            self.outputs.append(out)

    def backward(self) -> None:
        result = self.outputs[-1]
        if _is_loss(self.layers[-1]):
            total = result.mean()
        else:
            total = (result * _seed(result.shape)).sum()
        for layer in self.layers:
            total = total + _penalty(layer)
        total.backward()

    def gradients(self, k: int) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the names and values of the gradients of one layer."""
        layer = self.layers[k]
        values = {f"d{name}": getattr(layer, name) for name in _parameters(layer)}
        values["dinputs"] = self.inputs[k]
        for name, value in values.items():
            grad = value.grad
            yield name, np.zeros(value.shape, np.float64) if grad is None else grad.numpy()


def _not_on_tensors(name: str, reason: str) -> TypeError:
    """Make the error for a layer whose forward does not run on Tensors."""
    return TypeError(
        f"{name}.forward does not run on Tensors ({reason}): it must be made of NumPy functions "
        "and operators that tinygrad_np supports. tinygrad_np.check_backward(layer, [inputs]) "
        "holds its backward against finite differences instead"
    )


def _copy_layer(layer: Any, convert: Callable[[str, np.ndarray], Any]) -> Any:
    """Return a copy of a layer with its parameters converted, from arrays of float64."""
    twin = copy.deepcopy(layer)
    for name in _parameters(twin):
        array = np.array(getattr(twin, name), np.float64)
        setattr(twin, name, convert(name, array))
    return twin


def _forward(layer: Any, value: Any, targets: Any) -> Any:
    """Run a layer forward, in training mode, and return its result."""
    arguments = [value, targets] if _is_loss(layer) else [value]
    takes_mode = "training" in inspect.signature(layer.forward).parameters
    out = layer.forward(*arguments, **({"training": True} if takes_mode else {}))
    if out is None:
        if not hasattr(layer, "output"):
            raise TypeError(f"{type(layer).__name__}.forward neither returns nor sets output")
        out = layer.output
    return out[0] if isinstance(out, tuple) else out  # the loss, not the penalties beside it


def _penalty(layer: Any) -> Any:
    """Return the penalties λ₁ Σ|w| and λ₂ Σw² that the book's layers have in their gradients."""
    total: Any = 0.0
    for name, kind in zip(PARAMETERS, ("weight", "bias"), strict=True):
        for power, norm in (("l1", tg.abs), ("l2", tg.square)):
            strength = getattr(layer, f"{kind}_regularizer_{power}", 0)
            if strength:
                total = total + strength * tg.sum(norm(getattr(layer, name)))
    return total


def _parameters(layer: Any, prefix: str = "") -> list[str]:
    """Return the names of a layer's parameters, or with the prefix "d" of their gradients."""
    return [prefix + name for name in PARAMETERS if hasattr(layer, name)]


def _is_loss(layer: Any) -> bool:
    """Say if backward needs the targets too."""
    required = [
        p
        for p in inspect.signature(layer.backward).parameters.values()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    return len(required) > 1


def _check(layers: list[Any], targets: Any) -> None:
    """Raise unless these are layers, and targets are there if and only if a loss is."""
    if not layers:
        raise ValueError("compare needs at least one layer")
    names = _names(layers)
    for name, layer in zip(names, layers, strict=True):
        for method in ("forward", "backward"):
            if not callable(getattr(layer, method, None)):
                raise TypeError(f"{name} has no {method}: a layer needs forward and backward")
    for name, layer in zip(names, layers[:-1]):
        if _is_loss(layer):
            raise ValueError(f"{name} takes targets: a loss can only be the last layer")
    takes_targets = _is_loss(layers[-1])
    if takes_targets and targets is None:
        raise ValueError(f"{names[-1]} takes targets, but none were given")
    if targets is not None and not takes_targets:
        raise ValueError(f"targets were given, but {names[-1]}.backward does not take any")


def _names(layers: list[Any]) -> list[str]:
    return [f"{k} {type(layer).__name__}" for k, layer in enumerate(layers, 1)]


def _seed(shape: tuple[int, ...]) -> np.ndarray:
    """Draw the gradient to start from without a loss: numbers of both signs, none small."""
    rng = np.random.default_rng(0)
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


# --- a row as text --------------------------------------------------------------------------------


def _start(values: Any, most: int = 3) -> str:
    """Show the first numbers of an array."""
    if values is None:
        return "none"
    flat = np.ravel(values)
    more = " ..." if flat.size > most else ""
    return " ".join(f"{v:9.3g}" for v in flat[:most]) + more


def _difference(row: Row) -> str:
    """Show the largest difference, with an arrow if it is a mistake."""
    if row.by_hand is None:
        return "-"
    if np.shape(row.by_hand) != row.on_tensors.shape:
        return f"shape {np.shape(row.by_hand)}"
    if row.on_tensors.size == 0:
        return "0"
    difference = np.asarray(row.by_hand, np.float64) - row.on_tensors
    largest = float(np.max(np.abs(difference)))
    text = f"{largest:.1e}" if largest >= 1e-12 else "< 1e-12"
    return text if row.mistake is None else f"{text}  <-"
